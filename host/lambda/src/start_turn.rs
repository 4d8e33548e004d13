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
//! A start lets the next one begin before its own end if waiting would bring nothing:
//!
//! - It waits for something else than a processor, such as a network.
//! - All starts in progress together would use less than three quarters of the processors if they had them for
//!   themselves.
//! - It has used [`START_TURN_TIME`], so that two starts that wait for each other do not block the host.
//!
//! Where the demand of processes cannot be observed, a start lets the next one begin after that time by the clock.

use std::collections::HashMap;
use std::num::NonZero;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::thread::available_parallelism;
use std::time::Instant;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::demand::DemandGauge;
use crate::limits::{START_LOOK_INTERVAL, START_TURN_TIME, STARTED_LOOK_INTERVAL};

/// The number of starts that may run at a time: the number of processors that this process may use, which takes control
/// groups into account.
static PROCESSORS: LazyLock<usize> =
    LazyLock::new(|| available_parallelism().map_or(1, NonZero::get));

/// What all starts of this process share.
static MACHINE: LazyLock<Arc<Machine>> = LazyLock::new(|| Arc::new(Machine::new(*PROCESSORS)));

/// The share of the processors that starts have to need so that further ones would take longer beside them.
const BUSY_SHARE: f64 = 0.75;

/// The number of consecutive looks that must find that the next start may begin.
const LOOKS: u32 = 2;

/// The starts of one function.
#[derive(Debug)]
pub(crate) struct StartQueue {
    own: Arc<Semaphore>,
    machine: Arc<Machine>,
}

impl Default for StartQueue {
    fn default() -> Self {
        Self {
            own: Arc::new(Semaphore::new(*PROCESSORS)),
            machine: Arc::clone(&MACHINE),
        }
    }
}

impl StartQueue {
    /// Waits until a sandbox may start. Cancel safe.
    pub(crate) async fn turn(&self) -> StartTurn {
        // Neither semaphore is ever closed.
        let own = Arc::clone(&self.own).acquire_owned().await.ok();
        let machine = Arc::clone(&self.machine.turns).acquire_owned().await.ok();
        StartTurn {
            permits: own.into_iter().chain(machine).collect(),
            share: Share::new(Arc::clone(&self.machine)),
            began: Instant::now(),
            next_look: Instant::now() + START_LOOK_INTERVAL,
            gauge: DemandGauge::default(),
            spare_looks: 0,
        }
    }
}

/// The starts in progress on this machine.
#[derive(Debug)]
struct Machine {
    turns: Arc<Semaphore>,
    processors: usize,
    /// How many processors each start would use if they were its own, by its number.
    shares: Mutex<HashMap<u64, f64>>,
    last_start: AtomicU64,
}

impl Machine {
    fn new(processors: usize) -> Self {
        Self {
            turns: Arc::new(Semaphore::new(processors)),
            processors,
            shares: Mutex::default(),
            last_start: AtomicU64::new(0),
        }
    }

    /// Whether a start waits for its turn.
    fn is_full(&self) -> bool {
        self.turns.available_permits() == 0
    }
}

/// How many processors a start would use: one, until it has been observed.
#[derive(Debug)]
struct Share {
    machine: Arc<Machine>,
    start: u64,
}

impl Share {
    fn new(machine: Arc<Machine>) -> Self {
        let start = machine.last_start.fetch_add(1, Ordering::Relaxed);
        let share = Self { machine, start };
        share.set(1.0);
        share
    }

    /// Sets the number of processors and returns that of all starts in progress together.
    fn set(&self, processors: f64) -> f64 {
        let shares = self.machine.shares.lock();
        let mut shares = shares.unwrap_or_else(PoisonError::into_inner);
        shares.insert(self.start, processors);
        shares.values().sum()
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let shares = self.machine.shares.lock();
        let mut shares = shares.unwrap_or_else(PoisonError::into_inner);
        shares.remove(&self.start);
    }
}

/// The right to start a sandbox now. Dropping it, at the end of the start, lets the next start begin.
#[derive(Debug)]
pub(crate) struct StartTurn {
    /// Empty once the next start may begin.
    permits: Vec<OwnedSemaphorePermit>,
    share: Share,
    began: Instant,
    next_look: Instant,
    gauge: DemandGauge,
    spare_looks: u32,
}

