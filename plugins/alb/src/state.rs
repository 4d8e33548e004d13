//! The configuration as `shape` and `respond` read it: a line about the load balancer, one for each rule, and one for
//! the health checks of each function that has any.
//!
//! Each call receives the state as text, so reading it has to be cheap: the rules are in the order in which they are
//! tried, and `shape` reads no further than the one that matches. `configure` refuses control characters in values, so
//! these separate them: a tab the fields of a line, U+001D the conditions of a field, U+001E a condition's name from
//! its patterns, U+001F patterns and parts of an action.
//!
//! ```text
//! multi-value headers (true or false) ⇥ region ⇥ account id
//! methods ⇥ paths ⇥ hosts ⇥ networks ⇥ headers ⇥ query ⇥ action      (per rule; the last one has no conditions)
//! `health check`, function, path, timeout, thresholds and matcher as parts      (per function with health checks)
//! ```
//!
//! On failure: other text reads as `None`.

use alloc::string::{String, ToString as _};

/// Separates the conditions about several headers or parameters.
pub const CONDITION: char = '\u{1d}';
/// Separates the name of a header or parameter from the patterns for its value.
pub const NAME: char = '\u{1e}';
/// Separates patterns, and the parts of an action.
pub const PART: char = '\u{1f}';

/// The configuration of a load balancer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State<'a> {
    /// The target groups' attribute `lambda.multi_value_headers.enabled`.
    pub multi_value_headers: bool,
    /// The region of the target groups.
    pub region: &'a str,
    /// The account of the target groups.
    pub account: &'a str,
    rules: &'a str,
}

/// A listener rule. A list of patterns that is empty is no condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule<'a> {
    /// Methods, in upper case.
    pub methods: &'a str,
    /// Patterns of paths.
    pub paths: &'a str,
    /// Patterns of host names.
    pub hosts: &'a str,
    /// Networks of clients.
    pub networks: &'a str,
    /// Conditions: a name of a header and patterns for its value.
    pub headers: &'a str,
    /// Conditions: a pattern for the key of a parameter and patterns for its value.
    pub query: &'a str,
    /// What is done with the request.
    pub action: Action<'a>,
}

/// The health checks of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HealthCheck<'a> {
    /// The function.
    pub function: &'a str,
    /// The path of the request, with its query.
    pub path: &'a str,
    /// How long a check may take, in milliseconds.
    pub timeout_ms: u32,
    /// The checks in a row that an unhealthy target has to pass.
    pub healthy_threshold: u32,
    /// The checks in a row after which a target that fails them is unhealthy.
    pub unhealthy_threshold: u32,
    /// The statuses that pass: codes and ranges, separated by commas.
    pub matcher: &'a str,
}

/// What a rule does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action<'a> {
    /// Invokes a function.
    Forward(&'a str),
    /// Sends the client elsewhere.
    Redirect(Redirect<'a>),
    /// Answers.
    FixedResponse(FixedResponse<'a>),
}

/// The target of a redirect; its parts may have placeholders such as `#{host}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Redirect<'a> {
    /// Whether the redirect is permanent (301) or not (302).
    pub permanent: bool,
    /// `HTTP`, `HTTPS` or the placeholder.
    pub protocol: &'a str,
    /// The host name.
    pub host: &'a str,
    /// The port.
    pub port: &'a str,
    /// The path, with its slash.
    pub path: &'a str,
    /// The query, without `?`.
    pub query: &'a str,
}

/// An answer without a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FixedResponse<'a> {
    /// The status code as text.
    pub status: &'a str,
    /// The media type.
    pub content_type: &'a str,
    /// The body, as a JSON string: it may have line ends.
    pub body: &'a str,
}

impl<'a> State<'a> {
    /// Reads a text that [`State::write`] has written.
    pub fn read(text: &'a str) -> Option<Self> {
        let (head, rules) = text.split_once('\n')?;
        let mut head = head.split('\t');
        Some(Self {
            multi_value_headers: match head.next()? {
                "true" => true,
                "false" => false,
                _ => return None,
            },
            region: head.next()?,
            account: head.next()?,
            rules,
        })
    }

    /// The state with these rules, which `shape` tries in this order.
    pub fn write<'r>(
        multi_value_headers: bool,
        region: &str,
        account: &str,
        rules: impl IntoIterator<Item = Rule<'r>>,
        health_checks: impl IntoIterator<Item = HealthCheck<'r>>,
    ) -> String {
        let multi = if multi_value_headers { "true" } else { "false" };
        let mut text = [multi, region, account].join("\t");
        text.push('\n');
        for rule in rules {
            rule.write(&mut text);
        }
        for check in health_checks {
            check.write(&mut text);
        }
        text
    }

    /// The rules, in the order in which `shape` tries them.
    pub fn rules(&self) -> impl Iterator<Item = Rule<'a>> {
        self.rules.lines().filter_map(Rule::read)
    }

    /// The health checks of a function.
    pub fn health_check(&self, function: &str) -> Option<HealthCheck<'a>> {
        let mut checks = self.rules.lines().rev().map_while(HealthCheck::read);
        checks.find(|check| check.function == function)
    }
}

