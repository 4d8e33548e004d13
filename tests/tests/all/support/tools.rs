//! Programs a test needs from outside: visibly skipped where they are missing, a failure in CI.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A tool that is not here; the reason has been printed.
#[derive(Debug)]
pub struct Missing;

/// Finds a tool by running it. Where `CI` is set, a missing tool fails the test.
#[track_caller]
pub fn tool(what: &str, mut probe: Command) -> Result<(), Missing> {
    match probe.output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(missing(what, &String::from_utf8_lossy(&output.stderr))),
        Err(error) => Err(missing(what, &error.to_string())),
    }
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
    let line = format!(
        "SKIPPED: {what} is missing ({}); tests/tools/install gets it\n",
        reason.trim()
    );
    // Not `eprintln!`, which the test harness captures and never shows of a test that passes.
    let _nobody_listens = std::io::stderr().write_all(line.as_bytes());
    Missing
}
