//! The folder for what this program can make again: compiled plugins, runtime clients.

use std::fs::{self, DirBuilder, File};
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

/// Makes [`folder_for`] return a folder for every project. Only the first call has an effect.
pub fn name(folder: &Path) {
    let _ = NAMED.set(folder.to_owned());
}

/// The folder for a project: the one of `--cache-dir` or `$LAMBKIN_CACHE_DIR`, otherwise [`folder`] or one in the
/// project, if it can be written.
pub fn folder_for(project: &Path) -> PathBuf {
    let variable = || {
        let named = std::env::var_os("LAMBKIN_CACHE_DIR").filter(|folder| !folder.is_empty());
        named.map(PathBuf::from)
    };
    NAMED.get().cloned().or_else(variable).unwrap_or_else(|| {
        let wanted = folder().unwrap_or_else(|| project.join(".lambkin").join("cache"));
        writable(wanted, &std::env::temp_dir())
    })
}

/// A cache that can be written: `wanted`, or a folder of this user below `temporary`, as in a container whose root is
/// read-only. If neither can be written, `wanted`, whose error the caller meets.
fn writable(wanted: PathBuf, temporary: &Path) -> PathBuf {
    if is_writable(&wanted).is_ok() {
        return wanted;
    }
    let user = rustix::process::geteuid().as_raw();
    let other = temporary.join(format!("lambkin-cache-{user}"));
    match is_writable(&other).and_then(|()| is_private(&other, user)) {
        Ok(()) => other,
        Err(error) => {
            tracing::debug!("{} cannot be the cache either: {error}", other.display());
            wanted
        }
    }
}

/// Creates a folder if it is missing, and a file in it that is deleted again.
fn is_writable(folder: &Path) -> io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    let probe = folder.join(format!(".probe-{}", std::process::id()));
    File::create(&probe)?;
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
        assert_eq!(writable(wanted.clone(), &temporary), wanted);
        // A file in its place: nobody, not even root, can create a folder there.
        let blocked = folder.path().join("file");
        fs::write(&blocked, "").unwrap();
        let other = writable(blocked.join("lambkin"), &temporary);
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
        let other = writable(wanted.clone(), folder.path());
        fs::set_permissions(&other, fs::Permissions::from_mode(0o777)).unwrap();
        assert_eq!(writable(wanted.clone(), folder.path()), wanted);
        fs::remove_dir(&other).unwrap();
        let elsewhere = folder.path().join("elsewhere");
        fs::create_dir(&elsewhere).unwrap();
        symlink(&elsewhere, &other).unwrap();
        assert_eq!(writable(wanted.clone(), folder.path()), wanted);
    }
}
