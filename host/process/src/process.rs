//! The host's side of one supervised program.

use std::future::poll_fn;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::PathBuf;
use std::process::Stdio;

use rustix::net::Shutdown;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::net::UnixStream;
use tokio::net::unix::pipe;
use tokio::process::{self, Child};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::exit::Exit;
use crate::limits::{MAX_LINE_BYTES, SUPERVISOR_TIMEOUT};
use crate::protocol::{Command, FAILURE, INIT_STARTED, Launch, SUPERVISOR_ARGUMENT};
use crate::sandbox::Failure;
#[cfg(target_os = "linux")]
use crate::sandbox::identity::Outside;
use crate::streams::{self, Streams};
use crate::subreaper::{adopt_orphans, kill_orphans};
use crate::tree::Tree;

/// A running program. Dropping it kills the program and its descendants, in the background.
#[derive(Debug)]
pub struct Process {
    /// Reaped by tokio after it is dropped.
    supervisor: Child,
    control: UnixStream,
    /// What the supervisor has sent after its last complete line.
    received: Vec<u8>,
    /// What is sent to the launcher of a sandbox when it asks for it.
    #[cfg(target_os = "linux")]
    waiting: Option<Waiting>,
    is_sandboxed: bool,
    has_started: bool,
    /// The program's process id, which is not known of one in a sandbox.
    pid: Option<Pid>,
    /// The first process of the program's sandbox.
    init: Option<i32>,
    failure: Option<Failure>,
    exit: Option<Exit>,
}

/// What a supervisor waits for until the host has written the maps of its ids.
#[cfg(target_os = "linux")]
#[derive(Debug)]
struct Waiting {
    outside: Outside,
    streams: Option<Streams>,
    launch: Vec<u8>,
}

/// The read ends of a program's standard output and standard error.
#[derive(Debug)]
pub struct Outputs {
    /// The program's standard output.
    pub stdout: pipe::Receiver,
    /// The program's standard error.
    pub stderr: pipe::Receiver,
}

impl Process {
    /// Starts a supervisor, which starts the program. Returns an error if the supervisor could not be started; if the
    /// program could not, [`Process::exited`] returns [`Exit::NotStarted`], and [`Process::failure`] the reason if that was
    /// its sandbox.
    ///
    /// The program is started while [`Process::started`] or [`Process::exited`] is awaited.
    pub fn spawn(launch: &Launch) -> io::Result<(Self, Outputs)> {
        let (stdout, stdout_writer) = output_pipe()?;
        let (stderr, stderr_writer) = output_pipe()?;
        let process = Self::spawn_with(launch, None, [stdout_writer, stderr_writer])?;
        Ok((process, Outputs { stdout, stderr }))
    }

    /// Like [`Process::spawn`], for a program with these standard streams, in a sandbox. If its standard input is a
    /// terminal, a new session is made of it.
    pub(crate) fn spawn_in_foreground(launch: &Launch, streams: Streams) -> io::Result<Self> {
        if launch.sandbox.is_none() {
            return Err(io::Error::from(io::ErrorKind::Unsupported));
        }
        Self::spawn_with(launch, Some(streams), [Stdio::null(), Stdio::null()])
    }

    fn spawn_with(
        launch: &Launch,
        streams: Option<Streams>,
        [stdout, stderr]: [Stdio; 2],
    ) -> io::Result<Self> {
        adopt_orphans()?;
        let (mut ours, theirs) = StdUnixStream::pair()?;
        let mut command = process::Command::new(own_executable()?);
        command.arg(SUPERVISOR_ARGUMENT);
        #[cfg(target_os = "linux")]
        let outside = launch.sandbox.as_ref().map(Outside::of);
        #[cfg(target_os = "linux")]
        if let Some(outside) = outside {
            command.arg(crate::protocol::LAUNCHER_ROLE);
            command.args(streams.iter().map(|_| crate::protocol::FOREGROUND));
            command.args((outside == Outside::Host).then_some(crate::protocol::OWN_IDS));
        }
        let supervisor = command
            .env_clear()
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(stdout)
            .stderr(stderr)
            // Ctrl-C in the terminal is for the host only; the supervisor ends when the host's socket closes.
            .process_group(0)
            .spawn()?;
        let bytes = launch.to_bytes()?;
        // Root writes the maps of the sandbox's ids before the launch is sent.
        #[cfg(target_os = "linux")]
        let waits = outside.is_some_and(|outside| outside != Outside::Host);
        #[cfg(not(target_os = "linux"))]
        let waits = false;
        if !waits {
            if let Some(streams) = &streams {
                streams::send(&ours, streams)?;
            }
            ours.write_all(&bytes)?;
        }
        ours.set_nonblocking(true)?;
        let process = Self {
            supervisor,
            control: UnixStream::from_std(ours)?,
            received: Vec::new(),
            #[cfg(target_os = "linux")]
            waiting: waits.then(|| Waiting {
                outside: outside.unwrap_or(Outside::Host),
                streams,
                launch: bytes,
            }),
            is_sandboxed: launch.sandbox.is_some(),
            has_started: false,
            pid: None,
            init: None,
            failure: None,
            exit: None,
        };
        Ok(process)
    }

