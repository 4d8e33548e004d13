//! The supervisor: the process between the host and one program.
//!
//! The supervisor reads one [`Launch`] from the socket on its standard input, starts the program, and writes `started
//! PID` or `not-started ERRNO`, later `exited STATUS` or `signalled NUMBER`; then it exits. It has the program's
//! standard output and error only to pass them on to the program. After the launch it carries out [`Command`]s.
//!
//! In a [sandbox](crate::sandbox) it is the first process of its PID namespace. It builds the sandbox's file system before
//! it starts the program, and reports 0 as the id of the program, which has another one outside.
//!
//! When the socket closes, the supervisor kills every process that the program ever started. As a *child subreaper* it
//! becomes the parent of every orphan below it, including those that left the process group with `setsid`. It has one
//! thread and allocates little, so that hundreds of supervisors cost next to nothing.

use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitCode, ExitStatus};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, getpgid, getpid, kill_process, wait};

use crate::crowd::Crowd;
use crate::exit::Exit;
use crate::file_limit::lower_file_limit;
use crate::freezer::{Freezer, Scope, signal_group, signal_namespace};
use crate::limits::FREEZE_INTERVAL;
use crate::protocol::{Command, Launch, send_line};
use crate::start::start;
use crate::subreaper::adopt_orphans;
use crate::sweep::Sweep;
use crate::tree::Tree;

/// Runs this process as a supervisor, or as one of the processes that make a sandbox: the second argument says which.
/// Its standard input must be the host's socket.
///
/// The caller must not have started any thread. The exit code adds nothing to what the socket has reported.
pub fn supervise() -> ExitCode {
    let role = std::env::args().nth(2);
    let more: Vec<String> = std::env::args().skip(3).collect();
    let result = match role.as_deref() {
        #[cfg(target_os = "linux")]
        Some(crate::protocol::LAUNCHER_ROLE) => crate::sandbox::enter::enter(&more),
        #[cfg(target_os = "linux")]
        Some(crate::protocol::INIT_ROLE) => {
            let in_foreground = more.iter().any(|it| it == crate::protocol::FOREGROUND);
            run(Scope::Namespace, in_foreground).map(|()| ExitCode::SUCCESS)
        }
        _ => run(Scope::Descendants, false).map(|()| ExitCode::SUCCESS),
    };
    match result {
        Ok(code) => code,
        // The host has seen the socket close, or is gone. This message is for a person who started the supervisor by
        // hand.
        Err(error) => {
            let _ = writeln!(
                io::stderr(),
                "lambkin's process supervisor failed: {error}; only lambkin itself can start it"
            ); // standard error may be closed
            ExitCode::FAILURE
        }
    }
}

fn run(scope: Scope, in_foreground: bool) -> io::Result<()> {
    match scope {
        Scope::Descendants => adopt_orphans()?,
        Scope::Namespace => become_first_process()?,
    }
    let mut host = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let streams = match in_foreground {
        true => Some(crate::streams::receive(&host)?),
        false => None,
    };
    let launch = Launch::receive(&mut host)?;
    // Registered before the start, so that even the quickest exit is noticed.
    let (child_signals, writer) = UnixStream::pair()?;
    signal_hook::low_level::pipe::register(signal_hook::consts::SIGCHLD, writer)?;
    child_signals.set_nonblocking(true)?;

    #[cfg(target_os = "linux")]
    if let Some(sandbox) = launch
        .sandbox
        .as_ref()
        .filter(|_| scope == Scope::Namespace)
    {
        if let Err(failure) = crate::sandbox::image::build(sandbox) {
            return host.write_all(crate::protocol::failure_line(&failure).as_bytes());
        }
        crate::sandbox::identity::limit_tasks();
    }
    if launch.program.as_os_str().is_empty() {
        return send_line(&mut host, &Exit::Code(0).to_line());
    }
    lower_file_limit();
    #[cfg(target_os = "linux")]
    if let Some([stdin, ..]) = &streams {
        crate::terminal::adopt(stdin)?;
    }
    let program = match start(launch, streams) {
        Ok(program) => program,
        Err(error) => return send_line(&mut host, &Exit::not_started(&error).to_line()),
    };
    let group = Pid::from_child(&program);
    let result = report(&mut host, child_signals, group, scope);
    // Also after an error, which most likely means that the host is gone.
    kill_everything(group, scope);
    result
}

/// What the first process of a PID namespace needs: a session of its own, as the one that it has inherited does not exist
/// here, and an end with the launcher.
fn become_first_process() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        rustix::process::setsid()?;
        // Another name than that of the processes that the host expects to reap itself.
        rustix::thread::set_name(c"sandbox-init")?;
        rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
        // The thread that starts the program has the program's user and capabilities, so that the program could otherwise
        // trace it, and change this process's memory, until the thread ends. The program itself can be traced again: that
        // begins anew with each execution of a file.
        rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?;
    }
    Ok(())
}

