//! The extensions of one life, one by one: what the [registry](super::registry) guards with its lock.

use bytes::Bytes;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::event::EventType;
use super::registry::CRASH;
use super::state::{ExtensionState, TransitionError};
use super::{error, request};
use crate::limits::EXTENSIONS;
use crate::runtime_api::error::ApiError;

/// The error type of an extension whose process ended when it should not have.
pub(crate) const CRASH: &str = "Extension.Crash";

/// All extensions of a life.
#[derive(Debug)]
pub(super) struct Members {
    /// Whether registering is still allowed.
    open: bool,
    /// Whether processes are expected to end.
    ending: bool,
    extensions: Vec<Extension>,
}

/// One of them.
#[derive(Debug)]
pub(super) struct Extension {
    identifier: Uuid,
    external: bool,
    summary: ExtensionSummary,
    /// Requests for the next event, waiting. More than one is unusual but legal.
    waiting: Vec<oneshot::Sender<Bytes>>,
    /// An event that waits for the extension to ask for it.
    pending: Option<Bytes>,
}

/// How an extension stands, for the log and for `platform.extension`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExtensionSummary {
    pub name: String,
    pub state: ExtensionState,
    pub events: Vec<EventType>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_type: Option<String>,
}

/// The answer to a request for the next event.
#[derive(Debug)]
pub(crate) enum NextEvent {
    /// Here it is.
    Now(Bytes),
    /// It will come.
    Later(oneshot::Receiver<Bytes>),
}

impl Members {
    /// External extensions that have not been heard of yet.
    pub(super) fn new(external: Vec<String>) -> Self {
        let begin = |name| Extension::new(name, true);
        Self {
            open: true,
            ending: false,
            extensions: external.into_iter().map(begin).collect(),
        }
    }

    pub(super) fn register(&mut self, name: &str, events: &[String]) -> Result<Uuid, ApiError> {
        if !self.open {
            return Err(error::registration_closed());
        }
        let is_full = self.count() >= EXTENSIONS;
        let known = self.extensions.iter_mut();
        match known.into_iter().find(|one| one.name() == name) {
            Some(extension) => extension.register(events, is_full),
            None => {
                let mut extension = Extension::new(name.to_owned(), false);
                let identifier = extension.register(events, is_full)?;
                self.extensions.push(extension);
                Ok(identifier)
            }
        }
    }

    /// The registered extension a request comes from.
    pub(super) fn identify(
        &mut self,
        identifier: Option<&str>,
    ) -> Result<&mut Extension, ApiError> {
        let text = identifier.ok_or_else(error::missing_identifier)?;
        let identifier = Uuid::try_parse(text).map_err(|_| error::invalid_identifier())?;
        self.extensions
            .iter_mut()
            .find(|one| one.identifier == identifier && one.state().is_registered())
            .ok_or_else(|| error::unknown_identifier(text))
    }

    pub(super) fn close(&mut self) {
        self.open = false;
    }

    pub(super) fn expect_ends(&mut self) {
        self.ending = true;
    }

    pub(super) fn all_external_registered(&self) -> bool {
        let settled = |one: &Extension| one.state() != ExtensionState::Started;
        self.extensions.iter().all(settled)
    }

    /// Hands an event to its subscribers; it is worded once, and only if there is one.
    pub(super) fn deliver(&mut self, event_type: EventType, event: impl FnOnce() -> Bytes) {
        let mut subscribers = self
            .extensions
            .iter_mut()
            .filter(|one| one.is_alive() && one.wants(event_type))
            .peekable();
        if subscribers.peek().is_none() {
            return;
        }
        let event = event();
        for extension in subscribers {
            extension.deliver(event.clone());
        }
    }

    /// Those that have registered and not failed.
    pub(super) fn alive(&self) -> impl Iterator<Item = &Extension> {
        self.extensions.iter().filter(|one| one.is_alive())
    }

    /// Takes note that an external extension's process has ended. Tells whether that is a crash.
    pub(super) fn exited(&mut self, name: &str) -> bool {
        let mut external = self.extensions.iter_mut().filter(|one| one.external);
        let Some(extension) = external.find(|one| one.name() == name) else {
            return false;
        };
        extension.forget_events();
        let state = &mut extension.summary.state;
        let was_alive = state.is_alive();
        state.exited();
        let crashed = was_alive && !self.ending;
        if crashed {
            extension.summary.error_type = Some(CRASH.to_owned());
        }
        crashed
    }

    pub(super) fn summaries(&self) -> Vec<ExtensionSummary> {
        let all = self.extensions.iter();
        all.map(|extension| extension.summary.clone()).collect()
    }

    fn count(&self) -> usize {
        let all = self.extensions.iter();
        all.filter(|one| one.state().is_registered()).count()
    }
}

impl Extension {
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

    pub(super) fn name(&self) -> &str {
        &self.summary.name
    }

    pub(super) fn state(&self) -> ExtensionState {
        self.summary.state
    }

    pub(super) fn is_external(&self) -> bool {
        self.external
    }

    pub(super) fn wants(&self, event_type: EventType) -> bool {
        self.summary.events.contains(&event_type)
    }

    /// Whether it has nothing to do but to wait.
    pub(super) fn is_ready(&self) -> bool {
        self.state() == ExtensionState::Ready && self.pending.is_none()
    }

    fn is_alive(&self) -> bool {
        self.state().is_registered() && self.state().is_alive()
    }

    fn register(&mut self, events: &[String], is_full: bool) -> Result<Uuid, ApiError> {
        let event_types = request::event_types(events, self.external)?;
        let mut state = self.state();
        state.register().map_err(|refused| {
            if self.external {
                error::not_allowed(self.name(), refused)
            } else {
                error::name_taken()
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
        self.waiting.retain(|asker| !asker.is_closed());
        self.waiting.push(sender);
        Ok(NextEvent::Later(receiver))
    }

    /// Takes the extension's own word that it has failed.
    pub(super) fn fail(
        &mut self,
        step: fn(&mut ExtensionState) -> Result<(), TransitionError>,
        error_type: &str,
    ) -> Result<(), ApiError> {
        self.step(step)?;
        self.summary.error_type = Some(error_type.to_owned());
        self.forget_events();
        Ok(())
    }

    /// Hands over an event: at once if it waits, else when it asks. The newest event is the one that counts: SHUTDOWN
    /// overtakes an INVOKE nobody has fetched.
    fn deliver(&mut self, event: Bytes) {
        if self.state() == ExtensionState::Ready {
            while let Some(asker) = self.waiting.pop() {
                if asker.send(event.clone()).is_ok() {
                    self.summary.state.deliver();
                    return;
                }
            }
        }
        self.pending = Some(event);
    }

    fn forget_events(&mut self) {
        self.waiting.clear();
        self.pending = None;
    }

    fn step(
        &mut self,
        step: fn(&mut ExtensionState) -> Result<(), TransitionError>,
    ) -> Result<(), ApiError> {
        step(&mut self.summary.state)
            .map_err(|refused| error::not_allowed(&self.summary.name, refused))
    }
}
