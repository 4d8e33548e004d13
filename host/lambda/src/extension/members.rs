//! All extensions of one sandbox: what the [registry](super::registry) keeps behind its lock.

use bytes::Bytes;
use uuid::Uuid;

use super::error;
use super::event::EventType;
use super::member::Member;
use super::state::ExtensionState;
use super::summary::ExtensionSummary;
use crate::api_error::ApiError;
use crate::limits::EXTENSIONS;

/// The error type of an extension whose process ended unexpectedly.
pub(super) const CRASH: &str = "Extension.Crash";

/// All extensions of a sandbox.
#[derive(Debug)]
pub(super) struct Members {
    /// Whether extensions may still register.
    registration_open: bool,
    /// Whether processes are expected to end.
    ending: bool,
    members: Vec<Member>,
}

impl Members {
    /// The external extensions, which have not sent a request yet.
    pub(super) fn new(external: Vec<String>) -> Self {
        Self {
            registration_open: true,
            ending: false,
            members: external.into_iter().map(Member::external).collect(),
        }
    }

    pub(super) fn register(&mut self, name: &str, events: &[String]) -> Result<Uuid, ApiError> {
        if !self.registration_open {
            return Err(error::registration_closed());
        }
        let is_full = self.registered_count() >= EXTENSIONS;
        if let Some(known) = self.members.iter_mut().find(|member| member.name() == name) {
            return known.register(events, is_full);
        }
        let mut member = Member::internal(name.to_owned());
        let identifier = member.register(events, is_full)?;
        self.members.push(member);
        Ok(identifier)
    }

    /// The registered extension with the identifier that a request sent.
    pub(super) fn identify(&mut self, identifier: Option<&str>) -> Result<&mut Member, ApiError> {
        let text = identifier.ok_or_else(error::missing_identifier)?;
        let identifier = Uuid::try_parse(text).map_err(|_| error::invalid_identifier())?;
        self.members
            .iter_mut()
            .find(|member| member.identifier() == identifier && member.state().is_registered())
            .ok_or_else(|| error::unknown_identifier(text))
    }

    pub(super) fn close_registration(&mut self) {
        self.registration_open = false;
    }

    pub(super) fn expect_exits(&mut self) {
        self.ending = true;
    }

    /// Whether every external extension has registered or failed.
    pub(super) fn all_external_registered(&self) -> bool {
        let has_started = |member: &Member| member.state() != ExtensionState::Started;
        self.members.iter().all(has_started)
    }

    /// Delivers an event to its subscribers. The event is built once, and only if there is a subscriber.
    pub(super) fn deliver(&mut self, event_type: EventType, event: impl FnOnce() -> Bytes) {
        let mut subscribers = self
            .members
            .iter_mut()
            .filter(|member| member.is_alive() && member.wants(event_type))
            .peekable();
        if subscribers.peek().is_none() {
            return;
        }
        let event = event();
        for member in subscribers {
            member.deliver(event.clone());
        }
    }

    /// The extensions that have registered and not failed.
    pub(super) fn alive(&self) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(|member| member.is_alive())
    }

    /// Records that an external extension's process has ended. True if that is a crash.
    pub(super) fn exited(&mut self, name: &str) -> bool {
        let mut external = self
            .members
            .iter_mut()
            .filter(|member| member.is_external());
        let Some(member) = external.find(|member| member.name() == name) else {
            return false;
        };
        let crashed = member.state().is_alive() && !self.ending;
        member.exited();
        if crashed {
            member.crashed(CRASH);
        }
        crashed
    }

    pub(super) fn summaries(&self) -> Vec<ExtensionSummary> {
        self.members.iter().map(Member::summary).collect()
    }

    fn registered_count(&self) -> usize {
        let registered = |member: &&Member| member.state().is_registered();
        self.members.iter().filter(registered).count()
    }
}
