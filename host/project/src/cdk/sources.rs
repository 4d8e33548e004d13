//! Whether what `cdk synth` has made is what the sources say now.

use std::path::Path;
use std::time::SystemTime;

use crate::context::Context;
use crate::resource::Template;
use crate::value::Value;

/// The file names of sources that CDK apps are written in.
const EXTENSIONS: [&str; 8] = ["ts", "js", "mjs", "cjs", "py", "java", "cs", "go"];

/// Folders without sources of the app.
const OTHERS: [&str; 8] = [
    "node_modules",
    "cdk.out",
    "target",
    "build",
    "dist",
    "bin",
    "obj",
    "venv",
];

/// How many files are looked at.
const FILES: usize = 5000;

/// How deep below the app's folder files are looked at.
const DEPTH: usize = 6;

/// Notes that a source of the app in the folder around an assembly is newer than the assembly.
pub(super) fn note_age(context: &Context, assembly: &Path) {
    let app = match assembly.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let manifest = assembly.join("manifest.json");
    if !app.join("cdk.json").is_file() {
        return;
    }
    let Some(made) = modified(&manifest) else {
        return;
    };
    let mut left = FILES;
    if let Some(source) = newer(app, assembly, made, 0, &mut left) {
        let (assembly, source) = (assembly.display(), source.display());
        context.report.note(
            None,
            format!("{assembly} is older than {source}: `npx cdk synth` writes it anew"),
        );
    }
}

fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata().ok()?.modified().ok()
}

/// The first source in a folder that is newer.
fn newer(
    folder: &Path,
    assembly: &Path,
    made: SystemTime,
    depth: usize,
    left: &mut usize,
) -> Option<std::path::PathBuf> {
    let mut entries: Vec<_> = std::fs::read_dir(folder)
        .ok()?
        .flatten()
        .take(*left)
        .collect();
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        *left = left.checked_sub(1)?;
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        let kind = entry.file_type().ok()?;
        if kind.is_dir() {
            let is_other = name.starts_with('.') || OTHERS.contains(&&*name) || path == assembly;
            if !is_other
                && depth < DEPTH
                && let Some(source) = newer(&path, assembly, made, depth + 1, left)
            {
                return Some(source);
            }
            continue;
        }
        let extension = path.extension().and_then(|extension| extension.to_str());
        let is_source =
            kind.is_file() && extension.is_some_and(|extension| EXTENSIONS.contains(&extension));
        if is_source && modified(&path).is_some_and(|modified| modified > made) {
            return Some(path);
        }
    }
    None
}

/// Notes that functions run from copies of their code, in which edits have no effect.
pub(super) fn note_copies(context: &Context, templates: &[Template]) {
    let mut resources = templates
        .iter()
        .filter_map(|template| template.root.get("Resources"))
        .flat_map(Value::members);
    let has_copies = resources.any(|(_, resource)| {
        let is_function =
            resource.get("Type").and_then(Value::as_str) == Some("AWS::Lambda::Function");
        let metadata = |key| resource.at(&["Metadata", key]);
        let is_bundled =
            metadata("aws:asset:is-bundled").is_none_or(|value| value.as_bool() != Some(false));
        let path = metadata("aws:asset:path").and_then(Value::as_str);
        let is_framework = metadata("aws:cdk:path")
            .and_then(Value::as_str)
            .is_some_and(|path| path.contains("/framework-"));
        is_function
            && !is_bundled
            && !is_framework
            && path.is_some_and(|path| !path.starts_with('/'))
    });
    if has_copies {
        context.report.note(
            None,
            "functions run from the copies of their code in cdk.out: after an edit, run `npx cdk synth` again, or use \
            `npx cdk synth --no-staging`, after which code that is not bundled runs from its source",
        );
    }
}
