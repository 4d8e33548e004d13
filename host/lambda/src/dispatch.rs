//! Assigns calls to the environments of one function.
//!
//! A call goes to an idle environment; otherwise it waits for one that will soon be idle; otherwise it starts a new
//! one. If the function has reached its concurrency limit, the call is queued; if the queue is full, it is throttled.
//! An environment becomes idle again when its runtime asks for the next event.
//!
//! The dispatcher counts places and not calls: an environment that serves several calls at a time is in the list of
//! idle environments once for each free place.
//!
//! The lock protects plain collections only and is never held across an await.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use lambkin_model::InvokeError;
use tokio::sync::{Notify, mpsc};

use crate::call::{Call, shutting_down};

/// A message to an environment.
#[derive(Debug)]
pub(crate) enum Message {
    /// Serve this call. Sent only to an environment with a free place.
    Invoke(Call),
    /// End as soon as no invocation is in flight.
    Retire,
    /// End at once. The caller of an invocation in flight gets [`InvokeError::ShuttingDown`].
    Stop,
}

/// The sender of an environment's messages. At most one call per place and one stop are in it, so it needs no bound.
pub(crate) type Mailbox = mpsc::UnboundedSender<Message>;

/// Identifies an environment among those of one function.
pub(crate) type EnvironmentId = u64;

#[derive(Debug)]
pub(crate) struct Dispatcher {
    /// The maximum number of environments.
    limit: usize,
    /// The maximum number of waiting calls.
    queue: usize,
    state: Mutex<State>,
    environment_left: Notify,
}

#[derive(Debug, Default)]
struct State {
    environments: Vec<(EnvironmentId, Mailbox)>,
    /// Environments that end instead of serving another call.
    retiring: Vec<EnvironmentId>,
    /// The number of environments for which a place is reserved and that have not joined yet.
    starting: usize,
    last_id: EnvironmentId,
    /// Idle environments. The one that became idle last is used first: its memory is warm, and the others may be ended.
    idle: Vec<EnvironmentId>,
    /// The number of environments that have answered and will ask for the next event in a moment.
    soon_idle: usize,
    waiting: VecDeque<Call>,
    closed: bool,
}

/// What the dispatcher did with a call.
#[derive(Debug)]
pub(crate) enum Placement {
    /// The call was sent to an idle environment.
    Sent,
    /// The call waits for an environment that will soon be idle; see [`Dispatcher::stop_waiting_for_idle`].
    WaitsForIdle,
    /// The call is queued because the function has reached its concurrency limit.
    Queued,
    /// A place is reserved; the dispatcher's caller must start an environment with this call.
    Start(Call),
    /// The call is refused.
    Refused(InvokeError),
}

