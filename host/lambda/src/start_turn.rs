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
//! - It gets less than half of a processor, and all starts in progress together less than half of the machine. Then
//!   other programs have the rest, and more starts get more of it.
//! - It has used [`START_TURN_TIME`], so that two starts that wait for each other do not block the host.
//!
//! Where the demand of processes cannot be observed, a start lets the next one begin after that time by the clock.

use std::collections::HashMap;
use std::num::NonZero;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::demand::DemandGauge;
use crate::limits::{START_LOOK_INTERVAL, START_TURN_TIME, STARTED_LOOK_INTERVAL};

/// The number of starts that may run at a time: the number of processors that this process may use, which takes control
/// groups into account.
static PROCESSORS: LazyLock<usize> =
    LazyLock::new(|| available_parallelism().map_or(1, NonZero::get));

/// What all starts of this process share.
static MACHINE: LazyLock<Arc<Machine>> = LazyLock::new(|| Arc::new(Machine::new(*PROCESSORS)));

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
            last: None,
            spare_looks: 0,
        }
    }
}

/// The starts in progress on this machine.
#[derive(Debug)]
struct Machine {
    turns: Arc<Semaphore>,
    processors: usize,
    /// How many processors each start uses, by its number.
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

/// How many processors a start uses: one, until it has been observed.
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

    /// Sets the number of processors and returns how many all starts in progress use together.
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
    /// The processor time that had been used at the last look, and when that was.
    last: Option<(Duration, Instant)>,
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
            self.last = None;
            self.spare_looks = 0;
            return;
        }
        let Some(demand) = self.gauge.look(pids) else {
            if now.duration_since(self.began) >= START_TURN_TIME {
                self.permits.clear();
            }
            return;
        };
        let last = self.last.replace((demand.used, now));
        let own = last.map_or(1.0, |(before, at)| {
            share(before, demand.used, now.duration_since(at))
        });
        let all = self.share.set(own);
        self.observe(demand.uses_processor, own, all);
        if demand.used >= START_TURN_TIME {
            self.permits.clear();
        }
    }

    /// Takes a look into account: whether this start uses a processor or would if it got one, and how many processors
    /// this start and all starts use.
    fn observe(&mut self, uses_processor: bool, own: f64, all: f64) {
        let half = self.share.machine.processors as f64 / 2.0;
        let is_starved_by_others = own < 0.5 && all < half;
        if uses_processor && !is_starved_by_others {
            self.spare_looks = 0;
            return;
        }
        self.spare_looks += 1;
        if self.spare_looks >= LOOKS {
            self.permits.clear();
        }
    }
}

/// The number of processors that have been used during `time`. If the sum has become smaller, a process has ended, which
/// is a sign of work.
fn share(before: Duration, after: Duration, time: Duration) -> f64 {
    match after.checked_sub(before) {
        Some(used) if !time.is_zero() => used.div_duration_f64(time),
        _ => 1.0,
    }
}

#[cfg(test)]
mod tests {
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

    /// A look finds that a start wants a processor, and how much of it it gets.
    fn gets(turn: &mut StartTurn, own: f64) {
        let all = turn.share.set(own);
        turn.observe(true, own, all);
    }

    #[tokio::test]
    async fn starts_that_use_the_processors_make_others_wait_until_one_has_ended() {
        let (queue, mut one, mut two) = two_starts().await;
        for _ in 0..9 {
            gets(&mut one, 0.9);
            gets(&mut two, 0.4);
        }
        assert!(
            next(&queue).await.is_none(),
            "together they use the machine"
        );
        drop(one);
        assert!(next(&queue).await.is_some());
    }

    #[tokio::test]
    async fn a_start_that_waits_for_something_else_lets_the_next_one_begin() {
        let (queue, mut one, mut two) = two_starts().await;
        gets(&mut one, 1.0);
        for uses_processor in [false, true, false] {
            let all = two.share.set(0.0);
            two.observe(uses_processor, 0.9, all);
        }
        assert!(
            next(&queue).await.is_none(),
            "one look may find a short wait"
        );
        let all = two.share.set(0.0);
        two.observe(false, 0.0, all);
        assert!(next(&queue).await.is_some());
    }

    #[tokio::test]
    async fn starts_that_other_programs_starve_let_further_ones_begin_until_they_get_half_of_the_machine()
     {
        let (queue, mut one, mut two) = two_starts().await;
        for _ in 0..3 {
            gets(&mut one, 0.2);
            gets(&mut two, 0.2);
        }
        let mut three = next(&queue).await.expect("it begins");
        let mut four = next(&queue).await.expect("it begins");
        for _ in 0..9 {
            gets(&mut three, 0.4);
            gets(&mut four, 0.4);
        }
        assert!(next(&queue).await.is_none(), "1.2 of 2 processors are used");
        // The first two still count although they have given up their turns.
        drop((one, two));
        for _ in 0..2 {
            gets(&mut three, 0.4);
            gets(&mut four, 0.4);
        }
        assert!(next(&queue).await.is_some(), "0.8 of 2 processors are used");
    }

    #[test]
    fn shares_are_computed_from_processor_time() {
        let ms = Duration::from_millis;
        assert_eq!(share(ms(10), ms(35), ms(50)), 0.5);
        assert_eq!(share(ms(10), ms(5), ms(50)), 1.0, "a process has ended");
        assert_eq!(share(ms(10), ms(10), ms(0)), 1.0);
    }
}
