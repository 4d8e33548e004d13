//! Lambda authorizers and IAM behind an HTTP API.

use std::fs;

use serde_json::json;

use super::{assert_refused, judged, judged_text, ordered, policy, project};

const UNAUTHORIZED: &str = r#"{"message":"Unauthorized"}"#;
const FORBIDDEN: &str = r#"{"message":"Forbidden"}"#;
const ERROR: &str = r#"{"message":"Internal Server Error"}"#;

const SETTINGS: &str = "
routes = { 'GET /a' = 'echo', 'GET /b' = 'echo', 'GET /open' = { function = 'echo', authorizer = 'NONE' } }
authorizer = 'judge'
[triggers.web.authorizers.judge]
type = 'request'
function = 'judge'
identity-source = '$request.header.Authorization'
";

#[test]
fn a_policy_decides_and_its_context_reaches_the_function() {
    let server = project("api-gateway-http", SETTINGS).serve();
    let mut allow = policy("Allow", "*/GET/a");
    allow["context"] = json!({ "number": 1.5, "nested": { "list": [true, null] } });
    let reply = judged(&server, "/a", &allow);
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(
        reply.json()["requestContext"]["authorizer"],
        json!({ "lambda": allow["context"] })
    );
    assert_refused(&judged(&server, "/b", &allow), 403, FORBIDDEN);
    let deny = policy("Deny", "*");
    assert_refused(&judged(&server, "/a", &deny), 403, FORBIDDEN);
    assert_refused(&server.web("GET", "/a", &[], b""), 401, UNAUTHORIZED);
    let open = server.web("GET", "/open", &[], b"");
    assert_eq!(open.status, 200);
    assert_eq!(open.json()["requestContext"].get("authorizer"), None);
}

#[test]
fn a_simple_response_decides() {
    let settings = format!("{SETTINGS}enable-simple-responses = true\n");
    let server = project("api-gateway-http", &settings).serve();
    let allow = json!({ "isAuthorized": true, "context": { "role": "admin" } });
    let reply = judged(&server, "/a", &allow);
    assert_eq!(
        reply.json()["requestContext"]["authorizer"],
        json!({ "lambda": { "role": "admin" } })
    );
    let deny = json!({ "isAuthorized": false });
    assert_refused(&judged(&server, "/a", &deny), 403, FORBIDDEN);
    assert_refused(&judged(&server, "/a", &policy("Allow", "*")), 500, ERROR);
    server.log_with("`enable-simple-responses` makes it a simple response");
}

#[test]
fn the_policy_is_kept_and_evaluated_again_for_each_route() {
    let project = project(
        "api-gateway-http",
        &format!("{SETTINGS}result-ttl = 3600\n"),
    );
    let server = project.serve();
    let ran = project.path().join("ran");
    let orders = json!({ "append": [ran, "ran"] }).to_string();
    let result = policy("Allow", "*/GET/a").to_string();
    let ask = |token: &str, path: &str| {
        let headers = [
            ("authorization", token),
            ("orders", &*orders),
            ("result", &*result),
        ];
        server.web("GET", path, &headers, b"").status
    };
    let runs = || fs::read_to_string(&ran).unwrap_or_default().lines().count();
    assert_eq!(ask("anna", "/a"), 200);
    assert_eq!(ask("anna", "/a"), 200);
    assert_eq!(ask("anna", "/b"), 403, "the kept policy does not allow it");
    assert_eq!(runs(), 1);
    assert_eq!(ask("otto", "/a"), 200);
    assert_eq!(runs(), 2);
}

