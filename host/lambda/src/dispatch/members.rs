//! The environments of one function: which of them exist, start, are idle, or are to end.

use tokio::sync::mpsc;

use crate::call::Call;

/// A message to an environment.
#[derive(Debug)]
pub(crate) enum Message {
    /// Serve this call. Sent only to an environment with a free place.
    Invoke(Call),
    /// End as soon as no invocation is in flight, and at once in the init phase: the code has changed.
    Retire,
    /// End at once. The caller of an invocation in flight gets [`InvokeError::ShuttingDown`].
    ///
    /// [`InvokeError::ShuttingDown`]: lambkin_model::InvokeError::ShuttingDown
    Stop,
}

/// The sender of an environment's messages. At most one call per place and one stop are in it, so it needs no bound.
pub(crate) type Mailbox = mpsc::UnboundedSender<Message>;

/// Identifies an environment among those of one function.
pub(crate) type EnvironmentId = u64;

/// The environments of one function, and the places that are reserved for more.
#[derive(Debug, Default)]
pub(super) struct Members {
    joined: Vec<Member>,
    /// Environments that end instead of serving another call.
    retiring: Vec<EnvironmentId>,
    /// The number of environments for which a place is reserved and that have not joined yet.
    starting: usize,
    last_id: EnvironmentId,
    /// Idle environments. The one that became idle last is used first: its memory is warm, and the others may be ended.
    idle: Vec<EnvironmentId>,
}

/// An environment that has joined.
#[derive(Debug)]
struct Member {
    id: EnvironmentId,
    mailbox: Mailbox,
    is_initializing: bool,
    /// Whether it is ending, so that another one may take its place.
    is_leaving: bool,
}

impl Members {
    /// The number of environments, including those for which a place is reserved and without those that are leaving.
    pub(super) fn size(&self) -> usize {
        self.staying() + self.starting
    }

    /// The number of environments that end instead of serving another call, without those that are leaving.
    pub(super) fn retiring(&self) -> usize {
        let joined = self.joined.iter().filter(|one| !one.is_leaving);
        joined.filter(|one| self.is_retiring(one.id)).count()
    }

    /// The number of environments that have joined and are not leaving.
    pub(super) fn staying(&self) -> usize {
        self.joined.iter().filter(|one| !one.is_leaving).count()
    }

    /// Whether there is no environment, not even a reserved place.
    pub(super) fn is_empty(&self) -> bool {
        self.joined.is_empty() && self.starting == 0
    }

    /// The number of environments in their init phase.
    pub(super) fn initializing(&self) -> usize {
        let joined = self.joined.iter();
        joined.filter(|member| member.is_initializing).count()
    }

    /// The number of environments that will have free places without a call of theirs ending.
    pub(super) fn arriving(&self) -> usize {
        self.starting + self.initializing()
    }

    /// Whether an environment serves calls or is in its init phase.
    pub(super) fn has_active(&self) -> bool {
        let mut joined = self.joined.iter();
        joined.any(|member| !self.idle.contains(&member.id))
    }

    pub(super) fn reserve(&mut self) {
        self.starting += 1;
    }

    /// Gives back a reserved place.
    pub(super) fn cancel_reservation(&mut self) {
        self.starting = self.starting.saturating_sub(1);
    }

    /// Adds an environment that begins its init phase.
    pub(super) fn join(&mut self, mailbox: Mailbox) -> EnvironmentId {
        self.last_id += 1;
        self.joined.push(Member {
            id: self.last_id,
            mailbox,
            is_initializing: true,
            is_leaving: false,
        });
        self.last_id
    }

    pub(super) fn initialized(&mut self, id: EnvironmentId) {
        if let Some(member) = self.joined.iter_mut().find(|member| member.id == id) {
            member.is_initializing = false;
        }
    }

    /// Takes an environment out of service, which then ends. Returns the number of others, or `None`, without any
    /// effect, if there is no other one.
    pub(super) fn set_leaving(&mut self, id: EnvironmentId) -> Option<usize> {
        let others = |one: &&Member| one.id != id && !one.is_leaving;
        let others = self.joined.iter().filter(others).count();
        if others == 0 {
            return None;
        }
        self.remove_idle(id);
        if let Some(member) = self.joined.iter_mut().find(|member| member.id == id) {
            member.is_initializing = false;
            member.is_leaving = true;
        }
        Some(others)
    }

    pub(super) fn remove(&mut self, id: EnvironmentId) {
        self.joined.retain(|member| member.id != id);
        self.idle.retain(|other| *other != id);
        self.retiring.retain(|other| *other != id);
    }

    pub(super) fn is_retiring(&self, id: EnvironmentId) -> bool {
        self.retiring.contains(&id)
    }

    /// Adds a free place of an environment.
    pub(super) fn add_idle(&mut self, id: EnvironmentId) {
        self.idle.push(id);
    }

    pub(super) fn is_idle(&self, id: EnvironmentId) -> bool {
        self.idle.contains(&id)
    }

    /// Takes all free places of an environment out of service.
    pub(super) fn remove_idle(&mut self, id: EnvironmentId) {
        self.idle.retain(|other| *other != id);
    }

    /// Sends a call to the environment that became idle last; returns it if none is idle.
    pub(super) fn send(&mut self, mut call: Call) -> Option<Call> {
        while let Some(id) = self.idle.pop() {
            call = self.send_to(id, call)?;
        }
        Some(call)
    }

    /// Sends a call to an environment; returns it if the environment has just ended.
    fn send_to(&self, id: EnvironmentId, call: Call) -> Option<Call> {
        let Some(member) = self.joined.iter().find(|member| member.id == id) else {
            return Some(call);
        };
        match member.mailbox.send(Message::Invoke(call)) {
            Err(mpsc::error::SendError(Message::Invoke(call))) => Some(call),
            _ => None,
        }
    }

    /// Ends every environment: at once if it is idle or in its init phase, the others after their calls.
    pub(super) fn retire(&mut self) {
        self.retiring = self.joined.iter().map(|member| member.id).collect();
        self.idle.clear();
        for member in &self.joined {
            let _ = member.mailbox.send(Message::Retire); // it has just ended
        }
    }

    /// Ends every environment at once.
    pub(super) fn stop(&self) {
        for member in &self.joined {
            let _ = member.mailbox.send(Message::Stop); // it has just ended
        }
    }
}
