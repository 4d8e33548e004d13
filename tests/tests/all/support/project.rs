//! A project folder as a user would write one.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, OnceLock};

use tempfile::TempDir;

use super::server::{Server, lambkin};

/// The bootstrap that does what events order; see `fixtures/bootstrap`.
pub const RAW_BOOTSTRAP: &str = env!("CARGO_BIN_EXE_raw-bootstrap");

/// A temporary project folder.
pub struct Project {
    folder: Arc<TempDir>,
}

impl Project {
    /// A folder with this `lambkin.toml`; the Invoke API listens on a free port.
    pub fn new(config: &str) -> Self {
        let project = Self {
            folder: Arc::new(tempfile::tempdir().expect("a temporary folder")),
        };
        project.file(
            "lambkin.toml",
            format!("{config}\n[invoke]\nlisten = \"127.0.0.1:0\"\n"),
        );
        project
    }

    /// A folder with the files of `fixtures/projects/NAME`.
    pub fn fixture(name: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let files = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("fixtures/projects")
            .join(name);
        let copied = std::process::Command::new("cp")
            .arg("-R")
            .arg(files.join("."))
            .arg(folder.path())
            .status();
        assert!(
            copied.expect("cp").success(),
            "{} is not copied",
            files.display()
        );
        Self {
            folder: Arc::new(folder),
        }
    }

    /// A project with one function, `echo`, that is the raw bootstrap, with further settings.
    pub fn echo(settings: &str) -> Self {
        Self::new(&format!(
            "[functions.echo]\ncode = \"{RAW_BOOTSTRAP}\"\n{settings}"
        ))
    }

    /// A project with `echo` behind an API Gateway HTTP API, with further settings of the trigger.
    pub fn gateway(settings: &str) -> Self {
        Self::new(&format!(
            "[functions.echo]\ncode = \"{RAW_BOOTSTRAP}\"\n\
             [triggers.web]\nplugin = \"api-gateway-http\"\nlisten = \"127.0.0.1:0\"\n{settings}"
        ))
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(&path, content).expect("a file");
        path
    }

    pub fn executable(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.file(name, content);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a mode");
        path
    }

    /// Runs `lambkin serve`, asserts that it refuses the configuration, and returns its error output.
    #[track_caller]
    pub fn refusal(&self) -> String {
        self.refusal_with(&[])
    }

    /// Like [`refusal`](Self::refusal), with further arguments.
    #[track_caller]
    pub fn refusal_with(&self, arguments: &[&str]) -> String {
        let output = lambkin()
            .arg("serve")
            .args(arguments)
            .current_dir(self.path())
            .stdin(Stdio::null())
            .output()
            .expect("lambkin starts");
        let text = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(output.stdout.is_empty());
        text
    }

    /// Runs `lambkin serve` until the server is dropped.
    #[track_caller]
    pub fn serve(&self) -> Server {
        self.serve_with(&[], &[])
    }

    /// Like [`serve`](Self::serve), with further arguments and environment variables for the host.
    #[track_caller]
    pub fn serve_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Server {
        Server::start(Arc::clone(&self.folder), arguments, variables)
    }

    /// Like [`serve`](Self::serve), with a command that runs lambkin in another way, and further arguments.
    #[cfg(target_os = "linux")]
    #[track_caller]
    pub fn serve_by(&self, command: std::process::Command, arguments: &[&str]) -> Server {
        Server::start_by(Arc::clone(&self.folder), command, arguments)
    }

    /// Like [`serve`](Self::serve), on a disk that the test can make full with [`Server::write_up_to`].
    #[track_caller]
    pub fn serve_on_a_limited_disk(&self) -> Server {
        Server::start_on_a_limited_disk(Arc::clone(&self.folder))
    }

    /// Like [`serve`](Self::serve), with a limit on the number of open files.
    #[track_caller]
    pub fn serve_with_files(&self, files: usize) -> Server {
        Server::start_with_files(Arc::clone(&self.folder), files)
    }
}

/// The cache of compiled plugins, shared by all tests of a run.
pub fn cache_folder() -> &'static Path {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    FOLDER
        .get_or_init(|| tempfile::tempdir().expect("a temporary folder"))
        .path()
}
