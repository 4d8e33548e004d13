//! Several triggers on one address, told apart by the host and the beginning of the path.
//!
//! Of the triggers that take a request, the one with the most specific host has it: a name before a pattern, and a
//! longer pattern before a shorter one. If several are equal in that, the one with the longest prefix has it. The path
//! stays as the client sent it.

use std::fmt;

use lambkin_http::HostPattern;

/// Which requests at an address are for a trigger.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The hosts; without any, all.
    pub host_names: Vec<HostPattern>,
    /// The beginning of the path, in whole segments, without a `/` at its end; empty for all paths.
    pub path_prefix: String,
}

/// How well a request fits a place. A greater one fits better.
pub(crate) type Fit = (usize, usize, usize);

impl Place {
    /// How well a request to this host, without a port, and this path fits; `None` if it is for others.
    pub(crate) fn fit(&self, host: &str, path: &str) -> Option<Fit> {
        let rest = path.strip_prefix(self.path_prefix.as_str())?;
        if !rest.is_empty() && !rest.starts_with('/') {
            return None;
        }
        let prefix = self.path_prefix.len();
        if self.host_names.is_empty() {
            return Some((0, 0, prefix));
        }
        let fits = self.host_names.iter().filter(|name| name.matches(host));
        fits.map(|name| {
            let name = name.as_str();
            let class = if name.starts_with('*') { 1 } else { 2 };
            (class, name.len(), prefix)
        })
        .max()
    }

    /// A host of the place, if it is not for all hosts.
    pub(crate) fn sample_host(&self) -> Option<String> {
        let names = || self.host_names.iter().map(HostPattern::as_str);
        let plain = names().find(|name| !name.starts_with('*'));
        let name = plain.or_else(|| names().next())?;
        Some(name.replacen('*', "www", 1))
    }

    /// A host and prefix that both places have. Which of the two a request is for would be unclear.
    pub fn shares_with(&self, other: &Self) -> Option<String> {
        if self.path_prefix != other.path_prefix {
            return None;
        }
        if self.host_names.is_empty() && other.host_names.is_empty() {
            let every = Self {
                host_names: Vec::new(),
                ..self.clone()
            };
            return Some(every.to_string());
        }
        let mut names = self.host_names.iter();
        let shared = names.find(|name| other.host_names.contains(name))?;
        let shared = Self {
            host_names: vec![shared.clone()],
            ..self.clone()
        };
        Some(shared.to_string())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.host_names.iter().map(HostPattern::as_str).collect();
        match names.as_slice() {
            [] => f.write_str("all hosts")?,
            names => write!(f, "host {}", names.join(", "))?,
        }
        match self.path_prefix.as_str() {
            "" => f.write_str(", all paths"),
            prefix => write!(f, ", paths from {prefix}"),
        }
    }
}

/// The host of an authority, without its port, in lower case.
pub(crate) fn host_of(authority: &str) -> String {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    host.trim_end_matches('.').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(hosts: &[&str], prefix: &str) -> Place {
        let pattern = |host: &&str| HostPattern::parse(host).unwrap();
        Place {
            host_names: hosts.iter().map(pattern).collect(),
            path_prefix: prefix.to_owned(),
        }
    }

    #[test]
    fn the_most_specific_host_and_then_the_longest_prefix_has_a_request() {
        let places = [
            place(&[], ""),
            place(&[], "/orders"),
            place(&[], "/orders/new"),
            place(&["*.example.com"], ""),
            place(&["*.a.example.com"], ""),
            place(&["api.example.com", "other.test"], ""),
            place(&["api.example.com"], "/orders"),
        ];
        let chosen = |host: &str, path: &str| {
            let fits = places.iter().map(|place| place.fit(host, path));
            fits.enumerate()
                .filter_map(|(index, fit)| Some((fit?, index)))
                .max()
                .map(|(_, index)| index)
        };
        for (host, path, index) in [
            ("localhost", "/", 0),
            ("localhost", "/orders2", 0),
            ("localhost", "/Orders", 0),
            ("localhost", "/orders", 1),
            ("localhost", "/orders/", 1),
            ("localhost", "/orders/new", 2),
            ("x.example.com", "/orders", 3),
            ("x.a.example.com", "/", 4),
            ("api.example.com", "/x", 5),
            ("other.test", "/orders", 5),
            ("api.example.com", "/orders/1", 6),
        ] {
            assert_eq!(chosen(host, path), Some(index), "{host}{path}");
        }
        assert_eq!(place(&["a.test"], "").fit("b.test", "/"), None);
        assert_eq!(place(&[], "/a").fit("b.test", "/"), None);
    }

    #[test]
    fn equal_hosts_and_prefixes_are_found() {
        let shared = |one: &Place, other: &Place| one.shares_with(other);
        let every = place(&[], "");
        assert_eq!(shared(&every, &every).unwrap(), "all hosts, all paths");
        let one = place(&["a.test", "b.test"], "/x");
        let other = place(&["b.test"], "/x");
        assert_eq!(shared(&one, &other).unwrap(), "host b.test, paths from /x");
        assert_eq!(shared(&one, &place(&["b.test"], "/y")), None);
        assert_eq!(shared(&every, &place(&["b.test"], "")), None);
    }

    #[test]
    fn a_host_has_no_port() {
        for (authority, host) in [
            ("A.test:8000", "a.test"),
            ("a.test.", "a.test"),
            ("[::1]:80", "[::1]"),
            ("[::1]", "[::1]"),
            ("", ""),
        ] {
            assert_eq!(host_of(authority), host);
        }
    }
}
