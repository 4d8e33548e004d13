//! Projects that run in a sandbox only: their programs are not run outside of it to find an interpreter.

use std::fs;
use std::os::unix::fs::symlink;

use crate::made::{Made, parse};

/// An interpreter in the project that leaves a trace when it runs.
fn install_traced(made: &Made, name: &str, prints: &str) {
    let trace = made.at("ran");
    made.install(name, prints);
    let script = format!("#!/bin/sh\ntouch '{}'\necho '{prints}'\n", trace.display());
    fs::write(made.at(name), script).unwrap();
}

#[test]
fn programs_of_a_project_that_runs_in_a_sandbox_are_not_run_outside_of_it() {
    let mut made = Made::new();
    let node = "project/node_modules/node/bin/node";
    install_traced(&made, node, "v22.1.0");
    made.says("node_modules/node/package.json", r#"{"version":"22.1.7"}"#);
    install_traced(&made, "project/tools/python3", "Python 3.13.9");
    install_traced(
        &made,
        "project/versions/3.13.4/bin/python3",
        "Python 3.13.9",
    );
    install_traced(&made, "project/bin/ruby", "ruby 3.4.1");
    let path = format!(
        "{}:{}",
        made.at("project/bin").display(),
        made.variables["PATH"]
    );
    made.variables.insert("PATH".to_owned(), path);
    let python = parse("python3.13");

    made.is_sandboxed = true;
    let used = "Node 22.1.7 at project/node_modules/node/bin/node (node_modules/node)";
    assert_eq!(made.found("nodejs22.x"), used);
    // The developer has named it; that it is of the right version cannot be checked.
    let named = made.prepared(&python, Some("tools/python3")).unwrap();
    let used = "Python 3.13.0 at project/tools/python3 (interpreter)";
    assert_eq!(made.shortened(&named.interpreter), used);
    let named = made
        .prepared(&python, Some("versions/3.13.4/bin/python3"))
        .unwrap();
    assert!(
        named.interpreter.starts_with("Python 3.13.4 "),
        "{}",
        named.interpreter
    );
    let any = made.error("python", Some("tools/python3"));
    assert!(
        any.contains("may be a program of the project, which runs in its sandbox only"),
        "{any}"
    );
    let ruby = made.error("ruby3.4", None);
    assert!(!ruby.contains("project/bin/ruby"), "{ruby}");
    assert!(!made.at("ran").exists());

    made.is_sandboxed = false;
    assert!(made.found("nodejs22.x").starts_with("Node 22.1.0 at"));
    assert!(made.at("ran").exists());
}

#[test]
fn the_machines_own_interpreter_behind_a_projects_link_is_run() {
    let mut made = Made::new();
    made.is_sandboxed = true;
    // What it is called decides what it is.
    let script = "#!/bin/sh\ncase \"$0\" in */project/*) echo 'Python 9.9.9';; *) echo 'Python 3.13.2';; esac\n";
    made.install("home/.pyenv/versions/own/bin/python3", "");
    fs::write(made.at("home/.pyenv/versions/own/bin/python3"), script).unwrap();
    let bin = made.at("project/.venv/bin");
    fs::create_dir_all(&bin).unwrap();
    symlink(
        made.at("home/.pyenv/versions/own/bin/python3"),
        bin.join("python"),
    )
    .unwrap();
    let used = "Python 3.13.2 at project/.venv/bin/python (.venv)";
    assert_eq!(made.found("python3.13"), used);
}

#[test]
fn no_program_beside_a_sandboxed_project_is_run_that_the_project_leads_to() {
    let mut made = Made::new();
    let evil = format!(
        "#!/bin/sh\ntouch {}\necho 'Python 3.13.9'\n",
        made.at("ran").display()
    );
    for name in ["evil/bin/python3", "evil/3.13/bin/python3"] {
        made.install(name, "");
        fs::write(made.at(name), &evil).unwrap();
    }
    made.install("home/.pyenv/versions/3.13.1/bin/python", "Python 3.13.1");
    made.is_sandboxed = true;
    let own = "Python 3.13.1 at home/.pyenv/versions/3.13.1/bin/python (pyenv)";

    // A path starts at the folder of the file, as in mise.
    for (file, text) in [
        (".python-version", "path:../evil\n".to_owned()),
        (
            ".tool-versions",
            format!("python path:{}\n", made.at("evil").display()),
        ),
        (
            "code/.mise.toml",
            "tools.python = \"path:../../evil\"\n".to_owned(),
        ),
    ] {
        made.says(file, &text);
        let found = made.found("python");
        assert!(found.starts_with(own), "{file}: {found}");
        assert!(
            found.contains("one of the project is not"),
            "{file}: {found}"
        );
        assert!(!made.at("ran").exists(), "{file}");
        fs::remove_file(made.at("project").join(file)).unwrap();
    }
    assert!(
        made.prepared(&parse("python"), Some("../evil/bin/python3"))
            .is_err()
    );

    let bin = made.at("project/.venv/bin");
    fs::create_dir_all(&bin).unwrap();
    made.says(".venv/pyvenv.cfg", "home = /nowhere\n");
    symlink("../../../evil/bin/python3", bin.join("python")).unwrap();
    let found = made.found("python3.13");
    assert!(found.contains(own), "{found}");
    assert!(!made.at("ran").exists());

    // It is the user who names it.
    made.set("LAMBKIN_PYTHON", "evil/bin/python3");
    assert!(
        made.found("python3.13")
            .starts_with("Python 3.13.9 at evil/")
    );
    assert!(made.at("ran").exists());
}

#[test]
fn files_of_projects_that_are_no_files_are_passed_over() {
    let made = Made::new();
    made.install("bin/python3", "Python 3.13.1");
    made.install("bin/node", "v22.1.0");
    let project = made.at("project");
    let fifo = std::process::Command::new("mkfifo")
        .args([project.join(".python-version"), project.join(".nvmrc")])
        .status();
    assert!(fifo.unwrap().success());
    fs::create_dir(project.join(".venv")).unwrap();
    for endless in [
        ".tool-versions",
        "package.json",
        ".venv/pyvenv.cfg",
        "code/package.json",
    ] {
        symlink("/dev/zero", project.join(endless)).unwrap();
    }
    let used = "Python 3.13.1 at bin/python3 (PATH)";
    assert!(made.found("python").contains(used));
    assert!(
        made.found("nodejs22.x")
            .starts_with("Node 22.1.0 at bin/node")
    );
}
