//! Incoming files: where the bytes of an upload go.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use tokio::runtime::Handle;

use super::digest::{Checksum, Digests};
use super::errors::{file_error, invalid};
use super::limits::READ_AT_ONCE;
use super::types::{Digest, ObjectError};
use super::{files, path};

/// The destination of an upload's bytes. If it is dropped, it deletes its file, unless the file was kept.
#[derive(Debug)]
pub(super) struct Sink {
    pub(super) id: String,
    /// The plain folder that the file is in, if the bucket shows one.
    pub(super) folder: Option<PathBuf>,
    pub(super) path: PathBuf,
    /// The file, once it was created.
    pub(super) file: Option<File>,
    /// All bytes of a small upload.
    pub(super) small: Vec<u8>,
    pub(super) digests: Digests,
    pub(super) size: u64,
    /// The checksum of the bytes; `None` once the operating system has copied some.
    checksum: Option<Box<Checksum>>,
    /// The error of the last write.
    pub(super) failed: Option<ObjectError>,
    /// Whether there is a file to delete.
    created: bool,
}

impl Sink {
    pub(super) fn new(folder: &Path, name: &str, digests: &[Digest]) -> Self {
        let id = path::new_id();
        Self {
            path: folder.join(format!("{name}{id}")),
            id,
            folder: None,
            file: None,
            small: Vec::new(),
            digests: Digests::new(digests),
            size: 0,
            checksum: Some(Box::new(Checksum::new())),
            failed: None,
            created: false,
        }
    }

    fn failed(&self, error: &io::Error) -> ObjectError {
        file_error("write", &self.path, error)
    }

    fn file(&mut self) -> Result<&File, ObjectError> {
        if self.file.is_none() {
            let mut options = File::options();
            options.write(true).create_new(true);
            if self.folder.is_none() {
                options.mode(0o600);
            }
            let file = options.open(&self.path);
            let file = file.map_err(|error| self.failed(&error))?;
            self.created = true;
            return Ok(self.file.insert(file));
        }
        self.file
            .as_ref()
            .ok_or_else(|| invalid("the upload has no file"))
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), ObjectError> {
        self.digests.update(bytes);
        if let Some(checksum) = &mut self.checksum {
            checksum.update(bytes);
        }
        let written = self.file()?.write_all(bytes);
        written.map_err(|error| self.failed(&error))?;
        self.size += bytes.len() as u64;
        Ok(())
    }

    /// Copies bytes of a file. Without digests the operating system copies, or lets both files share their blocks.
    pub(super) fn copy(
        &mut self,
        mut from: &File,
        of: &Path,
        offset: u64,
        length: u64,
    ) -> Result<(), ObjectError> {
        let unread = |error: io::Error| file_error("read", of, &error);
        from.seek(SeekFrom::Start(offset)).map_err(unread)?;
        let mut from = from.take(length);
        let mut copied = 0;
        if self.digests.is_empty() {
            self.checksum = None;
            let mut to = self.file()?;
            let whole = io::copy(&mut from, &mut to);
            copied = whole.map_err(|error| self.failed(&error))?;
            self.size += copied;
        } else {
            let mut buffer = vec![0; READ_AT_ONCE.min(length as usize)];
            loop {
                let read = from.read(&mut buffer).map_err(unread)?;
                let bytes = buffer.get(..read).unwrap_or_default();
                if bytes.is_empty() {
                    break;
                }
                self.write(bytes)?;
                copied += bytes.len() as u64;
            }
        }
        if copied != length {
            return Err(unread(io::ErrorKind::UnexpectedEof.into()));
        }
        Ok(())
    }

    /// Completes the file: writes the bytes of a small upload, and closes it. Returns the checksum by which the file
    /// can be checked after a power cut; a file without one is on the disk.
    ///
    /// `synced` is whether the file has to be on the disk in any case.
    pub(super) fn complete(&mut self, synced: bool) -> Result<Option<u64>, ObjectError> {
        let small = std::mem::take(&mut self.small);
        let written = self.file()?.write_all(&small);
        written.map_err(|error| self.failed(&error))?;
        let checksum = self.checksum.as_mut().filter(|_| !synced);
        let value = checksum.map(|checksum| {
            checksum.update(&small);
            checksum.value()
        });
        if let (None, Some(file)) = (value, &self.file) {
            let on_disk = file
                .sync_all()
                .and_then(|()| files::sync_folder_of(&self.path));
            on_disk.map_err(|error| self.failed(&error))?;
        }
        self.file = None;
        Ok(value)
    }

    /// Keeps the file and returns its path. From here on the caller has to delete it if it is not needed.
    pub(super) fn keep(mut self) -> PathBuf {
        self.created = false;
        std::mem::take(&mut self.path)
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        if !self.created {
            return;
        }
        let path = std::mem::take(&mut self.path);
        // A file that cannot be deleted now is deleted at the next start.
        let delete = move || {
            let _ = files::delete(&path);
        };
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(delete)),
            Err(_) => delete(),
        }
    }
}
