//! Change records: the changes of objects that wait for object triggers.
//!
//! A record is an event in the event queue of its bucket. It is written in the transaction of the change itself.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Mutex;

use lambkin_model::ObjectChange;
use rusqlite::{Connection, params};
use tokio::sync::Notify;
use uuid::Uuid;

use super::types::{ObjectEvent, ObjectInfo};
use crate::event_queue::{self, EventReceipt, NewEvent, QueuedEvent};
use crate::sql_time::time;

/// The prefix of the names of these queues.
const PREFIX: &str = "bucket:";
/// The first name after all names with this prefix.
const PREFIX_END: &str = "bucket;";

/// The name of the queue of a bucket's changes.
pub(crate) fn change_queue(bucket: &str) -> String {
    format!("{PREFIX}{bucket}")
}

/// Whether an event queue holds changes of objects.
pub(crate) fn is_change_queue(queue: &str) -> bool {
    queue.starts_with(PREFIX)
}

/// What a transaction records for object triggers.
#[derive(Debug, Clone)]
pub(super) struct ChangeRecord {
    pub(super) bucket: String,
    pub(super) event: ObjectEvent,
    pub(super) at: u64,
}

/// A change that is leased for delivery to object triggers, with the proof of its lease.
#[derive(Debug, Clone)]
pub struct LeasedChange {
    /// The change.
    pub change: ObjectChange,
    /// The proof of the lease, for [`Objects::ack_change`](super::Objects::ack_change) and
    /// [`Objects::retry_change`](super::Objects::retry_change).
    pub receipt: EventReceipt,
    /// The number of failed deliveries.
    pub(super) attempts: u32,
}

/// What is known of changes and not stored: it is lost with the host.
#[derive(Debug, Default)]
pub(super) struct ChangeState {
    /// The buckets that have object triggers; `None`, before these are known, for all buckets.
    pub(super) watched: Mutex<Option<HashSet<String>>>,
    /// The buckets that have triggers of their own.
    pub(super) own: Mutex<HashSet<String>>,
    /// Wakes the task that waits for a bucket to get triggers of its own.
    pub(super) own_changed: Notify,
    /// Changes that were leased for a caller that went away, by bucket.
    pub(super) returned: Mutex<HashMap<String, VecDeque<LeasedChange>>>,
}

impl ChangeRecord {
    /// The name of the queue that the record is written to.
    pub(super) fn queue(&self) -> String {
        change_queue(&self.bucket)
    }

    /// Records that an object was created or replaced.
    pub(super) fn created(
        &self,
        connection: &Connection,
        sequence: i64,
        info: &ObjectInfo,
    ) -> rusqlite::Result<()> {
        self.write(connection, sequence, info, true)
    }

    /// Records that an object was removed, or hidden by a delete marker; `info` is then the marker's.
    pub(super) fn removed(
        &self,
        connection: &Connection,
        sequence: i64,
        info: &ObjectInfo,
    ) -> rusqlite::Result<()> {
        self.write(connection, sequence, info, false)
    }

    fn write(
        &self,
        connection: &Connection,
        sequence: i64,
        info: &ObjectInfo,
        exists: bool,
    ) -> rusqlite::Result<()> {
        let change = ObjectChange {
            id: Uuid::new_v4().to_string(),
            bucket: self.bucket.clone(),
            event: self.event.name.clone(),
            key: info.key.clone(),
            size: exists.then_some(info.size),
            etag: exists.then(|| info.etag.clone()),
            version: info.version.clone(),
            sequencer: sequence.cast_unsigned(),
            at: self.at,
            extra: self.event.extra.clone(),
        };
        insert(connection, change)
    }
}

/// Records a change, in the order of its time.
pub(super) fn insert(connection: &Connection, change: ObjectChange) -> rusqlite::Result<()> {
    let at = change.at;
    let event = NewEvent {
        queue: change_queue(&change.bucket),
        body: serialize(change),
        attributes: String::new(),
        not_before: at,
    };
    event_queue::insert(connection, &event, at)
}

/// A change as a JSON array, in the order of its fields.
type Fields = (
    String,
    String,
    String,
    String,
    Option<u64>,
    Option<String>,
    Option<String>,
    u64,
    u64,
    Vec<(String, String)>,
);

fn serialize(change: ObjectChange) -> Vec<u8> {
    let ObjectChange {
        id,
        bucket,
        event,
        key,
        size,
        etag,
        version,
        sequencer,
        at,
        extra,
    } = change;
    let fields: Fields = (
        id, bucket, event, key, size, etag, version, sequencer, at, extra,
    );
    // Strings, numbers and lists always serialize.
    serde_json::to_vec(&fields).unwrap_or_default()
}

/// Reads the record in a leased event; `None` if it is not one.
pub(super) fn read(leased: &QueuedEvent) -> Option<LeasedChange> {
    let fields: Fields = serde_json::from_slice(&leased.body).ok()?;
    let (id, bucket, event, key, size, etag, version, sequencer, at, extra) = fields;
    Some(LeasedChange {
        change: ObjectChange {
            id,
            bucket,
            event,
            key,
            size,
            etag,
            version,
            sequencer,
            at,
            extra,
        },
        receipt: leased.receipt(),
        attempts: leased.attempts,
    })
}

/// Ends the leases that an earlier host held.
pub(super) fn end_leases(connection: &Connection, now: u64) -> rusqlite::Result<()> {
    let sql = "UPDATE messages SET leased = 0, due_at = ?1 WHERE leased = 1 AND queue >= ?2 AND queue < ?3";
    connection.execute(sql, params![time(now), PREFIX, PREFIX_END])?;
    Ok(())
}

/// Deletes the records of all buckets except these.
pub(super) fn delete_others(
    connection: &Connection,
    buckets: &HashSet<String>,
) -> rusqlite::Result<()> {
    let kept: HashSet<String> = buckets.iter().map(|bucket| change_queue(bucket)).collect();
    let all: Vec<String> = connection
        .prepare("SELECT DISTINCT queue FROM messages WHERE queue >= ?1 AND queue < ?2")?
        .query_map([PREFIX, PREFIX_END], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for other in all.iter().filter(|queue| !kept.contains(*queue)) {
        connection.execute("DELETE FROM messages WHERE queue = ?1", [other])?;
    }
    Ok(())
}
