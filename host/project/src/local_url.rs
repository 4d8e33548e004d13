//! URLs of this configuration, as parts of texts: the URL of a queue in an environment variable, for example.
//!
//! Which ports the listeners get is known only when they are bound, so a text refers to a URL by the name of a section.
//! While a project is translated, a reference is written with two characters that texts do not have, so that it
//! survives `Fn::Join` and `Fn::Sub`. In lambkin.toml it is `{queue:NAME}`, and so on, in `url-variables`.

/// The character before a reference, of those for private use.
const OPEN: char = '\u{e000}';
/// The character after a reference.
const CLOSE: char = '\u{e001}';

/// What a URL is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// A queue: `http://127.0.0.1:9324/123456789012/NAME`
    Queue,
    /// The listener of an HTTP or WebSocket trigger, without a path: `http://127.0.0.1:3000`
    Trigger,
    /// The listener of a WebSocket trigger, for clients of WebSocket: `ws://127.0.0.1:3001`
    Socket,
    /// A service: `http://127.0.0.1:9000`
    Service,
}

impl Target {
    const ALL: [Self; 4] = [Self::Queue, Self::Trigger, Self::Socket, Self::Service];

    fn word(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Trigger => "trigger",
            Self::Socket => "socket",
            Self::Service => "service",
        }
    }
}

/// A part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part<'t> {
    /// Text as it is.
    Text(&'t str),
    /// The URL of the section with this name.
    Url(Target, &'t str),
}

/// A reference to a URL, to be a part of a text.
#[must_use]
pub fn url_of(target: Target, name: &str) -> String {
    format!("{OPEN}{}:{name}{CLOSE}", target.word())
}

/// Whether a text refers to a URL.
#[must_use]
pub fn has_url(text: &str) -> bool {
    text.contains(OPEN)
}

/// The parts of a text.
#[must_use]
pub fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(OPEN) {
        let Some((reference, after)) = after.split_once(CLOSE) else {
            break;
        };
        if !before.is_empty() {
            parts.push(Part::Text(before));
        }
        let found = reference.split_once(':').and_then(|(word, name)| {
            let target = Target::ALL
                .into_iter()
                .find(|target| target.word() == word)?;
            Some(Part::Url(target, name))
        });
        parts.push(found.unwrap_or(Part::Text(reference)));
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest));
    }
    parts
}

/// A text with references as `url-variables` has them: `{queue:NAME}`, braces doubled where they mean themselves.
#[must_use]
pub fn as_setting(text: &str) -> String {
    let written = parts(text).into_iter().map(|part| match part {
        Part::Text(text) => text.replace('{', "{{").replace('}', "}}"),
        Part::Url(target, name) => format!("{{{}:{name}}}", target.word()),
    });
    written.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_survives_other_text() {
        let text = format!("{}/prod?x={{1}}", url_of(Target::Trigger, "web"));
        assert!(has_url(&text));
        assert_eq!(
            parts(&text),
            [Part::Url(Target::Trigger, "web"), Part::Text("/prod?x={1}")]
        );
        assert_eq!(as_setting(&text), "{trigger:web}/prod?x={{1}}");
    }
}
