//! Storing an object, and changing what is kept with one.
//!
//! Everything that can fail for want of space or permission comes before the commit: the bytes are in their file, the
//! folders of its place are made. The commit names the file. What comes after it, the move to the place and the deletion
//! of what was superseded, is noted with it.

use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::Connection;
use tokio::sync::Notify;

use super::change::ChangeRecord;
use super::failure::Fault;
use super::files::{self, PendingFileOp};
use super::row::{self, Row};
use super::types::{Condition, ObjectError, ObjectEvent, ObjectInfo, Put, Versioning};
use super::upload::{Sink, Upload};
use super::{Objects, bucket, parts, path};

/// An object about to be stored.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) bucket: String,
    pub(super) key: String,
    pub(super) put: Put,
    pub(super) size: u64,
    pub(super) at: u64,
    pub(super) place: Place,
    pub(super) record: Option<ChangeRecord>,
}

/// Where its bytes are.
#[derive(Debug, Clone)]
pub(super) enum Place {
    /// A file below the objects' folder.
    File(String),
    /// The key's file in this folder, with the stamp that it has there.
    Folder(PathBuf, String),
}

/// What was stored, and what is left to do.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) info: ObjectInfo,
    pending: Vec<PendingFileOp>,
    /// The files of parts that are no longer needed.
    parts: Vec<String>,
}

/// Whether the condition holds for the version of a key that it is about.
pub(super) fn check(condition: &Condition, found: Option<&Row>) -> Result<(), ObjectError> {
    let object = found.filter(|row| !row.info.marker);
    let holds = match (condition, object) {
        (Condition::Always, _) | (Condition::Absent, None) => true,
        (Condition::Absent, Some(_)) | (Condition::Matches(_), None) => false,
        (Condition::Matches(etags), Some(row)) => {
            etags.is_empty() || etags.contains(&row.info.etag)
        }
    };
    holds.then_some(()).ok_or(ObjectError::Precondition)
}

/// Whether the plan may be carried out. Changes nothing.
pub(super) fn allowed(connection: &Connection, plan: &Plan) -> Result<bucket::Bucket, Fault> {
    let bucket = bucket::find(connection, &plan.bucket)?;
    let folder = match &plan.place {
        Place::File(_) => None,
        Place::Folder(folder, _) => Some(folder),
    };
    if bucket.folder.as_ref() != folder {
        // Deleted since, and made anew as another kind of bucket.
        return Err(ObjectError::MissingBucket.into());
    }
    if let Some(upload) = &plan.put.completes {
        parts::find(connection, bucket.id, upload, Some(&plan.key))?;
    }
    let latest = row::latest(connection, bucket.id, &plan.key)?;
    check(&plan.put.condition, latest.as_ref())?;
    Ok(bucket)
}

/// Carries the plan out, in a transaction.
pub(super) fn store(connection: &Connection, plan: &Plan) -> Result<Stored, Fault> {
    let bucket = allowed(connection, plan)?;
    let sequence = row::next_sequence(connection)?;
    let keeps_versions = bucket.info.versioning == Versioning::On;
    let version = keeps_versions.then(|| row::new_id(sequence));
    let mut pending = Vec::new();
    if version.is_none() {
        pending.extend(drop_unversioned(connection, bucket.id, &plan.key)?);
    }
    let (file, stamp) = match plan.place.clone() {
        Place::File(file) => (Some(file), None),
        Place::Folder(_, stamp) => (None, Some(stamp)),
    };
    if let Some(file) = &file {
        pending.push(PendingFileOp::to_move(connection, file)?);
    }
    let row = Row {
        sequence,
        info: ObjectInfo {
            key: plan.key.clone(),
            version,
            latest: true,
            marker: false,
            size: plan.size,
            etag: plan.put.etag.clone(),
            modified_at: plan.at,
            metadata: plan.put.metadata.clone(),
        },
        file,
        stamp,
    };
    row::insert(connection, bucket.id, &row)?;
    let parts = match &plan.put.completes {
        Some(upload) => parts::end(connection, upload)?,
        None => Vec::new(),
    };
    if let Some(record) = &plan.record {
        record.created(connection, sequence, &row.info)?;
    }
    Ok(Stored {
        info: row.info,
        pending,
        parts,
    })
}

