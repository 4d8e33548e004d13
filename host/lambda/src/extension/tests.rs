//! The registry, compared with AWS's tables of requests and errors.

use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::oneshot;

use super::event::{EventType, InvokeEvent, ShutdownReason, Tracing};
use super::member::NextEvent;
use super::registry::{ErrorReport, ExtensionEvent, ExtensionRegistry, FunctionInfo};
use super::state::ExtensionState;
use super::summary::ExtensionSummary;
use crate::api_error::ApiError;

const BOTH: &[u8] = br#"{"events":["INVOKE","SHUTDOWN"]}"#;
const INVOKE: &[u8] = br#"{"events":["INVOKE"]}"#;
const NONE: &[u8] = br#"{"events":[]}"#;

fn function_info() -> FunctionInfo {
    FunctionInfo {
        function_name: "hello".to_owned(),
        function_version: "$LATEST".to_owned(),
        handler: "app.handler".to_owned(),
        account_id: "123456789012".to_owned(),
    }
}

fn extensions(external: &[&str]) -> (Arc<ExtensionRegistry>, UnboundedReceiver<ExtensionEvent>) {
    let external = external.iter().map(|name| (*name).to_owned()).collect();
    ExtensionRegistry::new(external, function_info())
}

fn register(extensions: &ExtensionRegistry, name: &str, body: &[u8]) -> String {
    let registered = extensions.register(Some(name), None, body).unwrap();
    registered.identifier.to_string()
}

fn wait(extensions: &ExtensionRegistry, id: &str) -> oneshot::Receiver<Bytes> {
    match extensions.next(Some(id)).unwrap() {
        NextEvent::Later(receiver) => receiver,
        NextEvent::Now(event) => panic!("expected to wait, got {event:?}"),
    }
}

fn take(extensions: &ExtensionRegistry, id: &str) -> Value {
    match extensions.next(Some(id)).unwrap() {
        NextEvent::Now(event) => serde_json::from_slice(&event).unwrap(),
        NextEvent::Later(_) => panic!("expected an event"),
    }
}

fn received(mut receiver: oneshot::Receiver<Bytes>) -> Value {
    serde_json::from_slice(&receiver.try_recv().unwrap()).unwrap()
}

fn invoke<'a>() -> InvokeEvent<'a> {
    InvokeEvent {
        deadline_ms: 1_700_000_000_000,
        request_id: "r-1",
        invoked_function_arn: "arn:aws:lambda:us-east-1:123456789012:function:hello",
        tracing: Tracing {
            value: "Root=1-a-b",
        },
        tenant_id: None,
    }
}

fn type_and_message<T: std::fmt::Debug>(result: Result<T, ApiError>) -> (&'static str, String) {
    let error = result.unwrap_err();
    assert_eq!(error.status, StatusCode::FORBIDDEN);
    (error.error_type, error.message.into_owned())
}

fn transition_error(from: &str, to: &str, name: &str) -> (&'static str, String) {
    let message = format!(
        "State transition from {from} to {to} failed for extension {name}. \
         Error: State transition is not allowed"
    );
    ("Extension.InvalidExtensionState", message)
}

#[test]
fn the_response_to_a_registration_describes_the_function() {
    let (extensions, mut events) = extensions(&["ext.sh"]);
    let body = |features| {
        let name = if features == Some("accountId") {
            "a"
        } else {
            "b"
        };
        let registered = extensions.register(Some(name), features, NONE).unwrap();
        String::from_utf8(registered.body.to_vec()).unwrap()
    };
    let start = r#"{"functionName":"hello","functionVersion":"$LATEST","handler":"app.handler""#;
    assert_eq!(body(Some("unknown")), format!("{start}}}"));
    assert_eq!(
        events.try_recv().unwrap(),
        ExtensionEvent::Registered("b".to_owned())
    );
    assert_eq!(
        body(Some("accountId")),
        format!("{start},\"accountId\":\"123456789012\"}}")
    );
    let listed = extensions.register(Some("c"), Some("other, accountId"), NONE);
    let listed: Value = serde_json::from_slice(&listed.unwrap().body).unwrap();
    assert_eq!(listed["accountId"], "123456789012");
}

#[test]
fn a_registration_may_have_no_events() {
    for body in [&br#"{"events":null}"#[..], b"{\"events\":[]}", b"{}"] {
        let (extensions, _events) = extensions(&["ext"]);
        extensions.register(Some("ext"), None, body).unwrap();
        extensions.register(Some("internal"), None, body).unwrap();
    }
}

