//! Macros: `AWS::Include`, which puts the content of a file into a template, and those that run on AWS only.
//!
//! Contract: `Fn::Transform` with the name `AWS::Include` is replaced by the content of the file that `Location` names,
//! relative to the template. Keys beside it stay. At the top of a template, `Transform` can include a file too.
//!
//! On failure: a macro of a user's account, and a file that is not here, are refused and left out; a file that is not YAML
//! is a [`ProjectError`].

use std::path::PathBuf;

use super::resolver::{Resolver, Scope, meant};
use crate::ProjectError;
use crate::context::Context;
use crate::file::{Place, TEMPLATE_BYTES};
use crate::resource::Template;
use crate::sam;
use crate::value::{Kind, Map, Value};

/// How deep files may include others.
const DEPTH: usize = 8;

/// How many files may be included.
const FILES: usize = 200;

/// Macros of AWS, and whether they change what runs here.
const MACROS: [(&str, bool); 8] = [
    ("AWS::Include", true),
    (super::foreach::MACRO, true),
    (sam::MACRO, true),
    ("AWS::CodeDeployBlueGreen", false),
    ("AWS::CodeStar", false),
    ("AWS::SecretsManager-2020-07-23", false),
    ("AWS::SecretsManager-2024-09-16", false),
    ("AWS::ServiceCatalog", false),
];

/// Includes files into a template, whose parameters and mappings are those of `scope`.
pub(super) fn expand(
    resolver: &Resolver<'_>,
    scope: &Scope,
    template: &mut Template,
) -> Result<(), ProjectError> {
    let mut includer = Includer {
        resolver,
        scope,
        context: resolver.context,
        folder: template.folder.clone(),
        files: 0,
    };
    let transforms = template.root.get("Transform").cloned();
    for transform in transforms.iter().flat_map(Value::items) {
        match transform.as_map() {
            Some(_) => {
                let included = includer.file_of(transform, 0)?;
                merge(resolver.context, &mut template.root, included)?;
            }
            None => includer.check_macro(transform),
        }
    }
    let root = std::mem::take(&mut template.root);
    for (key, mut member) in root {
        if key == "Transform" {
            template.root.insert(key, member.place, member.value);
        } else if key == "Fn::Transform" {
            let included = includer.file_of(&member.value, 0)?;
            merge(resolver.context, &mut template.root, included)?;
        } else {
            includer.walk(&mut member.value, 0)?;
            template.root.insert(key, member.place, member.value);
        }
    }
    Ok(())
}

struct Includer<'r> {
    resolver: &'r Resolver<'r>,
    scope: &'r Scope,
    context: &'r Context,
    folder: PathBuf,
    files: usize,
}

