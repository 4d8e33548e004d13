//! Valid and invalid configurations.

use serde_json::{Value, json};

use super::{alone as configure, *};
use crate::state::{Format, Route};

fn problems(config: &Value) -> Vec<(String, String)> {
    let problems = configure(&config.to_string()).expect_err("the configuration has mistakes");
    problems
        .into_iter()
        .map(|problem| (problem.at.join(" > "), problem.message))
        .collect()
}

/// Asserts that there is exactly one problem, and its place and message.
fn assert_problem(config: &Value, at: &str, message: &str) {
    let found = problems(config);
    assert!(
        found.len() == 1 && found[0].0 == at && found[0].1.contains(message),
        "{config} has {found:?}"
    );
}

#[test]
fn a_function_alone_is_the_default_route() {
    let setup = configure(r#"{"function":"hello:live"}"#).unwrap();
    assert_eq!(setup.functions[0].name, "hello:live");
    assert_eq!(setup.functions[0].at, ["function"]);
    assert_eq!(setup.summary, ["$default -> hello:live"]);
    let state = State::read(&setup.state).unwrap();
    assert_eq!(
        (state.api.stage, state.api.account, state.api.id),
        ("$default", "123456789012", "lambkin000")
    );
    let route = Route {
        method: "ANY",
        path: DEFAULT,
        format: Format::V2,
        timeout_ms: 30_000,
        function: "hello:live",
        guard: "",
        throttle: "",
    };
    assert_eq!(state.routes().collect::<Vec<_>>(), [route]);
}

#[test]
fn routes_inherit_the_triggers_settings_and_are_sorted() {
    let config = json!({
        "payload-format-version": "1.0",
        "timeout": 0.05,
        "stage": "prod",
        "cors": { "allow-origins": ["*"] },
        "routes": {
            "$default": "b",
            "GET /{a}": { "function": "a", "payload-format-version": "2.0", "timeout": 29 },
            "GET /a": "a",
        },
    });
    let setup = configure(&config.to_string()).unwrap();
    let functions = setup.functions.iter();
    let functions: Vec<_> = functions
        .map(|it| (it.name.as_str(), it.at.join(" ")))
        .collect();
    let at = |route: &str| format!("routes {route}");
    assert_eq!(
        functions,
        [
            ("a", at("GET /a")),
            ("a", at("GET /{a}")),
            ("b", at("$default"))
        ]
    );
    assert_eq!(
        setup.summary,
        [
            "GET /a -> a (payload format 1.0)",
            "GET /{a} -> a",
            "$default -> b (payload format 1.0)",
            "every path starts with /prod, the stage",
            "CORS for *",
        ]
    );
    let waits: Vec<_> = State::read(&setup.state)
        .unwrap()
        .routes()
        .map(|route| route.timeout_ms)
        .collect();
    assert_eq!(waits, [50, 29_000, 50]);
}

#[test]
fn every_mistake_is_reported_at_once() {
    let found = problems(&json!({
        "route": {},
        "timeout": 31,
        "stage": "a/b",
        "stage-variables": { "a b": "c", "d": "e f" },
        "account-id": 123456789012_u64,
        "api-id": "ABC",
        "domain-name": "a b",
        "payload-format-version": 2,
        "cors": { "allow-origin": ["*"], "allow-origins": ["example.com"], "max-age": 90000 },
        "routes": { "get /": "f", "GET /a/": 5, "GET /b": { "fn": "f" } },
    }));
    let at: Vec<_> = found.iter().map(|(at, _)| at.as_str()).collect();
    assert_eq!(
        at,
        [
            "route",
            "payload-format-version",
            "timeout",
            "routes > GET /a/",
            "routes > GET /a/",
            "routes > GET /b > fn",
            "routes > GET /b",
            "routes > get /",
            "stage",
            "stage-variables > a b",
            "stage-variables > d",
            "cors > allow-origin",
            "cors > allow-origins",
            "cors > max-age",
            "account-id",
            "api-id",
            "domain-name",
        ]
    );
}

#[test]
fn a_function_is_required() {
    assert_problem(&json!({}), "", "no function would be invoked");
    assert_problem(&json!({"routes": {}}), "routes", "at least one route");
    assert_problem(
        &json!({"routes": []}),
        "routes",
        "this must be a table, not []",
    );
    assert_problem(
        &json!({"function": ""}),
        "function",
        "the name of a function",
    );
    assert_problem(
        &json!({"function": "a\tb"}),
        "function",
        "the name of a function",
    );
    assert_problem(
        &json!({"function": "f", "routes": {"GET /": "f"}}),
        "function",
        "either `function` or `routes`",
    );
    assert_problem(
        &json!({"routes": {"GET /": {}}}),
        "routes > GET /",
        "needs a `function`",
    );
    assert_problem(&json!([]), "", "not a table");
}

#[test]
fn the_nearest_known_key_is_suggested_for_a_mistyped_one() {
    assert_problem(
        &json!({"function": "f", "api_id": "a"}),
        "api_id",
        "did you mean `api-id`?",
    );
    assert_problem(
        &json!({"function": "f", "colour": "a"}),
        "colour",
        "known are routes, function",
    );
    let cors = json!({"function": "f", "cors": {"allow-origins": ["*"], "allow-header": []}});
    assert_problem(
        &cors,
        "cors > allow-header",
        "did you mean `allow-headers`?",
    );
}

#[test]
fn routes_that_match_the_same_requests_are_refused() {
    let config = json!({"routes": {"GET /a/{b}": "f", "GET /a/{c}": "g"}});
    assert_problem(
        &config,
        "routes > GET /a/{c}",
        "`GET /a/{b}` matches the same requests",
    );
    let config = json!({"routes": {"GET /a/{b}": "f", "GET /a/{c+}": "g", "POST /a/{c}": "g"}});
    assert!(configure(&config.to_string()).is_ok());
}

#[test]
fn timeouts_have_the_range_of_aws() {
    for timeout in [
        json!(0.049),
        json!(30.001),
        json!(-1),
        json!(1e300),
        json!("3"),
    ] {
        assert_problem(
            &json!({"function": "f", "timeout": timeout}),
            "timeout",
            "seconds from 0.05 to 30",
        );
    }
}

#[test]
fn credentials_need_named_origins() {
    let cors = |origins: &[&str]| json!({"function": "f", "cors": {"allow-origins": origins, "allow-credentials": true}});
    assert_problem(
        &cors(&["https://a.example", "*"]),
        "cors > allow-credentials",
        "name the origins",
    );
    assert!(configure(&cors(&["https://*"]).to_string()).is_ok());
}

#[test]
fn cors_lists_are_checked_entry_by_entry() {
    let cors = |key: &str, value: Value| json!({"function": "f", "cors": {"allow-origins": ["*"], key: value}});
    assert_problem(
        &cors("allow-methods", json!(["GET", "get"])),
        "cors > allow-methods",
        r#"not "get""#,
    );
    assert_problem(
        &cors("allow-methods", json!(["ANY"])),
        "cors > allow-methods",
        r#"not "ANY""#,
    );
    assert_problem(
        &cors("allow-headers", json!(["a b"])),
        "cors > allow-headers",
        r#"not "a b""#,
    );
    assert_problem(
        &cors("expose-headers", json!("a")),
        "cors > expose-headers",
        "a list of strings",
    );
    assert_problem(
        &cors("allow-origins", json!([])),
        "cors > allow-origins",
        "at least one origin",
    );
    assert_problem(
        &cors("allow-credentials", json!(1)),
        "cors > allow-credentials",
        "true or false, not 1",
    );
    for origin in [
        "https://a.example/",
        "a.example",
        "https://",
        "://a",
        "https://a b",
        "https://*.example",
    ] {
        assert_problem(
            &cors("allow-origins", json!([origin])),
            "cors > allow-origins",
            "a scheme and a host",
        );
    }
    assert!(configure(&cors("max-age", json!(-1)).to_string()).is_ok());
}

#[test]
fn stage_variables_are_written_as_json_once() {
    let config = json!({"function": "f", "stage-variables": {"b": "https://x/?a=1&b,c", "a": "1"}});
    let setup = configure(&config.to_string()).unwrap();
    assert_eq!(
        State::read(&setup.state).unwrap().api.stage_variables,
        r#"{"a":"1","b":"https://x/?a=1&b,c"}"#
    );
}
