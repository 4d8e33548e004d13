//! Which mode a function gets: as it is configured, by default, and on a machine where namespaces do not work.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

use super::{As, RUNS_FILES, command, namespaces};
use crate::support::{Project, lambkin, tool};

/// A project whose functions tell where their code is, in the order of the settings.
fn project(top: &str, settings: &[&str]) -> Option<Project> {
    let functions = settings.iter().enumerate();
    let functions: String = functions
        .map(|(number, settings)| {
            format!("[functions.f{number}]\ncode = \"code\"\ntimeout = 30\n{settings}\n")
        })
        .collect();
    let project = Project::new(&format!("{top}\n{functions}"));
    project.bash_bootstrap(RUNS_FILES).ok()?;
    project.file("code/where", "echo $LAMBDA_TASK_ROOT");
    Some(project)
}

#[test]
fn the_mode_is_that_of_the_argument_else_of_the_function_else_of_the_file() {
    if namespaces(As::User).is_err() {
        return;
    }
    let inside = "\"/var/task\\n\"";
    for (top, settings, arguments, expected) in [
        (
            "",
            vec!["", "sandbox = 'namespace'"],
            vec![],
            vec![false, true],
        ),
        (
            "sandbox = 'namespace'",
            vec!["", "sandbox = 'process'"],
            vec![],
            vec![true, false],
        ),
        ("sandbox = 'auto'", vec![""], vec![], vec![true]),
        (
            "",
            vec!["sandbox = 'namespace'"],
            vec!["--sandbox", "process"],
            vec![false],
        ),
        ("", vec![""], vec!["--sandbox", "auto"], vec![true]),
    ] {
        let Some(project) = project(top, &settings) else {
            return;
        };
        let server = project.serve_by(command(As::User, project.path()), &arguments);
        for (number, expected) in expected.into_iter().enumerate() {
            let text = server.invoke(&format!("f{number}"), "\"where\"").text();
            assert_eq!(
                text == inside,
                expected,
                "{top} {settings:?} {arguments:?} {text}"
            );
        }
        if top.contains("auto") || arguments.contains(&"auto") {
            server.log_with("sandbox \"auto\" is \"namespace\" here");
        }
    }
}

