//! Files in which a part is something else: they are read, refused or mistakes, and nothing panics or takes long.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a failed assertion is how a test reports"
)]

use std::path::Path;

use lambkin_project::resource::Template;
use lambkin_project::{Context, Options, ProjectError, sections, serverless, template, terraform};
use serde_json::{Value, json};

/// How a file is read.
type Read = fn(&Context, &Path) -> Result<Template, ProjectError>;

/// A value with one of its parts replaced: the `wanted`th, counted from the outside. The number of parts is added up.
fn replaced(value: &Value, wanted: usize, with: &Value, count: &mut usize) -> Value {
    let number = *count;
    *count += 1;
    if number == wanted {
        return with.clone();
    }
    match value {
        Value::Array(items) => items
            .iter()
            .map(|item| replaced(item, wanted, with, count))
            .collect(),
        Value::Object(members) => {
            let members = members
                .iter()
                .map(|(key, value)| (key.clone(), replaced(value, wanted, with, count)));
            Value::Object(members.collect())
        }
        other => other.clone(),
    }
}

/// Reads a file with each of its parts replaced by one of these, in turns.
fn check(path: &str, read: Read, others: &[Value]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(path);
    let loaded = Context::default().load(&path, 1_000_000).unwrap().to_json();
    let mut parts = 0;
    replaced(&loaded, usize::MAX, &Value::Null, &mut parts);
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let path = folder.path().join("changed.json");
    let mut translated = 0;
    // Every other part, as there are many, and copies of an expression in a plan are alike.
    for part in (0..parts).step_by(2) {
        let other = &others[part % others.len()];
        let changed = replaced(&loaded, part, other, &mut 0);
        std::fs::write(&path, changed.to_string()).unwrap();
        let context = Context::new(Options {
            folder: folder.path().to_owned(),
            ..Options::default()
        });
        let read = read(&context, &path);
        if let Ok(stack) = read.and_then(|read| template::resolve(&context, vec![read])) {
            let printed = sections::write(&context, &stack).print();
            translated += usize::from(!printed.text.is_empty());
        }
    }
    // Most parts are not what all others depend on.
    assert!(translated * 4 > parts, "{translated} of {parts}");
}

#[test]
fn a_serverless_yml() {
    let others = [
        json!(null),
        json!(""),
        json!("${self:provider}"),
        json!([]),
        json!([[null, {}], "x"]),
        json!({}),
        json!({"Ref": "HttpApi", "Fn::GetAtt": []}),
        json!(-1),
        json!("arn:"),
    ];
    for name in ["functions", "rest", "apis", "polled", "pushed", "resources"] {
        check(
            &format!("serverless/{name}/serverless.yml"),
            serverless::read,
            &others,
        );
    }
}

#[test]
fn a_terraform_plan() {
    let others = [
        json!(null),
        json!(""),
        json!({"references": ["aws_lambda_function.hello.arn", "aws_sqs_queue.jobs[0", "var.x", "module.fn.arn"]}),
        json!([]),
        json!([[null, {}], "x"]),
        json!({}),
        json!(-1),
        json!("aws_sqs_queue.jobs"),
        json!(true),
    ];
    check("terraform/plan.json", terraform::read, &others);
}
