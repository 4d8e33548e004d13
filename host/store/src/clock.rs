//! The time, which is always passed in: a store never asks the machine.

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

/// Tells the time and waits for it. Cheap to clone.
pub type SharedClock = Arc<dyn Clock>;

/// A clock, in milliseconds since the Unix epoch.
pub trait Clock: Debug + Send + Sync {
    /// The time.
    fn now(&self) -> u64;

    /// Returns when the time has come.
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

/// A clock that stands still until it is moved, for tests. All clones are the same clock.
#[derive(Debug, Clone)]
pub struct ManualClock(watch::Sender<u64>);

impl ManualClock {
    /// A clock that shows this time.
    pub fn new(now: u64) -> Self {
        Self(watch::Sender::new(now))
    }

    /// Moves it on by so many milliseconds, and wakes whoever waits for a time that has come.
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
            // It is not dropped while it is borrowed here.
            let _come = moved.wait_for(|now| *now >= at).await;
        })
    }
}