impl StartTurn {
    /// When [`StartTurn::look`] is to be called next.
    pub(crate) fn next_look(&self) -> Instant {
        self.next_look
    }

    /// Lets the next start begin if the processes of this one, with these ids, use little of the machine, or if this one
    /// takes long.
    pub(crate) fn look(&mut self, pids: &[i32]) {
        let now = Instant::now();
        if now < self.next_look {
            return;
        }
        self.next_look = now
            + if self.permits.is_empty() {
                STARTED_LOOK_INTERVAL
            } else {
                START_LOOK_INTERVAL
            };
        if !self.share.machine.is_full() {
            // No start waits, and looking costs time.
            self.spare_looks = 0;
            return;
        }
        let Some(demand) = self.gauge.look(pids) else {
            if now.duration_since(self.began) >= START_TURN_TIME {
                self.permits.clear();
            }
            return;
        };
        let all = self.share.set(demand.processors);
        self.observe(demand.uses_processor, all);
        if demand.used >= START_TURN_TIME {
            self.permits.clear();
        }
    }

    /// Takes a look into account: whether this start uses a processor or would if it got one, and how many processors
    /// all starts would use.
    fn observe(&mut self, uses_processor: bool, all: f64) {
        let processors = self.share.machine.processors as f64;
        if uses_processor && all >= processors * BUSY_SHARE {
            self.spare_looks = 0;
            return;
        }
        self.spare_looks += 1;
        if self.spare_looks >= LOOKS {
            self.permits.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    /// A machine with two processors, the first two starts on it, and the queue for further ones.
    async fn two_starts() -> (StartQueue, StartTurn, StartTurn) {
        let queue = StartQueue {
            own: Arc::new(Semaphore::new(2)),
            machine: Arc::new(Machine::new(2)),
        };
        let one = queue.turn().await;
        let two = queue.turn().await;
        assert!(
            next(&queue).await.is_none(),
            "as many as there are processors"
        );
        (queue, one, two)
    }

    /// The next start, if it may begin now.
    async fn next(queue: &StartQueue) -> Option<StartTurn> {
        timeout(Duration::ZERO, queue.turn()).await.ok()
    }

    /// A look finds how many processors a start would use.
    fn needs(turn: &mut StartTurn, processors: f64) {
        let all = turn.share.set(processors);
        turn.observe(processors >= 0.5, all);
    }

    #[tokio::test]
    async fn starts_that_need_the_processors_make_others_wait_until_one_has_ended() {
        let (queue, mut one, mut two) = two_starts().await;
        for _ in 0..9 {
            needs(&mut one, 0.9);
            needs(&mut two, 0.7);
        }
        assert!(
            next(&queue).await.is_none(),
            "they need 1.6 of 2 processors"
        );
        drop(one);
        assert!(next(&queue).await.is_some());
    }

    #[tokio::test]
    async fn a_start_that_waits_for_something_else_lets_the_next_one_begin() {
        let (queue, mut one, mut two) = two_starts().await;
        needs(&mut one, 2.0);
        for processors in [0.0, 1.0, 0.0] {
            needs(&mut two, processors);
        }
        assert!(
            next(&queue).await.is_none(),
            "one look may find a short wait"
        );
        needs(&mut two, 0.0);
        assert!(next(&queue).await.is_some());
    }

    #[tokio::test]
    async fn starts_that_leave_processors_unused_let_others_begin_until_they_need_them() {
        let (queue, mut one, mut two) = two_starts().await;
        for _ in 0..3 {
            needs(&mut one, 0.6);
            needs(&mut two, 0.6);
        }
        let mut three = next(&queue).await.expect("it begins");
        let four = next(&queue).await.expect("it begins");
        drop(four);
        for _ in 0..9 {
            needs(&mut three, 0.6);
        }
        let four = next(&queue).await.expect("a place is free");
        assert!(
            next(&queue).await.is_none(),
            "the first two still count although they have given up their turns"
        );
        drop((one, two, four));
        let mut four = next(&queue).await.expect("a place is free");
        for _ in 0..3 {
            needs(&mut three, 0.6);
            needs(&mut four, 0.6);
        }
        assert!(
            next(&queue).await.is_some(),
            "they need 1.2 of 2 processors"
        );
    }
}
