//! How a supervisor starts its program: with a lower priority than the host's and, where Linux offers it, without the
//! permission to send signals to processes outside.
//!
//! Both are properties of a thread that its children inherit. A thread is therefore started for this one purpose, and
//! the supervisor's own thread keeps its priority and its permissions. The permission is Landlock's scope for signals,
//! which any user may give up for itself since Linux 6.12: a program can then neither kill nor stop its supervisor, the
//! host, or the processes of another environment, not even with `kill -9 -1`. Landlock requires that the program cannot
//! gain privileges either, so `sudo` does not work in it, as on Lambda.
//!
//! In a sandbox, the thread also takes the program's user, gives up all capabilities, and cannot connect to sockets with
//! abstract names outside.
//!
//! On failure: a system without Landlock runs the program with all permissions of its user. A program whose privileges in
//! a sandbox cannot be dropped is not started.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::thread;

use crate::protocol::Launch;
use crate::streams::Streams;

/// Starts the program of a launch in a process group of its own, with these streams or those of this process. With
/// streams it stays in the group of this process, which is the one in the foreground of its terminal.
pub(crate) fn start(launch: Launch, streams: Option<Streams>) -> io::Result<Child> {
    let started = thread::spawn(move || {
        #[cfg(target_os = "linux")]
        if launch.sandbox.is_some() {
            crate::sandbox::identity::drop_privileges()?;
        }
        restrict(launch.sandbox.is_some());
        spawn(launch, streams)
    });
    let panicked = |_| Err(io::Error::other("the thread that starts it has panicked"));
    started.join().unwrap_or_else(panicked)
}

fn spawn(launch: Launch, streams: Option<Streams>) -> io::Result<Child> {
    // Only calls with which std uses vfork: a supervisor must not copy the page tables of a large parent.
    let mut command = Command::new(launch.program);
    command
        .args(launch.arguments)
        .env_clear()
        .envs(launch.variables)
        .current_dir(launch.directory);
    match streams {
        None => command.stdin(Stdio::null()).process_group(0),
        Some([stdin, stdout, stderr]) => command.stdin(stdin).stdout(stdout).stderr(stderr),
    };
    command.spawn()
}

/// Restricts the calling thread and the processes that it will start.
#[cfg(target_os = "linux")]
fn restrict(is_sandboxed: bool) {
    use landlock::{BitFlags, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetError, Scope};

    crate::priority::lower_own(crate::limits::NICE);
    let restrict_to = |scopes: BitFlags<Scope>| -> Result<_, RulesetError> {
        // Required, so that nothing is restricted on a system that knows other restrictions only.
        Ruleset::default()
            .set_compatibility(CompatLevel::HardRequirement)
            .scope(scopes)?
            .create()?
            .restrict_self()
    };
    // Sockets with abstract names belong to the network, which a sandbox shares with the host.
    let _ = match is_sandboxed {
        true => restrict_to(Scope::Signal | Scope::AbstractUnixSocket),
        false => restrict_to(Scope::Signal.into()),
    }; // an error is that of an older system
}

/// Elsewhere, priorities belong to processes, and there is nothing like Landlock.
#[cfg(not(target_os = "linux"))]
fn restrict(_is_sandboxed: bool) {}
