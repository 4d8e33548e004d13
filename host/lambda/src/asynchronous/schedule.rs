//! AWS's rules for when an event runs again and how it ends. Times are passed in, in milliseconds since the Unix epoch.
//!
//! - A function error is followed by up to two retries, after 1 and 2 minutes.
//! - A throttled call, or an error of the host, does not count as an attempt. The event runs again after 1 second, then
//!   2, 4 and so on up to 5 minutes.
//! - An event ends at once if its next run would exceed its maximum age.
//! - A function with a reserved concurrency of 0 never runs.

use std::time::Duration;

use super::config::EventInvokeConfig;
use crate::limits::{FIRST_THROTTLE_DELAY, LAST_THROTTLE_DELAY, RETRY_DELAYS};

/// How an event ended, as AWS's records name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Condition {
    Success,
    RetriesExhausted,
    EventAgeExceeded,
    ZeroReservedConcurrency,
}

impl Condition {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Success => "Success",
            Self::RetriesExhausted => "RetriesExhausted",
            Self::EventAgeExceeded => "EventAgeExceeded",
            Self::ZeroReservedConcurrency => "ZeroReservedConcurrency",
        }
    }
}

/// What happens to an event after a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// The event runs again, not before this time; `errors` runs have ended with a function error.
    Retry { not_before: u64, errors: u32 },
    /// The event has ended.
    End(Condition),
}

/// The history of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Progress {
    pub accepted_at: u64,
    /// How many times the event was leased, including this time.
    pub receives: u32,
    /// How many runs ended with a function error.
    pub errors: u32,
}

/// The rules for the events of one function.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Schedule {
    retries: u32,
    max_age: Duration,
    /// Whether the function has a reserved concurrency of 0.
    never_runs: bool,
    time_scale: f64,
}

impl Schedule {
    pub(crate) fn new(config: &EventInvokeConfig, concurrency: usize, time_scale: f64) -> Self {
        Self {
            retries: config.maximum_retry_attempts,
            max_age: config.maximum_event_age,
            never_runs: concurrency == 0,
            time_scale,
        }
    }

    /// Before a run: returns how the event ends if it must not run.
    pub(crate) fn before_run(&self, progress: Progress, now: u64) -> Option<Condition> {
        if self.never_runs {
            return Some(Condition::ZeroReservedConcurrency);
        }
        (now > self.last_start(progress)).then_some(Condition::EventAgeExceeded)
    }

    /// After a run that ended with a function error.
    pub(crate) fn after_error(&self, progress: Progress, now: u64) -> Next {
        let delay = RETRY_DELAYS.get(progress.errors as usize);
        match delay.filter(|_| progress.errors < self.retries) {
            Some(delay) => self.retry(progress, now, *delay, progress.errors + 1),
            None => Next::End(Condition::RetriesExhausted),
        }
    }

    /// After the function could not run, because it was throttled or because of an error of the host.
    pub(crate) fn after_throttle(&self, progress: Progress, now: u64) -> Next {
        let throttles = progress.receives.saturating_sub(progress.errors + 1);
        let delay = FIRST_THROTTLE_DELAY
            .saturating_mul(1 << throttles.min(16))
            .min(LAST_THROTTLE_DELAY);
        self.retry(progress, now, delay, progress.errors)
    }

    fn retry(&self, progress: Progress, now: u64, delay: Duration, errors: u32) -> Next {
        let not_before = now.saturating_add(self.scaled(delay));
        if not_before > self.last_start(progress) {
            return Next::End(Condition::EventAgeExceeded);
        }
        Next::Retry { not_before, errors }
    }

    /// The time at which the event reaches its maximum age: the latest time to run it.
    fn last_start(&self, progress: Progress) -> u64 {
        progress
            .accepted_at
            .saturating_add(self.scaled(self.max_age))
    }

