//! Lambda authorizers: the invocation of the function, and what its outcome means.

use alloc::borrow::ToOwned as _;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use http_event::contract::{Cache, Ending, Invocation, InvocationMode, Outcome, Step};
use http_event::json::write;

use crate::authorizer::{Authorizer, Form, Lambda};
use crate::decision::{Decision, Reason, Refusal};
use crate::identity_source;
use crate::output::{error_message, judge};
use crate::subject::Subject;
use crate::validation::is_match;

/// AWS's limit for the ARN of a request that a policy is compared with, in bytes.
const MAX_ARN: usize = 1_600;

/// Identity values with more bytes are not kept: the contract allows keys of 64 KiB.
const MAX_CACHE_KEY: usize = 60 * 1024;

/// What follows a first invocation, and one after a kept result that was not valid.
const FIRST: &str = "invoked";
const AGAIN: &str = "invoked again";

/// Asks the function, unless the request does not identify its caller.
pub fn begin(authorizer: &Authorizer<'_>, lambda: &Lambda<'_>, subject: &Subject<'_>) -> Decision {
    let Some(identity) = identity_source::values(lambda.sources, subject) else {
        return Decision::Refuse(Reason::Unidentified.into());
    };
    if let [token] = identity.as_slice()
        && !lambda.validation.is_empty()
        && !is_match(lambda.validation, token)
    {
        return Decision::Refuse(Reason::Unidentified.into());
    }
    if subject.method_arn.len() > MAX_ARN && lambda.form != Form::V2Simple {
        return Decision::Refuse(Reason::ArnTooLong.into());
    }
    Decision::Ask(invoke(authorizer, lambda, subject, &identity, FIRST))
}

fn invoke(
    authorizer: &Authorizer<'_>,
    lambda: &Lambda<'_>,
    subject: &Subject<'_>,
    identity: &[String],
    progress: &str,
) -> Step {
    let event = match (lambda.form, identity) {
        (Form::Token, [token]) => write::object(256, |event| {
            event.string("type", "TOKEN");
            event.string("methodArn", subject.method_arn);
            event.string("authorizationToken", token);
        }),
        (form, identity) => (subject.event)(form, identity),
    };
    // The same function may be the authorizer of several names, and of several APIs in one trigger.
    let values: Vec<_> = identity.iter().map(|value| write::quoted(value)).collect();
    let key = format!("{} {}", write::quoted(authorizer.name), values.join(" "));
    let is_kept = lambda.ttl_ms > 0
        && !identity.is_empty()
        && key.len() <= MAX_CACHE_KEY
        && progress == FIRST;
    Step::Invoke(Invocation {
        function: lambda.function.to_owned(),
        event,
        mode: InvocationMode::Buffered,
        max_wait_ms: Some(lambda.max_wait_ms),
        cache: is_kept.then_some(Cache {
            key,
            ttl_ms: lambda.ttl_ms,
        }),
        token: crate::progress::token(progress),
        with_request: true,
        extra: Vec::new(),
    })
}

/// Judges the function's outcome.
pub fn resume(
    authorizer: &Authorizer<'_>,
    lambda: &Lambda<'_>,
    subject: &Subject<'_>,
    outcome: &Outcome,
) -> Decision {
    let result = match &outcome.ending {
        Ending::Completed(result) => result,
        Ending::Failed(error)
            if error_message(&error.payload).as_deref() == Some("Unauthorized") =>
        {
            return Decision::Refuse(Reason::Unauthorized.into());
        }
        Ending::Unavailable(_) => return Decision::Refuse(Reason::Misconfigured.into()),
        _ => return Decision::Refuse(Reason::Failed.into()),
    };
    let latency_ms = match outcome.cached {
        true => 0,
        false => outcome.at_ms.saturating_sub(subject.request.at_ms),
    };
    match judge(lambda.form, result, subject, latency_ms) {
        Ok(Ok(caller)) => Decision::Allow(caller),
        Ok(Err(reason)) => Decision::Refuse(reason.into()),
        // AWS keeps no result that is not valid, so that a corrected function is asked at once.
        Err(_) if outcome.cached => {
            let identity = identity_source::values(lambda.sources, subject).unwrap_or_default();
            Decision::Ask(invoke(authorizer, lambda, subject, &identity, AGAIN))
        }
        Err(what) => {
            let warning = format!(
                "{what}; the result is that of {}, the function of the authorizer {}, and API Gateway answers such a \
                 request with 500",
                lambda.function, authorizer.name
            );
            Decision::Refuse(Refusal::with_warning(Reason::Misconfigured, warning))
        }
    }
}
