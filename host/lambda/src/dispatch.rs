//! Which environment serves which call.
//!
//! A call goes to an idle environment; else it waits for one that is about to be idle; else it starts a new one; at the
//! limit it queues; with a full queue it is throttled. Environments come back here when their runtime asks for the
//! next event.
//!
//! The lock guards plain collections only and is never held across an await.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use lambkin_model::InvokeError;
use tokio::sync::{Notify, mpsc};

use crate::call::{Call, shutting_down};

/// What an environment finds in its mailbox.
#[derive(Debug)]
pub(crate) enum Message {
    /// Serve this call. Sent only to an environment with a free place for it.
    Invoke(Call),
    /// End once nothing is under way.
    Retire,
    /// End at once; a call under way is answered with [`InvokeError::ShuttingDown`].
    Stop,
}

/// An environment's mailbox. It holds at most a call for each of its places and one stop, so it needs no bound.
pub(crate) type Mailbox = mpsc::UnboundedSender<Message>;

/// Tells the environments of one function apart.
pub(crate) type EnvironmentId = u64;

#[derive(Debug)]
pub(crate) struct Dispatcher {
    /// The most environments.
    limit: usize,
    /// The most waiting calls.
    queue: usize,
    state: Mutex<State>,
    environment_gone: Notify,
}

#[derive(Debug, Default)]
struct State {
    environments: Vec<(EnvironmentId, Mailbox)>,
    /// Environments that are to end instead of taking another call.
    retiring: Vec<EnvironmentId>,
    /// Environments that were promised a place but have not reported yet.
    starting: usize,
    last_id: EnvironmentId,
    /// The last to become idle is the first to be used: its pages are warm, and the others may be reaped.
    idle: Vec<EnvironmentId>,
    /// Environments that have answered and are about to ask for the next event.
    settling: usize,
    waiting: VecDeque<Call>,
    closed: bool,
}

/// What becomes of a call.
#[derive(Debug)]
pub(crate) enum Placement {
    /// An idle environment has it.
    Sent,
    /// It waits for an environment that is about to be idle; see [`Dispatcher::stop_settling`].
    Settling,
    /// It waits: the function is at its limit.
    Queued,
    /// The caller is to start an environment with it.
    Start(Call),
    /// Nothing can be done for it.
    Refused(InvokeError),
}

/// What an environment is to do after a call.
#[derive(Debug)]
pub(crate) enum Next {
    /// Serve this call.
    Serve(Call),
    /// Wait for one.
    Wait,
    /// End.
    End,
}

impl Dispatcher {
    pub(crate) fn new(limit: usize, queue: usize) -> Self {
        Self {
            limit,
            queue,
            state: Mutex::default(),
            environment_gone: Notify::new(),
        }
    }

    /// Finds a place for a call.
    pub(crate) fn place(&self, mut call: Call) -> Placement {
        let mut state = self.lock();
        if state.closed {
            return Placement::Refused(InvokeError::ShuttingDown);
        }
        // A reserved concurrency of 0: there will never be an environment to wait for.
        if self.limit == 0 {
            return Placement::Refused(InvokeError::Throttled);
        }
        while let Some(id) = state.idle.pop() {
            match state.send(id, call) {
                None => return Placement::Sent,
                Some(back) => call = back,
            }
        }
        if state.settling > state.waiting.len() {
            state.waiting.push_back(call);
            return Placement::Settling;
        }
        if state.size() < self.limit {
            state.starting += 1;
            return Placement::Start(call);
        }
        if state.waiting.len() < self.queue {
            state.waiting.push_back(call);
            return Placement::Queued;
        }
        Placement::Refused(InvokeError::Throttled)
    }

    /// A call has waited for a settling environment for long enough: the first in the queue, if there is room for a
    /// new environment, which the caller is to start with it.
    pub(crate) fn stop_settling(&self) -> Option<Call> {
        let mut state = self.lock();
        if state.size() >= self.limit {
            return None;
        }
        let call = state.waiting.pop_front()?;
        state.starting += 1;
        Some(call)
    }