#[test]
fn an_invalid_registration_gets_the_error_of_aws() {
    let (extensions, mut events) = extensions(&["ext"]);
    let refused = |name, body| type_and_message(extensions.register(name, None, body));
    let empty = (
        "Extension.InvalidExtensionName",
        "Empty extension name".to_owned(),
    );
    assert_eq!(refused(None, BOTH), empty);
    assert_eq!(refused(Some(""), BOTH), empty);
    for (body, error_type, message) in [
        (
            &b""[..],
            "InvalidRequestFormat",
            "unexpected end of JSON input",
        ),
        (
            br#"{"events":[],"configurationKeys":["A"]}"#,
            "InvalidRequestFormat",
            "configurationKeys are deprecated; use environment variables instead",
        ),
        (
            br#"{"events":["INVOKE","FOO"]}"#,
            "Extension.InvalidEventType",
            "FOO: ErrorInvalidEventType",
        ),
    ] {
        assert_eq!(refused(Some("ext"), body), (error_type, message.to_owned()));
        assert_eq!(
            refused(Some("internal"), body),
            (error_type, message.to_owned())
        );
    }
    assert_eq!(refused(Some("ext"), b"{nonsense").0, "InvalidRequestFormat");
    let shutdown = "SHUTDOWN: ShutdownEventNotSupportedForInternalExtension".to_owned();
    assert_eq!(
        refused(Some("internal"), BOTH),
        ("Extension.InvalidEventType", shutdown)
    );
    assert!(
        events.try_recv().is_err(),
        "a refused request causes no event"
    );
    assert!(!extensions.all_external_registered(), "and changes nothing");
}

#[test]
fn a_name_can_be_registered_once() {
    let (extensions, _events) = extensions(&["ext"]);
    register(&extensions, "ext", BOTH);
    register(&extensions, "internal", INVOKE);
    assert_eq!(
        type_and_message(extensions.register(Some("ext"), None, BOTH)),
        transition_error("Registered", "Registered", "ext")
    );
    assert_eq!(
        type_and_message(extensions.register(Some("internal"), None, INVOKE)),
        (
            "Extension.InvalidExtensionState",
            "Extension with this name already registered".to_owned()
        )
    );
}

#[test]
fn the_first_next_of_the_runtime_closes_the_registration() {
    let (extensions, _events) = extensions(&["ext"]);
    extensions.close_registration();
    let expected = (
        "Extension.RegistrationClosed",
        "Extension registration closed already".to_owned(),
    );
    for name in ["ext", "internal"] {
        assert_eq!(
            type_and_message(extensions.register(Some(name), None, NONE)),
            expected
        );
    }
}

#[test]
fn ten_extensions_of_both_kinds_together_are_the_limit() {
    let (extensions, _events) = extensions(&["one", "two", "three"]);
    register(&extensions, "one", NONE);
    register(&extensions, "two", NONE);
    for number in 3..=10 {
        register(&extensions, &format!("internal-{number}"), NONE);
    }
    let expected = (
        "Extension.TooManyExtensions",
        "Extension limit (10) reached".to_owned(),
    );
    for name in ["internal-11", "three"] {
        assert_eq!(
            type_and_message(extensions.register(Some(name), None, NONE)),
            expected
        );
    }
    assert!(!extensions.all_external_registered());
}

#[test]
fn requests_need_the_identifier_of_a_registered_extension() {
    let (extensions, _events) = extensions(&["ext"]);
    let unknown = "6f2f1c2e-1d3b-4f0e-9a51-0c8e7f7f3f11";
    for (id, error_type, message) in [
        (
            None,
            "Extension.MissingExtensionIdentifier",
            "Missing Lambda-Extension-Identifier header".to_owned(),
        ),
        (
            Some("no-uuid"),
            "Extension.InvalidExtensionIdentifier",
            "Invalid Lambda-Extension-Identifier".to_owned(),
        ),
        (
            Some(unknown),
            "Extension.UnknownExtensionIdentifier",
            format!("Unknown extension {unknown}"),
        ),
    ] {
        let expected = (error_type, message);
        assert_eq!(type_and_message(extensions.next(id)), expected);
        assert_eq!(
            type_and_message(extensions.init_error(id, Some("E"), b"")),
            expected
        );
        assert_eq!(
            type_and_message(extensions.exit_error(id, Some("E"), b"")),
            expected
        );
        assert_eq!(type_and_message(extensions.name_of(id)), expected);
    }
}

#[test]
fn the_environment_is_notified_of_relevant_requests_only() {
    let (extensions, mut events) = extensions(&["ext"]);
    assert!(!extensions.is_empty());
    let id = register(&extensions, "ext", INVOKE);
    assert!(extensions.all_external_registered());
    assert!(!extensions.all_ready());
    let _first = wait(&extensions, &id);
    let second = wait(&extensions, &id);
    assert!(extensions.all_ready());
    extensions.deliver_invoke(invoke());
    assert_eq!(received(second)["requestId"], "r-1");
    assert!(!extensions.all_ready());
    let _third = wait(&extensions, &id);
    assert!(extensions.all_ready());
    let mut received = Vec::new();
    while let Ok(event) = events.try_recv() {
        received.push(event);
    }
    let name = || "ext".to_owned();
    assert_eq!(
        received,
        [
            ExtensionEvent::Registered(name()),
            ExtensionEvent::Ready(name()),
            ExtensionEvent::Ready(name())
        ],
        "a second waiting request causes no event"
    );
}

