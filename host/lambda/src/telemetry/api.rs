//! The Telemetry API's and the Logs API's one request: an extension subscribes.

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use hyper::body::Incoming;
use jiff::Timestamp;
use lambkin_http::{Response, header};

use super::event::extension::NewSubscription;
use super::hub::Telemetry;
use super::subscription::SubscriptionApi;
use crate::extension::api::{IDENTIFIER, read};
use crate::extension::registry::{ExtensionEvent, ExtensionRegistry};
use crate::runtime_api::error::ApiError;
use crate::runtime_api::reply::{error_response, json, method_not_allowed};

/// Answers `PUT /2022-07-01/telemetry` or `PUT /2020-08-15/logs`. The environment hears of a subscription as an
/// [`ExtensionEvent`] of its extensions.
pub(crate) async fn answer(
    request: Request<Incoming>,
    api: SubscriptionApi,
    telemetry: Arc<Telemetry>,
    extensions: Arc<ExtensionRegistry>,
) -> Response {
    if request.method() != Method::PUT {
        return method_not_allowed(&Method::PUT);
    }
    let (parts, body) = request.into_parts();
    let subscribed = match read(body).await {
        Ok(body) => {
            let identifier = header(&parts.headers, IDENTIFIER);
            subscribe(identifier, &body, api, &telemetry, &extensions)
        }
        Err(error) => Err(error),
    };
    match subscribed {
        Ok(()) => json(StatusCode::OK, Bytes::from_static(b"\"OK\"")),
        Err(error) => error_response(&error),
    }
}

fn subscribe(
    identifier: Option<&str>,
    body: &[u8],
    api: SubscriptionApi,
    telemetry: &Telemetry,
    extensions: &ExtensionRegistry,
) -> Result<(), ApiError> {
    let name = extensions.name_of(identifier)?;
    let subscription = api.subscription(body, telemetry.own_port())?;
    let types = subscription.types.clone();
    telemetry.subscribe(&name, subscription)?;
    let subscribed = NewSubscription { api, name, types };
    telemetry.record(subscribed.to_event(Timestamp::now()));
    extensions.tell(ExtensionEvent::Subscribed(subscribed));
    Ok(())
}
