//! What queues need done without anybody asking: moves go on, and what is nobody's any more is put away.
//!
//! Everything is done in small steps, each a turn like any other, so nobody waits long for the keeper. After a failure of the
//! store it pauses and goes on.

use std::collections::BTreeMap;

use super::limits::{CLEANING_MS, DISCARDS, PAUSE_MS};
use super::receive::either;
use super::{QueueError, Queues, generation, moves};
use crate::StoreError;

/// The keeper's bell. It is no queue's: no queue has such a name.
pub(crate) const MAINTENANCE: &str = "(maintenance)";

/// What the keeper remembers.
#[derive(Debug, Default)]
struct Schedule {
    /// When moves may go on, by handle.
    moves: BTreeMap<String, u64>,
    /// When to look for what has expired.
    cleaning: u64,
}

impl Queues {
    /// Runs the moves that are under way, those of a former host too, and puts away what has expired or was purged. To be
    /// spawned once; ends only with the store.
    pub async fn maintain(&self) {
        let notifier = self.store.notifier(MAINTENANCE);
        let mut schedule = Schedule::default();
        loop {
            let wake = match self.step(&mut schedule).await {
                Ok(wake) => wake,
                Err(QueueError::Store(StoreError::Closed { .. })) => return,
                // The callers of other operations are told the same, and tell the user.
                Err(_) => self.clock.now().saturating_add(PAUSE_MS),
            };
            if wake > self.clock.now() {
                either(notifier.notified(), self.clock.until(wake)).await;
            }
        }
    }

    /// One step of everything; returns when the next one is due.
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
        if schedule.cleaning <= self.clock.now() {
            self.clean().await?;
            schedule.cleaning = self.clock.now().saturating_add(CLEANING_MS);
        }
        let more = self
            .run(|tx| Ok(generation::delete_some_retired(tx)?))
            .await?;
        let next = schedule.moves.values().copied().min();
        let wake = next.map_or(schedule.cleaning, |next| next.min(schedule.cleaning));
        Ok(if more { self.clock.now() } else { wake })
    }

    /// Puts away what has expired in all queues.
    async fn clean(&self) -> Result<(), QueueError> {
        let queues = self.transact(|tx| {
            generation::forget_past_seconds(tx)?;
            Ok(tx.queues()?)
        });
        for queue in queues.await? {
            loop {
                let queue = queue.clone();
                let dropped = self.transact(move |tx| {
                    // It may have been changed, purged or deleted since.
                    let now = tx.find_queue(&queue.name)?;
                    Ok(now.map_or(Ok(0), |queue| generation::drop_expired(tx, &queue))?)
                });
                if dropped.await? < DISCARDS {
                    break;
                }
            }
        }
        Ok(())
    }
}
