//! The files of a plain folder on the disk: which exist, how a changed one is recognized, and how one is replaced.

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::digest::{Digests, hex};
use super::errors::{file_error, invalid};
use super::limits::READ_AT_ONCE;
use super::path::TEMP_PREFIX;
use super::pending::PendingFileOp;
use super::sink::Sink;
use super::types::{Digest, LeftOut, ObjectError};
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

/// What is at a path, seen from a root.
enum Seen {
    Nothing,
    Folder,
    File(Stamp),
    /// Something that cannot be an object, and why.
    Other(String),
}

fn look(root: &Path, at: &Path) -> io::Result<Seen> {
    let about = match fs::symlink_metadata(at) {
        Err(error) if is_missing(&error) => return Ok(Seen::Nothing),
        looked => looked?,
    };
    let other = |why: &str| Ok(Seen::Other(why.to_owned()));
    if about.is_symlink() {
        let target = match fs::canonicalize(at) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Err(error),
            Err(error) => return other(&format!("is a link that leads nowhere: {error}")),
            Ok(target) => target,
        };
        if !target.starts_with(root) {
            return other("is a link that leads out of the folder");
        }
        return match fs::metadata(at) {
            Err(error) if is_missing(&error) => Ok(Seen::Nothing),
            Err(error) => Err(error),
            Ok(about) if about.is_file() => Ok(Seen::File(Stamp::of(&about))),
            Ok(_) => other("is a link to something other than a file"),
        };
    }
    let kind = about.file_type();
    if kind.is_file() {
        Ok(Seen::File(Stamp::of(&about)))
    } else if kind.is_dir() {
        Ok(Seen::Folder)
    } else if kind.is_fifo() {
        other("is a FIFO")
    } else if kind.is_socket() {
        other("is a socket")
    } else {
        other("is a device")
    }
}

/// Whether the folders between the root and a file are real folders and not links.
fn is_inside(root: &Path, relative: &Path) -> bool {
    let above = relative
        .parent()
        .map_or_else(|| root.to_owned(), |above| root.join(above));
    fs::canonicalize(&above).is_ok_and(|real| real == above)
}

/// What a scan has found.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// The files that are objects, by key.
    pub(super) files: BTreeMap<String, Stamp>,
    /// What is not an object, although it is neither hidden nor temporary.
    pub(super) left_out: Vec<LeftOut>,
    /// The keys of files and folders that cannot be read, so that it is not known what is there.
    pub(super) unknown: Vec<String>,
}

impl Scan {
    fn leave_out(&mut self, relative: PathBuf, reason: impl Into<String>) {
        self.left_out.push(LeftOut {
            path: relative,
            reason: reason.into(),
        });
    }

    fn cannot_read(&mut self, key: String, error: &io::Error) {
        self.leave_out(PathBuf::from(&key), format!("cannot be read: {error}"));
        self.unknown.push(key);
    }
}

/// The files that are objects, at the key `top` and below it. An empty key stands for the whole folder. An error of one
/// of the entries affects no other.
pub(super) fn scan(root: &Path, top: &str) -> Result<Scan, ObjectError> {
    // A root that does not exist has been unmounted or moved rather than emptied, so this is an error.
    fs::read_dir(root).map_err(|error| file_error("read", root, &error))?;
    let mut found = Scan::default();
    if top.is_empty() {
        walk(root, String::new(), &mut found);
    } else if is_inside(root, Path::new(top)) {
        let mut folders = Vec::new();
        visit(root, top.to_owned(), &mut folders, &mut found);
        for folder in folders {
            walk(root, folder, &mut found);
        }
    }
    Ok(found)
}

fn walk(root: &Path, top: String, found: &mut Scan) {
    let mut folders = vec![top];
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(root.join(&folder)) {
            Ok(entries) => entries,
            Err(error) if is_missing(&error) => continue,
            Err(error) => {
                found.cannot_read(folder, &error);
                continue;
            }
        };
        for entry in entries {
            let name = match entry {
                Ok(entry) => entry.file_name(),
                Err(error) => {
                    found.cannot_read(folder.clone(), &error);
                    break;
                }
            };
            let relative = Path::new(&folder).join(&name);
            let Some(text) = name.to_str() else {
                found.leave_out(relative, "has a name that is not UTF-8");
                continue;
            };
            if path::is_temporary(text) {
                continue;
            }
            match path::key_of(&relative) {
                Some(key) => visit(root, key, &mut folders, found),
                None => found.leave_out(
                    relative,
                    "has a path that cannot be a key: at most 1,024 bytes",
                ),
            }
        }
    }
}

/// Looks at one path. A folder is added to those that have to be walked.
fn visit(root: &Path, key: String, folders: &mut Vec<String>, found: &mut Scan) {
    match look(root, &root.join(&key)) {
        Ok(Seen::Nothing) => {}
        Ok(Seen::Folder) => folders.push(key),
        Ok(Seen::File(stamp)) => {
            found.files.insert(key, stamp);
        }
        Ok(Seen::Other(why)) => found.leave_out(PathBuf::from(key), why),
        Err(error) => found.cannot_read(key, &error),
    }
}

/// Opens the file of a key; `None` if it does not exist or is not an object.
pub(super) fn open(root: &Path, key: &str) -> Result<Option<(File, Stamp, PathBuf)>, ObjectError> {
    let path = root.join(path::relative(key)?);
    let failed = |error| file_error("read", &path, &error);
    if !is_inside(root, Path::new(key))
        || !matches!(look(root, &path).map_err(failed)?, Seen::File(_))
    {
        return Ok(None);
    }
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
    let renamed = fs::rename(&sink.path, &file).and_then(|()| {
        // Before the previous file is deleted.
        files::sync_folder_of(&file)?;
        fs::metadata(&file)
    });
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

/// Deletes the temporary files of an earlier host, except for the parts of multipart uploads, and for files whose
/// deletion is pending.
pub(super) fn sweep(
    root: &Path,
    parts: &HashSet<String>,
    pending: &[PendingFileOp],
) -> Result<(), ObjectError> {
    let failed = |error| file_error("list", root, &error);
    for entry in fs::read_dir(root).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let id = name
            .to_str()
            .and_then(|name| name.strip_prefix(TEMP_PREFIX));
        let file = root.join(&name);
        let is_pending = || pending.iter().any(|op| Path::new(&op.file) == file);
        if id.is_some_and(|id| !parts.contains(id)) && !is_pending() {
            files::delete(&file).map_err(|error| file_error("delete", &file, &error))?;
        }
    }
    Ok(())
}
