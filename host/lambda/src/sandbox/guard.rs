//! The guard: the process between the host and one bootstrap.
//!
//! It reads one [`Order`] from the socket on its standard input, starts the bootstrap, writes `started PID` or
//! `not-started ERRNO`, later `exited STATUS` or `signalled NUMBER`, and ends. It inherits the bootstrap's standard
//! output and error only to pass them on.
//!
//! After the order the host may send [`Command`]s, a byte each, and gets no answer to them: freeze everything the
//! bootstrap started, thaw it, ask it to terminate.
//!
//! The one rule: when the socket closes, everything the bootstrap ever started dies. As a *child subreaper* the guard
//! becomes the parent of every orphan below it, also of those that left the process group with `setsid`. It is
//! single-threaded and never allocates much, so that hundreds of guards cost next to nothing.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{self, Child, ExitCode, ExitStatus, Stdio};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, kill_process, wait};
use serde::{Deserialize, Serialize};

use super::Exit;
use super::files::limit_files;
use super::freezer::{Freezer, signal_group};
use crate::limits::FREEZE_STEP;

/// What the host may say after its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Command {
    /// SIGSTOP to everything the bootstrap started.
    Freeze,
    /// SIGCONT to all of it.
    Thaw,
    /// The same, and SIGTERM to the bootstrap's process group, as on AWS.
    Terminate,
}

impl Command {
    pub(super) fn to_byte(self) -> u8 {
        match self {
            Self::Freeze => b'f',
            Self::Thaw => b't',
            Self::Terminate => b'q',
        }
    }

    fn from_byte(byte: u8) -> Option<Self> {
        [Self::Freeze, Self::Thaw, Self::Terminate]
            .into_iter()
            .find(|command| command.to_byte() == byte)
    }
}

/// What the guard is to start.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Order {
    pub program: PathBuf,
    pub arguments: Vec<String>,
    pub variables: BTreeMap<String, String>,
    pub directory: PathBuf,
}

/// Sends an order: its length in four bytes, then JSON.
pub(super) fn send(order: &Order, socket: &mut impl Write) -> io::Result<()> {
    let json = serde_json::to_vec(order)?;
    let length = u32::try_from(json.len()).map_err(io::Error::other)?;
    socket.write_all(&length.to_be_bytes())?;
    socket.write_all(&json)
}

fn receive(socket: &mut impl Read) -> io::Result<Order> {
    let mut length = [0; 4];
    socket.read_exact(&mut length)?;
    let mut json = vec![0; u32::from_be_bytes(length) as usize];
    socket.read_exact(&mut json)?;
    Ok(serde_json::from_slice(&json)?)
}

/// Runs the guard; its standard input must be the host's socket.
///
/// Call this before any thread exists. The exit code says nothing that the socket has not said.
pub fn run() -> ExitCode {
    match guard() {
        Ok(()) => ExitCode::SUCCESS,
        // Nobody reads this but a person who started the guard by hand: the host has seen the socket close. If the host
        // is gone, so is the reader of this.
        Err(error) => {
            let _unread = writeln!(
                io::stderr(),
                "lambkin's process guard failed: {error}; it is started by lambkin itself, not by hand"
            );
            ExitCode::FAILURE
        }
    }
}

fn guard() -> io::Result<()> {
    adopt_orphans()?;
    let mut host = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let order = receive(&mut host)?;
    // Registered before the start, so that not even the quickest exit goes unseen.
    let (children, on_child) = UnixStream::pair()?;
    signal_hook::low_level::pipe::register(signal_hook::consts::SIGCHLD, on_child)?;
    children.set_nonblocking(true)?;

    limit_files();
    let bootstrap = match start(order) {
        Ok(bootstrap) => bootstrap,
        Err(error) => return say(&mut host, &Exit::not_started(&error).to_line()),
    };
    let group = Pid::from_child(&bootstrap);
    let ended = supervise(&mut host, children, group);
    // Whatever went wrong, the host's end most likely: nothing may stay behind.
    kill_everything(group);
    ended
}

/// Tells the host of the bootstrap's start and end, and obeys it in between.
fn supervise(host: &mut UnixStream, children: UnixStream, bootstrap: Pid) -> io::Result<()> {
    say(host, &format!("started {}", bootstrap.as_raw_nonzero()))?;
    match watch(host, children, bootstrap)? {
        Some(exit) => say(host, &exit.to_line()),
        None => Ok(()),
    }
}

#[cfg(target_os = "linux")]
fn adopt_orphans() -> io::Result<()> {
    rustix::process::set_child_subreaper(Some(rustix::process::getpid())).map_err(io::Error::from)
}

