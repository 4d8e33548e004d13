//! The packages for test suites in `clients/`: their own tests, against the program under test. That of the Rust crate is run
//! by `.ci/run`.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{interpreter, lambkin, tool};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../clients")
        .join(name)
}

/// Runs a command in the folder of a client.
#[track_caller]
fn passes(name: &str, mut command: Command) {
    let under_test = lambkin();
    let ran = command
        .current_dir(folder(name))
        .env("LAMBKIN", under_test.get_program())
        .env("LAMBKIN_CACHE_DIR", crate::support::cache_folder())
        .output()
        .unwrap();
    let (out, err) = (
        String::from_utf8_lossy(&ran.stdout),
        String::from_utf8_lossy(&ran.stderr),
    );
    assert!(ran.status.success(), "{name}: {out}\n{err}");
}

#[test]
fn the_client_for_python() {
    let Ok(()) = interpreter("python3") else {
        return;
    };
    let mut command = Command::new("python3");
    command
        .args(["-B", "-m", "unittest", "discover", "-s", "tests"])
        .env("PYTHONPATH", "src");
    passes("python", command);
}

#[test]
fn the_client_for_node() {
    let Ok(()) = interpreter("node") else {
        return;
    };
    let mut command = Command::new("node");
    command.args(["--test", "test/"]);
    passes("node", command);
}

#[test]
fn the_client_for_java() {
    let Ok(()) = interpreter("javac") else {
        return;
    };
    let classes = tempfile::tempdir().unwrap();
    let script = "javac --release 17 -Xlint:all -Werror -d \"$1\" src/main/java/dev/lambkin/*.java \
                  src/test/java/dev/lambkin/*.java && exec java -cp \"$1\" dev.lambkin.LambkinTest";
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh"]).arg(classes.path());
    passes("java", command);
}

#[test]
fn the_client_for_go() {
    let mut version = Command::new("go");
    version.arg("version");
    let Ok(()) = tool("go", version) else {
        return;
    };
    let mut command = Command::new("go");
    command.args(["test", "-count", "1", "./..."]);
    passes("go", command);
}
