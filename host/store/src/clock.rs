//! The time, which is always passed in: a store never asks the machine.

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

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
