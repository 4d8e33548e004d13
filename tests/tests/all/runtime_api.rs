//! The Runtime API's responses to a runtime that breaks the protocol.

use serde_json::json;

use crate::support::{Missing, Project, Server};

/// Starts a bash function that runs these steps; `api METHOD PATH [BODY [CURL ARGUMENT…]]` logs the status and body.
fn scenario(steps: &str) -> Result<(Project, Server), Missing> {
    let script = format!(
        r#"
base="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01"
api() {{ curl -s -X "$1" -o body -w '%{{http_code}}' "$base/$2" ${{3+-d "$3"}} "${{@:4}}" >&2; echo -n ' ' >&2; cat body >&2; echo >&2; }}
{steps}
"#
    );
    let project = Project::bash("timeout = 5\n", &script)?;
    let server = project.serve();
    Ok((project, server))
}

const LOOP: &str = "while next; do api POST runtime/invocation/$id/response \"$event\"; done";
const OK: &str = "202 {\"status\":\"OK\"}";
const INVALID_ID: &str =
    r#"400 {"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}"#;

fn not_allowed(from: &str, to: &str) -> String {
    format!(
        "403 {}",
        json!({
            "errorMessage": format!("State transition from {from} to {to} failed for runtime. Error: State transition is not allowed"),
            "errorType": "InvalidStateTransition",
        })
    )
}

#[test]
fn a_second_response_a_late_error_and_a_late_init_error_are_refused_with_both_states() {
    let Ok((_project, server)) = scenario(&format!(
        "next\napi POST runtime/init/error {{}}\n\
         api POST runtime/invocation/$id/response 1\n\
         api POST runtime/invocation/$id/response 2\n\
         api POST runtime/invocation/$id/error {{}}\n{LOOP}"
    )) else {
        return;
    };
    assert_eq!(server.invoke("echo", "0").text(), "1");
    let log = server.log_with("InvocationErrorResponse");
    for line in [
        not_allowed("Running", "InitError"),
        OK.to_owned(),
        not_allowed("RuntimeResponseSentState", "InvocationResponse"),
        not_allowed("RuntimeResponseSentState", "InvocationErrorResponse"),
    ] {
        assert!(log.contains(&line), "{line}\nnot in\n{log}");
    }
    assert_eq!(server.invoke("echo", "7").text(), "7");
}

#[test]
fn a_response_before_the_first_next_or_for_another_id_has_an_invalid_id() {
    let Ok((_project, server)) = scenario(&format!(
        "api POST runtime/invocation/early/response 1\nnext\n\
         api POST runtime/invocation/other/response 1\n\
         api POST runtime/invocation/other/error 1\n\
         api POST runtime/invocation/$id/response 5\n{LOOP}"
    )) else {
        return;
    };
    assert_eq!(server.invoke("echo", "0").text(), "5");
    let log = server.log_with(OK);
    assert_eq!(log.matches(INVALID_ID).count(), 3, "{log}");
}

#[test]
fn next_returns_the_same_event_until_it_is_answered() {
    let Ok((_project, server)) = scenario(&format!(
        "next; first=$id; next; echo \"same: $([ $first = $id ] && echo yes)\" >&2\n\
         api POST runtime/invocation/$id/response \"$event\"\n{LOOP}"
    )) else {
        return;
    };
    assert_eq!(server.invoke("echo", "[1]").text(), "[1]");
    server.log_with("same: yes");
}

