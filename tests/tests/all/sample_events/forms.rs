//! The events of `lambkin event` have the form of the recorded and documented ones in `tests/cases`.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::event;

/// The event of a case in `tests/cases`: the first one of the call with this description.
fn recorded(file: &str, about: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("cases")
        .join(file);
    let cases: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let mut calls = cases["calls"].as_array().unwrap().iter();
    let call = calls.find(|call| call["about"] == about);
    let call = call.unwrap_or_else(|| panic!("{file} has no call {about:?}"));
    let places = [
        &call["step"]["invoke"]["event"],
        &call["invocation"]["event"],
        &call["event"],
    ];
    let event = places.into_iter().find(|event| !event.is_null());
    match event.unwrap_or_else(|| panic!("{file}: {about:?} has no event")) {
        Value::String(text) => serde_json::from_str(text).unwrap(),
        event => event.clone(),
    }
}

/// The names and types of an event, without what the settings of an API decide, and without the members of maps whose
/// names are the client's.
fn form(value: &Value) -> Value {
    const MAPS: [&str; 5] = [
        "headers",
        "multiValueHeaders",
        "queryStringParameters",
        "multiValueQueryStringParameters",
        "pathParameters",
    ];
    match value {
        Value::Object(members) => {
            let member = |(name, value): (&String, &Value)| {
                let form = match value {
                    Value::Object(_) if MAPS.contains(&name.as_str()) => json!("map"),
                    value => form(value),
                };
                (name.clone(), form)
            };
            let members = members.iter().filter(|(name, _)| *name != "stageVariables");
            Value::Object(members.map(member).collect::<Map<_, _>>())
        }
        Value::Array(items) => items.iter().map(form).collect(),
        Value::String(_) => json!("text"),
        Value::Number(_) => json!("number"),
        Value::Bool(_) => json!("boolean"),
        Value::Null => json!("null"),
    }
}

#[test]
fn samples_have_the_form_of_the_events_of_triggers() {
    const CASES: &[(&[&str], &str, &str)] = &[
        (&["alb", "request"], "alb/event.json", "JSON is text"),
        (
            &[
                "api-gateway-rest",
                "request",
                "--method",
                "GET",
                "--query",
                "",
                "--path",
                "/",
            ],
            "api-gateway-rest/event.json",
            "a plain request",
        ),
        (
            &["api-gateway-rest", "token-authorizer"],
            "api-gateway-rest/authorizers-token.json",
            "the event has three keys; the function learns the context as texts, and the principal",
        ),
        (
            &["api-gateway-rest", "request-authorizer", "--query", ""],
            "api-gateway-rest/authorizers-request.json",
            "what a request lacks is an empty object; there is no body; nothing is kept without sources",
        ),
        (
            &["api-gateway-http", "request", "--query", ""],
            "api-gateway-http/event-2.0.json",
            "a JSON body is text",
        ),
        (
            &[
                "api-gateway-http",
                "request",
                "--query",
                "",
                "--method",
                "GET",
                "--payload-format-version",
                "1.0",
            ],
            "api-gateway-http/event-1.0.json",
            "what a request does not have is null",
        ),
        (
            &["api-gateway-websocket", "connect"],
            "api-gateway-websocket/connect.json",
            "headers have the spelling of the client; those of the hop are left out",
        ),
        (
            &["api-gateway-websocket", "message"],
            "api-gateway-websocket/messages.json",
            "the route of its action",
        ),
        (
            &["api-gateway-websocket", "disconnect"],
            "api-gateway-websocket/end.json",
            "going away",
        ),
        (
            &["function-url", "request", "--query", ""],
            "function-url/event.json",
            "JSON is text, and what is not ASCII stays as it is",
        ),
        (
            &["sqs", "receive-message"],
            "sqs/event-standard.json",
            "A message with nothing but a body.",
        ),
        (
            &[
                "sqs",
                "message",
                "--queue-name",
                "orders.fifo",
                "--body",
                "1",
                "--body",
                "2",
            ],
            "sqs/event-fifo.json",
            "Sequence number, group and deduplication id.",
        ),
        (
            &["api-gateway-websocket", "authorizer"],
            "api-gateway-websocket/authorizer-request.json",
            "the event, and what the functions of the connection see",
        ),
        (
            &[
                "api-gateway-http",
                "authorizer",
                "--query",
                "",
                "--resource",
                "/x/{id}",
            ],
            "api-gateway-http/authorizers-1.0.json",
            "a format of events and one of the authorizer",
        ),
        (
            &[
                "api-gateway-http",
                "authorizer",
                "--payload-format-version",
                "1.0",
            ],
            "api-gateway-http/authorizers-1.0.json",
            "the event, and what the function learns",
        ),
        (
            &[
                "api-gateway-rest",
                "test-invoke",
                "--query",
                "",
                "--header",
                "a: b",
            ],
            "api-gateway-rest/test-invoke.json",
            "headers as they are given, and a body",
        ),
    ];
    for (words, file, about) in CASES {
        let (sample, recorded) = (event(words), recorded(file, about));
        assert_eq!(
            form(&sample),
            form(&recorded),
            "{words:?}\n{sample:#}\n{recorded:#}"
        );
    }
}

#[test]
fn samples_of_s3_have_the_form_of_recorded_ones() {
    for (kind, about) in [
        ("put", "ObjectCreated:Put has every field."),
        ("post", "ObjectCreated:Post has every field."),
        ("copy", "ObjectCreated:Copy has every field."),
        (
            "complete-multipart-upload",
            "ObjectCreated:CompleteMultipartUpload has every field.",
        ),
        (
            "delete",
            "A removal has neither size nor entity tag, whatever the change says.",
        ),
        (
            "delete-marker-created",
            "A delete marker has the entity tag of no bytes.",
        ),
        (
            "tagging-put",
            "ObjectTagging:Put has neither size nor sequencer.",
        ),
        (
            "tagging-delete",
            "ObjectTagging:Delete has neither size nor sequencer.",
        ),
    ] {
        let sample = event(&["s3", kind, "--version-id", "v"]);
        let recorded = recorded("s3/event.json", about);
        assert_eq!(form(&sample), form(&recorded), "{kind}\n{sample:#}");
        let name = |event: &Value| event["Records"][0]["eventName"].clone();
        assert_eq!(name(&sample), name(&recorded));
    }
}