    fn scaled(&self, time: Duration) -> u64 {
        (time.as_millis() as f64 * self.time_scale) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCEPTED: u64 = 1_800_000_000_000;
    const SECOND: u64 = 1000;
    const MINUTE: u64 = 60 * SECOND;

    fn schedule(retries: u32, age_s: u64) -> Schedule {
        let config = EventInvokeConfig {
            maximum_retry_attempts: retries,
            maximum_event_age: Duration::from_secs(age_s),
            ..EventInvokeConfig::default()
        };
        Schedule::new(&config, 1, 1.0)
    }

    fn progress(receives: u32, errors: u32) -> Progress {
        Progress {
            accepted_at: ACCEPTED,
            receives,
            errors,
        }
    }

    fn retry_at(not_before: u64, errors: u32) -> Next {
        Next::Retry { not_before, errors }
    }

    #[test]
    fn function_errors_are_retried_after_one_and_after_two_minutes_by_default() {
        let default = Schedule::new(&EventInvokeConfig::default(), 1, 1.0);
        let now = ACCEPTED + 17;
        assert_eq!(
            default.after_error(progress(1, 0), now),
            retry_at(now + MINUTE, 1)
        );
        assert_eq!(
            default.after_error(progress(2, 1), now),
            retry_at(now + 2 * MINUTE, 2)
        );
        assert_eq!(
            default.after_error(progress(3, 2), now),
            Next::End(Condition::RetriesExhausted)
        );
    }

    #[test]
    fn fewer_retries_can_be_configured() {
        assert_eq!(
            schedule(0, 21_600).after_error(progress(1, 0), ACCEPTED),
            Next::End(Condition::RetriesExhausted)
        );
        let one = schedule(1, 21_600);
        assert_eq!(
            one.after_error(progress(1, 0), ACCEPTED),
            retry_at(ACCEPTED + MINUTE, 1)
        );
        assert_eq!(
            one.after_error(progress(2, 1), ACCEPTED),
            Next::End(Condition::RetriesExhausted)
        );
    }

    #[test]
    fn an_event_ends_at_once_if_its_retry_would_exceed_the_maximum_age() {
        let minute = schedule(2, 60);
        assert_eq!(
            minute.after_error(progress(1, 0), ACCEPTED),
            retry_at(ACCEPTED + MINUTE, 1)
        );
        assert_eq!(
            minute.after_error(progress(1, 0), ACCEPTED + 1),
            Next::End(Condition::EventAgeExceeded)
        );
        assert_eq!(
            minute.after_throttle(progress(1, 0), ACCEPTED + MINUTE),
            Next::End(Condition::EventAgeExceeded)
        );
    }

    #[test]
    fn an_event_older_than_the_maximum_age_does_not_run() {
        let minute = schedule(2, 60);
        assert_eq!(minute.before_run(progress(1, 0), ACCEPTED + MINUTE), None);
        assert_eq!(
            minute.before_run(progress(1, 0), ACCEPTED + MINUTE + 1),
            Some(Condition::EventAgeExceeded)
        );
    }

    #[test]
    fn throttled_events_wait_from_a_second_to_five_minutes_and_do_not_count_as_retries() {
        let default = schedule(2, 21_600);
        let waits: Vec<u64> = (1..=12)
            .map(
                |receives| match default.after_throttle(progress(receives, 0), ACCEPTED) {
                    Next::Retry {
                        not_before,
                        errors: 0,
                    } => (not_before - ACCEPTED) / SECOND,
                    other => panic!("{other:?}"),
                },
            )
            .collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
        // Two errors and one throttled call precede: this is the second throttled call.
        assert_eq!(
            default.after_throttle(progress(4, 2), ACCEPTED),
            retry_at(ACCEPTED + 2 * SECOND, 2)
        );
        assert!(matches!(
            default.after_throttle(progress(u32::MAX, 0), ACCEPTED),
            Next::Retry { .. }
        ));
    }

    #[test]
    fn with_a_concurrency_of_zero_no_event_runs() {
        let never = Schedule::new(&EventInvokeConfig::default(), 0, 1.0);
        assert_eq!(
            never.before_run(progress(1, 0), ACCEPTED),
            Some(Condition::ZeroReservedConcurrency)
        );
    }

    #[test]
    fn the_time_scale_applies_to_delays_and_ages() {
        let config = EventInvokeConfig::default();
        let hundredth = Schedule::new(&config, 1, 0.01);
        assert_eq!(
            hundredth.after_error(progress(1, 0), ACCEPTED),
            retry_at(ACCEPTED + 600, 1)
        );
        assert_eq!(
            hundredth.after_throttle(progress(1, 0), ACCEPTED),
            retry_at(ACCEPTED + 10, 0)
        );
        assert_eq!(
            hundredth.before_run(progress(1, 0), ACCEPTED + 216_000),
            None
        );
        assert_eq!(
            hundredth.before_run(progress(1, 0), ACCEPTED + 216_001),
            Some(Condition::EventAgeExceeded)
        );
    }
}