#[test]
fn a_function_without_a_configuration_can_be_invoked_in_a_sandbox() {
    if namespaces(As::User).is_err() {
        return;
    }
    let Some(project) = project("", &[]) else {
        return;
    };
    let output = command(As::User, project.path())
        .args(["invoke", "--sandbox", "namespace", "./code", "\"where\""])
        .current_dir(project.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(
        text,
        "\"/var/task\\n\"\n",
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A command that runs lambkin where no user namespace can be made.
fn without_namespaces(project: &Project) -> Command {
    let mut command = Command::new("/usr/bin/unshare");
    command.args(["--user", "--map-root-user", "/bin/sh", "-c"]);
    command.arg("echo 0 > /proc/sys/user/max_user_namespaces && exec \"$0\" \"$@\"");
    command.arg(lambkin().get_program());
    command.current_dir(project.path()).stdin(Stdio::null());
    command
}

#[test]
fn the_doctor_says_what_works_and_what_would_enable_the_rest() {
    let project = Project::new("");
    let run = |mut command: Command| {
        let output = command.arg("doctor").output().unwrap();
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert_eq!((output.status.code(), err.as_str()), (Some(0), ""), "{out}");
        out
    };
    if namespaces(As::User).is_ok() {
        for host in As::all() {
            let report = run(command(host, project.path()));
            for row in [
                "yes  programs are started",
                "yes  nothing outlives lambkin",
                "yes  user, PID, mount, IPC and UTS namespaces",
                "yes  several layers are merged at /opt",
                "  functions cannot connect to abstract Unix sockets",
            ] {
                assert!(report.contains(row), "{host:?} {report}");
            }
        }
    }
    let mut probe = Command::new("unshare");
    probe.args(["--user", "--map-root-user", "true"]);
    if tool("unshare with user namespaces", probe).is_err() {
        return;
    }
    // Without interpreters, too.
    let mut command = without_namespaces(&project);
    command.env("PATH", "/bin/none").env("HOME", project.path());
    let report = run(command);
    for row in [
        "no   user, PID, mount, IPC and UTS namespaces",
        "to enable it: `sudo sysctl -w user.max_user_namespaces=15000`",
        "no   Ruby\n       to install it: mise install ruby@",
    ] {
        assert!(report.contains(row), "{row}: {report}");
    }
}

#[test]
fn a_mode_that_is_asked_for_by_name_and_does_not_work_is_refused_with_what_would_enable_it() {
    let mut probe = Command::new("unshare");
    probe.args(["--user", "--map-root-user", "true"]);
    if tool("unshare with user namespaces", probe).is_err() {
        return;
    }
    let Some(project) = project("", &["sandbox = 'namespace'"]) else {
        return;
    };
    let run = |arguments: &[&str]| {
        let output = without_namespaces(&project)
            .args(arguments)
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        (
            output.status.code(),
            text(&output.stdout),
            text(&output.stderr),
        )
    };
    for arguments in [&["serve"][..], &["invoke", "f0", "\"where\""]] {
        let (code, out, err) = run(arguments);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{err}");
        for part in [
            "function f0: sandbox \"namespace\" does not work here",
            "unshare(user, pid): No space left on device (os error 28)",
            "sudo sysctl -w user.max_user_namespaces=15000",
        ] {
            assert!(err.contains(part), "{err}");
        }
        assert!(!err.contains("listening"), "{err}");
    }
    let (code, _, err) = run(&["check"]);
    assert_eq!(code, Some(1));
    assert!(
        err.contains("sudo sysctl -w user.max_user_namespaces=15000"),
        "{err}"
    );
    let (code, out, err) = run(&["invoke", "--sandbox", "auto", "f0", "\"where\""]);
    assert_eq!(code, Some(0), "{err}");
    let code_folder = project.path().canonicalize().unwrap().join("code");
    assert_eq!(out, format!("\"{}\\n\"\n", code_folder.display()));
    assert!(
        err.contains("sandbox \"auto\" is \"process\" here"),
        "{err}"
    );
    assert!(err.contains("user.max_user_namespaces=15000"), "{err}");
}

#[test]
fn layers_on_a_file_system_that_cannot_be_merged_are_refused_before_a_call() {
    if !As::all().contains(&As::Root) || namespaces(As::Root).is_err() {
        return;
    }
    let Some(project) = project("", &["sandbox = 'namespace'\nlayers = ['second', 'third']"])
    else {
        return;
    };
    for folder in ["a", "b", "c", "first", "second", "third"] {
        fs::create_dir(project.path().join(folder)).unwrap();
    }
    // The kernel stacks two of them, as of a container in a container, and no third one.
    let stack = "mount -t overlay overlay -o lowerdir=a:b first && mount -t overlay overlay -o lowerdir=first:c second";
    let run = |prepare: &str, arguments: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c"]);
        command.arg(format!("{prepare} && exec \"$0\" \"$@\""));
        command.arg(lambkin().get_program()).args(arguments);
        command.current_dir(project.path()).stdin(Stdio::null());
        command
    };
    let mut probe = run(stack, &["--version"]);
    probe.stdout(Stdio::null());
    if tool("mounts of overlayfs", probe).is_err() {
        return;
    }
    let checked = |prepare: &str, arguments: &[&str]| {
        let output = run(prepare, arguments).output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), text)
    };
    assert_eq!(checked("true", &["check"]), (Some(0), String::new()));
    let (code, text) = checked(stack, &["check"]);
    assert_eq!(code, Some(1), "{text}");
    for part in [
        "function f0: sandbox \"namespace\" does not work here: mount(overlay) at /opt",
        "such as a volume of the container",
    ] {
        assert!(text.contains(part), "{text}");
    }
    let (code, text) = checked(stack, &["check", "--sandbox", "auto"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(
        text.contains("sandbox \"auto\" is \"process\" here"),
        "{text}"
    );
}

#[test]
fn what_a_sandbox_shows_of_the_machine_is_said() {
    if namespaces(As::User).is_err() {
        return;
    }
    let Some(project) = project("", &["sandbox = 'namespace'"]) else {
        return;
    };
    let tool = project.executable("tools/bin/tool", "#!/bin/sh\n");
    project.file("tools/lib/secret", "");
    project.executable("code/bootstrap", format!("#!{}\n", tool.display()));
    let output = command(As::User, project.path())
        .arg("check")
        .current_dir(project.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    let said = format!(
        "function f0: its sandbox shows, besides the code and the system: {}\n",
        tool.canonicalize().unwrap().display()
    );
    assert!(text.contains(&said), "{text}");
}

#[test]
fn links_that_lead_out_of_the_code_are_named_before_they_are_missed() {
    if namespaces(As::User).is_err() {
        return;
    }
    let Some(project) = project("", &["sandbox = 'namespace'"]) else {
        return;
    };
    project.file("packages/shared/index.js", "");
    project.file("code/node_modules/other/index.js", "");
    let code = project.path().join("code");
    symlink("../../packages/shared", code.join("node_modules/shared")).unwrap();
    symlink("node_modules/other", code.join("other")).unwrap();
    for command_line in [&["check"][..], &["doctor", "f0"]] {
        let output = command(As::User, project.path())
            .args(command_line)
            .current_dir(project.path())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        let said = format!(
            "function f0: in its sandbox, node_modules/shared leads nowhere, as {} is outside of the code: copy it into the \
             code or a layer",
            project
                .path()
                .canonicalize()
                .unwrap()
                .join("packages/shared")
                .display()
        );
        assert!(text.contains(&said), "{text}");
    }
}
