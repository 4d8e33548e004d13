//! Which environment serves which call.
//!
//! A call goes to an idle environment; else it waits for one that is about to be idle; else it starts a new one; at the
//! limit it queues; with a full queue it is throttled. Environments come back here when their runtime asks for the
//! next event.
//!
//! The lock guards plain collections only and is never held across an await.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use lambkin_model::Failure;
use tokio::sync::{Notify, mpsc};

use crate::environment::Message;
use crate::function::{Call, refused};

/// An environment's mailbox. It holds at most one call and one stop, so it needs no bound.
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
    Refused(Failure),
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
            return Placement::Refused(Failure::ShuttingDown);
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
        Placement::Refused(Failure::Throttled)
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

    /// An environment is free, after [`Dispatcher::settle`] if `settled`. It gets the first waiting call, or is idle.
    pub(crate) fn release(&self, id: EnvironmentId, settled: bool) -> Option<Call> {
        let mut state = self.lock();
        if settled {
            state.settling = state.settling.saturating_sub(1);
        }
        while let Some(call) = state.waiting.pop_front() {
            // Whose caller has gone away before it began, needs not begin.
            if !call.answer.is_closed() {
                return Some(call);
            }
        }
        state.idle.push(id);
        None
    }

    /// An environment has ended.
    pub(crate) fn leave(&self, id: EnvironmentId) {
        let mut state = self.lock();
        state.environments.retain(|(other, _)| *other != id);
        state.idle.retain(|other| *other != id);
        drop(state);
        self.environment_gone.notify_one();
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
            let _caller_is_gone = call.answer.send(refused(Failure::ShuttingDown));
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
