//! A read-only view of the host's executable, from which the first process of a sandbox runs.
//!
//! A program in a sandbox can reach the file that its parent runs: `/proc/self/exe` in a `#!` line is that file, and with
//! `LD_PRELOAD` it runs the program's own code. The file is not in the sandbox, but the program could change it, its mode
//! for example, as the user that owns it. Nothing can be changed through a mount that is read-only.
//!
//! On failure: if the executable cannot be mounted on itself, for example because it has been replaced since the host was
//! started, it is copied to memory, which costs its size for each sandbox. If that is not possible either, [`Failure`].

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;

use rustix::fs::{MemfdFlags, Mode, OFlags, fstat, memfd_create, open};
use rustix::io::Errno;
use rustix::mount::{MountFlags, MountPropagationFlags, mount_bind, mount_change, mount_remount};

use super::spec::Failure;

/// The file that this process runs.
const OWN: &str = "/proc/self/exe";

/// The executable of this process, for a start of it. The process must be in a mount namespace of its own, with the
/// capability to change it.
pub(super) fn read_only() -> Result<OwnedFd, Failure> {
    let failed = |error: io::Error| Failure::at("open(executable)", Path::new(OWN), &error);
    let own = locate(Path::new(OWN)).map_err(|error| failed(error.into()))?;
    // It has been deleted, so that nobody can start it again.
    let is_deleted = fstat(&own).is_ok_and(|file| file.st_nlink == 0);
    if is_deleted {
        return Ok(own);
    }
    mounted(&own)
        .or_else(|_| copied())
        .map_err(|error| Failure::at("copy(executable)", Path::new(OWN), &error))
}

/// The executable on a mount of its own.
fn mounted(own: &OwnedFd) -> io::Result<OwnedFd> {
    let path = fs::read_link(OWN)?;
    // Nothing that is mounted here is to appear outside.
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    mount_change("/", private)?;
    mount_bind(&path, &path)?;
    // This process runs from the mount below, so that it does not forbid the execution.
    let flags = MountFlags::BIND | MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV;
    mount_remount(&path, flags, c"")?;
    let mounted = locate(&path)?;
    let (found, wanted) = (fstat(&mounted)?, fstat(own)?);
    // The path may have become that of another file.
    match (found.st_dev, found.st_ino) == (wanted.st_dev, wanted.st_ino) {
        true => Ok(mounted),
        false => Err(Errno::STALE.into()),
    }
}

/// A copy in memory.
fn copied() -> io::Result<OwnedFd> {
    // Before Linux 6.3, every such file can be executed, and the flag is unknown.
    let made = memfd_create("lambkin", MemfdFlags::CLOEXEC | MemfdFlags::EXEC)
        .or_else(|_| memfd_create("lambkin", MemfdFlags::CLOEXEC))?;
    let mut copy = File::from(made);
    io::copy(&mut File::open(OWN)?, &mut copy)?;
    // A file that is open for writing cannot be started.
    let path = format!("/proc/self/fd/{}", copy.as_raw_fd());
    Ok(locate(Path::new(&path))?)
}

fn locate(path: &Path) -> Result<OwnedFd, Errno> {
    open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
}
