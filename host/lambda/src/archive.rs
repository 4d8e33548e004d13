//! Unpacks .zip archives: the code of a function, and its layers.
//!
//! Each version of an archive is unpacked once, below a folder that the caller names, and stays while a process may run
//! from it. An archive that is broken, has an entry that leads out of its folder, or unpacks to more than its limit is
//! refused, and nothing of it is kept.

use std::fs::{self, File};
use std::hash::{Hash, Hasher};
use std::io::{self, Read as _};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use crate::limits::MAX_ARCHIVE_ENTRIES;

/// Whether a file is taken for an archive: by its extension, as AWS has no other form of code in a file.
pub(crate) fn is_archive(path: &Path) -> bool {
    let extension = path.extension();
    extension.is_some_and(|extension| extension.eq_ignore_ascii_case("zip"))
}

/// Unpacks an archive and returns a link to the result.
///
/// Each version has a folder of its own, named after the archive's size and modification time, so that a function which
/// runs an older version keeps its files. A folder appears only when it is complete, and the link changes atomically. A
/// version is deleted when two newer ones have been unpacked.
pub(crate) fn unpack(archive: &Path, below: &Path, limit: u64) -> io::Result<PathBuf> {
    let folder = below.join(unique_name(archive));
    if let Some(project) = below.parent() {
        lambkin_store::private_folder(project)?;
    }
    lambkin_store::private_folder(&folder)?;
    let home = fs::canonicalize(folder)?;
    let version = unpack_version(archive, &home, limit)?;
    let link = home.join("current");
    let before = fs::read_link(&link).ok();
    if before.as_ref() != Some(&version) {
        let next = home.join(format!(".current-{}", lambkin_files::unpredictable()));
        symlink(&version, &next)?;
        fs::rename(&next, &link)?;
        let kept = [&version, before.as_ref().unwrap_or(&version), &link];
        remove_all_but(&kept, &home);
    }
    Ok(link)
}

/// The archive's file name and a hash of its path: archives in different folders often have the same name.
fn unique_name(archive: &Path) -> String {
    let mut hasher = std::hash::DefaultHasher::new();
    archive.hash(&mut hasher);
    let stem = archive.file_stem().unwrap_or_default().to_string_lossy();
    format!("{stem}-{:x}", hasher.finish())
}

fn unpack_version(archive: &Path, home: &Path, limit: u64) -> io::Result<PathBuf> {
    let metadata = fs::metadata(archive)?;
    let stamp = metadata
        .modified()?
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_nanos();
    let target = home.join(format!("{:x}-{stamp:x}", metadata.len()));
    if target.is_dir() {
        return Ok(target);
    }
    let mut entries = zip::ZipArchive::new(File::open(archive)?)?;
    check_size(&mut entries, limit)?;
    // A folder of its own: nothing in it leads elsewhere.
    let partial = lambkin_files::create_temporary_folder(home, &format!(".{stamp:x}"))?;
    // A folder that exists is taken to be complete, so its files have to be on the disk before its name is.
    let unpacked = entries.extract(&partial).map_err(io::Error::from);
    if let Err(error) = unpacked.and_then(|()| sync_tree(&partial)) {
        let _ = fs::remove_dir_all(&partial); // may not exist
        return Err(error);
    }
    match fs::rename(&partial, &target) {
        Ok(()) => Ok(target),
        // Another process has unpacked it meanwhile.
        Err(_) if target.is_dir() => {
            fs::remove_dir_all(&partial)?;
            Ok(target)
        }
        Err(error) => Err(error),
    }
}

/// Waits until a folder is on the disk with all that is in it.
#[cfg(target_os = "linux")]
fn sync_tree(folder: &Path) -> io::Result<()> {
    // All of the file system: that is one operation of the disk instead of one for each of thousands of files.
    Ok(rustix::fs::syncfs(File::open(folder)?)?)
}

/// Waits until a folder is on the disk with all that is in it.
#[cfg(not(target_os = "linux"))]
fn sync_tree(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            sync_tree(&entry.path())?;
        } else if kind.is_file() {
            File::open(entry.path())?.sync_all()?;
        }
    }
    File::open(folder)?.sync_all()
}

/// Fails if an archive has too many entries, or unpacks to more than `limit` bytes. The bytes are counted while they are
/// unpacked, before anything is written: the sizes that an archive states need not be true.
fn check_size(entries: &mut zip::ZipArchive<File>, limit: u64) -> io::Result<()> {
    if entries.len() > MAX_ARCHIVE_ENTRIES {
        return Err(io::Error::other(format!(
            "it has {} entries, more than the limit of {MAX_ARCHIVE_ENTRIES}",
            entries.len()
        )));
    }
    let mut left = limit;
    for index in 0..entries.len() {
        let entry = entries.by_index(index)?;
        let size = io::copy(&mut entry.take(left + 1), &mut io::sink())?;
        let Some(rest) = left.checked_sub(size) else {
            return Err(io::Error::other(format!(
                "it unpacks to more than {limit} bytes ({} MB), which is the limit here, as on AWS 262144000 bytes for a \
                 function with its layers; make it smaller, or raise `unpacked-limit`",
                limit / (1024 * 1024)
            )));
        };
        left = rest;
    }
    Ok(())
}

/// Removes all other versions. Errors are ignored: a folder that stays does no harm.
fn remove_all_but(kept: &[&PathBuf], folder: &Path) {
    let versions = fs::read_dir(folder).into_iter().flatten().flatten();
    for path in versions.map(|entry| entry.path()) {
        let unfinished = path
            .file_name()
            .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if !kept.contains(&&path) && !unfinished {
            let _ = fs::remove_dir_all(path);
        }
    }
}
