//! Hosts and origins: their syntax, and what they say about who decides where a name leads.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Names that public DNS does not have (RFC 2606, RFC 6762, and ICANN's reservation of `.internal`), and names below
/// which only AWS decides where they lead: the suffixes of its partitions in botocore's `partitions.json`, and that of
/// function URLs. No other site can make one of them lead to this machine.
const LOCAL_SUFFIXES: [&str; 19] = [
    ".test",
    ".local",
    ".internal",
    ".example",
    ".amazonaws.com",
    ".amazonaws.com.cn",
    ".amazonaws.eu",
    ".on.aws",
    ".api.aws",
    ".api.amazonwebservices.com.cn",
    ".api.amazonwebservices.eu",
    ".c2s.ic.gov",
    ".api.aws.ic.gov",
    ".sc2s.sgov.gov",
    ".api.aws.scloud",
    ".cloud.adc-e.uk",
    ".api.cloud-aws.adc-e.uk",
    ".csp.hci.ic.gov",
    ".api.aws.hci.ic.gov",
];

/// What the name of a host says about who decides where it leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HostKind {
    /// A loopback address, or a name that stands for one in every browser.
    Loopback,
    /// An address, or a name that no foreign site can have.
    Local,
    /// A name that may be a foreign site's.
    Public,
}

impl HostKind {
    /// `None` if the text is not a host.
    pub(super) fn of(host: &str) -> Option<Self> {
        if let Some(address) = host.strip_prefix('[') {
            let address = address.strip_suffix(']')?;
            // Some clients send the zone of a link-local address.
            let address = address
                .split_once('%')
                .map_or(address, |(address, _)| address);
            return address.parse().ok().map(Self::of_v6);
        }
        if let Ok(address) = host.parse::<Ipv6Addr>() {
            return Some(Self::of_v6(address));
        }
        let name = without_root(host);
        if name.is_empty() || !is_name(name) {
            return None;
        }
        if name.eq_ignore_ascii_case("localhost") || has_suffix(name, ".localhost") {
            return Some(Self::Loopback);
        }
        if let Ok(address) = name.parse::<Ipv4Addr>() {
            return Some(match address.is_loopback() {
                true => Self::Loopback,
                false => Self::Local,
            });
        }
        // The other notations of IPv4 addresses, such as `127.1`, end in a number, which no name in DNS does.
        let is_local = !name.contains('.')
            || name.split('.').all(is_number)
            || LOCAL_SUFFIXES.iter().any(|suffix| has_suffix(name, suffix));
        Some(match is_local {
            true => Self::Local,
            false => Self::Public,
        })
    }

    /// Browsers do not count the IPv4 addresses in IPv6 notation among the loopback addresses.
    fn of_v6(address: Ipv6Addr) -> Self {
        match address.is_loopback() {
            true => Self::Loopback,
            false => Self::Local,
        }
    }
}

/// The host of `host[:port]`; an IPv6 address may be in brackets or, without a port, bare. `None` if this is not the
/// form of the text.
pub(super) fn host_of(authority: &str) -> Option<&str> {
    let is_port = |port: &str| port.len() <= 5 && port.bytes().all(|byte| byte.is_ascii_digit());
    if authority.starts_with('[') {
        let (host, rest) = authority.split_at(authority.find(']')? + 1);
        let port = rest.strip_prefix(':').unwrap_or(rest);
        return (rest.len() != port.len() || rest.is_empty())
            .then_some(host)
            .filter(|_| is_port(port));
    }
    match authority.split_once(':') {
        None => Some(authority),
        Some((host, port)) if is_port(port) => Some(host),
        Some(_) => authority.parse::<Ipv6Addr>().is_ok().then_some(authority),
    }
}

/// A name without the dot that stands for the root of DNS.
pub(super) fn without_root(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

/// Whether a text has only characters of host names.
pub(super) fn is_name(text: &str) -> bool {
    let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_legal)
}

/// Whether a label is a number in the notation of IPv4 addresses.
fn is_number(label: &str) -> bool {
    match strip_prefix(label, "0x") {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

/// Whether a name ends in `suffix`, which starts with a dot, and has more in front of it.
pub(super) fn has_suffix(name: &str, suffix: &str) -> bool {
    strip_suffix(name, suffix).is_some_and(|rest| !rest.is_empty())
}

pub(super) fn strip_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

pub(super) fn strip_suffix<'a>(text: &'a str, suffix: &str) -> Option<&'a str> {
    let (rest, end) = text.split_at_checked(text.len().checked_sub(suffix.len())?)?;
    end.eq_ignore_ascii_case(suffix).then_some(rest)
}

/// Whether an origin is a page that a server on this machine has served.
pub(super) fn is_loopback_origin(origin: &str) -> bool {
    let authority = strip_prefix(origin, "http://").or_else(|| strip_prefix(origin, "https://"));
    let host = authority.and_then(host_of);
    host.and_then(HostKind::of) == Some(HostKind::Loopback)
}
