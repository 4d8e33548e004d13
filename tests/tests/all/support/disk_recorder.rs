//! The library that records what the host does to its files, or gives it a small disk.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use tempfile::TempDir;

use super::tools::{Missing, tool};

/// The path of the library, compiled once.
#[track_caller]
pub fn disk_recorder() -> Result<&'static Path, Missing> {
    static BUILT: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let mut probe = Command::new("cc");
    probe.arg("--version");
    tool("a C compiler", probe)?;
    let (_, library) = BUILT.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let library = folder.path().join("recorder.so");
        let source =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/disk-recorder/recorder.c");
        let mut compiler = Command::new("cc");
        compiler
            .args(["-shared", "-fPIC", "-O2", "-o"])
            .arg(&library);
        let built = compiler
            .arg(source)
            .arg("-lpthread")
            .output()
            .expect("cc runs");
        assert!(
            built.status.success(),
            "{}",
            String::from_utf8_lossy(&built.stderr)
        );
        (folder, library)
    });
    Ok(library)
}
