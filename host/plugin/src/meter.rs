//! Counts what a guest uses of processor time and memory, and stops it at its bounds.
//!
//! Processor time is the time spent in the call's own future. A guest hands its thread back at every tick at the latest,
//! so the count is looked at that often, and a call that waits, be it for hours, is charged nothing.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use wasmtime::ResourceLimiter;

use crate::limits;
use crate::ticker::Ticker;

/// What one call uses of memory.
#[derive(Default)]
pub(crate) struct Meter {
    memory: usize,
    memory_refused: bool,
}

impl Meter {
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

/// The most that one turn of a call is charged. A guest's turn ends at a tick, so what took longer was the machine's doing.
const TURN: Duration = limits::TICK.saturating_mul(2);

/// Runs a call for up to so much processor time; `None` if it has used that up. The clock ticks only while it has its
/// turn.
pub(crate) async fn metered<F: Future>(
    ticker: &Ticker,
    cpu: Duration,
    call: F,
) -> Option<F::Output> {
    let mut call = pin!(call);
    let mut used = Duration::ZERO;
    let turn = poll_fn(|context| {
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
