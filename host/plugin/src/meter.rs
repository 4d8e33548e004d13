//! Measures the processor time and the memory of a call, and stops the call at its limits.
//!
//! Processor time is what the clock of the thread counts while it polls the call's future: a machine that is busy with
//! something else takes nothing away from a call. A guest yields its thread at every tick at the latest, so the time is
//! checked that often. A call that waits, even for hours, uses none.

use std::future::poll_fn;
use std::pin::pin;
use std::task::{Poll, ready};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use tokio::sync::{AcquireError, SemaphorePermit};
use wasmtime::ResourceLimiter;

use crate::limits;
use crate::quota::{MemoryQuota, Quota};
use crate::ticker::Ticker;

/// The memory of one call.
pub(crate) struct Meter {
    memory: usize,
    memory_refused: bool,
    quota: MemoryQuota,
    quota_exceeded: bool,
}

impl Meter {
    /// A meter for a call that shares this memory quota.
    pub(crate) fn new(quota: MemoryQuota) -> Self {
        Self {
            memory: 0,
            memory_refused: false,
            quota,
            quota_exceeded: false,
        }
    }

    /// Forgets what was refused in the call before.
    pub(crate) fn begin_call(&mut self) {
        self.memory_refused = false;
        self.quota_exceeded = false;
    }

    /// The linear memory in use, in bytes.
    pub(crate) fn memory(&self) -> usize {
        self.memory
    }

    /// Whether a request for memory was refused because other calls of the quota use it.
    pub(crate) fn quota_exceeded(&self) -> bool {
        self.quota_exceeded
    }

    /// Whether a request for memory beyond the call's own limit was refused. Guests rarely handle that, so this is the
    /// likely cause of a trap that follows.
    pub(crate) fn memory_refused(&self) -> bool {
        self.memory_refused
    }
}

impl ResourceLimiter for Meter {
    /// The limit applies to all memories of a call together.
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
            self.quota_exceeded = true;
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

/// The most processor time that a call's first time slice counts for. It is measured by the wall clock, because most
/// calls end within it and reading the thread's clock is a system call. A slice ends at a tick, so if it took longer,
/// the machine was busy with something else.
const MAX_FIRST_SLICE: Duration = limits::TICK.saturating_mul(2);

/// Runs a call for up to `cpu` of processor time; `None` if it exceeds that.
///
/// A call that has used [`limits::FAIR_SHARE_AFTER`] waits for a permit of its quota before each further time slice.
/// However many long-running calls a quota has, only few of them compete with other calls at a time.
pub(crate) async fn metered<F: Future>(
    ticker: &Ticker,
    quota: &Quota,
    cpu: Duration,
    call: F,
) -> Option<F::Output> {
    let mut call = pin!(call);
    let mut used = Duration::ZERO;
    let mut waiting = None;
    poll_fn(|context| {
        let _permit = if used >= limits::FAIR_SHARE_AFTER {
            let next = waiting.get_or_insert_with(|| Box::pin(next_slice(quota)));
            let permit = ready!(next.as_mut().poll(context));
            waiting = None;
            Some(permit)
        } else {
            None
        };
        let _slice = ticker.time_slice();
        let clock = SliceClock::start(used.is_zero());
        if let Poll::Ready(result) = call.as_mut().poll(context) {
            return Poll::Ready(Some(result));
        }
        used = used.saturating_add(clock.used());
        if used > cpu {
            return Poll::Ready(None);
        }
        Poll::Pending
    })
    .await
}

/// The clock that measures one time slice.
enum SliceClock {
    First(Instant),
    /// The processor time of the thread when the slice began.
    Later(Duration),
}

impl SliceClock {
    fn start(is_first: bool) -> Self {
        if is_first {
            Self::First(Instant::now())
        } else {
            Self::Later(thread_time())
        }
    }

