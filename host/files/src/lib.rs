//! Files in folders whose content comes from others, such as a project that was cloned from a repository.
//!
//! Contract: [`read`] and its siblings read regular files only, and no more of them than a limit: a FIFO or a device in
//! the place of a file neither blocks nor fills the memory. [`replace`] and [`create_temporary`] write to files that
//! did not exist before, so that no link leads them to another file. Links to regular files are followed when a file is
//! read, as projects have them.
//!
//! On failure: the error of the file system, or one that says what is there instead of a file, or what the limit is.
//! The caller adds the path. [`read_small`] and [`read_small_text`] warn instead, once for each path, unless there is no
//! file.

use std::collections::HashSet;
use std::fs::{self, File, FileType, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};

/// The most bytes of a small file, such as `package.json`, `pyvenv.cfg`, or a source file: many times those of the
/// longest that people write.
pub const SMALL_FILE_BYTES: u64 = 16 * 1024 * 1024;

/// How many names are tried before a folder is taken to be full of them.
const ATTEMPTS: usize = 16;

/// The bytes of a regular file, of which there may be `limit`. Links are followed.
///
/// # Errors
///
/// Those of the file system, or [`io::ErrorKind::Other`] for what is not a regular file, and for one with more bytes.
pub fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?
        .take(limit.saturating_add(1))
        .read_to_end(&mut bytes)?;
    within(bytes, limit)
}

/// The bytes of whatever is at a path, of which there may be `limit`: for paths that a person names on purpose, such as
/// `/dev/stdin`.
///
/// # Errors
///
/// As those of [`read`], apart from what is not a regular file.
pub fn read_any(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(limit.saturating_add(1))
        .read_to_end(&mut bytes)?;
    within(bytes, limit)
}

fn within(bytes: Vec<u8>, limit: u64) -> io::Result<Vec<u8>> {
    if bytes.len() as u64 > limit {
        return Err(io::Error::other(format!(
            "it has more than {limit} bytes, which is the limit for such a file"
        )));
    }
    Ok(bytes)
}

/// The bytes of a file of a project, if there is one with at most [`SMALL_FILE_BYTES`]. What cannot be read for another
/// reason is warned about.
#[must_use]
pub fn read_small(path: &Path) -> Option<Vec<u8>> {
    match read(path, SMALL_FILE_BYTES) {
        Ok(bytes) => Some(bytes),
        Err(error) => {
            if !matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) {
                warn(path, &error);
            }
            None
        }
    }
}

/// As [`read_small`], for a text. One that is not UTF-8 counts as missing.
#[must_use]
pub fn read_small_text(path: &Path) -> Option<String> {
    String::from_utf8(read_small(path)?).ok()
}

/// Warns about a file that is passed over. Files are read again whenever a project changes.
fn warn(path: &Path, error: &io::Error) {
    static WARNED: LazyLock<Mutex<HashSet<PathBuf>>> = LazyLock::new(Mutex::default);
    let mut warned = WARNED.lock().unwrap_or_else(PoisonError::into_inner);
    if warned.insert(path.to_owned()) {
        tracing::warn!("{} is not read: {error}", path.display());
    }
}

/// Opens a regular file.
fn open(path: &Path) -> io::Result<File> {
    // Before it is opened: opening some devices has an effect.
    check(fs::metadata(path)?.file_type())?;
    // Should another program put a FIFO there meanwhile, opening it does not wait for one that writes to it.
    let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(i32::from_ne_bytes(flags.bits().to_ne_bytes()))
        .open(path)?;
    check(file.metadata()?.file_type())?;
    Ok(file)
}

fn check(kind: FileType) -> io::Result<()> {
    let what = if kind.is_dir() {
        "a folder"
    } else if kind.is_fifo() {
        "a FIFO"
    } else if kind.is_socket() {
        "a socket"
    } else if kind.is_char_device() || kind.is_block_device() {
        "a device"
    } else {
        return Ok(());
    };
    Err(io::Error::other(format!(
        "it is {what}, not a file; move it away, or name a file"
    )))
}

/// Replaces a file at once, or creates it: a reader sees the old or the new content. A link in its place is replaced,
/// not followed. The mode is that of new files.
///
/// # Errors
///
/// Those of the file system. The file is then as it was.
pub fn replace(file: &Path, content: &[u8]) -> io::Result<()> {
    replace_with(file, 0o666, |new| new.write_all(content))
}

/// As [`replace`], with a mode, and with what `write` writes.
///
/// # Errors
///
/// Those of the file system and of `write`. The file is then as it was.
pub fn replace_with(
    file: &Path,
    mode: u32,
    write: impl FnOnce(&mut File) -> io::Result<()>,
) -> io::Result<()> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let folder = file.parent().unwrap_or(Path::new("/"));
    let (partial, mut new) = create_temporary(folder, &format!(".{name}"), "new", mode)?;
    let written = write(&mut new).and_then(|()| fs::rename(&partial, file));
    if written.is_err() {
        let _ = fs::remove_file(&partial); // the first error is the one to tell
    }
    written
}

