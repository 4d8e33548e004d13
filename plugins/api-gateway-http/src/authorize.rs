//! Routes with an authorizer: what the crate `authorizer` has to know, and what its decisions mean for an HTTP API.

use alloc::borrow::ToOwned as _;
use alloc::string::String;

use authorizer::authorizer::{Form, Guard};
use authorizer::decision::{Decision, Reason, Refusal};
use authorizer::flow::{self, Ended};
use authorizer::subject::Wanted;
use http_event::contract::{Response, WARNING};

use crate::event::{self, Context};
use crate::gateway_error::GatewayError;
use crate::routing;

/// Decides about a request to a route with an authorizer, from the beginning or after a step.
///
/// # Errors
///
/// The state lacks the authorizer, or the token is not one of this plugin.
pub fn decide(
    context: &Context<'_>,
    guard: Guard<'_>,
    ended: Option<Ended<'_>>,
) -> Result<Decision, String> {
    let (state, request) = (context.state, context.request);
    let wanted = Wanted {
        request,
        method: &request.method,
        path: Some(routing::path_in_stage(state, &request.path).unwrap_or(&request.path)),
        context: &|name: &str| variable(context, name),
        event: &|arn: &str, form: Form, identity: &[String]| {
            event::write_for_authorizer(context, form, arn, identity)
        },
    };
    flow::decide_for(&state.api, wanted, guard, ended)
}

/// A variable of `$context` that exists before the integration.
fn variable(context: &Context<'_>, name: &str) -> Option<String> {
    Some(match name {
        "domainName" => context.domain_name().to_owned(),
        "requestId" => context.request_id.to_owned(),
        "routeKey" => context.route_key().into_owned(),
        _ => return None,
    })
}

/// The response for a request that is refused, without CORS headers.
pub fn refused(refusal: Refusal, request_id: &str) -> Response {
    let error = match refusal.reason {
        Reason::Unidentified | Reason::InvalidToken | Reason::ExpiredToken => {
            GatewayError::Unauthorized
        }
        Reason::Denied
        | Reason::DeniedExplicitly
        | Reason::InsufficientScope
        | Reason::Unsigned => GatewayError::Forbidden,
        // Unlike REST APIs, HTTP APIs make no exception for a function that fails with `Unauthorized`.
        Reason::Unauthorized | Reason::Failed | Reason::Misconfigured => {
            GatewayError::InternalServerError
        }
        Reason::ArnTooLong => GatewayError::RequestUriTooLong,
    };
    let mut response = error.response(request_id);
    if let Some(challenge) = &refusal.challenge {
        response.push_header("www-authenticate", challenge);
    }
    let warning = refusal.warning.map(|text| (WARNING.to_owned(), text));
    response.extra.extend(warning);
    response
}
