//! What is made of a serverless.yml, compared with what `osls package` makes of it.
//!
//! Each folder in `serverless/` is a service. `osls` compiles it, and both templates have to have the same resources, with
//! the same properties, apart from those without an effect on a developer's machine: roles, permissions, log groups, the
//! bucket of the deployment and what is in it, and hashes in names.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a failed assertion is how a test reports"
)]

use std::path::{Path, PathBuf};
use std::process::Command;

use lambkin_project::{Context, Options, serverless};
use serde_json::{Map, Value, json};

/// Resources that only `osls` makes.
const NOT_COMPARED: [&str; 7] = [
    "AWS::IAM::Role",
    "AWS::Lambda::LayerVersionPermission",
    "AWS::Lambda::Permission",
    "AWS::Logs::LogGroup",
    "AWS::S3::BucketPolicy",
    "AWS::SQS::QueuePolicy",
    "Custom::S3",
];

/// The program, if it is installed: `tests/tools/install` does so.
fn osls() -> Option<PathBuf> {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let program = repository.join("target/test-tools/osls/node_modules/osls/bin/serverless.js");
    if program.exists() {
        return Some(program);
    }
    assert!(
        std::env::var_os("CI").is_none(),
        "osls is missing: run tests/tools/install"
    );
    eprintln!("skipped: osls is missing, tests/tools/install installs it");
    None
}

