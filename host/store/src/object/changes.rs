//! Delivering changes to object triggers.
//!
//! A change is leased while it is being delivered, and gone once it was acknowledged. The lease lasts as long as the
//! host; the next host ends it. A waiting caller does not poll: it is woken by the queue's notifier or the clock. A
//! caller that goes away loses nothing: what was leased for it goes to the next one.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, oneshot};

use super::change_record::{self, ChangeRecord, LeasedChange, change_queue};
use super::errors;
use super::objects::Objects;
use super::own_triggers;
use super::types::{ObjectError, ObjectEvent};
use crate::event_queue::EventQueues;

/// The end of a lease that only the host ends: the last time that the store can hold.
const FOREVER: u64 = i64::MAX.cast_unsigned();

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Objects {
    /// Limits recording to these buckets and those that have triggers of their own, and deletes what was recorded for
    /// others. Until this is called the changes of all buckets are recorded, so it must be called before anything
    /// changes.
    pub async fn set_watched_buckets(&self, buckets: &[String]) -> Result<(), ObjectError> {
        let watched: HashSet<String> = buckets.iter().cloned().collect();
        *locked(&self.0.changes.watched) = Some(watched.clone());
        let own = self
            .transact(move |connection| {
                let own = own_triggers::buckets(connection)?;
                let all = own.union(&watched).cloned().collect();
                change_record::delete_others(connection, &all)?;
                Ok(own)
            })
            .await?;
        *locked(&self.0.changes.own) = own;
        Ok(())
    }

    /// Leases the oldest change of a bucket that is due. Waits for one if there is none.
    pub async fn next_change(&self, bucket: &str) -> Result<LeasedChange, ObjectError> {
        let notifier = self.change_notifier(bucket);
        loop {
            let (sender, delivery) = oneshot::channel();
            let (objects, from) = (self.clone(), bucket.to_owned());
            // A task of its own, which is not dropped with the caller: the lease belongs to the host and must be
            // delivered.
            tokio::spawn(async move {
                let delivery = find(&objects, &from).await;
                let _ = sender.send(delivery); // the caller went away; dropped, the delivery returns its change
            });
            let stopping = |_| errors::stopping(&self.files().root);
            let mut found = delivery.await.map_err(stopping)??;
            if let Some(change) = found.change.take() {
                return Ok(change);
            }
            match found.next_due {
                None => notifier.notified().await,
                Some(due) => tokio::select! {
                    () = notifier.notified() => {}
                    () = self.0.clock.until(due) => {}
                },
            }
        }
    }

    /// Acknowledges a change that was delivered to all object triggers, and deletes it.
    pub async fn ack_change(&self, change: &LeasedChange) -> Result<(), ObjectError> {
        self.event_queues()
            .complete(change.receipt, Vec::new(), self.now())
            .await?;
        Ok(())
    }

    /// Makes a change that could not be delivered due again in `after_ms` milliseconds.
    pub async fn retry_change(
        &self,
        change: &LeasedChange,
        after_ms: u64,
    ) -> Result<(), ObjectError> {
        let again = self.now().saturating_add(after_ms);
        let attempts = change.attempts.saturating_add(1);
        self.event_queues()
            .reschedule(change.receipt, again, attempts)
            .await?;
        // A waiting caller has to learn the new due time.
        self.change_notifier(&change.change.bucket).notify_one();
        Ok(())
    }

    fn event_queues(&self) -> EventQueues {
        EventQueues::new(self.0.store.clone())
    }

    fn change_notifier(&self, bucket: &str) -> Arc<Notify> {
        self.0.store.notifier(&change_queue(bucket))
    }

    /// The record of an event; `None` if there is no event, or if the bucket has no object trigger.
    pub(super) fn change_record(
        &self,
        bucket: &str,
        event: Option<ObjectEvent>,
        at: u64,
    ) -> Option<ChangeRecord> {
        let watched = locked(&self.0.changes.watched);
        let is_watched = watched
            .as_ref()
            .is_none_or(|watched| watched.contains(bucket))
            || locked(&self.0.changes.own).contains(bucket);
        let event = event.filter(|_| is_watched)?;
        let bucket = bucket.to_owned();
        Some(ChangeRecord { bucket, event, at })
    }
}

/// The result of looking for a change. If it is dropped with its change, the next caller gets the change.
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
    let (queues, now) = (objects.event_queues(), objects.now());
    loop {
        let leased = queues.lease(&change_queue(bucket), now, FOREVER, 1).await?;
        delivery.next_due = leased.next_due.filter(|due| *due < FOREVER);
        let Some(event) = leased.events.first() else {
            return Ok(delivery);
        };
        delivery.change = change_record::read(event);
        if delivery.change.is_none() {
            // Not a change record: it can only have been written by another program.
            queues.complete(event.receipt(), Vec::new(), now).await?;
            continue;
        }
        if delivery.next_due.is_some_and(|due| due <= now) {
            // A notification wakes one caller, and there is work for another.
            objects.change_notifier(bucket).notify_one();
        }
        return Ok(delivery);
    }
}
