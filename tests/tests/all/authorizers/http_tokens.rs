//! JWT authorizers behind an HTTP API, with the keys of a server and of the configuration.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{assert_refused, project, with_token};
use crate::support::{Issuer, Project, Server, SigningKey, standard_claims};

const UNAUTHORIZED: &str = r#"{"message":"Unauthorized"}"#;

/// A trigger that may fetch from the issuer.
fn serve(issuer: &Issuer) -> Server {
    let url = issuer.url();
    let settings = format!(
        "network = ['{url}']
routes = {{ 'GET /a' = 'echo', 'GET /write' = {{ function = 'echo', authorization-scopes = ['write', 'admin'] }} }}
authorizer = 'users'
[triggers.web.authorizers.users]
type = 'jwt'
issuer = '{url}'
audience = ['app']
"
    );
    project("api-gateway-http", &settings).serve()
}

#[test]
fn a_token_of_the_issuer_is_verified_and_its_claims_reach_the_function() {
    let issuer = Issuer::start();
    let key = SigningKey::first();
    issuer.publish(&[&key]);
    let server = serve(&issuer);
    let mut claims = standard_claims(issuer.url());
    claims["scope"] = json!("read write");
    claims["groups"] = json!(["a", "b"]);
    let token = key.token(&claims);
    for _ in 0..3 {
        let reply = with_token(&server, "/a", &token);
        assert_eq!(reply.status, 200, "{}", reply.text());
        let jwt = &reply.json()["requestContext"]["authorizer"]["jwt"];
        assert_eq!(jwt["claims"]["sub"], "anna");
        assert_eq!(jwt["claims"]["groups"], "[a b]");
        assert_eq!(jwt["claims"]["exp"], claims["exp"].to_string());
        assert_eq!(jwt["scopes"], Value::Null);
    }
    let reply = with_token(&server, "/write", &token);
    let jwt = &reply.json()["requestContext"]["authorizer"]["jwt"];
    assert_eq!(jwt["scopes"], json!(["write"]));
    for path in ["/.well-known/openid-configuration", "/keys"] {
        assert_eq!(issuer.requests_for(path), 1, "it is kept: {path}");
    }
}

