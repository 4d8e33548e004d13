//! From the ending of an invocation to a response.
//!
//! The function has to return an object that has no other keys than those of a response. All failures are the same 502,
//! so that callers learn nothing about them.

use alloc::borrow::ToOwned as _;
use alloc::format;
use alloc::vec::Vec;

use http_event::apigw_id::request_id;
use http_event::contract::{EVENT_TOO_LARGE, Ending, Response, ResponseBody, WARNING};
use http_event::json::{JsonError, read};
use http_event::payload::{Fields, Header, Misfit};
use http_event::response::{HeaderRules, with_headers};

use crate::gateway_response::{About, GatewayResponse};
use crate::state::State;
use crate::token::Token;

const KEYS: [&str; 5] = [
    "statusCode",
    "headers",
    "multiValueHeaders",
    "body",
    "isBase64Encoded",
];

/// What happens to the headers of a response.
pub const HEADERS: HeaderRules = HeaderRules {
    reserved: &[
        "content-length",
        "transfer-encoding",
        "x-amz-apigw-id",
        "x-amzn-trace-id",
    ],
    remapped: &[
        "authorization",
        "connection",
        "content-md5",
        "date",
        "expect",
        "host",
        "max-forwards",
        "proxy-authenticate",
        "server",
        "te",
        "trailer",
        "upgrade",
        "user-agent",
        "via",
        "www-authenticate",
        "x-amzn-requestid",
    ],
    prefix: "x-amzn-Remapped-",
    keeps_case: true,
    default_type: "application/json",
};

/// A result that is not a response: the gateway's answer, and what is wrong with it.
type Refused = (GatewayResponse, Misfit);

/// Turns the ending of an invocation into the response. `about` is for gateway responses.
pub fn respond(state: &State<'_>, token: &Token<'_>, ending: Ending, about: About<'_>) -> Response {
    let fail = |failure: GatewayResponse| failure.response(state, about);
    let result = match ending {
        Ending::Completed(_) if token.streamed => Err(bad(Misfit(
            "the method streams, and the function did not; it has to write a prelude and eight zero bytes".to_owned(),
        ))),
        Ending::Completed(payload) => of_payload(&payload, token),
        Ending::StreamOpened(head) => match &head.prelude {
            Some(prelude) => of_prelude(prelude).map_err(bad),
            None => Err(bad(Misfit(
                "the stream has no prelude; its content type has to be application/vnd.awslambda.http-integration-response"
                    .to_owned(),
            ))),
        },
        Ending::Expired => return fail(GatewayResponse::IntegrationTimeout),
        Ending::Failed(error) if error.kind == EVENT_TOO_LARGE => {
            return fail(GatewayResponse::RequestTooLarge);
        }
        Ending::Failed(_)
        | Ending::TimedOut
        | Ending::Throttled
        | Ending::Unavailable(_)
        | Ending::Accepted
        | Ending::Fetched(_) => return fail(GatewayResponse::BadGateway),
    };
    match result {
        Ok(mut response) => {
            response.push_header("x-amzn-RequestId", token.request_id);
            response.push_header("x-amz-apigw-id", &request_id(token.request_id));
            response.push_header("X-Amzn-Trace-Id", token.trace_id);
            response
        }
        Err((failure, Misfit(what))) => {
            let mut response = failure.response(state, about);
            let warning = format!(
                "{what}; a REST API of API Gateway returns {} and `Internal server error` for such a result",
                response.status
            );
            response.extra.push((WARNING.to_owned(), warning));
            response
        }
    }
}

fn bad(misfit: Misfit) -> Refused {
    (GatewayResponse::BadGateway, misfit)
}

fn of_payload(payload: &str, token: &Token<'_>) -> Result<Response, Refused> {
    check_keys(payload).map_err(bad)?;
    let fields = Fields::read(payload).map_err(bad)?;
    let status = status(&fields).map_err(bad)?;
    let body = body(payload, &fields, token)?;
    let headers = merged(&fields).map_err(bad)?;
    with_headers(Response::new(status, body), headers, HEADERS).map_err(bad)
}

/// The response before a streamed body. Other keys are tolerated, as recorded for function URLs, whose prelude it is.
fn of_prelude(prelude: &str) -> Result<Response, Misfit> {
    let fields = Fields::read(prelude)?;
    let response = Response::new(status(&fields)?, ResponseBody::Empty);
    let cookies = fields.cookies()?.into_iter();
    let cookies = cookies.map(|cookie| ("Set-Cookie".to_owned(), cookie));
    let headers = merged(&fields)?.into_iter().chain(cookies).collect();
    with_headers(response, headers, HEADERS)
}

/// Refuses other keys than those of a response.
fn check_keys(payload: &str) -> Result<(), Misfit> {
    let members = read::object(payload)
        .map_err(|JsonError| Misfit("the function's result is not a JSON object".to_owned()))?;
    match members.iter().find(|(key, _)| !KEYS.contains(&&**key)) {
        Some((key, _)) => Err(Misfit(format!(
            "`{key}` is not a key of a response; these are {}",
            KEYS.join(", ")
        ))),
        None => Ok(()),
    }
}

/// 200 without a status code.
fn status(fields: &Fields<'_>) -> Result<u16, Misfit> {
    match fields.status {
        None | Some("null") => Ok(200),
        Some(_) => fields.status(),
    }
}

/// The body, decoded if the client accepts a binary one.
fn body(payload: &str, fields: &Fields<'_>, token: &Token<'_>) -> Result<ResponseBody, Refused> {
    let [raw, is_base64] =
        read::members(payload, ["body", "isBase64Encoded"]).map_err(|JsonError| {
            bad(Misfit(
                "the function's result is not a JSON object".to_owned(),
            ))
        })?;
    let text = raw.and_then(|raw| read::string(raw).ok());
    match (text, is_base64) {
        // The only error left is a text that is not Base64.
        (Some(_), Some("true")) if token.accepts_binary => fields
            .body()
            .map_err(|misfit| (GatewayResponse::ApiConfigurationError, misfit)),
        (Some(text), Some("true")) if !text.is_empty() => Ok(ResponseBody::Text(text.into_owned())),
        _ => fields.body().map_err(bad),
    }
}

/// `multiValueHeaders`, then `headers`, in the spelling of the former, without what both have.
fn merged(fields: &Fields<'_>) -> Result<Vec<Header>, Misfit> {
    let mut merged = fields.multi_value_headers()?;
    for (name, value) in fields.headers()? {
        let same = merged
            .iter()
            .find(|(other, _)| other.eq_ignore_ascii_case(&name))
            .map(|(other, _)| other.clone());
        let name = same.unwrap_or(name);
        if !merged.contains(&(name.clone(), value.clone())) {
            merged.push((name, value));
        }
    }
    Ok(merged)
}