/// What an environment does when a place has become free.
#[derive(Debug)]
pub(crate) enum Next {
    /// Serve this call.
    Serve(Call),
    /// Wait for a message.
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
            environment_left: Notify::new(),
        }
    }

    /// Assigns a call.
    pub(crate) fn place(&self, mut call: Call) -> Placement {
        let mut state = self.lock();
        if state.closed {
            return Placement::Refused(InvokeError::ShuttingDown);
        }
        // With a reserved concurrency of 0 there will never be an environment to wait for.
        if self.limit == 0 {
            return Placement::Refused(InvokeError::Throttled);
        }
        while let Some(id) = state.idle.pop() {
            match state.send(id, call) {
                None => return Placement::Sent,
                Some(unsent) => call = unsent,
            }
        }
        if state.soon_idle > state.waiting.len() {
            state.waiting.push_back(call);
            return Placement::WaitsForIdle;
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

    /// Called when a call has waited long enough for an environment to become idle. If the limit allows another
    /// environment, reserves its place and returns the first waiting call, with which the caller must start it.
    pub(crate) fn stop_waiting_for_idle(&self) -> Option<Call> {
        let mut state = self.lock();
        if state.size() >= self.limit {
            return None;
        }
        let call = state.waiting.pop_front()?;
        state.starting += 1;
        Some(call)
    }

    /// Reserves a place for an environment that is started without a call. Returns whether the limit allows one.
    pub(crate) fn reserve(&self) -> bool {
        let mut state = self.lock();
        let has_place = !state.closed && state.size() < self.limit;
        if has_place {
            state.starting += 1;
        }
        has_place
    }

    /// Adds a new environment, for which a place is reserved.
    pub(crate) fn join(&self, mailbox: Mailbox) -> EnvironmentId {
        let mut state = self.lock();
        state.starting = state.starting.saturating_sub(1);
        state.last_id += 1;
        let id = state.last_id;
        if state.closed {
            // The first message that the environment receives.
            let _ = mailbox.send(Message::Stop); // the receiver exists
        }
        state.environments.push((id, mailbox));
        id
    }

    /// Announces that an environment has answered its caller and will be idle in a moment.
    pub(crate) fn announce_idle(&self) {
        self.lock().soon_idle += 1;
    }

    /// Reports a free place of an environment; `announced` says whether [`Dispatcher::announce_idle`] preceded.
    pub(crate) fn release(&self, id: EnvironmentId, announced: bool) -> Next {
        let mut state = self.lock();
        if announced {
            state.soon_idle = state.soon_idle.saturating_sub(1);
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

    /// Removes an environment that has ended. If a call waits, reserves the place for another environment and returns
    /// the call, with which the caller must start it.
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
        self.environment_left.notify_one();
        next
    }

    /// Takes an idle environment out of service; it must then end. Returns `false` if it is not idle, because a call
    /// has just been sent to it, or if fewer than `at_least` environments would be left.
    pub(crate) fn withdraw(&self, id: EnvironmentId, at_least: usize) -> bool {
        let mut state = self.lock();
        let is_spare = state.size() > at_least;
        let is_idle = state.idle.contains(&id);
        if is_spare && is_idle {
            state.idle.retain(|other| *other != id);
        }
        is_spare && is_idle
    }

    /// Ends every environment: idle ones at once, the others after their calls.
    pub(crate) fn retire(&self) {
        let mut state = self.lock();
        state.retiring = state.environments.iter().map(|(id, _)| *id).collect();
        for idle in std::mem::take(&mut state.idle) {
            let environment = state.environments.iter().find(|(id, _)| *id == idle);
            if let Some((_, mailbox)) = environment {
                let _ = mailbox.send(Message::Retire); // it has just ended
            }
        }
    }

    /// Refuses all waiting and further calls, stops every environment, and returns when the last one has ended.
    pub(crate) async fn close(&self) {
        let waiting = {
            let mut state = self.lock();
            state.closed = true;
            for (_, mailbox) in &state.environments {
                let _ = mailbox.send(Message::Stop); // it has just ended
            }
            std::mem::take(&mut state.waiting)
        };
        for call in waiting {
            let _ = call.answer.send(shutting_down()); // the caller went away
        }
        while self.lock().size() > 0 {
            self.environment_left.notified().await;
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

    /// Removes the first waiting call whose caller is still there. A call without a caller need not begin.
    fn first_waiting(&mut self) -> Option<Call> {
        while let Some(call) = self.waiting.pop_front() {
            if !call.answer.is_closed() {
                return Some(call);
            }
        }
        None
    }

    /// Sends a call to an environment; returns it if the environment has just ended.
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

    /// The id of the call that an environment serves next.
    fn next(next: Next) -> Option<String> {
        match next {
            Next::Serve(call) => Some(id(&call).to_owned()),
            Next::Wait | Next::End => None,
        }
    }

    fn id(call: &Call) -> &str {
        call.invocation.request_id.as_str()
    }

    /// An environment that has joined, with its first call.
    fn environment(dispatcher: &Dispatcher) -> (EnvironmentId, mpsc::UnboundedReceiver<Message>) {
        let (first, _outcome) = call("first");
        assert!(matches!(dispatcher.place(first), Placement::Start(_)));
        let (sender, mailbox) = mpsc::unbounded_channel();
        (dispatcher.join(sender), mailbox)
    }

    #[test]
    fn the_environment_that_became_idle_last_is_used_first() {
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
    fn at_the_limit_calls_are_queued_in_order_and_then_throttled() {
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
        dispatcher.announce_idle();
        let (a, _a) = call("a");
        let (b, _b) = call("b");
        assert!(matches!(dispatcher.place(a), Placement::WaitsForIdle));
        assert!(
            matches!(dispatcher.place(b), Placement::Start(_)),
            "one will soon be idle, so one call may wait for it"
        );
        assert_eq!(next(dispatcher.release(one, true)).as_deref(), Some("a"));
    }

    #[test]
    fn a_call_that_has_waited_long_enough_gets_a_new_environment_if_the_limit_allows_it() {
        let dispatcher = Dispatcher::new(2, 0);
        let (one, _mail) = environment(&dispatcher);
        dispatcher.announce_idle();
        let (a, _a) = call("a");
        assert!(matches!(dispatcher.place(a), Placement::WaitsForIdle));
        assert_eq!(
            dispatcher.stop_waiting_for_idle().as_ref().map(id),
            Some("a")
        );
        assert!(
            dispatcher.stop_waiting_for_idle().is_none(),
            "the limit is reached"
        );
        assert!(matches!(dispatcher.release(one, true), Next::Wait));
    }

    #[test]
    fn a_call_whose_caller_has_gone_does_not_begin() {
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
    fn an_environment_that_has_ended_gets_no_call_and_frees_its_place() {
        let dispatcher = Dispatcher::new(1, 0);
        let (one, mail) = environment(&dispatcher);
        assert!(matches!(dispatcher.release(one, false), Next::Wait));
        drop(mail);
        assert!(dispatcher.leave(one).is_none());
        let (next, _outcome) = call("next");
        assert!(matches!(dispatcher.place(next), Placement::Start(_)));
    }

    #[test]
    fn a_retired_environment_finishes_its_call_and_frees_its_place() {
        let dispatcher = Dispatcher::new(1, 2);
        let (one, mut mail) = environment(&dispatcher);
        let (waiting, _outcome) = call("waiting");
        assert!(matches!(dispatcher.place(waiting), Placement::Queued));
        dispatcher.retire();
        assert!(mail.try_recv().is_err(), "it is busy");
        assert!(matches!(dispatcher.release(one, false), Next::End));
        assert_eq!(dispatcher.leave(one).as_ref().map(id), Some("waiting"));
    }

    #[test]
    fn an_environment_can_be_withdrawn_unless_it_is_busy_or_must_be_kept() {
        let dispatcher = Dispatcher::new(2, 0);
        let (one, _mail) = environment(&dispatcher);
        let (two, _mail) = environment(&dispatcher);
        assert!(matches!(dispatcher.release(one, false), Next::Wait));
        assert!(!dispatcher.withdraw(two, 0), "it is busy");
        assert!(!dispatcher.withdraw(one, 2), "it must be kept");
        assert!(dispatcher.withdraw(one, 1));
        let (call, _outcome) = call("next");
        assert!(
            matches!(dispatcher.place(call), Placement::Refused(_)),
            "it is out of service"
        );
    }

    #[test]
    fn an_idle_environment_ends_at_once_when_it_is_retired() {
        let dispatcher = Dispatcher::new(2, 0);
        let (one, mut mail) = environment(&dispatcher);
        assert!(matches!(dispatcher.release(one, false), Next::Wait));
        dispatcher.retire();
        assert!(matches!(mail.try_recv(), Ok(Message::Retire)));
        let (fresh, _outcome) = call("fresh");
        assert!(matches!(dispatcher.place(fresh), Placement::Start(_)));
    }

    #[tokio::test]
    async fn closing_stops_all_environments_refuses_all_calls_and_waits_for_the_last_to_end() {
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
