//! What the search needs of the machine: the host's variables, its folders, and the versions of programs.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::UNIX_EPOCH;

use crate::version::Version;

/// Folders of version managers with programs that look up a version whenever they run. That takes a third of a second,
/// and the result depends on the current folder.
const SHIMS: [&str; 5] = [
    ".pyenv/shims",
    ".rbenv/shims",
    ".asdf/shims",
    "mise/shims",
    ".volta/bin",
];

/// The machine, as far as interpreters are searched on it.
#[derive(Debug)]
pub struct Machine {
    variables: BTreeMap<String, String>,
    /// Where clients and versions of programs are kept.
    cache: PathBuf,
    versions: Mutex<HashMap<PathBuf, Option<Version>>>,
}

impl Machine {
    /// The machine that a process with these variables sees. `cache` is a folder of this user, which is created.
    pub fn new(variables: BTreeMap<String, String>, cache: PathBuf) -> Self {
        Self {
            variables,
            cache,
            versions: Mutex::default(),
        }
    }

    pub(crate) fn cache(&self) -> &Path {
        &self.cache
    }

    /// A variable that is set and not empty.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        let value = self.variables.get(name)?;
        Some(value.as_str()).filter(|value| !value.is_empty())
    }

    /// A folder below the home folder, unless a variable names another one.
    pub(crate) fn folder(&self, variable: &str, below_home: &str) -> Option<PathBuf> {
        let own = self.variable(variable).map(PathBuf::from);
        own.or_else(|| Some(Path::new(self.variable("HOME")?).join(below_home)))
    }

    /// The programs of this name in `PATH`, without shims.
    pub(crate) fn in_path(&self, name: &str) -> impl Iterator<Item = PathBuf> {
        let folders = self.variable("PATH").unwrap_or_default().to_owned();
        let folders: Vec<PathBuf> = std::env::split_paths(&folders).collect();
        let candidates = folders.into_iter().filter(|folder| {
            folder.is_absolute() && !SHIMS.iter().any(|shims| folder.ends_with(shims))
        });
        let name = name.to_owned();
        candidates
            .map(move |folder| folder.join(&name))
            .filter(|program| program.is_file())
    }

    /// The version that a program prints, which is asked once for each state of its file.
    pub(crate) fn version(&self, program: &Path, argument: &str) -> Option<Version> {
        let real = fs::canonicalize(program).ok()?;
        let mut versions = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = versions.get(&real) {
            return known.clone();
        }
        let version = self.kept_or_asked(program, &real, argument);
        versions.insert(real, version.clone());
        version
    }

    fn kept_or_asked(&self, program: &Path, real: &Path, argument: &str) -> Option<Version> {
        let metadata = fs::metadata(real).ok()?;
        let modified = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
        let mut hasher = std::hash::DefaultHasher::new();
        (real, modified, metadata.len()).hash(&mut hasher);
        let kept = self.cache.join(format!("version-{:016x}", hasher.finish()));
        if let Ok(text) = fs::read_to_string(&kept) {
            return Version::first_in(&text);
        }
        let output = Command::new(program)
            .arg(argument)
            .stdin(Stdio::null())
            .output()
            .ok()
            .filter(|output| output.status.success())?;
        let stdout = String::from_utf8_lossy(&output.stdout);
        let stderr = String::from_utf8_lossy(&output.stderr);
        let version = Version::first_in(&stdout).or_else(|| Version::first_in(&stderr))?;
        // Not kept: it is asked again by the next host.
        let _ = crate::clients::write(&kept, version.to_string().as_bytes());
        Some(version)
    }
}
