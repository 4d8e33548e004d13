//! The authorizer of `$connect`: what the crate `authorizer` has to know, and what its decisions mean for a WebSocket API.
//!
//! It is asked once for each connection. What it says about the caller is part of every event of the connection.
//!
//! On failure: the connection is refused as REST APIs refuse requests, before it is opened.

use alloc::borrow::ToOwned as _;
use alloc::string::{String, ToString as _};

use authorizer::authorizer::{Form, Guard};
use authorizer::decision::{Decision, Reason, Refusal};
use authorizer::flow::{self, Ended};
use authorizer::subject::Wanted;
use http_event::contract::{Request, Response, ResponseBody, WARNING};

use crate::event::Context;
use crate::state::CONNECT;

/// Decides about a request for a connection, from the beginning or after a step.
///
/// # Errors
///
/// The state lacks the authorizer, or the token is not one of this plugin.
pub fn decide(
    context: &Context<'_>,
    request: &Request,
    guard: Guard<'_>,
    ended: Option<Ended<'_>>,
) -> Result<Decision, String> {
    let state = context.state;
    let wanted = Wanted {
        request,
        method: CONNECT,
        path: None,
        context: &|name: &str| variable(context, name),
        event: &|arn: &str, _: Form, _: &[String]| context.authorizer(arn, request),
    };
    flow::decide_for(&state.api, wanted, guard, ended)
}

/// A variable of `$context` that exists before the connection.
fn variable(context: &Context<'_>, name: &str) -> Option<String> {
    let data = &context.data;
    Some(match name {
        "connectedAt" | "requestTimeEpoch" => context.at_ms.to_string(),
        "connectionId" => context.connection_id.to_owned(),
        "domainName" => data.domain_name.to_owned(),
        "eventType" => "CONNECT".to_owned(),
        "identity.sourceIp" => data.source_ip.to_owned(),
        "identity.userAgent" => data.user_agent.to_owned(),
        "requestId" | "extendedRequestId" => context.request_id.to_owned(),
        "routeKey" => CONNECT.to_owned(),
        _ => return None,
    })
}

/// The response to a request that is refused.
pub fn refused(refusal: Refusal, request_id: &str) -> Response {
    let (status, kind, body) = match refusal.reason {
        Reason::Denied => (
            403,
            "AccessDeniedException",
            r#"{"Message":"User is not authorized to access this resource"}"#,
        ),
        Reason::DeniedExplicitly => (
            403,
            "AccessDeniedException",
            r#"{"Message":"User is not authorized to access this resource with an explicit deny"}"#,
        ),
        Reason::Failed => (500, "AuthorizerFailureException", r#"{"message":null}"#),
        Reason::Misconfigured => (
            500,
            "AuthorizerConfigurationException",
            r#"{"message":null}"#,
        ),
        Reason::ArnTooLong => (414, "", r#"{"message":"Request URI too long"}"#),
        Reason::Unsigned => (
            403,
            "MissingAuthenticationTokenException",
            r#"{"message":"Missing Authentication Token"}"#,
        ),
        Reason::Unidentified
        | Reason::Unauthorized
        | Reason::InvalidToken
        | Reason::ExpiredToken
        | Reason::InsufficientScope => (
            401,
            "UnauthorizedException",
            r#"{"message":"Unauthorized"}"#,
        ),
    };
    let mut response = Response::new(status, ResponseBody::Text(body.to_owned()));
    response.push_header("content-type", "application/json");
    if !kind.is_empty() {
        response.push_header("x-amzn-errortype", kind);
    }
    response.push_header("x-amzn-requestid", request_id);
    let warning = refusal.warning.map(|text| (WARNING.to_owned(), text));
    response.extra.extend(warning);
    response
}
