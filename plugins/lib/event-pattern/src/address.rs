//! Ranges of IP addresses (`cidr`).
//!
//! As in AWS's engine, a range starts at the address in the pattern: `10.0.0.5/24` does not contain `10.0.0.1`.

use std::net::IpAddr;

/// The addresses from the one in the pattern to the last one of its network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cidr {
    bottom: IpAddr,
    top: IpAddr,
}

impl Cidr {
    /// Parses a range such as `10.0.0.0/8` or `2001:db8::/32`.
    ///
    /// # Errors
    ///
    /// Returns AWS's message if the range is malformed.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (address, bits) = text
            .split_once('/')
            .filter(|(_, bits)| !bits.contains('/'))
            .ok_or("Malformed CIDR, one '/' required")?;
        let bits: i64 = bits
            .parse()
            .map_err(|_| "Malformed CIDR, mask bits must be an integer")?;
        let bits =
            u32::try_from(bits).map_err(|_| "Malformed CIDR, mask bits must not be negative")?;
        let bottom: IpAddr = address
            .parse()
            .map_err(|_| format!("Nonstandard IP address: {address}"))?;
        let top = match bottom {
            IpAddr::V4(address) if bits < 32 => {
                IpAddr::from((u32::from(address) | u32::MAX >> bits).to_be_bytes())
            }
            IpAddr::V6(address) if bits < 128 => {
                IpAddr::from((u128::from(address) | u128::MAX >> bits).to_be_bytes())
            }
            IpAddr::V4(_) => return Err("IPv4 mask bits must be < 32".to_owned()),
            IpAddr::V6(_) => return Err("IPv6 mask bits must be < 128".to_owned()),
        };
        Ok(Self { bottom, top })
    }

    /// Whether a text is an address in the range.
    pub fn contains(&self, text: &str) -> bool {
        text.parse::<IpAddr>().is_ok_and(|address| {
            address.is_ipv4() == self.bottom.is_ipv4()
                && (self.bottom..=self.top).contains(&address)
        })
    }
}

/// Whether two texts are the same address, possibly in different forms such as `::1` and `0:0:0:0:0:0:0:1`.
pub fn is_same(left: &str, right: &str) -> bool {
    matches!((left.parse::<IpAddr>(), right.parse::<IpAddr>()), (Ok(left), Ok(right)) if left == right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_contain_the_addresses_of_their_network() {
        for (cidr, address, expected) in [
            ("10.0.0.0/24", "10.0.0.0", true),
            ("10.0.0.0/24", "10.0.0.255", true),
            ("10.0.0.0/24", "10.0.1.0", false),
            ("10.0.0.5/24", "10.0.0.4", false),
            ("0.0.0.0/0", "255.255.255.255", true),
            ("0.0.0.0/0", "::1", false),
            ("10.0.0.0/24", "10.0.0", false),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("2001:db8::/32", "2001:db9::", false),
        ] {
            let parsed = Cidr::parse(cidr).unwrap();
            assert_eq!(parsed.contains(address), expected, "{cidr} {address}");
        }
        assert!(is_same("::1", "0:0:0:0:0:0:0:1"));
        assert!(!is_same("a", "a"));
    }

    #[test]
    fn malformed_ranges_are_rejected() {
        for (text, expected) in [
            ("10.0.0.0", "Malformed CIDR, one '/' required"),
            ("10.0.0.0/1/2", "Malformed CIDR, one '/' required"),
            ("10.0.0.0/x", "Malformed CIDR, mask bits must be an integer"),
            (
                "10.0.0.0/-1",
                "Malformed CIDR, mask bits must not be negative",
            ),
            ("host/8", "Nonstandard IP address: host"),
            ("10.0.0.0/32", "IPv4 mask bits must be < 32"),
            ("::/128", "IPv6 mask bits must be < 128"),
        ] {
            assert_eq!(Cidr::parse(text).unwrap_err(), expected, "{text}");
        }
    }
}