/// Reports the program's start and end to the host, and carries out the host's commands in between.
fn report(
    host: &mut UnixStream,
    child_signals: UnixStream,
    program: Pid,
    scope: Scope,
) -> io::Result<()> {
    let id = match scope {
        Scope::Descendants => program.as_raw_nonzero().get(),
        Scope::Namespace => 0,
    };
    send_line(host, &format!("started {id}"))?;
    match watch(host, child_signals, program, scope)? {
        Some(exit) => send_line(host, &exit.to_line()),
        None => Ok(()),
    }
}

/// Carries out the host's commands, reaps orphans and counts processes. Returns when the program has ended, with its
/// exit, when it has too many processes, or when the host has closed the socket, with `None`.
fn watch(
    host: &UnixStream,
    mut child_signals: UnixStream,
    program: Pid,
    scope: Scope,
) -> io::Result<Option<Exit>> {
    host.set_nonblocking(true)?;
    let mut freezer = Freezer::new(scope);
    let mut freezing = false;
    let mut crowd = Crowd::new();
    loop {
        let limit = if freezing {
            Some(FREEZE_INTERVAL)
        } else if freezer.has_frozen() {
            None
        } else {
            let now = Instant::now();
            crowd.next_at().map(|at| at.saturating_duration_since(now))
        };
        let ready = wait_for(host, &child_signals, limit)?;
        if ready.child {
            let _ = child_signals.read(&mut [0; 64]); // the number of signals does not matter
            if let Some(exit) = reap(program) {
                return Ok(Some(exit));
            }
        }
        if ready.host {
            match read_command(host)? {
                Received::Nothing => {}
                Received::Command(Command::Freeze) => freezing = true,
                Received::Command(command) => {
                    freezing = false;
                    freezer.thaw(program);
                    match command {
                        Command::Terminate => signal_program(program, Signal::TERM),
                        Command::Interrupt => signal_program(program, Signal::INT),
                        Command::Freeze | Command::Thaw => {}
                    }
                }
                Received::End => return Ok(None),
            }
        }
        freezing = freezing && !freezer.freeze(program);
        if !freezer.has_frozen()
            && let Some(tasks) = crowd.check()
        {
            return Ok(Some(Exit::TooManyTasks(tasks)));
        }
    }
}

/// Signals the program's process group, if it has one of its own.
fn signal_program(program: Pid, signal: Signal) {
    match getpgid(Some(program)) {
        Ok(group) if group != program => {
            let _ = kill_process(program, signal); // already gone
        }
        _ => signal_group(program, signal),
    }
}

/// Which sources have something to read.
struct Ready {
    host: bool,
    child: bool,
}

/// Waits for the host or the end of a child, for `limit` at most.
fn wait_for(
    host: &UnixStream,
    child_signals: &UnixStream,
    limit: Option<Duration>,
) -> io::Result<Ready> {
    let limit = limit.map(|limit| Timespec {
        tv_sec: i64::try_from(limit.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: limit.subsec_nanos().into(),
    });
    let mut sources = [
        PollFd::new(host, PollFlags::IN),
        PollFd::new(child_signals, PollFlags::IN),
    ];
    match poll(&mut sources, limit.as_ref()) {
        Ok(_) | Err(Errno::INTR) => {}
        Err(error) => return Err(error.into()),
    }
    let [host, child] = sources;
    Ok(Ready {
        host: !host.revents().is_empty(),
        child: !child.revents().is_empty(),
    })
}

/// What was read from the host.
enum Received {
    Nothing,
    Command(Command),
    /// The host has closed the socket.
    End,
}

fn read_command(mut host: &UnixStream) -> io::Result<Received> {
    let mut byte = [0];
    match host.read(&mut byte) {
        Ok(0) => Ok(Received::End),
        // An unknown command is ignored: the host may be of another version.
        Ok(_) => Ok(byte
            .first()
            .and_then(|byte| Command::from_byte(*byte))
            .map_or(Received::Nothing, Received::Command)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Received::Nothing),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(Received::Nothing),
        // The socket is reset if the host was killed with data unread.
        Err(_) => Ok(Received::End),
    }
}

/// Reaps every child that has ended. Returns the program's exit if the program is among them.
fn reap(program: Pid) -> Option<Exit> {
    let mut exit = None;
    while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
        if pid == program {
            exit = Some(Exit::from_status(ExitStatus::from_raw(status.as_raw())));
        }
    }
    exit
}

/// Kills the process group and all descendants, including those adopted meanwhile, until none is left.
fn kill_everything(group: Pid, scope: Scope) {
    let own = getpid().as_raw_nonzero().get();
    let mut sweep = Sweep::default();
    let mut tree = Tree::default();
    loop {
        match scope {
            Scope::Namespace => signal_namespace(Signal::KILL),
            Scope::Descendants => {
                signal_group(group, Signal::KILL);
                sweep.kill(tree.children(own));
            }
        }
        match wait(WaitOptions::empty()) {
            Ok(Some((pid, _))) => sweep.reaped(pid),
            Ok(None) | Err(Errno::INTR) => {}
            Err(_) => return, // no children are left
        }
        while let Ok(Some((pid, _))) = wait(WaitOptions::NOHANG) {
            sweep.reaped(pid);
        }
    }
}
