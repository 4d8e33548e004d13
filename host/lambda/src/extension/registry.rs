//! What one life of an environment and its extensions say to each other.
//!
//! As with a runtime's session, requests are answered from here on the spot, and the environment hears as
//! [`ExtensionEvent`]s of those that matter to it. In the other direction it delivers INVOKE and SHUTDOWN, which end the
//! wait of the extensions that subscribed to them; one that does not wait yet gets its event when it asks.
//!
//! Most functions have no extension, and the environment asks on every invocation: [`ExtensionRegistry::is_empty`] is one
//! load. The lock is held for a few assignments and never across an await.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use serde::Serialize;
use tokio::sync::mpsc;
use uuid::Uuid;

use super::event::{EventType, InvokeEvent, ShutdownEvent, ShutdownReason, json};
use super::members::{Extension, ExtensionSummary, Members, NextEvent};
use super::state::{ExtensionState, TransitionError};
use super::{error, request};
use crate::runtime_api::error::ApiError;
use crate::telemetry::event::extension::NewSubscription;

/// The extensions of one life, external and internal.
#[derive(Debug)]
pub(crate) struct ExtensionRegistry {
    function: FunctionInfo,
    /// A layer switched extensions off: there is no Extensions API.
    disabled: bool,
    /// Whether there is any extension. Never goes back.
    any: AtomicBool,
    members: Mutex<Members>,
    events: mpsc::UnboundedSender<ExtensionEvent>,
}

/// What an extension is told about its function when it registers.
#[derive(Debug, Clone)]
pub(crate) struct FunctionInfo {
    pub function_name: String,
    pub function_version: String,
    pub handler: String,
    pub account_id: String,
}

/// Something the environment has to know.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ExtensionEvent {
    /// An extension registered.
    Registered(String),
    /// It waits for an event, having just begun, or finished its last one.
    Ready(String),
    /// It reported that its init failed.
    InitError(ErrorReport),
    /// It reported that it has to end.
    ExitError(ErrorReport),
    /// It subscribed to telemetry.
    Subscribed(NewSubscription),
}

/// What an extension posted to `/init/error` or `/exit/error`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ErrorReport {
    pub name: String,
    /// `Lambda-Extension-Function-Error-Type`
    pub error_type: String,
    /// From the body, which is optional.
    pub message: Option<String>,
}

/// The answer to a registration.
#[derive(Debug)]
pub(crate) struct Registration {
    /// `Lambda-Extension-Identifier`
    pub identifier: Uuid,
    pub body: Bytes,
}

impl ExtensionRegistry {
    /// The extensions of a life that begins, and where its events arrive. `external` are the names of the programs that
    /// are going to be started.
    pub(crate) fn new(
        external: Vec<String>,
        function: FunctionInfo,
    ) -> (Arc<Self>, mpsc::UnboundedReceiver<ExtensionEvent>) {
        Self::build(external, function, false)
    }

    /// Those of a life whose layers switched extensions off.
    pub(crate) fn disabled(
        function: FunctionInfo,
    ) -> (Arc<Self>, mpsc::UnboundedReceiver<ExtensionEvent>) {
        Self::build(Vec::new(), function, true)
    }

    fn build(
        external: Vec<String>,
        function: FunctionInfo,
        disabled: bool,
    ) -> (Arc<Self>, mpsc::UnboundedReceiver<ExtensionEvent>) {
        // Bounded by the extensions' connections: each has one request at a time, and most requests are no event.
        let (events, receiver) = mpsc::unbounded_channel();
        let any = AtomicBool::new(!external.is_empty());
        let extensions = Self {
            function,
            disabled,
            any,
            members: Mutex::new(Members::new(external)),
            events,
        };
        (Arc::new(extensions), receiver)
    }

    // What extensions ask.

    /// Whether there is an Extensions API at all.
    pub(crate) fn is_disabled(&self) -> bool {
        self.disabled
    }

    /// `POST /extension/register`
    pub(crate) fn register(
        &self,
        name: Option<&str>,
        accept_features: Option<&str>,
        body: &[u8],
    ) -> Result<Registration, ApiError> {
        let name = name.filter(|name| !name.is_empty());
        let name = name.ok_or_else(error::empty_name)?;
        let events = request::events(body)?;
        let identifier = self.lock().register(name, &events)?;
        self.any.store(true, Ordering::Release);
        self.tell(ExtensionEvent::Registered(name.to_owned()));
        let with_account = request::accepts(accept_features, "accountId");
        Ok(Registration {
            identifier,
            body: self.function.body(with_account),
        })
    }

    /// `GET /extension/event/next`
    pub(crate) fn next(&self, identifier: Option<&str>) -> Result<NextEvent, ApiError> {
        let mut members = self.lock();
        let extension = members.identify(identifier)?;
        let was = extension.state();
        let next = extension.next()?;
        if was != ExtensionState::Ready && extension.is_ready() {
            self.tell(ExtensionEvent::Ready(extension.name().to_owned()));
        }
        Ok(next)
    }

