//! From a request to a step, in AWS's order: size of the head, stage, method, API key, authorizer, required parameters,
//! size, model of the body, throttles and quota, integration.

use alloc::string::String;
use alloc::vec::Vec;

use authorizer::authorizer::Guard;
use authorizer::decision::{Caller, Decision};
use authorizer::flow::Ended;
use http_event::apigw_id::request_id;
use http_event::contract::{
    BodyError, Invocation, InvocationMode, Request, RequestBody, Response, ResponseBody, Step,
};
use http_event::head::{HeadSize, head_size};
use http_event::json::read;
use http_event::query::parameters;
use serde_json::Value;

use crate::authorize;
use crate::body_model;
use crate::event::Context;
use crate::gateway_response::GatewayResponse;
use crate::integration::{http_proxy, mapped};
use crate::resource::{self, Match};
use crate::state::{Integration, Key, Method, Mock, NO_PLAN, State, entries, pairs};
use crate::token::Token;
use crate::usage;
use http_event::counters::Counters;

/// The largest request line of a Regional API, and the most that all headers may have together, in bytes.
const MAX_HEAD: usize = 10_240;

/// Lambda's limit for an event, in bytes.
const MAX_EVENT: usize = 6 * 1024 * 1024;

/// Decides what to do with a request.
///
/// # Errors
///
/// `state` was not written by [`configure`](crate::configure()).
pub fn shape(state: &str, request: &Request, counters: &dyn Counters) -> Result<Step, String> {
    let state = State::read(state).ok_or("the state was not written by this plugin")?;
    begin(state, request, None, counters)
}

/// The first step of a request, or the one after a step of the method's authorizer.
///
/// # Errors
///
/// The state or the authorizer's token was not written by this plugin.
pub fn begin(
    state: State<'_>,
    request: &Request,
    ended: Option<Ended<'_>>,
    counters: &dyn Counters,
) -> Result<Step, String> {
    // What is tested is not deployed, and has no canary.
    let state = &match request.is_test() {
        true => state,
        false => state.for_request(&request.id),
    };
    let mut admitted = match routed(state, request) {
        Ok(routed) => routed,
        Err(refusal) => return Ok(Step::Reply(refuse_unrouted(state, request, &refusal))),
    };
    if let Err(refusal) = admitted.take_key(state, request) {
        let response = refusal.answer(&admitted.context(state, request));
        return Ok(Step::Reply(response));
    }
    let guard = authorize::guard_of(&admitted.found.method).filter(|_| !request.is_test());
    if let Some(guard) = guard.as_deref().and_then(Guard::read) {
        let context = admitted.context(state, request);
        match authorize::decide(&context, guard, ended)? {
            Decision::Ask(step) => return Ok(step),
            Decision::Allow(caller) => admitted.caller = Some(caller),
            Decision::Refuse(refusal) => {
                let response = authorize::refused(refusal, &context);
                return Ok(Step::Reply(response));
            }
        }
    }
    let counted = admitted.check(state, request).and_then(|()| {
        let (method, key) = (&admitted.found.method, admitted.api_key.as_ref());
        match request.is_test() {
            true => Ok(()),
            false => usage::count(method, key, request, counters),
        }
    });
    Ok(match counted {
        Ok(()) => authorize::within_budget(step(state, request, &admitted), request.at_ms, ended),
        Err(refusal) => Step::Reply(refusal.answer(&admitted.context(state, request))),
    })
}

/// The answer to a request without a method, which has the request context as far as there is one.
fn refuse_unrouted(state: &State<'_>, request: &Request, refusal: &GatewayResponse) -> Response {
    let found = Match {
        method: Method::none(),
        parameters: Vec::new(),
    };
    refusal.answer(&Context {
        state,
        request,
        found: &found,
        method: &request.method,
        path: &request.path,
        has_stage: false,
        api_key: None,
        caller: None,
        written: "",
    })
}

/// A request that may use its method.
pub struct Admitted<'a> {
    found: Match<'a>,
    /// The method as the function sees it.
    method: &'a str,
    /// The path without the stage.
    path: &'a str,
    /// Whether the stage was in the path, and no base path.
    has_stage: bool,
    /// The API key, if one is required.
    api_key: Option<Key<'a>>,
    /// Who the caller is, if the method has an authorizer.
    caller: Option<Caller>,
}

/// The method of a request that was admitted before.
///
/// # Errors
///
/// The gateway response that says why it is not.
pub fn admitted<'a>(
    state: &State<'a>,
    request: &'a Request,
) -> Result<Admitted<'a>, GatewayResponse> {
    let mut admitted = routed(state, request)?;
    admitted.take_key(state, request)?;
    Ok(admitted)
}

/// The method of a request.
fn routed<'a>(state: &State<'a>, request: &'a Request) -> Result<Admitted<'a>, GatewayResponse> {
    let HeadSize { line, headers } = head_size(request);
    if line > MAX_HEAD {
        return Err(GatewayResponse::UriTooLong);
    }
    if headers > MAX_HEAD {
        return Err(GatewayResponse::HeadersTooLarge);
    }
    match request.body_error() {
        Some(BodyError::Incomplete) => return Err(GatewayResponse::BadRequest),
        Some(BodyError::Stalled) => return Err(GatewayResponse::RequestTimeout),
        None => {}
    }
    let (path, has_stage) = match request.is_test() {
        true => (request.path.as_str(), true),
        false => resource::path_in_api(state, &request.path).ok_or(GatewayResponse::Forbidden)?,
    };
    let method = request.header("x-http-method-override").last();
    let method = method.unwrap_or(&request.method);
    let found =
        resource::find(state, method, path).ok_or(GatewayResponse::MissingAuthenticationToken)?;
    Ok(Admitted {
        found,
        method,
        path,
        has_stage,
        api_key: None,
        caller: None,
    })
}

