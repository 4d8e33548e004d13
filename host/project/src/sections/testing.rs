//! Stacks from texts, for tests: resources in, sections of lambkin.toml out.
//!
//! A text has resources by their logical ids, without intrinsic functions: ARNs are written out, and an API and its parts are
//! referred to by their logical ids. `!Unknown why` is a value
//! that exists on AWS only, `!Url queue:NAME`, `!Url trigger:NAME` and `!Url service:NAME` are local URLs.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::context::{Context, Options};
use crate::document::Document;
use crate::file::Files;
use crate::local_url::{Target, url_of};
use crate::resource::{Resource, Stack};
use crate::value::{Kind, Map, Value};

/// What sections were written, and what was said.
pub struct Written {
    pub text: String,
    /// `template.yaml:LINE:COLUMN: TEXT`, or a text without a place.
    pub notes: Vec<String>,
    /// As the notes: without the line of the template that is shown below each.
    pub refusals: Vec<String>,
}

/// A project's folder.
pub struct Project {
    folder: TempDir,
    pub options: Options,
}

/// The sections for resources in an empty folder, in which nothing may be noted or refused.
pub fn write(resources: &str) -> String {
    let written = Project::new().write(resources);
    assert_eq!(written.notes, [""; 0]);
    assert_eq!(written.refusals, [""; 0]);
    written.text
}

/// The triggers for resources beside the functions `f` and `g`, and what is noted and refused.
pub fn triggers(resources: &str) -> Written {
    let functions = ["f", "g"].map(|name| {
        format!("{name}:\n  Type: AWS::Lambda::Function\n  Properties: {{Code: ., Handler: app.handler, Runtime: python3.13}}\n")
    });
    let project = Project::new().file("app.py", "def handler(event, context):\n    return {}\n");
    let mut written = project.write(&format!("{resources}\n{}", functions.concat()));
    check(&project, &written.text);
    let start = written
        .text
        .find("[triggers.")
        .unwrap_or(written.text.len());
    written.text.drain(..start);
    written
}

impl Project {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = Options {
            folder: folder.path().to_owned(),
            ..Options::default()
        };
        Self { folder, options }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Adds a file, and the folders that it is in.
    pub fn file(self, path: &str, text: &str) -> Self {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    /// Lays a `lambkin.toml` over the result.
    pub fn overlay(&mut self, text: &str) {
        let file = Files::default().add(Path::new("lambkin.toml"), text.to_owned());
        self.options.overlay = Some(Document::parse(file, text).unwrap());
    }

    /// The sections for resources.
    pub fn write(&self, resources: &str) -> Written {
        let context = Context::new(self.options.clone());
        let stack = stack(&context, self.path(), resources);
        let document = super::write(&context, &stack);
        let text = document.print().text;
        assert_eq!(
            Document::parse(stack.places()[0].file, &text).map(|read| read.print().text),
            Ok(text.clone())
        );
        let (files, report) = context.into_parts();
        let first_line = |refusal: String| refusal.lines().next().unwrap().to_owned();
        Written {
            text,
            notes: report.notes(&files),
            refusals: report
                .refusals(&files)
                .into_iter()
                .map(first_line)
                .collect(),
        }
    }
}

impl Stack {
    fn places(&self) -> Vec<crate::file::Place> {
        self.resources.values().map(|one| one.place).collect()
    }
}

/// The stack of a text, which is said to be `template.yaml`.
pub fn stack(context: &Context, folder: &Path, resources: &str) -> Stack {
    let resources = context
        .load_text(Path::new("template.yaml"), resources)
        .unwrap();
    let mut stack = Stack::default();
    for (id, member) in resources.as_map().unwrap() {
        let null = Value::null(member.place);
        let part = |key: &str| member.value.get(key).map_or(null.clone(), resolved);
        let kind = member.value.text_of("Type").unwrap().into_owned();
        let properties = match part("Properties") {
            properties if properties.is_null() => {
                Value::new(member.place, Kind::Map(Map::default()))
            }
            properties => properties,
        };
        let mut resource = Resource::new(id, &kind, member.place, folder);
        resource.name = name(id, &kind, &properties);
        resource.reference = reference(&resource);
        resource.properties = properties;
        resource.metadata = part("Metadata");
        stack.add(resource);
    }
    stack
}

fn reference(resource: &Resource) -> String {
    match resource.kind.as_str() {
        "AWS::SQS::Queue" => url_of(Target::Queue, &resource.name),
        "AWS::SNS::Topic" => format!("arn:aws:sns:us-east-1:123456789012:{}", resource.name),
        "AWS::Lambda::LayerVersion" => {
            format!(
                "arn:aws:lambda:us-east-1:123456789012:layer:{}:1",
                resource.name
            )
        }
        // Of an API, the id, and of what it consists of, whatever the text says.
        kind if kind.contains("::ApiGateway") => resource.id.clone(),
        _ => resource.name.clone(),
    }
}

fn name(id: &str, kind: &str, properties: &Value) -> String {
    let named = [
        "FunctionName",
        "QueueName",
        "BucketName",
        "TopicName",
        "LayerName",
    ];
    if kind == "AWS::Lambda::Url" {
        let function = properties.text_of("TargetFunctionArn").unwrap();
        return format!("{}-url", function.split(':').nth(6).unwrap_or(&function));
    }
    match named.iter().find_map(|key| properties.text_of(key)) {
        Some(name) if kind != "AWS::Lambda::Alias" => name.into_owned(),
        _ if kind == "AWS::ApiGatewayV2::Api" || kind == "AWS::ApiGateway::RestApi" => {
            let mut kebab = String::new();
            for letter in id.chars() {
                if letter.is_ascii_uppercase() && !kebab.is_empty() {
                    kebab.push('-');
                }
                kebab.push(letter.to_ascii_lowercase());
            }
            kebab
        }
        _ if kind == "AWS::S3::Bucket" => id.to_lowercase(),
        _ => id.to_owned(),
    }
}

/// A value with its tags replaced.
fn resolved(value: &Value) -> Value {
    let kind = match &value.kind {
        Kind::List(items) => Kind::List(items.iter().map(resolved).collect()),
        Kind::Map(map) => match map.only() {
            Some(("Fn::Unknown", why)) => Kind::Unknown(why.as_str().unwrap().to_owned()),
            Some(("Fn::Url", of)) => {
                let (word, name) = of.as_str().unwrap().split_once(':').unwrap();
                let target = match word {
                    "queue" => Target::Queue,
                    "trigger" => Target::Trigger,
                    "service" => Target::Service,
                    other => panic!("{other}"),
                };
                Kind::Text(url_of(target, name))
            }
            _ => {
                let mut map = map.clone();
                let keys: Vec<String> = map.iter().map(|(key, _)| key.clone()).collect();
                for key in keys {
                    if let Some(value) = map.get_mut(&key) {
                        *value = resolved(value);
                    }
                }
                Kind::Map(map)
            }
        },
        other => other.clone(),
    };
    Value::new(value.place, kind)
}

/// With the variable `LAMBKIN`, the path of the program, the plugins have to accept the triggers, too.
fn check(project: &Project, text: &str) {
    let Some(program) = std::env::var_os("LAMBKIN") else {
        return;
    };
    fs::write(project.path().join("lambkin.toml"), text).unwrap();
    let output = Command::new(program)
        .arg("check")
        .current_dir(project.path())
        .env_remove("PYENV_VERSION")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_ne!(output.stdout, b"", "{said}");
    let mut mistakes = said.lines().filter(|line| line.contains(": triggers."));
    assert_eq!(mistakes.next(), None, "{text}\n{said}");
}
