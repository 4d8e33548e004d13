//! Which listener rule a request matches. All conditions of a rule have to hold, and one pattern of each is enough.

use core::net::IpAddr;

use http_event::contract::Request;

use crate::network::Network;
use crate::pattern::{self, matches_ignoring_case};
use crate::state::{Action, CONDITION, NAME, PART, Rule, State};

/// The action of the first rule that a request matches. The default rule matches every request.
pub fn action<'a>(state: &State<'a>, request: &Request) -> Option<Action<'a>> {
    let mut rules = state.rules();
    rules
        .find(|rule| rule.matches(request))
        .map(|rule| rule.action)
}

/// The host that the client addressed, without the port.
pub fn host(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

impl Rule<'_> {
    fn matches(&self, request: &Request) -> bool {
        any(self.methods, |method| method == request.method)
            && any(self.paths, |pattern| {
                pattern::matches(pattern, &request.path)
            })
            && any(self.hosts, |pattern| {
                matches_ignoring_case(pattern, host(&request.authority))
            })
            && any(self.networks, |network| is_in(network, &request.peer))
            && all(self.headers, |name, patterns| {
                let mut values = request.header(name);
                values.any(|value| any(patterns, |pattern| matches_ignoring_case(pattern, value)))
            })
            && all(self.query, |key, patterns| {
                raw_parameters(&request.query).any(|(name, value)| {
                    matches_ignoring_case(key, name)
                        && any(patterns, |pattern| matches_ignoring_case(pattern, value))
                })
            })
    }
}

/// The parameters of a query as they were sent.
pub fn raw_parameters(query: &str) -> impl Iterator<Item = (&str, &str)> {
    let pieces = query.split('&').filter(|piece| !piece.is_empty());
    pieces.map(|piece| piece.split_once('=').unwrap_or((piece, "")))
}

/// Whether one of the patterns holds; true without any.
fn any(patterns: &str, holds: impl Fn(&str) -> bool) -> bool {
    patterns.is_empty() || patterns.split(PART).any(holds)
}

/// Whether all conditions hold, each a name and patterns; true without any.
fn all(conditions: &str, holds: impl Fn(&str, &str) -> bool) -> bool {
    conditions.is_empty()
        || conditions.split(CONDITION).all(|condition| {
            let (name, patterns) = condition.split_once(NAME).unwrap_or((condition, ""));
            holds(name, patterns)
        })
}

fn is_in(network: &str, peer: &str) -> bool {
    // On a listener for both protocols, IPv4 addresses are written as IPv6 addresses.
    let address = peer
        .parse()
        .ok()
        .map(|address: IpAddr| address.to_canonical());
    match (Network::read(network), address) {
        (Some(network), Some(address)) => network.contains(address),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use http_event::contract::Header;

    use super::*;

    const ANY: Rule<'_> = Rule {
        methods: "",
        paths: "",
        hosts: "",
        networks: "",
        headers: "",
        query: "",
        action: Action::Forward("f"),
    };

    fn request() -> Request {
        Request {
            authority: "api.Example.com:8000".to_owned(),
            query: "Version=V1&flag&x=a%20b".to_owned(),
            headers: vec![
                Header::new("User-Agent", "Mozilla/5.0 (Chrome)"),
                Header::new("X-Env", "test"),
                Header::new("X-Env", "beta"),
            ],
            ..Request::get("/img/a.png")
        }
    }

    #[test]
    fn each_condition_holds_if_one_of_its_patterns_does() {
        let request = request();
        for (rule, expected) in [
            (ANY, true),
            (
                Rule {
                    methods: "PUT\u{1f}GET",
                    ..ANY
                },
                true,
            ),
            (
                Rule {
                    methods: "PUT",
                    ..ANY
                },
                false,
            ),
            (
                Rule {
                    paths: "/js/*\u{1f}/img/*",
                    ..ANY
                },
                true,
            ),
            (
                Rule {
                    paths: "/IMG/*",
                    ..ANY
                },
                false,
            ),
            (
                Rule {
                    hosts: "*.example.com",
                    ..ANY
                },
                true,
            ),
            (
                Rule {
                    hosts: "example.com",
                    ..ANY
                },
                false,
            ),
            (
                Rule {
                    networks: "10.0.0.0/8\u{1f}127.0.0.0/8",
                    ..ANY
                },
                true,
            ),
            (
                Rule {
                    networks: "10.0.0.0/8",
                    ..ANY
                },
                false,
            ),
            (
                Rule {
                    headers: "user-agent\u{1e}*chrome*",
                    ..ANY
                },
                true,
            ),
            (
                Rule {
                    headers: "x-env\u{1e}BETA",
                    ..ANY
                },
                true,
            ),
            (
                Rule {
                    headers: "x-env\u{1e}beta\u{1d}x-other\u{1e}*",
                    ..ANY
                },
                false,
            ),
            (
                Rule {
                    query: "version\u{1e}v2\u{1f}v1",
                    ..ANY
                },
                true,
            ),
            (
                Rule {
                    query: "*\u{1e}v?",
                    ..ANY
                },
                true,
            ),
            (
                Rule {
                    query: "flag\u{1e}",
                    ..ANY
                },
                true,
            ),
            (
                Rule {
                    query: "x\u{1e}a b",
                    ..ANY
                },
                false,
            ),
            (
                Rule {
                    query: "version\u{1e}v1\u{1d}flag\u{1e}on",
                    ..ANY
                },
                false,
            ),
        ] {
            assert_eq!(rule.matches(&request), expected, "{rule:?}");
        }
    }

    #[test]
    fn the_host_has_no_port() {
        for (authority, expected) in [("a.b:80", "a.b"), ("a.b", "a.b"), ("[::1]:80", "[::1]")] {
            assert_eq!(host(authority), expected);
        }
    }
}
