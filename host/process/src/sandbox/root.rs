//! The file system of a sandbox, which the init process builds in new mount, IPC and UTS namespaces.
//!
//! A tmpfs becomes the root. While it is filled, the host's root is at [`HOST`] in it, and is detached at the end. Then
//! every mount but `/tmp` and `/proc` is made read-only. `image` takes the same steps for the root of an image.
//!
//! On failure: [`Failure`] with the step and the path on the host. The namespaces end with the process.

use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use rustix::mount::{
    MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_bind_recursive, mount_change,
    mount_remount, unmount,
};
use rustix::process::{chdir, pivot_root};
use rustix::thread::UnshareFlags;

use super::etc;
use super::spec::{Failure, GROUP_ID, MERGE, OPT, RUNTIME, Sandbox, TASK, USER_ID};

/// Where the host's root is while the new root is filled.
pub(super) const HOST: &str = "/host";

/// Where layers are while they are merged.
const LAYERS: &str = "/layers";

/// The hostname: an address of the range that AWS uses, which needs no name resolution.
const HOSTNAME: &[u8] = b"169.254.76.1";

/// The folders of the host's root that hold programs and libraries. Often all but the first are links to it.
const SYSTEM: [&str; 9] = [
    "usr",
    "bin",
    "sbin",
    "lib",
    "lib32",
    "lib64",
    "libx32",
    "nix/store",
    "gnu/store",
];

/// There is no `/dev/shm`, as on AWS.
const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];

/// How many files `/tmp` may have for each MB of its size: files that have any content take a page, 4 KB, of it at least.
/// Empty ones take none, but memory of the kernel, which would otherwise have no limit.
const TMP_FILES_PER_MB: u64 = 256;

/// Replaces this process's file system by an empty one, with the host's root at [`HOST`]. The process needs all
/// capabilities in a user namespace of its own, and its PID namespace must be new.
pub(super) fn begin() -> Result<(), Failure> {
    #[expect(
        deprecated,
        reason = "the other function is unsafe because of a flag that is not used here"
    )]
    rustix::thread::unshare(UnshareFlags::NEWNS | UnshareFlags::NEWIPC | UnshareFlags::NEWUTS)
        .map_err(|error| Failure::new("unshare(mount, ipc, uts)", error))?;
    rustix::system::sethostname(HOSTNAME).map_err(|error| Failure::new("sethostname", error))?;
    // As on AWS. The host's may hide what is created here from the program's user.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    enter_new_root()
}

/// Replaces this process's file system by that of a sandbox without an image, as [`begin`] has.
pub(super) fn build(sandbox: &Sandbox) -> Result<(), Failure> {
    begin()?;
    let base = Path::new("/");
    add_system()?;
    add_devices(base, sandbox.terminal.as_deref())?;
    add_tmp(base, sandbox.tmp_mb)?;
    add_proc(base)?;
    add_code(sandbox)?;
    add_layers(sandbox)?;
    match &sandbox.runtime {
        Some(runtime) => bind(runtime, Path::new(RUNTIME))?,
        None => create(RUNTIME)?,
    }
    add_visible(sandbox)?;
    leave_host()?;
    make_read_only(sandbox.writable_code)
}

fn enter_new_root() -> Result<(), Failure> {
    // Nothing that is mounted here is to appear outside.
    mount_change(
        "/",
        MountPropagationFlags::PRIVATE | MountPropagationFlags::REC,
    )
    .map_err(|error| Failure::at("mount(private)", Path::new("/"), &error.into()))?;
    // Any folder will do, and this one is everywhere. It is back as soon as the new mount is the root.
    let base = Path::new("/proc");
    let flags = MountFlags::NOSUID | MountFlags::NODEV;
    mount("tmpfs", base, "tmpfs", flags, Some(c"mode=0755,size=16m"))
        .map_err(|error| Failure::at("mount(tmpfs)", base, &error.into()))?;
    chdir(base).map_err(|error| Failure::at("chdir", base, &error.into()))?;
    let host = HOST.trim_start_matches('/');
    fs::create_dir(host).map_err(|error| Failure::at("mkdir", Path::new(HOST), &error))?;
    pivot_root(".", host)
        .map_err(|error| Failure::at("pivot_root", Path::new("/"), &error.into()))?;
    chdir("/").map_err(|error| Failure::at("chdir", Path::new("/"), &error.into()))
}

