//! The clock that looks at running guests: one thread per engine.
//!
//! Every [`limits::TICK`] it moves the engine's epoch on by one, upon which each running guest stops for a moment,
//! has its processor time looked at and hands its thread back (see `meter.rs`). While no guest has run for a second the
//! thread sleeps without waking, so an idle host costs no processor time, however many calls wait for something.
//!
//! The thread holds the engine weakly and ends with the [`Ticker`].

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, Thread};

use wasmtime::{Engine, EngineWeak};

use crate::limits;

/// Idle ticks after which the thread goes to sleep: waking it costs a system call, so not after every call.
const LINGER: u32 = 200;

/// Keeps the thread; dropping it ends it.
pub(crate) struct Ticker {
    calls: Arc<Calls>,
    thread: Thread,
}

/// What the thread knows about the guests.
#[derive(Default)]
struct Calls {
    running: AtomicUsize,
    /// Whether a turn began since the last tick: most are over before the next.
    recent: AtomicBool,
    asleep: AtomicBool,
    over: AtomicBool,
}

/// A turn of a guest on a thread; dropping it ends it.
pub(crate) struct Ticking<'a>(&'a Calls);

impl Ticker {
    pub(crate) fn start(engine: &Engine) -> io::Result<Self> {
        let calls = Arc::new(Calls::default());
        let (engine, seen) = (engine.weak(), calls.clone());
        let thread = thread::Builder::new()
            .name("plugin-ticker".into())
            .spawn(move || run(&engine, &seen))?;
        Ok(Self {
            calls,
            thread: thread.thread().clone(),
        })
    }

    /// To be held for as long as a guest may run without a pause.
    pub(crate) fn call(&self) -> Ticking<'_> {
        self.calls.running.fetch_add(1, Ordering::SeqCst);
        self.calls.recent.store(true, Ordering::SeqCst);
        if self.calls.asleep.load(Ordering::SeqCst) {
            self.thread.unpark();
        }
        Ticking(&self.calls)
    }
}

impl Drop for Ticking<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.calls.over.store(true, Ordering::SeqCst);
        self.thread.unpark();
    }
}

fn run(engine: &EngineWeak, calls: &Calls) {
    let mut idle = 0;
    while !calls.over.load(Ordering::SeqCst) {
        thread::sleep(limits::TICK);
        match engine.upgrade() {
            Some(engine) => engine.increment_epoch(),
            None => return,
        }
        let busy =
            calls.recent.swap(false, Ordering::SeqCst) || calls.running.load(Ordering::SeqCst) > 0;
        idle = if busy { 0 } else { idle + 1 };
        if idle > LINGER {
            sleep(calls);
            idle = 0;
        }
    }
}

/// Sleeps until there is a call. `asleep` is told before `running` is asked, and a call does it the other way round:
/// whoever comes second sees the first.
fn sleep(calls: &Calls) {
    calls.asleep.store(true, Ordering::SeqCst);
    while calls.running.load(Ordering::SeqCst) == 0
        && !calls.recent.load(Ordering::SeqCst)
        && !calls.over.load(Ordering::SeqCst)
    {
        thread::park();
    }
    calls.asleep.store(false, Ordering::SeqCst);
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
        for _ in 0..2 {
            wait_until("asleep", || ticker.calls.asleep.load(Ordering::SeqCst));
            let call = ticker.call();
            wait_until("awake", || !ticker.calls.asleep.load(Ordering::SeqCst));
            // The first tick after the call began takes its mark away.
            wait_until("a tick", || !ticker.calls.recent.load(Ordering::SeqCst));
            drop(call);
        }
    }

    #[test]
    fn its_thread_ends_with_it() {
        let engine = Engine::new(Config::new().epoch_interruption(true)).expect("an engine");
        let ticker = Ticker::start(&engine).expect("a thread");
        let calls = Arc::downgrade(&ticker.calls);
        drop(ticker);
        wait_until("the thread's end", || calls.strong_count() == 0);
    }
}
