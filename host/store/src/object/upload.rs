//! Bytes on their way in.
//!
//! They are gathered up to [`WRITE_AT_ONCE`], then digested and written by a thread that may block, while the caller
//! brings the next ones: neither waits for the other longer than it must. What is small stays in memory until it is
//! stored, so that a small object costs one file system visit in all. A write that fails is told at the next call; the
//! file it leaves is deleted with the upload.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::task::{self, JoinHandle};

use super::digest::Digests;
use super::failure::{self, invalid};
use super::limits::{READ_AT_ONCE, SMALL_UPLOAD, WRITE_AT_ONCE};
use super::read::{Content, Object, check_length};
use super::types::{Digest, Finished, ObjectError};
use super::{Objects, files, path};

/// Bytes on their way in; dropped before `Objects::put`, they are gone.
#[derive(Debug)]
pub struct Upload {
    /// The bucket they are for.
    pub(super) bucket: String,
    /// Not written yet.
    buffer: Vec<u8>,
    sink: State,
    finished: bool,
}

#[derive(Debug)]
enum State {
    Idle(Sink),
    Busy(JoinHandle<Sink>),
    /// The runtime was shut down under it.
    Lost(PathBuf),
}

/// Where the bytes go. Dropped, it deletes the file, unless that was kept.
#[derive(Debug)]
pub(super) struct Sink {
    pub(super) id: String,
    /// The plain folder that it is in, if the bucket shows one.
    pub(super) folder: Option<PathBuf>,
    pub(super) path: PathBuf,
    /// Once there is one.
    file: Option<File>,
    /// All bytes, if they are few.
    small: Vec<u8>,
    digests: Digests,
    pub(super) size: u64,
    failed: Option<ObjectError>,
    /// Whether there is a file to be deleted.
    made: bool,
}

impl Upload {
    pub(super) fn new(bucket: &str, sink: Sink) -> Self {
        Self {
            bucket: bucket.to_owned(),
            buffer: Vec::new(),
            sink: State::Idle(sink),
            finished: false,
        }
    }

