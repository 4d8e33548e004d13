//! Methods with an authorizer: what the crate `authorizer` has to know, and what its decisions mean for a REST API.

use alloc::borrow::ToOwned as _;
use alloc::string::String;

use authorizer::authorizer::{Form, Guard};
use authorizer::decision::{Decision, Reason, Refusal};
use authorizer::flow::{self, Ended};
use authorizer::subject::Wanted;
use http_event::contract::{Response, Step, WARNING};
use http_event::json::read;

use crate::event::Context;
use crate::gateway_response::GatewayResponse;
use crate::state::Method;

/// What the authorizer and the integration may take together, in milliseconds, unless the integration's timeout is
/// longer.
const MAX_TOGETHER_MS: u32 = 29_000;

/// The shortest timeout of an integration, in milliseconds.
const MIN_TIMEOUT_MS: u32 = 50;

/// The guard of a method, as [`Guard::read`] takes it; `None` for a method that is open.
pub fn guard_of(method: &Method<'_>) -> Option<String> {
    let guard = method.detail("authorizer")?;
    read::string(guard).ok().map(|guard| guard.into_owned())
}

/// Decides about a request to a method with an authorizer, from the beginning or after a step.
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
        method: context.method,
        path: Some(context.path),
        context: &|name: &str| variable(context, name),
        event: &|arn: &str, _: Form, _: &[String]| context.write_for_authorizer(arn),
    };
    flow::decide_for(&state.api, wanted, guard, ended)
}

/// A variable of `$context` that exists before the integration.
fn variable(context: &Context<'_>, name: &str) -> Option<String> {
    Some(match name {
        "identity.apiKey" => context.api_key.map(|key| key.value.to_owned())?,
        "requestId" => context.request.id.clone(),
        "resourcePath" => context.found.method.resource.to_owned(),
        _ => return None,
    })
}

/// The gateway response for a request that is refused.
pub fn refused(refusal: Refusal, context: &Context<'_>) -> Response {
    let kind = match refusal.reason {
        // A token without the method's scopes is answered like one that is not valid.
        Reason::Unidentified
        | Reason::Unauthorized
        | Reason::InvalidToken
        | Reason::InsufficientScope => GatewayResponse::Unauthorized,
        Reason::ExpiredToken => GatewayResponse::ExpiredToken,
        Reason::Denied => GatewayResponse::AccessDenied(false),
        Reason::DeniedExplicitly => GatewayResponse::AccessDenied(true),
        Reason::Failed => GatewayResponse::AuthorizerFailure,
        Reason::Misconfigured => GatewayResponse::AuthorizerConfigurationError,
        Reason::ArnTooLong => GatewayResponse::ArnTooLong,
        Reason::Unsigned => GatewayResponse::MissingAuthenticationToken,
    };
    let mut response = kind.answer(context);
    let warning = refusal.warning.map(|text| (WARNING.to_owned(), text));
    response.extra.extend(warning);
    response
}

/// The step of the integration, with what the authorizer has left of the time.
pub fn within_budget(mut step: Step, at_ms: u64, ended: Option<Ended<'_>>) -> Step {
    let elapsed = match ended {
        Some((_, outcome)) if !outcome.cached => outcome.at_ms.saturating_sub(at_ms),
        _ => return step,
    };
    if let Step::Invoke(invocation) = &mut step
        && let Some(wait) = invocation.max_wait_ms
    {
        let elapsed = u32::try_from(elapsed).unwrap_or(u32::MAX);
        let left = wait.max(MAX_TOGETHER_MS).saturating_sub(elapsed);
        invocation.max_wait_ms = Some(wait.min(left.max(MIN_TIMEOUT_MS)));
    }
    step
}
