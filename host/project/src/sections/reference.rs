//! What texts of resolved resources refer to: other resources, and functions by their ARNs or an integration's URI.
//!
//! Contract: all forms are understood that API Gateway, Elastic Load Balancing and Lambda accept: names, ARNs with and
//! without a qualifier, `arn:…:apigateway:REGION:lambda:path/…/functions/ARN/invocations`, and stage variables in them.
//!
//! On failure: [`Why`] says what a text means instead, in words that follow the name of a route.

use crate::context::Context;
use crate::document::Document;
use crate::file::Place;
use crate::resource::{Resource, Stack, function_name};
use crate::value::{Kind, Value};

use super::target::{self, Target};

/// What begins a stage variable in a text.
const VARIABLE: &str = "${stageVariables.";

/// A function that is invoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invoked {
    /// The function's name, with a qualifier after `:` if there is one.
    pub function: String,
    /// Whether the URI is that of streamed responses.
    pub is_streamed: bool,
}

/// Why something is not served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// Its function is left out, which the report has told.
    LeftOut(String),
    /// Words after its name: `goes to SQS-SendMessage, not to a function`.
    Refused(String),
}

impl From<String> for Why {
    fn from(text: String) -> Self {
        Self::Refused(text)
    }
}

impl From<&str> for Why {
    fn from(text: &str) -> Self {
        Self::Refused(text.to_owned())
    }
}

impl Why {
    /// Tells it: `subject` is the route, and `end` what follows from it, such as `it is not served`.
    pub fn tell(&self, context: &Context, place: Place, subject: &str, end: &str) {
        match self {
            Self::LeftOut(function) => {
                let message = format!("{subject} is left out with its function {function}");
                context.report.note(place, message);
            }
            Self::Refused(text) => context
                .report
                .refuse(place, format!("{subject} {text}: {end}")),
        }
    }
}

/// Whether a resolved property is a `Ref` to this resource.
#[must_use]
pub fn is_to(value: Option<&Value>, resource: &Resource) -> bool {
    let text = value.and_then(Value::as_str);
    text.is_some_and(|text| text == resource.reference && !text.is_empty())
}

/// The resource of a kind that a resolved property is a `Ref` to.
#[must_use]
pub fn find<'s>(stack: &'s Stack, kind: &str, value: Option<&Value>) -> Option<&'s Resource> {
    stack.referred(kind, value?.as_str()?)
}

/// The resources of a kind whose property `key` refers to this one.
pub fn parts<'s>(
    stack: &'s Stack,
    kind: &'s str,
    key: &'s str,
    of: &'s Resource,
) -> impl Iterator<Item = &'s Resource> {
    stack
        .of_kind(kind)
        .filter(move |part| is_to(part.get(key), of))
}

/// The function of the document that a text names. `variables` are those of the stage.
///
/// # Errors
///
/// What the text means instead.
pub fn invoked(
    stack: &Stack,
    document: &Document,
    value: &Value,
    variables: &[(String, String)],
) -> Result<Invoked, Why> {
    let text = match &value.kind {
        Kind::Plain(text) | Kind::Text(text) => text,
        Kind::Unknown(why) => {
            let message = format!("goes to something that exists on AWS only ({why})");
            return Err(message.into());
        }
        _ => {
            let message = format!(
                "has {} where the ARN of a function is expected",
                value.described()
            );
            return Err(message.into());
        }
    };
    let text = with_variables(text, variables)?;
    let is_function =
        text.contains(":lambda:") || !text.contains(":/") && !text.starts_with("arn:");
    if !is_function {
        return Err(service(&text).into());
    }
    let function = match target::function(stack, document, &text) {
        Target::Served(function) => function,
        Target::LeftOut(function) => return Err(Why::LeftOut(function)),
        Target::Elsewhere => {
            let name = function_name(&text).map_or(text.as_str(), |(name, _)| name);
            let message =
                format!("invokes the function {name}, which is not one of the project's functions");
            return Err(message.into());
        }
    };
    Ok(Invoked {
        function,
        is_streamed: text.ends_with("/response-streaming-invocations"),
    })
}

/// `arn:aws:apigateway:us-east-1:sqs:action/SendMessage` in words.
fn service(arn: &str) -> String {
    if !arn.starts_with("arn:") {
        return format!("goes to {arn}, not to a function");
    }
    let mut parts = arn.splitn(6, ':').skip(2);
    let (service, _, target, rest) = (parts.next(), parts.next(), parts.next(), parts.next());
    match (service, target, rest) {
        (Some("apigateway"), Some(target), Some(rest)) => {
            format!("goes to {target} ({rest}), not to a function")
        }
        (Some(service), ..) => format!("goes to {service} ({arn}), not to a function"),
        _ => format!("goes to {arn}, not to a function"),
    }
}

/// A text with the values of its stage variables.
fn with_variables(text: &str, variables: &[(String, String)]) -> Result<String, Why> {
    let mut written = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(VARIABLE) {
        written.push_str(before);
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        let Some((_, value)) = variables.iter().find(|(other, _)| other == name) else {
            let message = format!("uses the stage variable {name}, which its stage does not have");
            return Err(message.into());
        };
        written.push_str(value);
        rest = after;
    }
    written.push_str(rest);
    Ok(written)
}
