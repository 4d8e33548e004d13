//! The root of a sandbox that has the files of a container image.
//!
//! The image's folder is merged with a small folder of ours, which lies above: it has the mount points, the files that
//! depend on the machine, and scripts in place of some of the image's. Whatever the image has at these paths, such as a
//! link `/dev` that leads elsewhere, is hidden by it. So nothing is ever created or mounted at a path that the image
//! could lead to a place outside, which matters because the process that does it may be root.
//!
//! On failure: [`Failure`] with the step and the path, as in `root`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::mount::{MountFlags, UnmountFlags, unmount};
use rustix::process::{chdir, pivot_root};

use super::etc;
use super::root::{self, HOST, create, merge};
use super::spec::{Failure, IMAGE, ImageRoot, Sandbox};

/// Folders of which nothing in the image is visible, as something is mounted there.
const MOUNT_POINTS: [&str; 3] = ["dev", "proc", "tmp"];

/// Replaces this process's file system by that of a sandbox, with an image or without one, on the conditions of
/// [`root::begin`].
pub(crate) fn build(sandbox: &Sandbox) -> Result<(), Failure> {
    let Some(image) = &sandbox.image else {
        return root::build(sandbox);
    };
    root::begin()?;
    let base = mount(image)?;
    root::add_devices(base, sandbox.terminal.as_deref())?;
    root::add_tmp(base, sandbox.tmp_mb)?;
    root::add_proc(base)?;
    enter(base)?;
    root::make_read_only(false)
}

/// Mounts the root of an image, with an empty `/dev`. Returns where it is.
fn mount(image: &ImageRoot) -> Result<&'static Path, Failure> {
    let base = Path::new(IMAGE);
    merge(
        std::slice::from_ref(&image.folder),
        Some(&|top| fill(top, image)),
        base,
    )?;
    let devices = base.join("dev");
    let flags = MountFlags::NOSUID | MountFlags::NODEV;
    rustix::mount::mount(
        "tmpfs",
        &devices,
        "tmpfs",
        flags,
        Some(c"mode=0755,size=64k"),
    )
    .map_err(|error| Failure::at("mount(tmpfs)", &devices, &error.into()))?;
    Ok(base)
}

/// Fills our folder, in which there are no links.
fn fill(top: &Path, image: &ImageRoot) -> Result<(), Failure> {
    for name in MOUNT_POINTS {
        create(top.join(name))?;
    }
    let etc = top.join("etc");
    create(&etc)?;
    for (name, content) in etc::of_machine(Path::new(HOST)) {
        write(&etc.join(name), &content, 0o644)?;
    }
    for (path, text) in &image.scripts {
        let path = top.join(path.strip_prefix("/").unwrap_or(path));
        if let Some(folder) = path.parent() {
            create(folder)?;
        }
        write(&path, text.as_bytes(), 0o755)?;
    }
    Ok(())
}

fn write(path: &Path, content: &[u8], mode: u32) -> Result<(), Failure> {
    let written = fs::write(path, content)
        .and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(mode)));
    written.map_err(|error| Failure::at("create", path, &error))
}

/// Makes the image's root this process's, and detaches everything else: the host's root and the folder it was in.
fn enter(base: &Path) -> Result<(), Failure> {
    chdir(base).map_err(|error| Failure::at("chdir", base, &error.into()))?;
    // The old root is then mounted on the new one, which is what `.` still stands for.
    pivot_root(".", ".").map_err(|error| Failure::at("pivot_root", base, &error.into()))?;
    unmount(".", UnmountFlags::DETACH)
        .map_err(|error| Failure::at("umount", Path::new("/"), &error.into()))?;
    chdir("/").map_err(|error| Failure::at("chdir", Path::new("/"), &error.into()))
}
