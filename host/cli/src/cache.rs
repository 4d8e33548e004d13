//! The folder for what this program can make again: compiled plugins, runtime clients.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// `$XDG_CACHE_HOME/lambkin`, otherwise `~/.cache/lambkin`. `None` if neither variable is set.
pub fn folder() -> Option<PathBuf> {
    let set = |name| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let base = set("XDG_CACHE_HOME")
        .filter(|path| path.is_absolute())
        .or_else(|| Some(set("HOME")?.join(".cache")))?;
    Some(base.join("lambkin"))
}

/// The folder that `--cache-dir` names.
static NAMED: OnceLock<PathBuf> = OnceLock::new();

/// Makes [`folder_or_temporary`] return a folder. Only the first call has an effect.
pub fn name(folder: &Path) {
    let _ = NAMED.set(folder.to_owned());
}

/// The folder of `--cache-dir` or `$LAMBKIN_CACHE_DIR`, otherwise [`folder`] if it can be written, otherwise one of this
/// user in the folder for temporary files. It is never in a project, which could bring one with content of its own.
pub fn folder_or_temporary() -> PathBuf {
    let variable = || {
        let named = std::env::var_os("LAMBKIN_CACHE_DIR").filter(|folder| !folder.is_empty());
        named.map(PathBuf::from)
    };
    let named = NAMED.get().cloned().or_else(variable);
    named.unwrap_or_else(|| writable(folder(), &std::env::temp_dir()))
}

/// A cache that can be written: `wanted`, or a folder of this user below `temporary`, as in a container whose root is
/// read-only. If neither can be written, `wanted` or the other one, whose error the caller meets.
fn writable(wanted: Option<PathBuf>, temporary: &Path) -> PathBuf {
    if let Some(wanted) = &wanted
        && create(wanted).and_then(|()| probe(wanted)).is_ok()
    {
        return wanted.clone();
    }
    let user = rustix::process::geteuid().as_raw();
    let other = temporary.join(format!("lambkin-cache-{user}"));
    // Nothing is written to a folder of another user.
    let usable = create(&other)
        .and_then(|()| is_private(&other, user))
        .and_then(|()| probe(&other));
    match usable {
        Ok(()) => other,
        Err(error) => {
            tracing::debug!("{} cannot be the cache either: {error}", other.display());
            // A place that cannot be written to has no files of another user either.
            wanted.unwrap_or_else(|| PathBuf::from("/dev/null/lambkin"))
        }
    }
}

/// Creates a folder if it is missing.
fn create(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Creates a file in a folder, and deletes it again.
fn probe(folder: &Path) -> io::Result<()> {
    let (probe, _) = lambkin_files::create_temporary(folder, ".probe", "new", 0o600)?;
    fs::remove_file(&probe)
}

/// Fails if another user made the folder, or can write to it: in a folder such as `/tmp` anybody can.
fn is_private(folder: &Path, user: u32) -> io::Result<()> {
    let found = fs::symlink_metadata(folder)?;
    if found.is_dir() && found.uid() == user && found.mode() & 0o022 == 0 {
        return Ok(());
    }
    Err(io::Error::other("others can change what is in it"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn a_cache_that_cannot_be_written_gives_way_to_a_private_folder() {
        let folder = tempfile::tempdir().unwrap();
        let temporary = folder.path().join("tmp");
        fs::create_dir(&temporary).unwrap();
        let wanted = folder.path().join("cache/lambkin");
        assert_eq!(writable(Some(wanted.clone()), &temporary), wanted);
        // A file in its place: not even root can create a folder there.
        let blocked = folder.path().join("file");
        fs::write(&blocked, "").unwrap();
        let other = writable(Some(blocked.join("lambkin")), &temporary);
        assert_eq!(other.parent(), Some(temporary.as_path()));
        let mode = fs::metadata(&other).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        assert_eq!(
            fs::read_dir(&other).unwrap().count(),
            0,
            "the probe is gone"
        );
    }

    #[test]
    fn a_folder_that_others_can_change_is_no_cache() {
        let folder = tempfile::tempdir().unwrap();
        let blocked = folder.path().join("file");
        fs::write(&blocked, "").unwrap();
        let wanted = blocked.join("lambkin");
        let other = writable(Some(wanted.clone()), folder.path());
        fs::set_permissions(&other, fs::Permissions::from_mode(0o777)).unwrap();
        assert_eq!(writable(Some(wanted.clone()), folder.path()), wanted);
        fs::remove_dir(&other).unwrap();
        let elsewhere = folder.path().join("elsewhere");
        fs::create_dir(&elsewhere).unwrap();
        symlink(&elsewhere, &other).unwrap();
        // Not even the time at which the folder was changed tells of a file that was there for a moment.
        let before = fs::metadata(&elsewhere).unwrap();
        assert_eq!(writable(Some(wanted.clone()), folder.path()), wanted);
        let after = fs::metadata(&elsewhere).unwrap();
        assert_eq!(
            (before.mtime(), before.mtime_nsec()),
            (after.mtime(), after.mtime_nsec())
        );
        // Without a home, it is nowhere at all.
        let nowhere = writable(None, folder.path());
        assert!(fs::create_dir_all(&nowhere).is_err());
    }

    #[test]
    fn without_a_home_the_cache_is_a_private_temporary_folder() {
        let temporary = tempfile::tempdir().unwrap();
        let cache = writable(None, temporary.path());
        assert_eq!(cache.parent(), Some(temporary.path()));
        let mode = fs::metadata(&cache).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }
}
