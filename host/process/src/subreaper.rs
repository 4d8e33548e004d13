//! Orphans: processes whose parents have ended.
//!
//! A *child subreaper* becomes the parent of every orphan below it. Supervisors are subreapers, and so is the host: if
//! a supervisor is killed, the processes that it should have killed become children of the host.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::thread;

use rustix::process::{Pid, WaitOptions, getpid, waitpid};

use crate::limits::ORPHAN_INTERVAL;
use crate::sweep::Sweep;
use crate::tree::Tree;

/// Makes this process a child subreaper. Systems other than Linux have none; there, only process groups are killed.
pub(crate) fn adopt_orphans() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::process::set_child_subreaper(Some(getpid()))?;
    Ok(())
}

/// Kills the orphans that the host has adopted, with all their descendants. Returns when they have ended.
///
/// The children that the host has started itself are supervisors and other processes of its own executable. Every other
/// child is an orphan.
pub fn kill_orphans() {
    let own = getpid().as_raw_nonzero().get();
    let Some(own_file) = file_of(own) else {
        return; // there is no `/proc`
    };
    let mut sweep = Sweep::default();
    let mut tree = Tree::default();
    loop {
        let children = tree.children(own).iter().copied();
        let orphans: Vec<i32> = children
            .filter(|pid| sweep.has_killed(*pid) || is_orphan(*pid, own_file))
            .collect();
        if orphans.is_empty() {
            return;
        }
        sweep.kill(&orphans);
        for orphan in orphans {
            // A supervisor that has been killed is not waited for: it is the host's own child.
            if let Ok(Some((pid, _))) = waitpid(Pid::from_raw(orphan), WaitOptions::NOHANG) {
                sweep.reaped(pid);
            }
        }
        thread::sleep(ORPHAN_INTERVAL);
    }
}

/// Whether a child of the host is one that the host has not started itself. A process that has ended no longer has a
/// file, but it still has its name; the host reaps its own children elsewhere.
fn is_orphan(pid: i32, own_file: (u64, u64)) -> bool {
    file_of(pid).map_or_else(
        || fs::read(format!("/proc/{pid}/comm")).is_ok_and(|name| !is_own_name(name.trim_ascii())),
        |file| file != own_file,
    )
}

/// Whether a process of the host's own executable can have this name: that of the file, or that of `/proc/self/exe`. The
/// kernel keeps 15 bytes of it.
fn is_own_name(name: &[u8]) -> bool {
    let own = std::env::current_exe().ok();
    let own = own.as_deref().and_then(Path::file_name);
    name == b"exe"
        || own.is_none_or(|own| own.as_bytes().get(..15).unwrap_or(own.as_bytes()) == name)
}

/// The device and inode of the file that a process executes.
fn file_of(pid: i32) -> Option<(u64, u64)> {
    let file = fs::metadata(format!("/proc/{pid}/exe")).ok()?;
    Some((file.dev(), file.ino()))
}
