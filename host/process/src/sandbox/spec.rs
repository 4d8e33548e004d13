//! What a sandbox contains, and why one could not be made.

use std::fmt;
use std::io;
#[cfg(target_os = "linux")]
use std::path::Path;
use std::path::PathBuf;

use rustix::io::Errno;
use serde::{Deserialize, Serialize};

/// Where the code is inside.
pub const TASK: &str = "/var/task";

/// Where the merged layers are inside.
pub const OPT: &str = "/opt";

/// Where the runtime client is inside.
pub const RUNTIME: &str = "/var/runtime";

/// The id of the user that a program has inside.
pub const USER_ID: u32 = 993;

/// The id of the group that a program has inside.
pub const GROUP_ID: u32 = 990;

/// The step that merges folders.
pub(crate) const MERGE: &str = "mount(overlay)";

/// Where the files of an image are merged with Lambkin's while the root is made.
pub(crate) const IMAGE: &str = "/image";

/// What a program sees besides the system: `/usr` with its links, a part of `/etc`, `/dev` with a few devices, and a
/// `/proc` of its own. Everything but `/tmp` is read-only. All paths of the host have no symbolic links.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sandbox {
    /// The folder that is [`TASK`]; none if there is no code.
    pub code: Option<PathBuf>,
    /// Whether the code can be written to. The program then has the rights of the host's user for the code.
    #[serde(default)]
    pub writable_code: bool,
    /// The folders that are merged in [`OPT`]; later ones override earlier ones.
    pub layers: Vec<PathBuf>,
    /// The folder that is [`RUNTIME`].
    pub runtime: Option<PathBuf>,
    /// Further files and folders, such as an interpreter's.
    pub visible: Vec<Visible>,
    /// The size of `/tmp` in MB.
    pub tmp_mb: u32,
    /// The container image whose files are the root. Then there is nothing of the host's system, and none of the
    /// folders above.
    #[serde(default)]
    pub image: Option<ImageRoot>,
    /// The device of the terminal that the program has, such as `/dev/pts/3`, which it then finds at this path.
    #[serde(default)]
    pub terminal: Option<PathBuf>,
}

/// The files of a container image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageRoot {
    /// The folder with them, without symbolic links in its path. Its content need not be trusted.
    pub folder: PathBuf,
    /// Scripts that take the place of files of the image: their paths inside, which have no symbolic links, and their
    /// texts.
    pub scripts: Vec<(PathBuf, String)>,
}

/// A file or folder of the host that is visible inside.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Visible {
    /// Its path inside.
    pub target: PathBuf,
    /// Its path on the host.
    pub source: PathBuf,
}

/// Why a sandbox could not be made: the step that failed, with the operating system's error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The step, such as `mount(proc)`.
    pub stage: String,
    /// The error number.
    pub errno: i32,
    /// The path at which it failed, as on the host.
    pub path: Option<PathBuf>,
}

impl Failure {
    /// An error of a step that concerns no path.
    pub(crate) fn new(stage: &str, error: Errno) -> Self {
        Self {
            stage: stage.to_owned(),
            errno: error.raw_os_error(),
            path: None,
        }
    }

    /// An error of a step at a path.
    #[cfg(target_os = "linux")]
    pub(crate) fn at(stage: &str, path: &Path, error: &io::Error) -> Self {
        Self {
            stage: stage.to_owned(),
            errno: error.raw_os_error().unwrap_or(0),
            path: Some(path.to_owned()),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.stage)?;
        if let Some(path) = &self.path {
            write!(f, " at {}", path.display())?;
        }
        write!(f, ": {}", io::Error::from_raw_os_error(self.errno))
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_the_step_the_path_and_the_error() {
        let error = io::Error::from_raw_os_error(1);
        let failure = Failure::at("bind", Path::new("/usr"), &error);
        assert_eq!(
            failure.to_string(),
            "bind at /usr: Operation not permitted (os error 1)"
        );
        assert_eq!(
            Failure::new("unshare(user, pid)", Errno::NOSPC).to_string(),
            "unshare(user, pid): No space left on device (os error 28)"
        );
    }
}