/// Elsewhere there is no such thing; killing the process group has to do.
#[cfg(not(target_os = "linux"))]
fn adopt_orphans() -> io::Result<()> {
    Ok(())
}

fn start(order: Order) -> io::Result<Child> {
    // Only calls that leave std on its vfork path: a guard with a large parent must not copy page tables.
    process::Command::new(order.program)
        .args(order.arguments)
        .env_clear()
        .envs(order.variables)
        .current_dir(order.directory)
        .stdin(Stdio::null())
        .process_group(0)
        .spawn()
}

/// Obeys the host until the bootstrap ends (its exit) or the host lets go (`None`), reaping orphans on the way.
fn watch(host: &UnixStream, mut children: UnixStream, bootstrap: Pid) -> io::Result<Option<Exit>> {
    host.set_nonblocking(true)?;
    let mut freezer = Freezer::default();
    let mut freezing = false;
    loop {
        let (host_spoke, child_ended) = wait_for(host, &children, freezing)?;
        if child_ended {
            let _number_of_signals = children.read(&mut [0; 64]);
            if let Some(exit) = reap(bootstrap) {
                return Ok(Some(exit));
            }
        }
        if host_spoke {
            match hear(host)? {
                Heard::Nothing => {}
                Heard::Command(Command::Freeze) => freezing = true,
                Heard::Command(command) => {
                    freezing = false;
                    freezer.thaw(bootstrap);
                    if command == Command::Terminate {
                        signal_group(bootstrap, Signal::TERM);
                    }
                }
                Heard::End => return Ok(None),
            }
        }
        freezing = freezing && !freezer.freeze(bootstrap);
    }
}

/// Waits for the host and for the end of a child; while something is to be frozen that still moves, only for a moment.
fn wait_for(host: &UnixStream, children: &UnixStream, freezing: bool) -> io::Result<(bool, bool)> {
    let moment = Timespec {
        tv_sec: 0,
        tv_nsec: FREEZE_STEP.subsec_nanos().into(),
    };
    let mut sources = [
        PollFd::new(host, PollFlags::IN),
        PollFd::new(children, PollFlags::IN),
    ];
    match poll(&mut sources, freezing.then_some(&moment)) {
        Ok(_) | Err(Errno::INTR) => {}
        Err(error) => return Err(error.into()),
    }
    let [host, children] = sources;
    Ok((!host.revents().is_empty(), !children.revents().is_empty()))
}

/// What came from the host.
enum Heard {
    Nothing,
    Command(Command),
    End,
}

fn hear(mut host: &UnixStream) -> io::Result<Heard> {
    let mut byte = [0];
    match host.read(&mut byte) {
        Ok(0) => Ok(Heard::End),
        // A host of another version may know more commands.
        Ok(_) => Ok(byte
            .first()
            .and_then(|byte| Command::from_byte(*byte))
            .map_or(Heard::Nothing, Heard::Command)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Heard::Nothing),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(Heard::Nothing),
        // Reset by a host that was killed with something unread.
        Err(_) => Ok(Heard::End),
    }
}

/// Reaps every child that has ended; the bootstrap's exit, if it was among them.
fn reap(bootstrap: Pid) -> Option<Exit> {
    let mut found = None;
    while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
        if pid == bootstrap {
            found = Some(Exit::of(ExitStatus::from_raw(status.as_raw())));
        }
    }
    found
}

/// Kills the group, then every child there is or becomes, until none is left.
fn kill_everything(group: Pid) {
    loop {
        signal_group(group, Signal::KILL);
        for child in children() {
            let _already_gone = kill_process(child, Signal::KILL);
        }
        match wait(WaitOptions::empty()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(_no_children) => return,
        }
    }
}

/// The guard's direct children: the bootstrap and all orphans. Their descendants follow as they become orphans.
fn children() -> Vec<Pid> {
    let listed = std::fs::read_to_string("/proc/thread-self/children").unwrap_or_default();
    listed
        .split_whitespace()
        .filter_map(|pid| pid.parse().ok())
        .filter_map(Pid::from_raw)
        .collect()
}

fn say(host: &mut UnixStream, line: &str) -> io::Result<()> {
    host.write_all(format!("{line}\n").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_survives_the_socket() {
        for command in [Command::Freeze, Command::Thaw, Command::Terminate] {
            assert_eq!(Command::from_byte(command.to_byte()), Some(command));
        }
        assert_eq!(Command::from_byte(0), None);
    }
}
