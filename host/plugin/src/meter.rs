//! Counts what a guest uses of processor time and memory, and stops it at its bounds.
//!
//! Processor time is the time spent in the call's own future. A guest hands its thread back at every tick at the latest,
//! so the count is looked at that often, and a call that waits, be it for hours, is charged nothing.

use std::future::poll_fn;
use std::pin::pin;
use std::task::{Poll, ready};
use std::time::{Duration, Instant};

use tokio::sync::{AcquireError, SemaphorePermit};
use wasmtime::ResourceLimiter;

use crate::limits;
use crate::quota::{MemoryQuota, Quota};
use crate::ticker::Ticker;

/// What one call uses of memory.
pub(crate) struct Meter {
    memory: usize,
    memory_refused: bool,
    quota: MemoryQuota,
    quota_is_full: bool,
}

impl Meter {
    /// A meter for a call in a quota with this memory.
    pub(crate) fn new(quota: MemoryQuota) -> Self {
        Self {
            memory: 0,
            memory_refused: false,
            quota,
            quota_is_full: false,
        }
    }

    /// Whether the guest was ever refused memory that others in its quota had.
    pub(crate) fn quota_is_full(&self) -> bool {
        self.quota_is_full
    }

    /// Whether the guest was ever refused memory: it rarely survives that, and then this is the reason.
    pub(crate) fn memory_refused(&self) -> bool {
        self.memory_refused
    }
}

impl ResourceLimiter for Meter {
    /// All memories of a call together share the bound.
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let total = self.memory.saturating_sub(current).saturating_add(desired);
        if total > limits::MEMORY_BYTES {
            self.memory_refused = true;
            return Ok(false);
        }
        if !self.quota.reserve(total.saturating_sub(self.memory)) {
            self.quota_is_full = true;
            return Ok(false);
        }
        self.memory = total;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        _: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= limits::TABLE_ELEMENTS)
    }

    fn instances(&self) -> usize {
        limits::CORE_INSTANCES
    }

    fn memories(&self) -> usize {
        limits::MEMORIES
    }

    fn tables(&self) -> usize {
        limits::TABLES
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.quota.release(self.memory);
    }
}

/// The most that one turn of a call is charged. A guest's turn ends at a tick, so what took longer was the machine's doing.
const TURN: Duration = limits::TICK.saturating_mul(2);

/// Runs a call for up to so much processor time; `None` if it has used that up. The clock ticks only while it has its
/// turn. One that has used its head start queues for each further turn with its like in the quota, so that however many
/// they are, few of them at a time are in anybody else's way.
pub(crate) async fn metered<F: Future>(
    ticker: &Ticker,
    quota: &Quota,
    cpu: Duration,
    call: F,
) -> Option<F::Output> {
    let mut call = pin!(call);
    let mut used = Duration::ZERO;
    let mut queued = None;
    let turn = poll_fn(|context| {
        let _turn = if used >= limits::HEAD_START {
            let next = queued.get_or_insert_with(|| Box::pin(next_turn(quota)));
            let turn = ready!(next.as_mut().poll(context));
            queued = None;
            Some(turn)
        } else {
            None
        };
        let _ticking = ticker.call();
        let start = Instant::now();
        if let Poll::Ready(result) = call.as_mut().poll(context) {
            return Poll::Ready(Some(result));
        }
        used = used.saturating_add(start.elapsed().min(TURN));
        if used > cpu {
            return Poll::Ready(None);
        }
        Poll::Pending
    });
    turn.await
}

/// A turn among a quota's busy calls. One follows the other only after the runtime has looked for what else is to be done,
/// sockets and timers included: otherwise it would look again when each of them has had one.
async fn next_turn(quota: &Quota) -> Result<SemaphorePermit<'_>, AcquireError> {
    let turn = quota.turns.acquire().await;
    tokio::task::yield_now().await;
    turn
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use wasmtime::{Config, Engine};

    use super::*;

    #[test]
    fn a_call_has_no_memory_that_others_in_its_room_have() {
        let quota = MemoryQuota::default();
        assert!(quota.reserve(limits::QUOTA_MEMORY_BYTES - 10));
        let mut meter = Meter::new(quota.clone());
        assert!(meter.memory_growing(0, 10, None).unwrap());
        assert!(!meter.memory_growing(10, 11, None).unwrap());
        assert!(meter.quota_is_full() && !meter.memory_refused());
        drop(meter);
        let mut next = Meter::new(quota);
        assert!(next.memory_growing(0, 10, None).unwrap());
        assert!(!next.quota_is_full());
    }

    #[tokio::test]
    async fn busy_calls_of_one_room_take_turns_and_others_come_in_between() {
        let engine = Engine::new(Config::new().epoch_interruption(true)).unwrap();
        let ticker = Arc::new(Ticker::start(&engine).unwrap());
        let mut quota = Quota::new(&limits::SERVICE);
        Arc::get_mut(&mut quota).unwrap().turns = tokio::sync::Semaphore::new(1);
        let turns = Arc::new(AtomicUsize::new(0));
        for _ in 0..100 {
            let (ticker, quota, turns) = (ticker.clone(), quota.clone(), turns.clone());
            tokio::spawn(async move {
                let busy = poll_fn::<(), _>(|context| {
                    thread::sleep(limits::HEAD_START);
                    turns.fetch_add(1, Ordering::Relaxed);
                    context.waker().wake_by_ref();
                    Poll::Pending
                });
                metered(&ticker, &quota, Duration::MAX, busy).await
            });
        }
        // Each has its head start.
        while turns.load(Ordering::Relaxed) < 100 {
            tokio::task::yield_now().await;
        }
        let before = turns.load(Ordering::Relaxed);
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        let meanwhile = turns.load(Ordering::Relaxed) - before;
        assert!(
            meanwhile <= 20,
            "{meanwhile} turns between ten of another's"
        );
    }
}
