//! Uploads: taking in the bytes of objects and parts.
//!
//! Bytes are gathered up to [`WRITE_AT_ONCE`], then digested and written on a blocking thread while the caller brings
//! the next ones. A small upload stays in memory until it is stored.
//!
//! On failure of a write the error is returned by the next call. The file is deleted with the upload.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use tokio::task::{self, JoinHandle};

use super::content::{Content, Object, check_length};
use super::errors::{self, invalid};
use super::limits::{SMALL_UPLOAD, WRITE_AT_ONCE};
use super::objects::Objects;
use super::path::TEMP_PREFIX;
use super::sink::Sink;
use super::types::{Digest, Finished, ObjectError};

/// An upload: the bytes of a new object or part. If it is dropped before `Objects::put` or `Objects::put_part`, its
/// bytes are deleted.
#[derive(Debug)]
pub struct Upload {
    /// The bucket that the upload is for.
    pub(super) bucket: String,
    /// Bytes that were not written yet.
    buffer: Vec<u8>,
    sink: State,
    finished: bool,
}

#[derive(Debug)]
enum State {
    Idle(Sink),
    Busy(JoinHandle<Sink>),
    /// The runtime was shut down while the sink was working.
    Lost(PathBuf),
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

    /// Appends bytes. The error of an earlier write is returned by a later call.
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

    /// Appends `length` bytes of an object, from `offset`.
    ///
    /// # Errors
    ///
    /// [`ObjectError::Invalid`] if the object has fewer bytes.
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
                "cannot copy {length} bytes from byte {offset}: the object has {size}"
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

    /// Appends a whole part, which was stored with `size` bytes.
    pub(super) async fn append(
        &mut self,
        part: std::fs::File,
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

    /// Ends the writing. Returns the size and the digests.
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

    /// The sink of a finished upload.
    pub(super) fn into_sink(self, bucket: &str) -> Result<Sink, ObjectError> {
        if self.bucket != bucket {
            return Err(invalid("the upload belongs to another bucket"));
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
        // Waits before it takes the bytes: if the caller goes away meanwhile, they are not lost.
        self.idle().await?;
        let bytes = std::mem::take(&mut self.buffer);
        self.work(move |sink| sink.write(&bytes)).await
    }

    /// Runs `work` on a blocking thread, once the sink is idle.
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

    /// The sink, once it is idle, or the error of its last work.
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
            State::Busy(_) => Err(errors::stopping(Path::new(&self.bucket))),
            State::Lost(path) => Err(errors::stopping(path)),
        }
    }
}

impl Objects {
    /// Starts an upload of an object or a part of this bucket, with these digests.
    pub async fn upload(&self, bucket: &str, digests: Vec<Digest>) -> Result<Upload, ObjectError> {
        let sink = match self.folder_of(bucket).await? {
            None if self.0.store.is_full() => {
                let full = std::io::ErrorKind::StorageFull.into();
                return Err(errors::file_error(
                    "write",
                    &self.files().incoming(""),
                    &full,
                ));
            }
            None => Sink::new(&self.files().incoming(""), "", &digests),
            Some(folder) => {
                let mut sink = Sink::new(&folder, TEMP_PREFIX, &digests);
                sink.folder = Some(folder);
                sink
            }
        };
        Ok(Upload::new(bucket, sink))
    }
}
