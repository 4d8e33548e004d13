//! Paces the starts of sandboxes to the machine.
//!
//! A start needs processor time: an interpreter loads its modules. If a burst of calls starts more sandboxes at a time
//! than the machine has processors, none of them is ready earlier, and each may miss the limit of its init phase. So at
//! most as many start at a time as there are processors; the others wait for their turn. This covers all functions of
//! the host, and everything that a start begins: extensions and the runtime.
//!
//! Functions take turns: each one has a queue of its own, from which no more starts than there are processors wait for
//! the machine, so that a burst of one function does not keep another one waiting until its end.
//!
//! A start that waits for something else, such as a network, lets the next one begin; so does one that has used
//! [`START_TURN_TIME`]. Two starts that wait for each other therefore do not block the host. Where the demand of
//! processes cannot be observed, a start lets the next one begin after that time by the clock.

use std::num::NonZero;
use std::sync::{Arc, LazyLock};
use std::thread::available_parallelism;
use std::time::Instant;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::demand::DemandGauge;
use crate::limits::{START_LOOK_INTERVAL, START_TURN_TIME};

/// The number of starts that may run at a time: the number of processors that this process may use, which takes control
/// groups into account.
static PROCESSORS: LazyLock<usize> =
    LazyLock::new(|| available_parallelism().map_or(1, NonZero::get));

/// What all starts of this process share.
static MACHINE: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(*PROCESSORS)));

/// The number of consecutive looks that must find a start waiting.
const LOOKS: u32 = 2;

/// The starts of one function.
#[derive(Debug)]
pub(crate) struct StartQueue {
    own: Arc<Semaphore>,
    machine: Arc<Semaphore>,
}

impl Default for StartQueue {
    fn default() -> Self {
        Self::new(*PROCESSORS, Arc::clone(&MACHINE))
    }
}

impl StartQueue {
    fn new(processors: usize, machine: Arc<Semaphore>) -> Self {
        Self {
            own: Arc::new(Semaphore::new(processors)),
            machine,
        }
    }

    /// Waits until a sandbox may start. Cancel safe.
    pub(crate) async fn turn(&self) -> StartTurn {
        // Neither semaphore is ever closed.
        let own = Arc::clone(&self.own).acquire_owned().await.ok();
        let machine = Arc::clone(&self.machine).acquire_owned().await.ok();
        StartTurn {
            permits: own.into_iter().chain(machine).collect(),
            machine: Arc::clone(&self.machine),
            began: Instant::now(),
            next_look: Instant::now() + START_LOOK_INTERVAL,
            gauge: DemandGauge::default(),
            idle_looks: 0,
        }
    }
}

/// The right to start a sandbox now. Dropping it lets the next start begin.
#[derive(Debug)]
pub(crate) struct StartTurn {
    /// Empty once the next start may begin.
    permits: Vec<OwnedSemaphorePermit>,
    machine: Arc<Semaphore>,
    began: Instant,
    next_look: Instant,
    gauge: DemandGauge,
    idle_looks: u32,
}

impl StartTurn {
    /// When [`StartTurn::look`] is to be called next; `None` if that is no longer necessary.
    pub(crate) fn next_look(&self) -> Option<Instant> {
        (!self.permits.is_empty()).then_some(self.next_look)
    }

    /// Lets the next start begin if the processes of this one, with these ids, wait for something else than a
    /// processor, or if this one takes long.
    pub(crate) fn look(&mut self, pids: &[i32]) {
        let now = Instant::now();
        if now < self.next_look {
            return;
        }
        self.next_look = now + START_LOOK_INTERVAL;
        if self.machine.available_permits() > 0 {
            // No start waits, and looking costs time.
            self.idle_looks = 0;
            return;
        }
        let demand = self.gauge.look(pids);
        if demand.is_some_and(|demand| !demand.uses_processor) {
            self.idle_looks += 1;
        } else {
            self.idle_looks = 0;
        }
        let used = demand.map_or(now.duration_since(self.began), |demand| demand.used);
        if self.idle_looks >= LOOKS || used >= START_TURN_TIME {
            self.permits.clear();
        }
    }
}
