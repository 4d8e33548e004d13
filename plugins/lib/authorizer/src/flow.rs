//! The way from a request to a decision, in the contract's steps.
//!
//! A plugin calls [`decide`] in `shape`. As long as the decision is to ask, it returns that step; `resume` then receives
//! a token for which [`progress_of`] is not `None`, and the request again, and calls [`decide`] with both.
//!
//! On failure: a request is refused. Only a progress that this module did not write is an error.

use alloc::string::String;

use http_event::api::Api;
use http_event::contract::Outcome;
use http_event::signature::access_key;

use crate::authorizer::{Authorizer, Form, Guard, Kind, List, find};
use crate::decision::{Caller, Decision, Reason};
pub use crate::progress::progress_of;
use crate::subject::{MethodArn, Subject, Wanted, method_arn};
use crate::{lambda, token};

/// A step of an authorizer that has ended: its progress, as from [`progress_of`], and its outcome.
pub type Ended<'a> = (&'a str, &'a Outcome);

/// Decides about a request to a guarded route, from the beginning or after a step, or asks for what the decision needs.
/// `authorizers` is the line of the plugin's state.
///
/// # Errors
///
/// The state lacks the authorizer, or the progress is not one of it.
pub fn decide(
    authorizers: &str,
    guard: Guard<'_>,
    subject: &Subject<'_>,
    ended: Option<Ended<'_>>,
) -> Result<Decision, String> {
    let authorizer =
        find(authorizers, guard.authorizer).ok_or("the state was not written by this plugin")?;
    match ended {
        None => Ok(begin(&authorizer, guard.scopes, subject)),
        Some((progress, outcome)) => resume(&authorizer, guard.scopes, subject, progress, outcome),
    }
}

/// Like [`decide`], for what a request wants of an API.
///
/// # Errors
///
/// As those of [`decide`].
pub fn decide_for(
    api: &Api<'_>,
    wanted: Wanted<'_>,
    guard: Guard<'_>,
    ended: Option<Ended<'_>>,
) -> Result<Decision, String> {
    let arn = method_arn(MethodArn {
        region: api.region,
        account: api.account,
        api_id: api.id,
        stage: api.stage,
        method: wanted.method,
        path: wanted.path,
    });
    let variable = |name: &str| wanted.variable(api, name);
    let event = |form: Form, identity: &[String]| (wanted.event)(&arn, form, identity);
    let subject = Subject {
        request: wanted.request,
        method_arn: &arn,
        stage_variables: api.stage_variables,
        context: &variable,
        event: &event,
    };
    decide(api.authorizers, guard, &subject, ended)
}

fn begin(authorizer: &Authorizer<'_>, scopes: List<'_>, subject: &Subject<'_>) -> Decision {
    match &authorizer.kind {
        Kind::Lambda(lambda) => lambda::begin(authorizer, lambda, subject),
        Kind::Token(issuer) => token::begin(authorizer, issuer, scopes, subject),
        Kind::Iam => match access_key(subject.request, "execute-api") {
            Some(access_key) => Decision::Allow(Caller::Iam {
                access_key: access_key.into_owned(),
            }),
            None => Decision::Refuse(Reason::Unsigned.into()),
        },
    }
}

fn resume(
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