#[test]
fn without_extensions_there_is_nothing_to_wait_for() {
    let (extensions, _events) = extensions(&[]);
    assert!(extensions.is_empty() && extensions.all_ready());
    assert!(extensions.all_external_registered());
    extensions.deliver_invoke(invoke());
    let id = register(&extensions, "internal", INVOKE);
    assert!(!extensions.is_empty() && !extensions.all_ready());
    assert!(!extensions.has_external());
    let _waiting = wait(&extensions, &id);
    assert!(extensions.all_ready());
}

#[test]
fn an_invocation_reaches_its_subscribers_in_the_json_of_aws() {
    let (extensions, _events) = extensions(&["waits", "comes-late", "does-not-care"]);
    let waits = register(&extensions, "waits", BOTH);
    let comes_late = register(&extensions, "comes-late", INVOKE);
    let does_not_care = register(&extensions, "does-not-care", NONE);
    let waiting = wait(&extensions, &waits);
    let mut not_subscribed = wait(&extensions, &does_not_care);
    extensions.deliver_invoke(invoke());
    let expected = json!({
        "eventType": "INVOKE",
        "deadlineMs": 1_700_000_000_000_u64,
        "requestId": "r-1",
        "invokedFunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:hello",
        "tracing": {"type": "X-Amzn-Trace-Id", "value": "Root=1-a-b"},
    });
    assert_eq!(received(waiting), expected);
    assert_eq!(take(&extensions, &comes_late), expected);
    assert!(not_subscribed.try_recv().is_err());
    let _done = (wait(&extensions, &waits), wait(&extensions, &comes_late));
    assert!(extensions.all_ready());

    let tenant = InvokeEvent {
        tenant_id: Some("blue"),
        ..invoke()
    };
    let waiting = wait(&extensions, &waits);
    extensions.deliver_invoke(tenant);
    assert_eq!(received(waiting)["tenantId"], "blue");
}

#[test]
fn a_cancelled_request_does_not_lose_an_event() {
    let (extensions, _events) = extensions(&["ext"]);
    let id = register(&extensions, "ext", INVOKE);
    drop(wait(&extensions, &id));
    extensions.deliver_invoke(invoke());
    assert!(!extensions.all_ready());
    assert_eq!(take(&extensions, &id)["requestId"], "r-1");
}

#[test]
fn the_shutdown_reaches_its_subscribers_with_a_reason_in_lower_case() {
    for (reason, word) in [
        (ShutdownReason::Spindown, "spindown"),
        (ShutdownReason::Timeout, "timeout"),
        (ShutdownReason::Failure, "failure"),
    ] {
        let (extensions, _events) = extensions(&["waits", "works", "does-not-care"]);
        let waits = register(&extensions, "waits", BOTH);
        let works = register(&extensions, "works", BOTH);
        register(&extensions, "does-not-care", INVOKE);
        register(&extensions, "internal", INVOKE);
        let _working = wait(&extensions, &works);
        extensions.deliver_invoke(invoke());
        assert_eq!(take(&extensions, &waits)["eventType"], "INVOKE");
        let waiting = wait(&extensions, &waits);
        assert_eq!(extensions.shutdown_subscribers(), ["waits", "works"]);
        extensions.deliver_shutdown(reason, 5);
        let expected = json!({"eventType": "SHUTDOWN", "deadlineMs": 5, "shutdownReason": word});
        assert_eq!(received(waiting), expected);
        assert_eq!(take(&extensions, &works), expected);
        assert_eq!(extensions.exited("waits"), None, "its exit was expected");
    }
}

