//! Valid subscriptions, and the errors of all others.

use std::time::Duration;

use http::{Method, StatusCode};

use crate::telemetry::event::{Event, Kind};
use crate::telemetry::subscription::{Buffering, Destination, Subscription, SubscriptionApi};

const OWN_PORT: u16 = 4000;

fn read(api: SubscriptionApi, body: &str) -> Result<Subscription, String> {
    let error_type = match api {
        SubscriptionApi::Telemetry => "ValidationError",
        SubscriptionApi::Logs => "Logs.ValidationError",
    };
    api.subscription(body.as_bytes(), OWN_PORT)
        .map_err(|error| {
            assert_eq!(error.status, StatusCode::BAD_REQUEST);
            assert_eq!(error.error_type, error_type);
            error.message.into_owned()
        })
}

/// A valid subscription with some members replaced.
fn body(changes: &serde_json::Value) -> String {
    let mut body = serde_json::json!({
        "schemaVersion": "2022-12-13",
        "types": ["platform"],
        "destination": {"protocol": "HTTP", "URI": "http://sandbox.localdomain:8080"},
    });
    for (key, value) in changes.as_object().unwrap() {
        body[key] = value.clone();
    }
    body.to_string()
}

fn telemetry(changes: serde_json::Value) -> Result<Subscription, String> {
    read(SubscriptionApi::Telemetry, &body(&changes))
}

fn logs(mut changes: serde_json::Value) -> Result<Subscription, String> {
    if changes.get("schemaVersion").is_none() {
        changes["schemaVersion"] = serde_json::Value::Null;
    }
    read(SubscriptionApi::Logs, &body(&changes))
}

fn event(kind: Kind, name: &'static str) -> Event {
    let json = bytes::Bytes::new();
    Event { kind, name, json }
}

#[test]
fn a_complete_subscription_is_parsed() {
    let subscription = telemetry(serde_json::json!({
        "types": ["platform", "function", "extension", "function"],
        "buffering": {"maxItems": 1000, "maxBytes": 1_048_576, "timeoutMs": 25},
        "destination": {"protocol": "HTTP", "URI": "http://sandbox:8080/a/b?c=d"},
    }))
    .unwrap();
    assert_eq!(
        subscription.types,
        [Kind::Platform, Kind::Function, Kind::Extension]
    );
    let expected = Buffering {
        max_items: 1000,
        max_bytes: 1_048_576,
        timeout: Duration::from_millis(25),
    };
    assert_eq!(subscription.buffering, expected);
    let expected = Destination::Http {
        address: "127.0.0.1:8080".parse().unwrap(),
        authority: "sandbox:8080".to_owned(),
        path: "/a/b?c=d".to_owned(),
        method: Method::POST,
    };
    assert_eq!(subscription.destination, expected);
}

#[test]
fn the_defaults_are_those_of_aws() {
    let subscription = telemetry(serde_json::json!({})).unwrap();
    let expected = Buffering {
        max_items: 10_000,
        max_bytes: 262_144,
        timeout: Duration::from_secs(1),
    };
    assert_eq!(subscription.buffering, expected);
    let Destination::Http { path, .. } = subscription.destination else {
        panic!("HTTP");
    };
    assert_eq!(path, "/");
    let query = telemetry(serde_json::json!({
        "destination": {"protocol": "HTTP", "URI": "http://sandbox:8080?c=d"},
    }));
    let Destination::Http { path, .. } = query.unwrap().destination else {
        panic!("HTTP");
    };
    assert_eq!(path, "/?c=d");
}

#[test]
fn each_api_has_its_schema_versions() {
    for version in ["2022-07-01", "2022-12-13", "2025-01-29"] {
        telemetry(serde_json::json!({"schemaVersion": version})).unwrap();
        logs(serde_json::json!({"schemaVersion": version})).unwrap_err();
    }
    for version in ["2020-08-15", "2021-03-18"] {
        logs(serde_json::json!({"schemaVersion": version})).unwrap();
        let error = telemetry(serde_json::json!({"schemaVersion": version})).unwrap_err();
        assert!(error.contains("2022-07-01, 2022-12-13"), "{error}");
    }
}

