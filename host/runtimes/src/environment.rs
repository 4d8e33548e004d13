//! Environments of projects, such as Python's virtual environments.

use std::fs;
use std::path::Path;

use crate::version::Version;

/// The version in `pyvenv.cfg`, which `venv` calls `version` and other tools `version_info`.
pub(crate) fn version(environment: &Path) -> Option<Version> {
    let text = fs::read_to_string(environment.join("pyvenv.cfg")).ok()?;
    let mut entries = text.lines().filter_map(|line| line.split_once('='));
    let version = entries.find(|(key, _)| matches!(key.trim(), "version" | "version_info"))?;
    Version::first_in(version.1)
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
