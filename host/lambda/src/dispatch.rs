//! Assigns calls to the environments of one function.
//!
//! A call goes to an idle environment. Otherwise it waits for one: for one that will be idle in a moment, for one that
//! is starting, or for a new one, which is started for it. Whichever is ready first takes the call that has waited
//! longest, so that a call never waits for a start while another environment is idle, and a start whose turn comes when
//! no call waits for it is not made. If the function has reached its concurrency limit, the call is queued; if
//! the queue is full, it is throttled.
//!
//! The dispatcher counts places and not calls: an environment that serves several calls at a time is in the list of
//! idle environments once for each free place.
//!
//! The lock protects plain collections only and is never held across an await.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use lambkin_model::InvokeError;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

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
    /// The maximum number of calls that wait although no environment is starting for them.
    queue: usize,
    /// The number of calls that one environment serves at a time.
    places: usize,
    state: Mutex<State>,
    environment_left: Notify,
    closing: CancellationToken,
}

#[derive(Debug, Default)]
struct State {
    members: Vec<Member>,
    /// Environments that end instead of serving another call.
    retiring: Vec<EnvironmentId>,
    /// The number of environments for which a place is reserved and that have not joined yet.
    starting: usize,
    last_id: EnvironmentId,
    /// Idle environments. The one that became idle last is used first: its memory is warm, and the others may be ended.
    idle: Vec<EnvironmentId>,
    /// The number of environments that have answered and will ask for the next event in a moment.
    soon_idle: usize,
    waiting: VecDeque<WaitingCall>,
}

/// An environment that has joined.
#[derive(Debug)]
struct Member {
    id: EnvironmentId,
    mailbox: Mailbox,
    is_initializing: bool,
}

#[derive(Debug)]
struct WaitingCall {
    call: Call,
    /// Whether an environment has been started for this call. Such a call is made even if its caller goes away, as on
    /// AWS, where the invocation has begun.
    has_begun: bool,
}

/// What the dispatcher did with a call.
#[derive(Debug)]
pub(crate) enum Placement {
    /// The call was sent to an idle environment.
    Sent,
    /// The call waits for an environment that will soon be idle; see [`Dispatcher::stop_waiting_for_idle`].
    WaitsForIdle,
    /// The call waits: for an environment that is starting, or because the function has reached its limit.
    Queued,
    /// The call waits, and a place is reserved: the dispatcher's caller must start an environment.
    Start,
    /// The call is refused.
    Refused(InvokeError),
}

