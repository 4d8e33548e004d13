//! Objects that are open for reading, and what is known of objects.
//!
//! An object that was opened stays as it was, also while it is replaced or deleted: its file is open, and files are never
//! changed, only replaced. (In a bucket that shows a plain folder others may write into a file; what is read then is
//! what they write.) A file that is not as long as it was stored is a damage that is told, never a shorter object.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::failure::{self, Fault};
use super::limits::{LOOKUPS, READ_AT_ONCE, SMALL_OBJECT};
use super::row::{self, Row};
use super::types::{ObjectError, ObjectInfo};
use super::{Objects, bucket};

/// An object that is open for reading.
#[derive(Debug)]
pub struct Object {
    info: ObjectInfo,
    content: Content,
}

#[derive(Debug, Clone)]
pub(super) enum Content {
    Small(Bytes),
    File(Arc<OpenFile>),
}

/// A file and its name, for errors.
#[derive(Debug)]
pub(super) struct OpenFile {
    file: File,
    path: PathBuf,
    /// Held by the one copy that moves the file's position; reads do not depend on it.
    position: Mutex<()>,
}

impl OpenFile {
    /// Lends the file to somebody who moves its position.
    pub(super) fn lent<T>(&self, work: impl FnOnce(&File, &Path) -> T) -> T {
        let _position = self.position.lock().unwrap_or_else(PoisonError::into_inner);
        work(&self.file, &self.path)
    }

    fn read(&self, offset: u64, length: usize) -> Result<Bytes, ObjectError> {
        let mut bytes = vec![0; length];
        let read = self.file.read_exact_at(&mut bytes, offset);
        read.map_err(|error| failure::file("read", &self.path, &error))?;
        Ok(bytes.into())
    }
}

impl Content {
    /// Takes an open file for an object of so many bytes.
    pub(super) fn of(mut file: File, path: PathBuf, size: u64) -> Result<Self, ObjectError> {
        check_length(&file, &path, size, "store the object again, or delete it")?;
        if size <= SMALL_OBJECT {
            let mut bytes = vec![0; size as usize];
            let read = file.read_exact(&mut bytes);
            read.map_err(|error| failure::file("read", &path, &error))?;
            return Ok(Self::Small(bytes.into()));
        }
        Ok(Self::File(Arc::new(OpenFile {
            file,
            path,
            position: Mutex::default(),
        })))
    }
}

/// Whether a file is as long as it was stored; `remedy` is what to do if it is not.
pub(super) fn check_length(
    file: &File,
    path: &Path,
    size: u64,
    remedy: &str,
) -> Result<(), ObjectError> {
    let about = file.metadata();
    let found = about
        .map_err(|error| failure::file("read", path, &error))?
        .len();
    if found == size {
        return Ok(());
    }
    Err(ObjectError::File(format!(
        "can not read {}: it has {found} bytes and was stored with {size}; it was changed, or cut by a power failure: \
         {remedy}",
        path.display()
    )))
}

impl Object {
    /// What it is.
    pub fn info(&self) -> &ObjectInfo {
        &self.info
    }

    pub(super) fn content(&self) -> &Content {
        &self.content
    }

    /// Up to `length` bytes, at most 1 MiB; fewer only at the end.
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
                super::blocking(&file.path, move || reading.read(offset, length)).await
            }
        }
    }
}

impl Objects {
    /// Opens an object; without a version the latest, and AWS's version of a bucket that keeps none is named `null`. A
    /// delete marker is missing without a version; named, it has no bytes.
    pub async fn open(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
    ) -> Result<Object, ObjectError> {
        for _ in 0..LOOKUPS {
            let (row, folder) = self.find(bucket, key, version).await?;
            if row.info.marker && version.is_none() {
                return Err(ObjectError::Missing);
            }
            let opened = match folder {
                Some(folder) => self.open_in_folder(bucket, &folder, &row).await?,
                None => self.open_placed(&row).await?,
            };
            if let Some(content) = opened {
                let info = row.info;
                return Ok(Object { info, content });
            }
        }
        let path = self.files().root.join(super::path::bucket(bucket));
        let gone = io::Error::from(io::ErrorKind::NotFound);
        Err(failure::file(
            &format!("open the object {key:?} in"),
            &path,
            &gone,
        ))
    }

    /// Describes an object or a delete marker.
    pub async fn describe(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
    ) -> Result<ObjectInfo, ObjectError> {
        let (row, _) = self.find(bucket, key, version).await?;
        Ok(row.info)
    }

    async fn find(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
    ) -> Result<(Row, Option<PathBuf>), ObjectError> {
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        let version = version.map(str::to_owned);
        self.transact(Vec::new(), move |connection| {
            let bucket = bucket::find(connection, &bucket)?;
            let found = row::find(connection, bucket.id, &key, version.as_deref())?;
            let row = found.ok_or(Fault::Refused(ObjectError::Missing))?;
            Ok((row, bucket.folder))
        })
        .await
    }

    /// `None` if it was replaced or removed since its row was read.
    async fn open_placed(&self, row: &Row) -> Result<Option<Content>, ObjectError> {
        let Some(file) = row.file.clone() else {
            return Ok(Some(Content::Small(Bytes::new())));
        };
        let (files, size) = (self.files().clone(), row.info.size);
        let open = move || {
            let path = files.root.join(&file);
            match files.read(&file) {
                Ok(open) => Content::of(open, path, size).map(Some),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(failure::file("read", &path, &error)),
            }
        };
        super::blocking(&self.files().root, open).await
    }
}
