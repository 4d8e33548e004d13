//! Errors of the plugin and of functions in each step.

use serde_json::{Value, json};

use super::ending;
use crate::support::{Project, invoke, with};

#[test]
fn a_plugin_that_fails_in_any_step_fails_that_request_and_no_other() {
    let issuer = crate::support::MockServer::start(|_| Some((200, String::new())));
    let server = Project::scripted(&format!("network = ['{}']", issuer.url())).serve();
    let invocation = invoke("echo", &json!(1));
    let document = json!({ "fetch": { "url": issuer.url() } });
    for (before, function) in [
        (vec![], "shape"),
        (vec![invocation.clone()], "resume"),
        (vec![document.clone()], "resume"),
        (vec![document, invocation], "resume"),
    ] {
        for (failure, cause) in [
            (json!({ "fail": "not today" }), "not today"),
            (json!("trap"), "as the script says"),
            (json!("spin"), "it used up its"),
            (
                invoke("other", &json!(1)),
                "it invokes function \\\"other\\\"",
            ),
            (json!({ "reply": { "status": 199 } }), "the status is 199"),
            (
                json!({ "reply": { "headers": [["a b", "c"]] } }),
                "is not a header's name",
            ),
            (
                json!({ "fetch": { "url": "http://a", "method": "a b" } }),
                "is not an HTTP method",
            ),
            (
                with(
                    invoke("echo", &json!(1)),
                    &json!({ "mode": "asynchronous", "cache": ["a", 1] }),
                ),
                "it asks for a cache, which only a buffered invocation may",
            ),
        ] {
            let script = Value::Array([before.clone(), vec![failure]].concat());
            let reply = server.follow(&script);
            assert_eq!(reply.status, 502, "{script}");
            let text = reply.text();
            let names = format!("probe.wasm of trigger web: {function} failed");
            assert!(
                text.contains(&names) && text.contains(cause),
                "{script}: {text}"
            );
            let good = server.outcomes(&json!([invoke("echo", &json!("fine"))]));
            assert_eq!(good[0]["value"], "fine", "after {script}");
        }
    }
}

#[test]
fn the_failure_of_a_function_is_an_outcome_in_any_step() {
    let functions = format!(
        "functions.slow = {{ code = '{0}', timeout = 1 }}\n",
        crate::support::RAW_BOOTSTRAP
    );
    let project = Project::scripted("");
    let config = std::fs::read_to_string(project.path().join("lambkin.toml")).unwrap();
    let config = config.replace("'authorizer']", "'authorizer', 'slow']");
    project.file("lambkin.toml", functions + &config);
    let server = project.serve();
    let first = invoke("echo", &json!("first"));
    for (step, expected, value) in [
        (
            invoke("echo", &json!({ "error": "no" })),
            "failed",
            Some("handler"),
        ),
        (
            invoke("echo", &json!({ "exit": 3 })),
            "failed",
            Some("Runtime.ExitError"),
        ),
        (
            invoke("slow", &json!({ "sleep_ms": 60_000 })),
            "timed-out",
            None,
        ),
        (invoke("echo:missing", &json!(1)), "unavailable", None),
    ] {
        let last = invoke("authorizer", &json!("last"));
        let outcomes = server.outcomes(&json!([first, step, last]));
        let (ending, details, _) = ending(&outcomes[1]);
        assert_eq!(ending, expected, "{step}: {details}");
        assert_eq!(details["kind"].as_str(), value, "{step}");
        assert_eq!(
            (&outcomes[0]["value"], &outcomes[2]["value"]),
            (&json!("first"), &json!("last"))
        );
    }
}

#[test]
fn a_stream_that_has_begun_requires_a_reply() {
    let server = Project::scripted("").serve();
    let opens = with(
        invoke("echo", &json!({ "stream": { "pieces": ["one", "two"] } })),
        &json!({ "mode": "streamed" }),
    );
    let reply = server.follow(&json!([opens, invoke("echo", &json!(1))]));
    assert_eq!(reply.status, 502);
    let message = "it does not reply to";
    assert!(reply.text().contains(message), "{}", reply.text());
    // The function is free for the next request.
    let outcomes = server.outcomes(&json!([invoke("echo", &json!("fine"))]));
    assert_eq!(outcomes[0]["value"], "fine");
}
