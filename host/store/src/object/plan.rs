//! Storing an object: the part that runs inside a transaction.

use std::path::PathBuf;

use rusqlite::Connection;

use super::change_record::ChangeRecord;
use super::errors::Abort;
use super::objects::Objects;
use super::pending::PendingFileOp;
use super::row::{self, Row};
use super::types::{Condition, ObjectError, ObjectInfo, Put, Versioning};
use super::unsynced::UnsyncedFile;
use super::{bucket_row, part_files, parts_row};

/// An object that is about to be stored.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) bucket: String,
    pub(super) key: String,
    pub(super) put: Put,
    pub(super) size: u64,
    pub(super) at: u64,
    pub(super) place: Place,
    /// The checksum of a file that may not be on the disk yet.
    pub(super) checksum: Option<u64>,
    pub(super) record: Option<ChangeRecord>,
}

/// Where the bytes of an object are.
#[derive(Debug, Clone)]
pub(super) enum Place {
    /// A file below the objects' folder: its path relative to it.
    File(String),
    /// The key's file in a plain folder: the folder, and the file's stamp.
    Folder(PathBuf, String),
}

/// What was stored, and what remains to be done with files.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) info: ObjectInfo,
    pub(super) pending: Vec<PendingFileOp>,
}

/// Checks a precondition against the version of the key that it applies to.
pub(super) fn check_condition(
    condition: &Condition,
    found: Option<&Row>,
) -> Result<(), ObjectError> {
    let object = found.filter(|row| !row.info.delete_marker);
    let holds = match (condition, object) {
        (Condition::Always, _) | (Condition::Absent, None) => true,
        (Condition::Absent, Some(_)) | (Condition::Matches(_), None) => false,
        (Condition::Matches(etags), Some(row)) => {
            etags.is_empty() || etags.contains(&row.info.etag)
        }
    };
    holds.then_some(()).ok_or(ObjectError::PreconditionFailed)
}

/// Checks whether the plan can be carried out, without changing anything.
pub(super) fn check_plan(
    connection: &Connection,
    plan: &Plan,
) -> Result<bucket_row::Bucket, Abort> {
    let bucket = bucket_row::find(connection, &plan.bucket)?;
    let folder = match &plan.place {
        Place::File(_) => None,
        Place::Folder(folder, _) => Some(folder),
    };
    if bucket.folder.as_ref() != folder {
        // The bucket was deleted and created again with or without a folder.
        return Err(ObjectError::MissingBucket.into());
    }
    if let Some(upload) = &plan.put.completes {
        parts_row::find(connection, bucket.id, upload, Some(&plan.key))?;
    }
    let latest = row::latest(connection, bucket.id, &plan.key)?;
    check_condition(&plan.put.condition, latest.as_ref())?;
    Ok(bucket)
}

/// Carries out the plan, in a transaction.
pub(super) fn store(connection: &Connection, plan: &Plan) -> Result<Stored, Abort> {
    let bucket = check_plan(connection, plan)?;
    let sequence = row::next_sequence(connection)?;
    let keeps_versions = bucket.info.versioning == Versioning::On;
    let version = keeps_versions.then(|| row::new_id(sequence));
    let mut pending = Vec::new();
    let mut superseded = None;
    if version.is_none()
        && let Some(old) = row::unversioned(connection, bucket.id, &plan.key)?
    {
        if plan.checksum.is_some() {
            row::hide(connection, bucket.id, &old)?;
            superseded = Some(old.sequence);
        } else {
            row::delete(connection, bucket.id, &old)?;
        }
        pending.extend(delete_file_of(connection, &old)?);
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
            delete_marker: false,
            size: plan.size,
            etag: plan.put.etag.clone(),
            modified_at: plan.at,
            metadata: plan.put.metadata.clone(),
        },
        file,
        stamp,
    };
    row::insert(connection, bucket.id, &row)?;
    if let (Some(checksum), Some(file)) = (plan.checksum, &row.file) {
        UnsyncedFile::record_object(connection, file, plan.size, checksum, sequence, superseded)?;
    }
    if let Some(upload) = &plan.put.completes {
        let parts = parts_row::delete(connection, upload)?;
        let folder = bucket.folder.as_deref();
        pending.extend(part_files::to_delete(connection, &parts, folder)?);
    }
    if let Some(record) = &plan.record {
        record.created(connection, sequence, &row.info)?;
    }
    Ok(Stored {
        info: row.info,
        pending,
    })
}

/// Removes the version without an id, and records that its file is to be deleted.
pub(super) fn drop_unversioned(
    connection: &Connection,
    bucket: i64,
    key: &str,
) -> rusqlite::Result<Option<PendingFileOp>> {
    let Some(old) = row::unversioned(connection, bucket, key)? else {
        return Ok(None);
    };
    row::delete(connection, bucket, &old)?;
    delete_file_of(connection, &old)
}

fn delete_file_of(connection: &Connection, row: &Row) -> rusqlite::Result<Option<PendingFileOp>> {
    let file = row.file.as_deref();
    file.map(|file| PendingFileOp::to_delete(connection, file))
        .transpose()
}

impl Objects {
    /// Carries out a plan, and wakes the watcher of the bucket's changes.
    pub(super) async fn commit(&self, plan: Plan) -> Result<Stored, ObjectError> {
        let record = plan.record.clone();
        self.transact_growing(record.as_ref(), move |connection| store(connection, &plan))
            .await
    }
}
