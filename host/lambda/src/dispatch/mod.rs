//! Assigns calls to the environments of one function.
//!
//! A call goes to an idle environment. Otherwise it waits for one: for one that will be idle in a moment, for one that
//! is starting, or for a new one, which is started for it. Whichever is ready first takes the call that has waited
//! longest, so that a call never waits for a start while another environment is idle, and a start whose turn comes when
//! no call waits for it is not made. If the function has reached its concurrency limit, the call is queued; if
//! the queue is full, it is throttled.
//!
//! Environments may need something of which there is one on the machine, such as a fixed port. One that could not start
//! for that reason [gives way](Dispatcher::give_way), and calls wait for those that have started.
//!
//! The dispatcher counts places and not calls: an environment that serves several calls at a time is in the list of
//! idle environments once for each free place.
//!
//! The lock protects plain collections only and is never held across an await.
//!
//! The files in order, each of which uses only earlier ones: `members`, `waiting`, and this one.

mod members;
#[cfg(test)]
mod tests;
mod waiting;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use lambkin_model::InvokeError;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use self::members::Members;
pub(crate) use self::members::{EnvironmentId, Mailbox, Message};
use self::waiting::WaitingCalls;
use crate::call::{Call, shutting_down};

#[derive(Debug)]
pub(crate) struct Dispatcher {
    /// The maximum number of environments.
    limit: usize,
    /// The maximum number of calls that wait although no environment is starting for them.
    queue: usize,
    /// The number of calls that one environment serves at a time.
    places: usize,
    /// Whether environments that end instead of serving another call count towards the limit.
    pub(crate) counts_retiring: bool,
    state: Mutex<State>,
    environment_left: Notify,
    closing: CancellationToken,
}

#[derive(Debug, Default)]
struct State {
    members: Members,
    /// The number of environments that can live at the same time, if that has turned out to be lower than the limit.
    /// Forgotten when all of them have ended or the code changes.
    ceiling: Option<usize>,
    /// The number of environments that have answered and will ask for the next event in a moment.
    soon_idle: usize,
    /// When an environment became free last.
    last_release: Option<Instant>,
    waiting: WaitingCalls,
}

