//! The macro of SAM compared with AWS's translator, `aws-sam-translator`.
//!
//! Contract: for each template in `sam/`, both make the same resources, apart from what has no effect here:
//! permissions, roles, policies, tags that SAM adds, hashes in ids. The same `lambkin.toml` is made of both, with the
//! same refusals. If the translator is missing, the tests are skipped, and fail if `CI` is set.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a failed assertion is how a test reports"
)]

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use lambkin_project::context::{Context, Options};
use lambkin_project::document::{Item, Table};
use lambkin_project::file::TEMPLATE_BYTES;
use lambkin_project::resource::Template;
use lambkin_project::value::{Kind, Value};
use lambkin_project::{sam, sections, template};
use serde_json::{Value as Json, json};

/// Types of resources that have no effect here, and that the macro does not make.
const LEFT_OUT: [&str; 12] = [
    "AWS::ApiGateway::BasePathMapping",
    "AWS::ApiGateway::DomainName",
    "AWS::ApiGatewayV2::ApiMapping",
    "AWS::ApiGatewayV2::DomainName",
    "AWS::Lambda::Permission",
    "AWS::IAM::Role",
    "AWS::IAM::ManagedPolicy",
    "AWS::Route53::RecordSetGroup",
    "AWS::SQS::QueuePolicy",
    // State machines and connectors are refused, or counted, as they are.
    "AWS::Serverless::Connector",
    "AWS::Serverless::StateMachine",
    "AWS::StepFunctions::StateMachine",
];

fn samples() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sam");
    let mut samples: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "yaml")
        })
        .collect();
    samples.sort();
    samples
}

/// The results of AWS's translator. None if it is missing.
fn translated(templates: &BTreeMap<String, String>) -> Option<BTreeMap<String, Json>> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sam/translate.py");
    let packages = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../target/test-tools/sam-translator")
        .canonicalize();
    let packages = match packages {
        Ok(packages) => packages,
        Err(error) => return missing(&error.to_string()),
    };
    let python = Command::new("python3")
        .arg(tests)
        .env("PYTHONPATH", packages)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = match python {
        Ok(child) => child,
        Err(error) => return missing(&error.to_string()),
    };
    let input = serde_json::to_vec(templates).unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "translate.py: {errors}");
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

/// A template as JSON, with its members in their order: which of several APIs has which port depends on it.
fn json_text(value: &Value) -> String {
    match &value.kind {
        Kind::List(items) => {
            let items: Vec<String> = items.iter().map(json_text).collect();
            format!("[{}]", items.join(","))
        }
        Kind::Map(_) => {
            let member =
                |(key, value): (&str, &Value)| format!("{}:{}", json!(key), json_text(value));
            let members: Vec<String> = value.members().map(member).collect();
            format!("{{{}}}", members.join(","))
        }
        _ => value.to_json().to_string(),
    }
}

fn missing(reason: &str) -> Option<BTreeMap<String, Json>> {
    assert!(
        std::env::var_os("CI").is_none(),
        "aws-sam-translator is needed in CI: {reason}"
    );
    let line = format!(
        "SKIPPED: sam_translator: aws-sam-translator is missing ({reason}); tests/tools/install installs it\n"
    );
    // Not `eprintln!`, whose output the test harness shows of failed tests only.
    let _ = std::io::stderr().write_all(line.as_bytes());
    None
}

