//! The steps of an HTTP trigger's plugin: replies, invocations and fetches, one after the other, at a real listener.
//!
//! The plugin is the probe of `host/plugin/tests/probe`, which follows the script that a request brings along and
//! replies with the outcomes of its steps.

mod errors;
mod fetches;
mod waits;

use serde_json::{Value, json};

use crate::support::{Project, eventually, invoke, with};

/// A step that asks the authorizer how many events it has received, and keeps the result under a key.
fn ask_authorizer(key: &str, milliseconds: u32) -> Value {
    let ask = invoke("authorizer", &json!({ "tell": "served" }));
    with(ask, &json!({ "cache": [key, milliseconds] }))
}

const HOUR: u32 = 3_600_000;

/// An outcome without the time of its end.
fn ending(outcome: &Value) -> (&str, &Value, bool) {
    let ending = outcome["ending"].as_str().expect("an ending");
    let cached = outcome["cached"].as_bool().expect("a flag");
    assert!(outcome["at-ms"].as_u64() > Some(1_700_000_000_000));
    (ending, &outcome["value"], cached)
}

#[test]
fn an_authorizer_runs_once_for_requests_with_the_same_key_and_the_function_each_time() {
    let server = Project::scripted("").serve();
    let request = |token| {
        let then = json!({ "invoke": { "function": "echo" } });
        let outcomes = server.outcomes(&json!([ask_authorizer(token, HOUR), then]));
        assert_eq!(outcomes.len(), 2);
        // The event of the function, which it returns, has the authorizer's outcome.
        assert_eq!(outcomes[1]["value"]["outcomes"][0], outcomes[0]);
        assert_eq!(outcomes[1]["cached"], false);
        (outcomes[0]["value"].clone(), outcomes[0]["cached"].clone())
    };
    assert_eq!(request("anna"), (json!(1), json!(false)));
    assert_eq!(request("anna"), (json!(1), json!(true)));
    assert_eq!(request("otto"), (json!(2), json!(false)));
    assert_eq!(request("otto"), (json!(2), json!(true)));
    assert_eq!(request("anna"), (json!(1), json!(true)));
}

#[test]
fn an_authorizer_runs_again_when_the_time_of_its_result_is_over() {
    let server = Project::scripted("").serve();
    let first = server.outcomes(&json!([ask_authorizer("anna", 20)]));
    assert_eq!(ending(&first[0]), ("completed", &json!(1), false));
    eventually("the authorizer to run again", || {
        let again = server.outcomes(&json!([ask_authorizer("anna", 20)]));
        ending(&again[0]) == ("completed", &json!(2), false)
    });
}

#[test]
fn a_result_without_time_and_a_failure_are_not_kept() {
    let server = Project::scripted("").serve();
    for served in 1..=2 {
        let outcomes = server.outcomes(&json!([ask_authorizer("anna", 0)]));
        assert_eq!(ending(&outcomes[0]), ("completed", &json!(served), false));
    }
    let fails = with(
        invoke("authorizer", &json!({ "error": "no" })),
        &json!({ "cache": ["anna", HOUR] }),
    );
    for _ in 0..2 {
        let outcomes = server.outcomes(&json!([fails]));
        let (ending, value, cached) = ending(&outcomes[0]);
        assert_eq!((ending, cached), ("failed", false));
        assert_eq!(value["kind"], "handler");
        assert_eq!(value["payload"]["errorMessage"], "no");
    }
}

#[test]
fn the_results_of_functions_and_triggers_are_kept_apart() {
    let settings = "[triggers.other]\nplugin = './probe.wasm'\nlisten = '127.0.0.1:0'\n\
                    functions = ['authorizer']\n";
    let server = Project::scripted(settings).serve();
    let ask = ask_authorizer("anna", HOUR);
    assert_eq!(server.outcomes(&json!([ask]))[0]["value"], 1);
    let echo = with(
        invoke("echo", &json!("hello")),
        &json!({ "cache": ["anna", HOUR] }),
    );
    let outcomes = server.outcomes(&json!([echo]));
    assert_eq!(ending(&outcomes[0]), ("completed", &json!("hello"), false));
    let script = json!([ask]).to_string();
    let url = server.trigger_url("other");
    let other = crate::support::request(url, "GET", "/", &[("script", &script)], b"");
    assert_eq!(other.json()["outcomes"][0]["value"], 2);
}

