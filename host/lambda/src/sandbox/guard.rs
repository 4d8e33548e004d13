//! The guard: the process between the host and one bootstrap.
//!
//! It reads one [`Order`] from the socket on its standard input, starts the bootstrap, writes `started PID` or
//! `not-started ERRNO`, later `exited STATUS` or `signalled NUMBER`, and ends. It inherits the bootstrap's standard
//! output and error only to pass them on.
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
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, kill_process, kill_process_group, wait};
use serde::{Deserialize, Serialize};

use super::Exit;

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
        // Nobody reads this but a person who started the guard by hand: the host has seen the socket close.
        Err(error) => {
            eprintln!(
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

    let bootstrap = match start(order) {
        Ok(bootstrap) => bootstrap,
        Err(error) => return say(&mut host, &Exit::not_started(&error).to_line()),
    };
    let group = Pid::from_child(&bootstrap);
    say(&mut host, &format!("started {}", group.as_raw_nonzero()))?;
    let exit = watch(&host, children, group)?;
    if let Some(exit) = exit {
        // The host may be gone; the killing below has to happen all the same.
        let _host_is_gone = say(&mut host, &exit.to_line());
    }
    kill_everything(group);
    Ok(())
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
    Command::new(order.program)
        .args(order.arguments)
        .env_clear()
        .envs(order.variables)
        .current_dir(order.directory)
        .stdin(Stdio::null())
        .process_group(0)
        .spawn()
}

/// Waits until the bootstrap ends (its exit) or the host lets go (`None`), reaping orphans on the way.
fn watch(host: &UnixStream, mut children: UnixStream, bootstrap: Pid) -> io::Result<Option<Exit>> {
    loop {
        let (host_spoke, child_ended) = {
            let mut sources = [
                PollFd::new(host, PollFlags::IN),
                PollFd::new(&children, PollFlags::IN),
            ];
            match poll(&mut sources, None) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            let [host, children] = sources;
            (!host.revents().is_empty(), !children.revents().is_empty())
        };
        if child_ended {
            let _number_of_signals = children.read(&mut [0; 64]);
            if let Some(exit) = reap(bootstrap) {
                return Ok(Some(exit));
            }
        }
        // The host never writes after its order: whatever is readable now is the end.
        if host_spoke {
            return Ok(None);
        }
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
        // Members may be gone already; that is the aim.
        let _ = kill_process_group(group, Signal::KILL);
        for child in children() {
            let _ = kill_process(child, Signal::KILL);
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
