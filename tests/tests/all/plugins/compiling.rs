//! Plugins that have to be compiled first: progress, interruption, and what happens without a cache.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use super::{GOOD, NAME, component, template};
use crate::support::{Project, RAW_BOOTSTRAP, eventually, lambkin};

/// A project with one trigger, `web`, for each of these files, and one function.
fn project(files: &[(&str, &[u8])]) -> Project {
    let triggers = files.iter().enumerate().map(|(n, (file, _))| {
        format!("[triggers.web{n}]\nplugin = \"./{file}\"\nlisten = \"127.0.0.1:0\"\n")
    });
    let triggers: String = triggers.collect();
    let project = Project::new(&format!(
        "[functions.f]\ncode = \"{RAW_BOOTSTRAP}\"\n{triggers}"
    ));
    for (file, bytes) in files {
        project.file(file, bytes);
    }
    project
}

/// A component that takes the compiler some seconds for each of its functions.
fn slow(functions: u32) -> Vec<u8> {
    let functions = template::slow_functions(functions, 30_000);
    template::good().with("module", &functions).bytes().to_vec()
}

/// Lambkin with a cache of its own, in the project's folder.
fn command(project: &Project, arguments: &[&str]) -> Command {
    in_project(lambkin(), project, arguments)
}

/// The same with the default action of Ctrl-C, which a shell without job control takes from what it runs in the
/// background.
fn interruptible(project: &Project, arguments: &[&str]) -> Command {
    if !cfg!(target_os = "linux") {
        return command(project, arguments);
    }
    let mut env = Command::new("env");
    env.arg("--default-signal=INT").arg(lambkin().get_program());
    in_project(env, project, arguments)
}

fn in_project(mut command: Command, project: &Project, arguments: &[&str]) -> Command {
    command
        .args(arguments)
        .env("LAMBKIN_CACHE_DIR", project.path().join("cache"))
        .current_dir(project.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).expect("it runs");
}

/// The processes whose parent is this one.
fn children(parent: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").expect("processes");
    let pids = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter(|pid: &u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let after_name = stat.rsplit_once(')').unwrap_or_default().1;
        after_name.split_whitespace().nth(1) == Some(&parent.to_string())
    })
    .collect()
}

#[test]
fn a_signal_ends_every_command_at_once_while_a_plugin_compiles() {
    let project = project(&[("slow.wasm", &slow(4))]);
    for (arguments, signal, code) in [
        (&["serve"][..], Signal::INT, Some(0)),
        (&["serve"], Signal::TERM, Some(0)),
        (&["serve"], Signal::KILL, None),
        (&["check"], Signal::INT, None),
        (&["shape", "web0", "GET", "/"], Signal::TERM, None),
    ] {
        let mut child = interruptible(&project, arguments)
            .spawn()
            .expect("it starts");
        let mut stderr = BufReader::new(child.stderr.take().expect("its stderr"));
        let mut line = String::new();
        stderr.read_line(&mut line).expect("a line");
        assert_eq!(
            line,
            "compiling ./slow.wasm (first time; cached afterwards)…\n"
        );
        let compilers = children(child.id());
        assert_eq!(compilers.len(), 1, "{arguments:?}");
        send(&child, signal);
        let status = child.wait().expect("it ends");
        match code {
            Some(_) => assert_eq!(status.code(), code, "{arguments:?}"),
            None => assert_eq!(status.signal(), Some(signal.as_raw()), "{arguments:?}"),
        }
        let mut rest = String::new();
        stderr.read_to_string(&mut rest).expect("text");
        // Otherwise it was not interrupted but finished.
        assert_eq!(rest, "", "{arguments:?}");
        eventually("the compiler to be gone", || {
            !fs::exists(format!("/proc/{}", compilers[0])).unwrap_or(false)
        });
    }
    let left = fs::read_dir(project.path().join("cache")).expect("the cache");
    assert_eq!(left.count(), 0, "nothing is left behind");
}

#[test]
fn the_first_start_says_what_takes_long_and_later_ones_say_nothing() {
    let project = project(&[
        ("slow.wasm", &slow(1)),
        ("quick.wasm", &component(NAME, GOOD)),
    ]);
    let output = command(&project, &["check"]).output().expect("it runs");
    let text = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(output.status.success(), "{text}");
    assert!(
        text.contains("compiling ./slow.wasm (first time; cached afterwards)…\n")
            && text.contains("compiled ./slow.wasm in "),
        "{text}"
    );
    let output = command(&project, &["check"]).output().expect("it runs");
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn a_plugin_works_where_its_code_cannot_be_kept() {
    let project = project(&[("quick.wasm", &component(NAME, GOOD))]);
    let lambkin = command(&project, &["check"]);
    // No process may write a file of more than half a kilobyte, as on a full disk.
    let mut limited = Command::new("sh");
    limited
        .args(["-c", "trap '' XFSZ; ulimit -f 1; exec \"$0\" check"])
        .arg(lambkin.get_program())
        .env("LAMBKIN_CACHE_DIR", project.path().join("cache"))
        .current_dir(project.path());
    let output = limited.output().expect("it runs");
    let text = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(output.status.success(), "{text}");
    assert!(
        text.contains("compiled code of plugin ./quick.wasm cannot be kept in "),
        "{text}"
    );
    let left = fs::read_dir(project.path().join("cache")).expect("the cache");
    assert_eq!(left.count(), 0, "nothing is left behind");

    let output = command(&project, &["check"])
        .env("LAMBKIN_CACHE_DIR", "/proc/none/cache")
        .output()
        .expect("it runs");
    let text = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(output.status.success(), "{text}");
    assert!(
        text.contains("the folder /proc/none/cache cannot be created"),
        "{text}"
    );
    assert!(
        text.contains("choose another one with --cache-dir"),
        "{text}"
    );
}

#[test]
fn all_plugins_that_do_not_load_are_reported_in_the_order_of_the_configuration() {
    let damaged = |at: usize| {
        let mut bytes = component(NAME, GOOD);
        bytes.truncate(bytes.len() - at);
        bytes
    };
    // The text format is not validated: this function lacks its result.
    let invalid = template::good()
        .with("module", "(func (result i32))")
        .bytes();
    let text = project(&[
        ("z.wasm", &invalid),
        ("good.wasm", &component(NAME, GOOD)),
        ("cut.wasm", &damaged(100)),
        ("a.wasm", b"text"),
    ])
    .refusal();
    let found: Vec<Option<usize>> = [
        "./z.wasm: it cannot be compiled: ",
        "./cut.wasm: ",
        "./a.wasm: ",
    ]
    .map(|start| text.find(&format!("cannot load plugin {start}")))
    .into();
    assert!(
        found.iter().all(Option::is_some) && found.is_sorted(),
        "{text}"
    );
}
