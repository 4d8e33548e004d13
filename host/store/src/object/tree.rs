//! The files of a plain folder on the disk: which exist, how a changed one is recognized, and how one is replaced.

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::digest::{Digests, hex};
use super::errors::{file_error, invalid};
use super::limits::READ_AT_ONCE;
use super::path::TEMP_PREFIX;
use super::sink::Sink;
use super::types::{Digest, ObjectError};
use super::{files, path};

/// The stamp of a file. A file with the same stamp is taken to be unchanged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stamp {
    /// The modification time in nanoseconds, the size, and the inode.
    pub(super) text: String,
    pub(super) size: u64,
    /// The modification time, in milliseconds since the Unix epoch.
    pub(super) modified_at: u64,
}

impl Stamp {
    fn of(about: &Metadata) -> Self {
        let (seconds, nanoseconds) = (about.mtime(), about.mtime_nsec());
        let ms = seconds
            .saturating_mul(1000)
            .saturating_add(nanoseconds / 1_000_000);
        Self {
            text: format!(
                "{seconds}.{nanoseconds:09} {} {}",
                about.size(),
                about.ino()
            ),
            size: about.size(),
            modified_at: u64::try_from(ms).unwrap_or(0),
        }
    }
}

fn is_missing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// What is at a path, seen from a root. Links that lead out of the root, and links to folders, count as nothing.
enum Seen {
    Nothing,
    Folder,
    File(Stamp),
}

fn look(root: &Path, at: &Path) -> Result<Seen, ObjectError> {
    let looked = fs::symlink_metadata(at).and_then(|about| {
        if !about.is_symlink() {
            return Ok((about, true));
        }
        let inside = fs::canonicalize(at)?.starts_with(root);
        let target = fs::metadata(at)?;
        let is_file = target.is_file();
        Ok((target, inside && is_file))
    });
    match looked {
        Ok((about, true)) if about.is_file() => Ok(Seen::File(Stamp::of(&about))),
        Ok((about, true)) if about.is_dir() => Ok(Seen::Folder),
        Ok(_) => Ok(Seen::Nothing),
        Err(error) if is_missing(&error) => Ok(Seen::Nothing),
        Err(error) => Err(file_error("read", at, &error)),
    }
}

/// Whether the folders between the root and a file are real folders and not links.
fn is_inside(root: &Path, relative: &Path) -> bool {
    let above = relative
        .parent()
        .map_or_else(|| root.to_owned(), |above| root.join(above));
    fs::canonicalize(&above).is_ok_and(|real| real == above)
}

/// The files that are objects, at the key `top` and below it. An empty key stands for the whole folder.
pub(super) fn scan(root: &Path, top: &str) -> Result<BTreeMap<String, Stamp>, ObjectError> {
    let mut found = BTreeMap::new();
    if top.is_empty() {
        walk(root, String::new(), &mut found)?;
        return Ok(found);
    }
    // A root that does not exist has been unmounted or moved rather than emptied, so this is an error.
    fs::metadata(root).map_err(|error| file_error("read", root, &error))?;
    if !is_inside(root, Path::new(top)) {
        return Ok(found);
    }
    match look(root, &root.join(top))? {
        Seen::Nothing => {}
        Seen::File(stamp) => {
            found.insert(top.to_owned(), stamp);
        }
        Seen::Folder => walk(root, top.to_owned(), &mut found)?,
    }
    Ok(found)
}

fn walk(root: &Path, top: String, found: &mut BTreeMap<String, Stamp>) -> Result<(), ObjectError> {
    let mut folders = vec![top];
    while let Some(folder) = folders.pop() {
        let at = root.join(&folder);
        let failed = |error| file_error("read", &at, &error);
        let entries = match fs::read_dir(&at) {
            Err(error) if is_missing(&error) && !folder.is_empty() => continue,
            entries => entries.map_err(failed)?,
        };
        for entry in entries {
            let name = entry.map_err(failed)?.file_name();
            let Some(key) = path::key_of(&Path::new(&folder).join(name)) else {
                continue;
            };
            match look(root, &root.join(&key))? {
                Seen::Nothing => {}
                Seen::Folder => folders.push(key),
                Seen::File(stamp) => {
                    found.insert(key, stamp);
                }
            }
        }
    }
    Ok(())
}

/// Opens the file of a key; `None` if it does not exist or is not an object.
pub(super) fn open(root: &Path, key: &str) -> Result<Option<(File, Stamp, PathBuf)>, ObjectError> {
    let path = root.join(path::relative(key)?);
    if !is_inside(root, Path::new(key)) || !matches!(look(root, &path)?, Seen::File(_)) {
        return Ok(None);
    }
    let failed = |error| file_error("read", &path, &error);
    match File::open(&path) {
        Err(error) if is_missing(&error) => Ok(None),
        opened => {
            let file = opened.map_err(failed)?;
            let stamp = Stamp::of(&file.metadata().map_err(failed)?);
            Ok(Some((file, stamp, path)))
        }
    }
}

