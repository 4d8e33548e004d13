//! Objects: plain files that a person can open, and what is known of them in the store.
//!
//! **Whole or not at all.** Bytes come in through an [`Upload`], a file that nobody sees. [`Objects::put`] gives it a row, in
//! one transaction with everything that goes with it: the latest version before it, the end of an upload of parts, the
//! notice for object triggers. That commit is the moment the object is there. Files are never written again, so whoever
//! reads sees the whole old or the whole new object, and goes on seeing it. What files need after the commit is committed
//! as a chore (see `files`), so a kill at any moment loses nothing and leaves nothing lying about.
//!
//! **A bucket's objects** are below the store's own folder (see `path` for their names), or, in a bucket that shows a
//! plain folder, that folder's files themselves (see `folder`).
//!
//! **Changes** that object triggers are told are messages of the store: kept until they are told, also by the next host.
//!
//! **What survives**: as in all the store, a kill of the host at any moment. After a power cut a file may be shorter than its
//! object; such an object is refused with an error that names the file.
//!
//! On failure nothing has changed, and the error says which file, what was tried, why it failed and what to do. A caller
//! who goes away does not stop what was begun. No call blocks the runtime: files are read and written by threads
//! that may wait, rows by the store's writer.

mod bucket;
mod change;
mod digest;
mod failure;
mod files;
mod folder;
mod limits;
mod list;
mod parts;
mod path;
mod put;
mod read;
mod remove;
mod row;
mod schema;
mod tree;
mod types;
mod upload;

pub use change::LeasedChange;
pub(crate) use change::holds_changes;
pub use read::Object;
pub(crate) use schema::STEP as LAYOUT_STEP;
pub use types::{
    BucketInfo, Condition, Digest, Finished, FolderEvents, Listing, ObjectError, ObjectEvent,
    ObjectInfo, Part, PartsListing, PartsUpload, Put, Query, Removed, SyncEvents, Versioning,
};
pub use upload::Upload;

use std::future::Future;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::Notify;

use crate::{SharedClock, Store};
use change::Changes;
use failure::Fault;
use files::{Files, PendingFileOp};
use folder::Folders;

/// All buckets of a store. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Objects(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    store: Store,
    clock: SharedClock,
    files: Files,
    changes: Changes,
    folders: Folders,
    /// Chores that were done; the next transaction forgets them.
    done: Mutex<Vec<i64>>,
}

impl Objects {
    /// Opens the objects of a store; `folder` is where their files are kept. What a host that was killed left undone is
    /// done, and what it had begun to tell object triggers is told again.
    pub async fn open_store(
        folder: &Path,
        store: Store,
        clock: SharedClock,
    ) -> Result<Self, ObjectError> {
        let root = folder.to_owned();
        let files = blocking(folder, move || Files::open(&root)).await?;
        let objects = Self(Arc::new(Shared {
            store,
            clock,
            files,
            changes: Changes::default(),
            folders: Folders::default(),
            done: Mutex::default(),
        }));
        let now = objects.now();
        let (pending, parts) = objects
            .transact(Vec::new(), move |connection| {
                change::end_leases(connection, now)?;
                Ok((PendingFileOp::all(connection)?, parts::files(connection)?))
            })
            .await?;
        let files = objects.files().clone();
        let done = blocking(folder, move || {
            let done = files.apply(&pending);
            files.sweep(&parts, &pending)?;
            Ok(done)
        })
        .await?;
        objects
            .transact(Vec::new(), move |connection| {
                Ok(PendingFileOp::delete(connection, &done)?)
            })
            .await?;
        Ok(objects)
    }

    fn files(&self) -> &Files {
        &self.0.files
    }

    fn now(&self) -> u64 {
        self.0.clock.now()
    }

    /// Runs work in a transaction of the store's writer. It may be run more than once.
    async fn transact<T, F>(
        &self,
        notifiers: Vec<Arc<Notify>>,
        mut work: F,
    ) -> Result<T, ObjectError>
    where
        T: Send + 'static,
        F: FnMut(&Connection) -> Result<T, Fault> + Send + 'static,
    {
        let mut work = move |connection: &Connection| match work(connection) {
            Ok(done) => Ok(Ok(done)),
            Err(Fault::Refused(error)) => Ok(Err(error)),
            Err(Fault::Sql(error)) => Err(error),
        };
        let ring = move |done| {
            for notifier in &notifiers {
                notifier.notify_one();
            }
            done
        };
        self.0
            .store
            .submit_then(move |connection, _| work(connection), ring)
            .await?
    }

    /// Does what is left to do with files after a commit.
    async fn apply(&self, pending: Vec<PendingFileOp>) -> Result<(), ObjectError> {
        if pending.is_empty() {
            return Ok(());
        }
        let objects = self.clone();
        let apply = move || {
            let done = objects.files().apply(&pending);
            let mut all = objects
                .0
                .done
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            all.extend(done);
            Ok(())
        };
        blocking(&self.files().root, apply).await
    }

    /// Chores that were done since this was asked last.
    fn done(&self) -> Vec<i64> {
        let mut done = self.0.done.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *done)
    }

    /// Goes on with work also when the caller goes away, so that none stops half way.
    async fn to_the_end<T>(
        &self,
        work: impl Future<Output = Result<T, ObjectError>> + Send + 'static,
    ) -> Result<T, ObjectError>
    where
        T: Send + 'static,
    {
        let working = tokio::spawn(work).await;
        working.unwrap_or_else(|_| Err(failure::stopping(&self.files().root)))
    }
}

/// Has a thread work that may wait for the file system at `place`.
async fn blocking<T, F>(place: &Path, work: F) -> Result<T, ObjectError>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, ObjectError> + Send + 'static,
{
    let working = tokio::task::spawn_blocking(work).await;
    working.unwrap_or_else(|_| Err(failure::stopping(place)))
}
