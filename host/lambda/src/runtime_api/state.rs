//! The state machine of a runtime, as AWS's Runtime API enforces it.
//!
//! Every request of a runtime is a transition. A transition that is not allowed is answered with 403
//! `InvalidStateTransition`, which names both states, and changes nothing. The states have AWS's names, because these
//! are part of that answer.

use http::StatusCode;

use crate::api_error::ApiError;
use crate::state_machine::{TransitionError, transition};

/// The state of a runtime in AWS's Runtime API.
#[allow(
    clippy::enum_variant_names,
    reason = "the names are AWS's and appear in its responses"
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RuntimeState {
    /// The process runs and has not sent a request yet.
    Started,
    /// It reported `/init/error`.
    InitError,
    /// It waits in `/next`.
    Ready,
    /// It has received an event.
    Running,
    /// Its response is being read.
    InvocationResponse,
    /// Its error is being read.
    InvocationErrorResponse,
    /// Its response or error has been read; it has not requested the next event yet.
    RuntimeResponseSentState,
    /// It waits in `/restore/next` to be snapshotted and restored.
    RestoreReady,
    /// It has been restored and runs its hooks.
    Restoring,
    /// It reported `/restore/error`.
    RuntimeRestoreErrorState,
}

type Transition = Result<(), TransitionError<RuntimeState>>;

impl RuntimeState {
    /// `GET /next`. While an event is being processed the request is allowed, the state stays
    /// [`RuntimeState::Running`], and the same event is delivered again.
    pub(crate) fn next(&mut self) -> Transition {
        if *self == Self::Running {
            return Ok(());
        }
        let from = [
            Self::Started,
            Self::Ready,
            Self::RuntimeResponseSentState,
            Self::Restoring,
        ];
        transition(self, Self::Ready, &from)
    }

    /// `POST /response`, before its body is read.
    pub(crate) fn response(&mut self) -> Transition {
        transition(self, Self::InvocationResponse, &[Self::Running])
    }

    /// `POST /error`, before its body is read.
    pub(crate) fn error(&mut self) -> Transition {
        transition(self, Self::InvocationErrorResponse, &[Self::Running])
    }

    /// The body of the response or the error has been read.
    pub(crate) fn response_sent(&mut self) {
        *self = Self::RuntimeResponseSentState;
    }

    /// `POST /init/error`
    pub(crate) fn init_error(&mut self) -> Transition {
        transition(self, Self::InitError, &[Self::Started])
    }

    /// `GET /restore/next`
    pub(crate) fn restore_next(&mut self) -> Transition {
        transition(self, Self::RestoreReady, &[Self::Started])
    }

    /// The environment has been restored from its snapshot.
    pub(crate) fn restored(&mut self) {
        *self = Self::Restoring;
    }

    /// `POST /restore/error`
    pub(crate) fn restore_error(&mut self) -> Transition {
        transition(self, Self::RuntimeRestoreErrorState, &[Self::Restoring])
    }
}

impl From<TransitionError<RuntimeState>> for ApiError {
    fn from(error: TransitionError<RuntimeState>) -> Self {
        let message = error.message(format_args!("runtime"));
        Self::new(StatusCode::FORBIDDEN, "InvalidStateTransition", message)
    }
}

#[cfg(test)]
mod tests {
    use super::RuntimeState::{self, *};
    use super::*;
    use crate::state_machine::allowed_transitions;

    fn allowed(step: fn(&mut RuntimeState) -> Transition) -> Vec<(RuntimeState, RuntimeState)> {
        let states = [
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
        allowed_transitions(&states, step)
    }

    #[test]
    fn next_is_allowed_at_the_start_while_waiting_while_running_after_the_response_and_after_a_restore()
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
    fn response_and_error_are_allowed_only_while_running() {
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
    fn init_error_is_allowed_only_at_the_start() {
        assert_eq!(allowed(RuntimeState::init_error), [(Started, InitError)]);
    }

    #[test]
    fn a_restore_may_be_awaited_at_the_start_and_may_fail_afterwards() {
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
    fn the_error_has_the_message_of_aws() {
        let mut state = RuntimeResponseSentState;
        let error = state.response().unwrap_err();
        assert_eq!(
            error.message(format_args!("runtime")),
            "State transition from RuntimeResponseSentState to InvocationResponse failed for runtime. \
             Error: State transition is not allowed"
        );
    }
}