    /// The supervisor's process id, below which are all processes that the program has started; `None` if it has ended.
    pub fn supervisor_pid(&self) -> Option<i32> {
        self.supervisor.id().and_then(|id| i32::try_from(id).ok())
    }

    /// The ids of the host's own processes around the program: the supervisor and, if it is known, the first process of the
    /// program's sandbox.
    pub fn own_pids(&self) -> impl Iterator<Item = i32> {
        self.supervisor_pid().into_iter().chain(self.init)
    }

    /// Why the program's sandbox could not be made, if that is why it was not started.
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    /// Waits until the program has been started. An error is the reason why it could not be started.
    pub async fn started(&mut self) -> Result<(), Exit> {
        loop {
            if self.has_started {
                return Ok(());
            }
            if let Some(exit) = self.exit {
                return Err(exit);
            }
            self.receive().await;
        }
    }

    /// Waits until the program has ended. Cancel safe; may be called again after it has returned.
    pub async fn exited(&mut self) -> Exit {
        loop {
            if let Some(exit) = self.exit {
                return exit;
            }
            self.receive().await;
        }
    }

    /// Waits for data from the supervisor and reads it.
    async fn receive(&mut self) {
        // Polled instead of awaited: a busy environment waits thousands of times a second, and a future of `readable`
        // would register a waiter under a lock each time. The read below reports the error, if there is one.
        let _ = poll_fn(|context| self.control.poll_read_ready(context)).await;
        let mut buffer = [0; 512];
        match self.control.try_read(&mut buffer) {
            Ok(0) => self.lost().await,
            Ok(length) => self.parse(buffer.get(..length).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => self.lost().await,
        }
    }

    fn parse(&mut self, bytes: &[u8]) {
        self.received.extend_from_slice(bytes);
        while let Some(end) = self.received.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.received.drain(..=end).collect();
            self.on_line(String::from_utf8_lossy(&line).trim_end());
        }
        if self.received.len() > MAX_LINE_BYTES {
            self.received = Vec::new();
            self.exit = Some(Exit::Lost);
        }
    }

    /// Acts on a line of the supervisor's protocol. The supervisor of a sandbox is in it, and a function that has taken it
    /// over could send anything. Therefore no id of a process is taken from there: the host would signal that process.
    fn on_line(&mut self, line: &str) {
        #[cfg(target_os = "linux")]
        if line == crate::protocol::MAP_REQUEST.trim_end() {
            return self.map_ids();
        }
        if let Some(pid) = line.strip_prefix("started ") {
            self.has_started = true;
            let pid = pid.parse().ok().filter(|_| !self.is_sandboxed);
            self.pid = pid.and_then(Pid::from_raw);
        } else if line == INIT_STARTED.trim_end() {
            self.init = self.init.or_else(|| self.only_child());
        } else if let Some(json) = line.strip_prefix(FAILURE).filter(|_| !self.has_started) {
            self.failure = serde_json::from_str(json).ok();
            let errno = self.failure.as_ref().map_or(0, |failure| failure.errno);
            self.exit = Some(Exit::NotStarted(errno));
        } else {
            self.exit = Exit::from_line(line).or(Some(Exit::Lost));
        }
    }

    /// The first process of the sandbox: the only one that its launcher starts.
    fn only_child(&self) -> Option<i32> {
        let launcher = self.supervisor_pid()?;
        Tree::default().children(launcher).first().copied()
    }

    /// Writes the maps of the sandbox's ids, and lets the start continue.
    #[cfg(target_os = "linux")]
    fn map_ids(&mut self) {
        let (Some(launcher), Some(waiting)) = (self.supervisor_pid(), self.waiting.take()) else {
            return; // it has ended, which the socket tells as well
        };
        match crate::sandbox::identity::map_for_root(launcher, waiting.outside) {
            Ok(()) => {
                if let Some(streams) = &waiting.streams {
                    let _ = streams::send(&self.control, streams); // as below
                }
                // Nothing else has been sent, so the launch fits into the socket's buffer.
                // An error is that the launcher is gone, which the socket tells as well.
                let _ = rustix::io::write(&self.control, &waiting.launch);
            }
            Err(failure) => {
                self.exit = Some(Exit::NotStarted(failure.errno));
                self.failure = Some(failure);
            }
        }
    }

    /// The supervisor has ended without a report.
    async fn lost(&mut self) {
        if let Some(pid) = self.pid {
            let _ = kill_process_group(pid, Signal::KILL); // already gone
        }
        self.kill_orphans().await;
        self.exit = Some(Exit::Lost);
    }

