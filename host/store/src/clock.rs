//! The clock. The store never asks the machine for the time; it uses the clock, or the time, that it is given.

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

/// A clock that is shared between handles. Cheap to clone.
pub type SharedClock = Arc<dyn Clock>;

/// A clock that counts milliseconds since the Unix epoch.
pub trait Clock: Debug + Send + Sync {
    /// The current time.
    fn now(&self) -> u64;

    /// Completes at the time `at`, or at once if it has passed.
    fn until(&self, at: u64) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> u64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        now.map_or(0, |since| since.as_millis() as u64)
    }

    fn until(&self, at: u64) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let wait = Duration::from_millis(at.saturating_sub(self.now()));
        Box::pin(tokio::time::sleep(wait))
    }
}

/// A clock for tests: it stands still until it is advanced. All clones show the same time.
#[derive(Debug, Clone)]
pub struct ManualClock(watch::Sender<u64>);

impl ManualClock {
    /// A clock that shows the time `now`.
    pub fn new(now: u64) -> Self {
        Self(watch::Sender::new(now))
    }

    /// Moves the clock on by `ms` milliseconds and wakes each task whose time has come.
    pub fn advance(&self, ms: u64) {
        self.0.send_modify(|now| *now = now.saturating_add(ms));
    }
}

impl Clock for ManualClock {
    fn now(&self) -> u64 {
        *self.0.borrow()
    }

    fn until(&self, at: u64) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let mut moved = self.0.subscribe();
        Box::pin(async move {
            // Cannot fail: the sender is borrowed for as long as this future lives.
            let _ = moved.wait_for(|now| *now >= at).await;
        })
    }
}