#[test]
fn tcp_needs_only_a_port() {
    let tcp = |port: serde_json::Value| {
        telemetry(serde_json::json!({"destination": {"protocol": "TCP", "port": port}}))
    };
    let good = tcp(serde_json::json!(8080)).unwrap();
    let address = "127.0.0.1:8080".parse().unwrap();
    assert_eq!(good.destination, Destination::Tcp(address));
    assert!(tcp(serde_json::Value::Null).unwrap_err().contains("port"));
    assert!(
        tcp(serde_json::json!(65_536))
            .unwrap_err()
            .contains("65536")
    );
}

#[test]
fn a_value_out_of_range_is_reported_with_its_range() {
    for (field, least, most) in [
        ("maxItems", 1000, 10_000),
        ("maxBytes", 262_144, 1_048_576),
        ("timeoutMs", 25, 30_000),
    ] {
        let with = |value: u64| telemetry(serde_json::json!({"buffering": {field: value}}));
        with(least).unwrap();
        with(most).unwrap();
        for value in [least - 1, most + 1] {
            let error = with(value).unwrap_err();
            let expected = format!("{field} is {value}; it must be from {least} to {most}");
            assert!(error.contains(&expected), "{error}");
        }
    }
}

#[test]
fn errors_name_the_field_and_the_problem() {
    let destination = |value: serde_json::Value| serde_json::json!({"destination": value});
    let uri = |uri: &str| destination(serde_json::json!({"protocol": "HTTP", "URI": uri}));
    for (changes, expected) in [
        (
            serde_json::json!({"types": []}),
            "types is missing or empty",
        ),
        (
            serde_json::json!({"types": null}),
            "types is missing or empty",
        ),
        (serde_json::json!({"types": ["logs"]}), "types has \"logs\""),
        (serde_json::json!({"types": "platform"}), "cannot be parsed"),
        (
            destination(serde_json::Value::Null),
            "destination is missing",
        ),
        (
            destination(serde_json::json!({})),
            "destination.protocol is missing",
        ),
        (
            destination(serde_json::json!({"protocol": "UDP"})),
            "destination.protocol \"UDP\"",
        ),
        (
            destination(serde_json::json!({"protocol": "HTTP"})),
            "destination.URI is missing",
        ),
        (uri("not a uri"), "is not a URI"),
        (uri("https://sandbox.localdomain:8080"), "is not http"),
        (
            uri("http://example.com:80"),
            "not in the execution environment",
        ),
        (uri("http://sandbox.localdomain/path"), "has no port"),
        (uri("http://sandbox.localdomain:9001"), "9001 is reserved"),
        (
            uri("http://sandbox.localdomain:4000"),
            "4000 is this API's own",
        ),
        (uri("http://sandbox.localdomain:0"), "port is 0"),
    ] {
        let error = telemetry(changes).unwrap_err();
        assert!(error.contains(expected), "{error} lacks {expected}");
    }
    let error = read(SubscriptionApi::Logs, "").unwrap_err();
    assert!(error.contains("cannot be parsed"), "{error}");
}

#[test]
fn only_the_logs_api_has_a_method() {
    let put = serde_json::json!({"destination": {
        "protocol": "HTTP", "URI": "http://sandbox:80", "method": "PUT", "encoding": "JSON",
    }});
    let method = |subscription: Subscription| match subscription.destination {
        Destination::Http { method, .. } => method,
        Destination::Tcp(_) => panic!("HTTP"),
    };
    assert_eq!(method(logs(put.clone()).unwrap()), Method::PUT);
    assert_eq!(method(telemetry(put.clone()).unwrap()), Method::POST);
    assert_eq!(method(logs(serde_json::json!({})).unwrap()), Method::POST);
    for (field, value) in [("method", "GET"), ("encoding", "XML")] {
        let mut bad = put.clone();
        bad["destination"][field] = value.into();
        assert!(logs(bad).unwrap_err().contains(value));
    }
}

#[test]
fn each_api_has_its_events() {
    let telemetry = telemetry(serde_json::json!({})).unwrap();
    let old = logs(serde_json::json!({})).unwrap();
    let new = logs(serde_json::json!({"schemaVersion": "2021-03-18"})).unwrap();
    for (name, expected) in [
        ("platform.start", [true, true, true]),
        ("platform.runtimeDone", [true, false, true]),
        ("platform.initStart", [true, false, false]),
        ("platform.end", [false, true, true]),
        ("platform.fault", [false, true, true]),
    ] {
        let event = event(Kind::Platform, name);
        let wants = [&telemetry, &old, &new].map(|one| one.wants(&event));
        assert_eq!(wants, expected, "{name}");
    }
    assert!(!telemetry.wants(&event(Kind::Function, "function")));
}
