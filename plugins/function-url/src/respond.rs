//! From the ending of an invocation to a response.
//!
//! A JSON object with a `statusCode` is a response, and anything else is the body of one, JSON without the spaces
//! between its tokens. A URL that streams takes the function's bytes as they are; only what precedes them, if the
//! function has written it, has the form of a response. All failures of the function have the same response, status
//! 502, so that callers learn nothing about them.

use alloc::borrow::{Cow, ToOwned as _};
use alloc::format;
use alloc::string::String;

use http_event::contract::{EVENT_TOO_LARGE, Ending, Response, ResponseBody, StreamHead, WARNING};
use http_event::json::{JsonError, compact, read};
use http_event::payload::{Fields, Misfit};
use http_event::response::{HeaderRules, headers_with_cookies, of_fields, with_headers};

use crate::state::{InvokeMode, State};
use crate::token::Token;
use crate::url_error::UrlError;

/// The header that returns Lambda's request id to the caller.
const REQUEST_ID: &str = "x-amzn-RequestId";

/// The header that returns the trace to the caller.
const TRACE_ID: &str = "X-Amzn-Trace-Id";

/// What separates the prelude of a streamed response from its body.
const SEPARATOR: &str = "\0\0\0\0\0\0\0\0";

/// The warning about a function that streams to a URL that does not.
const STREAMS: &str = "the function streams its response, and `invoke-mode` is `BUFFERED`: the client gets the prelude, \
                       with status and headers, as a part of the body, as on AWS; set `invoke-mode` to `RESPONSE_STREAM`";

const BUFFERED: HeaderRules = HeaderRules {
    reserved: &["x-amzn-requestid", "x-amzn-trace-id"],
    remapped: &["connection", "date", "server"],
    prefix: "x-amzn-remapped-",
    keeps_case: false,
    default_type: "application/json",
};

const STREAMED: HeaderRules = HeaderRules {
    default_type: "application/octet-stream",
    ..BUFFERED
};

/// Turns the ending of an invocation into the response.
///
/// # Errors
///
/// `state` or `token` was not written by this plugin.
pub fn respond(state: &str, token: &str, ending: Ending) -> Result<Response, String> {
    let state = State::read(state).ok_or("the state was not written by this plugin")?;
    let token = Token::read(token).ok_or("the token was not written by this plugin")?;
    let mut warning = None;
    let result = match ending {
        Ending::Completed(payload) => match state.invoke_mode {
            InvokeMode::Buffered => {
                warning = streams(&payload).then_some(STREAMS);
                of_payload(payload)
            }
            InvokeMode::ResponseStream => Ok(inferred(payload)),
        },
        Ending::StreamOpened(head) => of_stream(head),
        Ending::Failed(error) if error.kind == EVENT_TOO_LARGE => Ok(UrlError::TooLarge.response()),
        Ending::Throttled => Ok(UrlError::Throttled.response()),
        Ending::Failed(_)
        | Ending::TimedOut
        | Ending::Expired
        | Ending::Unavailable(_)
        | Ending::Accepted
        | Ending::Fetched(_) => Ok(UrlError::BadGateway.response()),
    };
    let mut response = result.unwrap_or_else(|Misfit(what)| {
        let mut response = UrlError::BadGateway.response();
        let warning = format!(
            "{what}; a function URL returns 502 and `Internal Server Error` for such a result"
        );
        response.extra.push((WARNING.to_owned(), warning));
        response
    });
    let warning = warning.map(|text| (WARNING.to_owned(), text.to_owned()));
    response.extra.extend(warning);
    Ok(finish(&state, &token, response))
}

/// Adds the headers that every response has.
pub fn finish(state: &State<'_>, token: &Token<'_>, mut response: Response) -> Response {
    push_ids(token, &mut response);
    if let Some(cors) = &state.cors {
        cors.replace_headers(token.allow_origin, &mut response);
    }
    response
}

/// Adds the request's ids.
pub fn push_ids(token: &Token<'_>, response: &mut Response) {
    response.push_header(REQUEST_ID, token.request_id);
    response.push_header(TRACE_ID, token.trace_id);
}

/// Whether a result that was collected is that of a function that streams a response with a prelude.
fn streams(payload: &str) -> bool {
    let prelude = payload.split_once(SEPARATOR).map(|(prelude, _)| prelude);
    prelude.is_some_and(|prelude| read::object(prelude).is_ok())
}

fn of_payload(payload: String) -> Result<Response, Misfit> {
    match payload.trim_start().as_bytes().first() {
        Some(b'{') => match Fields::read(&payload) {
            Ok(fields) if fields.status.is_some() => {
                of_fields(&fields, headers_with_cookies(&fields)?, BUFFERED)
            }
            _ => Ok(inferred(compacted(payload))),
        },
        Some(b'"') => Ok(inferred(match read::string(&payload) {
            Ok(Cow::Owned(text)) => text,
            Ok(Cow::Borrowed(text)) => text.to_owned(),
            Err(JsonError) => payload,
        })),
        _ => Ok(inferred(compacted(payload))),
    }
}

/// The text without the spaces between its tokens; the text itself if it is not JSON.
fn compacted(text: String) -> String {
    compact(&text).unwrap_or(text)
}

/// The response before a streamed body: that of the prelude if the function has written one.
fn of_stream(head: StreamHead) -> Result<Response, Misfit> {
    let mut response = Response::new(200, ResponseBody::Empty);
    let Some(prelude) = head.prelude else {
        let content_type = head.content_type.as_deref();
        response.push_header(
            "content-type",
            content_type.unwrap_or(STREAMED.default_type),
        );
        return Ok(response);
    };
    if prelude.trim().is_empty() {
        return with_headers(response, [].into(), STREAMED);
    }
    let fields = Fields::read(&prelude)?;
    if fields.status.is_some_and(|status| status != "null") {
        response.status = fields.status()?;
    }
    with_headers(response, headers_with_cookies(&fields)?, STREAMED)
}

/// The response of a function that returned only a body.
fn inferred(text: String) -> Response {
    let body = if text.is_empty() {
        ResponseBody::Empty
    } else {
        ResponseBody::Text(text)
    };
    let mut response = Response::new(200, body);
    response.push_header("content-type", BUFFERED.default_type);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_streaming_function_behind_a_buffered_url_has_a_warning() {
        let config = |mode| alloc::format!(r#"{{"function":"f","invoke-mode":"{mode}"}}"#);
        let surroundings = http_event::contract::Surroundings::none();
        let [buffered, streamed] = ["BUFFERED", "RESPONSE_STREAM"].map(|mode| {
            let setup = crate::configure(&config(mode), &surroundings);
            setup.unwrap().state
        });
        let token = Token {
            request_id: "a",
            trace_id: "b",
            allow_origin: None,
        }
        .write();
        let prelude = "{\"statusCode\":201}\0\0\0\0\0\0\0\0body";
        let binary = "\0\0\0\0\0\0\0\0\0{}";
        for (state, result, expected) in [
            (&buffered, prelude, true),
            (&buffered, "{}\0\0\0\0\0\0\0\0", true),
            (&buffered, binary, false),
            (&buffered, "{\"statusCode\":201}\0\0\0\0body", false),
            (&buffered, "{\"statusCode\":201}", false),
            (&streamed, prelude, false),
        ] {
            let response = respond(state, &token, Ending::Completed(result.into())).unwrap();
            let warned = response.extra.iter().any(|(key, text)| {
                key == WARNING && text.contains("set `invoke-mode` to `RESPONSE_STREAM`")
            });
            assert_eq!(warned, expected, "{result:?}");
        }
    }
}
