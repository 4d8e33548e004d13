//! Health checks of target groups: a timer of the host invokes the function as AWS's health checker does.
//!
//! A target group has one target, its function. One check that passes makes a new target healthy; after that,
//! `healthy-threshold` checks in a row change its state, or `unhealthy-threshold` that fail. The state and the number
//! of these checks are the timer's memory, so that each call is a pure function.
//!
//! The state is logged and has no further effect: if all targets of a group are unhealthy, a load balancer of AWS sends
//! them requests all the same ("fail open").
//!
//! On failure: a result that is no response, a function that fails and a status that the matcher does not list are
//! failed checks. Memory that this plugin did not write counts as none.

use alloc::borrow::ToOwned as _;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use http_event::contract::{
    Ending, Invocation, InvocationMode, MEMORY, NOTE, Response, ResponseBody, Step, WARNING,
};

use crate::event;
use crate::result::of_payload;
use crate::state::{HealthCheck, State};

/// The beginning of a timer's name; the function follows.
const TIMER: &str = "health check of ";

/// The name of the timer for a function's health checks.
pub fn timer(function: &str) -> String {
    [TIMER, function].concat()
}

/// The invocation for a health check that is due. `None`: the timer is not one of this state.
pub fn shape(state: &State<'_>, timer: &str, memory: Option<&str>) -> Option<Step> {
    let check = state.health_check(timer.strip_prefix(TIMER)?)?;
    let memory = memory.unwrap_or_default();
    Some(Step::Invoke(Invocation {
        function: check.function.to_owned(),
        event: event::of_health_check(state, &check),
        mode: InvocationMode::Buffered,
        max_wait_ms: Some(check.timeout_ms),
        cache: None,
        token: [check.function, "\t", memory].concat(),
        with_request: false,
        extra: Vec::new(),
    }))
}

/// Judges a health check. `token` is that of [`shape`]. `None`: it is none.
pub fn respond(state: &State<'_>, token: &str, ending: Ending) -> Option<Response> {
    let (function, memory) = token.split_once('\t')?;
    let check = state.health_check(function)?;
    let before = Health::read(memory);
    let result = judge(state, &check, ending);
    let after = before.after(result.is_ok(), &check);
    let mut response = Response::new(204, ResponseBody::Empty);
    let mut say = |key: &str, text: String| response.extra.push((key.to_owned(), text));
    say(MEMORY, after.write());
    match (after.state, result) {
        (TargetState::Healthy, Ok(())) if before.state != TargetState::Healthy => {
            say(NOTE, "the target is healthy".to_owned());
        }
        (TargetState::Unhealthy, Err(why)) if before.state != TargetState::Unhealthy => {
            let text = format!(
                "the target is unhealthy after {} failed checks: {why}; as it is the only one of its group, it receives \
                 requests all the same, as on AWS",
                check.unhealthy_threshold
            );
            say(WARNING, text);
        }
        (_, Err(why)) => say(NOTE, format!("failed: {why}")),
        (_, Ok(())) => {}
    }
    Some(response)
}

/// Whether the target has passed; otherwise what it did instead.
fn judge(state: &State<'_>, check: &HealthCheck<'_>, ending: Ending) -> Result<(), String> {
    match ending {
        Ending::Completed(payload) => match of_payload(state, &payload) {
            Ok(response) if matches(check.matcher, response.status) => Ok(()),
            Ok(response) => Err(format!(
                "status {} is not one of {}",
                response.status, check.matcher
            )),
            Err(misfit) => Err(format!("{}, which is status 502", misfit.0)),
        },
        Ending::Expired => {
            let seconds = f64::from(check.timeout_ms) / 1000.0;
            Err(format!("no response within {seconds} s"))
        }
        Ending::TimedOut => Err("the function timed out, which is status 502".to_owned()),
        Ending::Throttled => Err("the function is throttled, which is status 502".to_owned()),
        Ending::Failed(_) => Err("the function failed, which is status 502".to_owned()),
        _ => Err("the function could not be invoked, which is status 502".to_owned()),
    }
}

/// Whether a status is among those of a matcher: `200`, `200,202` or `200-299`.
fn matches(matcher: &str, status: u16) -> bool {
    matcher.split(',').any(|codes| {
        let (first, last) = codes.split_once('-').unwrap_or((codes, codes));
        let codes = first.parse().ok().zip(last.parse().ok());
        codes.is_some_and(|(first, last)| (first..=last).contains(&status))
    })
}

/// What is known about a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Health {
    state: TargetState,
    /// The number of consecutive checks whose result contradicts the state.
    consecutive: u32,
}

/// The state of a target, as AWS names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TargetState {
    Initial,
    Healthy,
    Unhealthy,
}

impl Health {
    /// Reads what [`write`](Self::write) has written.
    fn read(memory: &str) -> Self {
        let (state, consecutive) = memory.split_once(' ').unwrap_or_default();
        Self {
            state: match state {
                "healthy" => TargetState::Healthy,
                "unhealthy" => TargetState::Unhealthy,
                _ => TargetState::Initial,
            },
            consecutive: consecutive.parse().unwrap_or_default(),
        }
    }

    fn write(self) -> String {
        let state = match self.state {
            TargetState::Initial => "initial",
            TargetState::Healthy => "healthy",
            TargetState::Unhealthy => "unhealthy",
        };
        format!("{state} {}", self.consecutive)
    }

    /// What is known after a check that has passed or failed.
    fn after(self, passed: bool, check: &HealthCheck<'_>) -> Self {
        let (other, threshold) = match (self.state, passed) {
            (TargetState::Healthy, true) | (TargetState::Unhealthy, false) => {
                return Self {
                    consecutive: 0,
                    ..self
                };
            }
            (TargetState::Initial, true) => (TargetState::Healthy, 1),
            (TargetState::Unhealthy, true) => (TargetState::Healthy, check.healthy_threshold),
            (TargetState::Initial | TargetState::Healthy, false) => {
                (TargetState::Unhealthy, check.unhealthy_threshold)
            }
        };
        let consecutive = self.consecutive + 1;
        if consecutive < threshold {
            return Self {
                consecutive,
                ..self
            };
        }
        Self {
            state: other,
            consecutive: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_changes_its_state_after_as_many_checks_in_a_row_as_its_thresholds_say() {
        let check = HealthCheck {
            function: "f",
            path: "/",
            timeout_ms: 1,
            healthy_threshold: 3,
            unhealthy_threshold: 2,
            matcher: "200",
        };
        let walk = |results: &str| {
            let mut memory = String::new();
            for result in results.chars() {
                memory = Health::read(&memory).after(result == '+', &check).write();
            }
            memory
        };
        for (results, memory) in [
            ("+", "healthy 0"),
            ("-", "initial 1"),
            ("-+", "healthy 0"),
            ("--", "unhealthy 0"),
            ("+-", "healthy 1"),
            ("+-+-", "healthy 1"),
            ("+--", "unhealthy 0"),
            ("--++", "unhealthy 2"),
            ("--++-++", "unhealthy 2"),
            ("--+++", "healthy 0"),
        ] {
            assert_eq!(walk(results), memory, "{results}");
        }
    }

    #[test]
    fn a_matcher_lists_codes_and_ranges() {
        for (matcher, status, expected) in [
            ("200", 200, true),
            ("200", 201, false),
            ("200,202", 202, true),
            ("200-299,404", 404, true),
            ("200-299", 300, false),
        ] {
            assert_eq!(matches(matcher, status), expected, "{matcher} {status}");
        }
    }
}