/// Creates a file `PREFIX.RANDOM.SUFFIX` in a folder. The caller renames or removes it.
///
/// # Errors
///
/// Those of the file system.
pub fn create_temporary(
    folder: &Path,
    prefix: &str,
    suffix: &str,
    mode: u32,
) -> io::Result<(PathBuf, File)> {
    let mut options = OpenOptions::new();
    // What exists is not opened, not even through a link.
    options.write(true).create_new(true).mode(mode);
    attempt(|| {
        let path = folder.join(format!("{prefix}.{}.{suffix}", unpredictable()));
        options.open(&path).map(|file| (path, file))
    })
}

/// Creates a folder `PREFIX.RANDOM` in a folder. The caller renames or removes it.
///
/// # Errors
///
/// Those of the file system.
pub fn create_temporary_folder(folder: &Path, prefix: &str) -> io::Result<PathBuf> {
    attempt(|| {
        let path = folder.join(format!("{prefix}.{}", unpredictable()));
        fs::create_dir(&path).map(|()| path)
    })
}

fn attempt<T>(mut create: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    for _ in 1..ATTEMPTS {
        match create() {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            result => return result,
        }
    }
    create()
}

/// A part of a name that nobody else can foresee: its hash has a key from the operating system's random numbers.
#[must_use]
pub fn unpredictable() -> String {
    format!("{:016x}", RandomState::new().hash_one(std::process::id()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::process::Command;

    use super::*;

    #[test]
    fn only_regular_files_within_the_limit_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("file"), "12345").unwrap();
        symlink(at("file"), at("link")).unwrap();
        for name in ["file", "link"] {
            assert_eq!(read(&at(name), 5).unwrap(), b"12345");
            let error = read(&at(name), 4).unwrap_err().to_string();
            assert!(error.contains("more than 4 bytes"), "{error}");
        }
        assert!(
            Command::new("mkfifo")
                .arg(at("fifo"))
                .status()
                .unwrap()
                .success()
        );
        symlink("/dev/zero", at("endless")).unwrap();
        fs::create_dir(at("folder")).unwrap();
        for (name, reason) in [
            ("fifo", "a FIFO"),
            ("endless", "a device"),
            ("folder", "a folder"),
        ] {
            let error = read(&at(name), 5).unwrap_err().to_string();
            assert!(error.contains(reason), "{name}: {error}");
            assert_eq!(read_small(&at(name)), None);
        }
        assert!(read_any(Path::new("/dev/zero"), 5).is_err());
        assert_eq!(read_any(&at("link"), 5).unwrap(), b"12345");
        assert_eq!(
            read(&at("none"), 5).unwrap_err().kind(),
            io::ErrorKind::NotFound
        );
        // A file that only pretends to be short is read no further, either.
        let sparse = File::create(at("sparse")).unwrap();
        sparse.set_len(SMALL_FILE_BYTES + 1).unwrap();
        assert_eq!(read_small_text(&at("sparse")), None);
    }

    #[test]
    fn a_link_is_replaced_and_what_it_leads_to_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let (victim, file) = (folder.path().join("victim"), folder.path().join("file"));
        fs::write(&victim, "precious").unwrap();
        symlink(&victim, &file).unwrap();
        replace_with(&file, 0o600, |new| new.write_all(b"new")).unwrap();
        assert_eq!(fs::read(&victim).unwrap(), b"precious");
        assert_eq!(fs::read(&file).unwrap(), b"new");
        let metadata = fs::symlink_metadata(&file).unwrap();
        assert!(metadata.is_file());
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
        let failed = replace_with(&file, 0o600, |_| Err(io::Error::other("full")));
        assert_eq!(failed.unwrap_err().to_string(), "full");
        assert_eq!(fs::read(&file).unwrap(), b"new");
        let names = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(names, 2, "temporary files are gone");
    }

    #[test]
    fn temporary_names_are_never_those_that_exist_and_never_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let (one, _) = create_temporary(folder.path(), ".a", "new", 0o600).unwrap();
        let (other, _) = create_temporary(folder.path(), ".a", "new", 0o600).unwrap();
        assert_ne!(one, other);
        let folders = [(); 2].map(|()| create_temporary_folder(folder.path(), ".b").unwrap());
        assert_ne!(folders[0], folders[1]);
        let mut tried = 0;
        let taken: io::Result<()> = attempt(|| {
            tried += 1;
            Err(io::ErrorKind::AlreadyExists.into())
        });
        assert_eq!(taken.unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(tried, ATTEMPTS);
    }
}