    /// The processor time since the slice began. It must be called on the thread on which the slice began.
    fn used(&self) -> Duration {
        match self {
            Self::First(start) => start.elapsed().min(MAX_FIRST_SLICE),
            Self::Later(start) => thread_time().saturating_sub(*start),
        }
    }
}

/// The processor time that this thread has used.
fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    // Neither part is ever negative.
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or_default(),
        u32::try_from(time.tv_nsec).unwrap_or_default(),
    )
}

/// Waits for a time slice of a quota. It yields in between, so that the runtime looks at sockets and timers before
/// each slice, and not only after every waiting call has had one.
async fn next_slice(quota: &Quota) -> Result<SemaphorePermit<'_>, AcquireError> {
    let permit = quota.time_slices.acquire().await;
    tokio::task::yield_now().await;
    permit
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use wasmtime::{Config, Engine};

    use super::*;

    #[test]
    fn a_call_gets_no_memory_that_other_calls_of_its_quota_use() {
        let quota = MemoryQuota::default();
        assert!(quota.reserve(limits::QUOTA_MEMORY_BYTES - 10));
        let mut meter = Meter::new(quota.clone());
        assert!(meter.memory_growing(0, 10, None).unwrap());
        assert!(!meter.memory_growing(10, 11, None).unwrap());
        assert!(meter.quota_exceeded() && !meter.memory_refused());
        drop(meter);
        let mut next = Meter::new(quota);
        assert!(next.memory_growing(0, 10, None).unwrap());
        assert!(!next.quota_exceeded());
    }

    /// Runs a future of 30 time slices, in each of which it does `slice` and hands the thread back.
    async fn run_slices(slice: impl Fn()) -> Option<()> {
        let engine = Engine::new(Config::new().epoch_interruption(true)).unwrap();
        let ticker = Ticker::start(&engine).unwrap();
        let quota = Quota::new(&limits::SHAPER);
        let mut left = 30;
        let call = poll_fn(|context| {
            slice();
            left -= 1;
            if left == 0 {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        });
        metered(&ticker, &quota, limits::SHAPER.cpu, call).await
    }

    #[tokio::test]
    async fn time_that_a_busy_machine_takes_away_does_not_count() {
        // A thread that sleeps is as one that gets no processor.
        let interrupted = || thread::sleep(limits::TICK.saturating_mul(2));
        assert_eq!(run_slices(interrupted).await, Some(()));
    }

    #[tokio::test]
    async fn time_that_the_processor_works_counts() {
        let busy = || {
            let start = thread_time();
            while thread_time() - start < limits::TICK {}
        };
        assert_eq!(run_slices(busy).await, None);
    }

    #[tokio::test]
    async fn long_running_calls_of_one_quota_share_time_slices_and_others_run_in_between() {
        let engine = Engine::new(Config::new().epoch_interruption(true)).unwrap();
        let ticker = Arc::new(Ticker::start(&engine).unwrap());
        let mut quota = Quota::new(&limits::SERVICE);
        Arc::get_mut(&mut quota).unwrap().time_slices = tokio::sync::Semaphore::new(1);
        let slices = Arc::new(AtomicUsize::new(0));
        for _ in 0..100 {
            let (ticker, quota, slices) = (ticker.clone(), quota.clone(), slices.clone());
            tokio::spawn(async move {
                let busy = poll_fn::<(), _>(|context| {
                    thread::sleep(limits::FAIR_SHARE_AFTER);
                    slices.fetch_add(1, Ordering::Relaxed);
                    context.waker().wake_by_ref();
                    Poll::Pending
                });
                metered(&ticker, &quota, Duration::MAX, busy).await
            });
        }
        // The first slice of each call needs no permit.
        while slices.load(Ordering::Relaxed) < 100 {
            tokio::task::yield_now().await;
        }
        let before = slices.load(Ordering::Relaxed);
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        let meanwhile = slices.load(Ordering::Relaxed) - before;
        assert!(
            meanwhile <= 20,
            "{meanwhile} slices between ten of another task's"
        );
    }
}
