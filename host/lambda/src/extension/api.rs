//! The Extensions API's requests and answers; what they mean is the [registry](super::registry)'s to say.
//!
//! An extension that asks for the next event waits in its request for as long as it takes.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use http::{Method, Request, StatusCode};
use hyper::body::Incoming;
use lambkin_http::{BodyError, Response, header, read_body};
use uuid::Uuid;

use super::error;
use super::members::NextEvent;
use super::registry::{ExtensionRegistry, Registration};
use crate::limits::EXTENSION_REQUEST_BYTES;
use crate::runtime_api::error::ApiError;
use crate::runtime_api::reply::{
    acknowledged, error_response, json, method_not_allowed, not_found,
};

/// Tells extensions apart. Given to them when they register, and part of each later request.
pub(crate) const IDENTIFIER: &str = "lambda-extension-identifier";
const NAME: &str = "lambda-extension-name";
const ACCEPT_FEATURE: &str = "lambda-extension-accept-feature";
const ERROR_TYPE: &str = "lambda-extension-function-error-type";
const EVENT_IDENTIFIER: &str = "lambda-extension-event-identifier";

/// Where the Extensions API's paths begin.
const PREFIX: &str = "/2020-01-01/extension/";

/// Answers one request of an extension.
pub(crate) async fn answer(
    request: Request<Incoming>,
    extensions: Arc<ExtensionRegistry>,
) -> Response {
    if extensions.is_disabled() {
        let mut response = Response::default();
        *response.status_mut() = StatusCode::NOT_FOUND;
        return response;
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
    let body = match read(body).await {
        Ok(body) => body,
        Err(error) => return error_response(&error),
    };
    let (identifier, error_type) = (header(IDENTIFIER), header(ERROR_TYPE));
    match route {
        Route::InitError => acknowledged(extensions.init_error(identifier, error_type, &body)),
        Route::ExitError => acknowledged(extensions.exit_error(identifier, error_type, &body)),
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

/// Reads the small body of an extension's request.
pub(crate) async fn read(body: Incoming) -> Result<Bytes, ApiError> {
    let too_large = || {
        error::invalid_request(format!(
            "the body is larger than {EXTENSION_REQUEST_BYTES} bytes"
        ))
    };
    match read_body(body, EXTENSION_REQUEST_BYTES).await {
        Ok(body) => Ok(body),
        Err(BodyError::TooLarge { .. }) => Err(too_large()),
        Err(BodyError::Incomplete(_)) => Err(ApiError::TRUNCATED),
    }
}

fn registered(registered: Result<Registration, ApiError>) -> Response {
    match registered {
        Ok(Registration { identifier, body }) => {
            with_uuid(json(StatusCode::OK, body), IDENTIFIER, identifier)
        }
        Err(error) => error_response(&error),
    }
}

async fn next(next: Result<NextEvent, ApiError>) -> Response {
    let event = match next {
        Ok(NextEvent::Now(event)) => Ok(event),
        // Its process is being ended, or it has said itself that it can not go on.
        Ok(NextEvent::Later(event)) => event.await.map_err(|_ended| ApiError::INTERNAL),
        Err(error) => Err(error),
    };
    match event {
        Ok(event) => with_uuid(
            json(StatusCode::OK, event),
            EVENT_IDENTIFIER,
            Uuid::new_v4(),
        ),
        Err(error) => error_response(&error),
    }
}

fn with_uuid(mut response: Response, name: &'static str, value: Uuid) -> Response {
    if let Ok(value) = HeaderValue::from_str(&value.to_string()) {
        response
            .headers_mut()
            .insert(HeaderName::from_static(name), value);
    }
    response
}
