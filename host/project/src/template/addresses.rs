//! Blocks of IP addresses, for `Fn::Cidr`.

use std::net::{Ipv4Addr, Ipv6Addr};

/// The first `count` blocks of addresses in `block` that leave `bits` bits to the addresses in them. None if that is not
/// possible.
pub(super) fn cidr(block: &str, count: &str, bits: &str) -> Option<Vec<String>> {
    let (address, prefix) = block.split_once('/')?;
    let (count, bits): (u32, u32) = (count.parse().ok()?, bits.parse().ok()?);
    let prefix: u32 = prefix.parse().ok()?;
    if !(1..=256).contains(&count) {
        return None;
    }
    let (start, width) = match address.parse::<Ipv4Addr>() {
        Ok(address) => (u128::from(u32::from(address)), 32),
        Err(_) => (u128::from(address.parse::<Ipv6Addr>().ok()?), 128),
    };
    let free = u32::checked_sub(width, prefix)?;
    if bits > free
        || bits >= 128
        || u128::from(count) > 1_u128.checked_shl(free - bits).unwrap_or(u128::MAX)
    {
        return None;
    }
    let mask = u128::MAX.checked_shl(free).unwrap_or(0);
    let start = start & mask;
    let blocks = (0..u128::from(count)).map(|index| {
        let address = start + (index << bits);
        let shown = if width == 32 {
            u32::try_from(address).map(|address| Ipv4Addr::from(address).to_string())
        } else {
            Ok(Ipv6Addr::from(address).to_string())
        };
        Some(format!("{}/{}", shown.ok()?, width - bits))
    });
    blocks.collect()
}

#[cfg(test)]
mod tests {
    use super::cidr;

    #[test]
    fn blocks_are_parted() {
        let blocks = cidr("10.0.0.0/16", "3", "8").unwrap();
        assert_eq!(blocks, ["10.0.0.0/24", "10.0.1.0/24", "10.0.2.0/24"]);
        let blocks = cidr("2001:db8::/56", "2", "64").unwrap();
        assert_eq!(blocks, ["2001:db8::/64", "2001:db8:0:1::/64"]);
        assert_eq!(cidr("10.0.0.0/24", "2", "8"), None);
        assert_eq!(cidr("10.0.0.0/99", "2", "8"), None);
        assert_eq!(cidr("0.0.0.0/0", "1", "32").unwrap(), ["0.0.0.0/0"]);
        assert_eq!(cidr("::/0", "256", "127"), None);
        assert_eq!(cidr("x", "1", "1"), None);
    }
}
