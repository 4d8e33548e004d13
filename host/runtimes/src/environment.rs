//! Environments of projects, such as Python's virtual environments, and what their files say about versions.

use std::fs;
use std::path::Path;

use lambkin_files::{read_small, read_small_text};

use crate::id::Language;
use crate::stores::version_of;
use crate::version::Version;

/// The version in `pyvenv.cfg`, which `venv` calls `version` and other tools `version_info`.
pub(crate) fn version(environment: &Path) -> Option<Version> {
    let text = read_small_text(&environment.join("pyvenv.cfg"))?;
    let mut entries = text.lines().filter_map(|line| line.split_once('='));
    let version = entries.find(|(key, _)| matches!(key.trim(), "version" | "version_info"))?;
    Version::first_in(version.1)
}

/// The version of an interpreter that is not run, as the files beside it tell it: those of a virtual environment, of the
/// package `node`, or of a JDK, or the name of its folder, such as `versions/22.1.0`.
pub(crate) fn version_of_file(language: Language, program: &Path) -> Option<Version> {
    let folder = program.parent()?.parent()?;
    let of_package = || {
        let text = read_small(&folder.join("package.json"))?;
        let package: serde_json::Value = serde_json::from_slice(&text).ok()?;
        Version::first_in(package.get("version")?.as_str()?)
    };
    version(folder)
        .or_else(|| of_package().filter(|_| language == Language::Node))
        .or_else(|| version_of(language, folder))
}

/// Why an environment that is there has no interpreter.
pub(crate) fn unusable(environment: &Path, program: &Path) -> Option<String> {
    if program.is_file() {
        return None;
    }
    for path in [environment, program] {
        if let (Ok(target), false) = (fs::read_link(path), path.exists()) {
            return Some(format!(
                "{} is a link to {}, which does not exist",
                path.display(),
                target.display()
            ));
        }
    }
    let is_environment = environment.join("pyvenv.cfg").is_file();
    is_environment.then(|| format!("{} does not exist", program.display()))
}
