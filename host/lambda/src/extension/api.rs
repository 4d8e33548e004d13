//! The Extensions API's requests and responses; the [registry](super::registry) decides what the requests mean.
//!
//! An extension that requests the next event waits in its request until there is one.

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use lambkin_http::{
    BodyError, RequestBody, Response, empty, header, json, method_not_allowed, not_found,
    read_body, set_header,
};
use uuid::Uuid;

use super::error;
use super::member::NextEvent;
use super::registry::{ExtensionRegistry, Registration};
use crate::api_error::{ApiError, accepted_or_error};
use crate::limits::EXTENSION_REQUEST_BYTES;

/// Identifies an extension. It receives the identifier when it registers and sends it with each later request.
pub(crate) const IDENTIFIER: &str = "lambda-extension-identifier";
const NAME: &str = "lambda-extension-name";
const ACCEPT_FEATURE: &str = "lambda-extension-accept-feature";
const ERROR_TYPE: &str = "lambda-extension-function-error-type";
const EVENT_IDENTIFIER: &str = "lambda-extension-event-identifier";

/// The prefix of the Extensions API's paths.
const PREFIX: &str = "/2020-01-01/extension/";

/// Responds to one request of an extension.
pub(crate) async fn respond(
    request: Request<RequestBody>,
    extensions: Arc<ExtensionRegistry>,
) -> Response {
    if extensions.is_disabled() {
        return empty(StatusCode::NOT_FOUND);
    }
    let path = request.uri().path().strip_prefix(PREFIX);
    let Some(route) = path.and_then(Route::of) else {
        return not_found();
    };
    if request.method() != route.method() {
        return method_not_allowed(&route.method());
    }
    let (parts, body) = request.into_parts();
    let header = |name| header(&parts.headers, name);
    if route == Route::Next {
        return next(extensions.next(header(IDENTIFIER))).await;
    }
    let body = match read_small_body(body).await {
        Ok(body) => body,
        Err(error) => return error.into_response(),
    };
    let (identifier, error_type) = (header(IDENTIFIER), header(ERROR_TYPE));
    match route {
        Route::InitError => accepted_or_error(extensions.init_error(identifier, error_type, &body)),
        Route::ExitError => accepted_or_error(extensions.exit_error(identifier, error_type, &body)),
        Route::Register | Route::Next => {
            registered(extensions.register(header(NAME), header(ACCEPT_FEATURE), &body))
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Route {
    Register,
    Next,
    InitError,
    ExitError,
}

impl Route {
    fn of(path: &str) -> Option<Self> {
        match path {
            "register" => Some(Self::Register),
            "event/next" => Some(Self::Next),
            "init/error" => Some(Self::InitError),
            "exit/error" => Some(Self::ExitError),
            _ => None,
        }
    }

    fn method(self) -> Method {
        match self {
            Self::Next => Method::GET,
            Self::Register | Self::InitError | Self::ExitError => Method::POST,
        }
    }
}

/// Reads the body of an extension's request.
pub(crate) async fn read_small_body(body: RequestBody) -> Result<Bytes, ApiError> {
    let too_large = || {
        error::invalid_request(format!(
            "the body is larger than {EXTENSION_REQUEST_BYTES} bytes"
        ))
    };
    match read_body(body, EXTENSION_REQUEST_BYTES).await {
        Ok(body) => Ok(body),
        Err(BodyError::TooLarge { .. }) => Err(too_large()),
        Err(BodyError::Incomplete(_) | BodyError::TimedOut(_)) => Err(ApiError::TRUNCATED),
    }
}

fn registered(registered: Result<Registration, ApiError>) -> Response {
    match registered {
        Ok(Registration { identifier, body }) => {
            with_uuid(json(StatusCode::OK, body), IDENTIFIER, identifier)
        }
        Err(error) => error.into_response(),
    }
}

async fn next(next: Result<NextEvent, ApiError>) -> Response {
    let event = match next {
        Ok(NextEvent::Now(event)) => Ok(event),
        // The sender is dropped if the process is being killed, or if the extension has reported an error.
        Ok(NextEvent::Later(event)) => event.await.map_err(|_dropped| ApiError::INTERNAL),
        Err(error) => Err(error),
    };
    match event {
        Ok(event) => with_uuid(
            json(StatusCode::OK, event),
            EVENT_IDENTIFIER,
            Uuid::new_v4(),
        ),
        Err(error) => error.into_response(),
    }
}

fn with_uuid(mut response: Response, name: &'static str, value: Uuid) -> Response {
    set_header(&mut response, name, &value.to_string());
    response
}