    /// Adds bytes.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), ObjectError> {
        self.unfinished()?;
        if self.buffer.is_empty() && bytes.len() >= WRITE_AT_ONCE {
            return self.work(move |sink| sink.write(&bytes)).await;
        }
        self.buffer.extend_from_slice(&bytes);
        if self.buffer.len() >= WRITE_AT_ONCE {
            self.flush().await?;
        }
        Ok(())
    }

    /// Adds bytes of an object.
    pub async fn copy(
        &mut self,
        source: &Object,
        offset: u64,
        length: u64,
    ) -> Result<(), ObjectError> {
        self.unfinished()?;
        let size = source.info().size;
        if offset.checked_add(length).is_none_or(|end| end > size) {
            return Err(invalid(format!(
                "can not copy {length} bytes from byte {offset} on: the object has {size}"
            )));
        }
        if let Content::Small(content) = source.content() {
            let range = offset as usize..(offset + length) as usize;
            return self.write(content.slice(range)).await;
        }
        let source = source.content().clone();
        self.flush().await?;
        self.work(move |sink| match &source {
            Content::File(file) => file.lent(|file, path| sink.copy(file, path, offset, length)),
            Content::Small(_) => Ok(()),
        })
        .await
    }

    /// Adds a whole part, which was stored with so many bytes.
    pub(super) async fn append(
        &mut self,
        part: File,
        of: PathBuf,
        size: u64,
    ) -> Result<(), ObjectError> {
        self.flush().await?;
        self.work(move |sink| {
            check_length(&part, &of, size, "upload the part again")?;
            sink.copy(&part, &of, 0, size)
        })
        .await
    }

    /// Ends the writing.
    pub async fn finish(&mut self) -> Result<Finished, ObjectError> {
        self.unfinished()?;
        if self.buffer.len() > SMALL_UPLOAD {
            self.flush().await?;
        }
        let rest = std::mem::take(&mut self.buffer);
        let sink = self.idle().await?;
        if sink.file.is_none() {
            sink.digests.update(&rest);
            sink.size = rest.len() as u64;
            sink.small = rest;
        } else if !rest.is_empty() {
            self.work(move |sink| sink.write(&rest)).await?;
        }
        let sink = self.idle().await?;
        let finished = Finished {
            size: sink.size,
            digests: std::mem::take(&mut sink.digests).finish(),
        };
        self.finished = true;
        Ok(finished)
    }

    /// What becomes an object or a part.
    pub(super) fn into_sink(self, bucket: &str) -> Result<Sink, ObjectError> {
        if self.bucket != bucket {
            return Err(invalid("the upload is another bucket's"));
        }
        match self.sink {
            State::Idle(sink) if self.finished => Ok(sink),
            _ => Err(invalid("the upload is not finished")),
        }
    }

    fn unfinished(&self) -> Result<(), ObjectError> {
        if self.finished {
            return Err(invalid("the upload is finished"));
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), ObjectError> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        // Waited for first: a caller who goes away while waiting takes nothing along.
        self.idle().await?;
        let bytes = std::mem::take(&mut self.buffer);
        self.work(move |sink| sink.write(&bytes)).await
    }

    /// Has the sink work, once what it was doing is done.
    async fn work<F>(&mut self, work: F) -> Result<(), ObjectError>
    where
        F: FnOnce(&mut Sink) -> Result<(), ObjectError> + Send + 'static,
    {
        let path = self.idle().await?.path.clone();
        if let State::Idle(mut sink) = std::mem::replace(&mut self.sink, State::Lost(path)) {
            self.sink = State::Busy(task::spawn_blocking(move || {
                sink.failed = work(&mut sink).err();
                sink
            }));
        }
        Ok(())
    }

    /// The sink when it has nothing to do, or what it failed on.
    async fn idle(&mut self) -> Result<&mut Sink, ObjectError> {
        if let State::Busy(working) = &mut self.sink {
            self.sink = match working.await {
                Ok(sink) => State::Idle(sink),
                Err(_) => State::Lost(PathBuf::from(&self.bucket)),
            };
        }
        match &mut self.sink {
            State::Idle(sink) => match &sink.failed {
                Some(error) => Err(error.clone()),
                None => Ok(sink),
            },
            State::Busy(_) => Err(failure::stopping(Path::new(&self.bucket))),
            State::Lost(path) => Err(failure::stopping(path)),
        }
    }
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
            failed: None,
            made: false,
        }
    }

    fn failed(&self, error: &io::Error) -> ObjectError {
        failure::file("write", &self.path, error)
    }

    fn file(&mut self) -> Result<&File, ObjectError> {
        if self.file.is_none() {
            let file = File::options()
                .write(true)
                .create_new(true)
                .open(&self.path);
            let file = file.map_err(|error| self.failed(&error))?;
            self.made = true;
            return Ok(self.file.insert(file));
        }
        self.file
            .as_ref()
            .ok_or_else(|| invalid("the upload has no file"))
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), ObjectError> {
        self.digests.update(bytes);
        let written = self.file()?.write_all(bytes);
        written.map_err(|error| self.failed(&error))?;
        self.size += bytes.len() as u64;
        Ok(())
    }

    /// Without digests the operating system copies, or merely notes that two files share what is in them.
    fn copy(
        &mut self,
        mut from: &File,
        of: &Path,
        offset: u64,
        length: u64,
    ) -> Result<(), ObjectError> {
        let unread = |error: io::Error| failure::file("read", of, &error);
        from.seek(SeekFrom::Start(offset)).map_err(unread)?;
        let mut from = from.take(length);
        let mut copied = 0;
        if self.digests.is_empty() {
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

    /// Sees to it that all bytes are in the file, and closes it.
    pub(super) fn complete(&mut self) -> Result<(), ObjectError> {
        let small = std::mem::take(&mut self.small);
        let written = self.file()?.write_all(&small);
        written.map_err(|error| self.failed(&error))?;
        self.file = None;
        Ok(())
    }

    /// From here on the file is its receiver's to delete.
    pub(super) fn keep(mut self) -> PathBuf {
        self.made = false;
        std::mem::take(&mut self.path)
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        if !self.made {
            return;
        }
        let path = std::mem::take(&mut self.path);
        // What can not be deleted now is at the next start.
        let delete = move || {
            let _left = files::delete(&path);
        };
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(delete)),
            Err(_) => delete(),
        }
    }
}

impl Objects {
    /// Starts taking bytes for an object or a part of this bucket.
    pub async fn upload(&self, bucket: &str, digests: Vec<Digest>) -> Result<Upload, ObjectError> {
        let sink = match self.folder_of(bucket).await? {
            None => Sink::new(&self.files().incoming(""), "", &digests),
            Some(folder) => {
                let mut sink = Sink::new(&folder, super::folder::TEMP_PREFIX, &digests);
                sink.folder = Some(folder);
                sink
            }
        };
        Ok(Upload::new(bucket, sink))
    }
}
