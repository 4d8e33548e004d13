//! Authorizers behind a REST API.

use std::fs;

use serde_json::json;

use super::{assert_refused, policy, project, with_token};
use crate::support::{Issuer, Project, RAW_BOOTSTRAP, SigningKey, standard_claims};

const UNAUTHORIZED: &str = r#"{"message":"Unauthorized"}"#;
const DENIED: &str = r#"{"Message":"User is not authorized to access this resource"}"#;
const DENIED_EXPLICITLY: &str =
    r#"{"Message":"User is not authorized to access this resource with an explicit deny"}"#;
const FAILED: &str = r#"{"message":null}"#;

/// An API whose authorizer returns its token as its result, and a function that answers with what it learns.
fn with_tokens(settings: &str) -> Project {
    Project::new(&format!(
        "[functions.echo]\ncode = '{RAW_BOOTSTRAP}'\nenvironment = {{ RAW_BOOTSTRAP_RETURN = '/requestContext/authorizer/answer' }}\n\
         [functions.judge]\ncode = '{RAW_BOOTSTRAP}'\n\
         environment = {{ RAW_BOOTSTRAP_ORDERS = 'authorizationToken', RAW_BOOTSTRAP_RETURN = 'authorizationToken' }}\n\
         [triggers.web]\nplugin = 'api-gateway-rest'\nlisten = '127.0.0.1:0'\nbase-path = ''\n\
         routes = {{ 'GET /a' = 'echo', 'GET /b' = 'echo' }}\nauthorizer = 'judge'\n{settings}\
         [triggers.web.authorizers.judge]\ntype = 'token'\nfunction = 'judge'\n"
    ))
}

#[test]
fn a_token_authorizer_decides_and_its_context_reaches_the_function_as_texts() {
    let server = with_tokens("").serve();
    let ask = |path: &str, token: &str| server.web("GET", path, &[("authorization", token)], b"");
    let mut allow = policy("Allow", "*/GET/a");
    allow["context"] = json!({ "answer": r#"{"statusCode":200,"body":"hello"}"#, "n": 1 });
    let reply = ask("/a", &allow.to_string());
    assert_eq!((reply.status, reply.text().as_str()), (200, "hello"));
    assert_refused(&ask("/b", &allow.to_string()), 403, DENIED);
    assert_refused(
        &ask("/a", &policy("Deny", "*").to_string()),
        403,
        DENIED_EXPLICITLY,
    );
    assert_refused(&server.web("GET", "/a", &[], b""), 401, UNAUTHORIZED);
    let thrown = ask("/a", r#"{"error":"Unauthorized"}"#);
    assert_refused(&thrown, 401, UNAUTHORIZED);
    assert_eq!(
        thrown.header("x-amzn-errortype"),
        Some("UnauthorizedException")
    );
    assert_refused(&ask("/a", r#"{"error":"other"}"#), 500, FAILED);
    let invalid = ask("/a", r#"{"principalId":"a"}"#);
    assert_refused(&invalid, 500, FAILED);
    assert_eq!(
        invalid.header("x-amzn-errortype"),
        Some("AuthorizerConfigurationException")
    );
    server.log_with("`policyDocument` is missing in the authorizer's result");
    let mut nested = policy("Allow", "*");
    nested["context"] = json!({ "a": { "b": 1 } });
    assert_refused(&ask("/a", &nested.to_string()), 500, FAILED);
    server.log_with("`context.a` in the authorizer's result is an object");
}

#[test]
fn the_policy_is_kept_for_five_minutes_unless_configured_otherwise() {
    let project = with_tokens("");
    let server = project.serve();
    let ran = project.path().join("ran");
    let mut token = policy("Allow", "*/GET/a");
    token["append"] = json!([ran, "ran"]);
    token["context"] = json!({ "answer": "{}" });
    let token = token.to_string();
    let ask = |path: &str| {
        server
            .web("GET", path, &[("authorization", &token)], b"")
            .status
    };
    assert_eq!((ask("/a"), ask("/a"), ask("/b")), (200, 200, 403));
    assert_eq!(fs::read_to_string(ran).unwrap(), "ran\n");
}

#[test]
fn gateway_responses_of_authorizers_can_be_changed() {
    let changed = "gateway-responses = { UNAUTHORIZED = { status-code = 418, body = '{\"why\":$context.error.messageString}' } }\n";
    let server = with_tokens(changed).serve();
    let reply = server.web("GET", "/a", &[], b"");
    assert_refused(&reply, 418, r#"{"why":"Unauthorized"}"#);
}

#[test]
fn a_token_of_a_user_pool_is_verified() {
    let issuer = Issuer::start();
    let key = SigningKey::first();
    issuer.publish(&[&key]);
    let url = issuer.url();
    let settings = format!(
        "network = ['{url}']
base-path = ''
function = 'echo'
authorizer = 'pool'
[triggers.web.authorizers.pool]
type = 'cognito'
issuer = '{url}'
"
    );
    let server = project("api-gateway-rest", &settings).serve();
    let mut claims = standard_claims(url);
    claims["token_use"] = json!("id");
    // The function returns its event, which is no response.
    assert_eq!(with_token(&server, "/", &key.token(&claims)).status, 502);
    claims["exp"] = json!(1_700_000_000);
    let expired = with_token(&server, "/", &key.token(&claims));
    assert_refused(
        &expired,
        401,
        r#"{"message":"The incoming token has expired"}"#,
    );
    let other = SigningKey::second().token(&standard_claims(url));
    assert_refused(&with_token(&server, "/", &other), 401, UNAUTHORIZED);
    assert_refused(&server.web("GET", "/", &[], b""), 401, UNAUTHORIZED);
}
