//! From the outcome of an invocation or a fetch to the next step.

use alloc::string::String;

use authorizer::flow;
use http_event::contract::{Outcome, Request, Step};

use crate::event::Context;
use crate::gateway_response::About;
use crate::integration::{http_proxy, mapped};
use crate::respond::respond;
use crate::shape::{admitted, begin, integration_of};
use crate::state::State;
use crate::token::{Kind, Token};
use http_event::counters::Counters;

/// Decides what to do when an invocation or a fetch has ended.
///
/// # Errors
///
/// `state` or `token` was not written by this plugin, or the request that the step asked for is missing.
pub fn resume(
    state: &str,
    token: &str,
    outcome: Outcome,
    request: Option<&Request>,
    counters: &dyn Counters,
) -> Result<Step, String> {
    let state = State::read(state).ok_or("the state was not written by this plugin")?;
    if let Some(progress) = flow::progress_of(token) {
        let request = request.ok_or("the request is missing")?;
        return begin(state, request, Some((progress, &outcome)), counters);
    }
    let token = Token::read(token).ok_or("the token was not written by this plugin")?;
    let state = state.for_request(token.request_id);
    // It was admitted before.
    let admitted = request.and_then(|request| Some((admitted(&state, request).ok()?, request)));
    let context = admitted.as_ref().map(|(admitted, request)| Context {
        written: token.context,
        ..admitted.context(&state, request)
    });
    let about = About {
        request_id: token.request_id,
        context: token.context,
        request: context.as_ref(),
    };
    let response = match token.kind {
        Kind::Proxy => respond(&state, &token, outcome.ending, about),
        Kind::Http => http_proxy::finish(&state, &token, outcome.ending, about),
        Kind::Mapped => {
            let context = context.as_ref().ok_or("the request is missing")?;
            let detail = integration_of(context).ok_or("the integration is missing")?;
            mapped::finish(context, &detail, outcome.ending)
        }
    };
    Ok(Step::Reply(response))
}