/// What the dispatcher did with a call.
#[derive(Debug)]
pub(crate) enum Placement {
    /// The call was sent to an idle environment.
    Sent,
    /// The call waits for an environment that will soon be idle; see [`Dispatcher::needs_another`].
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

/// The answer to an environment that wants to give way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// There is no other environment, so that nothing changes.
    Alone,
    /// The environment must end. `is_first` says whether no other one had to since the first one lived.
    Given { is_first: bool },
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
            counts_retiring: true,
            state: Mutex::default(),
            environment_left: Notify::new(),
            closing: CancellationToken::new(),
        }
    }

    /// Assigns a call.
    pub(crate) fn place(&self, call: Call) -> Placement {
        let mut state = self.lock();
        if self.closing.is_cancelled() {
            return Placement::Refused(InvokeError::ShuttingDown);
        }
        // With a reserved concurrency of 0 there will never be an environment to wait for.
        if self.limit == 0 {
            return Placement::Refused(InvokeError::Throttled);
        }
        let Some(call) = state.members.send(call) else {
            return Placement::Sent;
        };
        let arriving = self.places_arriving(&state);
        let waiting = state.waiting.len();
        let placement = if waiting < arriving {
            Placement::Queued
        } else if waiting < arriving + state.soon_idle {
            Placement::WaitsForIdle
        } else if self.size(&state) < self.limit(&state) {
            state.members.reserve();
            Placement::Start
        } else if waiting < arriving + self.queue {
            Placement::Queued
        } else {
            return Placement::Refused(InvokeError::Throttled);
        };
        state.waiting.push(call);
        placement
    }

    /// Called when a call has waited long enough for an environment to become idle, and when an environment has been told
    /// to retire. Returns whether the caller must start an environment, for which a place is then reserved.
    pub(crate) fn needs_another(&self) -> bool {
        self.reserve_if_needed(&mut self.lock())
    }

    /// Reserves a place for an environment of the provisioned concurrency. Returns whether the limit allows one.
    pub(crate) fn reserve(&self) -> bool {
        let mut state = self.lock();
        let has_place = !self.closing.is_cancelled() && self.size(&state) < self.limit(&state);
        if has_place {
            state.members.reserve();
        }
        has_place
    }

    /// Adds a new environment, for which a place is reserved, at the moment when it starts. Returns `None`, and gives
    /// the place back, if it need not start: because no call waits for it, because it could not live beside the others, or
    /// because the host shuts down.
    pub(crate) fn join(&self, mailbox: Mailbox, start_for: StartFor) -> Option<EnvironmentId> {
        let mut state = self.lock();
        state.members.cancel_reservation();
        state.waiting.forget_callers_that_have_gone();
        let is_needed = start_for == StartFor::Provisioned
            || state.waiting.len() > state.members.initializing() * self.places;
        let retiring = self.not_counted(&state);
        let can_live = state.members.staying() - retiring < self.limit(&state);
        if self.closing.is_cancelled() || !is_needed || !can_live {
            drop(state);
            self.environment_left.notify_one();
            return None;
        }
        state.waiting.begin(self.places);
        Some(state.members.join(mailbox))
    }

    /// Reports the end of an environment's init phase, whether or not it succeeded. The environment then releases its
    /// places.
    pub(crate) fn initialized(&self, id: EnvironmentId) {
        self.lock().members.initialized(id);
    }

    /// An environment cannot live beside the others: takes it out of service, unless it is the only one, and limits
    /// their number to those that are left until they have ended.
    pub(crate) fn give_way(&self, id: EnvironmentId) -> Way {
        let mut state = self.lock();
        let Some(others) = state.members.set_leaving(id) else {
            return Way::Alone;
        };
        let is_first = state.ceiling.replace(others).is_none();
        Way::Given { is_first }
    }

    /// Assigns a call again whose environment has given way. It is served before all others.
    pub(crate) fn put_back(&self, call: Call) {
        let mut state = self.lock();
        if self.closing.is_cancelled() {
            let _ = call.answer.send(shutting_down()); // the caller went away
        } else if let Some(call) = state.members.send(call) {
            state.waiting.push_first(call);
        }
    }

    /// Announces that an environment has answered its caller and will be idle in a moment.
    pub(crate) fn announce_idle(&self) {
        self.lock().soon_idle += 1;
    }

    /// Reports a free place of an environment; `announced` says whether [`Dispatcher::announce_idle`] preceded.
    pub(crate) fn release(&self, id: EnvironmentId, announced: bool) -> Next {
        let mut state = self.lock();
        state.last_release = Some(Instant::now());
        if announced {
            state.soon_idle = state.soon_idle.saturating_sub(1);
        }
        if state.members.is_retiring(id) {
            return Next::End;
        }
        match state.waiting.first() {
            Some(call) => Next::Serve(call),
            None => {
                state.members.add_idle(id);
                Next::Wait
            }
        }
    }

    /// Removes an environment that has ended. Returns whether its caller must start another one, for which a place is
    /// then reserved, because a call waits.
    pub(crate) fn leave(&self, id: EnvironmentId) -> bool {
        let mut state = self.lock();
        state.members.remove(id);
        if state.members.staying() == 0 {
            state.ceiling = None;
        }
        state.waiting.forget_callers_that_have_gone();
        let starts_another = self.reserve_if_needed(&mut state);
        drop(state);
        self.environment_left.notify_one();
        starts_another
    }

    /// Takes an idle environment out of service; it must then end. Returns `false` if it is not idle, because a call
    /// has just been sent to it, or if fewer than `at_least` environments would be left.
    pub(crate) fn withdraw(&self, id: EnvironmentId, at_least: usize) -> bool {
        let mut state = self.lock();
        let is_spare = state.members.size() > at_least;
        let is_idle = state.members.is_idle(id);
        if is_spare && is_idle {
            state.members.remove_idle(id);
        }
        is_spare && is_idle
    }

    /// Whether an environment is working, or was within this time.
    pub(crate) fn was_active_within(&self, time: Duration) -> bool {
        let state = self.lock();
        let last = state.last_release;
        state.members.has_active() || last.is_some_and(|last| last.elapsed() <= time)
    }

    /// Ends every environment: at once if it is idle or in its init phase, the others after their calls. A call that
    /// waits for one that ends gets another one.
    pub(crate) fn retire(&self) {
        let mut state = self.lock();
        state.members.retire();
        state.ceiling = None;
    }

    /// Refuses all waiting and further calls, stops every environment, and returns when the last one has ended.
    pub(crate) async fn close(&self) {
        let waiting = {
            let mut state = self.lock();
            self.closing.cancel();
            state.members.stop();
            state.waiting.take()
        };
        for call in waiting {
            let _ = call.answer.send(shutting_down()); // the caller went away
        }
        while !self.lock().members.is_empty() {
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
            && self.size(state) < self.limit(state)
            && !self.closing.is_cancelled();
        if is_needed {
            state.members.reserve();
        }
        is_needed
    }

    /// The maximum number of environments at the moment.
    fn limit(&self, state: &State) -> usize {
        state
            .ceiling
            .map_or(self.limit, |ceiling| ceiling.min(self.limit))
    }

    /// The number of environments that count towards the limit, including reserved places.
    fn size(&self, state: &State) -> usize {
        state.members.size() - self.not_counted(state)
    }

    /// The number of environments that have joined and do not count towards the limit.
    fn not_counted(&self, state: &State) -> usize {
        match self.counts_retiring {
            true => 0,
            false => state.members.retiring(),
        }
    }

    /// The places of the environments that are starting.
    fn places_arriving(&self, state: &State) -> usize {
        state.members.arriving() * self.places
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
