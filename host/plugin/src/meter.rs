//! Counts what a guest uses of processor time and memory, and stops it at its bounds.
//!
//! Processor time is what passes while a call's future is polled: a host function that waits for a message or for a
//! body gives the thread back, and costs nothing. The stopping is done at the clock's next tick inside the guest.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use wasmtime::{ResourceLimiter, UpdateDeadline};

use crate::limits;

/// One call's meter.
pub(crate) struct Meter {
    cpu: Duration,
    used: Used,
    memory: usize,
    memory_refused: bool,
}

/// The processor time that a call has used, in nanoseconds; clones count together.
#[derive(Clone, Default)]
pub(crate) struct Used(Arc<AtomicU64>);

impl Used {
    /// Charges what this takes. Never more than a tick, after which a guest gives its thread back: what goes beyond was
    /// spent on other processes.
    pub(crate) fn during<R>(&self, work: impl FnOnce() -> R) -> R {
        let start = Instant::now();
        let result = work();
        let took = start.elapsed().min(limits::TICK).as_nanos();
        self.0
            .fetch_add(took.try_into().unwrap_or(u64::MAX), Ordering::Relaxed);
        result
    }

    fn time(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }
}

impl Meter {
    /// A meter that grants so much processor time.
    pub(crate) fn new(cpu: Duration) -> Self {
        Self {
            cpu,
            used: Used::default(),
            memory: 0,
            memory_refused: false,
        }
    }

    /// Where to count the processor time.
    pub(crate) fn used(&self) -> Used {
        self.used.clone()
    }

    /// Whether the guest was ever refused memory: it rarely survives that, and then this is the reason.
    pub(crate) fn memory_refused(&self) -> bool {
        self.memory_refused
    }

    /// The guest was running when the clock ticked.
    pub(crate) fn tick(&mut self) -> wasmtime::Result<UpdateDeadline> {
        if self.used.time() > self.cpu {
            return Err(CpuUsedUp.into());
        }
        // Tokio's own yield lets timers and sockets have their turn too, not only other tasks.
        Ok(UpdateDeadline::YieldCustom(
            1,
            Box::pin(tokio::task::yield_now()),
        ))
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

/// The mark by which the meter's own verdict is recognized among a call's errors.
#[derive(Debug)]
pub(crate) struct CpuUsedUp;

impl fmt::Display for CpuUsedUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("processor time used up")
    }
}

impl std::error::Error for CpuUsedUp {}
