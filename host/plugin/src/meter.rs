//! Counts what a guest uses of processor time and memory, and stops it at its bounds.

use std::fmt;
use std::time::Duration;

use wasmtime::{ResourceLimiter, UpdateDeadline};

use crate::limits;

/// One call's meter.
pub(crate) struct Meter {
    cpu: Duration,
    ticks: u32,
    memory: usize,
    memory_refused: bool,
}

impl Meter {
    /// A meter that grants so much processor time.
    pub(crate) fn new(cpu: Duration) -> Self {
        Self {
            cpu,
            ticks: 0,
            memory: 0,
            memory_refused: false,
        }
    }

    /// Whether the guest was ever refused memory: it rarely survives that, and then this is the reason.
    pub(crate) fn memory_refused(&self) -> bool {
        self.memory_refused
    }

    /// The guest was running when the clock ticked.
    pub(crate) fn tick(&mut self) -> wasmtime::Result<UpdateDeadline> {
        self.ticks = self.ticks.saturating_add(1);
        if limits::TICK.saturating_mul(self.ticks) > self.cpu {
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
