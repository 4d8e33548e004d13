//! What a developer should know about a function's layers: which of their scripts need a sandbox, and whether they are
//! too large for AWS.
//!
//! On failure: a file or folder that cannot be read is skipped; the start of the function reports it if it is needed.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use lambkin_lambda::limits::UNPACKED_BYTES;
use lambkin_lambda::{FunctionSpec, SandboxMode};

use crate::config::{Config, full_name};

/// How much of a script is searched for paths.
const SCRIPT_BYTES: u64 = 64 * 1024;

/// Notes about scripts which name files in `/opt` that the function's layers have, for a function that runs without a
/// sandbox and so without them.
pub fn missing_opt(spec: &FunctionSpec) -> Vec<String> {
    if spec.sandbox != SandboxMode::Process {
        return Vec::new();
    }
    let layers = spec.layer_folders();
    let mut notes = Vec::new();
    for script in scripts(spec, &layers) {
        let missing = opt_paths(&script).into_iter().find(|path| {
            let below = path.strip_prefix("/opt").unwrap_or(path);
            !path.exists() && layers.iter().any(|layer| layer.join(below).exists())
        });
        if let Some(path) = missing {
            notes.push(format!(
                "function {}: {} uses {}, and layers are at /opt only in a sandbox; set sandbox = \"namespace\"",
                full_name(spec),
                script.display(),
                path.display()
            ));
        }
    }
    notes
}

/// A note for each function whose code and layers are larger than AWS allows. Every file is looked at, until it is too
/// much.
pub fn oversize(config: &Config) -> Vec<String> {
    let mut notes = Vec::new();
    for (spec, inputs) in config.functions.iter().zip(&config.function_inputs) {
        // An archive has been unpacked. Beside a bootstrap that is named there may be anything.
        let code = match inputs.code.is_dir() {
            true => inputs.code.clone(),
            false if spec.code.archive.is_some() => spec.code.resolved_root(),
            false => PathBuf::new(),
        };
        let mut total: u64 = 0;
        for folder in std::iter::once(code).chain(spec.layer_folders()) {
            total = total.saturating_add(size(&folder, UNPACKED_BYTES));
        }
        if total > UNPACKED_BYTES {
            notes.push(format!(
                "function {}: its code and layers are larger than the {} MB that AWS allows",
                full_name(spec),
                UNPACKED_BYTES / 1024 / 1024
            ));
        }
    }
    notes
}

/// The size of all files of a folder in bytes. Larger than `enough`, it may be incomplete.
fn size(folder: &Path, enough: u64) -> u64 {
    let mut total: u64 = 0;
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            // Not of what a link leads to, which may be the folder itself.
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            if metadata.is_dir() {
                folders.push(entry.path());
            } else {
                total = total.saturating_add(metadata.len());
            }
            if total > enough {
                return total;
            }
        }
    }
    total
}

/// The wrapper of the function's interpreter, and the programs in its layers' `extensions` folders.
fn scripts(spec: &FunctionSpec, layers: &[PathBuf]) -> Vec<PathBuf> {
    let extensions = layers.iter().flat_map(|layer| {
        let entries = fs::read_dir(layer.join("extensions"));
        entries.into_iter().flatten().flatten()
    });
    let mut scripts: Vec<_> = extensions.map(|entry| entry.path()).collect();
    scripts.sort();
    scripts.extend(spec.wrapper());
    scripts
}

/// The paths in `/opt` that a script names.
fn opt_paths(script: &Path) -> BTreeSet<PathBuf> {
    let mut text = Vec::new();
    let read =
        fs::File::open(script).and_then(|file| file.take(SCRIPT_BYTES).read_to_end(&mut text));
    if read.is_err() || !text.starts_with(b"#!") {
        return BTreeSet::new();
    }
    let text = String::from_utf8_lossy(&text).into_owned();
    let is_of_a_path = |c: char| c.is_ascii_alphanumeric() || "/._-+".contains(c);
    let words = text.split(|c: char| !is_of_a_path(c));
    let paths = words.filter(|word| word.starts_with("/opt/") && word.len() > "/opt/".len());
    paths.map(PathBuf::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_paths_of_a_script_end_where_its_words_do() {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("script");
        fs::write(
            &script,
            "#!/bin/sh\nexport PYTHONPATH=\"/opt/python:$X\"\nexec /opt/lib-1/a.b \"$@\" # in /opt/ and /option\n",
        )
        .unwrap();
        let paths: Vec<_> = opt_paths(&script).into_iter().collect();
        assert_eq!(paths, ["/opt/lib-1/a.b", "/opt/python"].map(PathBuf::from));
        fs::write(&script, "\x7fELF /opt/python").unwrap();
        assert!(opt_paths(&script).is_empty(), "not a script");
    }

    #[test]
    fn the_size_of_a_folder_is_that_of_its_files_and_not_of_what_links_lead_to() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("below")).unwrap();
        fs::write(folder.path().join("below/a"), [0; 1000]).unwrap();
        fs::write(folder.path().join("b"), [0; 500]).unwrap();
        assert_eq!(size(folder.path(), 10_000), 1500);
        std::os::unix::fs::symlink("..", folder.path().join("below/up")).unwrap();
        let with_link = size(folder.path(), 10_000);
        assert!((1500..1600).contains(&with_link), "{with_link}");
        assert!(size(folder.path(), 100) > 100);
    }
}