/// Removes the version that a bucket has while it keeps none.
pub(super) fn drop_unversioned(
    connection: &Connection,
    bucket: i64,
    key: &str,
) -> rusqlite::Result<Option<PendingFileOp>> {
    let Some(old) = row::unversioned(connection, bucket, key)? else {
        return Ok(None);
    };
    row::delete(connection, bucket, &old)?;
    let file = old.file.as_deref();
    file.map(|file| PendingFileOp::to_delete(connection, file))
        .transpose()
}

impl Objects {
    /// Makes an object of a finished upload, at one moment.
    pub async fn put(
        &self,
        bucket: &str,
        key: &str,
        upload: Upload,
        put: Put,
    ) -> Result<ObjectInfo, ObjectError> {
        let sink = upload.into_sink(bucket)?;
        let (objects, bucket, key) = (self.clone(), bucket.to_owned(), key.to_owned());
        self.to_the_end(async move { objects.put_sink(bucket, key, sink, put).await })
            .await
    }

    async fn put_sink(
        &self,
        bucket: String,
        key: String,
        sink: Sink,
        mut put: Put,
    ) -> Result<ObjectInfo, ObjectError> {
        let at = self.now();
        let (record, notifiers) = self.change_record(&bucket, put.event.take(), at);
        let place = match &sink.folder {
            Some(folder) => Place::Folder(folder.clone(), String::new()),
            None => Place::File(path::place(&bucket, &key, &sink.id)),
        };
        let plan = Plan {
            size: sink.size,
            bucket,
            key,
            put,
            at,
            place,
            record,
        };
        let folder = sink.folder.clone();
        let stored = match folder.clone() {
            Some(folder) => self.put_in_folder(sink, plan, folder, notifiers).await?,
            None => self.put_placed(sink, plan, notifiers).await?,
        };
        self.delete_parts(stored.parts, folder).await;
        Ok(stored.info)
    }

    async fn put_placed(
        &self,
        mut sink: Sink,
        plan: Plan,
        notifiers: Vec<Arc<Notify>>,
    ) -> Result<Stored, ObjectError> {
        let Place::File(place) = plan.place.clone() else {
            return Err(ObjectError::MissingBucket);
        };
        let (files, prepared) = (self.files().clone(), place.clone());
        let prepare = move || {
            sink.complete()?;
            files.make_folders_of(&prepared)?;
            Ok(sink)
        };
        let sink = super::blocking(&self.files().root, prepare).await?;
        // From here on only the outcome of the commit says whether the file is needed.
        let incoming = sink.keep();
        match self.commit(plan, notifiers).await {
            Ok(mut stored) => {
                // What is not done now is done at the next start.
                let _stopping = self.apply(std::mem::take(&mut stored.pending)).await;
                Ok(stored)
            }
            Err(error) => {
                let files = self.files().clone();
                let delete = move || {
                    let _at_the_next_start = files::delete(&incoming);
                    files.clear(files.root.join(&place).parent());
                    Ok(())
                };
                let _stopping = super::blocking(&self.files().root, delete).await;
                Err(error)
            }
        }
    }

    pub(super) async fn commit(
        &self,
        plan: Plan,
        notifiers: Vec<Arc<Notify>>,
    ) -> Result<Stored, ObjectError> {
        let done = self.done();
        self.transact(notifiers, move |connection| {
            // First, as it is to be noted also if the plan is refused.
            PendingFileOp::delete(connection, &done)?;
            store(connection, &plan)
        })
        .await
    }

    /// Replaces an object's metadata; bytes, entity tag, version and time stay.
    pub async fn revise(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
        metadata: Vec<(String, String)>,
        event: Option<ObjectEvent>,
    ) -> Result<ObjectInfo, ObjectError> {
        let (record, notifiers) = self.change_record(bucket, event, self.now());
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        let version = version.map(str::to_owned);
        self.transact(notifiers, move |connection| {
            let bucket = bucket::find(connection, &bucket)?;
            let found = row::find(connection, bucket.id, &key, version.as_deref())?;
            let object = found.filter(|row| !row.info.marker);
            let mut row = object.ok_or(Fault::Refused(ObjectError::Missing))?;
            row.info.metadata.clone_from(&metadata);
            row::revise(connection, &row)?;
            if let Some(record) = &record {
                record.created(connection, row::next_sequence(connection)?, &row.info)?;
            }
            Ok(row.info)
        })
        .await
    }
}