#[test]
fn an_error_needs_a_type_and_is_reported_with_its_message() {
    let (extensions, mut events) = extensions(&["init", "exit"]);
    let init = register(&extensions, "init", BOTH);
    let exit = register(&extensions, "exit", BOTH);
    let missing = (
        "Extension.MissingHeader",
        "Lambda-Extension-Function-Error-Type not found".to_owned(),
    );
    assert_eq!(
        type_and_message(extensions.init_error(Some(&init), None, b"")),
        missing
    );
    assert_eq!(
        type_and_message(extensions.exit_error(Some(&exit), None, b"")),
        missing
    );
    while events.try_recv().is_ok() {}

    let body = br#"{"errorMessage":"no key","errorType":"Ext.Config","stackTrace":[]}"#;
    extensions
        .init_error(Some(&init), Some("Ext.Config"), body)
        .unwrap();
    let report = |name: &str, error_type: &str, message: Option<&str>| ErrorReport {
        name: name.to_owned(),
        error_type: error_type.to_owned(),
        message: message.map(str::to_owned),
    };
    let expected = ExtensionEvent::InitError(report("init", "Ext.Config", Some("no key")));
    assert_eq!(events.try_recv().unwrap(), expected);

    let mut waiting = wait(&extensions, &exit);
    assert!(matches!(events.try_recv(), Ok(ExtensionEvent::Ready(_))));
    extensions
        .exit_error(Some(&exit), Some("Ext.Gone"), b"no json")
        .unwrap();
    let expected = ExtensionEvent::ExitError(report("exit", "Ext.Gone", None));
    assert_eq!(events.try_recv().unwrap(), expected);
    let closed = Err(oneshot::error::TryRecvError::Closed);
    assert_eq!(waiting.try_recv(), closed, "its waiting request is dropped");

    for (id, name, state) in [(&init, "init", "InitError"), (&exit, "exit", "ExitError")] {
        assert_eq!(
            type_and_message(extensions.next(Some(id))),
            transition_error(state, "Ready", name)
        );
    }
    assert_eq!(
        type_and_message(extensions.exit_error(Some(&init), Some("E"), b"")),
        transition_error("InitError", "ExitError", "init")
    );
    assert_eq!(
        type_and_message(extensions.init_error(Some(&exit), Some("E"), b"")),
        transition_error("ExitError", "InitError", "exit")
    );
    extensions
        .init_error(Some(&init), Some("Again"), b"")
        .unwrap();
    extensions
        .exit_error(Some(&exit), Some("Again"), b"")
        .unwrap();
    assert_eq!(
        extensions.exited("init"),
        None,
        "it has reported the error itself"
    );
    assert_eq!(extensions.exited("exit"), None);
    assert!(
        extensions.all_ready(),
        "failed extensions are not waited for"
    );
}

#[test]
fn a_waiting_extension_cannot_report_an_init_error() {
    let (extensions, _events) = extensions(&["ext"]);
    let id = register(&extensions, "ext", INVOKE);
    let _waiting = wait(&extensions, &id);
    assert_eq!(
        type_and_message(extensions.init_error(Some(&id), Some("E"), b"")),
        transition_error("Ready", "InitError", "ext")
    );
    extensions.deliver_invoke(invoke());
    assert_eq!(
        type_and_message(extensions.init_error(Some(&id), Some("E"), b"")),
        transition_error("Running", "InitError", "ext")
    );
    extensions.exit_error(Some(&id), Some("E"), b"").unwrap();
}

#[test]
fn a_process_that_ends_unexpectedly_is_a_crash() {
    let (extensions, _events) = extensions(&["silent", "waits"]);
    assert_eq!(extensions.exited("silent"), Some("Extension.Crash"));
    assert_eq!(extensions.exited("silent"), None, "a process ends once");
    assert_eq!(extensions.exited("unknown"), None);
    let id = register(&extensions, "waits", INVOKE);
    assert!(
        extensions.all_external_registered(),
        "the crashed one is not waited for"
    );
    let _waiting = wait(&extensions, &id);
    assert_eq!(extensions.exited("waits"), Some("Extension.Crash"));
    assert_eq!(
        type_and_message(extensions.next(Some(&id))),
        transition_error("Exited", "Ready", "waits")
    );
    extensions.deliver_invoke(invoke());
    assert!(
        extensions.all_ready(),
        "ended extensions are not waited for"
    );
    assert!(!extensions.has_external());
}

#[test]
fn the_summary_contains_the_state_of_each_extension() {
    let (extensions, _events) = extensions(&["b", "a"]);
    let id = register(&extensions, "b", BOTH);
    let _waiting = wait(&extensions, &id);
    extensions.exited("a");
    let summary =
        |name: &str, state, events: &[EventType], error_type: Option<&str>| ExtensionSummary {
            name: name.to_owned(),
            state,
            events: events.to_vec(),
            error_type: error_type.map(str::to_owned),
        };
    let both = [EventType::Invoke, EventType::Shutdown];
    assert_eq!(
        extensions.summaries(),
        [
            summary("b", ExtensionState::Ready, &both, None),
            summary("a", ExtensionState::Exited, &[], Some("Extension.Crash")),
        ]
    );
}

#[test]
fn extensions_can_be_disabled() {
    let (disabled, _events) = ExtensionRegistry::disabled(function_info());
    assert!(disabled.is_disabled() && disabled.is_empty());
    let (extensions, _events) = extensions(&[]);
    assert!(!extensions.is_disabled());
}
