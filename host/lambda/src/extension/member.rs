//! One extension of a sandbox, with its requests and events.

use bytes::Bytes;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::event::EventType;
use super::state::ExtensionState;
use super::summary::ExtensionSummary;
use super::{error, request};
use crate::api_error::ApiError;
use crate::state_machine::TransitionError;

/// One extension.
#[derive(Debug)]
pub(super) struct Member {
    identifier: Uuid,
    external: bool,
    summary: ExtensionSummary,
    /// Requests that wait for the next event. More than one is unusual but allowed.
    waiting: Vec<oneshot::Sender<Bytes>>,
    /// An event that waits for the extension to request it.
    pending: Option<Bytes>,
}

/// The answer to a request for the next event.
#[derive(Debug)]
pub(crate) enum NextEvent {
    /// The event.
    Now(Bytes),
    /// The next event, once there is one.
    Later(oneshot::Receiver<Bytes>),
}

impl Member {
    /// An external extension whose program is about to be started.
    pub(super) fn external(name: String) -> Self {
        Self::new(name, true)
    }

    /// An internal extension, which is part of the runtime's process.
    pub(super) fn internal(name: String) -> Self {
        Self::new(name, false)
    }

    fn new(name: String, external: bool) -> Self {
        let summary = ExtensionSummary {
            name,
            state: ExtensionState::Started,
            events: Vec::new(),
            error_type: None,
        };
        Self {
            identifier: Uuid::new_v4(),
            external,
            summary,
            waiting: Vec::new(),
            pending: None,
        }
    }

    pub(super) fn identifier(&self) -> Uuid {
        self.identifier
    }

    pub(super) fn name(&self) -> &str {
        &self.summary.name
    }

    pub(super) fn state(&self) -> ExtensionState {
        self.summary.state
    }

    pub(super) fn summary(&self) -> ExtensionSummary {
        self.summary.clone()
    }

    pub(super) fn is_external(&self) -> bool {
        self.external
    }

    /// Whether it subscribed to events of this type.
    pub(super) fn wants(&self, event_type: EventType) -> bool {
        self.summary.events.contains(&event_type)
    }

    /// Whether it waits for an event, and there is none for it.
    pub(super) fn is_ready(&self) -> bool {
        self.state() == ExtensionState::Ready && self.pending.is_none()
    }

    /// Whether it has registered and not failed.
    pub(super) fn is_alive(&self) -> bool {
        self.state().is_registered() && self.state().is_alive()
    }

    /// Registers it; `is_full` states that the environment has its maximum number of extensions.
    pub(super) fn register(&mut self, events: &[String], is_full: bool) -> Result<Uuid, ApiError> {
        let event_types = request::event_types(events, self.external)?;
        let mut state = self.state();
        state.register().map_err(|refused| {
            if self.external {
                error::transition(self.name(), refused)
            } else {
                error::name_in_use()
            }
        })?;
        if is_full {
            return Err(error::too_many());
        }
        self.summary.state = state;
        self.summary.events = event_types;
        Ok(self.identifier)
    }

    pub(super) fn next(&mut self) -> Result<NextEvent, ApiError> {
        self.step(ExtensionState::next)?;
        if let Some(event) = self.pending.take() {
            self.summary.state.deliver();
            return Ok(NextEvent::Now(event));
        }
        let (sender, receiver) = oneshot::channel();
        self.waiting.retain(|request| !request.is_closed());
        self.waiting.push(sender);
        Ok(NextEvent::Later(receiver))
    }

    /// The extension reported an error.
    pub(super) fn fail(
        &mut self,
        step: fn(&mut ExtensionState) -> Result<(), TransitionError<ExtensionState>>,
        error_type: &str,
    ) -> Result<(), ApiError> {
        self.step(step)?;
        self.summary.error_type = Some(error_type.to_owned());
        self.discard_events();
        Ok(())
    }

    /// Delivers an event: at once if the extension waits for one, else when it asks. A newer event replaces one that
    /// has not been requested: SHUTDOWN replaces INVOKE.
    pub(super) fn deliver(&mut self, event: Bytes) {
        if self.state() == ExtensionState::Ready {
            while let Some(request) = self.waiting.pop() {
                if request.send(event.clone()).is_ok() {
                    self.summary.state.deliver();
                    return;
                }
            }
        }
        self.pending = Some(event);
    }

    /// Its process has ended.
    pub(super) fn exited(&mut self) {
        self.discard_events();
        self.summary.state.exited();
    }

    /// Its process has ended unexpectedly.
    pub(super) fn crashed(&mut self, error_type: &str) {
        self.summary.error_type = Some(error_type.to_owned());
    }

    fn discard_events(&mut self) {
        self.waiting.clear();
        self.pending = None;
    }

    fn step(
        &mut self,
        step: fn(&mut ExtensionState) -> Result<(), TransitionError<ExtensionState>>,
    ) -> Result<(), ApiError> {
        step(&mut self.summary.state)
            .map_err(|refused| error::transition(&self.summary.name, refused))
    }
}
