//! Templates as they are read: what has to be there, and the macros that are not SAM's.
//!
//! Contract: a [`Template`] has `Resources`, a map of maps with a `Type`. Keys that mean nothing are noted, with the
//! nearest one that does.
//!
//! On failure: [`ProjectError`], if the file is not a template.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use indexmap::IndexMap;

use super::resolver::{Resolver, Scope, meant};
use super::{assets, foreach, include, parameters};
use crate::ProjectError;
use crate::context::Context;
use crate::resource::{Asset, Template};
use crate::sam;
use crate::value::{Map, Value};

const SECTIONS: [&str; 13] = [
    "AWSTemplateFormatVersion",
    "Conditions",
    "Description",
    "Globals",
    "Hooks",
    "Mappings",
    "Metadata",
    "Outputs",
    "Parameters",
    "Resources",
    "Rules",
    "Transform",
    "Fn::Transform",
];

const ATTRIBUTES: [&str; 11] = [
    "Condition",
    "Connectors",
    "CreationPolicy",
    "DeletionPolicy",
    "DependsOn",
    "IgnoreGlobals",
    "Metadata",
    "Properties",
    "Type",
    "UpdatePolicy",
    "UpdateReplacePolicy",
];

/// What is known about a template before it is read.
pub(super) struct Source<'a> {
    pub path: &'a Path,
    /// The name of its stack.
    pub name: &'a str,
    /// The values of its parameters, if not the user's.
    pub given: Option<&'a IndexMap<String, Value>>,
    /// The assets of CDK's assembly.
    pub assets: Rc<BTreeMap<String, Asset>>,
    /// The most bytes that it has.
    pub limit: u64,
}

/// Reads a template.
pub(super) fn load(context: &Context, source: Source<'_>) -> Result<Template, ProjectError> {
    let value = context.load(source.path, source.limit)?;
    let place = value.place;
    let root = match value.kind {
        crate::value::Kind::Map(root) => root,
        _ => {
            let message = format!(
                "this is no template: a map is needed, not {}",
                value.described()
            );
            return Err(context.error(place, &message));
        }
    };
    let mut template = Template::new(source.name, folder_of(source.path), root);
    template.assets = source.assets;
    expand_files_and_loops(context, &mut template, source.given)?;
    if template.root.get("Resources").is_none() {
        let keys = template.root.iter().map(|(key, _)| key.as_str());
        let typed = keys.filter(|key| !SECTIONS.contains(key));
        let like = typed
            .into_iter()
            .find(|key| !meant(key, ["Resources"]).is_empty());
        let more = like.map_or_else(String::new, |key| format!("; is {key} meant?"));
        let message = format!(
            "this is neither a SAM nor a CloudFormation template: it has no Resources{more}"
        );
        return Err(context.error(place, &message));
    }
    check(context, &template.root)?;
    let assets = Rc::clone(&template.assets);
    assets::annotate(&mut template, &assets);
    Ok(template)
}

/// Expands the macros that are not SAM's.
fn expand_files_and_loops(
    context: &Context,
    template: &mut Template,
    given: Option<&IndexMap<String, Value>>,
) -> Result<(), ProjectError> {
    let by_user = parameters::given_by_user(context, template);
    let parameters = parameters::parameters(context, template, given.unwrap_or(&by_user))?;
    let resolver = Resolver::new(context, template.region.as_deref());
    let mut outline = Template::new(&template.name, &template.folder, Map::default());
    for section in ["Mappings", "Conditions"] {
        if let Some(value) = template.root.get(section) {
            outline.root.insert(section, value.place, value.clone());
        }
    }
    let scope = Scope::new(outline, parameters);
    include::expand(&resolver, &scope, template)?;
    foreach::expand(&resolver, &scope, template)
}

fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Checks the parts of a template that everything else relies on.
fn check(context: &Context, root: &Map) -> Result<(), ProjectError> {
    for (key, member) in root {
        if !SECTIONS.contains(&key.as_str()) {
            let note = format!("a template has no section {key}{}", meant(key, SECTIONS));
            context.report.note(member.place, note);
        }
    }
    for section in [
        "Conditions",
        "Mappings",
        "Outputs",
        "Parameters",
        "Resources",
    ] {
        let Some(value) = root.get(section).filter(|value| !value.is_null()) else {
            continue;
        };
        if value.as_map().is_none() {
            let message = format!("{section} is a map, not {}", value.described());
            return Err(context.error(value.place, &message));
        }
    }
    let resources = root.get("Resources").and_then(Value::as_map);
    for (id, member) in resources.into_iter().flatten() {
        let Some(resource) = member.value.as_map() else {
            let message = format!(
                "the resource {id} is a map with a Type, not {}",
                member.value.described()
            );
            return Err(context.error(member.place, &message));
        };
        if member.value.get("Type").and_then(Value::as_str).is_none() {
            let message = format!("the resource {id} has no Type, such as AWS::Lambda::Function");
            return Err(context.error(member.place, &message));
        }
        for (key, attribute) in resources_attributes(resource) {
            let note = format!(
                "a resource has no attribute {key}{}; is it a property of {id}?",
                meant(key, ATTRIBUTES)
            );
            context.report.note(attribute, note);
        }
        let properties = resource.get("Properties").filter(|value| !value.is_null());
        if let Some(properties) = properties.filter(|value| value.as_map().is_none()) {
            let message = format!(
                "the Properties of {id} are a map, not {}",
                properties.described()
            );
            return Err(context.error(properties.place, &message));
        }
    }
    Ok(())
}

/// The keys of a resource that no resource has.
fn resources_attributes(resource: &Map) -> impl Iterator<Item = (&str, crate::file::Place)> {
    resource
        .iter()
        .filter(|(key, _)| !ATTRIBUTES.contains(&key.as_str()))
        .map(|(key, member)| (key.as_str(), member.place))
}

/// Expands SAM's resources, if the template asks for it.
pub(super) fn expand(context: &Context, template: &mut Template) -> Result<(), ProjectError> {
    match sam::is_used(template) {
        true => sam::expand(context, template),
        false => Ok(()),
    }
}
