//! The files of the store: who may read them, and what happens if they are deleted or replaced, or if something else is
//! in their place.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Project, RecorderProject, Server, eventually};

const CONFIG: &str = "[queues.orders]\n[buckets.things]\n";

/// A name, and what is done to a path.
type Case<'a> = (&'a str, &'a dyn Fn(&Path));

fn project() -> RecorderProject {
    RecorderProject::new("", CONFIG)
}

fn send(server: &Server) -> u16 {
    let input = json!({ "QueueUrl": server.queue_url("orders"), "MessageBody": "body" });
    server.sqs("SendMessage", &input).status
}

fn put(server: &Server) -> u16 {
    server.s3("PUT", "/things/key", &[], b"content").status
}

fn fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
fn nobody_else_may_read_what_the_host_keeps() {
    let project = project();
    let own = project.project.path().join(".lambkin");
    // As an earlier version has left it.
    fs::create_dir_all(own.join("objects")).unwrap();
    fs::write(own.join("store.sqlite"), "").unwrap();
    for path in [own.clone(), own.join("objects")] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let server = project.project.serve();
    assert_eq!((send(&server), put(&server)), (200, 200));
    let mut folders = vec![own];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        let mode = fs::metadata(&folder).unwrap().mode() & 0o777;
        if seen == 0 {
            assert_eq!(mode, 0o700, "{}", folder.display());
        }
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let about = fs::symlink_metadata(&path).unwrap();
            if about.is_dir() {
                folders.push(path);
            } else {
                seen += 1;
                assert_eq!(about.mode() & 0o077, 0, "{}", path.display());
            }
        }
    }
    assert!(seen >= 3);
    let outside = fs::metadata(project.project.path()).unwrap().mode();
    drop(server);
    assert_eq!(
        fs::metadata(project.project.path()).unwrap().mode(),
        outside
    );
}

#[test]
fn a_store_that_is_deleted_or_replaced_while_the_host_runs_is_noticed() {
    let deletions: [Case; 6] = [
        ("rm -rf .lambkin", &|own| fs::remove_dir_all(own).unwrap()),
        ("mv .lambkin", &|own| {
            fs::rename(own, own.with_file_name("elsewhere")).unwrap();
        }),
        ("rm store.sqlite", &|own| {
            fs::remove_file(own.join("store.sqlite")).unwrap();
        }),
        ("another store.sqlite", &|own| {
            fs::remove_file(own.join("store.sqlite")).unwrap();
            fs::write(own.join("store.sqlite"), "").unwrap();
        }),
        ("rm store.sqlite-wal", &|own| {
            fs::remove_file(own.join("store.sqlite-wal")).unwrap();
        }),
        ("rm store.sqlite.lock", &|own| {
            fs::remove_file(own.join("store.sqlite.lock")).unwrap();
        }),
    ];
    for (what, delete) in deletions {
        let project = project();
        let server = project.project.serve();
        assert_eq!((send(&server), put(&server)), (200, 200), "{what}");
        delete(&project.project.path().join(".lambkin"));
        for _ in 0..2 {
            assert_eq!((send(&server), put(&server)), (503, 503), "{what}");
        }
        let log = server.log_with("was deleted or replaced while lambkin is running");
        assert!(log.contains("stop lambkin"), "{what}: {log}");
    }
}

#[test]
fn an_objects_folder_that_is_deleted_while_the_host_runs_is_noticed() {
    let project = project();
    let server = project.project.serve();
    assert_eq!(put(&server), 200);
    fs::remove_dir_all(project.project.path().join(".lambkin/objects")).unwrap();
    for _ in 0..2 {
        assert_eq!(put(&server), 503);
        let large = vec![b'x'; 300_000];
        assert_eq!(server.s3("PUT", "/things/large", &[], &large).status, 503);
        assert_eq!(server.s3("GET", "/things/key", &[], b"").status, 503);
    }
    assert_eq!(send(&server), 200, "messages are not affected");
}

#[test]
fn an_object_whose_file_was_deleted_or_replaced_is_named_and_can_be_stored_again() {
    let project = project();
    let server = project.project.serve();
    let bucket = project.project.path().join(".lambkin/objects/things");
    let the_file = || {
        let mut files = fs::read_dir(&bucket).unwrap();
        files.find_map(|file| {
            let path = file.unwrap().path();
            path.to_str().unwrap().ends_with("-key").then_some(path)
        })
    };
    for replace in [false, true] {
        assert_eq!(put(&server), 200);
        eventually("one file is left", || {
            fs::read_dir(&bucket).unwrap().count() == 1
        });
        let file = the_file().unwrap();
        fs::remove_file(&file).unwrap();
        if replace {
            fifo(&file);
        }
        let got = server.s3("GET", "/things/key", &[], b"");
        assert_eq!(got.status, 503, "{}", got.text());
        server.log_with("things");
        if replace {
            fs::remove_file(&file).unwrap();
        }
    }
    assert_eq!(put(&server), 200);
    assert_eq!(server.s3("GET", "/things/key", &[], b"").text(), "content");
}

/// Runs `lambkin` in the project and returns its error output. It must end by itself.
#[track_caller]
fn refusal(project: &Project, arguments: &[&str]) -> String {
    let start = Instant::now();
    let mut command = Command::new("timeout");
    let lambkin = crate::support::lambkin();
    command.arg("60").arg(lambkin.get_program()).args(arguments);
    for (name, value) in lambkin.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    let output = command.current_dir(project.path()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{text}");
    assert!(
        start.elapsed() < Duration::from_secs(60),
        "it hangs: {text}"
    );
    text
}

#[test]
fn something_else_in_the_place_of_a_file_is_an_error_at_once() {
    let kinds: [Case; 4] = [
        ("a FIFO", &fifo),
        ("a folder", &|path| fs::create_dir(path).unwrap()),
        ("a symbolic link", &|path| {
            symlink("elsewhere", path).unwrap()
        }),
        ("a socket", &|path| {
            drop(std::os::unix::net::UnixListener::bind(path).unwrap());
        }),
    ];
    for name in ["store.sqlite.lock", "store.sqlite"] {
        for (kind, make) in kinds {
            let link_to_nothing = kind == "a symbolic link" && name == "store.sqlite";
            if link_to_nothing {
                continue; // SQLite creates its target
            }
            let project = project();
            let own = project.project.path().join(".lambkin");
            fs::create_dir(&own).unwrap();
            make(&own.join(name));
            let text = refusal(&project.project, &["serve"]);
            for part in [
                name,
                &format!("is {kind} instead of a regular file: move it away"),
            ] {
                assert!(text.contains(part), "{name}, {kind}: {text}");
            }
        }
    }
}

#[test]
fn a_fifo_in_the_place_of_an_input_is_an_error_at_once() {
    let project = Project::echo("env-file = 'variables'");
    fifo(&project.path().join("variables"));
    let text = refusal(&project, &["serve"]);
    assert!(
        text.contains("variables") && text.contains("it is a FIFO"),
        "{text}"
    );

    let project = Project::echo("");
    fifo(&project.path().join("event"));
    let text = refusal(&project, &["invoke", "echo", "-e", "event"]);
    assert!(
        text.contains("event") && text.contains("it is a FIFO"),
        "{text}"
    );

    fs::remove_file(project.path().join("lambkin.toml")).unwrap();
    fifo(&project.path().join("lambkin.toml"));
    let text = refusal(&project, &["serve"]);
    assert!(
        text.contains("lambkin.toml") && text.contains("it is a FIFO"),
        "{text}"
    );
}
