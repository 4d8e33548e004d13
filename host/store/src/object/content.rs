//! Objects that are open for reading.
//!
//! An open object stays as it was, also while it is replaced or deleted: its file is open, and files are replaced but
//! never changed. (In a bucket that shows a plain folder, other programs may write into a file; a read then returns
//! what they write.) A file whose size is not that with which it was stored is reported as damaged; it is never read
//! as a shorter object.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::blocking::blocking;
use super::errors::file_error;
use super::limits::{READ_AT_ONCE, SMALL_OBJECT};
use super::types::{ObjectError, ObjectInfo};

/// An object that is open for reading.
#[derive(Debug)]
pub struct Object {
    pub(super) info: ObjectInfo,
    pub(super) content: Content,
}

#[derive(Debug, Clone)]
pub(super) enum Content {
    Small(Bytes),
    File(Arc<OpenFile>),
}

/// An open file and its path, which errors name.
#[derive(Debug)]
pub(super) struct OpenFile {
    file: File,
    path: PathBuf,
    /// Held by a copy, which moves the file's position. Reads do not depend on the position.
    position: Mutex<()>,
}

impl OpenFile {
    /// Lends the file to `work`, which may move its position.
    pub(super) fn lent<T>(&self, work: impl FnOnce(&File, &Path) -> T) -> T {
        let _position = self.position.lock().unwrap_or_else(PoisonError::into_inner);
        work(&self.file, &self.path)
    }

    fn read(&self, offset: u64, length: usize) -> Result<Bytes, ObjectError> {
        let mut bytes = vec![0; length];
        let read = self.file.read_exact_at(&mut bytes, offset);
        read.map_err(|error| file_error("read", &self.path, &error))?;
        Ok(bytes.into())
    }
}

impl Content {
    /// The content of an object with `size` bytes. A small object is read at once.
    pub(super) fn of(mut file: File, path: PathBuf, size: u64) -> Result<Self, ObjectError> {
        check_length(&file, &path, size, "store the object again, or delete it")?;
        if size <= SMALL_OBJECT {
            let mut bytes = vec![0; size as usize];
            let read = file.read_exact(&mut bytes);
            read.map_err(|error| file_error("read", &path, &error))?;
            return Ok(Self::Small(bytes.into()));
        }
        Ok(Self::File(Arc::new(OpenFile {
            file,
            path,
            position: Mutex::default(),
        })))
    }
}

/// Checks that a file has the size with which it was stored. `remedy` is what to do if it has not.
pub(super) fn check_length(
    file: &File,
    path: &Path,
    size: u64,
    remedy: &str,
) -> Result<(), ObjectError> {
    let about = file.metadata();
    let found = about
        .map_err(|error| file_error("read", path, &error))?
        .len();
    if found == size {
        return Ok(());
    }
    Err(ObjectError::File(format!(
        "cannot read {}: it has {found} bytes but was stored with {size}; it was changed, or cut off by a power failure: \
         {remedy}",
        path.display()
    )))
}

impl Object {
    /// The object's description, as of when it was opened.
    pub fn info(&self) -> &ObjectInfo {
        &self.info
    }

    pub(super) fn content(&self) -> &Content {
        &self.content
    }

    /// Reads up to `length` bytes, at most 1 MiB, from `offset`. Returns fewer only at the end of the object.
    pub async fn read(&self, offset: u64, length: usize) -> Result<Bytes, ObjectError> {
        let left = self.info.size.saturating_sub(offset);
        let length = (length.min(READ_AT_ONCE) as u64).min(left) as usize;
        match &self.content {
            _ if length == 0 => Ok(Bytes::new()),
            Content::Small(bytes) => {
                let from = offset as usize;
                Ok(bytes.slice(from..from + length))
            }
            Content::File(file) => {
                let reading = Arc::clone(file);
                blocking(&file.path, move || reading.read(offset, length)).await
            }
        }
    }
}
