//! From a request to a step: quotas, stage, preflight request, route, authorizer, throttle, event.

use alloc::borrow::ToOwned as _;
use alloc::string::String;
use alloc::vec::Vec;

use authorizer::authorizer::Guard;
use authorizer::decision::{Caller, Decision};
use authorizer::flow;
use authorizer::flow::Ended;
use http_event::contract::{
    Invocation, InvocationMode, Outcome, Request, Response, ResponseBody, Step,
};
use http_event::cors;
use http_event::counters::Counters;
use http_event::headers::canonical_name;
use http_event::throttle::Limits;

use crate::authorize;
use crate::event::{self, Context};
use crate::gateway_error::{GatewayError, REQUEST_ID};
use crate::limits;
use crate::respond::respond;
use crate::routing;
use crate::state::State;
use crate::token::Token;
use http_event::apigw_id::request_id;

/// Decides what to do with a request.
///
/// # Errors
///
/// `state` was not written by [`configure`](crate::configure()).
pub fn shape(state: &str, request: &Request, counters: &dyn Counters) -> Result<Step, String> {
    first(state, request, counters).map(spelled)
}

/// The step with the names of a response's headers as the gateway spells them: `Apigw-Requestid`. HTTP/2 has only lower
/// case.
fn spelled(mut step: Step) -> Step {
    if let Step::Reply(response) = &mut step {
        for (name, _) in &mut response.headers {
            *name = canonical_name(name);
        }
    }
    step
}

fn first(state: &str, request: &Request, counters: &dyn Counters) -> Result<Step, String> {
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

    let context = Context {
        state: &state,
        request,
        found: &found,
        request_id: &request_id,
        caller: None,
    };
    if found.route.guard.is_empty() {
        return Ok(invoke(&context, allow_origin, counters));
    }
    authorized(&context, allow_origin, None, counters)
}

/// Goes on when an invocation or a fetch has ended: that of the function, or one of an authorizer.
///
/// # Errors
///
/// `state` or `token` was not written by this plugin, or the request of an authorizer's step is missing.
pub fn resume(
    state: &str,
    token: &str,
    outcome: Outcome,
    request: Option<&Request>,
    counters: &dyn Counters,
) -> Result<Step, String> {
    next(state, token, outcome, request, counters).map(spelled)
}

fn next(
    state: &str,
    token: &str,
    outcome: Outcome,
    request: Option<&Request>,
    counters: &dyn Counters,
) -> Result<Step, String> {
    let Some(progress) = flow::progress_of(token) else {
        return respond(state, token, outcome.ending).map(Step::Reply);
    };
    let state = State::read(state).ok_or("the state was not written by this plugin")?;
    let request = request.ok_or("the request is missing")?;
    let path = routing::path_in_stage(&state, &request.path);
    let found = path.and_then(|path| routing::find(&state, &request.method, path));
    let found = found.ok_or("the token was not written for this request")?;
    let cors = state.cors.as_ref();
    let context = Context {
        state: &state,
        request,
        found: &found,
        request_id: &request_id(&request.id),
        caller: None,
    };
    let allow_origin = cors.and_then(|cors| cors.allow_origin(request));
    authorized(&context, allow_origin, Some((progress, &outcome)), counters)
}

/// What the authorizer of the route decides, from the beginning or after a step.
fn authorized(
    context: &Context<'_>,
    allow_origin: Option<&str>,
    ended: Option<Ended<'_>>,
    counters: &dyn Counters,
) -> Result<Step, String> {
    let guard =
        Guard::read(context.found.route.guard).ok_or("the state was not written by this plugin")?;
    Ok(match authorize::decide(context, guard, ended)? {
        Decision::Ask(step) => step,
        Decision::Allow(caller) => {
            let caller: Option<&Caller> = Some(&caller);
            invoke(&Context { caller, ..*context }, allow_origin, counters)
        }
        Decision::Refuse(refusal) => {
            let mut response = authorize::refused(refusal, context.request_id);
            if let Some(cors) = &context.state.cors {
                cors.replace_headers(allow_origin, &mut response);
            }
            Step::Reply(response)
        }
    })
}

/// The invocation of the function, unless the route's throttle refuses it.
fn invoke(context: &Context<'_>, allow_origin: Option<&str>, counters: &dyn Counters) -> Step {
    let (route, request) = (context.found.route, context.request);
    if let Some(limits) = Limits::read(route.throttle)
        && !limits.pass(&context.route_key(), request.at_ms, counters)
    {
        let mut response = GatewayError::TooManyRequests.response(context.request_id);
        if let Some(cors) = &context.state.cors {
            cors.replace_headers(allow_origin, &mut response);
        }
        return Step::Reply(response);
    }
    let token = Token {
        format: route.format,
        request_id: context.request_id,
        allow_origin,
    };
    Step::Invoke(Invocation {
        function: route.function.to_owned(),
        event: event::write(context),
        mode: InvocationMode::Buffered,
        max_wait_ms: Some(route.timeout_ms),
        cache: None,
        token: token.write(),
        with_request: false,
        extra: Vec::new(),
    })
}
