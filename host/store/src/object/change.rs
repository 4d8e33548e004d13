//! Changes, from the transaction that made them to the trigger that tells them.
//!
//! A change is a message of the store, in a queue of its bucket's: committed with the change itself, leased while it is being
//! told, gone when it was. A lease lasts as long as the host, and the next host ends it. Nobody polls: the queue's bell
//! rings. A caller who stops waiting at the wrong moment loses nothing: what was leased for it goes to the next one.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lambkin_model::ObjectChange;
use rusqlite::{Connection, params};
use tokio::sync::{Notify, oneshot};
use uuid::Uuid;

use super::Objects;
use super::failure;
use super::types::{ObjectError, ObjectEvent, ObjectInfo};
use crate::queue::either;
use crate::{Message, NewMessage, Receipt, queues};

/// What the names of these queues begin with.
const QUEUES: &str = "bucket:";
/// The first name after all of them.
const QUEUES_END: &str = "bucket;";

/// When a lease ends that only its host ends: the last time there is in the store.
const FOREVER: u64 = i64::MAX.cast_unsigned();

/// A change that object triggers have not been told yet, with the proof of its lease.
#[derive(Debug, Clone)]
pub struct LeasedChange {
    /// The change.
    pub change: ObjectChange,
    /// For `Objects::told` and `Objects::tell_again`.
    pub receipt: Receipt,
    /// How often it could not be told.
    attempts: u32,
}

/// Of changes, what is not in the store.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// The buckets whose changes somebody wants to be told; of all until that is said.
    watched: Mutex<Option<HashSet<String>>>,
    /// Leased for somebody who then went away, by bucket.
    returned: Mutex<HashMap<String, VecDeque<LeasedChange>>>,
}

/// What a transaction writes down for object triggers.
#[derive(Debug, Clone)]
pub(super) struct ChangeRecord {
    bucket: String,
    event: ObjectEvent,
    at: u64,
}

impl ChangeRecord {
    /// An object is there, or is another one.
    pub(super) fn created(
        &self,
        connection: &Connection,
        sequence: i64,
        info: &ObjectInfo,
    ) -> rusqlite::Result<()> {
        self.write(connection, sequence, info, true)
    }

    /// An object is gone; or hidden by a delete marker, whose version is told.
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
        let message = NewMessage {
            queue: queue(&self.bucket),
            body: written(change),
            attributes: String::new(),
            not_before: self.at,
        };
        queues::enqueue(connection, &message, self.at)
    }
}

type Written = (
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

/// A change as a JSON array, in the order of its fields.
fn written(change: ObjectChange) -> Vec<u8> {
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
    let fields: Written = (
        id, bucket, event, key, size, etag, version, sequencer, at, extra,
    );
    // Strings, numbers and lists can always be written.
    serde_json::to_vec(&fields).unwrap_or_default()
}

fn read(message: &Message) -> Option<LeasedChange> {
    let fields: Written = serde_json::from_slice(&message.body).ok()?;
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
        receipt: message.receipt(),
        attempts: message.attempts,
    })
}

fn queue(bucket: &str) -> String {
    format!("{QUEUES}{bucket}")
}

/// Whether a queue of this name holds changes, which are nobody's messages.
pub(crate) fn holds_changes(queue: &str) -> bool {
    queue.starts_with(QUEUES)
}

