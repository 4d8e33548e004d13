//! Identity sources: where the values come from that identify a caller.
//!
//! HTTP APIs write them `$request.header.Authorization`, `$request.querystring.token`, `$context.routeKey`,
//! `$stageVariables.key`; REST APIs `method.request.header.Authorization`, WebSocket APIs `route.request.header.…`, both
//! with `context.…` and `stageVariables.…`. Names of headers may have any case; others are case-sensitive.
//!
//! On failure: [`parse`] says what would be right; [`values`] is `None` if a value is missing or empty.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::authorizer::List;
use crate::subject::Subject;

/// How an API writes identity sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// `$request.header.name`
    Http,
    /// `method.request.header.name`
    Rest,
    /// `route.request.header.name`
    WebSocket,
}

impl Style {
    /// The starts of the four kinds of sources, and the letter that each has in a state.
    fn prefixes(self) -> [(&'static str, char); 4] {
        match self {
            Self::Http => [
                ("$request.header.", 'h'),
                ("$request.querystring.", 'q'),
                ("$context.", 'c'),
                ("$stageVariables.", 's'),
            ],
            Self::Rest => [
                ("method.request.header.", 'h'),
                ("method.request.querystring.", 'q'),
                ("context.", 'c'),
                ("stageVariables.", 's'),
            ],
            Self::WebSocket => [
                ("route.request.header.", 'h'),
                ("route.request.querystring.", 'q'),
                ("context.", 'c'),
                ("stageVariables.", 's'),
            ],
        }
    }

    /// The source of the header `Authorization`.
    pub fn authorization(self) -> String {
        let [(header, _), ..] = self.prefixes();
        format!("{header}Authorization")
    }
}

/// Turns a source into its form in a state.
///
/// # Errors
///
/// What an identity source looks like.
pub fn parse(source: &str, style: Style) -> Result<String, String> {
    let prefixes = style.prefixes();
    let found = prefixes.iter().find_map(|(prefix, letter)| {
        let name = source.strip_prefix(prefix)?;
        let is_legal =
            !name.is_empty() && !name.chars().any(|char| char.is_control() || char == ' ');
        is_legal.then(|| format!("{letter}:{name}"))
    });
    found.ok_or_else(|| {
        let [header, query, context, variable] = prefixes.map(|(prefix, _)| prefix);
        format!(
            "an identity source is `{header}NAME`, `{query}NAME`, `{context}NAME` or `{variable}NAME`"
        )
    })
}

/// Whether a source, in its form in a state, is a header.
pub fn is_header(source: &str) -> bool {
    source.starts_with("h:")
}

/// The value of a source, in its form in a state.
pub fn value(source: &str, subject: &Subject<'_>) -> Option<String> {
    let (kind, name) = source.split_once(':')?;
    let value = match kind {
        "h" => subject.header(name).map(String::from),
        "q" => subject.query(name).map(alloc::borrow::Cow::into_owned),
        "s" => subject
            .stage_variable(name)
            .map(alloc::borrow::Cow::into_owned),
        _ => (subject.context)(name),
    };
    value.filter(|value| !value.is_empty())
}

/// The values of all sources.
pub fn values(sources: List<'_>, subject: &Subject<'_>) -> Option<Vec<String>> {
    sources
        .iter()
        .map(|source| value(source, subject))
        .collect()
}

#[cfg(test)]
mod tests {
    use http_event::contract::{Header, Request};

    use super::*;

    #[test]
    fn sources_are_written_in_the_words_of_each_api() {
        for (source, style, expected) in [
            ("$request.header.X-a", Style::Http, Some("h:X-a")),
            ("$request.querystring.q", Style::Http, Some("q:q")),
            ("$context.routeKey", Style::Http, Some("c:routeKey")),
            ("$stageVariables.v", Style::Http, Some("s:v")),
            ("method.request.header.A", Style::Rest, Some("h:A")),
            (
                "context.identity.sourceIp",
                Style::Rest,
                Some("c:identity.sourceIp"),
            ),
            ("stageVariables.v", Style::Rest, Some("s:v")),
            ("route.request.querystring.q", Style::WebSocket, Some("q:q")),
            ("method.request.header.A", Style::Http, None),
            ("$request.header.", Style::Http, None),
            ("$request.body.a", Style::Http, None),
            ("Authorization", Style::Rest, None),
            ("", Style::Rest, None),
        ] {
            assert_eq!(parse(source, style).ok().as_deref(), expected, "{source}");
        }
        let message = parse("Authorization", Style::Rest).unwrap_err();
        assert!(
            message.contains("`method.request.header.NAME`"),
            "{message}"
        );
    }

    #[test]
    fn headers_match_in_any_case_and_parameters_do_not() {
        let request = Request {
            query: "a=1&a=2&A=3&empty=".into(),
            headers: vec![Header::new("X-Token", "t"), Header::new("x-empty", "")],
            ..Request::get("/")
        };
        let subject = Subject {
            request: &request,
            method_arn: "",
            stage_variables: r#"{"v":"w"}"#,
            context: &|name| (name == "stage").then(|| "prod".into()),
            event: &|_, _| String::new(),
        };
        for (source, expected) in [
            ("h:x-TOKEN", Some("t")),
            ("h:x-empty", None),
            ("h:other", None),
            ("q:a", Some("2")),
            ("q:A", Some("3")),
            ("q:empty", None),
            ("s:v", Some("w")),
            ("s:other", None),
            ("c:stage", Some("prod")),
            ("c:other", None),
        ] {
            assert_eq!(value(source, &subject).as_deref(), expected, "{source}");
        }
        let both = values(List("h:x-token\u{1d}q:a"), &subject);
        assert_eq!(both, Some(vec!["t".into(), "2".into()]));
        assert_eq!(values(List("h:x-token\u{1d}q:b"), &subject), None);
        assert_eq!(values(List(""), &subject), Some(vec![]));
    }
}
