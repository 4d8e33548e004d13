//! CDK's assembly: the folder `cdk.out`, in which `cdk synth` puts templates and assets.
//!
//! Contract: [`read`] gives the templates of the stacks in an assembly, those of its stages included: the stacks that the
//! user names and those that they depend on, or all. They know the assets, so that the code of functions and the templates
//! of nested stacks are found with and without CDK's metadata. Nothing is synthesised.
//!
//! On failure: [`ProjectError`], with the place in `manifest.json`. That the assembly is older than the sources is noted.

mod sources;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::ProjectError;
use crate::context::Context;
use crate::file::{GENERATED_BYTES, Place};
use crate::resource::{Asset, Template};
use crate::template;
use crate::value::Value;

/// How many assemblies may be in each other, and how many stacks there may be.
const DEPTH: usize = 5;
const STACKS: usize = 500;

/// A stack of an assembly.
struct Artifact {
    /// Its key in the manifest.
    id: String,
    /// The stack's name.
    name: String,
    /// Its path in the tree of constructs.
    construct: String,
    file: PathBuf,
    region: Option<String>,
    /// Keys of other artifacts.
    dependencies: Vec<String>,
    place: Place,
    assets: Rc<BTreeMap<String, Asset>>,
}

/// Reads the assembly in a folder.
///
/// # Errors
///
/// [`ProjectError`]: there is no assembly, or no stack with a name that the user gives.
pub fn read(context: &Context, folder: &Path) -> Result<Vec<Template>, ProjectError> {
    let mut stacks = Vec::new();
    assembly(context, folder, 0, &mut stacks)?;
    let chosen = chosen(context, folder, &stacks)?;
    let mut templates = Vec::new();
    for stack in stacks
        .into_iter()
        .zip(chosen)
        .filter_map(|(stack, is_chosen)| is_chosen.then_some(stack))
    {
        if !stack.file.is_file() {
            let message = format!(
                "there is no {}: run `npx cdk synth`, which writes it anew",
                stack.file.display()
            );
            return Err(context.error(stack.place, &message));
        }
        let mut template =
            template::read_from_assembly(context, &stack.file, &stack.name, stack.assets)?;
        template.construct = Some(stack.construct);
        template.region = stack.region;
        templates.push(template);
    }
    if templates.len() > 1 && context.options.stacks.is_empty() {
        let names: Vec<&str> = templates
            .iter()
            .filter_map(|template| template.construct.as_deref())
            .collect();
        let (count, names) = (names.len(), names.join(", "));
        let note = format!(
            "all {count} stacks are read: {names}; --stack NAME takes one, and those that it needs"
        );
        context.report.note(None, note);
    }
    sources::note_age(context, folder);
    sources::note_copies(context, &templates);
    Ok(templates)
}