#[test]
fn templates_become_what_the_translator_of_aws_makes_of_them() {
    let mut ours = BTreeMap::new();
    let mut templates = BTreeMap::new();
    for path in samples() {
        let context = Context::new(Options::default());
        let name = name_of(&path);
        let loaded = context.load(&path, TEMPLATE_BYTES).unwrap();
        templates.insert(name.clone(), json_text(&loaded));
        ours.insert(name, expanded(&context, &path, loaded));
    }
    let Some(translated) = translated(&templates) else {
        return;
    };
    let mut differences = Vec::new();
    for (name, (mut ours, refusals)) in ours {
        let mut theirs = translated[&name].clone();
        let Some(theirs) = theirs.get_mut("template") else {
            differences.push(format!("{name}: the translator says {theirs}"));
            continue;
        };
        if !refusals.is_empty() {
            differences.push(format!("{name}: {}", refusals.join("\n")));
        }
        normalize(theirs);
        normalize(&mut ours);
        compare(&name, theirs, &ours, &mut differences);
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn the_same_sections_are_made_of_what_the_translator_of_aws_makes() {
    let mut templates = BTreeMap::new();
    for path in samples() {
        let context = Context::new(Options::default());
        let loaded = context.load(&path, TEMPLATE_BYTES).unwrap();
        templates.insert(name_of(&path), json_text(&loaded));
    }
    let Some(translated) = translated(&templates) else {
        return;
    };
    let mut differences = Vec::new();
    for path in samples() {
        let name = name_of(&path);
        let text = std::fs::read_to_string(&path).unwrap();
        let ours = written(&text);
        let theirs = written(translated[&name]["text"].as_str().unwrap());
        compare(&name, &theirs, &ours, &mut differences);
        let functions = ours["functions"]
            .as_object()
            .map_or(0, serde_json::Map::len);
        assert!(functions > 0, "{name} has no functions: {ours}");
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

fn name_of(path: &Path) -> String {
    path.file_stem().unwrap().to_str().unwrap().to_owned()
}

/// The sections of a template, and the refusals without their places, as JSON. The code of functions is a handler for
/// Python and Node.js, wherever the template says that it is.
fn written(text: &str) -> Json {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().canonicalize().unwrap();
    let path = folder.join("template.yaml");
    std::fs::write(&path, text).unwrap();
    std::fs::create_dir(folder.join("child")).unwrap();
    let child = include_str!("sam/child/template.yaml");
    std::fs::write(folder.join("child/template.yaml"), child).unwrap();
    let options = Options {
        folder: folder.clone(),
        ..Options::default()
    };
    let context = Context::new(options);
    let read = template::read(&context, &path).unwrap();
    let stack = template::resolve(&context, vec![read]).unwrap();
    for resource in stack.resources.values() {
        let code = resource.properties.text_of("Code");
        let content = resource.properties.text_of("Content");
        if let Some(code) = code.or(content) {
            let folder = resource.folder.join(&*code);
            std::fs::create_dir_all(&folder).unwrap();
            for file in ["app.py", "index.js"] {
                std::fs::write(folder.join(file), "").unwrap();
            }
        }
    }
    let document = sections::write(&context, &stack);
    let mut written = table(&document.root);
    let refusals = context.report.refusals(&context.files());
    let refusals = refusals.iter().map(|refusal| {
        let line = refusal.lines().next().unwrap_or_default();
        let message = line.splitn(4, ':').last().unwrap_or_default();
        let message = message.replace(folder.to_str().unwrap(), "");
        // State machines stay as they are: neither of the types is run.
        let message = message.replace("AWS::StepFunctions::", "AWS::Serverless::");
        json!(message.trim())
    });
    let mut refusals: Vec<Json> = refusals.collect();
    refusals.sort_by_key(ToString::to_string);
    refusals.dedup();
    written["refusals"] = refusals.into();
    written
}

fn table(table: &Table) -> Json {
    let members = table
        .iter()
        .map(|(key, entry)| (key.to_owned(), item(&entry.item)));
    Json::Object(members.collect())
}

fn item(value: &Item) -> Json {
    match value {
        Item::Text(text) => json!(text),
        Item::Integer(number) => json!(number),
        Item::Float(number) => json!(number),
        Item::Bool(boolean) => json!(boolean),
        Item::List(items) => items.iter().map(item).collect(),
        Item::Table(members) => table(members),
    }
}

fn expanded(context: &Context, path: &Path, loaded: Value) -> (Json, Vec<String>) {
    let place = loaded.place;
    let Kind::Map(root) = loaded.kind else {
        panic!("{} is no map", path.display());
    };
    let mut template = Template::new("sample", path.parent().unwrap(), root);
    sam::expand(context, &mut template).unwrap();
    let refusals = context.report.refusals(&context.files());
    let root = Value::new(place, Kind::Map(template.root));
    (root.to_json(), refusals)
}

/// Drops what has no effect here.
fn normalize(template: &mut Json) {
    let template = template.as_object_mut().unwrap();
    for section in [
        "Transform",
        "Globals",
        "Metadata",
        "AWSTemplateFormatVersion",
        "Description",
    ] {
        template.remove(section);
    }
    let resources = template["Resources"].as_object_mut().unwrap();
    resources.retain(|_, resource| {
        let kind = resource["Type"].as_str().unwrap();
        !LEFT_OUT.contains(&kind) && !kind.starts_with("AWS::CodeDeploy::")
    });
    for resource in resources.values_mut() {
        let kind = resource["Type"].as_str().unwrap().to_owned();
        for attribute in [
            "DependsOn",
            "DeletionPolicy",
            "UpdateReplacePolicy",
            "UpdatePolicy",
            "Metadata",
        ] {
            resource.as_object_mut().unwrap().remove(attribute);
        }
        let Some(properties) = resource.get_mut("Properties").and_then(Json::as_object_mut) else {
            continue;
        };
        match kind.as_str() {
            "AWS::Lambda::Function" => drop(properties.remove("Role")),
            "AWS::ApiGateway::Deployment" => {
                properties.remove("Description");
                properties.remove("StageName");
            }
            _ => {}
        }
        if kind == "AWS::Scheduler::Schedule" {
            let target = properties["Target"].as_object_mut().unwrap();
            target.remove("RoleArn");
        }
        drop_own_tags(properties);
    }
}

/// Drops the tags that only SAM adds.
fn drop_own_tags(properties: &mut serde_json::Map<String, Json>) {
    let is_own = |key: &str| key.ends_with(":createdBy") || key.starts_with("sam:");
    let is_empty = match properties.get_mut("Tags") {
        Some(Json::Array(tags)) => {
            tags.retain(|tag| !tag["Key"].as_str().is_some_and(is_own));
            tags.is_empty()
        }
        Some(Json::Object(tags)) => {
            tags.retain(|key, _| !is_own(key));
            tags.is_empty()
        }
        _ => false,
    };
    if is_empty {
        properties.remove("Tags");
    }
    if let Some(Json::Object(body)) = properties.get_mut("Body")
        && let Some(Json::Array(tags)) = body.get_mut("tags")
    {
        tags.retain(|tag| !tag["name"].as_str().is_some_and(is_own));
        if tags.is_empty() {
            body.remove("tags");
        }
    }
}

/// Adds each difference with its path.
fn compare(path: &str, theirs: &Json, ours: &Json, differences: &mut Vec<String>) {
    match (theirs, ours) {
        (Json::Object(theirs), Json::Object(ours)) => {
            for (key, theirs) in theirs {
                let none = json!(null);
                let ours = ours.get(key).unwrap_or(&none);
                compare(&format!("{path}.{key}"), theirs, ours, differences);
            }
            for (key, ours) in ours.iter().filter(|(key, _)| !theirs.contains_key(*key)) {
                compare(&format!("{path}.{key}"), &json!(null), ours, differences);
            }
        }
        (Json::Array(left), Json::Array(right)) if left.len() == right.len() => {
            for (index, (theirs, ours)) in left.iter().zip(right).enumerate() {
                compare(&format!("{path}[{index}]"), theirs, ours, differences);
            }
        }
        _ if theirs == ours => {}
        _ => differences.push(format!("{path}\n   AWS's: {theirs}\n   ours:  {ours}")),
    }
}