#[test]
fn an_asynchronous_invocation_is_accepted_before_the_function_has_run() {
    let project = Project::scripted("");
    let server = project.serve();
    let file = project.path().join("ran");
    let accept = |line: &str| {
        let event = json!({ "append": [file, line] });
        with(invoke("echo", &event), &json!({ "mode": "asynchronous" }))
    };
    let reply = server.follow(&json!([
        accept("one"),
        accept("two"),
        { "reply": { "status": 202, "headers": [["X-Accepted", "yes"]] } },
    ]));
    assert_eq!(
        (reply.status, reply.header("x-accepted")),
        (202, Some("yes"))
    );
    for outcome in reply.json()["outcomes"].as_array().unwrap() {
        assert_eq!(ending(outcome), ("accepted", &Value::Null, false));
    }
    eventually("both events to be processed", || {
        let ran = std::fs::read_to_string(&file).unwrap_or_default();
        ran.contains("one\n") && ran.contains("two\n")
    });
}

#[test]
fn an_event_that_lambda_does_not_take_is_an_outcome() {
    const MIB: usize = 1 << 20;
    for (mode, body, max) in [("asynchronous", MIB, MIB), ("buffered", 6 * MIB, 6 * MIB)] {
        let settings = format!(
            "max-body-bytes = 8388608\n\
             steps = [{{ invoke = {{ function = 'echo', mode = '{mode}' }} }}]\n"
        );
        let server = Project::scripted(&settings).serve();
        let reply = server.web("POST", "/", &[], "x".repeat(body).as_bytes());
        let outcomes = &reply.json()["outcomes"];
        assert_eq!(outcomes[0]["ending"], "failed", "{mode}");
        assert_eq!(
            outcomes[0]["value"]["kind"],
            "RequestEntityTooLargeException"
        );
        server.log_with(&format!("of which Lambda allows {max}"));
        let reply = server.web("POST", "/", &[], "x".repeat(body - MIB / 2).as_bytes());
        assert_ne!(reply.json()["outcomes"][0]["ending"], "failed", "{mode}");
    }
}

#[test]
fn the_request_reaches_a_later_step_if_the_step_before_asks_for_it() {
    let server = Project::scripted("").serve();
    let ask = |needed: bool| {
        with(
            invoke("echo", &json!(0)),
            &json!({ "with-request": needed }),
        )
    };
    let script =
        json!([{ "invoke": { "function": "echo", "with-request": true } }, ask(false), ask(true)]);
    let headers = [("script", &*script.to_string()), ("X-Name", "value")];
    let reply = server.web("POST", "/a%20b?c=d", &headers, b"body");
    let known = reply.json();
    let request = &known["request"];
    let first = &known["outcomes"][0]["value"]["request"];
    assert_eq!(request, first, "the same request as in the first step");
    assert_eq!(request["path"], "/a%20b");
    assert_eq!(request["body"], json!({ "text": "body" }));
    let without = server.follow(&json!([ask(true), ask(false)])).json();
    assert_eq!(without["request"], Value::Null);
}

#[test]
fn the_first_invocation_has_the_requests_id_and_each_further_one_has_its_own() {
    let server = Project::scripted("").serve();
    let ask = with(
        invoke("echo", &json!({ "tell": "headers" })),
        &json!({ "with-request": true }),
    );
    let known = server.follow(&json!([ask, ask])).json();
    let id = |outcome: usize| {
        let headers = &known["outcomes"][outcome]["value"];
        headers["lambda-runtime-aws-request-id"].clone()
    };
    assert_eq!(id(0), known["request"]["id"]);
    assert_ne!(id(1), id(0));
    let trace = |outcome: usize| {
        let headers = &known["outcomes"][outcome]["value"];
        headers["lambda-runtime-trace-id"].as_str().unwrap()[..40].to_owned()
    };
    assert_eq!(trace(0), trace(1), "both belong to the same trace");
}

#[test]
fn a_request_may_take_eight_steps_and_not_nine() {
    let server = Project::scripted("").serve();
    let steps = |count: usize| Value::Array(vec![ask_authorizer("anna", HOUR); count]);
    assert_eq!(server.outcomes(&steps(8)).len(), 8);
    let reply = server.follow(&steps(9));
    assert_eq!(reply.status, 502);
    let message = "it has not replied after 8 invocations and fetches";
    assert!(reply.text().contains(message), "{}", reply.text());
    server.log_with(message);
}
