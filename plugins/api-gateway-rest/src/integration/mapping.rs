//! Mappings of single parameters: `integration.request.header.x = "method.request.querystring.y"`.

use alloc::borrow::ToOwned as _;
use alloc::string::{String, ToString as _};

use http_event::contract::Request;
use http_event::percent::decode;
use http_event::query::parameters;
use vtl::Value;

use crate::event::Context;

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source<'a> {
    /// A text in single quotes.
    Literal(&'a str),
    /// `context.NAME`.
    Context(&'a str),
    /// `stageVariables.NAME`.
    StageVariable(&'a str),
    /// A parameter of the request: the place and the name.
    Parameter(&'a str, &'a str),
    /// The body of the request or of the response.
    Body,
    /// A part of the response's body, as JSONPath.
    BodyPath(&'a str),
    /// A header of the integration's response.
    ResponseHeader(&'a str),
}

impl<'a> Source<'a> {
    /// A source of a request mapping.
    pub fn of_request(text: &'a str) -> Option<Self> {
        let Some(rest) = text.strip_prefix("method.request.") else {
            return Self::common(text);
        };
        if rest == "body" {
            return Some(Self::Body);
        }
        let (place, name) = rest.split_once('.')?;
        let is_place = ["header", "querystring", "path"].contains(&place);
        (is_place && !name.is_empty()).then_some(Self::Parameter(place, name))
    }

    /// A source of a response mapping.
    pub fn of_response(text: &'a str) -> Option<Self> {
        let Some(rest) = text.strip_prefix("integration.response.") else {
            return Self::common(text);
        };
        match rest.split_once('.') {
            Some(("header", name)) if !name.is_empty() => Some(Self::ResponseHeader(name)),
            Some(("body", path)) if !path.is_empty() => Some(Self::BodyPath(path)),
            None if rest == "body" => Some(Self::Body),
            _ => None,
        }
    }

    fn common(text: &'a str) -> Option<Self> {
        if let Some(literal) = text.strip_prefix('\'') {
            return literal.strip_suffix('\'').map(Self::Literal);
        }
        if let Some(name) = text.strip_prefix("context.") {
            return (!name.is_empty()).then_some(Self::Context(name));
        }
        let name = text.strip_prefix("stageVariables.")?;
        (!name.is_empty()).then_some(Self::StageVariable(name))
    }

    /// The value; `None` if there is none. `context` and `stage_variables` are those of templates.
    pub fn value(
        self,
        request: &Context<'_>,
        context: &Value,
        stage_variables: &Value,
    ) -> Option<String> {
        let found = match self {
            Self::Literal(text) => return Some(text.to_owned()),
            Self::Context(name) => name
                .split('.')
                .fold(context.clone(), |value, name| value.member(name)),
            Self::StageVariable(name) => stage_variables.member(name),
            Self::Parameter(place, name) => return parameter(request, place, name),
            Self::Body => return Some(body(request.request)),
            Self::BodyPath(_) | Self::ResponseHeader(_) => return None,
        };
        match found {
            Value::Null => None,
            found => Some(found.to_string()),
        }
    }
}

/// The body of a request as text.
pub fn body(request: &Request) -> String {
    String::from_utf8_lossy(request.body.as_bytes()).into_owned()
}

/// A parameter of the request in one of the places `header`, `querystring` and `path`.
pub fn parameter(context: &Context<'_>, place: &str, name: &str) -> Option<String> {
    match place {
        "header" => {
            let name = name.to_ascii_lowercase();
            let value = context.request.header(&name).last();
            value.map(str::to_owned)
        }
        "querystring" => {
            let all = parameters(&context.request.query);
            let found = all.iter().rfind(|(key, _)| key == name);
            found.map(|(_, value)| value.to_string())
        }
        _ => {
            let mut all = context.found.parameters.iter();
            let found = all.find(|(key, _)| *key == name);
            found.map(|(_, value)| decode(value).into_owned())
        }
    }
}
