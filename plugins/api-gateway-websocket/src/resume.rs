//! From the ending of a function to what the client receives.
//!
//! A message's result is not sent, unless its route has a route response; but it has to have a `statusCode`, as on AWS:
//! otherwise the client receives `Internal server error`. The result of `$disconnect` is ignored.
//!
//! On failure: a result that does not fit has a warning, which the host logs.

use alloc::borrow::ToOwned as _;
use alloc::format;
use alloc::string::String;

use authorizer::flow::progress_of;
use http_event::contract::{Ending, Outcome, Request, Response, ResponseBody, Step, WARNING};
use http_event::payload::{Fields, Misfit};

use crate::connect;
use crate::gateway_error::GatewayError;
use crate::management::MAX_MESSAGE;
use crate::state::State;
use crate::token::{Purpose, Token};

/// Turns the outcome of an invocation into the response, or into the message for the client, or goes on with the
/// authorizer. `request` is that of the connection, if the step has asked for it.
///
/// # Errors
///
/// `state` or `token` was not written by this plugin.
pub fn resume(
    state: &str,
    token: &str,
    outcome: Outcome,
    request: Option<&Request>,
) -> Result<Step, String> {
    if let Some(progress) = progress_of(token) {
        let state = State::read(state).ok_or("the state was not written by this plugin")?;
        let request = request.ok_or("the request for the authorizer is missing")?;
        return connect::connect(&state, request, Some((progress, &outcome)));
    }
    let token = Token::read(token).ok_or("the token was not written by this plugin")?;
    let ending = outcome.ending;
    Ok(Step::Reply(match token.purpose {
        Purpose::Connect { data, protocols } => connect::respond(&token, data, protocols, ending),
        Purpose::Message { has_response } => message(&token, has_response, ending),
        Purpose::Disconnect => Response::new(200, ResponseBody::Empty),
    }))
}

fn message(token: &Token<'_>, has_response: bool, ending: Ending) -> Response {
    let Misfit(what) = match ending {
        Ending::Completed(payload) => match body(&payload) {
            Ok(body) if has_response && body.as_bytes().len() > MAX_MESSAGE => Misfit(format!(
                "the body has {} bytes, and a message may have {MAX_MESSAGE}",
                body.as_bytes().len()
            )),
            Ok(body) if has_response => return Response::new(200, body),
            Ok(_) => return Response::new(200, ResponseBody::Empty),
            Err(misfit) => misfit,
        },
        other => return failed(token, error_of(&other)),
    };
    let mut response = failed(token, GatewayError::InternalServerError);
    let warning = format!("{what}; the client receives `Internal server error`");
    response.extra.push((WARNING.to_owned(), warning));
    response
}

fn failed(token: &Token<'_>, error: GatewayError) -> Response {
    let text = error.message(token.connection_id, token.request_id);
    Response::new(200, ResponseBody::Text(text))
}

/// The body, as a text message if it can be one: only other bytes need a binary one.
fn body(payload: &str) -> Result<ResponseBody, Misfit> {
    let fields = Fields::read(payload)?;
    fields.status()?;
    Ok(match fields.body()? {
        ResponseBody::Binary(bytes) => match String::from_utf8(bytes) {
            Ok(text) => ResponseBody::Text(text),
            Err(bytes) => ResponseBody::Binary(bytes.into_bytes()),
        },
        text => text,
    })
}

/// What an ending without a result means for the client.
pub fn error_of(ending: &Ending) -> GatewayError {
    match ending {
        Ending::Expired => GatewayError::TimedOut,
        Ending::Throttled => GatewayError::TooManyRequests,
        _ => GatewayError::InternalServerError,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_response_may_have_128_kb() {
        let token = Token {
            connection_id: "c",
            request_id: "r",
            purpose: Purpose::Message { has_response: true },
        };
        let sent = |length: usize| {
            let payload = format!(r#"{{"statusCode":200,"body":"{}"}}"#, "a".repeat(length));
            message(&token, true, Ending::Completed(payload))
        };
        let largest = sent(MAX_MESSAGE);
        assert_eq!(largest.body.as_bytes().len(), MAX_MESSAGE);
        assert_eq!(largest.extra, []);
        let larger = sent(MAX_MESSAGE + 1);
        let text = r#"{"message": "Internal server error", "connectionId":"c", "requestId":"r"}"#;
        assert_eq!(larger.body.as_bytes(), text.as_bytes());
        let [(key, warning)] = larger.extra.as_slice() else {
            panic!("{:?}", larger.extra);
        };
        assert_eq!(key, WARNING);
        assert!(warning.starts_with("the body has 131073 bytes, and a message may have 131072"));
    }
}
