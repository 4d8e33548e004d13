//! Runs against a project of one function in bash. `LAMBKIN` names the program.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use lambkin_testing::{Error, Lambkin};
use serde_json::json;

const BOOTSTRAP: &str = r#"#!/bin/bash
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation"
while true; do
  event=$(curl -sS -D headers.$$ "$api/next")
  id=$(grep -i ^lambda-runtime-aws-request-id headers.$$ | tr -d '\r' | cut -d ' ' -f 2)
  echo "got $event" >&2
  case $event in
    *fail*) curl -sS "$api/$id/error" -d '{"errorMessage":"as asked","errorType":"Asked"}' >/dev/null ;;
    *) curl -sS "$api/$id/response" -d '{"statusCode":200,"body":"hello"}' >/dev/null ;;
  esac
done
"#;

const CONFIG: &str = r#"
[functions.hello]
code = "hello"
[triggers.web]
plugin = "api-gateway-http"
listen = "127.0.0.1:3000"
routes = { "$default" = "hello" }
"#;

fn project() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let bootstrap = folder.path().join("hello/bootstrap");
    fs::create_dir(folder.path().join("hello")).unwrap();
    fs::write(&bootstrap, BOOTSTRAP).unwrap();
    fs::set_permissions(&bootstrap, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(folder.path().join("lambkin.toml"), CONFIG).unwrap();
    fs::write(
        folder.path().join("wrong.toml"),
        "[functions.hello]\ncode = 'nowhere'\n",
    )
    .unwrap();
    folder
}

#[test]
fn a_project_is_invoked_and_watched() {
    let folder = project();
    let lambkin = Lambkin::start(folder.path()).unwrap();
    let reply = lambkin.invoke("hello", &json!({ "n": 1 })).unwrap();
    assert_eq!(reply["body"], "hello");
    lambkin.wait_for_log("got {\"n\":1}").unwrap();
    assert!(lambkin.url("web").unwrap().starts_with("http://127.0.0.1:"));
    assert!(
        lambkin
            .url("wbe")
            .unwrap_err()
            .to_string()
            .contains("there are: web")
    );
    match lambkin
        .invoke("hello", &json!({ "fail": true }))
        .unwrap_err()
    {
        Error::Function(error) => assert_eq!(error["errorMessage"], "as asked"),
        Error::Lambkin(message) => panic!("{message}"),
    }
    let unknown = lambkin.invoke("other", &json!({})).unwrap_err();
    assert!(unknown.to_string().contains("404"), "{unknown}");
}

#[test]
fn a_mistake_is_told() {
    let folder = project();
    let error = Lambkin::start(folder.path().join("wrong.toml")).unwrap_err();
    assert!(error.to_string().contains("nowhere"), "{error}");
}