    /// `POST /extension/init/error`
    pub(crate) fn init_error(
        &self,
        identifier: Option<&str>,
        error_type: Option<&str>,
        body: &[u8],
    ) -> Result<(), ApiError> {
        let report = self.fail(identifier, error_type, body, ExtensionState::init_error)?;
        self.tell(ExtensionEvent::InitError(report));
        Ok(())
    }

    /// `POST /extension/exit/error`
    pub(crate) fn exit_error(
        &self,
        identifier: Option<&str>,
        error_type: Option<&str>,
        body: &[u8],
    ) -> Result<(), ApiError> {
        let report = self.fail(identifier, error_type, body, ExtensionState::exit_error)?;
        self.tell(ExtensionEvent::ExitError(report));
        Ok(())
    }

    /// The name of the extension with this `Lambda-Extension-Identifier`.
    pub(crate) fn name_of(&self, identifier: Option<&str>) -> Result<String, ApiError> {
        let mut members = self.lock();
        let extension = members.identify(identifier)?;
        Ok(extension.name().to_owned())
    }

    /// Passes something on to the environment.
    pub(crate) fn tell(&self, event: ExtensionEvent) {
        let _the_life_has_ended = self.events.send(event);
    }

    fn fail(
        &self,
        identifier: Option<&str>,
        error_type: Option<&str>,
        body: &[u8],
        step: fn(&mut ExtensionState) -> Result<(), TransitionError>,
    ) -> Result<ErrorReport, ApiError> {
        let mut members = self.lock();
        let extension = members.identify(identifier)?;
        let error_type = error_type.ok_or_else(error::missing_error_type)?;
        extension.fail(step, error_type)?;
        Ok(ErrorReport {
            name: extension.name().to_owned(),
            error_type: error_type.to_owned(),
            message: request::error_message(body),
        })
    }

    // What the environment asks and says.

    /// Whether there is no extension at all. One load: it is asked on every invocation.
    pub(crate) fn is_empty(&self) -> bool {
        !self.any.load(Ordering::Acquire)
    }

    /// Whether the runtime may be started: every external extension has registered, or will not any more.
    pub(crate) fn all_external_registered(&self) -> bool {
        self.lock().all_external_registered()
    }

    /// The runtime has asked for its first event: it is too late to register.
    pub(crate) fn close_registration(&self) {
        self.lock().close();
    }

    /// Whether every extension that is alive waits for its next event: init, or the invocation, is over for them.
    pub(crate) fn all_ready(&self) -> bool {
        self.is_empty() || self.lock().alive().all(Extension::is_ready)
    }

    /// Hands an invocation to those that subscribed to invocations.
    pub(crate) fn deliver_invoke(&self, event: InvokeEvent<'_>) {
        if !self.is_empty() {
            self.lock().deliver(EventType::Invoke, || json(&event));
        }
    }

    /// Hands the end to those that subscribed to it. From here on the end of a process is no crash.
    pub(crate) fn deliver_shutdown(&self, reason: ShutdownReason, deadline_ms: u64) {
        let event = ShutdownEvent {
            deadline_ms,
            shutdown_reason: reason,
        };
        let mut members = self.lock();
        members.expect_ends();
        members.deliver(EventType::Shutdown, || json(&event));
    }

    /// The external extensions that get time to shut down; the others are killed when this phase begins.
    pub(crate) fn subscribers_of_shutdown(&self) -> Vec<String> {
        let members = self.lock();
        let wanting = members
            .alive()
            .filter(|extension| extension.wants(EventType::Shutdown));
        wanting
            .map(|extension| extension.name().to_owned())
            .collect()
    }

    /// Whether an external extension has registered: the end of the environment then takes longest.
    pub(crate) fn has_external(&self) -> bool {
        self.lock().alive().any(Extension::is_external)
    }

    /// An external extension's process has ended. Tells the error type if that is a failure that nobody has reported.
    pub(crate) fn exited(&self, name: &str) -> Option<&'static str> {
        self.lock().exited(name).then_some(CRASH)
    }

    /// How all extensions stand.
    pub(crate) fn summaries(&self) -> Vec<ExtensionSummary> {
        self.lock().summaries()
    }

    fn lock(&self) -> MutexGuard<'_, Members> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FunctionInfo {
    fn body(&self, with_account: bool) -> Bytes {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Body<'a> {
            function_name: &'a str,
            function_version: &'a str,
            handler: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            account_id: Option<&'a str>,
        }
        json(&Body {
            function_name: &self.function_name,
            function_version: &self.function_version,
            handler: &self.handler,
            account_id: with_account.then_some(&self.account_id),
        })
    }
}
