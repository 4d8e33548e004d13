//! From a request to a step: health check, WebSocket, size of the body, listener rule, event.

use alloc::borrow::ToOwned as _;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use http_event::contract::{
    BodyError, Invocation, InvocationMode, MEMORY, Request, RequestBody, Response, ResponseBody,
    Step, TIMER,
};
use http_event::json::read;

use crate::event::{self, NotText};
use crate::health;
use crate::page::{Page, SERVER};
use crate::redirect::location;
use crate::rule;
use crate::state::{Action, FixedResponse, Redirect, State};

/// Decides what to do with a request.
///
/// # Errors
///
/// `state` was not written by [`configure`](crate::configure()), or the request is for a timer that it did not set.
pub fn shape(state: &str, request: &Request) -> Result<Step, String> {
    let state = State::read(state).ok_or("the state was not written by this plugin")?;
    if let Some(timer) = request.extra(TIMER) {
        let step = health::shape(&state, timer, request.extra(MEMORY));
        return step.ok_or_else(|| format!("the timer {timer:?} is none of this plugin's"));
    }
    let action = rule::action(&state, request).ok_or("the state has no default rule")?;
    let function = match action {
        Action::Forward(function) => function,
        Action::Redirect(to) => return Ok(Step::Reply(redirect(&to, request))),
        Action::FixedResponse(fixed) => return Ok(Step::Reply(fixed_response(&fixed))),
    };
    match request.body_error() {
        Some(BodyError::Incomplete) => return Ok(Step::Reply(Page::BadRequest.response())),
        Some(BodyError::Stalled) => return Ok(Step::Reply(Page::RequestTimeout.response())),
        None => {}
    }
    if request.body == RequestBody::TooLarge {
        return Ok(Step::Reply(Page::EntityTooLarge.response()));
    }
    if is_websocket(request) || request.has_latin_1_headers() {
        return Ok(Step::Reply(Page::BadRequest.response()));
    }
    let event = match event::write(&state, request, function) {
        Ok(event) => event,
        Err(NotText) => return Ok(Step::Reply(Page::BadRequest.response())),
    };
    Ok(Step::Invoke(Invocation {
        function: function.to_owned(),
        event,
        mode: InvocationMode::Buffered,
        max_wait_ms: None,
        cache: None,
        token: String::new(),
        with_request: false,
        extra: Vec::new(),
    }))
}

fn is_websocket(request: &Request) -> bool {
    let mut protocols = request.header("upgrade");
    protocols.any(|protocol| protocol.eq_ignore_ascii_case("websocket"))
}

fn redirect(to: &Redirect<'_>, request: &Request) -> Response {
    let page = match to.permanent {
        true => Page::MovedPermanently,
        false => Page::Found,
    };
    let mut response = page.response();
    response.push_header("location", &location(to, request));
    response
}

fn fixed_response(fixed: &FixedResponse<'_>) -> Response {
    let body = match read::string(fixed.body) {
        Ok(text) if !text.is_empty() => ResponseBody::Text(text.into_owned()),
        _ => ResponseBody::Empty,
    };
    // Both were checked when the configuration was read.
    let mut response = Response::new(fixed.status.parse().unwrap_or(500), body);
    response.push_header("server", SERVER);
    response.push_header("content-type", fixed.content_type);
    response
}
