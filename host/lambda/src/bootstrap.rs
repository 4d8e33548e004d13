//! Finds the program that runs a function, and explains a search that finds none.
//!
//! As on AWS, the function's code is searched first, then its layers, `/opt` and `/var/runtime`. The first file named
//! `bootstrap` that can be executed is taken. When no file is found, AWS answers with a list of the paths; Lambkin also
//! logs for each path what is wrong with the file and how to correct it, and where else there are files of that name.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::elsewhere;
use crate::executable::{ExecutableError, Starter, examine};

/// The folders that are searched after the function's code and layers.
const SYSTEM_FOLDERS: [&str; 2] = ["/opt", "/var/runtime"];

/// The error of a search that found no file that can be executed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoBootstrapError {
    /// The paths in the order of the search, each with the reason why it cannot be executed.
    pub tried: Vec<(PathBuf, ExecutableError)>,
    /// What the developer may have meant instead.
    pub hints: Vec<String>,
    /// Why the interpreter of a managed runtime, or a container image, cannot be used. Then nothing was tried.
    pub interpreter: Option<String>,
    /// What AWS says of an image that cannot be started: its error type and message.
    pub image: Option<(&'static str, String)>,
}

impl NoBootstrapError {
    /// The error of a search for one file.
    pub(crate) fn of_file(file: PathBuf, error: ExecutableError) -> Self {
        Self {
            tried: vec![(file, error)],
            hints: Vec::new(),
            interpreter: None,
            image: None,
        }
    }

    /// The error of a function whose interpreter cannot be used.
    pub(crate) fn of_interpreter(reason: String) -> Self {
        Self {
            tried: Vec::new(),
            hints: Vec::new(),
            interpreter: Some(reason),
            image: None,
        }
    }
}

impl fmt::Display for NoBootstrapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(reason) = &self.interpreter {
            return f.write_str(reason);
        }
        let is_missing = |(path, error): &(PathBuf, ExecutableError)| {
            path.ends_with("bootstrap") && *error == ExecutableError::Missing
        };
        f.write_str(match self.tried.iter().all(is_missing) {
            true => "no bootstrap and no handler found",
            false => "no usable bootstrap",
        })?;
        for (path, error) in &self.tried {
            write!(f, "\n  {}: {error}", path.display())?;
        }
        for hint in &self.hints {
            write!(f, "\n  {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for NoBootstrapError {}

/// Searches for the bootstrap of a function whose code is in `task_root`. The layers are searched from the last to the
/// first, and then, `with_host`, the host's own folders. `is_archive` says where the code comes from.
pub(crate) fn find(
    task_root: &Path,
    layers: &[PathBuf],
    starter: Starter<'_>,
    with_host: bool,
    is_archive: bool,
) -> Result<PathBuf, NoBootstrapError> {
    let host = SYSTEM_FOLDERS.iter().filter(|_| with_host);
    let folders = std::iter::once(task_root)
        .chain(layers.iter().rev().map(PathBuf::as_path))
        .chain(host.map(Path::new));
    let mut tried = Vec::new();
    for folder in folders {
        let bootstrap = folder.join("bootstrap");
        match examine(&bootstrap, starter) {
            Ok(()) => return Ok(bootstrap),
            Err(error) => tried.push((bootstrap, error)),
        }
    }
    let is_missing = |(_, error): &(PathBuf, ExecutableError)| *error == ExecutableError::Missing;
    let hints = match tried.iter().all(is_missing) {
        true => match elsewhere::bootstraps(task_root, is_archive) {
            hints if hints.is_empty() => elsewhere::handlers(task_root, is_archive),
            hints => hints,
        },
        false => Vec::new(),
    };
    Err(NoBootstrapError {
        tried,
        hints,
        interpreter: None,
        image: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::User;
    use crate::rootfs::Files;

    const STARTER: Starter<'_> = Starter {
        files: Files::HOST,
        path: "/usr/bin:/bin",
        user: User::Own,
    };

    #[test]
    fn a_link_to_a_missing_file_is_named_with_its_target() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bootstrap");
        std::os::unix::fs::symlink("build/main", &path).unwrap();
        let error = find(folder.path(), &[], STARTER, true, false)
            .unwrap_err()
            .to_string();
        let expected = format!(
            "{}: is a link to build/main, which does not exist",
            path.display()
        );
        assert!(error.contains(&expected), "{error}");
    }

    #[test]
    fn a_failed_search_lists_every_path_with_its_error() {
        let folder = tempfile::tempdir().unwrap();
        let error = find(folder.path(), &[], STARTER, true, false).unwrap_err();
        assert_eq!(error.tried.len(), 3);
        let text = error.to_string();
        assert!(
            text.contains(&format!(
                "{}/bootstrap: does not exist",
                folder.path().display()
            )),
            "{text}"
        );
        assert!(text.contains("/opt/bootstrap: "), "{text}");
    }
}
