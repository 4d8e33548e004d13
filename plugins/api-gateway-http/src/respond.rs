//! From the ending of an invocation to a response.
//!
//! With format 2.0, a JSON object with a `statusCode` is a response, and anything else, valid JSON or not, is the body
//! of one. Format 1.0 requires a response object. All failures behind the gateway have the same response, status 500,
//! so that callers learn nothing about them; only the integration's timeout (503) and an event that is larger than
//! Lambda allows (413) have others.

use alloc::borrow::{Cow, ToOwned};
use alloc::format;
use alloc::string::String;

use http_event::contract::{EVENT_TOO_LARGE, Ending, Response, ResponseBody, WARNING};
use http_event::json::{JsonError, read};
use http_event::payload::{Fields, Misfit};
use http_event::response::{HeaderRules, headers_with_cookies, of_fields};

use crate::gateway_error::{GatewayError, REQUEST_ID};
use crate::state::{Format, State};
use crate::token::Token;

const HEADERS: HeaderRules = HeaderRules {
    reserved: &[REQUEST_ID],
    remapped: &[],
    prefix: "",
    keeps_case: false,
    default_type: "text/plain; charset=utf-8",
};

/// Turns the ending of an invocation into the response.
///
/// # Errors
///
/// `state` or `token` was not written by this plugin.
pub fn respond(state: &str, token: &str, ending: Ending) -> Result<Response, String> {
    let state = State::read(state).ok_or("the state was not written by this plugin")?;
    let token = Token::read(token).ok_or("the token was not written by this plugin")?;
    let result = match ending {
        Ending::Completed(payload) => of_payload(token.format, payload).map_err(refused),
        Ending::StreamOpened(head) => {
            of_prelude(&head.prelude.unwrap_or_default()).map_err(refused)
        }
        Ending::Expired => Err((GatewayError::ServiceUnavailable, None)),
        Ending::Failed(error) if error.kind == EVENT_TOO_LARGE => {
            Err((GatewayError::EntityTooLarge, None))
        }
        Ending::Failed(_)
        | Ending::TimedOut
        | Ending::Throttled
        | Ending::Unavailable(_)
        | Ending::Accepted
        | Ending::Fetched(_) => Err((GatewayError::InternalServerError, None)),
    };
    let mut response = match result {
        Ok(mut response) => {
            response.push_header(REQUEST_ID, token.request_id);
            response
        }
        Err((error, warning)) => {
            let mut response = error.response(token.request_id);
            let warning = warning.map(|text| (WARNING.to_owned(), text));
            response.extra.extend(warning);
            response
        }
    };
    if let Some(cors) = &state.cors {
        cors.replace_headers(token.allow_origin, &mut response);
    }
    Ok(response)
}

/// The gateway's error for a result that is not a response, and the warning for the developer.
fn refused(Misfit(what): Misfit) -> (GatewayError, Option<String>) {
    let warning = format!(
        "{what}; an HTTP API of API Gateway answers such a result with 500 and `{{\"message\":\"Internal Server Error\"}}`, \
         and says so only in its access log, in $context.integrationErrorMessage"
    );
    (GatewayError::InternalServerError, Some(warning))
}

fn of_payload(format: Format, payload: String) -> Result<Response, Misfit> {
    match format {
        Format::V1 => {
            let fields = Fields::read(&payload)?;
            let mut headers = fields.headers()?;
            headers.extend(fields.multi_value_headers()?);
            of_fields(&fields, headers, HEADERS)
        }
        Format::V2 => of_payload_v2(payload),
    }
}

fn of_payload_v2(payload: String) -> Result<Response, Misfit> {
    let start = payload.trim_start().as_bytes().first();
    match start {
        Some(b'{') => match Fields::read(&payload) {
            Ok(fields) if fields.status.is_some() => structured(&fields),
            _ => Ok(inferred(payload)),
        },
        Some(b'"') => match read::string(&payload) {
            Ok(Cow::Owned(text)) => Ok(inferred(text)),
            Ok(Cow::Borrowed(text)) => Ok(inferred(text.to_owned())),
            Err(JsonError) => Ok(inferred(payload)),
        },
        _ => Ok(inferred(payload)),
    }
}

fn structured(fields: &Fields<'_>) -> Result<Response, Misfit> {
    of_fields(fields, headers_with_cookies(fields)?, HEADERS)
}

/// The response before a streamed body. HTTP APIs do not stream, so this trigger never requests it; if a host streams
/// nevertheless, the result is that of a function URL.
fn of_prelude(prelude: &str) -> Result<Response, Misfit> {
    if prelude.trim().is_empty() {
        return Ok(inferred(String::new()));
    }
    let fields = Fields::read(prelude)?;
    structured(&fields)
}

/// The response of a function that returned only a body.
fn inferred(text: String) -> Response {
    let body = if text.is_empty() {
        ResponseBody::Empty
    } else {
        ResponseBody::Text(text)
    };
    let mut response = Response::new(200, body);
    response.push_header("content-type", "application/json");
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_or_a_token_of_another_plugin_is_an_error() {
        let state = crate::config::alone(r#"{"function":"f"}"#).unwrap().state;
        let respond_to = |state, token| respond(state, token, Ending::Completed("null".into()));
        assert!(respond_to(&state, "2.0 a= ").is_ok());
        assert!(respond_to(&state, "{}").unwrap_err().contains("token"));
        assert!(respond_to("{}", "2.0 a= ").unwrap_err().contains("state"));
    }

    #[test]
    fn a_refused_result_has_a_warning_for_the_developer_that_the_client_does_not_see() {
        let state = crate::config::alone(r#"{"function":"f"}"#).unwrap().state;
        for (token, result, expected) in [
            (
                "2.0 a= ",
                r#"{"statusCode":200,"headers":{"x":["y"]}}"#,
                "`headers.x` is a list",
            ),
            (
                "2.0 a= ",
                r#"{"statusCode":200,"body":{}}"#,
                "`body` is an object",
            ),
            ("2.0 a= ", r#"{"statusCode":null}"#, "`statusCode` is null"),
            (
                "1.0 a= ",
                "[1]",
                "the function's result is not a JSON object",
            ),
            ("1.0 a= ", r#"{"body":"a"}"#, "`statusCode` is missing"),
        ] {
            let response = respond(&state, token, Ending::Completed(result.into())).unwrap();
            assert_eq!(response.status, 500, "{result}");
            let [(key, warning)] = response.extra.as_slice() else {
                panic!("{result}: {:?}", response.extra);
            };
            assert_eq!(key, WARNING);
            assert!(warning.starts_with(expected), "{warning}");
            assert!(
                warning.contains("$context.integrationErrorMessage"),
                "{warning}"
            );
            assert_eq!(
                response.body.as_bytes(),
                br#"{"message":"Internal Server Error"}"#
            );
        }
        let fine = respond(&state, "2.0 a= ", Ending::Completed("1".into())).unwrap();
        assert_eq!(fine.extra, []);
    }
}
