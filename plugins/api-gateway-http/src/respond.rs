//! From outcome to response.
//!
//! With format 2.0 a JSON object with a `statusCode` is a response and anything else is the body of one, valid JSON or
//! not. Format 1.0 infers nothing. Whatever goes wrong behind the gateway is the same 500, so that callers learn
//! nothing of it; only the integration's own time-out is a 503.

use alloc::borrow::{Cow, ToOwned};
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::contract::{Body, Outcome, Response};
use crate::cors;
use crate::payload::{Fields, Header};
use crate::reply::{Gateway, REQUEST_ID};
use crate::state::{Format, State};
use crate::text::json::read::{self, NotThat};
use crate::token::Token;

/// Headers that are the gateway's or the connection's; a function's are dropped.
const NOT_THE_FUNCTIONS: [&str; 10] = [
    REQUEST_ID,
    "connection",
    "content-length",
    "date",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Turns the outcome of an invocation into the response.
///
/// # Errors
///
/// `state` or `token` is not this plugin's.
pub fn respond(state: &str, token: &str, outcome: Outcome) -> Result<Response, String> {
    let state = State::read(state).ok_or("the state is not one that this plugin made")?;
    let token = Token::read(token).ok_or("the token is not one that this plugin made")?;
    let mapped = match outcome {
        Outcome::Completed(payload) => {
            map(token.format, payload).map_err(|NotThat| Gateway::InternalServerError)
        }
        Outcome::StreamOpened(prelude) => {
            map_prelude(&prelude).map_err(|NotThat| Gateway::InternalServerError)
        }
        Outcome::Expired => Err(Gateway::ServiceUnavailable),
        Outcome::Failed | Outcome::TimedOut | Outcome::Throttled | Outcome::Unavailable => {
            Err(Gateway::InternalServerError)
        }
    };
    let mut response = match mapped {
        Ok(mut response) => {
            response
                .headers
                .push((REQUEST_ID.to_owned(), token.request_id.to_owned()));
            response
        }
        Err(answer) => answer.response(token.request_id),
    };
    if let Some(cors) = &state.cors {
        cors::replace(cors, token.allow_origin, &mut response);
    }
    Ok(response)
}

fn map(format: Format, payload: String) -> Result<Response, NotThat> {
    match format {
        Format::V1 => {
            let fields = Fields::read(&payload)?;
            let mut headers = fields.headers()?;
            headers.extend(fields.multi_value_headers()?);
            finish(&fields, headers)
        }
        Format::V2 => map_v2(payload),
    }
}

fn map_v2(payload: String) -> Result<Response, NotThat> {
    let start = payload.trim_start().as_bytes().first();
    match start {
        Some(b'{') => match Fields::read(&payload) {
            Ok(fields) if fields.status.is_some() => structured(&fields),
            _ => Ok(inferred(payload)),
        },
        Some(b'"') => match read::string(&payload) {
            Ok(Cow::Owned(text)) => Ok(inferred(text)),
            Ok(Cow::Borrowed(text)) => Ok(inferred(text.to_owned())),
            Err(NotThat) => Ok(inferred(payload)),
        },
        _ => Ok(inferred(payload)),
    }
}

/// The cookies go first: they are sent before a `set-cookie` among the headers, and both are kept.
fn structured(fields: &Fields<'_>) -> Result<Response, NotThat> {
    let cookies = fields
        .cookies()?
        .into_iter()
        .map(|cookie| ("set-cookie".to_owned(), cookie));
    let headers = cookies.chain(fields.headers()?).collect();
    finish(fields, headers)
}

/// Status and headers before a streamed body. HTTP APIs do not stream, so this trigger never asks for it; what a host
/// streams all the same is mapped as a function URL's would be.
fn map_prelude(prelude: &str) -> Result<Response, NotThat> {
    if prelude.trim().is_empty() {
        return Ok(inferred(String::new()));
    }
    let fields = Fields::read(prelude)?;
    if fields.status.is_some() {
        structured(&fields)
    } else {
        Err(NotThat)
    }
}

fn inferred(text: String) -> Response {
    Response {
        status: 200,
        headers: [("content-type".to_owned(), "application/json".to_owned())].into(),
        body: if text.is_empty() {
            Body::Empty
        } else {
            Body::Text(text)
        },
    }
}

fn finish(fields: &Fields<'_>, headers: Vec<Header>) -> Result<Response, NotThat> {
    let mut response = Response {
        status: fields.status()?,
        headers: Vec::new(),
        body: fields.body()?,
    };
    for (name, value) in headers {
        let name = name.to_ascii_lowercase();
        if !is_name(&name) || !is_value(&value) {
            return Err(NotThat);
        }
        if !NOT_THE_FUNCTIONS.contains(&name.as_str()) {
            response.headers.push((name, value));
        }
    }
    if !response
        .headers
        .iter()
        .any(|(name, _)| name == "content-type")
    {
        response.headers.push((
            "content-type".to_string(),
            "text/plain; charset=utf-8".to_string(),
        ));
    }
    Ok(response)
}

/// A token of RFC 9110.
fn is_name(name: &str) -> bool {
    let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(is_legal)
}

/// Any text without control characters; a tab is none.
fn is_value(value: &str) -> bool {
    value
        .bytes()
        .all(|byte| byte == b'\t' || (byte >= 0x20 && byte != 0x7f))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_or_a_token_of_someone_else_is_an_error() {
        let state = crate::configure(r#"{"function":"f"}"#).unwrap().state;
        let respond_to = |state, token| respond(state, token, Outcome::Completed("null".into()));
        assert!(respond_to(&state, "2.0 a= ").is_ok());
        assert!(respond_to(&state, "{}").unwrap_err().contains("token"));
        assert!(respond_to("{}", "2.0 a= ").unwrap_err().contains("state"));
    }

    #[test]
    fn names_and_values_of_headers_keep_the_rules_of_http() {
        assert!(is_name("x-a_b.c~1") && is_name("!#$%&'*+^`|"));
        for name in ["", "a b", "a:", "a\n", "é", "(a)"] {
            assert!(!is_name(name), "{name:?}");
        }
        assert!(is_value("") && is_value("a\tb é"));
        for value in ["\n", "a\rb", "\0", "\u{7f}"] {
            assert!(!is_value(value), "{value:?}");
        }
    }
}
