//! The state machine of a runtime, as AWS's Runtime API enforces it.
//!
//! Every request of a runtime is a transition. One that is not allowed answers 403 `InvalidStateTransition`, names
//! both states, and changes nothing. The states bear AWS's own names, because those names are part of that answer.

use std::fmt;

/// Where a runtime stands in its session with the Runtime API.
#[allow(
    clippy::enum_variant_names,
    reason = "the names are AWS's and appear in its answers"
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RuntimeState {
    /// The process runs and has not said anything yet.
    Started,
    /// It reported `/init/error`.
    InitError,
    /// It waits in `/next`.
    Ready,
    /// It has been given an event.
    Running,
    /// Its response is being taken.
    InvocationResponse,
    /// Its error is being taken.
    InvocationErrorResponse,
    /// Its response or error has been taken; it has not asked for the next event yet.
    RuntimeResponseSentState,
    /// It waits in `/restore/next` to be snapshotted and restored.
    RestoreReady,
    /// It has been restored and runs its hooks.
    Restoring,
    /// It reported `/restore/error`.
    RuntimeRestoreErrorState,
}

impl fmt::Display for RuntimeState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// A transition the state machine does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "State transition from {from} to {to} failed for runtime. Error: State transition is not allowed"
)]
pub(crate) struct TransitionError {
    pub from: RuntimeState,
    pub to: RuntimeState,
}

impl RuntimeState {
    /// `GET /next`. While an event is being worked on it is legal, stays [`RuntimeState::Running`] and delivers the event again.
    pub(crate) fn next(&mut self) -> Result<(), TransitionError> {
        match self {
            Self::Running => Ok(()),
            Self::Started | Self::Ready | Self::RuntimeResponseSentState | Self::Restoring => {
                self.go(RuntimeState::Ready)
            }
            _ => self.refuse(RuntimeState::Ready),
        }
    }

    /// `POST /response`, before its body counts.
    pub(crate) fn response(&mut self) -> Result<(), TransitionError> {
        self.leave_running(RuntimeState::InvocationResponse)
    }

    /// `POST /error`, before its body counts.
    pub(crate) fn error(&mut self) -> Result<(), TransitionError> {
        self.leave_running(RuntimeState::InvocationErrorResponse)
    }

    /// The body of the response or the error has been taken.
    pub(crate) fn response_sent(&mut self) {
        *self = Self::RuntimeResponseSentState;
    }

    /// `POST /init/error`.
    pub(crate) fn init_error(&mut self) -> Result<(), TransitionError> {
        match self {
            Self::Started => self.go(RuntimeState::InitError),
            _ => self.refuse(RuntimeState::InitError),
        }
    }

    /// `GET /restore/next`
    pub(crate) fn restore_next(&mut self) -> Result<(), TransitionError> {
        match self {
            Self::Started => self.go(RuntimeState::RestoreReady),
            _ => self.refuse(RuntimeState::RestoreReady),
        }
    }

    /// The environment has been restored from its snapshot.
    pub(crate) fn restored(&mut self) {
        *self = Self::Restoring;
    }

    /// `POST /restore/error`
    pub(crate) fn restore_error(&mut self) -> Result<(), TransitionError> {
        match self {
            Self::Restoring => self.go(RuntimeState::RuntimeRestoreErrorState),
            _ => self.refuse(RuntimeState::RuntimeRestoreErrorState),
        }
    }

    fn leave_running(&mut self, to: RuntimeState) -> Result<(), TransitionError> {
        match self {
            Self::Running => self.go(to),
            _ => self.refuse(to),
        }
    }

    fn go(&mut self, to: RuntimeState) -> Result<(), TransitionError> {
        *self = to;
        Ok(())
    }

    fn refuse(&self, to: RuntimeState) -> Result<(), TransitionError> {
        Err(TransitionError { from: *self, to })
    }
}

#[cfg(test)]
mod tests {
    use super::RuntimeState::{self, *};
    use super::*;

    const STATES: [RuntimeState; 10] = [
        Started,
        InitError,
        Ready,
        Running,
        InvocationResponse,
        InvocationErrorResponse,
        RuntimeResponseSentState,
        RestoreReady,
        Restoring,
        RuntimeRestoreErrorState,
    ];

    type Step = fn(&mut RuntimeState) -> Result<(), TransitionError>;

    fn allowed(step: Step) -> Vec<(RuntimeState, RuntimeState)> {
        let mut pairs = Vec::new();
        for from in STATES {
            let mut state = from;
            if step(&mut state).is_ok() {
                pairs.push((from, state));
            } else {
                assert_eq!(state, from, "a refused step changes nothing");
            }
        }
        pairs
    }

    #[test]
    fn next_is_legal_at_the_start_while_waiting_while_running_after_the_response_and_after_a_restore()
     {
        assert_eq!(
            allowed(RuntimeState::next),
            [
                (Started, Ready),
                (Ready, Ready),
                (Running, Running),
                (RuntimeResponseSentState, Ready),
                (Restoring, Ready)
            ]
        );
    }

    #[test]
    fn response_and_error_are_legal_only_while_running() {
        assert_eq!(
            allowed(RuntimeState::response),
            [(Running, InvocationResponse)]
        );
        assert_eq!(
            allowed(RuntimeState::error),
            [(Running, InvocationErrorResponse)]
        );
    }

    #[test]
    fn init_error_is_legal_only_at_the_start() {
        assert_eq!(allowed(RuntimeState::init_error), [(Started, InitError)]);
    }

    #[test]
    fn a_restore_is_waited_for_at_the_start_and_may_fail_after_it() {
        assert_eq!(
            allowed(RuntimeState::restore_next),
            [(Started, RestoreReady)]
        );
        assert_eq!(
            allowed(RuntimeState::restore_error),
            [(Restoring, RuntimeRestoreErrorState)]
        );
    }

    #[test]
    fn a_refusal_reads_as_on_aws() {
        let mut state = RuntimeResponseSentState;
        assert_eq!(
            state.response().unwrap_err().to_string(),
            "State transition from RuntimeResponseSentState to InvocationResponse failed for runtime. \
             Error: State transition is not allowed"
        );
    }
}
