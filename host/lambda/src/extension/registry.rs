//! The extensions of one sandbox, between their requests and the environment.
//!
//! As with a runtime's session, requests are answered from here, and the environment receives the relevant ones as
//! [`ExtensionEvent`]s. In the other direction the environment delivers INVOKE and SHUTDOWN, which answer the waiting
//! requests of their subscribers; an extension that does not wait yet gets its event when it asks.
//!
//! Most functions have no extension, and the environment checks for them on every invocation, so
//! [`ExtensionRegistry::is_empty`] is a single atomic load. The lock is held for a few assignments and never across an
//! await.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use serde::Serialize;
use tokio::sync::mpsc;
use uuid::Uuid;

use super::event::{EventType, InvokeEvent, ShutdownEvent, ShutdownReason, json};
use super::member::{Member, NextEvent};
use super::members::{CRASH, Members};
use super::state::ExtensionState;
use super::summary::ExtensionSummary;
use super::{error, request};
use crate::api_error::ApiError;
use crate::state_machine::TransitionError;
use crate::telemetry::new_subscription::NewSubscription;

/// The extensions of one sandbox, external and internal.
#[derive(Debug)]
pub(crate) struct ExtensionRegistry {
    function: FunctionInfo,
    /// Whether a layer disabled extensions. There is no Extensions API then.
    disabled: bool,
    /// Whether there is an extension; never reset.
    has_any: AtomicBool,
    members: Mutex<Members>,
    events: mpsc::UnboundedSender<ExtensionEvent>,
}

/// The function's properties in the response to a registration.
#[derive(Debug, Clone)]
pub(crate) struct FunctionInfo {
    pub function_name: String,
    pub function_version: String,
    pub handler: String,
    pub account_id: String,
}

/// What the environment is notified of. Strings are extensions' names.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ExtensionEvent {
    /// An extension registered.
    Registered(String),
    /// An extension waits for an event, for the first time or after it has processed the last one.
    Ready(String),
    /// An extension reported that its initialization failed.
    InitError(ErrorReport),
    /// An extension reported a failure before it exits.
    ExitError(ErrorReport),
    /// An extension subscribed to telemetry.
    Subscribed(NewSubscription),
}

/// What an extension posted to `/init/error` or `/exit/error`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ErrorReport {
    pub name: String,
    /// `Lambda-Extension-Function-Error-Type`
    pub error_type: String,
    /// The message in the body, which is optional.
    pub message: Option<String>,
}

/// The response to a registration.
#[derive(Debug)]
pub(crate) struct Registration {
    /// `Lambda-Extension-Identifier`
    pub identifier: Uuid,
    pub body: Bytes,
}

impl ExtensionRegistry {
    /// The extensions of a new sandbox, and the receiver of their events. `external` are the names of the programs that
    /// are about to be started.
    pub(crate) fn new(
        external: Vec<String>,
        function: FunctionInfo,
    ) -> (Arc<Self>, mpsc::UnboundedReceiver<ExtensionEvent>) {
        Self::build(external, function, false)
    }

    /// The registry of a sandbox whose layers disabled extensions.
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
        // Bounded by the extensions' connections: each has one request at a time, and most requests cause no event.
        let (events, receiver) = mpsc::unbounded_channel();
        let extensions = Self {
            function,
            disabled,
            has_any: AtomicBool::new(!external.is_empty()),
            members: Mutex::new(Members::new(external)),
            events,
        };
        (Arc::new(extensions), receiver)
    }

    // For the extensions' requests.

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
        self.has_any.store(true, Ordering::Release);
        self.send_event(ExtensionEvent::Registered(name.to_owned()));
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
        let previous = extension.state();
        let next = extension.next()?;
        if previous != ExtensionState::Ready && extension.is_ready() {
            self.send_event(ExtensionEvent::Ready(extension.name().to_owned()));
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
        self.send_event(ExtensionEvent::InitError(report));
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
        self.send_event(ExtensionEvent::ExitError(report));
        Ok(())
    }

    /// The name of the extension with this `Lambda-Extension-Identifier`.
    pub(crate) fn name_of(&self, identifier: Option<&str>) -> Result<String, ApiError> {
        let mut members = self.lock();
        let extension = members.identify(identifier)?;
        Ok(extension.name().to_owned())
    }

    /// Notifies the environment.
    pub(crate) fn send_event(&self, event: ExtensionEvent) {
        let _ = self.events.send(event); // the environment may have given up this sandbox
    }

    fn fail(
        &self,
        identifier: Option<&str>,
        error_type: Option<&str>,
        body: &[u8],
        step: fn(&mut ExtensionState) -> Result<(), TransitionError<ExtensionState>>,
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

    // For the environment.

    /// Whether there is no extension.
    pub(crate) fn is_empty(&self) -> bool {
        !self.has_any.load(Ordering::Acquire)
    }

    /// Whether the runtime may be started: every external extension has registered or failed.
    pub(crate) fn all_external_registered(&self) -> bool {
        self.lock().all_external_registered()
    }

    /// Refuses later registrations: the runtime has requested its first event.
    pub(crate) fn close_registration(&self) {
        self.lock().close_registration();
    }

    /// Whether the init phase, or the invocation, is over for the extensions: all that have not failed wait for an
    /// event.
    pub(crate) fn all_ready(&self) -> bool {
        self.is_empty() || self.lock().alive().all(Member::is_ready)
    }

    /// Delivers INVOKE to its subscribers.
    pub(crate) fn deliver_invoke(&self, event: InvokeEvent<'_>) {
        if !self.is_empty() {
            self.lock().deliver(EventType::Invoke, || json(&event));
        }
    }

    /// Delivers SHUTDOWN to its subscribers. From now on the end of a process does not count as a crash.
    pub(crate) fn deliver_shutdown(&self, reason: ShutdownReason, deadline_ms: u64) {
        let event = ShutdownEvent {
            deadline_ms,
            shutdown_reason: reason,
        };
        let mut members = self.lock();
        members.expect_exits();
        members.deliver(EventType::Shutdown, || json(&event));
    }

    /// The extensions that get time to shut down; the others are killed when the shutdown begins.
    pub(crate) fn shutdown_subscribers(&self) -> Vec<String> {
        let members = self.lock();
        let wanting = members
            .alive()
            .filter(|extension| extension.wants(EventType::Shutdown));
        wanting
            .map(|extension| extension.name().to_owned())
            .collect()
    }

    /// Whether an external extension has registered, which gives the environment the longest shutdown timeout.
    pub(crate) fn has_external(&self) -> bool {
        self.lock().alive().any(Member::is_external)
    }

    /// Records that an external extension's process has ended. Returns an error type if that is a crash.
    pub(crate) fn exited(&self, name: &str) -> Option<&'static str> {
        self.lock().exited(name).then_some(CRASH)
    }

    /// The state of each extension.
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
