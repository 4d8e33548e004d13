//! The launcher: moves itself into a new user namespace and starts the init process in a new PID namespace.
//!
//! The init process runs from a read-only view of the executable ([`executable`]), which the launcher makes.
//!
//! The launcher stays outside the PID namespace, as the init process's parent, and only waits. It sends the host `init-started`;
//! after that, the init process alone has the host's socket.
//!
//! On failure: the host gets the [`Failure`], and the launcher exits.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Command, ExitCode, Stdio};

use rustix::net::RecvFlags;
use rustix::process::{getegid, geteuid};
use rustix::thread::UnshareFlags;

use super::spec::Failure;
use super::{executable, identity};
use crate::protocol::{
    INIT_ROLE, INIT_STARTED, MAP_REQUEST, OWN_IDS, SUPERVISOR_ARGUMENT, failure_line,
};

/// Runs this process as a launcher. Its standard input must be the host's socket, and it must have one thread. `more` are
/// its further arguments.
pub(crate) fn enter(more: &[String]) -> io::Result<ExitCode> {
    let mut host = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let executable = match isolate(&mut host, more.iter().any(|it| it == OWN_IDS)) {
        Ok(Some(executable)) => executable,
        Ok(None) => return Ok(ExitCode::SUCCESS), // the host has gone
        Err(failure) => {
            host.write_all(failure_line(&failure).as_bytes())?;
            return Ok(ExitCode::SUCCESS);
        }
    };
    // The first child after the call of `unshare` is the first process of the namespace.
    let init = Command::new(format!("/proc/self/fd/{}", executable.as_raw_fd()))
        .args([SUPERVISOR_ARGUMENT, INIT_ROLE])
        .args(more)
        .env_clear()
        .stdin(Stdio::inherit())
        .spawn();
    let mut init = match init {
        Ok(init) => init,
        Err(error) => {
            let failure = Failure {
                stage: "start of the init process".to_owned(),
                errno: error.raw_os_error().unwrap_or(0),
                path: None,
            };
            host.write_all(failure_line(&failure).as_bytes())?;
            return Ok(ExitCode::SUCCESS);
        }
    };
    drop(executable);
    host.write_all(INIT_STARTED.as_bytes())?;
    drop(host);
    rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
    let ended = init.wait()?;
    Ok(match ended.success() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// Enters a user namespace with the program's ids, and a PID namespace for the children. Returns what the init process is
/// started from, or `None` if the host has closed the socket. With `has_own_ids`, the program has the ids of this process
/// even if that is root's.
fn isolate(host: &mut UnixStream, has_own_ids: bool) -> Result<Option<OwnedFd>, Failure> {
    let (user, group) = (geteuid(), getegid());
    // Root may do this before it has a user namespace, in which it could not open what belongs to other users.
    let early = match user.is_root() && unshare(UnshareFlags::NEWNS).is_ok() {
        true => Some(executable::read_only()?),
        false => None,
    };
    unshare(UnshareFlags::NEWUSER | UnshareFlags::NEWPID)
        .map_err(|error| Failure::new("unshare(user, pid)", error))?;
    if has_own_ids || !user.is_root() {
        identity::map_own(user.as_raw(), group.as_raw())?;
        identity::pass_on_capabilities()?;
    } else {
        let failed = |_| Failure::new("request(uid_map)", rustix::io::Errno::PIPE);
        host.write_all(MAP_REQUEST.as_bytes()).map_err(failed)?;
        // The launch, which the init process reads, follows when the host has written the maps.
        let received = rustix::net::recv(&*host, &mut [0; 1], RecvFlags::PEEK);
        let (_, length) = received.map_err(|error| Failure::new("request(uid_map)", error))?;
        if length == 0 {
            return Ok(None);
        }
    }
    if early.is_some() {
        return Ok(early);
    }
    unshare(UnshareFlags::NEWNS).map_err(|error| Failure::new("unshare(mount)", error))?;
    executable::read_only().map(Some)
}

fn unshare(namespaces: UnshareFlags) -> rustix::io::Result<()> {
    // Without CLONE_FILES, which is why the function is deprecated, nothing can be closed that others use.
    #[expect(
        deprecated,
        reason = "the other function is unsafe because of a flag that is not used here"
    )]
    rustix::thread::unshare(namespaces)
}