impl<'a> Rule<'a> {
    /// A rule without conditions.
    pub fn always(action: Action<'a>) -> Self {
        Self {
            methods: "",
            paths: "",
            hosts: "",
            networks: "",
            headers: "",
            query: "",
            action,
        }
    }

    fn read(line: &'a str) -> Option<Self> {
        let mut fields = line.split('\t');
        Some(Self {
            methods: fields.next()?,
            paths: fields.next()?,
            hosts: fields.next()?,
            networks: fields.next()?,
            headers: fields.next()?,
            query: fields.next()?,
            action: Action::read(fields.next()?)?,
        })
    }

    fn write(&self, text: &mut String) {
        let fields = [
            self.methods,
            self.paths,
            self.hosts,
            self.networks,
            self.headers,
            self.query,
        ];
        for field in fields {
            text.push_str(field);
            text.push('\t');
        }
        self.action.write(text);
        text.push('\n');
    }
}

impl<'a> HealthCheck<'a> {
    const NAME: &'static str = "health check";

    fn read(line: &'a str) -> Option<Self> {
        let mut parts = line.split(PART);
        if parts.next()? != Self::NAME {
            return None;
        }
        Some(Self {
            function: parts.next()?,
            path: parts.next()?,
            timeout_ms: parts.next()?.parse().ok()?,
            healthy_threshold: parts.next()?.parse().ok()?,
            unhealthy_threshold: parts.next()?.parse().ok()?,
            matcher: parts.next()?,
        })
    }

    fn write(&self, text: &mut String) {
        let parts = [
            Self::NAME,
            self.function,
            self.path,
            &self.timeout_ms.to_string(),
            &self.healthy_threshold.to_string(),
            &self.unhealthy_threshold.to_string(),
            self.matcher,
        ];
        text.push_str(&parts.join(PART.encode_utf8(&mut [0; 4])));
        text.push('\n');
    }
}

impl<'a> Action<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let mut parts = text.split(PART);
        Some(match parts.next()? {
            "forward" => Self::Forward(parts.next()?),
            "redirect" => Self::Redirect(Redirect {
                permanent: parts.next()? == "301",
                protocol: parts.next()?,
                host: parts.next()?,
                port: parts.next()?,
                path: parts.next()?,
                query: parts.next()?,
            }),
            "fixed" => Self::FixedResponse(FixedResponse {
                status: parts.next()?,
                content_type: parts.next()?,
                body: parts.next()?,
            }),
            _ => return None,
        })
    }

    fn write(&self, text: &mut String) {
        let mut parts = |parts: &[&str]| {
            for (index, part) in parts.iter().enumerate() {
                if index > 0 {
                    text.push(PART);
                }
                text.push_str(part);
            }
        };
        match self {
            Self::Forward(function) => parts(&["forward", function]),
            Self::Redirect(to) => parts(&[
                "redirect",
                if to.permanent { "301" } else { "302" },
                to.protocol,
                to.host,
                to.port,
                to.path,
                to.query,
            ]),
            Self::FixedResponse(fixed) => {
                parts(&["fixed", fixed.status, fixed.content_type, fixed.body]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_reads_back_as_it_was_written_and_other_text_does_not() {
        let redirect = Redirect {
            permanent: true,
            protocol: "HTTPS",
            host: "#{host}",
            port: "443",
            path: "/#{path}",
            query: "",
        };
        let fixed = FixedResponse {
            status: "404",
            content_type: "text/plain",
            body: r#""a\nb""#,
        };
        let rules = [
            Rule {
                methods: "GET\u{1f}PUT",
                paths: "/a*",
                hosts: "a.example",
                networks: "::/0",
                headers: "x\u{1e}a\u{1f}b\u{1d}y\u{1e}c",
                query: "k\u{1e}v",
                action: Action::Redirect(redirect),
            },
            Rule::always(Action::FixedResponse(fixed)),
            Rule::always(Action::Forward("f:live")),
        ];
        let check = HealthCheck {
            function: "f:live",
            path: "/health?deep=1",
            timeout_ms: 2500,
            healthy_threshold: 5,
            unhealthy_threshold: 2,
            matcher: "200,300-399",
        };
        let other = HealthCheck {
            function: "g",
            ..check
        };
        let text = State::write(true, "eu-west-1", "123456789012", rules, [check, other]);
        let state = State::read(&text).unwrap();
        assert_eq!(
            (state.multi_value_headers, state.region, state.account),
            (true, "eu-west-1", "123456789012")
        );
        assert_eq!(state.rules().collect::<Vec<_>>(), rules);
        assert_eq!(state.health_check("f:live"), Some(check));
        assert_eq!(state.health_check("g"), Some(other));
        assert_eq!(state.health_check("f"), None);
        for text in ["", "{}", "maybe\ta\tb\n", "true\ta\n"] {
            assert_eq!(State::read(text), None, "{text:?}");
        }
    }
}