/// `/usr`, its links, and the part of `/etc` that programs need.
fn add_system() -> Result<(), Failure> {
    for name in SYSTEM {
        let source = Path::new(HOST).join(name);
        let target = Path::new("/").join(name);
        let Ok(metadata) = source.symlink_metadata() else {
            continue;
        };
        if metadata.is_symlink() {
            let link = fs::read_link(&source).and_then(|to| symlink(to, &target));
            link.map_err(|error| Failure::at("symlink", &target, &error))?;
        } else {
            bind(&target, &target)?;
        }
    }
    let etc = Path::new("/etc");
    let folders = etc::fill(Path::new(HOST));
    let folders = folders.map_err(|error| Failure::at("copy", etc, &error))?;
    for (folder, source) in folders {
        bind(&source, &etc.join(folder))?;
    }
    Ok(())
}

/// Fills `/dev`. Of the host's terminals, the program's own is there.
pub(super) fn add_devices(base: &Path, terminal: Option<&Path>) -> Result<(), Failure> {
    let folder = base.join("dev");
    create(&folder)?;
    for name in DEVICES {
        if Path::new(HOST).join("dev").join(name).exists() {
            bind(&Path::new("/dev").join(name), &folder.join(name))?;
        }
    }
    if let Some(name) = terminal.and_then(|path| path.strip_prefix("/dev").ok()) {
        bind(&Path::new("/dev").join(name), &folder.join(name))?;
    }
    for (name, to) in [
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
    ] {
        let link = folder.join(name);
        symlink(to, &link).map_err(|error| Failure::at("symlink", &link, &error))?;
    }
    Ok(())
}

pub(super) fn add_tmp(base: &Path, megabytes: u32) -> Result<(), Failure> {
    let folder = base.join("tmp");
    create(&folder)?;
    let files = u64::from(megabytes) * TMP_FILES_PER_MB;
    let options =
        format!("size={megabytes}m,nr_inodes={files},mode=0700,uid={USER_ID},gid={GROUP_ID}\0");
    let options = std::ffi::CStr::from_bytes_until_nul(options.as_bytes()).unwrap_or_default();
    let flags = MountFlags::NOSUID | MountFlags::NODEV;
    mount("tmpfs", &folder, "tmpfs", flags, Some(options))
        .map_err(|error| Failure::at("mount(tmpfs)", Path::new("/tmp"), &error.into()))
}

pub(super) fn add_proc(base: &Path) -> Result<(), Failure> {
    let folder = base.join("proc");
    let plain = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    create(&folder)?;
    mount("proc", &folder, "proc", plain, None)
        .map_err(|error| Failure::at("mount(proc)", Path::new("/proc"), &error.into()))?;
    // A namespace of its own would give the program capabilities in it, and with them much of the kernel to attack.
    // Where the limit cannot be set, it would still be confined.
    let _ = fs::write(folder.join("sys/user/max_user_namespaces"), "0");
    Ok(())
}

fn add_code(sandbox: &Sandbox) -> Result<(), Failure> {
    let task = Path::new(TASK);
    match &sandbox.code {
        None => create(TASK),
        Some(code) if sandbox.writable_code || is_open_to_program(code) => bind(code, task),
        Some(code) => merge(std::slice::from_ref(code), Some(&|_| Ok(())), task),
    }
}

