//! `url-variables`: environment variables with the URLs of this configuration.
//!
//! The port of a listener may be known only when it is bound, and where a queue can be reached depends on the service. So
//! a value names the section: `{queue:orders}`, `{trigger:web}`, `{service:s3}`.

use std::collections::BTreeMap;

use lambkin_lambda::is_reserved_variable;

use super::key::{Entry, Key, Kind};
use super::reader::{Diagnostics, Reader};
use super::suggest::suggestion;

/// The keys of a function.
pub const KEYS: &[Key] = &[Key::optional(
    "url-variables",
    Kind::Entries {
        name: "VARIABLE",
        pattern: "^[^=\\u0000]+$",
        entry: Entry::Text,
    },
    "Environment variables with URLs of this file's sections: `{queue:NAME}` is the URL of a queue at the service `sqs`, \
     `{trigger:NAME}` and `{service:NAME}` are those of listeners, without a `/` at the end, and `{socket:NAME}` is that of \
     a trigger for clients of WebSocket (`ws://…`). `{{` and `}}` stand for \
     braces. They override `environment`.",
)];

/// The variables of a function, by their names.
pub type UrlVariables = BTreeMap<String, UrlText>;

/// A text with URLs in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UrlText(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Url(UrlOf),
}

/// What a URL is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UrlOf {
    /// A queue, at the service `sqs`.
    Queue(String),
    /// The listener of a trigger.
    Trigger(String),
    /// The listener of a trigger, for clients of WebSocket.
    Socket(String),
    /// The listener of a service.
    Service(String),
}

/// The names of the sections that texts can refer to.
pub struct Sections<'a> {
    pub queues: &'a [String],
    pub triggers: &'a [String],
    pub services: &'a [String],
}

/// Reads the variables of a function. Mistakes are reported.
pub fn read(
    table: &mut Reader<'_>,
    sections: &Sections<'_>,
    diagnostics: &Diagnostics,
) -> UrlVariables {
    let mut variables = UrlVariables::new();
    let entries = table.text_entries("url-variables");
    for (key, value) in entries.into_iter().flat_map(|entries| entries.value) {
        if is_reserved_variable(&key.value) {
            let message = "is reserved by Lambda, which sets it itself";
            diagnostics.add(key.span, &key.key, message);
            continue;
        }
        match UrlText::parse(&value).and_then(|text| text.check(sections)) {
            Ok(text) => {
                variables.insert(key.value, text);
            }
            Err(message) => diagnostics.add(key.span, &key.key, message),
        }
    }
    variables
}

impl UrlText {
    /// Reads a text.
    ///
    /// # Errors
    ///
    /// What is wrong in it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, from) = rest.split_at(at);
            plain.push_str(before);
            if let Some(after) = from.strip_prefix("{{") {
                plain.push('{');
                rest = after;
            } else if let Some(after) = from.strip_prefix("}}") {
                plain.push('}');
                rest = after;
            } else {
                let inner = from
                    .strip_prefix('{')
                    .and_then(|inner| inner.split_once('}'));
                let Some((reference, after)) = inner else {
                    return Err("has a single brace: write `{{` or `}}` for a brace".to_owned());
                };
                parts.push(Part::Text(std::mem::take(&mut plain)));
                parts.push(Part::Url(UrlOf::parse(reference)?));
                rest = after;
            }
        }
        plain.push_str(rest);
        parts.push(Part::Text(plain));
        Ok(Self(parts))
    }

    /// The text, with the URLs that `url` knows.
    pub fn resolve(&self, url: impl Fn(&UrlOf) -> Option<String>) -> String {
        let part = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Url(of) => url(of).unwrap_or_default(),
        };
        self.0.iter().map(part).collect()
    }

    fn check(self, sections: &Sections<'_>) -> Result<Self, String> {
        for part in &self.0 {
            let Part::Url(of) = part else {
                continue;
            };
            let (table, name, known) = match of {
                UrlOf::Queue(name) => ("queues", name, sections.queues),
                UrlOf::Trigger(name) | UrlOf::Socket(name) => ("triggers", name, sections.triggers),
                UrlOf::Service(name) => ("services", name, sections.services),
            };
            if !known.contains(name) {
                let hint = suggestion(name, known.iter().map(String::as_str));
                return Err(format!(
                    "refers to `{table}.{name}`, which is not defined; {hint}"
                ));
            }
        }
        Ok(self)
    }
}

impl UrlOf {
    fn parse(reference: &str) -> Result<Self, String> {
        let expected = "`{queue:NAME}`, `{trigger:NAME}`, `{socket:NAME}` or `{service:NAME}`";
        let Some((kind, name)) = reference.split_once(':') else {
            return Err(format!(
                "has {{{reference}}} in it, which is none of {expected}"
            ));
        };
        let name = name.to_owned();
        match kind {
            "queue" => Ok(Self::Queue(name)),
            "trigger" => Ok(Self::Trigger(name)),
            "socket" => Ok(Self::Socket(name)),
            "service" => Ok(Self::Service(name)),
            _ => Err(format!(
                "has {{{reference}}} in it, which is none of {expected}"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_take_the_place_of_references() {
        let text =
            UrlText::parse("{trigger:web}/a?x={{1}}&q={queue:orders}&{socket:chat}").unwrap();
        let resolved = text.resolve(|of| {
            Some(match of {
                UrlOf::Queue(name) => format!("Q-{name}"),
                UrlOf::Trigger(name) => format!("T-{name}"),
                UrlOf::Socket(name) => format!("W-{name}"),
                UrlOf::Service(name) => format!("S-{name}"),
            })
        });
        assert_eq!(resolved, "T-web/a?x={1}&q=Q-orders&W-chat");
    }

    #[test]
    fn mistakes_are_explained() {
        for (text, message) in [
            ("{web}", "none of `{queue:NAME}`"),
            ("{bucket:x}", "none of `{queue:NAME}`"),
            ("{queue:x", "a single brace"),
            ("a}b", "a single brace"),
        ] {
            let error = UrlText::parse(text).unwrap_err();
            assert!(error.contains(message), "{text}: {error}");
        }
        let sections = Sections {
            queues: &["orders".to_owned()],
            triggers: &[],
            services: &[],
        };
        let text = UrlText::parse("{queue:ordesr}").unwrap();
        let error = text.check(&sections).unwrap_err();
        assert_eq!(
            error,
            "refers to `queues.ordesr`, which is not defined; did you mean `orders`?"
        );
    }
}
