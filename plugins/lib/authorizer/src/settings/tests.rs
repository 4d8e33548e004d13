//! Valid and invalid tables.

use serde_json::{Value, json};

use super::*;
use crate::authorizer::{Form, find};

const REST: Rules = Rules {
    api: "a REST API",
    types: &["token", "request", "cognito", "iam"],
    style: Style::Rest,
    has_formats: false,
    default_ttl_ms: 300_000,
    max_wait_ms: 30_000,
};

const HTTP: Rules = Rules {
    api: "an HTTP API",
    types: &["request", "jwt", "iam"],
    style: Style::Http,
    has_formats: true,
    default_ttl_ms: 0,
    max_wait_ms: 10_000,
};

/// The line of the state and the guard of a route, or the mistakes.
fn read(config: &Value, rules: Rules) -> Result<(String, String), Vec<(String, String)>> {
    let members = plugin_kit::settings::parse(&config.to_string()).unwrap();
    let mut problems = Problems::default();
    let root = Table::root(&members);
    let around = Surroundings {
        network: Some("https://known.example http://127.0.0.1:8080"),
    };
    let authorizers = Authorizers::read(&root, rules, around, &mut problems);
    let guard = match root.table("route", &mut problems) {
        Some(route) => authorizers.guard(&route, &mut problems),
        None => authorizers.default_guard(),
    };
    let guard = guard.map(|guard| guard.write()).unwrap_or_default();
    let value = (authorizers.write(), guard);
    let flat = |problem: plugin_kit::settings::Problem| (problem.at.join(" > "), problem.message);
    problems
        .into_result(Some(value))
        .map_err(|problems| problems.into_iter().map(flat).collect())
}

#[track_caller]
fn assert_problem(authorizer: Value, rules: Rules, at: &str, message: &str) {
    let found = read(&json!({"authorizers": {"a": authorizer}}), rules).unwrap_err();
    assert!(
        found.len() == 1 && found[0].0 == at && found[0].1.contains(message),
        "{found:?}"
    );
}

#[test]
fn defaults_are_those_of_aws() {
    let config = json!({"authorizers": {
        "t": {"type": "token", "function": "f"},
        "r": {"type": "request", "function": "f"},
        "s": {"type": "request", "function": "f", "identity-source": "method.request.header.A"},
        "c": {"type": "cognito", "user-pool-arn": "arn:aws:cognito-idp:eu-west-1:123456789012:userpool/eu-west-1_A",
              "jwks": "https://known.example/keys"},
        "i": {"type": "iam"},
    }});
    let (line, guard) = read(&config, REST).unwrap();
    assert_eq!(guard, "");
    let lambda = |name| match find(&line, name).unwrap().kind {
        Kind::Lambda(lambda) => (lambda.form, lambda.sources.0, lambda.ttl_ms),
        other => panic!("{other:?}"),
    };
    assert_eq!(lambda("t"), (Form::Token, "h:Authorization", 300_000));
    assert_eq!(lambda("r"), (Form::Request, "", 0));
    assert_eq!(lambda("s"), (Form::Request, "h:A", 300_000));
    let Kind::Token(issuer) = find(&line, "c").unwrap().kind else {
        panic!()
    };
    assert_eq!(
        issuer.url,
        "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_A"
    );
    assert_eq!(find(&line, "i").unwrap().kind, Kind::Iam);
}

#[test]
fn http_apis_have_formats_and_keep_results_only_if_asked_to() {
    let config = json!({"authorizers": {
        "a": {"type": "request", "function": "f", "identity-source": ["$request.header.a", "$context.routeKey"]},
        "b": {"type": "request", "function": "f", "payload-format-version": "1.0"},
        "c": {"type": "request", "function": "f", "enable-simple-responses": true,
              "identity-source": "$request.header.a", "result-ttl": 1.5},
        "j": {"type": "jwt", "issuer": "https://known.example/pool", "audience": ["x"]},
    }, "authorizer": "j"});
    let (line, guard) = read(&config, HTTP).unwrap();
    assert_eq!(Guard::read(&guard).unwrap().authorizer, "j");
    let lambda = |name| match find(&line, name).unwrap().kind {
        Kind::Lambda(lambda) => (lambda.form, lambda.sources.0, lambda.ttl_ms),
        other => panic!("{other:?}"),
    };
    assert_eq!(lambda("a"), (Form::V2, "h:a\u{1d}c:routeKey", 0));
    assert_eq!(lambda("b"), (Form::V1, "", 0));
    assert_eq!(lambda("c"), (Form::V2Simple, "h:a", 1_500));
}

