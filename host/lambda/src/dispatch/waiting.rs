//! The calls of one function that wait for an environment, in the order in which they came.

use std::collections::VecDeque;

use crate::call::Call;

#[derive(Debug, Default)]
pub(super) struct WaitingCalls {
    calls: VecDeque<WaitingCall>,
}

#[derive(Debug)]
struct WaitingCall {
    call: Call,
    /// Whether an environment has been started for this call. Such a call is made even if its caller goes away, as on
    /// AWS, where the invocation has begun.
    has_begun: bool,
}

impl WaitingCalls {
    pub(super) fn len(&self) -> usize {
        self.calls.len()
    }

    pub(super) fn push(&mut self, call: Call) {
        self.calls.push_back(WaitingCall {
            call,
            has_begun: false,
        });
    }

    /// Adds a call that has begun and has to wait nevertheless, before all others.
    pub(super) fn push_first(&mut self, call: Call) {
        self.calls.push_front(WaitingCall {
            call,
            has_begun: true,
        });
    }

    /// Removes the first call that is to be made.
    pub(super) fn first(&mut self) -> Option<Call> {
        while let Some(waiting) = self.calls.pop_front() {
            if waiting.is_wanted() {
                return Some(waiting.call);
            }
        }
        None
    }

    /// An environment starts for the next `count` calls for which none has started yet.
    pub(super) fn begin(&mut self, count: usize) {
        let not_begun = self.calls.iter_mut().filter(|one| !one.has_begun);
        for waiting in not_begun.take(count) {
            waiting.has_begun = true;
        }
    }

    pub(super) fn forget_callers_that_have_gone(&mut self) {
        self.calls.retain(WaitingCall::is_wanted);
    }

    /// Removes all calls.
    pub(super) fn take(&mut self) -> impl Iterator<Item = Call> + use<> {
        std::mem::take(&mut self.calls)
            .into_iter()
            .map(|waiting| waiting.call)
    }
}

impl WaitingCall {
    /// Whether the call is to be made. A call that has not begun and whose caller has gone need not begin.
    fn is_wanted(&self) -> bool {
        self.has_begun || !self.call.answer.is_closed()
    }
}