fn known_key<'a>(state: &State<'a>, value: Option<&str>) -> Result<Key<'a>, GatewayResponse> {
    let known = value.and_then(|value| state.key(value));
    let known = known.filter(|key| key.plan != NO_PLAN);
    known.ok_or(GatewayResponse::InvalidApiKey)
}

/// The names of the required parameters that a request lacks, or that are blank.
fn missing<'a>(found: &Match<'a>, request: &Request) -> Vec<&'a str> {
    let query = parameters(&request.query);
    entries(found.method.required)
        .filter_map(|required| required.split_once('.'))
        .filter(|(place, name)| match *place {
            "header" => {
                let name = name.to_ascii_lowercase();
                request.header(&name).all(|value| value.trim().is_empty())
            }
            _ => query
                .iter()
                .all(|(key, value)| key != name || value.trim().is_empty()),
        })
        .map(|(_, name)| name)
        .collect()
}

impl<'a> Admitted<'a> {
    /// Finds the API key of the request's header, if the method requires one.
    fn take_key(&mut self, state: &State<'a>, request: &Request) -> Result<(), GatewayResponse> {
        if self.found.method.needs_key && !state.keys_of_authorizers && !request.is_test() {
            let value = request.header("x-api-key").last();
            self.api_key = Some(known_key(state, value)?);
        }
        Ok(())
    }

    /// Checks what is checked after the authorizer.
    fn check(&mut self, state: &State<'a>, request: &Request) -> Result<(), GatewayResponse> {
        if self.found.method.needs_key && state.keys_of_authorizers && !request.is_test() {
            let value = match &self.caller {
                Some(Caller::Lambda { usage_key, .. }) => usage_key.as_deref(),
                _ => None,
            };
            self.api_key = Some(known_key(state, value)?);
        }
        let missing = missing(&self.found, request);
        if !missing.is_empty() {
            let names = missing.join(", ");
            return Err(GatewayResponse::BadRequestParameters(names));
        }
        if request.body == RequestBody::TooLarge {
            return Err(GatewayResponse::RequestTooLarge);
        }
        body_model::check(state, &self.found.method, request)
    }

    /// What events and templates are written from.
    pub fn context(&'a self, state: &'a State<'a>, request: &'a Request) -> Context<'a> {
        Context {
            state,
            request,
            found: &self.found,
            method: self.method,
            path: self.path,
            has_stage: self.has_stage,
            api_key: self.api_key,
            caller: self.caller.as_ref(),
            written: "",
        }
    }
}

/// The settings of the method's integration, if it is no Lambda proxy.
pub fn integration_of(context: &Context<'_>) -> Option<Value> {
    let detail = context.found.method.detail("integration")?;
    serde_json::from_str(detail).ok()
}

fn step(state: &State<'_>, request: &Request, admitted: &Admitted<'_>) -> Step {
    let context = admitted.context(state, request);
    let (function, timeout_ms, streamed) = match &admitted.found.method.integration {
        Integration::Mock(mock) => return Step::Reply(mocked(mock, request)),
        Integration::Mapped {
            function,
            timeout_ms,
        } => {
            // `configure` wrote it.
            let detail = integration_of(&context).unwrap_or_default();
            return match detail.get("type").and_then(Value::as_str) {
                Some("HTTP_PROXY") => http_proxy::begin(&context, &detail, *timeout_ms),
                _ => mapped::begin(&context, &detail, function, *timeout_ms),
            };
        }
        Integration::Lambda {
            function,
            timeout_ms,
            streamed,
        } => (*function, *timeout_ms, *streamed),
    };
    // A larger one would make an event that Lambda refuses with the same answer.
    let about = context.about();
    if request.body.as_bytes().len() > MAX_EVENT {
        let refusal = GatewayResponse::RequestTooLarge;
        return Step::Reply(refusal.answer(&context));
    }
    let token = Token {
        streamed,
        context: &about,
        ..Token::new(state, request)
    };
    Step::Invoke(Invocation {
        function: context.function(function),
        event: context.write(),
        mode: match streamed {
            true => InvocationMode::Streamed,
            false => InvocationMode::Buffered,
        },
        max_wait_ms: Some(timeout_ms),
        cache: None,
        token: token.write(),
        with_request: state.needs_request(),
        extra: Vec::new(),
    })
}

fn mocked(mock: &Mock<'_>, request: &Request) -> Response {
    let body = match read::string(mock.body) {
        Ok(text) if !text.is_empty() => ResponseBody::Text(text.into_owned()),
        _ => ResponseBody::Empty,
    };
    // It was checked when the configuration was read.
    let mut response = Response::new(mock.status.parse().unwrap_or(500), body);
    response.push_header("x-amzn-RequestId", &request.id);
    response.push_header("x-amz-apigw-id", &request_id(&request.id));
    let mut has_type = false;
    for (name, value) in pairs(mock.headers) {
        has_type |= name.eq_ignore_ascii_case("content-type");
        response.push_header(name, value);
    }
    if !has_type {
        response.push_header("Content-Type", "application/json");
    }
    response
}
