//! The way from a request to a decision, in the contract's steps.
//!
//! A plugin calls [`begin`] in `shape`. As long as the decision is to ask, it returns that step; `resume` then receives
//! a token for which [`progress_of`] is not `None`, and the request again, and calls [`resume`].
//!
//! On failure: a request is refused. Only a progress that this module did not write is an error.

use alloc::string::String;

use http_event::contract::Outcome;

use crate::authorizer::{Authorizer, Kind, List};
use crate::decision::{Caller, Decision, Reason};
pub use crate::progress::progress_of;
use crate::subject::Subject;
use crate::{lambda, token};

/// Decides about a request, or asks for what the decision needs. `scopes` are those of the route. `access_key` is that
/// of the request's signature, if it has one.
pub fn begin(
    authorizer: &Authorizer<'_>,
    scopes: List<'_>,
    subject: &Subject<'_>,
    access_key: impl FnOnce() -> Option<String>,
) -> Decision {
    match &authorizer.kind {
        Kind::Lambda(lambda) => lambda::begin(authorizer, lambda, subject),
        Kind::Token(issuer) => token::begin(authorizer, issuer, scopes, subject),
        Kind::Iam => match access_key() {
            Some(access_key) => Decision::Allow(Caller::Iam { access_key }),
            None => Decision::Refuse(Reason::Unsigned.into()),
        },
    }
}

/// Goes on when an invocation or a fetch has ended.
///
/// # Errors
///
/// The progress is not one of this authorizer.
pub fn resume(
    authorizer: &Authorizer<'_>,
    scopes: List<'_>,
    subject: &Subject<'_>,
    progress: &str,
    outcome: &Outcome,
) -> Result<Decision, String> {
    match &authorizer.kind {
        Kind::Lambda(lambda) => Ok(lambda::resume(authorizer, lambda, subject, outcome)),
        Kind::Token(issuer) => {
            token::resume(authorizer, issuer, scopes, subject, progress, outcome)
        }
        Kind::Iam => Err(String::from("an authorizer of type `iam` asks for nothing")),
    }
}
