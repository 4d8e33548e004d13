//! The one request of the Telemetry API and the Logs API: an extension subscribes.
//!
//! On failure: an extension without a valid identifier, a subscription that is not valid, and one that comes after the
//! init phase get AWS's error response, and nothing changes.

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use jiff::Timestamp;
use lambkin_http::{RequestBody, Response, header, json, method_not_allowed};

use super::hub::Telemetry;
use super::new_subscription::NewSubscription;
use super::subscription::SubscriptionApi;
use crate::api_error::ApiError;
use crate::extension::api::{IDENTIFIER, read_small_body};
use crate::extension::registry::{ExtensionEvent, ExtensionRegistry};

/// Responds to `PUT /2022-07-01/telemetry` or `PUT /2020-08-15/logs`. The environment is notified of a subscription by
/// an [`ExtensionEvent`].
pub(crate) async fn respond(
    request: Request<RequestBody>,
    api: SubscriptionApi,
    telemetry: Arc<Telemetry>,
    extensions: Arc<ExtensionRegistry>,
) -> Response {
    if request.method() != Method::PUT {
        return method_not_allowed(&Method::PUT);
    }
    let (parts, body) = request.into_parts();
    let subscribed = match read_small_body(body).await {
        Ok(body) => {
            let identifier = header(&parts.headers, IDENTIFIER);
            subscribe(identifier, &body, api, &telemetry, &extensions)
        }
        Err(error) => Err(error),
    };
    match subscribed {
        Ok(()) => json(StatusCode::OK, Bytes::from_static(b"\"OK\"")),
        Err(error) => error.into_response(),
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
    extensions.send_event(ExtensionEvent::Subscribed(subscribed));
    Ok(())
}