/// Adds the stacks of an assembly, and of those in it.
fn assembly(
    context: &Context,
    folder: &Path,
    depth: usize,
    stacks: &mut Vec<Artifact>,
) -> Result<(), ProjectError> {
    let path = folder.join("manifest.json");
    let manifest = context.load(&path, GENERATED_BYTES)?;
    let Some(artifacts) = manifest.get("artifacts").and_then(Value::as_map) else {
        let message = "this is no manifest of a CDK assembly: it has no artifacts";
        return Err(context.error(manifest.place, message));
    };
    let mut assets = BTreeMap::new();
    for (_, artifact) in artifacts {
        if kind(&artifact.value) == "cdk:asset-manifest"
            && let Some(file) = artifact
                .value
                .at(&["properties", "file"])
                .and_then(Value::as_str)
        {
            add_assets(context, &folder.join(file), &mut assets)?;
        }
    }
    let assets = Rc::new(assets);
    for (id, member) in artifacts {
        let artifact = &member.value;
        let property = |key| artifact.at(&["properties", key]).and_then(Value::as_str);
        match kind(artifact) {
            "aws:cloudformation:stack" => {
                let Some(file) = property("templateFile") else {
                    return Err(context.error(member.place, "a stack has no templateFile"));
                };
                let shown = artifact
                    .get("displayName")
                    .and_then(Value::as_str)
                    .unwrap_or(id);
                stacks.push(Artifact {
                    id: id.clone(),
                    name: property("stackName").unwrap_or(id).to_owned(),
                    // A name that differs from the construct's is added to it: `Stage/Stack (name)`.
                    construct: shown.split(" (").next().unwrap_or(shown).to_owned(),
                    file: folder.join(file),
                    region: region(artifact),
                    dependencies: dependencies(artifact),
                    place: member.place,
                    assets: Rc::clone(&assets),
                });
            }
            "cdk:cloud-assembly" => {
                if depth >= DEPTH || stacks.len() > STACKS {
                    let message = format!(
                        "more than {DEPTH} assemblies are in each other, or there are {STACKS} stacks"
                    );
                    return Err(context.error(member.place, &message));
                }
                if let Some(name) = property("directoryName") {
                    assembly(context, &folder.join(name), depth + 1, stacks)?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn kind(artifact: &Value) -> &str {
    artifact
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// The region in `aws://ACCOUNT/REGION`, if the stack is of one.
fn region(artifact: &Value) -> Option<String> {
    let environment = artifact.get("environment")?.as_str()?;
    let region = environment.rsplit('/').next()?;
    (region != "unknown-region").then(|| region.to_owned())
}

fn dependencies(artifact: &Value) -> Vec<String> {
    let names = artifact
        .get("dependencies")
        .map(Value::items)
        .unwrap_or_default();
    names
        .iter()
        .filter_map(|name| Some(name.as_str()?.to_owned()))
        .collect()
}

/// Adds the assets of a manifest by their hashes.
fn add_assets(
    context: &Context,
    path: &Path,
    assets: &mut BTreeMap<String, Asset>,
) -> Result<(), ProjectError> {
    if !path.is_file() {
        return Ok(());
    }
    let manifest = context.load(path, GENERATED_BYTES)?;
    for (section, key) in [("files", "path"), ("dockerImages", "directory")] {
        for (hash, asset) in manifest.get(section).into_iter().flat_map(Value::members) {
            let Some(source) = asset.get("source") else {
                continue;
            };
            let Some(at) = source.get(key).and_then(Value::as_str) else {
                continue;
            };
            let asset = Asset {
                path: at.to_owned(),
                dockerfile: source.text_of("dockerFile").map(Into::into),
            };
            assets.insert(hash.to_owned(), asset);
        }
    }
    Ok(())
}

/// Which stacks are those that the user names, and those that they depend on; all if none are named.
fn chosen(
    context: &Context,
    folder: &Path,
    stacks: &[Artifact],
) -> Result<Vec<bool>, ProjectError> {
    if stacks.is_empty() {
        let message = format!(
            "there are no stacks in {}",
            folder.join("manifest.json").display()
        );
        return Err(ProjectError::Other(message));
    }
    let named = &context.options.stacks;
    if named.is_empty() {
        return Ok(vec![true; stacks.len()]);
    }
    let mut chosen = vec![false; stacks.len()];
    let mut wanted: Vec<usize> = Vec::new();
    for name in named {
        let is_meant =
            |stack: &Artifact| [&stack.id, &stack.name, &stack.construct].contains(&name);
        match stacks.iter().position(is_meant) {
            Some(index) => wanted.push(index),
            None => {
                let known: Vec<&str> = stacks
                    .iter()
                    .map(|stack| stack.construct.as_str())
                    .collect();
                let (path, known) = (folder.display(), known.join(", "));
                let message = format!("there is no stack {name} in {path}; there are {known}");
                return Err(ProjectError::Other(message));
            }
        }
    }
    while let Some(index) = wanted.pop() {
        let Some(mark) = chosen.get_mut(index).filter(|mark| !**mark) else {
            continue;
        };
        *mark = true;
        for dependency in stacks
            .get(index)
            .into_iter()
            .flat_map(|stack| &stack.dependencies)
        {
            wanted.extend(stacks.iter().position(|stack| stack.id == *dependency));
        }
    }
    Ok(chosen)
}

#[cfg(test)]
mod tests;
