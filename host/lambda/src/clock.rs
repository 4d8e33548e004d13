//! The clock of a function, which is paused while somebody debugs the function.
//!
//! The time limits of the function's environments and of those who wait for its results are measured with it, so that a
//! breakpoint is no timeout. For a function that is not debugged, it is the usual time.
//!
//! On failure: there is none. A [`Hold`] that is dropped in any way lets the clock go on.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::time::sleep_until;

/// The clock of a function.
#[derive(Debug, Default)]
pub struct Clock(watch::Sender<State>);

#[derive(Debug, Clone, Copy, Default)]
struct State {
    /// The number of [`Hold`]s.
    holds: usize,
    /// Since when it has been paused, if it is.
    since: Option<Instant>,
    /// For how long it was paused before.
    before: Duration,
}

impl State {
    fn paused(&self) -> Duration {
        self.before + self.since.map_or(Duration::ZERO, |since| since.elapsed())
    }
}

/// Pauses a clock until it is dropped.
#[derive(Debug)]
pub(crate) struct Hold(Arc<Clock>);

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.0.send_modify(|state| {
            state.holds -= 1;
            if state.holds == 0 {
                state.before = state.paused();
                state.since = None;
            }
        });
    }
}

/// A point in time that moves on while the clock is paused.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    at: Instant,
    /// For how long the clock had been paused when the deadline was set.
    paused: Duration,
}

impl Deadline {
    /// Moves the deadline on.
    pub(crate) fn extend(&mut self, by: Duration) {
        self.at += by;
    }
}

impl Clock {
    /// Pauses the clock.
    pub(crate) fn hold(self: &Arc<Self>) -> Hold {
        self.0.send_modify(|state| {
            if state.holds == 0 {
                state.since = Some(Instant::now());
            }
            state.holds += 1;
        });
        Hold(Arc::clone(self))
    }

    /// Whether the clock is paused.
    pub fn is_paused(&self) -> bool {
        self.0.borrow().holds > 0
    }

    /// Tells when the clock is paused and when it goes on.
    pub(crate) fn changes(&self) -> ClockChanges {
        ClockChanges(self.0.subscribe())
    }

    /// A deadline after this time.
    pub(crate) fn deadline(&self, after: Duration) -> Deadline {
        Deadline {
            at: Instant::now() + after,
            paused: self.0.borrow().paused(),
        }
    }

    /// When a deadline is due; `None` while the clock is paused.
    pub(crate) fn due(&self, deadline: &Deadline) -> Option<Instant> {
        let state = *self.0.borrow();
        let due = deadline.at + state.paused().saturating_sub(deadline.paused);
        (state.holds == 0).then_some(due)
    }

    /// Waits for a future for up to `limit`. `None`: the time is over.
    pub async fn timeout<F: Future>(&self, limit: Duration, future: F) -> Option<F::Output> {
        let deadline = self.deadline(limit);
        let mut changes = self.changes();
        let mut future = pin!(future);
        loop {
            let due = self.due(&deadline);
            let reached = async {
                match due {
                    Some(due) => sleep_until(due.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                output = &mut future => return Some(output),
                () = changes.changed() => {}
                () = reached => return None,
            }
        }
    }
}

/// Tells when a clock is paused and when it goes on.
#[derive(Debug)]
pub(crate) struct ClockChanges(watch::Receiver<State>);

impl ClockChanges {
    /// Waits until the clock is paused or goes on again. Forever if there is no clock any more.
    pub(crate) async fn changed(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending().await
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    const SHORT: Duration = Duration::from_millis(20);

    #[tokio::test]
    async fn a_timeout_does_not_count_the_time_for_which_the_clock_is_paused() {
        let clock = Arc::new(Clock::default());
        assert_eq!(clock.timeout(SHORT, ready(1)).await, Some(1));
        assert_eq!(clock.timeout(SHORT, pending::<()>()).await, None);

        let hold = clock.hold();
        let other = clock.hold();
        let began = Instant::now();
        let long = Duration::from_millis(100);
        let waited = clock.timeout(SHORT, pending::<()>());
        let released = async {
            tokio::time::sleep(long).await;
            drop(hold);
            assert!(clock.is_paused(), "the other one holds it");
            tokio::time::sleep(long).await;
            drop(other);
        };
        assert_eq!(tokio::join!(waited, released).0, None);
        assert!(began.elapsed() >= 2 * long + SHORT, "{:?}", began.elapsed());
        assert!(!clock.is_paused());
    }

    #[tokio::test]
    async fn a_deadline_moves_on_by_the_time_for_which_the_clock_was_paused() {
        let clock = Arc::new(Clock::default());
        let deadline = clock.deadline(SHORT);
        let due = clock.due(&deadline).unwrap();
        let hold = clock.hold();
        assert_eq!(clock.due(&deadline), None);
        tokio::time::sleep(SHORT).await;
        drop(hold);
        assert!(clock.due(&deadline).unwrap() >= due + SHORT);
        // One that was set afterwards does not.
        let later = clock.deadline(Duration::ZERO);
        assert!(clock.due(&later).unwrap() <= Instant::now());
    }
}