    /// Kills the program and all its descendants. Returns when they have ended.
    pub async fn kill(&mut self) {
        // The supervisor acts when one direction is closed; the other one tells when the supervisor has ended.
        let _ = rustix::net::shutdown(&self.control, Shutdown::Write); // already closed
        self.wake_supervisor();
        if timeout(SUPERVISOR_TIMEOUT, self.closed()).await.is_err() {
            let _ = self.supervisor.start_kill(); // it has just ended
        }
        let ended = self.supervisor.wait().await;
        if !ended.is_ok_and(|status| status.success()) {
            self.kill_orphans().await;
        }
    }

    /// Waits until the supervisor has closed its socket.
    async fn closed(&self) {
        let mut buffer = [0; 128];
        while self.control.readable().await.is_ok() {
            match self.control.try_read(&mut buffer) {
                Ok(0) => return,
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return,
                _ => {}
            }
        }
    }

    /// Kills what a supervisor has left that was killed.
    async fn kill_orphans(&mut self) {
        // The orphans are the host's children when the supervisor has ended, which is later than its socket is closed.
        let _ = self.supervisor.wait().await; // only fails if there is no such process
        let _ = spawn_blocking(kill_orphans).await; // only fails if the host is shutting down
    }

    /// A function can stop its supervisor where Landlock does not prevent it.
    fn wake_supervisor(&self) {
        if let Some(supervisor) = self.supervisor_pid().and_then(Pid::from_raw) {
            let _ = kill_process(supervisor, Signal::CONT); // it has just ended
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.wake_supervisor();
    }
}

/// Commands to the supervisor. These functions return at once; the supervisor carries the commands out in order.
impl Process {
    /// Stops the program and all its descendants.
    pub fn freeze(&self) {
        self.send(Command::Freeze);
    }

    /// Lets them continue, within about ten microseconds. Data sent to them meanwhile waits in their sockets.
    pub fn thaw(&self) {
        self.send(Command::Thaw);
    }

    /// Sends SIGINT to the program.
    pub(crate) fn interrupt(&self) {
        self.send(Command::Interrupt);
    }

    /// Sends SIGTERM to the program's process group, which is thawed first. [`Process::exited`] returns when the
    /// program has ended.
    pub fn terminate(&self) {
        self.send(Command::Terminate);
    }

    fn send(&self, command: Command) {
        // Not written through tokio, which would first have to learn that the socket is writable. It is: the supervisor
        // reads everything at once. If the supervisor is gone, `exited` reports that.
        let _ = rustix::io::write(&self.control, &[command.to_byte()]);
    }
}

/// The running executable, even if its file has been replaced since.
fn own_executable() -> io::Result<PathBuf> {
    if cfg!(target_os = "linux") {
        Ok(PathBuf::from("/proc/self/exe"))
    } else {
        std::env::current_exe()
    }
}

/// A pipe whose read end is asynchronous and whose write end blocks.
fn output_pipe() -> io::Result<(pipe::Receiver, Stdio)> {
    let (reader, writer) = io::pipe()?;
    let receiver = pipe::Receiver::from_owned_fd(reader.into())?;
    Ok((receiver, Stdio::from(writer)))
}

#[cfg(test)]
#[cfg(target_os = "linux")]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
mod tests {
    use super::*;

    /// A program whose supervisor is another process, and what that has sent.
    fn after(is_sandboxed: bool, lines: &str) -> Process {
        let (control, _) = UnixStream::pair().unwrap();
        let mut process = Process {
            supervisor: process::Command::new("sleep")
                .arg("60")
                .kill_on_drop(true)
                .spawn()
                .unwrap(),
            control,
            received: Vec::new(),
            waiting: None,
            is_sandboxed,
            has_started: false,
            pid: None,
            init: None,
            failure: None,
            exit: None,
        };
        process.parse(lines.as_bytes());
        process
    }

    #[test]
    fn a_sandbox_names_no_processes_to_the_host() {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_all().build().unwrap();
        let _entered = runtime.enter();
        let started = "started 4321\n";
        assert_eq!(after(false, started).pid, Pid::from_raw(4321));
        let hostile = after(true, started);
        assert!(hostile.has_started);
        assert_eq!(hostile.pid, None);
        for line in ["init-started\n", "init-started 4321\n", "init 4321\n"] {
            // This supervisor has no child.
            assert_eq!(after(true, line).init, None, "{line}");
        }
        let refused = "sandbox-failed {\"stage\":\"x\",\"errno\":1,\"path\":null}\n";
        assert!(after(true, refused).failure.is_some());
        let late = after(true, &[started, refused].concat());
        assert_eq!((late.failure(), late.exit), (None, Some(Exit::Lost)));
        // The maps are written once, before anything of the sandbox runs.
        assert_eq!(after(true, "map-ids\n").exit, None);
    }

    #[test]
    fn a_line_without_an_end_is_not_collected() {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_all().build().unwrap();
        let _entered = runtime.enter();
        let endless = after(true, &"x".repeat(MAX_LINE_BYTES + 1));
        assert_eq!(endless.exit, Some(Exit::Lost));
        assert!(endless.received.is_empty());
        let long = after(true, &"x".repeat(MAX_LINE_BYTES));
        assert_eq!(long.exit, None);
    }
}