/// For whom an environment is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StartFor {
    /// A call that waits.
    Call,
    /// The function's provisioned concurrency.
    Provisioned,
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
    /// A dispatcher of at most `limit` environments, each with this number of `places`, and of at most `queue` calls
    /// that wait although no environment is starting for them.
    pub(crate) fn new(limit: usize, queue: usize, places: usize) -> Self {
        Self {
            limit,
            queue,
            places: places.max(1),
            state: Mutex::default(),
            environment_left: Notify::new(),
            closing: CancellationToken::new(),
        }
    }

    /// Assigns a call.
    pub(crate) fn place(&self, mut call: Call) -> Placement {
        let mut state = self.lock();
        if self.closing.is_cancelled() {
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
        let arriving = self.places_arriving(&state);
        let waiting = state.waiting.len();
        let placement = if waiting < arriving {
            Placement::Queued
        } else if waiting < arriving + state.soon_idle {
            Placement::WaitsForIdle
        } else if state.size() < self.limit {
            state.starting += 1;
            Placement::Start
        } else if waiting < arriving + self.queue {
            Placement::Queued
        } else {
            return Placement::Refused(InvokeError::Throttled);
        };
        state.waiting.push_back(WaitingCall {
            call,
            has_begun: false,
        });
        placement
    }

    /// Called when a call has waited long enough for an environment to become idle. Returns whether the caller must
    /// start an environment, for which a place is then reserved.
    pub(crate) fn stop_waiting_for_idle(&self) -> bool {
        self.reserve_if_needed(&mut self.lock())
    }

    /// Reserves a place for an environment of the provisioned concurrency. Returns whether the limit allows one.
    pub(crate) fn reserve(&self) -> bool {
        let mut state = self.lock();
        let has_place = !self.closing.is_cancelled() && state.size() < self.limit;
        if has_place {
            state.starting += 1;
        }
        has_place
    }

    /// Adds a new environment, for which a place is reserved, at the moment when it starts. Returns `None`, and gives
    /// the place back, if it need not start: because no call waits for it, or because the host shuts down.
    pub(crate) fn join(&self, mailbox: Mailbox, start_for: StartFor) -> Option<EnvironmentId> {
        let mut state = self.lock();
        state.starting = state.starting.saturating_sub(1);
        state.forget_callers_that_have_gone();
        let is_needed = start_for == StartFor::Provisioned
            || state.waiting.len() > state.initializing() * self.places;
        if self.closing.is_cancelled() || !is_needed {
            drop(state);
            self.environment_left.notify_one();
            return None;
        }
        let not_begun = state.waiting.iter_mut().filter(|one| !one.has_begun);
        for waiting in not_begun.take(self.places) {
            waiting.has_begun = true;
        }
        state.last_id += 1;
        let id = state.last_id;
        state.members.push(Member {
            id,
            mailbox,
            is_initializing: true,
        });
        Some(id)
    }

    /// Reports the end of an environment's init phase, whether or not it succeeded. The environment then releases its
    /// places.
    pub(crate) fn initialized(&self, id: EnvironmentId) {
        let mut state = self.lock();
        if let Some(member) = state.members.iter_mut().find(|member| member.id == id) {
            member.is_initializing = false;
        }
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

    /// Removes an environment that has ended. Returns whether its caller must start another one, for which a place is
    /// then reserved, because a call waits.
    pub(crate) fn leave(&self, id: EnvironmentId) -> bool {
        let mut state = self.lock();
        state.members.retain(|member| member.id != id);
        state.idle.retain(|other| *other != id);
        state.retiring.retain(|other| *other != id);
        state.forget_callers_that_have_gone();
        let starts_another = self.reserve_if_needed(&mut state);
        drop(state);
        self.environment_left.notify_one();
        starts_another
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
        state.retiring = state.members.iter().map(|member| member.id).collect();
        for idle in std::mem::take(&mut state.idle) {
            if let Some(member) = state.members.iter().find(|member| member.id == idle) {
                let _ = member.mailbox.send(Message::Retire); // it has just ended
            }
        }
    }

    /// Refuses all waiting and further calls, stops every environment, and returns when the last one has ended.
    pub(crate) async fn close(&self) {
        let waiting = {
            let mut state = self.lock();
            self.closing.cancel();
            for member in &state.members {
                let _ = member.mailbox.send(Message::Stop); // it has just ended
            }
            std::mem::take(&mut state.waiting)
        };
        for WaitingCall { call, .. } in waiting {
            let _ = call.answer.send(shutting_down()); // the caller went away
        }
        while self.lock().size() > 0 {
            self.environment_left.notified().await;
        }
    }

    /// Returns when [`Dispatcher::close`] has been called. [`Dispatcher::join`] then returns `None`.
    pub(crate) async fn closing(&self) {
        self.closing.cancelled().await;
    }

    /// Reserves a place if more calls wait than the environments that are starting have places, and the limit allows
    /// another environment.
    fn reserve_if_needed(&self, state: &mut State) -> bool {
        let is_needed = state.waiting.len() > self.places_arriving(state)
            && state.size() < self.limit
            && !self.closing.is_cancelled();
        if is_needed {
            state.starting += 1;
        }
        is_needed
    }

    /// The places of the environments that are starting.
    fn places_arriving(&self, state: &State) -> usize {
        (state.starting + state.initializing()) * self.places
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn size(&self) -> usize {
        self.members.len() + self.starting
    }

    /// The number of environments in their init phase.
    fn initializing(&self) -> usize {
        let members = self.members.iter();
        members.filter(|member| member.is_initializing).count()
    }

    /// Removes the first waiting call that is to be made.
    fn first_waiting(&mut self) -> Option<Call> {
        while let Some(waiting) = self.waiting.pop_front() {
            if waiting.is_wanted() {
                return Some(waiting.call);
            }
        }
        None
    }

    fn forget_callers_that_have_gone(&mut self) {
        self.waiting.retain(WaitingCall::is_wanted);
    }

    /// Sends a call to an environment; returns it if the environment has just ended.
    fn send(&self, id: EnvironmentId, call: Call) -> Option<Call> {
        let Some(member) = self.members.iter().find(|member| member.id == id) else {
            return Some(call);
        };
        match member.mailbox.send(Message::Invoke(call)) {
            Err(mpsc::error::SendError(Message::Invoke(call))) => Some(call),
            _ => None,
        }
    }
}

impl WaitingCall {
    /// Whether the call is to be made. A call that has not begun and whose caller has gone need not begin.
    fn is_wanted(&self) -> bool {
        self.has_begun || !self.call.answer.is_closed()
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

    /// An environment that serves its first call.
    fn environment(dispatcher: &Dispatcher) -> (EnvironmentId, mpsc::UnboundedReceiver<Message>) {
        let (first, _outcome) = call("first");
        assert!(matches!(dispatcher.place(first), Placement::Start));
        let (id, mailbox) = start(dispatcher, StartFor::Call).unwrap();
        assert_eq!(initialize(dispatcher, id).as_deref(), Some("first"));
        (id, mailbox)
    }

    /// It is the turn of an environment for which a place is reserved.
    fn start(
        dispatcher: &Dispatcher,
        start_for: StartFor,
    ) -> Option<(EnvironmentId, mpsc::UnboundedReceiver<Message>)> {
        let (sender, mailbox) = mpsc::unbounded_channel();
        Some((dispatcher.join(sender, start_for)?, mailbox))
    }

    /// The init phase ends. Returns the id of the first call that the environment serves.
    fn initialize(dispatcher: &Dispatcher, environment: EnvironmentId) -> Option<String> {
        dispatcher.initialized(environment);
        next(dispatcher.release(environment, false))
    }

    #[test]
    fn the_environment_that_became_idle_last_is_used_first() {
        let dispatcher = Dispatcher::new(2, 10, 1);
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
        let dispatcher = Dispatcher::new(1, 2, 1);
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
        let dispatcher = Dispatcher::new(0, 10, 1);
        let (call, _outcome) = call("never");
        assert!(matches!(
            dispatcher.place(call),
            Placement::Refused(InvokeError::Throttled)
        ));
    }

    #[test]
    fn a_call_waits_for_an_environment_that_has_just_answered() {
        let dispatcher = Dispatcher::new(2, 0, 1);
        let (one, _mail) = environment(&dispatcher);
        dispatcher.announce_idle();
        let (a, _a) = call("a");
        let (b, _b) = call("b");
        assert!(matches!(dispatcher.place(a), Placement::WaitsForIdle));
        assert!(
            matches!(dispatcher.place(b), Placement::Start),
            "one will soon be idle, so one call may wait for it"
        );
        assert_eq!(next(dispatcher.release(one, true)).as_deref(), Some("a"));
    }

    #[test]
    fn a_call_that_has_waited_long_enough_gets_a_new_environment_if_the_limit_allows_it() {
        let dispatcher = Dispatcher::new(2, 0, 1);
        let (one, _mail) = environment(&dispatcher);
        dispatcher.announce_idle();
        let (a, _a) = call("a");
        assert!(matches!(dispatcher.place(a), Placement::WaitsForIdle));
        assert!(dispatcher.stop_waiting_for_idle());
        let (b, _b) = call("b");
        assert!(matches!(dispatcher.place(b), Placement::WaitsForIdle));
        assert!(!dispatcher.stop_waiting_for_idle(), "the limit is reached");
        let (two, _mail) = start(&dispatcher, StartFor::Call).unwrap();
        assert_eq!(initialize(&dispatcher, two).as_deref(), Some("a"));
        assert_eq!(next(dispatcher.release(one, true)).as_deref(), Some("b"));
    }

    #[test]
    fn a_call_whose_caller_has_gone_does_not_begin() {
        let dispatcher = Dispatcher::new(1, 2, 1);
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
        let dispatcher = Dispatcher::new(1, 0, 1);
        let (one, mail) = environment(&dispatcher);
        assert!(matches!(dispatcher.release(one, false), Next::Wait));
        drop(mail);
        assert!(!dispatcher.leave(one));
        let (next, _outcome) = call("next");
        assert!(matches!(dispatcher.place(next), Placement::Start));
    }

    #[test]
    fn a_retired_environment_finishes_its_call_and_frees_its_place() {
        let dispatcher = Dispatcher::new(1, 2, 1);
        let (one, mut mail) = environment(&dispatcher);
        let (waiting, _outcome) = call("waiting");
        assert!(matches!(dispatcher.place(waiting), Placement::Queued));
        dispatcher.retire();
        assert!(mail.try_recv().is_err(), "it is busy");
        assert!(matches!(dispatcher.release(one, false), Next::End));
        assert!(dispatcher.leave(one), "the waiting call needs another one");
        let (two, _mail) = start(&dispatcher, StartFor::Call).unwrap();
        assert_eq!(initialize(&dispatcher, two).as_deref(), Some("waiting"));
    }

    #[test]
    fn an_environment_can_be_withdrawn_unless_it_is_busy_or_must_be_kept() {
        let dispatcher = Dispatcher::new(2, 0, 1);
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
        let dispatcher = Dispatcher::new(2, 0, 1);
        let (one, mut mail) = environment(&dispatcher);
        assert!(matches!(dispatcher.release(one, false), Next::Wait));
        dispatcher.retire();
        assert!(matches!(mail.try_recv(), Ok(Message::Retire)));
        let (fresh, _outcome) = call("fresh");
        assert!(matches!(dispatcher.place(fresh), Placement::Start));
    }

    #[test]
    fn a_call_that_waits_for_a_start_takes_an_environment_that_becomes_idle_first() {
        let dispatcher = Dispatcher::new(3, 0, 1);
        let (one, _mail) = environment(&dispatcher);
        let (a, _a) = call("a");
        let (b, _b) = call("b");
        assert!(matches!(dispatcher.place(a), Placement::Start));
        assert!(matches!(dispatcher.place(b), Placement::Start));
        let (two, _mail) = start(&dispatcher, StartFor::Call).unwrap();
        assert_eq!(next(dispatcher.release(one, false)).as_deref(), Some("a"));
        assert!(
            start(&dispatcher, StartFor::Call).is_none(),
            "the environment that is starting serves the call that is left"
        );
        assert_eq!(initialize(&dispatcher, two).as_deref(), Some("b"));
        let (c, _c) = call("c");
        assert!(
            matches!(dispatcher.place(c), Placement::Start),
            "the place of the start that was not made is free again"
        );
    }

    #[test]
    fn a_start_for_a_caller_that_has_gone_is_not_made() {
        let dispatcher = Dispatcher::new(1, 0, 1);
        let (a, outcome) = call("a");
        assert!(matches!(dispatcher.place(a), Placement::Start));
        drop(outcome);
        assert!(start(&dispatcher, StartFor::Call).is_none());
    }

    #[test]
    fn a_call_for_which_an_environment_starts_is_made_even_if_its_caller_goes() {
        let dispatcher = Dispatcher::new(1, 0, 1);
        let (a, outcome) = call("a");
        assert!(matches!(dispatcher.place(a), Placement::Start));
        let (one, _mail) = start(&dispatcher, StartFor::Call).unwrap();
        drop(outcome);
        assert_eq!(initialize(&dispatcher, one).as_deref(), Some("a"));
    }

    #[test]
    fn calls_share_the_places_of_an_environment_that_is_starting() {
        let dispatcher = Dispatcher::new(2, 0, 2);
        for (id, starts) in [("a", true), ("b", false), ("c", true)] {
            let placement = dispatcher.place(call(id).0);
            assert_eq!(matches!(placement, Placement::Start), starts, "{id}");
        }
    }

    #[test]
    fn a_call_waits_for_a_provisioned_environment_that_is_starting() {
        let dispatcher = Dispatcher::new(2, 0, 1);
        assert!(dispatcher.reserve());
        let (one, _mail) = start(&dispatcher, StartFor::Provisioned).unwrap();
        let (a, _a) = call("a");
        assert!(matches!(dispatcher.place(a), Placement::Queued));
        assert_eq!(initialize(&dispatcher, one).as_deref(), Some("a"));
    }

    #[tokio::test]
    async fn closing_ends_starts_whose_turn_has_not_come() {
        let dispatcher = Dispatcher::new(1, 0, 1);
        let (a, _a) = call("a");
        assert!(matches!(dispatcher.place(a), Placement::Start));
        let starting = async {
            dispatcher.closing().await;
            assert!(start(&dispatcher, StartFor::Call).is_none());
        };
        tokio::join!(dispatcher.close(), starting);
    }

    #[tokio::test]
    async fn closing_stops_all_environments_refuses_all_calls_and_waits_for_the_last_to_end() {
        let dispatcher = Dispatcher::new(1, 1, 1);
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
