//! Every event, byte for byte.

use std::time::Duration;

use jiff::Timestamp;

use super::extension::*;
use super::invocation::*;
use super::phase::*;
use super::*;
use crate::extension::event::EventType;
use crate::extension::state::ExtensionState;
use crate::extension::summary::ExtensionSummary;
use crate::spec::InitializationType;
use crate::telemetry::new_subscription::NewSubscription;
use crate::telemetry::subscription::SubscriptionApi;

fn time() -> Timestamp {
    "2022-10-12T00:00:15.064999Z".parse().unwrap()
}

fn text(event: &Event) -> &str {
    std::str::from_utf8(&event.json).unwrap()
}

fn assert_record(event: &Event, name: &str, record: &str) {
    assert_eq!(event.name, name);
    assert_eq!(event.kind, Kind::Platform);
    let expected =
        format!(r#"{{"time":"2022-10-12T00:00:15.064Z","type":"{name}","record":{record}}}"#);
    assert_eq!(text(event), expected);
}

fn span(name: SpanName) -> Span {
    Span {
        name,
        start: time(),
        duration: Milliseconds(Duration::from_nanos(23_020_400)),
    }
}

#[test]
fn times_are_utc_with_three_decimal_places() {
    for (time, expected) in [
        ("2022-10-12T00:00:15Z", "2022-10-12T00:00:15.000Z"),
        ("2022-10-12T02:00:15.1+02:00", "2022-10-12T00:00:15.100Z"),
    ] {
        let event = EndRecord { request_id: "r" }.to_event(time.parse().unwrap());
        assert!(text(&event).contains(expected), "{event:?}");
    }
}

#[test]
fn the_init_phase() {
    let start = InitStartRecord {
        initialization_type: InitializationType::OnDemand,
        phase: Phase::Init,
        runtime_version: None,
        runtime_version_arn: None,
        function_name: "hello",
        function_version: "$LATEST",
        instance_id: "i",
        instance_max_memory: 134_217_728,
    };
    assert_record(
        &start.to_event(time()),
        "platform.initStart",
        r#"{"initializationType":"on-demand","phase":"init","functionName":"hello","functionVersion":"$LATEST","instanceId":"i","instanceMaxMemory":134217728}"#,
    );
    let done = InitRuntimeDoneRecord {
        initialization_type: InitializationType::ProvisionedConcurrency,
        phase: Phase::Invoke,
        status: Status::Error,
        error_type: Some("Runtime.ExitError"),
        spans: &[],
    };
    assert_record(
        &done.to_event(time()),
        "platform.initRuntimeDone",
        r#"{"initializationType":"provisioned-concurrency","phase":"invoke","status":"error","errorType":"Runtime.ExitError"}"#,
    );
    let report = InitReportRecord {
        initialization_type: InitializationType::SnapStart,
        phase: Phase::Init,
        status: Status::Success,
        error_type: None,
        metrics: PhaseMetrics {
            duration: Milliseconds(Duration::from_millis(140)),
        },
        spans: &[span(SpanName::RuntimeOverhead)],
    };
    assert_record(
        &report.to_event(time()),
        "platform.initReport",
        r#"{"initializationType":"snap-start","phase":"init","status":"success","metrics":{"durationMs":140.0},"spans":[{"name":"runtimeOverhead","start":"2022-10-12T00:00:15.064Z","durationMs":23.02}]}"#,
    );
    let managed = serde_json::to_string(&InitializationType::LambdaManagedInstances).unwrap();
    assert_eq!(managed, "\"lambda-managed-instances\"");
}

#[test]
fn a_restore() {
    let start = RestoreStartRecord {
        function_name: "hello",
        function_version: "1",
        instance_id: "i",
        instance_max_memory: 1,
        runtime_version: Some("v"),
        runtime_version_arn: Some("arn"),
    };
    assert_record(
        &start.to_event(time()),
        "platform.restoreStart",
        r#"{"functionName":"hello","functionVersion":"1","instanceId":"i","instanceMaxMemory":1,"runtimeVersion":"v","runtimeVersionArn":"arn"}"#,
    );
    let done = RestoreRuntimeDoneRecord {
        status: Status::Failure,
        error_type: Some("Sandbox.Failure"),
        spans: &[],
    };
    assert_record(
        &done.to_event(time()),
        "platform.restoreRuntimeDone",
        r#"{"status":"failure","errorType":"Sandbox.Failure"}"#,
    );
    let report = RestoreReportRecord {
        status: Status::Timeout,
        error_type: None,
        metrics: PhaseMetrics {
            duration: Milliseconds(Duration::from_micros(1_234_567)),
        },
        spans: &[],
    };
    assert_record(
        &report.to_event(time()),
        "platform.restoreReport",
        r#"{"status":"timeout","metrics":{"durationMs":1234.567}}"#,
    );
}

#[test]
fn an_invocation() {
    let mut tracing = Tracing::new("Root=1-a-b");
    tracing.span_id = Some("54565fb41ac79632");
    let start = StartRecord {
        request_id: "r",
        version: Some("$LATEST"),
        tracing: Some(tracing),
        tenant_id: Some("blue"),
    };
    assert_record(
        &start.to_event(time()),
        "platform.start",
        r#"{"requestId":"r","version":"$LATEST","tracing":{"spanId":"54565fb41ac79632","type":"X-Amzn-Trace-Id","value":"Root=1-a-b"},"tenantId":"blue"}"#,
    );
    let done = RuntimeDoneRecord {
        request_id: "r",
        status: Status::Success,
        error_type: None,
        metrics: Some(RuntimeDoneMetrics {
            duration: Milliseconds(Duration::from_micros(3010)),
            produced_bytes: Some(16),
        }),
        spans: &[
            span(SpanName::ResponseLatency),
            span(SpanName::ResponseDuration),
        ],
        tracing: Some(Tracing::new("Root=1-a-b")),
        tenant_id: None,
    };
    assert_record(
        &done.to_event(time()),
        "platform.runtimeDone",
        r#"{"requestId":"r","status":"success","metrics":{"durationMs":3.01,"producedBytes":16},"spans":[{"name":"responseLatency","start":"2022-10-12T00:00:15.064Z","durationMs":23.02},{"name":"responseDuration","start":"2022-10-12T00:00:15.064Z","durationMs":23.02}],"tracing":{"type":"X-Amzn-Trace-Id","value":"Root=1-a-b"}}"#,
    );
    assert_record(
        &EndRecord { request_id: "r" }.to_event(time()),
        "platform.end",
        r#"{"requestId":"r"}"#,
    );
    let fault = "RequestId: r Process exited before completing request";
    assert_record(
        &FaultRecord(fault).to_event(time()),
        "platform.fault",
        &format!("\"{fault}\""),
    );
}

#[test]
fn a_report_has_only_the_metrics_that_apply() {
    let metrics = ReportMetrics {
        duration: Milliseconds(Duration::from_micros(3010)),
        billed_duration: Billed(Duration::from_micros(3010)),
        memory_size_mb: 128,
        max_memory_used_mb: 36,
        init_duration: None,
        restore_duration: None,
        billed_restore_duration: None,
    };
    let report = |metrics| ReportRecord {
        request_id: "r",
        status: Status::Success,
        error_type: None,
        metrics,
        spans: &[],
        tracing: None,
    };
    assert_record(
        &report(metrics).to_event(time()),
        "platform.report",
        r#"{"requestId":"r","status":"success","metrics":{"durationMs":3.01,"billedDurationMs":4,"memorySizeMB":128,"maxMemoryUsedMB":36}}"#,
    );
    let cold = ReportMetrics {
        init_duration: Some(Milliseconds(Duration::from_micros(110_100))),
        restore_duration: Some(Milliseconds(Duration::from_micros(1500))),
        billed_restore_duration: Some(Billed(Duration::from_micros(1500))),
        ..metrics
    };
    assert_record(
        &report(cold).to_event(time()),
        "platform.report",
        r#"{"requestId":"r","status":"success","metrics":{"durationMs":3.01,"billedDurationMs":4,"memorySizeMB":128,"maxMemoryUsedMB":36,"initDurationMs":110.1,"restoreDurationMs":1.5,"billedRestoreDurationMs":2}}"#,
    );
}

#[test]
fn extensions_have_an_event_and_a_line() {
    let ready = ExtensionSummary {
        name: "my-ext".to_owned(),
        state: ExtensionState::Ready,
        events: vec![EventType::Invoke, EventType::Shutdown],
        error_type: None,
    };
    assert_record(
        &ready.to_event(time()),
        "platform.extension",
        r#"{"name":"my-ext","state":"Ready","events":["INVOKE","SHUTDOWN"]}"#,
    );
    assert_eq!(
        extension_line(&ready),
        "EXTENSION\tName: my-ext\tState: Ready\tEvents: [INVOKE, SHUTDOWN]"
    );
    let failed = ExtensionSummary {
        state: ExtensionState::Exited,
        events: Vec::new(),
        error_type: Some("Extension.Crash".to_owned()),
        ..ready
    };
    assert_record(
        &failed.to_event(time()),
        "platform.extension",
        r#"{"name":"my-ext","state":"Exited","events":[],"errorType":"Extension.Crash"}"#,
    );
    assert_eq!(
        extension_line(&failed),
        "EXTENSION\tName: my-ext\tState: Exited\tEvents: []\tError Type: Extension.Crash"
    );
}

#[test]
fn subscriptions_have_an_event_and_a_line() {
    let subscribed = |api| NewSubscription {
        api,
        name: "my-ext".to_owned(),
        types: vec![Kind::Platform, Kind::Function],
    };
    let record = r#"{"name":"my-ext","state":"Subscribed","types":["platform","function"]}"#;
    let rest = "\tName: my-ext\tState: Subscribed\tTypes: [Platform, Function]";
    for (api, name, title) in [
        (
            SubscriptionApi::Telemetry,
            "platform.telemetrySubscription",
            "TELEMETRY",
        ),
        (SubscriptionApi::Logs, "platform.logsSubscription", "LOGS"),
    ] {
        assert_record(&subscribed(api).to_event(time()), name, record);
        assert_eq!(subscribed(api).line(), format!("{title}{rest}"));
    }
}

#[test]
fn drops_are_reported() {
    let dropped = LogsDropped {
        reason: "slow",
        dropped_records: 2,
        dropped_bytes: 300,
    };
    assert_record(
        &dropped.to_event(time()),
        "platform.logsDropped",
        r#"{"reason":"slow","droppedRecords":2,"droppedBytes":300}"#,
    );
}

#[test]
fn logs_are_text_or_an_object() {
    let record = |kind, line: &str, is_json| {
        let event = log_event(kind, time(), line, is_json);
        assert_eq!(event.kind, kind);
        let start = r#"{"time":"2022-10-12T00:00:15.064Z","type":""#;
        text(&event).strip_prefix(start).unwrap().to_owned()
    };
    assert_eq!(
        record(Kind::Function, "a \"b\"\n", false),
        r#"function","record":"a \"b\"\n"}"#
    );
    assert_eq!(
        record(Kind::Extension, "{\"a\": 1}\n", true),
        r#"extension","record":{"a": 1}}"#
    );
    assert_eq!(
        record(Kind::Function, "{\"a\": 1}", false),
        r#"function","record":"{\"a\": 1}"}"#
    );
    for not_an_object in ["1", "{\"a\"", "", "{\n}"] {
        let expected = serde_json::to_string(not_an_object).unwrap();
        assert_eq!(
            record(Kind::Function, not_an_object, true),
            format!("function\",\"record\":{expected}}}")
        );
    }
}
