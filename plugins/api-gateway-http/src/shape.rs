//! From request to decision: quotas, stage, preflight, route, event.

use alloc::borrow::ToOwned as _;
use alloc::string::String;

use crate::contract::{Decision, Invocation, Request, Response};
use crate::event::{self, Call};
use crate::reply::Gateway;
use crate::routing;
use crate::state::State;
use crate::token::{Token, request_id};
use crate::{cors, limits};

/// Decides what to do with a request.
///
/// # Errors
///
/// `state` is not from [`configure`](crate::configure()).
pub fn shape(state: &str, request: &Request) -> Result<Decision, String> {
    let state = State::read(state).ok_or("the state is not one that this plugin made")?;
    let request_id = request_id(&request.id);
    let allow_origin = state
        .cors
        .as_ref()
        .and_then(|cors| cors::allow_origin(cors, request));
    let reply = |mut response: Response| {
        if let Some(cors) = &state.cors {
            cors::replace(cors, allow_origin, &mut response);
        }
        Ok(Decision::Reply(response))
    };

    if let Some(refusal) = limits::refusal(request) {
        return reply(refusal.response(&request_id));
    }
    let Some(path) = routing::path_in_stage(&state, &request.path) else {
        return reply(Gateway::NotFound.response(&request_id));
    };
    if let Some(cors) = state.cors.as_ref().filter(|_| cors::is_preflight(request)) {
        return Ok(Decision::Reply(cors::preflight(
            cors,
            allow_origin,
            &request_id,
        )));
    }
    let Some(found) = routing::find(&state, &request.method, path) else {
        return reply(Gateway::NotFound.response(&request_id));
    };

    let event = event::write(&Call {
        state: &state,
        request,
        found: &found,
        request_id: &request_id,
    });
    let token = Token {
        format: found.route.format,
        request_id: &request_id,
        allow_origin,
    };
    Ok(Decision::Invoke(Invocation {
        function: found.route.function.to_owned(),
        event,
        token: token.write(),
        wait_ms: Some(found.route.wait_ms),
        streaming: false,
    }))
}
