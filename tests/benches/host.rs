//! A host that benchmarks start: `lambkin serve` in a folder of its own.
//!
//! On failure: an error that says that it does not start; what it printed is lost.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// A function without a runtime library.
pub const BOOTSTRAP: &str = env!("CARGO_BIN_EXE_raw-bootstrap");

/// A host. Dropping it ends it.
pub struct Host {
    child: Child,
    ready: Value,
    _folder: tempfile::TempDir,
}

impl Host {
    /// Starts it in a new folder with these files, of which one is `lambkin.toml`, and waits until it listens.
    pub fn start(files: &[(&str, &str)]) -> Result<Self> {
        let folder = tempfile::TempDir::with_prefix("lambkin-bench-")?;
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().context("no folder")?)?;
            std::fs::write(path, text)?;
        }
        let mut child = Command::new(lambkin()?)
            .args(["serve", "--json"])
            .current_dir(folder.path())
            .env("XDG_DATA_HOME", folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut line = String::new();
        let stdout = child.stdout.take().context("no output")?;
        BufReader::new(stdout).read_line(&mut line)?;
        let ready = serde_json::from_str(&line).context("lambkin does not start")?;
        Ok(Self {
            child,
            ready,
            _folder: folder,
        })
    }

    /// A text of the line that says that the host is ready, such as a listener's URL.
    pub fn url(&self, path: &[&str]) -> Result<&str> {
        let found = path
            .iter()
            .try_fold(&self.ready, |value, key| value.get(key));
        found
            .and_then(Value::as_str)
            .context("a listener is missing")
    }

    /// The address of a listener.
    pub fn address(&self, path: &[&str]) -> Result<&str> {
        let url = self.url(path)?;
        let (_, address) = url.split_once("://").context("no URL")?;
        Ok(address)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it may have ended
        let _ = self.child.wait();
    }
}

/// The program: `LAMBKIN_BIN`, or the one that was built last.
pub fn lambkin() -> Result<PathBuf> {
    if let Some(given) = std::env::var_os("LAMBKIN_BIN") {
        return Ok(std::fs::canonicalize(given)?);
    }
    let folder = Path::new(BOOTSTRAP).parent().context("no folder")?;
    let beside = folder.join("lambkin");
    ensure!(
        beside.is_file(),
        "{} does not exist; build it with `cargo build --release -p lambkin`, or name another with LAMBKIN_BIN",
        beside.display()
    );
    Ok(beside)
}

/// A percentile of times, which are sorted by this.
pub fn percentile(times: &mut [Duration], hundredths: usize) -> Duration {
    times.sort_unstable();
    let index = times.len() * hundredths / 100;
    times.get(index).copied().unwrap_or_default()
}