impl Includer<'_> {
    /// Includes files into a value, and into what they have. Values are nested as deep as YAML allows.
    fn walk(&mut self, value: &mut Value, depth: usize) -> Result<(), ProjectError> {
        let map = match &mut value.kind {
            Kind::List(items) => {
                for item in items {
                    self.walk(item, depth)?;
                }
                return Ok(());
            }
            Kind::Map(map) => map,
            _ => return Ok(()),
        };
        for member in map.values_mut() {
            self.walk(member, depth)?;
        }
        let Some(transform) = map.remove("Fn::Transform") else {
            return Ok(());
        };
        let mut included = Vec::new();
        for transform in transform.items() {
            included.push(self.file_of(transform, depth + 1)?);
        }
        match (map.is_empty(), included.len()) {
            (true, 1) => {
                if let Some(included) = included.pop().flatten() {
                    value.kind = included.kind;
                    value.place = included.place;
                }
            }
            _ => {
                for included in included {
                    merge(self.context, map, included)?;
                }
            }
        }
        Ok(())
    }

    /// The content of the file that a macro includes; nothing if that is refused.
    fn file_of(&mut self, transform: &Value, depth: usize) -> Result<Option<Value>, ProjectError> {
        let place = transform.place;
        let Some(name) = transform.text_of("Name") else {
            let message =
                "Transform takes a Name: {Name: AWS::Include, Parameters: {Location: FILE}}";
            self.context.report.refuse(place, message);
            return Ok(None);
        };
        if name != "AWS::Include" {
            self.context.report.refuse(place, only_on_aws(&name));
            return Ok(None);
        }
        let Some(location) = transform.at(&["Parameters", "Location"]) else {
            let message =
                "AWS::Include has no Location: {Name: AWS::Include, Parameters: {Location: FILE}}";
            self.context.report.refuse(place, message);
            return Ok(None);
        };
        let location = self.resolver.value_of(self.scope, location)?;
        let Some(path) = self.path_of(&location) else {
            return Ok(None);
        };
        self.files += 1;
        if self.files > FILES || depth > DEPTH {
            let message =
                format!("more than {FILES} files are included, or {DEPTH} into each other");
            return Err(self.context.error(place, &message));
        }
        if !path.exists() {
            let message = format!("AWS::Include: there is no file {}", path.display());
            self.context.report.refuse(location.place, message);
            return Ok(None);
        }
        let mut value = self.context.load(&path, TEMPLATE_BYTES)?;
        self.walk(&mut value, depth)?;
        Ok(Some(value))
    }

    /// The file here that a location means.
    fn path_of(&self, location: &Value) -> Option<PathBuf> {
        let text = match (location.as_str(), location.as_unknown()) {
            (Some(text), _) => text,
            (None, why) => {
                let why = why.unwrap_or("it is no text");
                let message = format!("AWS::Include: the Location is not known: {why}");
                self.context.report.refuse(location.place, message);
                return None;
            }
        };
        if !text.contains("://") {
            return Some(self.folder.join(text));
        }
        let last = text.rsplit('/').next().unwrap_or_default();
        let beside = self.folder.join(last);
        if !last.is_empty() && last != ".." && beside.is_file() {
            let shown = beside.display();
            let note =
                format!("AWS::Include of {text}: {shown} has the same name and is taken instead");
            self.context.report.note(location.place, note);
            return Some(beside);
        }
        let message = format!(
            "AWS::Include: {text} is not on this machine; download it and name the file instead"
        );
        self.context.report.refuse(location.place, message);
        None
    }

    fn check_macro(&self, transform: &Value) {
        let Some(name) = transform.as_text() else {
            return;
        };
        match MACROS.iter().find(|(known, _)| *known == name) {
            Some((_, true)) => {}
            Some((_, false)) => {
                let note = format!("the macro {name} has no effect here");
                self.context.report.note(transform.place, note);
            }
            None => {
                let known = MACROS.iter().map(|(name, _)| *name);
                let message = match meant(&name, known) {
                    nearest if nearest.is_empty() => only_on_aws(&name),
                    nearest => format!("there is no macro {name}{nearest}"),
                };
                self.context.report.refuse(transform.place, message);
            }
        }
    }
}

fn only_on_aws(name: &str) -> String {
    format!(
        "the macro {name} runs only on AWS: name the template that it makes instead, which \
        `aws cloudformation get-template --template-stage Processed` prints"
    )
}

/// Puts the members of what is included beside others, which win.
fn merge(context: &Context, map: &mut Map, included: Option<Value>) -> Result<(), ProjectError> {
    let Some(included) = included else {
        return Ok(());
    };
    let place: Place = included.place;
    let described = included.described();
    let Kind::Map(members) = included.kind else {
        let message =
            format!("a file that is included beside other keys is a map, not {described}");
        return Err(context.error(place, &message));
    };
    for (key, member) in members {
        match map.get_mut(&key) {
            // A section that the template and the file have: `Resources`.
            Some(Value {
                kind: Kind::Map(own),
                ..
            }) if member.value.as_map().is_some() => {
                merge_members(own, member.value);
            }
            Some(_) => {}
            None => {
                map.insert(key, member.place, member.value);
            }
        }
    }
    Ok(())
}

fn merge_members(own: &mut Map, more: Value) {
    if let Kind::Map(more) = more.kind {
        for (key, member) in more {
            if !own.contains(&key) {
                own.insert(key, member.place, member.value);
            }
        }
    }
}
