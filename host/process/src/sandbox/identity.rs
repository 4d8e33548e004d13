//! User and group ids, capabilities and limits: which ones a program gets, and who may set them.

use std::fs;
use std::io;
use std::ops::Range;
use std::os::unix::fs::MetadataExt;
use std::sync::OnceLock;

use rustix::process::{Resource, getrlimit, setrlimit};
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, capability_is_in_bounding_set,
    clear_ambient_capability_set, configure_capability_in_ambient_set,
    remove_capability_from_bounding_set, set_capabilities, set_no_new_privs, set_thread_groups,
    set_thread_res_gid, set_thread_res_uid,
};

use super::spec::{Failure, GROUP_ID, Sandbox, USER_ID};
use crate::limits::MAX_TASKS;

/// Who a program is outside of its sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outside {
    /// The host's user.
    Host,
    /// One that owns nothing. Only root can choose this.
    Nobody,
    /// This user and group. Only root can choose this.
    Owner(u32, u32),
}

impl Outside {
    /// The user for a sandbox: a program that may write to the code is the code's owner.
    pub(crate) fn of(sandbox: &Sandbox) -> Self {
        if !rustix::process::geteuid().is_root() {
            return Self::Host;
        }
        let code = sandbox.code.as_ref().filter(|_| sandbox.writable_code);
        let owner = code.and_then(|code| fs::metadata(code).ok());
        match owner.map(|owner| (owner.uid(), owner.gid())) {
            None => Self::Nobody,
            // The ids 0 and 993 cannot be the same outside.
            Some((0, _) | (_, 0)) => Self::Host,
            Some((user, group)) => Self::Owner(user, group),
        }
    }
}

/// Writes the maps of a launcher's user namespace, which only root outside of it may: 0 stays 0, and the program's ids are
/// those of `outside`.
pub(crate) fn map_for_root(launcher: i32, outside: Outside) -> Result<(), Failure> {
    // In a container without privileges there are fewer ids, and all of them but 0 are such.
    let is_nested = fs::read_to_string("/proc/self/uid_map")
        .is_ok_and(|map| !map.trim_end().ends_with(&u32::MAX.to_string()));
    let offset = offset();
    let owner = match outside {
        Outside::Owner(user, group) => [Some(user), Some(group)],
        Outside::Host | Outside::Nobody => [None, None],
    };
    for ((file, id), owner) in [("uid_map", USER_ID), ("gid_map", GROUP_ID)]
        .into_iter()
        .zip(owner)
    {
        let path = format!("/proc/{launcher}/{file}");
        let write = |outside| write_map(&path, file, &format!("0 0 1\n{id} {outside} 1\n"));
        match write(owner.unwrap_or(offset + id)) {
            Err(_) if is_nested && owner.is_none() => write(id)?,
            result => result?,
        }
    }
    Ok(())
}

/// The first ids that a program may have outside if root has started it. Distributions, systemd and directory services
/// assign none between these and 2^31.
const FIRST_OFFSET: u32 = 2_100_000_000;

/// How many ids a sandbox may have, at an offset: the program's user and group are among them.
const IDS: u32 = 1_000;

/// What the ids of a program that root has started are outside: this number more than inside. They are in none of the
/// ranges that users have for containers of their own, which could otherwise signal and read the program.
fn offset() -> u32 {
    static OFFSET: OnceLock<u32> = OnceLock::new();
    *OFFSET.get_or_init(|| {
        let files = ["/etc/subuid", "/etc/subgid"];
        let texts = files.map(|file| fs::read_to_string(file).unwrap_or_default());
        let ranges: Vec<Range<u64>> = texts.iter().flat_map(|text| ranges(text)).collect();
        free_offset(&ranges)
    })
}

/// The ranges in `/etc/subuid`: `USER:FIRST:COUNT`.
fn ranges(text: &str) -> impl Iterator<Item = Range<u64>> {
    text.lines().filter_map(|line| {
        let mut fields = line.split('#').next()?.split(':').skip(1);
        let mut number = || fields.next()?.trim().parse::<u64>().ok();
        let (first, count) = (number()?, number()?);
        Some(first..first.saturating_add(count))
    })
}

/// The first offset at which no id is in a range. If there is none below 2^31, which is the largest id that all file
/// systems can store, it is the first of all.
fn free_offset(taken: &[Range<u64>]) -> u32 {
    let mut offsets = (FIRST_OFFSET..i32::MAX.unsigned_abs() - IDS).step_by(IDS as usize);
    let is_free = |offset: &u32| {
        let (first, end) = (u64::from(*offset), u64::from(offset + IDS));
        !taken
            .iter()
            .any(|range| range.start < end && first < range.end)
    };
    offsets.find(is_free).unwrap_or(FIRST_OFFSET)
}

