//! Unpacks the layers of an image, one after the other, into a folder.
//!
//! Contract: the folder has the files, folders and links of the image as the last layer left them. What a layer deletes
//! (`.wh.NAME`, `.wh..wh..opq`) is gone. Owners, extended attributes, devices and FIFOs are left out, and the
//! set-user-id and set-group-id bits are dropped. The owner of a file may read and execute it if everybody may: on AWS,
//! files belong to root, and the function is another user, while here a developer's files and processes have the same
//! owner. Folders can be opened by their owner, so that the cache can be deleted. Modification times of files are kept,
//! because Python compares them with those of its compiled files.
//!
//! On failure: an [`ImageError`] with the entry. The folder is to be thrown away.

use std::ffi::OsStr;
use std::fs::Permissions;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Timespec, Timestamps};
use tar::EntryType;

use crate::entries::{Entry, printable};
use crate::error::ImageError;
use crate::layer::{self, Budget};
use crate::resolved::{Layers, Resolved};
use crate::tree::{Tree, stat};

const WHITEOUT: &[u8] = b".wh.";
const OPAQUE: &[u8] = b".wh..wh..opq";
/// Other names that begin like this are notes of old versions of Docker.
const INTERNAL: &[u8] = b".wh..wh.";

/// Unpacks all layers of an image into an empty folder.
pub(crate) fn unpack(
    image: &Resolved,
    layers: &dyn Layers,
    root: &Path,
    budget: &Budget,
) -> Result<(), ImageError> {
    let mut tree = Tree::new(root).map_err(|error| ImageError::io("open", root, &error))?;
    for (number, layer) in image.layers.iter().enumerate() {
        tree.begin_layer();
        let stored = layers.open(layer)?;
        layer::read(stored, layer.stored, layer.content, budget, |entry| {
            budget.take_entry()?;
            apply(&mut tree, entry)
        })
        .map_err(|error| {
            error.within(format_args!(
                "layer {} of {}",
                number + 1,
                image.layers.len()
            ))
        })?;
    }
    Ok(())
}

/// Makes of an entry what it stands for.
fn apply(tree: &mut Tree, mut entry: Entry<'_, &mut dyn Read>) -> Result<(), ImageError> {
    let name = entry.name();
    let failed = |error: io::Error| {
        let advice = match error
            .raw_os_error()
            .map(rustix::io::Errno::from_raw_os_error)
        {
            Some(rustix::io::Errno::NOTDIR) => " (a file is where the image has a folder)",
            Some(rustix::io::Errno::NOSPC | rustix::io::Errno::DQUOT) => {
                "; free some space, or set XDG_CACHE_HOME to a folder on another disk"
            }
            _ => "",
        };
        ImageError::new(format!("cannot unpack {name}: {error}{advice}"))
    };
    let Some(path) = relative(&entry.path) else {
        return Err(ImageError::new(format!("{name} leads out of the image")));
    };
    let (Some(parent), Some(file_name)) = (path.parent(), path.file_name()) else {
        return Ok(()); // the root itself
    };
    if file_name.as_bytes().starts_with(WHITEOUT) {
        return apply_whiteout(tree, parent, file_name).map_err(failed);
    }
    let is_folder = entry.kind == EntryType::Directory
        || entry.kind == EntryType::Regular && entry.path.ends_with(b"/");
    let target = match entry.kind {
        EntryType::Link => match relative(&entry.link) {
            Some(target) => Some(target),
            None => {
                return Err(ImageError::new(format!(
                    "{name} links to a file out of the image"
                )));
            }
        },
        _ => None,
    };
    let folder = tree.folder(parent).map_err(failed)?;
    match entry.kind {
        _ if is_folder => tree
            .make_folder(&folder, file_name, folder_mode(entry.mode))
            .map_err(failed),
        EntryType::Regular | EntryType::Continuous => {
            let mut file = tree.make_file(&folder, file_name).map_err(failed)?;
            io::copy(&mut entry.content, &mut file).map_err(failed)?;
            file.set_permissions(Permissions::from_mode(file_mode(entry.mode)))
                .map_err(failed)?;
            let (tv_sec, nanoseconds) = entry.modified;
            let time = Timespec {
                tv_sec,
                tv_nsec: nanoseconds.into(),
            };
            let times = Timestamps {
                last_access: time,
                last_modification: time,
            };
            // A file system may not have such a time; the file is complete without.
            let _ = rustix::fs::futimens(&file, &times);
            Ok(())
        }
        EntryType::Symlink => tree
            .make_link(&folder, file_name, OsStr::from_bytes(&entry.link))
            .map_err(failed),
        EntryType::Link => {
            let target = target.unwrap_or_default();
            let missing = || {
                ImageError::new(format!(
                    "{name} is another name of {}, which the image does not have",
                    printable(&entry.link)
                ))
            };
            let (Some(above), Some(target_name)) = (target.parent(), target.file_name()) else {
                return Err(missing());
            };
            let above = tree.existing_folder(above).map_err(failed)?;
            let above = above.ok_or_else(missing)?;
            if stat(&above, target_name).map_err(failed)?.is_none() {
                return Err(missing());
            }
            tree.make_hard_link(&folder, file_name, (&above, target_name))
                .map_err(failed)
        }
        // A sandbox has its own devices.
        EntryType::Char | EntryType::Block | EntryType::Fifo => {
            tree.remove(&folder, file_name).map_err(failed)
        }
        other => Err(ImageError::new(format!(
            "{name} is an entry of the unknown type {:?}",
            char::from(other.as_byte())
        ))),
    }
}

fn apply_whiteout(tree: &mut Tree, parent: &Path, name: &OsStr) -> io::Result<()> {
    let Some(folder) = tree.existing_folder(parent)? else {
        return Ok(());
    };
    let bytes = name.as_bytes();
    if bytes == OPAQUE {
        return tree.clear_lower(&folder);
    }
    let deleted = bytes.strip_prefix(WHITEOUT).unwrap_or_default();
    if bytes.starts_with(INTERNAL) || matches!(deleted, b"" | b"." | b"..") {
        return Ok(());
    }
    tree.remove_lower(&folder, OsStr::from_bytes(deleted))
}

/// A path of an archive from the root of the image: without `.`, `..` and empty parts. `None` if it leads out.
fn relative(path: &[u8]) -> Option<PathBuf> {
    let mut relative = PathBuf::new();
    for part in path.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => {
                if !relative.pop() {
                    return None;
                }
            }
            part => relative.push(OsStr::from_bytes(part)),
        }
    }
    Some(relative)
}

/// The owner may read and execute what everybody may.
fn file_mode(mode: u32) -> u32 {
    mode & 0o277 | (mode & 0o005) << 6
}

fn folder_mode(mode: u32) -> u32 {
    mode & 0o1077 | 0o700
}
