//! What the state machines of runtimes and extensions have in common.

use std::fmt;

/// A transition that a state machine does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TransitionError<S> {
    pub from: S,
    pub to: S,
}

impl<S: fmt::Debug> TransitionError<S> {
    /// AWS's message. The states' names in the code are AWS's, because they are part of it.
    pub(crate) fn message(&self, subject: fmt::Arguments<'_>) -> String {
        format!(
            "State transition from {:?} to {:?} failed for {subject}. Error: State transition is not allowed",
            self.from, self.to
        )
    }
}

/// Goes to the state `to` if the current state is one of `from`; else changes nothing.
pub(crate) fn transition<S: Copy + PartialEq>(
    state: &mut S,
    to: S,
    from: &[S],
) -> Result<(), TransitionError<S>> {
    if !from.contains(state) {
        return Err(TransitionError { from: *state, to });
    }
    *state = to;
    Ok(())
}

/// The states in which `step` is allowed, each with the state that it leads to.
#[cfg(test)]
pub(crate) fn allowed_transitions<S: Copy + PartialEq + fmt::Debug>(
    states: &[S],
    step: impl Fn(&mut S) -> Result<(), TransitionError<S>>,
) -> Vec<(S, S)> {
    let mut pairs = Vec::new();
    for from in states {
        let mut state = *from;
        if step(&mut state).is_ok() {
            pairs.push((*from, state));
        } else {
            assert_eq!(state, *from, "a refused step changes nothing");
        }
    }
    pairs
}