    /// Promises a place to an environment that is started without a call, if there is room.
    pub(crate) fn promise(&self) -> bool {
        let mut state = self.lock();
        let promised = !state.closed && state.size() < self.limit;
        if promised {
            state.starting += 1;
        }
        promised
    }

    /// Enters a new environment, which was promised its place by [`Placement::Start`].
    pub(crate) fn join(&self, mailbox: Mailbox) -> EnvironmentId {
        let mut state = self.lock();
        state.starting = state.starting.saturating_sub(1);
        state.last_id += 1;
        let id = state.last_id;
        if state.closed {
            // The environment reads this before anything else.
            let _fresh_mailbox = mailbox.send(Message::Stop);
        }
        state.environments.push((id, mailbox));
        id
    }

    /// An environment has answered its caller; it will be free in a moment.
    pub(crate) fn settle(&self) {
        self.lock().settling += 1;
    }

    /// An environment is free, after [`Dispatcher::settle`] if `settled`.
    pub(crate) fn release(&self, id: EnvironmentId, settled: bool) -> Next {
        let mut state = self.lock();
        if settled {
            state.settling = state.settling.saturating_sub(1);
        }
        if state.retiring.contains(&id) {
            return Next::End;
        }
        match state.first_waiting() {
            Some(call) => Next::Serve(call),
            None => {
                state.idle.push(id);
                Next::Wait
            }
        }
    }

    /// An environment has ended. A call that waits may have its place: the caller is to start an environment with it.
    pub(crate) fn leave(&self, id: EnvironmentId) -> Option<Call> {
        let mut state = self.lock();
        state.environments.retain(|(other, _)| *other != id);
        state.idle.retain(|other| *other != id);
        state.retiring.retain(|other| *other != id);
        let next = state.first_waiting();
        if next.is_some() {
            state.starting += 1;
        }
        drop(state);
        self.environment_gone.notify_one();
        next
    }

    /// Takes an idle environment out of service, unless it has just been given a call, or would leave fewer than
    /// `at_least`. One that is taken out is to end.
    pub(crate) fn withdraw(&self, id: EnvironmentId, at_least: usize) -> bool {
        let mut state = self.lock();
        let spare = state.size() > at_least;
        let idle = state.idle.contains(&id);
        if spare && idle {
            state.idle.retain(|other| *other != id);
        }
        spare && idle
    }

    /// Has every environment end, the idle ones at once and the others after their calls.
    pub(crate) fn retire(&self) {
        let mut state = self.lock();
        state.retiring = state.environments.iter().map(|(id, _)| *id).collect();
        for idle in std::mem::take(&mut state.idle) {
            let mailbox = state.environments.iter().find(|(id, _)| *id == idle);
            if let Some((_, mailbox)) = mailbox {
                let _has_just_ended = mailbox.send(Message::Retire);
            }
        }
    }

