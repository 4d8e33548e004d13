//! Third-party plugins in a running host: a correct one works, and a faulty one does no harm.

use std::time::Instant;

use serde_json::json;

use crate::support::{Project, RAW_BOOTSTRAP};

mod compiling;

/// Hand-written components, shared with the tests of the plugin crate.
#[path = "../../../host/plugin/tests/all/template.rs"]
#[allow(dead_code, reason = "not all of them are needed here")]
mod template;

/// A component whose `shape` has this body; [`GOOD`] invokes `f` with the trigger's settings as the event.
fn component(name: &str, shape: &str) -> Vec<u8> {
    let fixture = template::good().with("name", name).with("shape", shape);
    fixture.bytes().to_vec()
}

const NAME: &str = "lambkin:http-trigger/http-shaper@0.2.0";
const GOOD: &str =
    "(call $invoke (i32.load (local.get $arguments)) (i32.load offset=4 (local.get $arguments)))";

/// A project with a correct trigger `web` and a trigger `other` that uses these bytes as its plugin.
fn project(other: &[u8]) -> Project {
    let trigger = |name: &str, file: &str| {
        format!(
            "[triggers.{name}]\nplugin = \"./{file}\"\nlisten = \"127.0.0.1:0\"\ngreeting = \"hi\"\n"
        )
    };
    let config = format!(
        "[functions.f]\ncode = \"{RAW_BOOTSTRAP}\"\n{}{}",
        trigger("web", "good.wasm"),
        trigger("other", "other.wasm")
    );
    let project = Project::new(&config);
    project.file("good.wasm", component(NAME, GOOD));
    project.file("other.wasm", other);
    project
}

#[test]
fn a_component_file_works_like_a_built_in_trigger() {
    let server = project(&component(NAME, GOOD)).serve();
    let reply = server.web("GET", "/any", &[], b"");
    assert_eq!(
        (reply.status, reply.json()),
        (200, json!({ "greeting": "hi" }))
    );
}

#[test]
fn a_plugin_that_misbehaves_fails_only_that_call_and_is_named() {
    for (shape, cause) in [
        ("unreachable", "it trapped"),
        (
            "(loop $on (br $on)) unreachable",
            "it used up its 100 ms of processor time",
        ),
        (
            "(loop $on (br_if $on (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable",
            "it asked for more than its 64 MiB of memory",
        ),
        // The event is the function's name, which is not JSON.
        (
            "(call $invoke (i32.const 0x100) (i32.const 1))",
            "its result is not valid",
        ),
    ] {
        let server = project(&component(NAME, shape)).serve();
        let began = Instant::now();
        let reply = crate::support::request(server.trigger_url("other"), "GET", "/x", &[], b"");
        assert_eq!(reply.status, 502, "{cause}");
        let message = reply.json()["message"].as_str().unwrap().to_owned();
        assert!(
            message.contains("other.wasm of trigger other: shape failed")
                && message.contains(cause),
            "{message}"
        );
        assert!(began.elapsed().as_secs() < 10);
        server.log_with(cause);
        assert_eq!(
            server.web("GET", "/", &[], b"").status,
            200,
            "the neighbour goes on after: {cause}"
        );
        let again = crate::support::request(server.trigger_url("other"), "GET", "/x", &[], b"");
        assert_eq!(
            again.status, 502,
            "and each of its calls has its own answer"
        );
    }
}

#[test]
fn a_file_that_is_not_a_plugin_is_refused_at_startup_with_the_reason() {
    let truncated = component(NAME, GOOD)[..500].to_vec();
    for (bytes, reason) in [
        (b"#!/bin/sh\n".to_vec(), "plugin"),
        (b"\0asm\x01\0\0\0".to_vec(), "core WebAssembly module"),
        (b"\x7fELF\x02\x01\x01\0\0\0\0\0".to_vec(), "native program"),
        (truncated, "plugin"),
        (
            component("lambkin:http-trigger/http-shaper@0.9.0", GOOD),
            "0.9.0",
        ),
        (
            component("lambkin:http-triggers/http-shaper@0.2.0", GOOD),
            "lambkin:http-triggers/http-shaper@0.2.0",
        ),
    ] {
        let text = project(&bytes).refusal();
        assert!(
            text.contains("triggers.other.plugin: cannot load plugin ./other.wasm: ")
                && text.contains(reason),
            "{reason}: {text}"
        );
    }
}

/// The response of a trigger whose plugin requests a streamed response; `stream` is TOML for the function's `stream`
/// order.
fn streamed(stream: &str) -> crate::support::Reply {
    let project = Project::new(&format!(
        "[functions.f]\ncode = \"{RAW_BOOTSTRAP}\"\n\
         [triggers.web]\nplugin = \"./streams.wasm\"\nlisten = \"127.0.0.1:0\"\nstream = {stream}\n"
    ));
    // The field `mode` follows the function and the event.
    let shape = format!("{GOOD} (i32.store8 (i32.const 0x418) (i32.const 1))");
    // The ending of a stream that has opened has no text.
    let resume = "(if (result i32) (i32.eq (local.get $ending) (i32.const 1))
        (then (call $status (i32.const 200)))
        (else (call $response (i32.const 200) (i32.const 0) (i32.const 0) (local.get $text) (local.get $length))))";
    let plugin = template::good()
        .with("shape", &shape)
        .with("resume", resume);
    project.file("streams.wasm", plugin.bytes());
    project.serve().web("GET", "/", &[], b"")
}

#[test]
fn a_stream_bypasses_the_plugin_and_its_prelude_does_not_reach_the_client() {
    let prelude =
        "{\\\"statusCode\\\":201}\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000";
    let kind = "application/vnd.awslambda.http-integration-response";
    let reply = streamed(&format!(
        r#"{{ content_type = "{kind}", pieces = ["{prelude}", "one", "two"] }}"#
    ));
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("transfer-encoding"), Some("chunked"));
    assert_eq!(reply.text(), "3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n");
}

#[test]
fn a_stream_that_fails_midway_aborts_the_clients_connection() {
    let reply = streamed(r#"{ pieces = ["one"], failure = { trailers = ["Function.Bad", ""] } }"#);
    assert_eq!(reply.status, 200);
    assert!(!reply.text().contains("0\r\n\r\n"), "{:?}", reply.text());
}

#[test]
fn a_stream_that_ends_within_its_prelude_is_a_function_error() {
    let kind = "application/vnd.awslambda.http-integration-response";
    let reply = streamed(&format!(
        r#"{{ content_type = "{kind}", pieces = ["{{}}"] }}"#
    ));
    // This plugin responds to every outcome with 200 and the kind of the failure as the body.
    assert_eq!(
        (reply.status, reply.text().as_str()),
        (200, "Runtime.TruncatedResponse")
    );
}
