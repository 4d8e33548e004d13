//! The work that no caller asks for: running moves, and deleting what has expired or was purged.
//!
//! Everything is done in small steps, each a transaction of its own, so that other operations are not held up.
//!
//! On failure of the store the maintenance pauses for a second and continues.

use std::collections::BTreeMap;

use super::limits::{DISCARDS, EXPIRY_INTERVAL_MS, PAUSE_MS};
use super::queues::Queues;
use super::tx::MAINTENANCE;
use super::types::QueueError;
use super::{generation, moves};
use crate::error::StoreError;

/// When the next steps are due.
#[derive(Debug, Default)]
struct Schedule {
    /// When each running move may continue, by handle.
    moves: BTreeMap<String, u64>,
    /// When to search for expired messages.
    expiry: u64,
}

impl Queues {
    /// Runs all moves, those that an earlier host started included, and deletes messages that have expired or were
    /// purged. Must be spawned once per store; returns only when the store is closed.
    pub async fn maintain(&self) {
        let notifier = self.store.notifier(MAINTENANCE);
        let mut schedule = Schedule::default();
        loop {
            let wake = match self.step(&mut schedule).await {
                Ok(wake) => wake,
                Err(QueueError::Store(StoreError::Closed { .. })) => return,
                // Not logged: the callers of other operations get the same error.
                Err(_) => self.clock.now().saturating_add(PAUSE_MS),
            };
            if wake > self.clock.now() {
                tokio::select! {
                    () = notifier.notified() => {}
                    () = self.clock.until(wake) => {}
                }
            }
        }
    }

    /// Takes the steps that are due. Returns when the next one is.
    async fn step(&self, schedule: &mut Schedule) -> Result<u64, QueueError> {
        let running = self.transact(|tx| Ok(moves::running(tx)?)).await?;
        schedule.moves.retain(|handle, _| running.contains(handle));
        for handle in running {
            let now = self.clock.now();
            if schedule.moves.get(&handle).is_some_and(|at| *at > now) {
                continue;
            }
            let moved = handle.clone();
            let pause = self.transact(move |tx| moves::step(tx, &moved)).await?;
            schedule
                .moves
                .insert(handle, now.saturating_add(pause.unwrap_or(0)));
        }
        if schedule.expiry <= self.clock.now() {
            self.delete_all_expired().await?;
            schedule.expiry = self.clock.now().saturating_add(EXPIRY_INTERVAL_MS);
        }
        let more = self
            .transact(|tx| Ok(generation::delete_some_retired(tx)?))
            .await?;
        let next = schedule.moves.values().copied().min();
        let wake = next.map_or(schedule.expiry, |next| next.min(schedule.expiry));
        Ok(if more { self.clock.now() } else { wake })
    }

    async fn delete_all_expired(&self) -> Result<(), QueueError> {
        let queues = self.transact(|tx| {
            generation::delete_past_seconds(tx)?;
            Ok(tx.queues()?)
        });
        for queue in queues.await? {
            loop {
                let queue = queue.clone();
                let deleted = self.transact(move |tx| {
                    // The queue may have been changed, purged or deleted since.
                    let current = tx.find_queue(&queue.name)?;
                    Ok(current.map_or(Ok(0), |queue| generation::delete_expired(tx, &queue))?)
                });
                if deleted.await? < DISCARDS {
                    break;
                }
            }
        }
        Ok(())
    }
}
