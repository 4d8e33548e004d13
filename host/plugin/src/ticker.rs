//! The clock that interrupts running guests: one thread per engine.
//!
//! Every [`limits::TICK`] the thread increments the engine's epoch. Each running guest then yields its thread, and
//! its processor time is checked (see `meter.rs`). When no guest has run for a second, the thread sleeps without
//! waking, so an idle host uses no processor time, however many calls wait for something.
//!
//! The thread holds a weak reference to the engine and ends when the [`Ticker`] is dropped.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, Thread};

use wasmtime::{Engine, EngineWeak};

use crate::limits;

/// The number of idle ticks after which the thread sleeps. Waking it costs a system call, so it does not sleep after
/// every call.
const LINGER: u32 = 200;

/// Owns the thread, which ends when this is dropped.
pub(crate) struct Ticker {
    activity: Arc<Activity>,
    thread: Thread,
}

/// What the thread knows about the guests.
#[derive(Default)]
struct Activity {
    running: AtomicUsize,
    /// Whether a time slice began since the last tick. Most end before the next tick.
    recent: AtomicBool,
    asleep: AtomicBool,
    stopped: AtomicBool,
}

/// A time slice of a guest on a thread, which ends when this is dropped.
pub(crate) struct TimeSlice<'a>(&'a Activity);

impl Ticker {
    /// Starts the thread.
    pub(crate) fn start(engine: &Engine) -> io::Result<Self> {
        let activity = Arc::new(Activity::default());
        let (engine, shared) = (engine.weak(), activity.clone());
        let thread = thread::Builder::new()
            .name("plugin-ticker".into())
            .spawn(move || tick(&engine, &shared))?;
        Ok(Self {
            activity,
            thread: thread.thread().clone(),
        })
    }

    /// Starts a time slice. Hold the result while a guest runs.
    pub(crate) fn time_slice(&self) -> TimeSlice<'_> {
        self.activity.running.fetch_add(1, Ordering::SeqCst);
        self.activity.recent.store(true, Ordering::SeqCst);
        if self.activity.asleep.load(Ordering::SeqCst) {
            self.thread.unpark();
        }
        TimeSlice(&self.activity)
    }
}

impl Drop for TimeSlice<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.activity.stopped.store(true, Ordering::SeqCst);
        self.thread.unpark();
    }
}

fn tick(engine: &EngineWeak, activity: &Activity) {
    let mut idle = 0;
    while !activity.stopped.load(Ordering::SeqCst) {
        thread::sleep(limits::TICK);
        match engine.upgrade() {
            Some(engine) => engine.increment_epoch(),
            None => return,
        }
        let is_busy = activity.recent.swap(false, Ordering::SeqCst)
            || activity.running.load(Ordering::SeqCst) > 0;
        idle = if is_busy { 0 } else { idle + 1 };
        if idle > LINGER {
            sleep(activity);
            idle = 0;
        }
    }
}

/// Sleeps until a time slice begins. This stores `asleep` before it loads `running`, and [`Ticker::time_slice`] does
/// it the other way round, so at least one of the two sees the other.
fn sleep(activity: &Activity) {
    activity.asleep.store(true, Ordering::SeqCst);
    while activity.running.load(Ordering::SeqCst) == 0
        && !activity.recent.load(Ordering::SeqCst)
        && !activity.stopped.load(Ordering::SeqCst)
    {
        thread::park();
    }
    activity.asleep.store(false, Ordering::SeqCst);
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use wasmtime::Config;

    use super::*;

    fn wait_until(what: &str, condition: impl Fn() -> bool) {
        let start = Instant::now();
        while !condition() {
            assert!(
                start.elapsed() < Duration::from_secs(20),
                "waited in vain: {what}"
            );
            thread::yield_now();
        }
    }

    #[test]
    fn it_sleeps_when_nothing_is_called_and_wakes_for_a_call() {
        let engine = Engine::new(Config::new().epoch_interruption(true)).expect("an engine");
        let ticker = Ticker::start(&engine).expect("a thread");
        let activity = &ticker.activity;
        for _ in 0..2 {
            wait_until("asleep", || activity.asleep.load(Ordering::SeqCst));
            let slice = ticker.time_slice();
            wait_until("awake", || !activity.asleep.load(Ordering::SeqCst));
            // The first tick after the slice began clears this flag.
            wait_until("a tick", || !activity.recent.load(Ordering::SeqCst));
            drop(slice);
        }
    }

    #[test]
    fn its_thread_ends_with_it() {
        let engine = Engine::new(Config::new().epoch_interruption(true)).expect("an engine");
        let ticker = Ticker::start(&engine).expect("a thread");
        let activity = Arc::downgrade(&ticker.activity);
        drop(ticker);
        wait_until("the thread's end", || activity.strong_count() == 0);
    }
}
