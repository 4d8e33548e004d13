//! Templates in, resolved resources out.

mod basics;
mod functions;
mod hostile;
mod macros;
mod nested;
mod resources;

use std::path::Path;

use crate::context::{Context, Options};
use crate::resource::Stack;
use crate::value::Value;

/// A resolved template, with its notes and refusals as `LINE: TEXT`.
pub(super) struct Resolved {
    pub stack: Stack,
    pub notes: Vec<String>,
    pub refusals: Vec<String>,
}

impl Resolved {
    /// A property as JSON; URLs of local listeners as `{queue:NAME}`.
    pub fn json(&self, path: &str, keys: &[&str]) -> serde_json::Value {
        let resource = self
            .stack
            .resources
            .get(path)
            .unwrap_or_else(|| panic!("no {path}"));
        shown(
            resource
                .properties
                .at(keys)
                .unwrap_or_else(|| panic!("no {keys:?} in {resource:#?}")),
        )
    }

    /// The variable of the function `Fn` with a name, as JSON.
    pub fn variable(&self, name: &str) -> serde_json::Value {
        self.json("Fn", &["Environment", "Variables", name])
    }
}

fn shown(value: &Value) -> serde_json::Value {
    if let Some(why) = value.as_unknown() {
        return serde_json::json!({ "unknown": why });
    }
    match value.as_str() {
        Some(text) if crate::local_url::has_url(text) => crate::local_url::as_setting(text).into(),
        _ => value.to_json(),
    }
}

pub(super) fn options(parameters: &[(&str, &str)]) -> Options {
    Options {
        parameters: parameters
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect(),
        ..Options::default()
    }
}

/// Resolves `template.yaml` of a folder `shop` with these files.
pub(super) fn try_files(options: Options, files: &[(&str, &str)]) -> Result<Resolved, String> {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("shop");
    for (name, text) in files {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let context = Context::new(options);
    let stack = super::read(&context, &folder.join("template.yaml"))
        .and_then(|template| super::resolve(&context, vec![template]))
        .map_err(|error| without_folder(&error.to_string(), &folder))?;
    let (files, report) = context.into_parts();
    let lines = |lines: Vec<String>| {
        let first = |line: String| without_folder(line.lines().next().unwrap_or_default(), &folder);
        lines.into_iter().map(first).collect()
    };
    Ok(Resolved {
        stack,
        notes: lines(report.notes(&files)),
        refusals: lines(report.refusals(&files)),
    })
}

fn without_folder(text: &str, folder: &Path) -> String {
    text.replace(&format!("{}/", folder.display()), "")
}

/// Resolves a template that has no mistakes.
pub(super) fn resolve(template: &str) -> Resolved {
    let resolved = try_files(Options::default(), &[("template.yaml", template)]).unwrap();
    assert_eq!(resolved.refusals, [""; 0]);
    resolved
}

/// Resolves a template of a function `Fn` with these variables, and what else is in it.
pub(super) fn variables(variables: &str, rest: &str) -> Resolved {
    let resolved = try_variables(Options::default(), variables, rest);
    assert_eq!(resolved.refusals, [""; 0]);
    resolved
}

pub(super) fn try_variables(options: Options, variables: &str, rest: &str) -> Resolved {
    let variables: String = variables
        .lines()
        .map(|line| format!("          {line}\n"))
        .collect();
    let template = format!(
        "Resources:\n  Fn:\n    Type: AWS::Lambda::Function\n    Properties:\n      Environment:\n        Variables:\n\
        {variables}{rest}"
    );
    try_files(options, &[("template.yaml", &template)]).unwrap()
}
