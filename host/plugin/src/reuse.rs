//! Instances that are kept for further calls.
//!
//! By default each call has an instance of its own. A trigger whose plugin says that its instances are reusable keeps
//! some of them between calls ([`Instances`]), which saves the start of an interpreter. Only calls of the same trigger
//! share an instance, one after the other. If all kept instances are at work, a call has a new one.
//!
//! An instance is discarded instead of kept after a failed call, after the operator's number of calls, when it has used
//! [`limits::KEPT_MEMORY_BYTES`], and when the trigger or the whole host keeps enough others. One that was not used for
//! the operator's time is dropped. So a plugin that frees nothing is replaced in time.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, sleep_until};
use wasmtime::Store;
use wasmtime::component::Instance;

use crate::limits;
use crate::state::State;

/// The operator's limits on the reuse of a trigger's instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reuse {
    /// The number of instances that are kept. With 0, none is reused.
    pub instances: usize,
    /// The number of calls after which an instance is replaced.
    pub calls: u32,
    /// How long an unused instance is kept.
    pub idle: Duration,
}

impl Reuse {
    /// As many instances as a machine has processors, each for 10,000 calls, and for a minute without any.
    pub const DEFAULT: Self = Self {
        instances: 4,
        calls: 10_000,
        idle: Duration::from_secs(60),
    };
}

/// The instances that one trigger keeps.
pub(crate) struct Instances {
    reuse: Reuse,
    kept: Mutex<KeptList>,
}

#[derive(Default)]
struct KeptList {
    /// The one that was used last is last.
    idle: Vec<Kept>,
    /// Whether a task waits for the first of them to be idle for too long.
    is_watched: bool,
}

/// An instance between two calls.
pub(crate) struct Kept {
    pub store: Store<State>,
    pub instance: Instance,
    /// The number of calls that it has answered.
    pub calls: u32,
    /// One of the host's permits for kept instances.
    pub permit: OwnedSemaphorePermit,
}

impl Instances {
    pub(crate) fn new(reuse: Reuse) -> Arc<Self> {
        Arc::new(Self {
            reuse,
            kept: Mutex::default(),
        })
    }

    /// Takes the instance that was used last.
    pub(crate) fn take(&self) -> Option<Kept> {
        self.lock().idle.pop()
    }

    /// Keeps an instance until it is taken or has been idle for too long. Drops it if it has answered enough calls or
    /// uses too much memory, or if enough others are kept.
    pub(crate) fn keep(self: &Arc<Self>, mut kept: Kept) {
        let memory = kept.store.data().meter.memory();
        if kept.calls >= self.reuse.calls || memory > limits::KEPT_MEMORY_BYTES {
            return;
        }
        let now = Instant::now();
        kept.store.data_mut().idle_since = now;
        let mut list = self.lock();
        if list.idle.len() >= self.reuse.instances {
            return;
        }
        list.idle.push(kept);
        if !std::mem::replace(&mut list.is_watched, true) {
            let end = now + self.reuse.idle;
            tokio::spawn(drop_idle(Arc::downgrade(self), end));
        }
    }

    /// Drops the instances that were idle for too long. Returns when to look again; `None` if none is left.
    fn drop_expired(&self, now: Instant) -> Option<Instant> {
        let mut list = self.lock();
        let end = |kept: &Kept| kept.store.data().idle_since + self.reuse.idle;
        let is_expired = |kept: &Kept| end(kept) <= now;
        let expired = list.idle.iter().take_while(|kept| is_expired(kept)).count();
        let expired: Vec<Kept> = list.idle.drain(..expired).collect();
        let next = list.idle.first().map(end);
        list.is_watched = next.is_some();
        drop(list);
        drop(expired);
        next
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, KeptList> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Drops instances as they have been idle for too long, until none is left.
async fn drop_idle(instances: Weak<Instances>, first: Instant) {
    let mut end = first;
    loop {
        sleep_until(end).await;
        let Some(instances) = instances.upgrade() else {
            return;
        };
        match instances.drop_expired(Instant::now()) {
            Some(next) => end = next,
            None => return,
        }
    }
}

impl fmt::Debug for Instances {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let idle = self.lock().idle.len();
        f.debug_struct("Instances")
            .field("reuse", &self.reuse)
            .field("idle", &idle)
            .finish()
    }
}