/// Merges the layers, with mount points for what is visible below `/opt`.
fn add_layers(sandbox: &Sandbox) -> Result<(), Failure> {
    let opt = Path::new(OPT);
    let inside = sandbox.visible.iter();
    let inside: Vec<&Path> = inside
        .filter_map(|visible| visible.target.strip_prefix(opt).ok())
        .collect();
    let needs_top = |layer| !inside.is_empty() || !is_open_to_program(layer);
    match sandbox.layers.as_slice() {
        [] => create(OPT),
        [layer] if !needs_top(layer) => bind(layer, opt),
        [.., last] => {
            let fill = |top: &Path| {
                inside
                    .iter()
                    .try_for_each(|folder| create(top.join(folder)))
            };
            let top = needs_top(last).then_some(&fill as &Fill<'_>);
            merge(&sandbox.layers, top, opt)
        }
    }
}

/// Creates what is needed in a folder.
type Fill<'a> = dyn Fn(&Path) -> Result<(), Failure> + 'a;

/// Mounts folders on each other, later ones over earlier ones, and then, with `fill`, a folder that the program may
/// open, with what `fill` creates in it. The mode of a folder that holds code need not be such that the program could open
/// it, because on AWS that folder is not part of the code.
pub(super) fn merge(
    folders: &[PathBuf],
    fill: Option<&Fill<'_>>,
    target: &Path,
) -> Result<(), Failure> {
    let flags = MountFlags::NOSUID | MountFlags::NODEV;
    create(LAYERS)?;
    let mut mounted = Vec::new();
    if let Some(fill) = fill {
        // A file system of its own, which the merged one keeps when this place is removed.
        let top = Path::new(LAYERS).join("top");
        create(&top)?;
        mount("tmpfs", &top, "tmpfs", flags, Some(c"mode=0755,size=1m"))
            .map_err(|error| Failure::at("mount(tmpfs)", &top, &error.into()))?;
        fill(&top)?;
        mounted.push(top);
    }
    for (number, folder) in folders.iter().enumerate().rev() {
        let place = Path::new(LAYERS).join(number.to_string());
        bind(folder, &place)?;
        mounted.push(place);
    }
    create(target)?;
    // These paths are short: the option is limited to a page, and has characters of its own.
    let lower: Vec<String> = mounted
        .iter()
        .map(|place| place.display().to_string())
        .collect();
    let options = format!("lowerdir={}\0", lower.join(":"));
    let options = std::ffi::CStr::from_bytes_until_nul(options.as_bytes()).unwrap_or_default();
    mount("overlay", target, "overlay", flags, Some(options))
        .map_err(|error| Failure::at(MERGE, target, &error.into()))?;
    for place in mounted {
        unmount(&place, UnmountFlags::DETACH)
            .map_err(|error| Failure::at("umount", &place, &error.into()))?;
    }
    fs::remove_dir_all(LAYERS).map_err(|error| Failure::at("rmdir", Path::new(LAYERS), &error))
}

/// Whether a folder can be opened by a program that has none of the rights of its owner. A program that an ordinary user
/// has started has its rights.
fn is_open_to_program(folder: &Path) -> bool {
    let metadata = fs::metadata(in_host(folder));
    !rustix::process::geteuid().is_root()
        || metadata.is_ok_and(|metadata| metadata.permissions().mode() & 0o005 == 0o005)
}

fn add_visible(sandbox: &Sandbox) -> Result<(), Failure> {
    for visible in &sandbox.visible {
        let (source, target) = (&visible.source, &visible.target);
        // Below something that is visible at its own path already.
        let same = |other: &Path| target.starts_with(other);
        if SYSTEM.iter().any(|name| same(&Path::new("/").join(name))) {
            continue;
        }
        let of_another = sandbox.visible.iter().any(|other| {
            other.target != *target && same(&other.target) && other.source == other.target
        });
        if of_another && source == target {
            continue;
        }
        bind(source, target)?;
    }
    Ok(())
}

fn leave_host() -> Result<(), Failure> {
    let host = Path::new(HOST);
    unmount(host, UnmountFlags::DETACH)
        .map_err(|error| Failure::at("umount", Path::new("/"), &error.into()))?;
    fs::remove_dir(host).map_err(|error| Failure::at("rmdir", host, &error))
}

/// Makes every mount read-only, except for what the program may write to: `/tmp`, its own processes and, with
/// `writable_code`, the code.
pub(super) fn make_read_only(writable_code: bool) -> Result<(), Failure> {
    // Root outside could write to the kernel's settings, for which no capability is needed.
    let is_root_outside = is_root_outside();
    let table = Path::new("/proc/self/mountinfo");
    let mounts = fs::read_to_string(table).map_err(|error| Failure::at("read", table, &error))?;
    for line in mounts.lines() {
        let Some((target, options)) = parse_mount(line) else {
            continue;
        };
        if target == Path::new("/tmp") || (target == Path::new("/proc") && !is_root_outside) {
            continue;
        }
        let has = |name: &str| options.split(',').any(|option| option == name);
        // What a mount of the host forbids must be named again: this user may not allow it.
        let mut flags = MountFlags::BIND | MountFlags::RDONLY | MountFlags::NOSUID;
        let is_writable = writable_code && target.starts_with(TASK) && !has("ro");
        flags.set(MountFlags::RDONLY, !is_writable);
        flags.set(MountFlags::NODEV, has("nodev"));
        flags.set(MountFlags::NOEXEC, has("noexec"));
        if has("ro") && has("nosuid") {
            continue;
        }
        mount_remount(&target, flags, c"")
            .map_err(|error| Failure::at("mount(read-only)", &target, &error.into()))?;
    }
    Ok(())
}

/// Whether the program's user is root outside of the sandbox.
fn is_root_outside() -> bool {
    let map = fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    let mut lines = map
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>());
    let user = USER_ID.to_string();
    lines.any(|line| matches!(line.as_slice(), [inside, "0", _] if *inside == user))
}