#[test]
fn routes_name_their_authorizer_or_have_the_triggers() {
    let guard = |route: Value| {
        let issuer = json!({"type": "jwt", "issuer": "https://known.example", "audience": ["x"]});
        let config = json!({"authorizers": {"jwt": issuer, "iam": {"type": "iam"}}, "authorizer": "jwt", "route": route});
        read(&config, HTTP)
    };
    let written = |route| guard(route).unwrap().1;
    let name = |field: &str| Guard::read(field).map(|guard| guard.authorizer.to_owned());
    assert_eq!(name(&written(json!({}))).as_deref(), Some("jwt"));
    assert_eq!(
        name(&written(json!({"authorizer": "iam"}))).as_deref(),
        Some("iam")
    );
    assert_eq!(name(&written(json!({"authorizer": "NONE"}))), None);
    let scoped = written(json!({"authorization-scopes": ["read", "write"]}));
    let scopes: Vec<_> = Guard::read(&scoped).unwrap().scopes.iter().collect();
    assert_eq!(scopes, ["read", "write"]);
    for (route, message) in [
        (json!({"authorizer": "jwtt"}), "did you mean `jwt`?"),
        (json!({"authorizer": "something"}), "there are iam, jwt"),
        (
            json!({"authorizer": "iam", "authorization-scopes": ["a"]}),
            "only authorizers of the types",
        ),
        (
            json!({"authorizer": "NONE", "authorization-scopes": ["a"]}),
            "set `authorizer`, too",
        ),
        (
            json!({"authorization-scopes": ["a b"]}),
            "a scope is a text without spaces",
        ),
    ] {
        let found = guard(route).unwrap_err();
        assert!(
            found.len() == 1 && found[0].1.contains(message),
            "{found:?}"
        );
    }
}

#[test]
fn mistakes_have_their_place_and_say_what_would_be_right() {
    let lambda = |key: &str, value: Value| {
        let mut lambda = json!({"type": "request", "function": "f", "identity-source": "method.request.header.A"});
        lambda[key] = value;
        lambda
    };
    let jwt = |key: &str, value: Value| {
        let mut jwt = json!({"type": "jwt", "issuer": "https://known.example", "audience": ["x"]});
        jwt[key] = value;
        jwt
    };
    assert_problem(
        json!({}),
        REST,
        "authorizers > a",
        "`type` is missing: token, request, cognito, iam",
    );
    assert_problem(
        json!({"type": "tokn"}),
        REST,
        "authorizers > a > type",
        "did you mean `token`?",
    );
    assert_problem(
        json!({"type": "jwt"}),
        REST,
        "authorizers > a > type",
        "of a REST API have the types token",
    );
    assert_problem(
        json!({"type": "request"}),
        REST,
        "authorizers > a",
        "needs a `function`",
    );
    assert_problem(
        lambda("ttl", json!(1)),
        REST,
        "authorizers > a > ttl",
        "known are type, function",
    );
    assert_problem(
        lambda("result_tl", json!(1)),
        REST,
        "authorizers > a > result_tl",
        "did you mean `result-ttl`?",
    );
    assert_problem(
        lambda("result-ttl", json!(3601)),
        REST,
        "authorizers > a > result-ttl",
        "from 0 to 3600",
    );
    assert_problem(
        lambda("identity-source", json!("Authorization")),
        REST,
        "authorizers > a > identity-source",
        "`method.request.header.NAME`",
    );
    let without = json!({"type": "request", "function": "f", "result-ttl": 10});
    assert_problem(
        without,
        HTTP,
        "authorizers > a > result-ttl",
        "`identity-source`, which is missing",
    );
    let token = json!({"type": "token", "function": "f", "identity-validation-expression": "a("});
    let message = if cfg!(feature = "regex") {
        "unclosed group"
    } else {
        "not supported"
    };
    let at = "authorizers > a > identity-validation-expression";
    assert_problem(token, REST, at, message);
    let token = json!({"type": "token", "function": "f", "identity-source": "method.request.querystring.t"});
    assert_problem(
        token,
        REST,
        "authorizers > a > identity-source",
        "comes from a header",
    );
    let simple = json!({"type": "request", "function": "f", "payload-format-version": "1.0", "enable-simple-responses": true});
    assert_problem(
        simple,
        HTTP,
        "authorizers > a > enable-simple-responses",
        "version 2.0",
    );
    assert_problem(
        jwt("issuer", json!("known.example")),
        HTTP,
        "authorizers > a > issuer",
        "an issuer is a URL",
    );
    assert_problem(
        jwt("audience", json!([])),
        HTTP,
        "authorizers > a",
        "set `audience`",
    );
    assert_problem(
        jwt("issuer", json!("https://other.example/x")),
        HTTP,
        "authorizers > a > issuer",
        "set `network = [\"https://other.example\"]`",
    );
    assert_problem(
        jwt("jwks", json!("http://127.0.0.1:8081/k")),
        HTTP,
        "authorizers > a > jwks",
        "is not granted",
    );
    assert_problem(
        jwt("jwks", json!("keys.json")),
        HTTP,
        "authorizers > a > jwks",
        "the URL of the issuer's keys",
    );
    assert_problem(
        jwt("jwks", json!({"keys": []})),
        HTTP,
        "authorizers > a > jwks",
        "no RSA key",
    );
    assert_problem(
        jwt(
            "jwks",
            json!("{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"a\"}]}"),
        ),
        HTTP,
        "authorizers > a > jwks",
        "the key \"a\" needs `n` and `e`",
    );
    let pool = json!({"type": "cognito", "user-pool-arn": "arn:aws:s3:::b"});
    assert_problem(
        pool,
        REST,
        "authorizers > a > user-pool-arn",
        "this is an ARN",
    );
    let granted = jwt("jwks", json!("http://127.0.0.1:8080/k"));
    assert!(read(&json!({"authorizers": {"a": granted}}), HTTP).is_ok());
}
