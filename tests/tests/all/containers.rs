//! The statically linked program in containers: what `examples/compose` starts, in a root folder with Debian.
//!
//! There is no container engine in the tests. `tests/fixtures/compose/run.py` mounts what the compose file says, and
//! starts the same commands with the same variables in a changed root.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use crate::support::{EmulatorProcess, Missing, installed, tool};

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/compose");

/// The system's folder, and the program that `packaging/static` has built.
fn system() -> Result<(PathBuf, PathBuf), Missing> {
    let mut mount = Command::new("unshare");
    mount.args(["--mount", "true"]);
    tool("the right to mount (root)", mount)?;
    Ok((
        installed("containers/debian")?,
        installed("static/lambkin")?,
    ))
}

/// Starts a service of the compose file, in whose image `layer` is. It listens on a free port.
fn start(
    service: &str,
    layer: &Path,
    mark: &str,
    arguments: &[&str],
) -> Result<EmulatorProcess, Missing> {
    let (system, program) = system()?;
    let packages = installed("clients/python")?;
    let mut command = Command::new("python3");
    command
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/fixtures/compose/run.py"
        ))
        .args([
            Path::new(EXAMPLE).join("compose.yaml").as_path(),
            Path::new(service),
        ])
        .args([system.as_path(), layer])
        .args(arguments)
        .env("LAMBKIN", program)
        .env("PYTHONPATH", packages);
    Ok(EmulatorProcess::start(command, mark))
}

#[test]
fn a_mounted_program_serves_a_mounted_handler_in_an_image_that_knows_nothing_of_it() {
    let layer = tempfile::tempdir().unwrap();
    let port = ["--environment", "DOCKER_LAMBDA_API_PORT=0"];
    let Ok(server) = start(
        "function",
        layer.path(),
        "Lambda API listening on port ",
        &port,
    ) else {
        return;
    };
    let reply = server.invoke(r#"{"name":"Ada"}"#);
    assert_eq!(
        reply.json()["message"],
        json!("hi Ada"),
        "{}",
        server.stderr()
    );
    // The root is read-only, and so is the home folder's cache. In a container it listens on all addresses, without being told to.
    assert!(
        !server.stderr().contains("only programs on this machine"),
        "{}",
        server.stderr()
    );
}

#[test]
fn a_mounted_program_takes_the_place_of_the_emulator_in_an_aws_base_image() {
    let layer = tempfile::tempdir().unwrap();
    let Ok(package) = installed("examples/python/hello") else {
        return;
    };
    base_image(layer.path(), &package.join("package"));
    let arguments = ["--entrypoint", "/lambda-entrypoint.sh"];
    let mark = "listening on http://127.0.0.1:";
    let Ok(server) = start("base-image", layer.path(), mark, &arguments) else {
        return;
    };
    let reply = server.invoke(r#"{"name":"Ada"}"#);
    assert_eq!(
        reply.json()["message"],
        json!("hello Ada"),
        "{}",
        server.stderr()
    );
}

/// The files of a base image: its entry point, and a runtime with AWS's client. Only the emulator's port is not AWS's.
fn base_image(layer: &Path, client: &Path) {
    let script = |path: &str, text: &str| {
        let path = layer.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    };
    script(
        "lambda-entrypoint.sh",
        "#!/bin/sh\nexport _HANDLER=\"$1\"\nif [ -z \"$AWS_LAMBDA_RUNTIME_API\" ]; then\n  \
         exec /usr/local/bin/aws-lambda-rie --runtime-interface-emulator-address 127.0.0.1:0 /var/runtime/bootstrap\nelse\n  \
         exec /var/runtime/bootstrap\nfi\n",
    );
    script(
        "var/runtime/bootstrap",
        "#!/bin/sh\nexport PYTHONPATH=/var/runtime/package LAMBDA_TASK_ROOT=/var/task\ncd /var/task\n\
         exec python3 -m awslambdaric \"$_HANDLER\"\n",
    );
    let copied = Command::new("cp")
        .arg("-rL")
        .args([client, &layer.join("var/runtime/package")])
        .status();
    assert!(copied.unwrap().success());
}
