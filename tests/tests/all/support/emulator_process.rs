//! `lambkin` as a replacement for another emulator: a server that prints its address to standard error.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};

use rustix::process::{Pid, Signal, kill_process};

use super::http::{self, Reply};
use super::server::{collect, lambkin};
use super::{RAW_BOOTSTRAP, eventually};

/// `lambkin` with no environment variable but `PATH`.
pub fn lambkin_alone() -> Command {
    let mut command = lambkin();
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
}

/// A running server. Dropping it kills it.
pub struct EmulatorProcess {
    child: Child,
    url: String,
    stdout: Arc<Mutex<String>>,
    stderr: Arc<Mutex<String>>,
}

impl EmulatorProcess {
    /// Starts a command that prints its port after `mark` to standard error, and waits for it.
    #[track_caller]
    pub fn start(mut command: Command, mark: &str) -> Self {
        let mut server = Self::spawn(&mut command, String::new());
        eventually("the port", || {
            server.ended_early();
            let log = server.stderr();
            let Some((_, rest)) = log.split_once(mark) else {
                return false;
            };
            let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
            server.url = format!("http://127.0.0.1:{port}");
            true
        });
        server
    }

    /// Starts `lambkin rie` with the raw bootstrap, in an empty environment with these variables.
    #[track_caller]
    pub fn rie(folder: &Path, variables: &[(&str, &str)]) -> Self {
        let mut command = lambkin_alone();
        command
            .args(["rie", "--runtime-interface-emulator-address"])
            .args(["127.0.0.1:0", RAW_BOOTSTRAP])
            .envs(variables.iter().copied())
            .current_dir(folder);
        Self::start(command, "listening on http://127.0.0.1:")
    }

    /// Starts a program that listens on a given port without printing it, and waits until it listens.
    #[track_caller]
    pub fn start_silent(command: &mut Command, port: u16) -> Self {
        let server = Self::spawn(command, format!("http://127.0.0.1:{port}"));
        eventually("a listener", || {
            std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        server
    }

    #[track_caller]
    fn spawn(command: &mut Command, url: String) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let stdout = collect(child.stdout.take().expect("its stdout"));
        let stderr = collect(child.stderr.take().expect("its stderr"));
        Self {
            child,
            url,
            stdout,
            stderr,
        }
    }

    #[track_caller]
    fn ended_early(&mut self) {
        if let Some(status) = self.child.try_wait().expect("its status") {
            panic!("it ended with {status}: {}", self.stderr());
        }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Calls the function with any method and headers.
    #[track_caller]
    pub fn call(&self, method: &str, headers: &[(&str, &str)], event: impl AsRef<[u8]>) -> Reply {
        let path = "/2015-03-31/functions/function/invocations";
        http::request(&self.url, method, path, headers, event.as_ref())
    }

    #[track_caller]
    pub fn invoke(&self, event: impl AsRef<[u8]>) -> Reply {
        self.call("POST", &[], event)
    }

    pub fn stdout(&self) -> String {
        self.stdout.lock().unwrap().clone()
    }

    pub fn stderr(&self) -> String {
        self.stderr.lock().unwrap().clone()
    }

    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).expect("a process id");
        kill_process(Pid::from_raw(pid).expect("a process id"), signal).expect("it runs");
    }

    pub fn wait(&mut self) -> ExitStatus {
        self.child.wait().expect("its status")
    }
}

impl Drop for EmulatorProcess {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it may have exited
        let _ = self.child.wait(); // it may have been waited for
    }
}

/// A port that was free a moment ago, for programs that cannot choose one themselves.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").port()
}

/// A port that is free and below those that the system assigns, so that it counts as fixed. Each test gets another one.
pub fn fixed_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 20_000 + (std::process::id() % 100) as u16 * 100;
    let mut ports = std::iter::repeat_with(|| first + NEXT.fetch_add(1, Ordering::Relaxed));
    ports
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .unwrap()
}
