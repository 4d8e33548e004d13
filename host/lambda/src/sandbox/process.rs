//! The host's end of one supervised bootstrap.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::io;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::PathBuf;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::net::UnixStream;
use tokio::net::unix::pipe;
use tokio::process::{self, Child};

use super::Exit;
use super::guard::{self, Command, Order};

/// The argument that makes the host's program a guard.
pub const GUARD_ARGUMENT: &str = "__guard";

/// What to start.
#[derive(Debug, Clone)]
pub(crate) struct Launch {
    /// The program's path.
    pub program: PathBuf,
    /// Its arguments, without the program itself.
    pub arguments: Vec<String>,
    /// Its whole environment: nothing is inherited.
    pub variables: BTreeMap<String, String>,
    /// Its working directory.
    pub directory: PathBuf,
}

/// A running bootstrap. Dropping it kills the bootstrap and everything it started, in the background.
#[derive(Debug)]
pub(crate) struct Process {
    /// Reaped by tokio when it is dropped.
    _guard: Child,
    control: UnixStream,
    /// What the guard has said, up to its last unfinished line.
    heard: Vec<u8>,
    pid: Option<Pid>,
    exit: Option<Exit>,
}

/// The reading ends of a process's standard output and error.
#[derive(Debug)]
pub(crate) struct Outputs {
    pub stdout: pipe::Receiver,
    pub stderr: pipe::Receiver,
}

impl Process {
    /// Starts the guard, which starts the program. An error means that the guard could not be started; whether
    /// the program could is told by [`Process::exited`].
    pub(crate) fn spawn(launch: Launch) -> io::Result<(Self, Outputs)> {
        let (mut ours, theirs) = StdUnixStream::pair()?;
        let (stdout, stdout_writer) = output_pipe()?;
        let (stderr, stderr_writer) = output_pipe()?;
        let guard = process::Command::new(own_program()?)
            .arg(GUARD_ARGUMENT)
            .env_clear()
            .stdin(Stdio::from(std::os::fd::OwnedFd::from(theirs)))
            .stdout(stdout_writer)
            .stderr(stderr_writer)
            // Ctrl-C in the terminal is for the host; the guard follows the host's socket.
            .process_group(0)
            .spawn()?;
        guard::send(
            &Order {
                program: launch.program,
                arguments: launch.arguments,
                variables: launch.variables,
                directory: launch.directory,
            },
            &mut ours,
        )?;
        ours.set_nonblocking(true)?;
        let process = Self {
            _guard: guard,
            control: UnixStream::from_std(ours)?,
            heard: Vec::new(),
            pid: None,
            exit: None,
        };
        Ok((process, Outputs { stdout, stderr }))
    }

    /// The bootstrap's process id, once the guard has told it.
    pub(crate) fn pid(&self) -> Option<i32> {
        self.pid.map(|pid| pid.as_raw_nonzero().get())
    }

    /// Returns its process id when the bootstrap has been started, or what kept it from being started.
    pub(crate) async fn started(&mut self) -> Result<i32, Exit> {
        loop {
            if let Some(pid) = self.pid() {
                return Ok(pid);
            }
            if let Some(exit) = self.exit {
                return Err(exit);
            }
            self.listen().await;
        }
    }

    /// Returns when the bootstrap has ended. May be dropped and called again at any time.
    pub(crate) async fn exited(&mut self) -> Exit {
        loop {
            if let Some(exit) = self.exit {
                return exit;
            }
            self.listen().await;
        }
    }

    /// Waits for the guard to say something.
    async fn listen(&mut self) {
        // Polled, not awaited, for the reason given at the outputs' reading.
        let _error = poll_fn(|context| self.control.poll_read_ready(context)).await;
        let mut buffer = [0; 128];
        match self.control.try_read(&mut buffer) {
            Ok(0) => self.lost(),
            Ok(length) => self.hear(buffer.get(..length).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => self.lost(),
        }
    }

    fn hear(&mut self, bytes: &[u8]) {
        self.heard.extend_from_slice(bytes);
        while let Some(end) = self.heard.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.heard.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end();
            match line.strip_prefix("started ") {
                Some(pid) => self.pid = pid.parse().ok().and_then(Pid::from_raw),
                None => self.exit = Exit::from_line(line).or(Some(Exit::Lost)),
            }
        }
    }

    fn lost(&mut self) {
        if let Some(pid) = self.pid {
            let _already_gone = kill_process_group(pid, Signal::KILL);
        }
        self.exit = Some(Exit::Lost);
    }

    /// Kills the bootstrap and all its descendants; returns when they are gone.
    pub(crate) async fn kill(&mut self) {
        // Half-closing is enough for the guard to act, and leaves us its end of the socket to wait for.
        let _already_gone = rustix::net::shutdown(&self.control, rustix::net::Shutdown::Write);
        let mut buffer = [0; 128];
        while self.control.readable().await.is_ok() {
            match self.control.try_read(&mut buffer) {
                Ok(0) => return,
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return,
                _ => {}
            }
        }
    }
}

/// Commands to the guard. They return at once, and what they ask for is done in the order they were given.
impl Process {
    /// Has everything the bootstrap started stand still, soon: nobody waits for it.
    pub(crate) fn freeze(&self) {
        self.command(Command::Freeze);
    }

    /// Has it go on, within some ten microseconds. Whatever it is sent meanwhile waits in its sockets.
    pub(crate) fn thaw(&self) {
        self.command(Command::Thaw);
    }

    /// Sends SIGTERM to the bootstrap's process group, thawed if need be. Whether it heeds it is told by
    /// [`Process::exited`].
    pub(crate) fn terminate(&self) {
        self.command(Command::Terminate);
    }

    fn command(&self, command: Command) {
        // Not through tokio, which would first have to learn that the socket can be written to. It can: the guard reads
        // everything at once. If it is gone, `exited` tells.
        let _guard_is_gone = rustix::io::write(&self.control, &[command.to_byte()]);
    }
}

/// The running program, even if its file has been replaced since.
fn own_program() -> io::Result<PathBuf> {
    if cfg!(target_os = "linux") {
        Ok(PathBuf::from("/proc/self/exe"))
    } else {
        std::env::current_exe()
    }
}

/// A pipe whose reading end is asynchronous and whose writing end is an ordinary, blocking one.
fn output_pipe() -> io::Result<(pipe::Receiver, Stdio)> {
    let (reader, writer) = io::pipe()?;
    let reader = pipe::Receiver::from_owned_fd(reader.into())?;
    Ok((reader, Stdio::from(writer)))
}