#[test]
fn failures_of_the_function_are_500_and_a_result_that_is_not_valid_is_explained_in_the_log() {
    let server = project("api-gateway-http", SETTINGS).serve();
    for orders in [
        json!({ "error": "Unauthorized" }),
        json!({ "error": "something" }),
        json!({ "exit": 1 }),
    ] {
        assert_refused(&ordered(&server, "/a", &orders), 500, ERROR);
    }
    for (result, reason) in [
        ("no", "the authorizer's result is not JSON"),
        (
            "\"Unauthorized\"",
            "the authorizer's result is a string, and has to be an object",
        ),
        (
            "{}",
            "`policyDocument` is missing in the authorizer's result",
        ),
        (
            r#"{"isAuthorized":true}"#,
            "for simple responses, set `enable-simple-responses = true`",
        ),
        (
            r#"{"policyDocument":{"Statement":3}}"#,
            "`policyDocument.Statement[0]` is a number",
        ),
    ] {
        assert_refused(&judged_text(&server, "/a", result), 500, ERROR);
        server.log_with(reason);
    }
    server.log_with("GET /a: function judge: the authorizer's result is not JSON");
    let large = ordered(&server, "/a", &json!({ "size": 5_000_000 }));
    assert_refused(&large, 500, ERROR);
    let open = server.web("GET", "/open", &[], b"");
    assert_eq!(open.status, 200, "other requests are not affected");
}

#[test]
fn a_result_that_is_not_valid_is_not_kept() {
    let server = project(
        "api-gateway-http",
        &format!("{SETTINGS}result-ttl = 3600\n"),
    )
    .serve();
    assert_refused(&judged_text(&server, "/a", "{}"), 500, ERROR);
    assert_eq!(judged(&server, "/a", &policy("Allow", "*")).status, 200);
}

#[test]
fn an_authorizer_that_takes_longer_than_ten_seconds_is_not_waited_for() {
    let server = project("api-gateway-http", SETTINGS).serve();
    let reply = ordered(&server, "/a", &json!({ "sleep_ms": 11_000 }));
    assert_refused(&reply, 500, ERROR);
    server.log_with("it has not answered within 10 s");
}

#[test]
fn an_event_of_format_1_0_has_the_token_of_several_sources() {
    let settings = "
routes = { 'GET /a' = { function = 'echo', payload-format-version = '1.0', authorizer = 'judge' } }
[triggers.web.authorizers.judge]
type = 'request'
function = 'judge'
payload-format-version = '1.0'
identity-source = ['$request.header.Result', '$request.querystring.k']
";
    let server = project("api-gateway-http", settings).serve();
    let result = policy("Allow", "*").to_string();
    // In format 1.0, names of headers have canonical case, which the authorizer does not look for: it returns its event,
    // which is no valid result.
    let reply = server.web("GET", "/a?k=v", &[("result", &result)], b"");
    assert_refused(&reply, 500, ERROR);
    server.log_with("`policyDocument` is missing");
    assert_refused(
        &server.web("GET", "/a", &[("result", &result)], b""),
        401,
        UNAUTHORIZED,
    );
}

#[test]
fn a_route_with_iam_needs_a_signed_request() {
    let settings = "
function = 'echo'
authorizer = 'iam'
[triggers.web.authorizers.iam]
type = 'iam'
";
    let server = project("api-gateway-http", settings).serve();
    assert_refused(&server.web("GET", "/", &[], b""), 403, FORBIDDEN);
    let signature = "AWS4-HMAC-SHA256 Credential=AKID/20261128/us-east-1/execute-api/aws4_request, \
                     SignedHeaders=host;x-amz-date, Signature=ab12";
    let reply = server.web("GET", "/", &[("authorization", signature)], b"");
    let iam = &reply.json()["requestContext"]["authorizer"]["iam"];
    assert_eq!(iam["accessKey"], "AKID");
    assert_eq!(iam["userArn"], "arn:aws:iam::123456789012:root");
}

#[test]
fn mistakes_are_reported_with_their_place_and_the_nearest_name() {
    let settings = "
routes = { 'GET /a' = { function = 'echo', authorizer = 'jugde' } }
[triggers.web.authorizers.judge]
type = 'request'
function = 'juge'
identity-sorce = '$request.header.Authorization'
";
    let text = project("api-gateway-http", settings).refusal();
    for part in [
        "there is no authorizer `jugde`; did you mean `judge`?",
        "unknown key; did you mean `identity-source`?",
    ] {
        assert!(text.contains(part), "{text}");
    }
    let settings = SETTINGS.replace("function = 'judge'", "function = 'juge'");
    let text = project("api-gateway-http", &settings).refusal();
    assert!(text.contains("juge"), "{text}");
}
