//! The state machine of an extension, as AWS's Extensions API enforces it.
//!
//! Like a runtime's: every request is a transition, one that is not allowed changes nothing, and the states bear AWS's
//! names because its answers do.

use std::fmt;

use serde::Serialize;

/// Where an extension stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) enum ExtensionState {
    /// Its process runs, or is about to, and has not said anything yet.
    Started,
    /// It has registered and not asked for an event yet.
    Registered,
    /// It waits for an event.
    Ready,
    /// It has been given an event and has not asked for the next one.
    Running,
    /// It reported `/init/error`.
    InitError,
    /// It reported `/exit/error`.
    ExitError,
    /// Its process has ended without a report.
    Exited,
}

impl fmt::Display for ExtensionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// A transition the state machine does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TransitionError {
    pub from: ExtensionState,
    pub to: ExtensionState,
}

impl ExtensionState {
    /// `POST /register`
    pub(crate) fn register(&mut self) -> Result<(), TransitionError> {
        self.go(Self::Registered, &[Self::Started])
    }

    /// `GET /event/next`
    pub(crate) fn next(&mut self) -> Result<(), TransitionError> {
        self.go(Self::Ready, &[Self::Registered, Self::Ready, Self::Running])
    }

    /// `POST /init/error`
    pub(crate) fn init_error(&mut self) -> Result<(), TransitionError> {
        self.go(Self::InitError, &[Self::Registered, Self::InitError])
    }

    /// `POST /exit/error`
    pub(crate) fn exit_error(&mut self) -> Result<(), TransitionError> {
        let from = [
            Self::Registered,
            Self::Ready,
            Self::Running,
            Self::ExitError,
        ];
        self.go(Self::ExitError, &from)
    }

    /// An event is handed to an extension that waits.
    pub(crate) fn deliver(&mut self) {
        *self = Self::Running;
    }

    /// Its process has ended. A failure that it reported itself says more than that.
    pub(crate) fn exited(&mut self) {
        if self.is_alive() {
            *self = Self::Exited;
        }
    }

    /// Whether anything can still be expected of it.
    pub(crate) fn is_alive(self) -> bool {
        !matches!(self, Self::InitError | Self::ExitError | Self::Exited)
    }

    /// Whether it has ever registered.
    pub(crate) fn is_registered(self) -> bool {
        self != Self::Started
    }

    fn go(&mut self, to: Self, from: &[Self]) -> Result<(), TransitionError> {
        if !from.contains(self) {
            return Err(TransitionError { from: *self, to });
        }
        *self = to;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::ExtensionState::{self, *};
    use super::*;

    const STATES: [ExtensionState; 7] = [
        Started, Registered, Ready, Running, InitError, ExitError, Exited,
    ];

    type Step = fn(&mut ExtensionState) -> Result<(), TransitionError>;

    fn allowed(step: Step) -> Vec<(ExtensionState, ExtensionState)> {
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
    fn every_transition_is_legal_only_where_aws_says_so() {
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
    fn an_end_does_not_cover_up_a_reported_failure() {
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