/// Ends the leases that a former host held.
pub(super) fn end_leases(connection: &Connection, now: u64) -> rusqlite::Result<()> {
    let sql = "UPDATE messages SET leased = 0, due_at = ?1 WHERE leased = 1 AND queue >= ?2 AND queue < ?3";
    connection.execute(sql, params![now.cast_signed(), QUEUES, QUEUES_END])?;
    Ok(())
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Objects {
    /// From now on only these buckets' changes are kept to be told; what waits of others is dropped. Without this every
    /// notice is kept until it is told, so who knows the triggers says so before anything changes.
    pub async fn set_watched_buckets(&self, buckets: &[String]) -> Result<(), ObjectError> {
        let watched: HashSet<String> = buckets.iter().cloned().collect();
        let queues: HashSet<String> = buckets.iter().map(|bucket| queue(bucket)).collect();
        *locked(&self.0.changes.watched) = Some(watched);
        self.transact(Vec::new(), move |connection| {
            let all = "SELECT DISTINCT queue FROM messages WHERE queue >= ?1 AND queue < ?2";
            let all: Vec<String> = connection
                .prepare(all)?
                .query_map([QUEUES, QUEUES_END], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            for unwatched in all.iter().filter(|queue| !queues.contains(*queue)) {
                connection.execute("DELETE FROM messages WHERE queue = ?1", [unwatched])?;
            }
            Ok(())
        })
        .await
    }

    /// The next change of a bucket to be told, waiting for it if there is none; the oldest first.
    pub async fn next_change(&self, bucket: &str) -> Result<LeasedChange, ObjectError> {
        let notifier = self.change_notifier(bucket);
        loop {
            let (delivery, delivered) = oneshot::channel();
            let lease = lease(self.clone(), bucket.to_owned(), delivery);
            // Not dropped with the caller: the lease is the host's, and has to reach somebody.
            tokio::spawn(lease);
            let stopping = |_| failure::stopping(&self.files().root);
            let mut found = delivered.await.map_err(stopping)??;
            if let Some(change) = found.change.take() {
                return Ok(change);
            }
            match found.next_due {
                None => notifier.notified().await,
                Some(due) => either(notifier.notified(), self.0.clock.until(due)).await,
            }
        }
    }

    /// The change was told to everyone.
    pub async fn ack_change(&self, change: &LeasedChange) -> Result<(), ObjectError> {
        let done = self
            .0
            .store
            .complete(change.receipt, Vec::new(), self.now());
        done.await?;
        Ok(())
    }

    /// It could not be told; it comes again so much later.
    pub async fn retry_change(
        &self,
        change: &LeasedChange,
        after_ms: u64,
    ) -> Result<(), ObjectError> {
        let again = self.now().saturating_add(after_ms);
        let attempts = change.attempts.saturating_add(1);
        let store = &self.0.store;
        store.reschedule(change.receipt, again, attempts).await?;
        // Whoever waits is to know until when.
        self.change_notifier(&change.change.bucket).notify_one();
        Ok(())
    }

    pub(super) fn change_notifier(&self, bucket: &str) -> Arc<Notify> {
        self.0.store.notifier(&queue(bucket))
    }

    /// What to write down, if anybody wants to be told; and the bells to ring.
    pub(super) fn change_record(
        &self,
        bucket: &str,
        event: Option<ObjectEvent>,
        at: u64,
    ) -> (Option<ChangeRecord>, Vec<Arc<Notify>>) {
        let watched = locked(&self.0.changes.watched);
        let is_watched = watched
            .as_ref()
            .is_none_or(|watched| watched.contains(bucket));
        let Some(event) = event.filter(|_| is_watched) else {
            return (None, Vec::new());
        };
        let bucket = bucket.to_owned();
        let notifiers = vec![self.change_notifier(&bucket)];
        (Some(ChangeRecord { bucket, event, at }), notifiers)
    }
}

/// What was found for somebody. Dropped with a change in it, that goes to the next one who asks.
struct Delivery {
    objects: Objects,
    change: Option<LeasedChange>,
    /// When the next change is due.
    next_due: Option<u64>,
}

impl Drop for Delivery {
    fn drop(&mut self) {
        let Some(change) = self.change.take() else {
            return;
        };
        let bucket = change.change.bucket.clone();
        let mut returned = locked(&self.objects.0.changes.returned);
        returned
            .entry(bucket.clone())
            .or_default()
            .push_back(change);
        drop(returned);
        self.objects.change_notifier(&bucket).notify_one();
    }
}

type Receiver = oneshot::Sender<Result<Delivery, ObjectError>>;

async fn lease(objects: Objects, bucket: String, receiver: Receiver) {
    let delivery = find(&objects, &bucket).await;
    let _dropped_and_so_returned = receiver.send(delivery);
}

async fn find(objects: &Objects, bucket: &str) -> Result<Delivery, ObjectError> {
    let mut delivery = Delivery {
        objects: objects.clone(),
        change: None,
        next_due: None,
    };
    delivery.change = locked(&objects.0.changes.returned)
        .get_mut(bucket)
        .and_then(VecDeque::pop_front);
    if delivery.change.is_some() {
        return Ok(delivery);
    }
    let (store, now) = (&objects.0.store, objects.now());
    loop {
        // Until the host ends: who has it answers for it.
        let leased = store.lease(&queue(bucket), now, FOREVER, 1).await?;
        delivery.next_due = leased.next_due.filter(|due| *due < FOREVER);
        let Some(message) = leased.messages.first() else {
            return Ok(delivery);
        };
        delivery.change = read(message);
        if delivery.change.is_none() {
            // Not one of ours, whoever put it here.
            store.complete(message.receipt(), Vec::new(), now).await?;
            continue;
        }
        if delivery.next_due.is_some_and(|due| due <= now) {
            // A ring wakes one; there is work for another.
            objects.change_notifier(bucket).notify_one();
        }
        return Ok(delivery);
    }
}
