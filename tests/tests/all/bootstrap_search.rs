//! Which program is started as the bootstrap, and the errors if there is none.

use crate::support::{Project, RAW_BOOTSTRAP, eventually, lambkin};

#[test]
fn code_may_be_a_folder_a_file_or_an_archive() {
    let project = Project::new(&format!(
        "[functions.folder]\ncode = \"folder\"\n[functions.file]\ncode = \"{RAW_BOOTSTRAP}\"\n[functions.zip]\ncode = \"code.zip\"\n"
    ));
    project.executable("folder/bootstrap", std::fs::read(RAW_BOOTSTRAP).unwrap());
    let mut archive =
        zip::ZipWriter::new(std::fs::File::create(project.path().join("code.zip")).unwrap());
    let options = zip::write::SimpleFileOptions::default().unix_permissions(0o755);
    archive.start_file("bootstrap", options).unwrap();
    std::io::Write::write_all(&mut archive, &std::fs::read(RAW_BOOTSTRAP).unwrap()).unwrap();
    archive.finish().unwrap();

    let server = project.serve();
    for function in ["folder", "file", "zip"] {
        assert_eq!(server.invoke(function, "1").text(), "1", "{function}");
    }
    let root = server.invoke("zip", r#"{"env":"LAMBDA_TASK_ROOT"}"#).text();
    assert!(root.contains("/.lambkin/code/code-"), "{root}");
}

#[test]
fn a_command_runs_in_the_code_folder_with_its_arguments() {
    let project = Project::new(&format!(
        "[functions.echo]\ncode = \".\"\ncommand = [\"{RAW_BOOTSTRAP}\", \"a b\", \"c\"]\n"
    ));
    let server = project.serve();
    assert_eq!(
        server.invoke("echo", r#"{"tell":"args"}"#).json(),
        serde_json::json!([RAW_BOOTSTRAP, "a b", "c"])
    );
    let root = project.path().canonicalize().unwrap();
    assert_eq!(
        server.invoke("echo", r#"{"tell":"cwd"}"#).json(),
        root.to_str().unwrap()
    );
}

#[test]
fn each_bootstrap_fault_is_reported_by_serve_by_check_and_to_the_caller() {
    // The function's name, the content and mode of its bootstrap, and the expected message.
    type File<'a> = Option<(&'a [u8], u32)>;
    let faults: [(&str, File<'_>, &str); 6] = [
        ("absent", None, "does not exist"),
        (
            "mode",
            Some((b"#!/bin/sh\n", 0o644)),
            "is not executable; `chmod +x` it",
        ),
        (
            "interpreter",
            Some((b"#!/no/such/python\n", 0o755)),
            "needs /no/such/python, which does not exist here",
        ),
        (
            "text",
            Some((b"console.log('hi')\n", 0o755)),
            "is a script without a `#!` line",
        ),
        (
            "machine",
            Some((&other_machine(), 0o755)),
            "but this machine is",
        ),
        (
            "carriage",
            Some((b"#!/bin/sh\r\n", 0o755)),
            "carriage return",
        ),
    ];
    let sections: String = faults
        .iter()
        .map(|(name, ..)| format!("[functions.{name}]\ncode = \"{name}\"\n"))
        .collect();
    let project = Project::new(&sections);
    for (name, content, _) in &faults {
        std::fs::create_dir_all(project.path().join(name)).unwrap();
        if let Some((content, mode)) = content {
            let path = project.file(&format!("{name}/bootstrap"), content);
            std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(*mode))
                .unwrap();
        }
    }

    let check = lambkin()
        .arg("check")
        .current_dir(project.path())
        .output()
        .unwrap();
    assert_eq!(check.status.code(), Some(1));
    let server = project.serve();
    for (name, _, words) in &faults {
        let path = project
            .path()
            .canonicalize()
            .unwrap()
            .join(name)
            .join("bootstrap");
        let line = format!("{}: {}", path.display(), words);
        let named = |text: &str| {
            text.lines()
                .any(|l| l.contains(&path.display().to_string()) && l.contains(words))
        };
        assert!(named(&String::from_utf8_lossy(&check.stderr)), "{line}");
        eventually(&line, || named(&server.log()));

        let reply = server.invoke(name, "1");
        assert_eq!(
            (reply.status, reply.header("x-amz-function-error")),
            (200, Some("Unhandled"))
        );
        let id = reply.header("x-amzn-requestid").unwrap();
        assert_eq!(
            reply.text(),
            format!(
                r#"{{"errorType":"Runtime.InvalidEntrypoint","errorMessage":"RequestId: {id} Error: Couldn't find valid bootstrap(s): [{} /opt/bootstrap /var/runtime/bootstrap]"}}"#,
                path.display()
            )
        );
    }
}

/// The raw bootstrap with the machine type in its ELF header changed.
fn other_machine() -> Vec<u8> {
    let mut program = std::fs::read(RAW_BOOTSTRAP).unwrap();
    let machine: u16 = if cfg!(target_arch = "aarch64") {
        62
    } else {
        183
    };
    program[18..20].copy_from_slice(&machine.to_le_bytes());
    program
}

#[test]
fn a_bootstrap_that_appears_later_is_found_without_a_restart() {
    let project = Project::new("[functions.echo]\ncode = \"code\"\n");
    std::fs::create_dir(project.path().join("code")).unwrap();
    let server = project.serve();
    assert_eq!(
        server.invoke("echo", "1").json()["errorType"],
        "Runtime.InvalidEntrypoint"
    );
    project.executable("code/bootstrap", std::fs::read(RAW_BOOTSTRAP).unwrap());
    assert_eq!(server.invoke("echo", "1").text(), "1");
}

#[test]
fn a_program_that_the_kernel_refuses_to_start_is_an_invalid_entrypoint() {
    let project = Project::new("[functions.echo]\ncode = \"code\"\n");
    // Its program headers have no size, which only the kernel looks at.
    let mut program = std::fs::read(RAW_BOOTSTRAP).unwrap();
    program[54..56].fill(0);
    let outer = project.executable("code/bootstrap", program);
    let server = project.serve();
    let reply = server.invoke("echo", "1");
    assert_eq!(reply.json()["errorType"], "Runtime.InvalidEntrypoint");
    let message = reply.json()["errorMessage"].as_str().unwrap().to_owned();
    assert!(
        message.contains(&format!(
            "Error: fork/exec {}: Exec format error",
            outer.canonicalize().unwrap().display()
        )),
        "{message}"
    );
}
