//! The hub and the delivery, with real subscribers, and both APIs over HTTP.

mod api;
mod delivery;
mod listener;
mod subscription;

use std::time::{Duration, Instant};

use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::event::{Event, Kind, Record as _, log_event};
use super::event::{invocation::EndRecord, invocation::StartRecord};
use super::hub::Telemetry;
use super::queue::Queue;
use super::subscription::{Buffering, Subscription, SubscriptionApi};
use crate::api_error::ApiError;
use crate::limits::{TELEMETRY_BACKLOG_BYTES, TELEMETRY_REPLAY_BYTES};

const OWN_PORT: u16 = 1;

/// Longer than anything takes, even on a busy machine.
const LONG: Duration = Duration::from_secs(30);

fn line(text: &str) -> Event {
    log_event(Kind::Function, Timestamp::now(), text, false)
}

fn start(request_id: &str) -> Event {
    let record = StartRecord {
        request_id,
        version: None,
        tracing: None,
        tenant_id: None,
    };
    record.to_event(Timestamp::now())
}

/// A subscription to all kinds. Where `timeout_ms` is long, only the test itself makes a batch due.
fn subscription(api: SubscriptionApi, destination: &Value, timeout_ms: u64) -> Subscription {
    let body = json!({
        "types": ["platform", "function", "extension"],
        "buffering": {"maxItems": 1000, "timeoutMs": timeout_ms},
        "destination": destination,
    });
    api.subscription(body.to_string().as_bytes(), OWN_PORT)
        .unwrap()
}

fn http(port: u16) -> Value {
    json!({"protocol": "HTTP", "URI": format!("http://sandbox.localdomain:{port}/path?q=1")})
}

fn tcp(port: u16) -> Value {
    json!({"protocol": "TCP", "port": port})
}

fn status_type_and_message(result: Result<(), ApiError>) -> (StatusCode, &'static str, String) {
    let error = result.unwrap_err();
    (error.status, error.error_type, error.message.into_owned())
}

/// A subscription to a port on which no process listens.
fn nowhere(api: SubscriptionApi) -> Subscription {
    subscription(api, &tcp(2), 30_000)
}

fn soon() -> Instant {
    Instant::now() + LONG
}

#[tokio::test]
async fn after_the_init_phase_only_kinds_with_a_subscriber_are_wanted() {
    let telemetry = Telemetry::new(OWN_PORT);
    let kinds = [Kind::Platform, Kind::Function, Kind::Extension];
    assert_eq!(kinds.map(|kind| telemetry.wants(kind)), [true; 3]);
    let mut subscription = nowhere(SubscriptionApi::Telemetry);
    subscription.types = vec![Kind::Function];
    telemetry.subscribe("one", subscription).unwrap();
    telemetry.close_subscriptions();
    assert_eq!(
        kinds.map(|kind| telemetry.wants(kind)),
        [false, true, false]
    );
    let no_subscriber = Telemetry::new(OWN_PORT);
    no_subscriber.close_subscriptions();
    assert_eq!(kinds.map(|kind| no_subscriber.wants(kind)), [false; 3]);
}

#[tokio::test]
async fn subscriptions_after_the_init_phase_are_refused() {
    let telemetry = Telemetry::new(OWN_PORT);
    telemetry.close_subscriptions();
    assert_eq!(
        status_type_and_message(telemetry.subscribe("one", nowhere(SubscriptionApi::Telemetry))),
        (
            StatusCode::FORBIDDEN,
            "Telemetry.SubscriptionClosed",
            "Telemetry API subscription is closed already".to_owned()
        )
    );
    assert_eq!(
        status_type_and_message(telemetry.subscribe("one", nowhere(SubscriptionApi::Logs))),
        (
            StatusCode::FORBIDDEN,
            "Logs.SubscriptionClosed",
            "Logs API subscription is closed already".to_owned()
        )
    );
}

#[tokio::test]
async fn an_extension_subscribes_once_and_a_function_uses_one_api() {
    let telemetry = Telemetry::new(OWN_PORT);
    telemetry
        .subscribe("one", nowhere(SubscriptionApi::Logs))
        .unwrap();
    telemetry
        .subscribe("two", nowhere(SubscriptionApi::Logs))
        .unwrap();
    let (status, error_type, message) =
        status_type_and_message(telemetry.subscribe("one", nowhere(SubscriptionApi::Logs)));
    assert_eq!(
        (status, error_type),
        (StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError")
    );
    assert!(message.contains("extension one"), "{message}");
    let (status, error_type, message) =
        status_type_and_message(telemetry.subscribe("three", nowhere(SubscriptionApi::Telemetry)));
    assert_eq!(
        (status, error_type),
        (StatusCode::BAD_REQUEST, "ValidationError")
    );
    assert!(message.contains("Logs API"), "{message}");
}

const BUFFERING: Buffering = Buffering {
    max_items: 1000,
    max_bytes: 262_144,
    timeout: Duration::from_millis(25),
};

async fn batch(queue: &Queue) -> Vec<Value> {
    let batch = tokio::time::timeout(LONG, queue.next_batch()).await;
    serde_json::from_slice(&batch.unwrap().array()).unwrap()
}

#[tokio::test]
async fn a_batch_ends_at_its_limits() {
    let queue = Queue::new(BUFFERING);
    for number in 0..1500 {
        queue.push(start(&number.to_string()).json);
    }
    assert_eq!(batch(&queue).await.len(), 1000);
    assert_eq!(batch(&queue).await.len(), 500, "after the timeout");
    let large = "x".repeat(100_000);
    for _ in 0..3 {
        queue.push(line(&large).json);
    }
    assert_eq!(batch(&queue).await.len(), 2);
    assert_eq!(batch(&queue).await.len(), 1);
    queue.push(line(&"x".repeat(300_000)).json);
    assert_eq!(batch(&queue).await.len(), 1, "larger than a batch");
}

#[tokio::test]
async fn dropped_and_undelivered_events_are_reported_once() {
    let queue = Queue::new(BUFFERING);
    let large = line(&"x".repeat(TELEMETRY_BACKLOG_BYTES / 2)).json;
    for _ in 0..3 {
        queue.push(large.clone());
    }
    let first = tokio::time::timeout(LONG, queue.next_batch())
        .await
        .unwrap();
    let events: Vec<Value> = serde_json::from_slice(&first.array()).unwrap();
    assert_eq!(events[0]["type"], "platform.logsDropped");
    assert_eq!(events[0]["record"]["droppedRecords"], 2);
    assert_eq!(events[0]["record"]["droppedBytes"], 2 * large.len());
    assert_eq!(events.len(), 2);
    queue.failed(&first);
    queue.push(start("r").json);
    let events = batch(&queue).await;
    assert_eq!(events[0]["record"]["droppedRecords"], 3);
    assert_eq!(events[0]["record"]["droppedBytes"], 3 * large.len());
    assert_eq!(events[1]["type"], "platform.start");
    queue.delivered();
    queue.push(start("r").json);
    assert_eq!(batch(&queue).await.len(), 1, "nothing is reported twice");
}

#[tokio::test]
async fn urgent_delivery_ends_long_pauses() {
    let queue = Queue::new(BUFFERING);
    let hour = Duration::from_secs(3600);
    for _ in 0..2 {
        let urgent_pause = async { tokio::join!(queue.pause(hour), async { queue.set_urgent() }) };
        tokio::time::timeout(LONG, urgent_pause).await.unwrap();
    }
}
