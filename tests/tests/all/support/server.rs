//! A running `lambkin serve`, and the binary itself.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::JoinHandle;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use super::http::{self, Reply};
use super::{eventually, project};

/// The binary under test, built if it is not up to date.
pub fn lambkin() -> Command {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    let binary = BINARY.get_or_init(|| {
        let profile = Path::new(env!("CARGO_BIN_EXE_raw-bootstrap"))
            .parent()
            .expect("a profile folder");
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--package", "lambkin"]);
        if profile.ends_with("release") {
            build.arg("--release");
        }
        // Cargo's own lines follow. Not `eprintln!`, which the test harness captures.
        let line = "building the program under test, if it is not up to date: cargo build --package lambkin\n";
        let _ = std::io::stderr().write_all(line.as_bytes());
        // The variables that cargo sets for this package must not reach the inner cargo: build scripts that depend on
        // them would run again, and everything that depends on those would be rebuilt.
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
                build.env_remove(&name);
            }
        }
        let built = build
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status()
            .expect("cargo runs");
        assert!(built.success(), "lambkin does not build");
        profile.join("lambkin")
    });
    let mut command = Command::new(binary);
    command.env("LAMBKIN_CACHE_DIR", project::cache_folder());
    command
}

/// A running server. Dropping it kills it.
pub struct Server {
    /// Kept until the server is dropped, because its store is in there.
    _folder: Arc<TempDir>,
    child: Child,
    stdout: BufReader<ChildStdout>,
    ready: Value,
    log: Arc<Mutex<String>>,
}

impl Server {
    #[track_caller]
    pub fn start(folder: Arc<TempDir>, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = lambkin();
        command
            .args(["serve", "--json"])
            .args(arguments)
            .envs(variables.iter().copied());
        Self::run(folder, command)
    }

    /// Like [`start`](Self::start), with a command that runs lambkin.
    #[cfg(target_os = "linux")]
    #[track_caller]
    pub fn start_by(folder: Arc<TempDir>, mut command: Command, arguments: &[&str]) -> Self {
        command.args(["serve", "--json"]).args(arguments);
        Self::run(folder, command)
    }

    /// Like [`start`](Self::start), prepared for [`write_up_to`](Self::write_up_to): the process ignores `SIGXFSZ`, so
    /// that a refused write is an error instead of ending the process.
    #[track_caller]
    pub fn start_on_a_limited_disk(folder: Arc<TempDir>) -> Self {
        Self::start_after(folder, "trap '' XFSZ")
    }

    /// Like [`start`](Self::start), with a limit on the number of open files.
    #[track_caller]
    pub fn start_with_files(folder: Arc<TempDir>, files: usize) -> Self {
        Self::start_after(folder, &format!("ulimit -n {files}"))
    }

    /// Starts the server from a shell that first runs another command.
    #[track_caller]
    fn start_after(folder: Arc<TempDir>, first: &str) -> Self {
        let lambkin = lambkin();
        let mut command = Command::new("sh");
        command
            .args(["-c", &format!("{first}; exec \"$0\" \"$@\"")])
            .arg(lambkin.get_program())
            .args(["serve", "--json"]);
        for (name, value) in lambkin.get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        Self::run(folder, command)
    }

    #[track_caller]
    fn run(folder: Arc<TempDir>, mut command: Command) -> Self {
        let mut child = command
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("lambkin starts");
        let log = collect(child.stderr.take().expect("its stderr"));
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().expect("its stdout"));
        stdout.read_line(&mut line).expect("its ready line");
        let Ok(ready) = serde_json::from_str(&line) else {
            let status = child.wait();
            panic!(
                "no ready line but {line:?}, {status:?}: {}",
                log.lock().unwrap()
            );
        };
        Self {
            _folder: folder,
            child,
            stdout,
            ready,
            log,
        }
    }

    /// Waits for the ready line of a process that has started anew, and uses its addresses from now on.
    #[track_caller]
    pub fn ready_again(&mut self) {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("a ready line");
        self.ready = serde_json::from_str(&line).expect("a ready line");
    }

    pub fn ready(&self) -> &Value {
        &self.ready
    }

    pub fn invoke_url(&self) -> &str {
        self.ready["invoke"]
            .as_str()
            .expect("the Invoke API's address")
    }

    pub fn trigger_url(&self, name: &str) -> &str {
        self.ready["triggers"][name]
            .as_str()
            .expect("the trigger's address")
    }

    /// Calls a function with the Invoke API.
    #[track_caller]
    pub fn invoke(&self, function: &str, event: impl AsRef<[u8]>) -> Reply {
        self.invoke_with(function, event, &[])
    }

    #[track_caller]
    pub fn invoke_with(
        &self,
        function: &str,
        event: impl AsRef<[u8]>,
        headers: &[(&str, &str)],
    ) -> Reply {
        let path = format!("/2015-03-31/functions/{function}/invocations");
        http::request(self.invoke_url(), "POST", &path, headers, event.as_ref())
    }

    /// Like [`invoke`](Self::invoke), in the background; joining the handle gives the reply.
    pub fn invoke_meanwhile(
        &self,
        function: &str,
        event: impl AsRef<[u8]> + Send + 'static,
    ) -> JoinHandle<Reply> {
        let url = self.invoke_url().to_owned();
        let path = format!("/2015-03-31/functions/{function}/invocations");
        std::thread::spawn(move || http::request(&url, "POST", &path, &[], event.as_ref()))
    }

    /// Calls the trigger `web`.
    #[track_caller]
    pub fn web(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        http::request(self.trigger_url("web"), method, target, headers, body)
    }

    /// Everything on standard error so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Waits until standard error contains a text, and returns all of it.
    #[track_caller]
    pub fn log_with(&self, text: &str) -> String {
        eventually(&format!("{text:?} in the log"), || {
            self.log().contains(text)
        });
        self.log()
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: Signal) {
        let pid =
            Pid::from_raw(i32::try_from(self.pid()).expect("a process id")).expect("a process id");
        kill_process(pid, signal).expect("it runs");
    }

    /// Limits the size of the files that the server can write, in bytes; `None` removes the limit.
    #[cfg(target_os = "linux")]
    pub fn write_up_to(&self, bytes: Option<u64>) {
        use rustix::process::{Resource, Rlimit, prlimit};
        let pid = Pid::from_raw(i32::try_from(self.pid()).expect("a process id"));
        let limit = Rlimit {
            current: bytes,
            maximum: None,
        };
        prlimit(pid, Resource::Fsize, limit).expect("a limit");
    }

    pub fn wait(&mut self) -> ExitStatus {
        self.child.wait().expect("its status")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it may have exited
        let _ = self.child.wait(); // it may have been waited for
    }
}

/// Collects everything from a reader in the background.
pub(super) fn collect(from: impl Read + Send + 'static) -> Arc<Mutex<String>> {
    let collected = Arc::new(Mutex::new(String::new()));
    let into = Arc::clone(&collected);
    std::thread::spawn(move || {
        for line in BufReader::new(from).split(b'\n') {
            let Ok(line) = line else { return };
            let mut text = into.lock().unwrap();
            text.push_str(&String::from_utf8_lossy(&line));
            text.push('\n');
        }
    });
    collected
}
