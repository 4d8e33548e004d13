//! Functions restart when their files change.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Stdio;
use std::thread;

use serde_json::Value;

use crate::support::{Project, RAW_BOOTSTRAP, Server, eventually, lambkin, request};

/// A script that starts the raw bootstrap with a version in its environment.
fn bootstrap(version: &str) -> String {
    format!("#!/bin/sh\nVERSION={version} exec \"{RAW_BOOTSTRAP}\"\n")
}

/// Serves one function in the folder `code`, watched.
fn watched(settings: &str) -> (Project, Server) {
    let project = Project::new(&format!("[functions.echo]\ncode = \"code\"\n{settings}"));
    project.executable("code/bootstrap", bootstrap("one"));
    let server = project.serve_with(&["--watch"], &[]);
    assert_eq!(version(&server), "one");
    (project, server)
}

#[track_caller]
fn version(server: &Server) -> String {
    let reply = server.invoke("echo", r#"{"env":"VERSION"}"#);
    reply.json().as_str().unwrap_or_default().to_owned()
}

#[track_caller]
fn wait_for_version(server: &Server, expected: &str) {
    eventually(&format!("version {expected}"), || {
        version(server) == expected
    });
}

fn restarts(server: &Server) -> usize {
    server.log().matches("function echo restarts").count()
}

#[test]
fn a_change_restarts_the_function_and_the_log_says_why() {
    let (project, server) = watched("");
    project.executable("code/bootstrap", bootstrap("two"));
    let log = server.log_with("lambkin: function echo restarts: ");
    let line = log.lines().find(|line| line.contains("restarts")).unwrap();
    assert!(line.ends_with("code/bootstrap has changed"), "{line}");
    wait_for_version(&server, "two");
}

#[test]
fn a_running_call_finishes_on_the_code_it_started_with() {
    let (project, server) = watched("timeout = 60");
    let event = r#"{"print":"begun","sleep_ms":3000,"env":"VERSION"}"#;
    thread::scope(|scope| {
        let call = scope.spawn(|| server.invoke("echo", event));
        server.log_with("begun");
        project.executable("code/bootstrap", bootstrap("two"));
        server.log_with("restarts");
        wait_for_version(&server, "two");
        assert_eq!(call.join().unwrap().json(), "one");
    });
}

#[test]
fn a_burst_of_changes_causes_one_restart() {
    let (project, server) = watched("");
    for number in 0..500 {
        project.file(&format!("code/lib/{number}.py"), "x");
    }
    project.executable("code/bootstrap", bootstrap("two"));
    wait_for_version(&server, "two");
    // A new environment may have started on the new code before the change was noticed.
    server.log_with("function echo restarts");
    // One restart, or a few if the machine stalls in the middle.
    assert!((1..10).contains(&restarts(&server)), "{}", server.log());
}

#[test]
fn changes_to_ignored_files_cause_no_restart() {
    let (project, server) = watched("watch = { ignore = [\"*.log\", \"/data\"] }");
    for name in [
        "__pycache__/a.pyc",
        ".git/HEAD",
        "a.log",
        "data/a",
        "bootstrap~",
    ] {
        project.file(&format!("code/{name}"), "x");
    }
    project.file("code/lib.py", "x");
    let log = server.log_with("restarts");
    assert_eq!(restarts(&server), 1);
    assert!(log.contains("code/lib.py has changed"), "{log}");
}

#[test]
fn files_replaced_by_renaming_and_new_folders_are_noticed() {
    let (project, server) = watched("");
    // Editors save files this way.
    let new = project.executable("code/.bootstrap.swp", bootstrap("two"));
    fs::rename(new, project.path().join("code/bootstrap")).unwrap();
    wait_for_version(&server, "two");

    project.file("code/lib/deep/down.py", "x");
    server.log_with("code/lib has changed");
    eventually("the folder to be watched", || {
        project.file("code/lib/deep/later.py", "x");
        server.log().contains("code/lib/deep/later.py has changed")
    });
}

#[test]
fn a_code_folder_that_is_recreated_or_replaced_is_noticed() {
    let (project, server) = watched("");
    let folder = project.path().join("code");
    // Removed and made again.
    fs::remove_dir_all(&folder).unwrap();
    server.log_with("function echo stays as it was: ");
    project.executable("code/bootstrap", bootstrap("two"));
    wait_for_version(&server, "two");
    // Built aside and put in its place.
    project.executable("new/bootstrap", bootstrap("three"));
    fs::rename(&folder, project.path().join("old")).unwrap();
    fs::rename(project.path().join("new"), &folder).unwrap();
    wait_for_version(&server, "three");
    // The folder is still watched.
    project.executable("code/bootstrap", bootstrap("four"));
    wait_for_version(&server, "four");
}

#[test]
fn a_package_of_the_project_behind_a_link_is_watched() {
    let project = Project::new("[functions.echo]\ncode = \"code\"\n");
    project.executable("code/bootstrap", bootstrap("one"));
    project.file("packages/lib/index.js", "one");
    fs::create_dir(project.path().join("code/node_modules")).unwrap();
    symlink(
        "../../packages/lib",
        project.path().join("code/node_modules/lib"),
    )
    .unwrap();
    let server = project.serve_with(&["--watch"], &[]);
    project.file("packages/lib/index.js", "two");
    server.log_with("function echo restarts: packages/lib/index.js has changed");
    // A package that is linked later.
    project.file("packages/late/index.js", "one");
    symlink(
        "../../packages/late",
        project.path().join("code/node_modules/late"),
    )
    .unwrap();
    server.log_with("code/node_modules/late has changed");
    eventually("the new package to be watched", || {
        project.file("packages/late/index.js", "two");
        server.log().contains("packages/late/index.js has changed")
    });
}

#[test]
fn links_out_of_the_project_are_not_followed() {
    let project = Project::new("[functions.echo]\ncode = \"code\"\n");
    project.executable("code/bootstrap", bootstrap("one"));
    let outside = tempfile::tempdir().unwrap();
    for (name, target) in [
        ("usr", Path::new("/usr")),
        ("proc", Path::new("/proc")),
        ("out", outside.path()),
    ] {
        symlink(target, project.path().join("code").join(name)).unwrap();
    }
    let server = project.serve_with(&["--watch"], &[]);
    fs::write(outside.path().join("file"), "x").unwrap();
    project.file("code/lib.py", "x");
    let log = server.log_with("code/lib.py has changed");
    assert_eq!(restarts(&server), 1, "{log}");
}

#[test]
fn code_that_is_a_link_is_followed_where_it_leads_now() {
    for (code, link) in [
        ("current", "current"),
        ("latest/code", "latest"),
        ("run", "run"),
    ] {
        let project = Project::new(&format!("[functions.echo]\ncode = \"{code}\"\n"));
        let target = |version: &str| match code {
            "current" => format!("releases/{version}/code"),
            "run" => format!("releases/{version}/code/bootstrap"),
            _ => format!("releases/{version}"),
        };
        for version in ["one", "two"] {
            project.executable(
                &format!("releases/{version}/code/bootstrap"),
                bootstrap(version),
            );
        }
        let link = project.path().join(link);
        symlink(target("one"), &link).unwrap();
        let server = project.serve_with(&["--watch"], &[]);
        assert_eq!(version(&server), "one");
        let next = project.path().join("next");
        symlink(target("two"), &next).unwrap();
        fs::rename(next, &link).unwrap();
        wait_for_version(&server, "two");
        // What it leads to now is watched.
        project.executable("releases/two/code/bootstrap", bootstrap("three"));
        wait_for_version(&server, "three");
    }
}

#[test]
fn a_changed_configuration_is_checked_and_then_everything_starts_anew() {
    let project = Project::echo("[functions.echo.environment]\nVERSION = \"one\"\n");
    let config = fs::read_to_string(project.path().join("lambkin.toml")).unwrap();
    let mut server = project.serve_with(&["--watch"], &[]);
    assert_eq!(version(&server), "one");
    let call = server.invoke_meanwhile(
        "echo",
        r#"{"print":"begun","sleep_ms":1500,"env":"VERSION"}"#,
    );
    server.log_with("begun");

    project.file("lambkin.toml", config.replace("code =", "cude ="));
    let log = server.log_with("but the old configuration stays in effect:");
    assert!(log.contains("lambkin.toml has changed"), "{log}");
    server.log_with("functions.echo.cude: ");
    assert_eq!(version(&server), "one");

    project.file("lambkin.toml", config.replace("\"one\"", "\"two\""));
    server.log_with("lambkin.toml has changed: everything restarts");
    let pid = server.pid();
    assert_eq!(call.join().unwrap().json(), "one", "a call under way ends");
    server.ready_again();
    assert_eq!(version(&server), "two");
    assert_eq!(server.pid(), pid);
    // The new process watches, too.
    project.file("lambkin.toml", config.replace("\"one\"", "\"three\""));
    server.ready_again();
    assert_eq!(version(&server), "three");
}

#[test]
fn a_changed_plugin_file_starts_everything_anew() {
    let prebuilt =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins/prebuilt/api-gateway-http.wasm");
    let project = Project::new(&format!(
        "[functions.echo]\ncode = \"{RAW_BOOTSTRAP}\"\n\
         [triggers.web]\nplugin = \"./web.wasm\"\nlisten = \"127.0.0.1:0\"\nfunction = \"echo\"\n"
    ));
    let plugin = project.path().join("web.wasm");
    fs::copy(&prebuilt, &plugin).unwrap();
    let mut server = project.serve_with(&["--watch"], &[]);
    assert_eq!(server.web("GET", "/", &[], b"").status, 200);
    fs::write(&plugin, "no component").unwrap();
    server.log_with("web.wasm has changed, but the old configuration stays in effect:");
    assert_eq!(server.web("GET", "/", &[], b"").status, 200);
    fs::copy(&prebuilt, &plugin).unwrap();
    server.log_with("web.wasm has changed: everything restarts");
    server.ready_again();
    assert_eq!(server.web("GET", "/", &[], b"").status, 200);
}

fn zip(path: &Path, bootstrap: &str) {
    let mut writer = zip::ZipWriter::new(fs::File::create(path).unwrap());
    let options = zip::write::SimpleFileOptions::default().unix_permissions(0o755);
    writer.start_file("bootstrap", options).unwrap();
    writer.write_all(bootstrap.as_bytes()).unwrap();
    writer.finish().unwrap();
}

#[test]
fn a_changed_zip_is_unpacked_again_and_a_broken_one_is_ignored() {
    let project = Project::new("[functions.echo]\ncode = \"code.zip\"\nwatch = true\n");
    let archive = project.path().join("code.zip");
    zip(&archive, &bootstrap("one"));
    let server = project.serve();
    assert_eq!(version(&server), "one");

    fs::write(&archive, "no archive").unwrap();
    server.log_with("function echo stays as it was: cannot unpack ");
    assert_eq!(version(&server), "one");

    zip(&archive, &bootstrap("two"));
    wait_for_version(&server, "two");
}

#[test]
fn the_programs_own_log_in_the_code_folder_restarts_nothing() {
    let project = Project::new("[functions.echo]\ncode = \"code\"\n");
    project.executable("code/bootstrap", bootstrap("one"));
    let log = project.path().join("code/log");
    let mut child = lambkin()
        .args(["serve", "--watch", "--json"])
        .current_dir(project.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(fs::File::create(&log).unwrap())
        .spawn()
        .unwrap();
    let mut ready = String::new();
    let stdout = child.stdout.take().unwrap();
    BufReader::new(stdout).read_line(&mut ready).unwrap();
    let ready: Value = serde_json::from_str(&ready).unwrap();
    let path = "/2015-03-31/functions/echo/invocations";
    let version = || {
        let event = br#"{"env":"VERSION"}"#;
        request(ready["invoke"].as_str().unwrap(), "POST", path, &[], event).json()
    };
    assert_eq!(version(), "one");
    // Each restart adds a line to the log.
    for next in ["two", "three", "four"] {
        project.executable("code/bootstrap", bootstrap(next));
        eventually(next, || version() == next);
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let log = fs::read_to_string(log).unwrap();
    assert!(
        log.contains("restarts: code/bootstrap has changed"),
        "{log}"
    );
    assert!(!log.contains("log has changed"), "{log}");
}

#[test]
fn a_layer_may_be_a_zip_that_is_unpacked_again_when_it_changes() {
    let project =
        Project::new("[functions.echo]\ncode = \"code\"\nlayers = [\"layer.zip\"]\nwatch = true\n");
    fs::create_dir(project.path().join("code")).unwrap();
    let archive = project.path().join("layer.zip");
    zip(&archive, &bootstrap("one"));
    let server = project.serve();
    assert_eq!(version(&server), "one");
    zip(&archive, &bootstrap("two"));
    wait_for_version(&server, "two");
    server.log_with("has changed");
}

#[test]
fn a_changed_env_file_restarts_its_function() {
    let project = Project::echo("env-file = \".env\"\nwatch = true");
    project.file(".env", "VERSION=one\n");
    let server = project.serve();
    assert_eq!(version(&server), "one");

    project.file(".env", "VERSION=two\nAWS_REGION=x\n");
    let log = server.log_with("function echo stays as it was: ");
    assert!(log.contains(".env:2: AWS_REGION is reserved"), "{log}");
    assert_eq!(version(&server), "one");

    project.file(".env", "VERSION=three\n");
    wait_for_version(&server, "three");
}

#[test]
fn nothing_is_watched_by_default() {
    let serve = |settings: &str, arguments: &[&str]| {
        let project = Project::echo(settings);
        let server = project.serve_with(arguments, &[]);
        assert_eq!(server.invoke("echo", "1").status, 200);
        server
    };
    let watches = |server: &Server| {
        let tasks = fs::read_dir(format!("/proc/{}/task", server.pid())).unwrap();
        tasks
            .flatten()
            .filter_map(|task| fs::read_to_string(task.path().join("comm")).ok())
            .any(|name| name == "watch\n")
    };
    assert!(!watches(&serve("", &[])));
    assert!(!watches(&serve("watch = false", &[])));
    assert!(!watches(&serve("watch = true", &["--no-watch"])));
    // A thread gets its name when it runs for the first time, which may be late on a busy machine.
    for server in [serve("watch = true", &[]), serve("", &["--watch"])] {
        eventually("the watching thread", || watches(&server));
    }
}

#[test]
fn an_invalid_ignore_pattern_is_reported_at_its_position() {
    let project = Project::echo("watch = { ignore = [\"[a\"] }");
    let text = project.refusal();
    assert!(text.contains("functions.echo.watch.ignore: "), "{text}");
    let text = Project::echo("watch = 3").refusal();
    assert!(
        text.contains("must be `true`, `false` or a table, not 3"),
        "{text}"
    );
}