    /// Refuses what waits and what comes, stops every environment, and returns when the last one has left.
    pub(crate) async fn close(&self) {
        let waiting = {
            let mut state = self.lock();
            state.closed = true;
            for (_, mailbox) in &state.environments {
                let _has_just_ended = mailbox.send(Message::Stop);
            }
            std::mem::take(&mut state.waiting)
        };
        for call in waiting {
            let _caller_is_gone = call.answer.send(shutting_down());
        }
        while self.lock().size() > 0 {
            self.environment_gone.notified().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn size(&self) -> usize {
        self.environments.len() + self.starting
    }

    /// The first waiting call whose caller is still there: a call that has not begun needs not begin for nobody.
    fn first_waiting(&mut self) -> Option<Call> {
        while let Some(call) = self.waiting.pop_front() {
            if !call.answer.is_closed() {
                return Some(call);
            }
        }
        None
    }

    /// Hands a call to an environment; gives it back if that has just ended.
    fn send(&self, id: EnvironmentId, call: Call) -> Option<Call> {
        let Some((_, mailbox)) = self.environments.iter().find(|(other, _)| *other == id) else {
            return Some(call);
        };
        match mailbox.send(Message::Invoke(call)) {
            Err(mpsc::error::SendError(Message::Invoke(call))) => Some(call),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use lambkin_model::{Invocation, RequestId};
    use tokio::sync::oneshot;

    use super::*;
    use crate::call::Reply;

    fn call(id: &str) -> (Call, oneshot::Receiver<Reply>) {
        let (answer, outcome) = oneshot::channel();
        let invocation = Invocation::new(RequestId::new(id), "{}", "");
        (
            Call {
                invocation,
                wants_stream: false,
                answer,
            },
            outcome,
        )
    }

    /// The id of the call an environment is to serve next.
    fn next(next: Next) -> Option<String> {
        match next {
            Next::Serve(call) => Some(id(&call).to_owned()),
            Next::Wait | Next::End => None,
        }
    }

    fn id(call: &Call) -> &str {
        call.invocation.request_id.as_str()
    }

    /// An environment that has joined with its first call.
    fn environment(dispatcher: &Dispatcher) -> (EnvironmentId, mpsc::UnboundedReceiver<Message>) {
        let (first, _outcome) = call("first");
        assert!(matches!(dispatcher.place(first), Placement::Start(_)));
        let (sender, mailbox) = mpsc::unbounded_channel();
        (dispatcher.join(sender), mailbox)
    }

    #[test]
    fn the_environment_that_was_busy_last_is_used_first() {
        let dispatcher = Dispatcher::new(2, 10);
        let (one, mut mail_of_one) = environment(&dispatcher);
        let (two, mut mail_of_two) = environment(&dispatcher);
        assert!(matches!(dispatcher.release(one, false), Next::Wait));
        assert!(matches!(dispatcher.release(two, false), Next::Wait));
        let (next, _outcome) = call("next");
        assert!(matches!(dispatcher.place(next), Placement::Sent));
        assert!(matches!(mail_of_two.try_recv(), Ok(Message::Invoke(call)) if id(&call) == "next"));
        assert!(mail_of_one.try_recv().is_err());
    }

    #[test]
    fn at_the_limit_calls_queue_in_order_and_then_are_throttled() {
        let dispatcher = Dispatcher::new(1, 2);
        let (one, _mail) = environment(&dispatcher);
        let (a, _a) = call("a");
        let (b, _b) = call("b");
        let (c, _c) = call("c");
        assert!(matches!(dispatcher.place(a), Placement::Queued));
        assert!(matches!(dispatcher.place(b), Placement::Queued));
        assert!(matches!(
            dispatcher.place(c),
            Placement::Refused(InvokeError::Throttled)
        ));
        assert_eq!(next(dispatcher.release(one, false)).as_deref(), Some("a"));
        assert_eq!(next(dispatcher.release(one, false)).as_deref(), Some("b"));
        assert!(matches!(dispatcher.release(one, false), Next::Wait));
    }

    #[test]
    fn with_a_limit_of_zero_every_call_is_throttled() {
        let dispatcher = Dispatcher::new(0, 10);
        let (call, _outcome) = call("never");
        assert!(matches!(
            dispatcher.place(call),
            Placement::Refused(InvokeError::Throttled)
        ));
    }

    #[test]
    fn a_call_waits_for_an_environment_that_has_just_answered() {
        let dispatcher = Dispatcher::new(2, 0);
        let (one, _mail) = environment(&dispatcher);
        dispatcher.settle();
        let (a, _a) = call("a");
        let (b, _b) = call("b");
        assert!(matches!(dispatcher.place(a), Placement::Settling));
        assert!(
            matches!(dispatcher.place(b), Placement::Start(_)),
            "one settles, one call may wait for it"
        );
        assert_eq!(next(dispatcher.release(one, true)).as_deref(), Some("a"));
    }

    #[test]
    fn a_call_that_has_waited_enough_gets_an_environment_of_its_own_if_there_is_room() {
        let dispatcher = Dispatcher::new(2, 0);
        let (one, _mail) = environment(&dispatcher);
        dispatcher.settle();
        let (a, _a) = call("a");
        assert!(matches!(dispatcher.place(a), Placement::Settling));
        assert_eq!(dispatcher.stop_settling().as_ref().map(id), Some("a"));
        assert!(dispatcher.stop_settling().is_none(), "the limit is reached");
        assert!(matches!(dispatcher.release(one, true), Next::Wait));
    }

    #[test]
    fn whose_caller_has_gone_before_it_began_does_not_begin() {
        let dispatcher = Dispatcher::new(1, 2);
        let (one, _mail) = environment(&dispatcher);
        let (gone, outcome) = call("gone");
        drop(outcome);
        let (patient, _outcome) = call("patient");
        assert!(matches!(dispatcher.place(gone), Placement::Queued));
        assert!(matches!(dispatcher.place(patient), Placement::Queued));
        assert_eq!(
            next(dispatcher.release(one, false)).as_deref(),
            Some("patient")
        );
    }

    #[test]
    fn an_environment_that_has_ended_gets_no_call_and_leaves_its_place() {
        let dispatcher = Dispatcher::new(1, 0);
        let (one, mail) = environment(&dispatcher);
        assert!(matches!(dispatcher.release(one, false), Next::Wait));
        drop(mail);
        assert!(dispatcher.leave(one).is_none());
        let (next, _outcome) = call("next");
        assert!(matches!(dispatcher.place(next), Placement::Start(_)));
    }

    #[test]
    fn a_retired_environment_finishes_its_call_and_makes_room_for_the_next() {
        let dispatcher = Dispatcher::new(1, 2);
        let (one, mut mail) = environment(&dispatcher);
        let (waiting, _outcome) = call("waiting");
        assert!(matches!(dispatcher.place(waiting), Placement::Queued));
        dispatcher.retire();
        assert!(mail.try_recv().is_err(), "it works");
        assert!(matches!(dispatcher.release(one, false), Next::End));
        assert_eq!(dispatcher.leave(one).as_ref().map(id), Some("waiting"));
    }

    #[test]
    fn an_idle_environment_may_be_withdrawn_but_not_one_that_is_busy_or_kept() {
        let dispatcher = Dispatcher::new(2, 0);
        let (one, _mail) = environment(&dispatcher);
        let (two, _mail) = environment(&dispatcher);
        assert!(matches!(dispatcher.release(one, false), Next::Wait));
        assert!(!dispatcher.withdraw(two, 0), "it is busy");
        assert!(!dispatcher.withdraw(one, 2), "it is kept");
        assert!(dispatcher.withdraw(one, 1));
        let (call, _outcome) = call("next");
        assert!(
            matches!(dispatcher.place(call), Placement::Refused(_)),
            "it is gone"
        );
    }

    #[test]
    fn a_retired_environment_that_is_idle_ends_at_once() {
        let dispatcher = Dispatcher::new(2, 0);
        let (one, mut mail) = environment(&dispatcher);
        assert!(matches!(dispatcher.release(one, false), Next::Wait));
        dispatcher.retire();
        assert!(matches!(mail.try_recv(), Ok(Message::Retire)));
        let (fresh, _outcome) = call("fresh");
        assert!(matches!(dispatcher.place(fresh), Placement::Start(_)));
    }

    #[tokio::test]
    async fn closing_stops_all_refuses_all_and_waits_for_the_last_to_leave() {
        let dispatcher = Dispatcher::new(1, 1);
        let (one, mut mail) = environment(&dispatcher);
        let (waiting, outcome) = call("waiting");
        assert!(matches!(dispatcher.place(waiting), Placement::Queued));
        let leaving = async {
            assert!(matches!(mail.recv().await, Some(Message::Stop)));
            dispatcher.leave(one);
        };
        tokio::join!(dispatcher.close(), leaving);
        assert!(matches!(
            outcome.await.unwrap(),
            Reply::Whole(outcome) if outcome.result == Err(InvokeError::ShuttingDown)
        ));
        let (late, _outcome) = call("late");
        assert!(matches!(
            dispatcher.place(late),
            Placement::Refused(InvokeError::ShuttingDown)
        ));
    }
}
