//! Removing an object, or hiding it behind a delete marker.

use rusqlite::Connection;

use super::Objects;
use super::bucket::{self, Bucket};
use super::change::ChangeRecord;
use super::failure::Fault;
use super::files::PendingFileOp;
use super::put::{check, drop_unversioned};
use super::row::{self, Row};
use super::types::{Condition, ObjectError, ObjectEvent, ObjectInfo, Removed, Versioning};

/// A removal that was asked for.
#[derive(Debug, Clone)]
pub(super) struct Removal {
    pub(super) bucket: String,
    pub(super) key: String,
    version: Option<String>,
    condition: Condition,
    pub(super) record: Option<ChangeRecord>,
    at: u64,
}

/// What a removal did, and what is left to do.
type Done = (Removed, Vec<PendingFileOp>);

pub(super) const NOTHING: Removed = Removed {
    existed: false,
    version: None,
    marker: false,
};

/// What would be removed, if it is there and the condition holds. Changes nothing.
pub(super) fn target(
    connection: &Connection,
    bucket: &Bucket,
    removal: &Removal,
) -> Result<Option<Row>, Fault> {
    let found = row::find(
        connection,
        bucket.id,
        &removal.key,
        removal.version.as_deref(),
    )?;
    check(&removal.condition, found.as_ref())?;
    Ok(found)
}

/// Does it, in a transaction.
pub(super) fn remove(connection: &Connection, removal: &Removal) -> Result<Done, Fault> {
    let bucket = bucket::find(connection, &removal.bucket)?;
    let found = target(connection, &bucket, removal)?;
    if removal.version.is_none() && bucket.info.versioning != Versioning::Off {
        return Ok(hide(connection, &bucket, removal, found.as_ref())?);
    }
    let Some(row) = found else {
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
        marker: row.info.marker,
    };
    Ok((removed, pending))
}

/// Adds a delete marker; while versions are suspended, in place of the version that has no id.
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
    let marker = Row {
        sequence,
        info: ObjectInfo {
            key: removal.key.clone(),
            version,
            latest: true,
            marker: true,
            size: 0,
            etag: String::new(),
            modified_at: removal.at,
            metadata: Vec::new(),
        },
        file: None,
        stamp: None,
    };
    row::insert(connection, bucket.id, &marker)?;
    if let Some(record) = &removal.record {
        record.removed(connection, sequence, &marker.info)?;
    }
    let removed = Removed {
        existed: found.is_some_and(|row| !row.info.marker),
        version: marker.info.version,
        marker: true,
    };
    Ok((removed, pending))
}

impl Objects {
    /// Removes an object; with versions kept and none named, adds a delete marker instead. Without anything to remove
    /// nobody is told.
    pub async fn remove(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
        condition: Condition,
        event: Option<ObjectEvent>,
    ) -> Result<Removed, ObjectError> {
        let folder = self.folder_of(bucket).await?;
        let at = self.now();
        let (record, notifiers) = self.change_record(bucket, event, at);
        let removal = Removal {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            version: version.map(str::to_owned),
            condition,
            record,
            at,
        };
        let objects = self.clone();
        self.to_the_end(async move {
            if let Some(folder) = folder {
                return objects
                    .remove_from_folder(&folder, removal, notifiers)
                    .await;
            }
            let done = objects.done();
            let remove = move |connection: &Connection| {
                // First, as it is to be noted also if the wish is refused.
                PendingFileOp::delete(connection, &done)?;
                remove(connection, &removal)
            };
            let (removed, pending) = objects.transact(notifiers, remove).await?;
            // What is not done now is done at the next start.
            let _stopping = objects.apply(pending).await;
            Ok(removed)
        })
        .await
    }
}
