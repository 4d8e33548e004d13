//! From a request to a step: the size of its body, preflight request, signature, event.

use alloc::borrow::ToOwned as _;
use alloc::string::String;
use alloc::vec::Vec;

use http_event::contract::{
    BodyError, Invocation, InvocationMode, Request, RequestBody, Response, ResponseBody, Step,
};
use http_event::cors;
use http_event::signature::access_key;

use crate::event;
use crate::respond;
use crate::state::{AuthType, InvokeMode, State};
use crate::token::Token;
use crate::url_error::UrlError;

/// Decides what to do with a request.
///
/// # Errors
///
/// `state` was not written by [`configure`](crate::configure()).
pub fn shape(state: &str, request: &Request) -> Result<Step, String> {
    let state = State::read(state).ok_or("the state was not written by this plugin")?;
    let cors = state.cors.as_ref();
    let token = Token {
        request_id: &request.id,
        trace_id: &request.trace_id,
        allow_origin: cors.and_then(|cors| cors.allow_origin(request)),
    };
    let refuse = |error: UrlError| {
        Ok(Step::Reply(respond::finish(
            &state,
            &token,
            error.response(),
        )))
    };

    match request.body_error() {
        Some(BodyError::Incomplete) => return refuse(UrlError::BadRequest),
        Some(BodyError::Stalled) => return refuse(UrlError::RequestTimeout),
        None => {}
    }
    if let Some(cors) = cors.filter(|_| cors::is_preflight(request)) {
        let mut response = Response::new(200, ResponseBody::Empty);
        respond::push_ids(&token, &mut response);
        cors.answer_preflight(token.allow_origin, &mut response);
        return Ok(Step::Reply(response));
    }
    let access_key = match state.auth_type {
        AuthType::None => None,
        AuthType::AwsIam => match access_key(request, "lambda") {
            Some(key) => Some(key),
            None => return refuse(UrlError::Forbidden),
        },
    };
    if request.body == RequestBody::TooLarge {
        return refuse(UrlError::TooLarge);
    }
    Ok(Step::Invoke(Invocation {
        function: state.function.to_owned(),
        event: event::write(&state, request, access_key.as_deref()),
        mode: match state.invoke_mode {
            InvokeMode::Buffered => InvocationMode::Buffered,
            InvokeMode::ResponseStream => InvocationMode::Streamed,
        },
        max_wait_ms: None,
        cache: None,
        token: token.write(),
        with_request: false,
        extra: Vec::new(),
    }))
}