/// Maps the ids of this process, which is in a new user namespace, to the program's ids.
pub(super) fn map_own(uid: u32, gid: u32) -> Result<(), Failure> {
    // Without this, a user could drop a group that denies it something.
    write_map("/proc/self/setgroups", "setgroups", "deny")?;
    write_map(
        "/proc/self/uid_map",
        "uid_map",
        &format!("{USER_ID} {uid} 1\n"),
    )?;
    write_map(
        "/proc/self/gid_map",
        "gid_map",
        &format!("{GROUP_ID} {gid} 1\n"),
    )
}

fn write_map(path: &str, name: &str, text: &str) -> Result<(), Failure> {
    fs::write(path, text).map_err(|error| Failure {
        stage: format!("write({name})"),
        errno: error.raw_os_error().unwrap_or(0),
        path: None,
    })
}

/// Keeps the capabilities that the init process needs when this process, which has all of them, starts it: a user other
/// than 0 would lose them.
pub(super) fn pass_on_capabilities() -> Result<(), Failure> {
    let needed = [
        CapabilitySet::SYS_ADMIN,
        CapabilitySet::SETPCAP,
        CapabilitySet::SYS_RESOURCE,
    ];
    let failed = |error| Failure::new("set capabilities", error);
    let mut sets = capabilities(None).map_err(failed)?;
    sets.inheritable = sets.permitted;
    set_capabilities(None, sets).map_err(failed)?;
    for capability in needed {
        configure_capability_in_ambient_set(capability, true).map_err(failed)?;
    }
    Ok(())
}

/// Gives the calling thread the program's ids, takes all capabilities from it, and the ways to get any.
pub(crate) fn drop_privileges() -> io::Result<()> {
    if rustix::process::geteuid().is_root() {
        set_thread_groups(&[])?;
        let group = rustix::process::Gid::from_raw(GROUP_ID);
        set_thread_res_gid(group, group, group)?;
        let user = rustix::process::Uid::from_raw(USER_ID);
        drop_bounding_set()?;
        set_thread_res_uid(user, user, user)?;
    } else {
        drop_bounding_set()?;
    }
    clear_ambient_capability_set()?;
    let none = CapabilitySet::empty();
    set_capabilities(
        None,
        CapabilitySets {
            effective: none,
            permitted: none,
            inheritable: none,
        },
    )?;
    set_no_new_privs(true)?;
    Ok(())
}

fn drop_bounding_set() -> io::Result<()> {
    for bit in 0..u64::BITS {
        let capability = CapabilitySet::from_bits_retain(1 << bit);
        match capability_is_in_bounding_set(capability) {
            Ok(true) => remove_capability_from_bounding_set(capability)?,
            Ok(false) => {}
            Err(_) => break, // beyond the last one that this kernel knows
        }
    }
    Ok(())
}

/// Whether the processes and threads of a sandbox are limited by the kernel. Since Linux 5.14 it counts them for each user
/// namespace. Before, all processes of the user counted.
pub fn limits_tasks() -> bool {
    let release = rustix::system::uname();
    let release = release.release().to_string_lossy();
    let mut numbers = release
        .split(|character: char| !character.is_ascii_digit())
        .map_while(|number| number.parse::<u32>().ok());
    (numbers.next(), numbers.next()) >= (Some(5), Some(14))
}

/// Limits the processes and threads of the namespace, where the kernel can: starting another one fails with EAGAIN, as on
/// AWS.
pub(crate) fn limit_tasks() {
    if !limits_tasks() {
        return;
    }
    let mut limit = getrlimit(Resource::Nproc);
    let tasks = MAX_TASKS as u64;
    if limit.current.is_none_or(|current| current > tasks) {
        limit.current = Some(tasks);
        limit.maximum = Some(tasks);
        let _ = setrlimit(Resource::Nproc, limit); // the count of the supervisor remains
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ids_of_sandboxes_are_in_nobodys_range() {
        let usual = "alice:100000:65536\nbob:165536:65536\n";
        let found: Vec<_> = ranges(usual).collect();
        assert_eq!(found, [100_000..165_536, 165_536..231_072]);
        assert_eq!(free_offset(&found), FIRST_OFFSET);
        let strange = "# all\n\nalice\nbob:x:3\n1000:2099999999:1002\ncarl:2100002500:1\n";
        let found: Vec<_> = ranges(strange).collect();
        assert_eq!(
            found,
            [2_099_999_999..2_100_001_001, 2_100_002_500..2_100_002_501]
        );
        assert_eq!(free_offset(&found), FIRST_OFFSET + 3 * IDS);
        let all: Vec<_> = ranges("dave:0:4294967295").collect();
        assert_eq!(free_offset(&all), FIRST_OFFSET);
        const { assert!(USER_ID < IDS && GROUP_ID < IDS) };
    }
}