/// Whether a file or its attributes changed within this time. A time in the future, after the clock was set back, does
/// not count.
fn changed_within(about: &Metadata, time: Duration) -> bool {
    let since_epoch = |seconds: i64, nanoseconds: i64| {
        let seconds = u64::try_from(seconds).ok()?;
        let nanoseconds = u32::try_from(nanoseconds).ok()?;
        Some(SystemTime::UNIX_EPOCH + Duration::new(seconds, nanoseconds))
    };
    since_epoch(about.ctime(), about.ctime_nsec())
        .and_then(|changed_at| SystemTime::now().duration_since(changed_at).ok())
        .is_some_and(|age| age < time)
}

/// The entity tag of a file, which is the MD5 of its bytes; `None` if the file does not have this stamp, before or
/// after it was read, or changed within the time `quiet`.
pub(super) fn etag(
    path: &Path,
    stamp: &Stamp,
    quiet: Duration,
) -> Result<Option<String>, ObjectError> {
    let read = || {
        let mut file = File::open(path)?;
        let mut md5 = Digests::new(&[Digest::Md5]);
        let mut buffer = vec![0; READ_AT_ONCE.min(stamp.size as usize + 1)];
        let about = file.metadata()?;
        if Stamp::of(&about) != *stamp || changed_within(&about, quiet) {
            return Ok(None);
        }
        loop {
            let read = file.read(&mut buffer)?;
            let bytes = buffer.get(..read).unwrap_or_default();
            if bytes.is_empty() {
                break;
            }
            md5.update(bytes);
        }
        let is_same = Stamp::of(&file.metadata()?) == *stamp;
        Ok(is_same.then(|| hex(&md5.finish().concat())))
    };
    match read() {
        Err(error) if is_missing(&error) => Ok(None),
        read => read.map_err(|error| file_error("read", path, &error)),
    }
}

/// A file that was replaced, until the replacement is kept or undone.
#[derive(Debug)]
pub(super) struct Replaced {
    file: PathBuf,
    /// The previous file under a temporary name, if there was one.
    before: Option<PathBuf>,
    pub(super) stamp: Stamp,
}

impl Replaced {
    /// Keeps the replacement and deletes the previous file.
    pub(super) fn keep(self) -> io::Result<()> {
        self.before.map_or(Ok(()), |before| files::delete(&before))
    }

    /// Undoes the replacement.
    pub(super) fn undo(self) -> io::Result<()> {
        match self.before {
            Some(before) => fs::rename(before, &self.file),
            None => files::delete(&self.file),
        }
    }
}

/// Renames an incoming file over the file of a key.
pub(super) fn replace(root: &Path, relative: &Path, sink: Sink) -> Result<Replaced, ObjectError> {
    make_folders(root, relative)?;
    let file = root.join(relative);
    let failed = |error| file_error("write", &file, &error);
    if fs::symlink_metadata(&file).is_ok_and(|about| about.is_dir()) {
        return Err(invalid(format!(
            "there is a folder at {}: in a plain folder a name belongs to a file or to a folder",
            file.display()
        )));
    }
    let before = root.join(format!("{TEMP_PREFIX}{}", path::new_id()));
    let before = match fs::hard_link(&file, &before) {
        Ok(()) => Some(before),
        Err(error) if is_missing(&error) => None,
        // The file system has no hard links, so there is a moment without the file.
        Err(_) => {
            fs::rename(&file, &before).map_err(failed)?;
            Some(before)
        }
    };
    let renamed = fs::rename(&sink.path, &file).and_then(|()| fs::metadata(&file));
    match renamed {
        Ok(about) => {
            sink.keep();
            let stamp = Stamp::of(&about);
            Ok(Replaced {
                file,
                before,
                stamp,
            })
        }
        Err(error) => {
            if let Some(before) = before {
                fs::rename(&before, &file).map_err(failed)?;
                // Renaming one hard link over another one of the same file leaves both.
                files::delete(&before).map_err(failed)?;
            }
            Err(failed(error))
        }
    }
}

/// Creates the folders above a file. None of them may be a link or a file.
fn make_folders(root: &Path, relative: &Path) -> Result<(), ObjectError> {
    let Some(above) = relative.parent() else {
        return Ok(());
    };
    let mut folder = root.to_owned();
    for name in above.components() {
        folder.push(name);
        let made = fs::create_dir(&folder);
        let about = fs::symlink_metadata(&folder)
            .map_err(|error| file_error("create", &folder, &made.err().unwrap_or(error)))?;
        if !about.is_dir() {
            return Err(invalid(format!(
                "{} is not a folder: in a plain folder a name belongs to a file or to a folder, and links to folders are \
                 not followed",
                folder.display()
            )));
        }
    }
    Ok(())
}

/// Deletes the temporary files of an earlier host, except for the parts of multipart uploads.
pub(super) fn sweep(root: &Path, parts: &HashSet<String>) -> Result<(), ObjectError> {
    let failed = |error| file_error("list", root, &error);
    for entry in fs::read_dir(root).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let id = name
            .to_str()
            .and_then(|name| name.strip_prefix(TEMP_PREFIX));
        if id.is_some_and(|id| !parts.contains(id)) {
            let file = root.join(&name);
            files::delete(&file).map_err(|error| file_error("delete", &file, &error))?;
        }
    }
    Ok(())
}