/// A copy of a sample in a temporary folder.
fn sample(name: &str) -> tempfile::TempDir {
    let source = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/serverless")
        .join(name);
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    copy(&source, folder.path());
    // osls makes a package, for which it needs a file.
    std::fs::write(folder.path().join("handler.js"), "").unwrap();
    folder
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The resources that `osls` makes of a service.
fn theirs(osls: &Path, folder: &Path) -> Value {
    let output = Command::new("node")
        .arg(osls)
        .arg("package")
        .current_dir(folder)
        .env("HOME", folder)
        .env("SLS_NOTIFICATIONS_MODE", "off")
        .env("SLS_TRACKING_DISABLED", "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "osls package: {said}");
    let text = std::fs::read_to_string(
        folder.join(".serverless/cloudformation-template-update-stack.json"),
    )
    .unwrap();
    serde_json::from_str::<Value>(&text).unwrap()["Resources"].take()
}

fn ours(folder: &Path) -> (Value, Vec<String>) {
    let context = Context::new(Options::default());
    let template = serverless::read(&context, &folder.join("serverless.yml")).unwrap();
    let refusals = context.report.refusals(&context.files());
    (template.root.get("Resources").unwrap().to_json(), refusals)
}

/// Resources without what is not compared.
fn comparable(resources: Value) -> Map<String, Value> {
    let Value::Object(resources) = resources else {
        panic!("resources are a map");
    };
    let mut kept = Map::new();
    for (id, mut resource) in resources {
        let kind = resource["Type"].as_str().unwrap_or_default().to_owned();
        let is_helper = id == "ServerlessDeploymentBucket" || id.starts_with("CustomDashresource");
        if NOT_COMPARED.contains(&kind.as_str()) || is_helper {
            continue;
        }
        let body = resource.as_object_mut().unwrap();
        for key in ["DependsOn", "DeletionPolicy", "Metadata"] {
            body.remove(key);
        }
        if let Some(properties) = body.get_mut("Properties").and_then(Value::as_object_mut) {
            match kind.as_str() {
                "AWS::Lambda::Function" => {
                    properties.remove("Code");
                    if properties.get("Role")
                        == Some(&json!({"Fn::GetAtt": ["IamRoleLambdaExecution", "Arn"]}))
                    {
                        properties.remove("Role");
                    }
                }
                "AWS::Lambda::LayerVersion" => {
                    properties.remove("Content");
                }
                // It has a hash.
                "AWS::ElasticLoadBalancingV2::TargetGroup" => {
                    properties.remove("Name");
                }
                "AWS::Lambda::Version" => {
                    properties.remove("CodeSha256");
                }
                "AWS::ApiGateway::RestApi" if properties.get("Policy") == Some(&json!("")) => {
                    properties.remove("Policy");
                }
                _ => {}
            }
        }
        kept.insert(without_hash(&id), without_hashes(resource));
    }
    // osls makes a version of every function.
    let used: String = kept.values().map(Value::to_string).collect();
    kept.retain(|id, resource| {
        resource["Type"] != "AWS::Lambda::Version" || used.contains(&format!("\"{id}\""))
    });
    kept
}

/// A logical id without the hash, or the time, in it.
fn without_hash(id: &str) -> String {
    if id.starts_with("ApiGatewayDeployment") {
        return "ApiGatewayDeployment".to_owned();
    }
    if id.starts_with("WebsocketsDeployment") && id != "WebsocketsDeploymentStage" {
        return "WebsocketsDeployment".to_owned();
    }
    match id.split_once("LambdaVersion") {
        Some((function, _)) => format!("{function}LambdaVersion"),
        None => id.to_owned(),
    }
}

fn without_hashes(value: Value) -> Value {
    match value {
        Value::Number(number) => Value::String(number.to_string()),
        Value::Bool(boolean) => Value::String(boolean.to_string()),
        // Templates say the same in other words.
        Value::String(text) if text.contains("cognitoPoolClaims") => {
            json!("the template of an event")
        }
        // Spaces in JSON do not count.
        Value::String(text) if text.starts_with('{') => {
            match serde_json::from_str::<Value>(&text) {
                Ok(json) => json,
                Err(_) => Value::String(text),
            }
        }
        Value::String(text) => Value::String(without_hash(&text)),
        Value::Array(items) => items.into_iter().map(without_hashes).collect(),
        Value::Object(members) => {
            let members = members.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(
                members
                    .map(|(key, value)| (key, without_hashes(value)))
                    .collect(),
            )
        }
        other => other,
    }
}

#[track_caller]
fn compare(name: &str) {
    let folder = sample(name);
    let (ours, refusals) = ours(folder.path());
    assert_eq!(refusals, Vec::<String>::new());
    let Some(osls) = osls() else {
        return;
    };
    let (ours, theirs) = (comparable(ours), comparable(theirs(&osls, folder.path())));
    let ids = |resources: &Map<String, Value>| {
        resources
            .keys()
            .cloned()
            .collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(ids(&ours), ids(&theirs), "the logical ids in {name}");
    for (id, resource) in &theirs {
        let (ours, theirs) = (pretty(&ours[id]), pretty(resource));
        assert!(
            ours == theirs,
            "{name}: {id} is\n{ours}\nand osls makes\n{theirs}"
        );
    }
}

/// What is made of the folder that `osls package` writes has the functions, routes and triggers of the service itself.
#[test]
fn a_packaged_service_is_the_same_service() {
    let Some(osls) = osls() else {
        return;
    };
    let folder = sample("functions");
    theirs(&osls, folder.path());
    let document = |path: &Path| {
        let context = Context::new(Options {
            folder: folder.path().to_owned(),
            ..Options::default()
        });
        let template = serverless::read(&context, path).unwrap();
        let stack = lambkin_project::template::resolve(&context, vec![template]).unwrap();
        let text = lambkin_project::sections::write(&context, &stack)
            .print()
            .text;
        let is_the_same = |line: &&str| !line.starts_with("code = ") && *line != "watch = true";
        (
            text.lines()
                .filter(is_the_same)
                .map(str::to_owned)
                .collect::<Vec<_>>(),
            text,
        )
    };
    let (packaged, text) = document(&folder.path().join(".serverless"));
    let (source, _) = document(&folder.path().join("serverless.yml"));
    let only = |one: &[String], other: &[String]| -> Vec<String> {
        one.iter()
            .filter(|line| !other.contains(line))
            .cloned()
            .collect()
    };
    assert_eq!(only(&packaged, &source), [""; 0], "{text}");
    assert_eq!(only(&source, &packaged), [""; 0], "{text}");
    assert!(text.contains("code = \".serverless/shop.zip\""), "{text}");
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap()
}

#[test]
fn settings_of_functions() {
    compare("functions");
}

#[test]
fn rest_apis() {
    compare("rest");
}

#[test]
fn http_and_websocket_apis() {
    compare("apis");
}

#[test]
fn events_that_lambda_polls_for() {
    compare("polled");
}

#[test]
fn events_that_others_send() {
    compare("pushed");
}

#[test]
fn variables() {
    compare("variables");
}

#[test]
fn resources() {
    compare("resources");
}
