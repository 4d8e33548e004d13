//! The state machine of an extension, as AWS's Extensions API enforces it.
//!
//! As for runtimes, every request is a transition, a transition that is not allowed changes nothing, and the states
//! have AWS's names because its error messages contain them.

use serde::Serialize;

use crate::state_machine::{TransitionError, transition};

/// The state of an extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) enum ExtensionState {
    /// Its process runs, or is about to, and has not sent a request yet.
    Started,
    /// It has registered and not requested an event yet.
    Registered,
    /// It waits for an event.
    Ready,
    /// It has received an event and not requested the next one.
    Running,
    /// It reported `/init/error`.
    InitError,
    /// It reported `/exit/error`.
    ExitError,
    /// Its process has ended without an error report.
    Exited,
}

type Transition = Result<(), TransitionError<ExtensionState>>;

impl ExtensionState {
    /// `POST /register`
    pub(crate) fn register(&mut self) -> Transition {
        transition(self, Self::Registered, &[Self::Started])
    }

    /// `GET /event/next`
    pub(crate) fn next(&mut self) -> Transition {
        let from = [Self::Registered, Self::Ready, Self::Running];
        transition(self, Self::Ready, &from)
    }

    /// `POST /init/error`
    pub(crate) fn init_error(&mut self) -> Transition {
        let from = [Self::Registered, Self::InitError];
        transition(self, Self::InitError, &from)
    }

    /// `POST /exit/error`
    pub(crate) fn exit_error(&mut self) -> Transition {
        let from = [
            Self::Registered,
            Self::Ready,
            Self::Running,
            Self::ExitError,
        ];
        transition(self, Self::ExitError, &from)
    }

    /// A waiting extension has received an event.
    pub(crate) fn deliver(&mut self) {
        *self = Self::Running;
    }

    /// The extension's process has ended. An error that the extension reported earlier is kept.
    pub(crate) fn exited(&mut self) {
        if self.is_alive() {
            *self = Self::Exited;
        }
    }

    /// Whether the extension has neither ended nor reported an error.
    pub(crate) fn is_alive(self) -> bool {
        !matches!(self, Self::InitError | Self::ExitError | Self::Exited)
    }

    /// Whether the extension has left the state [`ExtensionState::Started`].
    pub(crate) fn is_registered(self) -> bool {
        self != Self::Started
    }
}

#[cfg(test)]
mod tests {
    use super::ExtensionState::{self, *};
    use super::*;
    use crate::state_machine::allowed_transitions;

    fn allowed(
        step: fn(&mut ExtensionState) -> Transition,
    ) -> Vec<(ExtensionState, ExtensionState)> {
        let states = [
            Started, Registered, Ready, Running, InitError, ExitError, Exited,
        ];
        allowed_transitions(&states, step)
    }

    #[test]
    fn every_transition_is_allowed_only_where_aws_says_so() {
        assert_eq!(allowed(ExtensionState::register), [(Started, Registered)]);
        assert_eq!(
            allowed(ExtensionState::next),
            [(Registered, Ready), (Ready, Ready), (Running, Ready)]
        );
        assert_eq!(
            allowed(ExtensionState::init_error),
            [(Registered, InitError), (InitError, InitError)]
        );
        assert_eq!(
            allowed(ExtensionState::exit_error),
            [
                (Registered, ExitError),
                (Ready, ExitError),
                (Running, ExitError),
                (ExitError, ExitError)
            ]
        );
    }

    #[test]
    fn the_end_of_the_process_does_not_hide_a_reported_error() {
        for (before, after) in [
            (Started, Exited),
            (Running, Exited),
            (InitError, InitError),
            (ExitError, ExitError),
        ] {
            let mut state = before;
            state.exited();
            assert_eq!(state, after);
            assert!(!state.is_alive());
        }
    }
}