#[test]
fn other_tokens_are_refused_and_the_challenge_says_why() {
    let issuer = Issuer::start();
    let (key, other) = (SigningKey::first(), SigningKey::second());
    issuer.publish(&[&key]);
    let server = serve(&issuer);
    let changed = |name: &str, value: Value| {
        let mut claims = standard_claims(issuer.url());
        claims[name] = value;
        key.token(&claims)
    };
    let forged = {
        let theirs = other.token(&standard_claims(issuer.url()));
        let ours = key.token(&standard_claims(issuer.url()));
        let (signed, _) = ours.rsplit_once('.').unwrap();
        let (_, signature) = theirs.rsplit_once('.').unwrap();
        format!("{signed}.{signature}")
    };
    for (token, why) in [
        (
            changed("aud", json!("x")),
            "the token does not have a valid audience",
        ),
        (
            changed("iss", json!("x")),
            "the token does not have a valid issuer",
        ),
        (
            changed("exp", json!(1_700_000_000)),
            "the token has expired",
        ),
        (forged, "the signature of the token is not valid"),
        (
            "a.b".to_owned(),
            "the token has an invalid number of segments",
        ),
    ] {
        let reply = with_token(&server, "/a", &token);
        assert_refused(&reply, 401, UNAUTHORIZED);
        let challenge =
            format!("Bearer scope=\"\" error=\"invalid_token\" error_description=\"{why}\"");
        assert_eq!(reply.header("www-authenticate"), Some(&*challenge));
    }
    let without = server.web("GET", "/a", &[], b"");
    assert_refused(&without, 401, UNAUTHORIZED);
    assert_eq!(without.header("www-authenticate"), Some("Bearer"));
    let unscoped = with_token(&server, "/write", &changed("scope", json!("read")));
    assert_refused(&unscoped, 403, r#"{"message":"Forbidden"}"#);
    let challenge = unscoped.header("www-authenticate").unwrap();
    assert!(
        challenge.starts_with("Bearer scope=\"write admin\" error=\"insufficient_scope\""),
        "{challenge}"
    );
}

#[test]
fn keys_are_fetched_again_when_a_token_names_a_new_one() {
    let issuer = Issuer::start();
    let (first, second) = (SigningKey::first(), SigningKey::second());
    issuer.publish(&[&first]);
    let server = serve(&issuer);
    let claims = standard_claims(issuer.url());
    assert_eq!(with_token(&server, "/a", &first.token(&claims)).status, 200);
    issuer.publish(&[&second]);
    for _ in 0..2 {
        assert_eq!(
            with_token(&server, "/a", &second.token(&claims)).status,
            200
        );
    }
    assert_eq!(issuer.requests_for("/keys"), 2);
}

#[test]
fn an_issuer_that_does_not_answer_is_waited_for_a_second_and_a_half() {
    let issuer = Issuer::start();
    let url = issuer.url();
    let settings = format!(
        "network = ['{url}']
function = 'echo'
authorizer = 'users'
[triggers.web.authorizers.users]
type = 'jwt'
issuer = '{url}'
audience = ['app']
jwks = '{url}/silent'
"
    );
    let server = project("api-gateway-http", &settings).serve();
    let begin = Instant::now();
    let token = SigningKey::first().token(&standard_claims(url));
    let reply = with_token(&server, "/", &token);
    assert!(begin.elapsed() >= Duration::from_millis(1_500));
    assert_refused(&reply, 401, UNAUTHORIZED);
    server.log_with("authorizer users: the issuer's keys cannot be fetched: the server has not answered within 1500 ms");
}

#[test]
fn keys_of_the_configuration_need_no_issuer() {
    let key = SigningKey::first();
    let settings = format!(
        "function = 'echo'
authorizer = 'users'
[triggers.web.authorizers.users]
type = 'jwt'
issuer = 'https://issuer.example.com'
audience = ['app']
jwks = '{}'
",
        json!({ "keys": [key.public()] })
    );
    let server = project("api-gateway-http", &settings).serve();
    let claims = standard_claims("https://issuer.example.com");
    assert_eq!(with_token(&server, "/", &key.token(&claims)).status, 200);
    let other = SigningKey::second().token(&claims);
    assert_refused(&with_token(&server, "/", &other), 401, UNAUTHORIZED);
}

const KEYS_FROM_FILE: &str = "function = 'echo'
authorizer = 'users'
[triggers.web.authorizers.users]
type = 'jwt'
issuer = 'https://issuer.example.com'
audience = ['app']
jwks = { from-file = 'keys/issuer.json' }
";

fn write_keys(project: &Project, key: &SigningKey) {
    let keys = json!({ "keys": [key.public()] });
    project.file("keys/issuer.json", format!("{keys:#}"));
}

#[test]
fn keys_of_a_file_are_read_again_when_it_changes_whichever_plugin_has_the_setting() {
    let (first, second) = (SigningKey::first(), SigningKey::second());
    let prebuilt =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins/prebuilt/api-gateway-http.wasm");
    for plugin in ["api-gateway-http", "./own.wasm"] {
        let project = project(plugin, KEYS_FROM_FILE);
        fs::copy(&prebuilt, project.path().join("own.wasm")).unwrap();
        write_keys(&project, &first);
        let mut server = project.serve_with(&["--watch"], &[]);
        let claims = standard_claims("https://issuer.example.com");
        assert_eq!(with_token(&server, "/", &first.token(&claims)).status, 200);
        let unknown = with_token(&server, "/", &second.token(&claims));
        assert_refused(&unknown, 401, UNAUTHORIZED);

        project.file("keys/issuer.json", "{\"keys\": []}");
        let log =
            server.log_with("issuer.json has changed, but the old configuration stays in effect:");
        assert!(log.contains("there is no RSA key"), "{log}");
        write_keys(&project, &second);
        server.log_with("issuer.json has changed: everything restarts");
        server.ready_again();
        assert_eq!(with_token(&server, "/", &second.token(&claims)).status, 200);
    }
}

#[test]
fn a_file_of_keys_that_is_missing_unreadable_or_malformed_is_reported_with_line_and_key() {
    let place = |text: &str, key: &str| {
        // The key is in line 16 of the file.
        assert!(text.contains("lambkin.toml:16:"), "{text}");
        assert!(text.contains(key), "{text}");
    };
    let missing = project("api-gateway-http", KEYS_FROM_FILE).refusal();
    place(
        &missing,
        "triggers.web.authorizers.users.jwks.from-file: cannot read ",
    );
    assert!(
        missing.contains("keys/issuer.json: No such file"),
        "{missing}"
    );
    for (content, why) in [
        (
            &b"\xff\xfe\x00"[..],
            "keys/issuer.json begins with the byte order mark of UTF-16",
        ),
        (
            b"keys",
            "keys/issuer.json: this is the URL of the issuer's keys, or the keys",
        ),
        (b"{\"keys\": 1}", "keys/issuer.json: `keys` is not a list"),
        (
            b"{\"keys\": [",
            "keys/issuer.json: this is the URL of the issuer's keys, or the keys",
        ),
    ] {
        let project = project("api-gateway-http", KEYS_FROM_FILE);
        project.file("keys/issuer.json", content);
        let text = project.refusal();
        place(&text, "triggers.web.authorizers.users.jwks");
        assert!(text.contains(why), "{text}");
    }
}

#[test]
fn an_issuer_that_is_not_granted_is_reported_at_the_start() {
    let settings = "
function = 'echo'
authorizer = 'users'
[triggers.web.authorizers.users]
type = 'jwt'
issuer = 'https://issuer.example.com/pool'
audience = ['app']
";
    let text = project("api-gateway-http", settings).refusal();
    let hint = "set `network = [\"https://issuer.example.com\"]` for the trigger";
    assert!(text.contains(hint), "{text}");
    assert!(text.contains("lambkin.toml"), "{text}");
}