#[test]
fn an_invalid_response_mode_is_refused_and_fails_the_call() {
    let Ok((_project, server)) = scenario(&format!(
        "next; api POST runtime/invocation/$id/response 1 -H 'Lambda-Runtime-Function-Response-Mode: fast'\n\
         api GET runtime/invocation/next\n{LOOP}"
    )) else {
        return;
    };
    let reply = server.invoke("echo", "1");
    assert_eq!(
        reply.json()["errorType"],
        "Runtime.InvalidResponseModeHeader"
    );
    let log = server.log_with("InvalidStateTransition");
    assert!(log.contains(r#"400 {"errorMessage":"Invalid function response mode","errorType":"InvalidFunctionResponseMode"}"#));
    assert!(
        log.contains(&not_allowed("InvocationResponse", "Ready")),
        "{log}"
    );
}

#[test]
fn unknown_paths_and_wrong_methods_are_answered_as_awss_server_does() {
    let Ok((_project, server)) = scenario(&format!(
        "api GET ping\napi GET runtime/nothing\napi GET runtime/invocation/next/\napi POST runtime/invocation/next 1\n\
         api GET runtime/init/error\n{LOOP}"
    )) else {
        return;
    };
    assert_eq!(server.invoke("echo", "1").text(), "1");
    let log = server.log_with("REPORT");
    assert!(log.contains("200 pong"), "{log}");
    assert_eq!(log.matches("404 404 page not found").count(), 2, "{log}");
    assert_eq!(log.matches("405 \n").count(), 2, "{log}");
}

#[test]
fn garbage_on_the_connection_does_not_disturb_the_invocation() {
    let server = Project::echo("").serve();
    assert_eq!(
        server.invoke("echo", r#"{"garbage":true}"#).text(),
        r#"{"garbage":true}"#
    );
    let reply = server.invoke("echo", r#"{"stale":true,"double":true}"#);
    assert_eq!(reply.text(), r#"{"stale":true,"double":true}"#);
    let log = server.log_with("second answer: 403");
    assert!(log.contains("stale answer: 400"), "{log}");
}

#[test]
fn an_x_ray_error_cause_is_not_returned_to_the_caller() {
    let report = r#"{"errorMessage":"m","errorType":"T","errorCause":{"paths":[]}}"#;
    let Ok((_project, server)) = scenario(&format!(
        "next; api POST runtime/invocation/$id/error '{report}' -H 'Content-Type: application/vnd.aws.lambda.error.cause+json'\n{LOOP}"
    )) else {
        return;
    };
    let reply = server.invoke("echo", "1");
    assert_eq!(reply.header("x-amz-function-error"), Some("Unhandled"));
    assert_eq!(reply.text(), r#"{"errorMessage":"m","errorType":"T"}"#);
}

#[test]
fn a_streamed_response_is_buffered_for_a_caller_that_does_not_stream() {
    let Ok((_project, server)) = scenario(
        "while next; do (echo -n '{\"a\":'; sleep 0.1; echo -n '1}') | curl -s -o /dev/null -X POST -T - \
         -H 'Lambda-Runtime-Function-Response-Mode: streaming' $base/runtime/invocation/$id/response; done",
    ) else {
        return;
    };
    assert_eq!(server.invoke("echo", "1").text(), r#"{"a":1}"#);
}

#[test]
fn a_function_that_closes_its_outputs_still_works_and_uses_no_cpu_time() {
    let Ok((_project, server)) = scenario(
        "exec >&- 2>&-\nwhile next; do curl -s -o /dev/null $base/runtime/invocation/$id/response -d \"$event\"; done",
    ) else {
        return;
    };
    assert_eq!(server.invoke("echo", "1").text(), "1");
    let ticks = || {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", server.pid())).unwrap();
        let fields: Vec<u64> = stat
            .rsplit(") ")
            .next()
            .unwrap()
            .split(' ')
            .filter_map(|field| field.parse().ok())
            .collect();
        fields[10] + fields[11]
    };
    let before = ticks();
    assert_eq!(server.invoke("echo", "2").text(), "2");
    std::thread::park_timeout(std::time::Duration::from_millis(300));
    assert!(
        ticks() - before < 20,
        "{} hundredths of a second in a third of one",
        ticks() - before
    );
}

#[test]
fn a_response_with_another_invocation_id_is_gone_and_the_right_one_is_accepted() {
    let Ok((_project, server)) = scenario(&format!(
        "next\napi POST runtime/invocation/$id/response 1 -H 'Lambda-Runtime-Invocation-Id: 00000000-0000-0000-0000-000000000000'\n\
         api POST runtime/invocation/$id/response 2\n{LOOP}"
    )) else {
        return;
    };
    assert_eq!(server.invoke("echo", "0").text(), "2");
    server.log_with(r#"410 {"errorMessage":"Invoke timeout","errorType":"InvokeTimeout"}"#);
}

#[test]
fn every_invocation_has_its_own_invocation_id() {
    let server = Project::echo("").serve();
    let headers = || server.invoke("echo", r#"{"tell":"headers"}"#).json();
    let (one, two) = (headers(), headers());
    let id = |headers: &serde_json::Value| {
        headers["lambda-runtime-invocation-id"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_ne!(id(&one), id(&two));
    assert_eq!(id(&one).len(), 36);
}

#[test]
fn the_metadata_endpoint_returns_the_zone_only_with_the_token() {
    let Ok((_project, server)) = scenario(&format!(
        "meta=\"http://$AWS_LAMBDA_METADATA_API/2026-01-15/metadata/execution-environment\"\n\
         curl -s -i -H \"Authorization: Bearer $AWS_LAMBDA_METADATA_TOKEN\" $meta >&2; echo >&2\n\
         curl -s -w ' %{{http_code}}\\n' -H 'Authorization: Bearer wrong' $meta >&2\n\
         curl -s -w ' %{{http_code}}\\n' -X POST $meta >&2\n{LOOP}"
    )) else {
        return;
    };
    assert_eq!(server.invoke("echo", "1").text(), "1");
    let log = server.log_with("Method Not Allowed 405");
    assert!(
        log.contains("{\"AvailabilityZoneID\":\"use1-az1\"}"),
        "{log}"
    );
    assert!(
        log.contains("cache-control: private, max-age=43200, immutable"),
        "{log}"
    );
    assert!(log.contains("Unauthorized 401"), "{log}");
}

#[test]
fn restore_is_unknown_unless_the_function_is_snapshotted() {
    let Ok((_project, server)) = scenario(&format!("api GET runtime/restore/next\n{LOOP}")) else {
        return;
    };
    assert_eq!(server.invoke("echo", "1").text(), "1");
    server.log_with("404 404 page not found");
}

/// The reply to a caller of Invoke whose function streams its response.
fn collected(stream: &serde_json::Value) -> crate::support::Reply {
    let server = Project::echo("").serve();
    let reply = server.invoke("echo", json!({ "stream": stream }).to_string());
    // The next call works after any kind of stream.
    assert_eq!(server.invoke("echo", "1").text(), "1");
    reply
}

#[test]
fn a_stream_is_recognised_by_its_header_or_its_content_type() {
    for stream in [
        json!({ "pieces": ["ab", "c"] }),
        json!({ "pieces": ["a", "bc"], "silent": true,
                "content_type": "application/vnd.awslambda.http-integration-response" }),
    ] {
        let reply = collected(&stream);
        assert_eq!((reply.status, reply.text().as_str()), (200, "abc"));
        assert_eq!(reply.header("x-amz-function-error"), None);
    }
}

#[test]
fn error_trailers_after_or_inside_the_body_make_a_stream_a_failure() {
    // {"errorMessage":"oops"}
    let body = "eyJlcnJvck1lc3NhZ2UiOiJvb3BzIn0=";
    for failure in ["trailers", "in-body"] {
        let reply =
            collected(&json!({ "pieces": ["a"], "failure": { failure: ["Function.Bad", body] } }));
        assert_eq!(
            reply.header("x-amz-function-error"),
            Some("Unhandled"),
            "{failure}"
        );
        assert_eq!(reply.text(), r#"{"errorMessage":"oops"}"#, "{failure}");
    }
}

#[test]
fn an_aborted_stream_is_truncated_and_one_that_is_too_long_is_refused() {
    for failure in ["cut", "broken-chunk"] {
        let reply = collected(&json!({ "pieces": ["a"], "failure": failure }));
        assert_eq!(
            reply.json()["errorType"],
            "Runtime.TruncatedResponse",
            "{failure}"
        );
    }
    let reply = collected(&json!({ "filler": 6_291_557 }));
    assert_eq!(reply.json()["errorType"], "Function.ResponseSizeTooLarge");
    assert_eq!(
        collected(&json!({ "filler": 6_291_556 })).body.len(),
        6_291_556
    );
}
