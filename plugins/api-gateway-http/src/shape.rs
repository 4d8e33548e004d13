//! From a request to a step: quotas, stage, preflight request, route, event.

use alloc::borrow::ToOwned as _;
use alloc::string::String;
use alloc::vec::Vec;

use http_event::contract::{Invocation, InvocationMode, Request, Response, ResponseBody, Step};
use http_event::cors;

use crate::event::{self, Context};
use crate::gateway_error::{GatewayError, REQUEST_ID};
use crate::limits;
use crate::routing;
use crate::state::State;
use crate::token::Token;
use http_event::apigw_id::request_id;

/// Decides what to do with a request.
///
/// # Errors
///
/// `state` was not written by [`configure`](crate::configure()).
pub fn shape(state: &str, request: &Request) -> Result<Step, String> {
    let state = State::read(state).ok_or("the state was not written by this plugin")?;
    let request_id = request_id(&request.id);
    let allow_origin = state
        .cors
        .as_ref()
        .and_then(|cors| cors.allow_origin(request));
    let reply = |error: GatewayError| {
        let mut response = error.response(&request_id);
        if let Some(cors) = &state.cors {
            cors.replace_headers(allow_origin, &mut response);
        }
        Ok(Step::Reply(response))
    };

    if let Err(error) = limits::check(request) {
        return reply(error);
    }
    let Some(path) = routing::path_in_stage(&state, &request.path) else {
        return reply(GatewayError::NotFound);
    };
    if let Some(cors) = state.cors.as_ref().filter(|_| cors::is_preflight(request)) {
        let mut response = Response::new(204, ResponseBody::Empty);
        response.push_header(REQUEST_ID, &request_id);
        cors.answer_preflight(allow_origin, &mut response);
        return Ok(Step::Reply(response));
    }
    let Some(found) = routing::find(&state, &request.method, path) else {
        return reply(GatewayError::NotFound);
    };

    let event = event::write(&Context {
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
    Ok(Step::Invoke(Invocation {
        function: found.route.function.to_owned(),
        event,
        mode: InvocationMode::Buffered,
        max_wait_ms: Some(found.route.timeout_ms),
        cache: None,
        token: token.write(),
        with_request: false,
        extra: Vec::new(),
    }))
}