/// The mount point and the options in a line of `/proc/self/mountinfo`: `ID PARENT DEVICE ROOT POINT OPTIONS …`.
fn parse_mount(line: &str) -> Option<(PathBuf, &str)> {
    let mut fields = line.split(' ').skip(4);
    let (point, options) = (fields.next()?, fields.next()?);
    let mut path = Vec::new();
    let mut rest = point.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        // Spaces, tabs, line feeds and backslashes are octal.
        let octal = after.get(..3).filter(|_| first == b'\\');
        let octal =
            octal.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok());
        path.push(octal.unwrap_or(first));
        rest = octal.and_then(|_| after.get(3..)).unwrap_or(after);
    }
    let path: std::ffi::OsString = std::os::unix::ffi::OsStringExt::from_vec(path);
    Some((PathBuf::from(path), options))
}

/// Mounts a file or folder of the host, with everything that is mounted below it.
fn bind(source: &Path, target: &Path) -> Result<(), Failure> {
    let from = in_host(source);
    let failed = |error: io::Error| Failure::at("bind", source, &error);
    let is_folder = fs::metadata(&from).map_err(failed)?.is_dir();
    if is_folder {
        create(target)?;
    } else {
        if let Some(folder) = target.parent() {
            create(folder)?;
        }
        fs::write(target, "").map_err(|error| Failure::at("create", target, &error))?;
    }
    mount_bind_recursive(&from, target).map_err(|error| failed(error.into()))
}

/// Creates a folder of the new root, with those above it.
pub(super) fn create(folder: impl AsRef<Path>) -> Result<(), Failure> {
    let folder = folder.as_ref();
    fs::create_dir_all(folder).map_err(|error| Failure::at("mkdir", folder, &error))
}

fn in_host(path: &Path) -> PathBuf {
    Path::new(HOST).join(path.strip_prefix("/").unwrap_or(path))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_mounts_is_parsed() {
        let line =
            r"36 35 98:0 / /a\040b\134c rw,nosuid,noatime - ext3 /dev/root rw,errors=continue";
        let (point, options) = parse_mount(line).unwrap();
        assert_eq!(point, Path::new(r"/a b\c"));
        assert_eq!(options, "rw,nosuid,noatime");
        assert_eq!(parse_mount("36 35 98:0 /"), None);
        assert_eq!(parse_mount(""), None);
    }
}
