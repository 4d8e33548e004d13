//! Removing an object: the part that runs inside a transaction.

use rusqlite::Connection;

use super::bucket_row::{self, Bucket};
use super::change_record::ChangeRecord;
use super::errors::Abort;
use super::pending::PendingFileOp;
use super::plan::{check_condition, drop_unversioned};
use super::row::{self, Row};
use super::types::{Condition, ObjectError, ObjectInfo, Removed, Versioning};

/// A removal that was requested.
#[derive(Debug, Clone)]
pub(super) struct Removal {
    pub(super) bucket: String,
    pub(super) key: String,
    pub(super) version: Option<String>,
    pub(super) condition: Condition,
    /// The metadata that the object or version must still have.
    pub(super) metadata: Option<Vec<(String, String)>>,
    pub(super) record: Option<ChangeRecord>,
    pub(super) at: u64,
}

/// What a removal did, and what remains to be done with files.
pub(super) type Done = (Removed, Vec<PendingFileOp>);

/// The result of a removal that found nothing.
pub(super) const NOTHING: Removed = Removed {
    existed: false,
    version: None,
    delete_marker: false,
};

/// The version that would be removed, if it exists and the condition holds. Changes nothing.
pub(super) fn target(
    connection: &Connection,
    bucket: &Bucket,
    removal: &Removal,
) -> Result<Option<Row>, Abort> {
    let found = row::find_named(
        connection,
        bucket.id,
        &removal.key,
        removal.version.as_deref(),
    )?;
    check_condition(&removal.condition, found.as_ref())?;
    if let (Some(expected), Some(found)) = (&removal.metadata, &found)
        && found.info.metadata != *expected
    {
        return Err(ObjectError::PreconditionFailed.into());
    }
    Ok(found)
}

/// Carries out a removal, in a transaction.
pub(super) fn remove(connection: &Connection, removal: &Removal) -> Result<Done, Abort> {
    let bucket = bucket_row::find(connection, &removal.bucket)?;
    let found = target(connection, &bucket, removal)?;
    if removal.version.is_none() && bucket.info.versioning != Versioning::Off {
        return Ok(hide(connection, &bucket, removal, found.as_ref())?);
    }
    let Some(row) = found else {
        if removal.version.is_none()
            && let Some(record) = &removal.record
        {
            let absent = absent(removal);
            record.removed(connection, row::next_sequence(connection)?, &absent)?;
        }
        return Ok((NOTHING, Vec::new()));
    };
    row::delete(connection, bucket.id, &row)?;
    let mut pending = Vec::new();
    if let Some(file) = &row.file {
        pending.push(PendingFileOp::to_delete(connection, file)?);
    }
    if let Some(record) = &removal.record {
        record.removed(connection, row::next_sequence(connection)?, &row.info)?;
    }
    let removed = Removed {
        existed: true,
        version: row.info.version,
        delete_marker: row.info.delete_marker,
    };
    Ok((removed, pending))
}

/// What the change of a removal that found no object says about it. As in S3, object triggers receive that change, too.
fn absent(removal: &Removal) -> ObjectInfo {
    ObjectInfo {
        key: removal.key.clone(),
        version: None,
        latest: true,
        delete_marker: false,
        size: 0,
        etag: String::new(),
        modified_at: removal.at,
        metadata: Vec::new(),
    }
}

/// Inserts a delete marker. While versioning is suspended, it replaces the version without an id.
fn hide(
    connection: &Connection,
    bucket: &Bucket,
    removal: &Removal,
    found: Option<&Row>,
) -> rusqlite::Result<Done> {
    let sequence = row::next_sequence(connection)?;
    let keeps_versions = bucket.info.versioning == Versioning::On;
    let version = keeps_versions.then(|| row::new_id(sequence));
    let mut pending = Vec::new();
    if version.is_none() {
        pending.extend(drop_unversioned(connection, bucket.id, &removal.key)?);
    }
    let delete_marker = Row {
        sequence,
        info: ObjectInfo {
            key: removal.key.clone(),
            version,
            latest: true,
            delete_marker: true,
            size: 0,
            etag: String::new(),
            modified_at: removal.at,
            metadata: Vec::new(),
        },
        file: None,
        stamp: None,
    };
    row::insert(connection, bucket.id, &delete_marker)?;
    if let Some(record) = &removal.record {
        record.removed(connection, sequence, &delete_marker.info)?;
    }
    let removed = Removed {
        existed: found.is_some_and(|row| !row.info.delete_marker),
        version: delete_marker.info.version,
        delete_marker: true,
    };
    Ok((removed, pending))
}
