//! The handle of all buckets, and how work on objects is run.

use std::future::Future;
use std::sync::Arc;

use rusqlite::Connection;
use tokio::sync::{Mutex, mpsc};

use super::blocking::blocking;
use super::change_record::{ChangeRecord, ChangeState};
use super::errors::{self, Abort};
use super::files::Files;
use super::folder_state::FolderState;
use super::pending::PendingFileOp;
use super::types::ObjectError;
use crate::clock::SharedClock;
use crate::store::Store;

/// All buckets of a store. Cheap to clone.
///
/// Sizes are in bytes, times in milliseconds since the Unix epoch. Each method that takes the name of a bucket fails
/// with [`ObjectError::MissingBucket`] if there is no such bucket, with [`ObjectError::Store`] if the store cannot be
/// written, and with [`ObjectError::File`] if a file cannot.
///
/// | limit | value | S3 |
/// |---|---|---|
/// | name of a bucket | 255 bytes | 63 |
/// | key in a plain folder | 1,024 bytes, 255 between two slashes | 1,024 |
/// | bytes of one [`Object::read`](super::Object::read) | 1 MiB | – |
/// | bytes of a page of a list | 16 MiB | 1,000 entries |
///
/// Limits of keys, metadata and parts are those of the service, which checks them.
#[derive(Debug, Clone)]
pub struct Objects(pub(super) Arc<Shared>);

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) store: Store,
    pub(super) clock: SharedClock,
    pub(super) files: Files,
    pub(super) changes: ChangeState,
    pub(super) folders: FolderState,
    /// Tells the synchronizing task that there is something to do.
    pub(super) changed: mpsc::Sender<()>,
    /// Held while synchronizing. Contains the error because of which synchronizing has ended.
    pub(super) synchronizing: Mutex<Option<ObjectError>>,
}

impl Objects {
    pub(super) fn files(&self) -> &Files {
        &self.0.files
    }

    pub(super) fn now(&self) -> u64 {
        self.0.clock.now()
    }

    /// Runs `work` in a transaction of the store's writer and returns its result once that is committed. `work` may
    /// be run more than once.
    pub(super) async fn transact<T, F>(&self, work: F) -> Result<T, ObjectError>
    where
        T: Send + 'static,
        F: FnMut(&Connection) -> Result<T, Abort> + Send + 'static,
    {
        self.transact_recording(None, work).await
    }

    /// Like `transact`, for work that writes this record: the watcher of the bucket's changes is woken after the
    /// commit.
    pub(super) async fn transact_recording<T, F>(
        &self,
        record: Option<&ChangeRecord>,
        work: F,
    ) -> Result<T, ObjectError>
    where
        T: Send + 'static,
        F: FnMut(&Connection) -> Result<T, Abort> + Send + 'static,
    {
        let queue = record.map(ChangeRecord::queue);
        self.transact_notifying(queue, work).await
    }

    /// Like `transact`; wakes the notifier of this queue after the commit.
    pub(super) async fn transact_notifying<T, F>(
        &self,
        queue: Option<String>,
        work: F,
    ) -> Result<T, ObjectError>
    where
        T: Send + 'static,
        F: FnMut(&Connection) -> Result<T, Abort> + Send + 'static,
    {
        self.transact_in(&self.0.store, queue, work).await
    }

    /// Like `transact`, for work that stores something new.
    pub(super) async fn transact_growing<T, F>(
        &self,
        record: Option<&ChangeRecord>,
        work: F,
    ) -> Result<T, ObjectError>
    where
        T: Send + 'static,
        F: FnMut(&Connection) -> Result<T, Abort> + Send + 'static,
    {
        let queue = record.map(ChangeRecord::queue);
        self.transact_in(&self.0.store.growing(), queue, work).await
    }

    async fn transact_in<T, F>(
        &self,
        store: &Store,
        queue: Option<String>,
        mut work: F,
    ) -> Result<T, ObjectError>
    where
        T: Send + 'static,
        F: FnMut(&Connection) -> Result<T, Abort> + Send + 'static,
    {
        store
            .submit(move |connection, notifications| {
                notifications.extend(queue.clone());
                Abort::split(work(connection))
            })
            .await?
    }

    /// Applies file operations after their commit: moves now, deletions with the next synchronization.
    ///
    /// # Errors
    ///
    /// The objects' folder was deleted or replaced, and with it the file of the new object.
    pub(super) async fn apply(&self, pending: Vec<PendingFileOp>) -> Result<(), ObjectError> {
        if pending.is_empty() {
            return Ok(());
        }
        self.changed();
        if pending.iter().all(|op| !op.moves) {
            return Ok(());
        }
        let files = self.files().clone();
        blocking(&self.files().root, move || files.apply_moves(&pending)).await
    }

    /// Finishes `work` also if the caller goes away, so that it never stops half way.
    pub(super) async fn to_completion<T>(
        &self,
        work: impl Future<Output = Result<T, ObjectError>> + Send + 'static,
    ) -> Result<T, ObjectError>
    where
        T: Send + 'static,
    {
        let working = tokio::spawn(work).await;
        working.unwrap_or_else(|_| Err(errors::stopping(&self.files().root)))
    }
}
