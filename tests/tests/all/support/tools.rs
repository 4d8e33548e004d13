//! External programs that tests need. If one is missing, the test reports that and is skipped; if `CI` is set, it
//! fails.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A tool is missing, which has been reported. The test returns early.
///
/// It is not `Debug`, so that no test can return it: the test harness would count that test as failed.
pub struct Missing;

/// Checks for a tool by running it. If `CI` is set, a missing tool fails the test.
#[track_caller]
pub fn tool(what: &str, mut probe: Command) -> Result<(), Missing> {
    match probe.output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(missing(what, &String::from_utf8_lossy(&output.stderr))),
        Err(error) => Err(missing(what, &error.to_string())),
    }
}

/// Checks for a program that says its version, such as an interpreter.
#[track_caller]
pub fn interpreter(name: &str) -> Result<(), Missing> {
    let mut probe = Command::new(name);
    probe.arg("--version");
    tool(name, probe)
}

/// The path of something that `tests/tools/install` puts into `target/test-tools`.
#[track_caller]
pub fn installed(what: &str) -> Result<PathBuf, Missing> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../target/test-tools")
        .join(what);
    path.canonicalize()
        .map_err(|error| missing(what, &error.to_string()))
}

#[track_caller]
fn missing(what: &str, reason: &str) -> Missing {
    assert!(
        std::env::var_os("CI").is_none(),
        "{what} is needed in CI: {reason}"
    );
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    let line = format!(
        "SKIPPED: {test}: {what} is missing ({}); tests/tools/install installs it\n",
        reason.trim()
    );
    // Not `eprintln!`, whose output the test harness shows of failed tests only.
    let _ = std::io::stderr().write_all(line.as_bytes());
    record(&format!("{what}\t{test}\n")).expect("the list of skipped tests can be written");
    Missing
}

/// Adds a line to this run's list of skipped tests, which the test target `skipped` prints at the end.
fn record(line: &str) -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("skipped");
    std::fs::create_dir_all(&folder)?;
    let path = folder.join(std::process::id().to_string());
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    file.write_all(line.as_bytes())
}
