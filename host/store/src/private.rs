//! Files and folders that only their owner may read: what is in them are the messages and objects of users.

use std::fs::{self, DirBuilder, File, FileType, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// The name of the folder that the host makes in a project. A folder with another name was chosen by the user, and its
/// mode is left alone.
const OWN_FOLDER: &str = ".lambkin";

/// The permissions of others.
const OTHERS: u32 = 0o077;

/// Creates a folder and those above it with mode 0700. If it exists and is named `.lambkin`, others lose their
/// permissions.
///
/// # Errors
///
/// It cannot be created. Permissions that cannot be changed, because the folder belongs to another user, are left.
pub fn private_folder(folder: &Path) -> io::Result<()> {
    if folder.as_os_str().is_empty() {
        return Ok(()); // the working directory
    }
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    if folder.file_name().is_some_and(|name| name == OWN_FOLDER) {
        close_to_others(folder);
    }
    Ok(())
}

/// Takes the permissions on a file or folder from others. If it belongs to another user, they stay.
pub(crate) fn close_to_others(path: &Path) {
    let Ok(about) = fs::symlink_metadata(path) else {
        return;
    };
    let mode = about.permissions().mode();
    if mode & OTHERS != 0 && !about.is_symlink() {
        let _ = fs::set_permissions(path, Permissions::from_mode(mode & !OTHERS));
    }
}

/// Opens a regular file for writing, and creates it for its owner alone if it does not exist. Anything else in its
/// place is an error at once; opening a FIFO would wait for its other end.
pub(crate) fn private_file(path: &Path, follow: bool) -> io::Result<File> {
    let about = if follow {
        fs::metadata(path)
    } else {
        fs::symlink_metadata(path)
    };
    match about {
        Ok(about) if !about.is_file() => {
            return Err(io::Error::other(format!(
                "{} is {} instead of a regular file: move it away",
                path.display(),
                kind(about.file_type())
            )));
        }
        Ok(_) => close_to_others(path),
        Err(_) => {}
    }
    let mut options = File::options();
    options.create(true).truncate(false).write(true).mode(0o600);
    options.open(path)
}

/// What is in the place of a file, with its article.
pub(crate) fn kind(of: FileType) -> &'static str {
    if of.is_dir() {
        "a folder"
    } else if of.is_symlink() {
        "a symbolic link"
    } else if of.is_fifo() {
        "a FIFO"
    } else if of.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}
