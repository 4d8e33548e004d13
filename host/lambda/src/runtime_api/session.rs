//! The session between a runtime and its environment, in the order that AWS's [state machine](RuntimeState) enforces.
//!
//! The runtime's requests are answered from here without waking the environment's task, which receives the relevant
//! ones afterwards as [`RuntimeEvent`]s. In the other direction the environment [delivers] an event, which answers the
//! runtime's request for the next one.
//!
//! A runtime processes one event at a time, unless its function allows several. Then several of its requests may wait
//! for the next event, each event has a state of its own, and responses are matched to events by request id alone.
//!
//! The lock is held for a few assignments and never across an await. Passing each request to the environment's task
//! instead would cost two more task switches for each of the three requests of a call, which was measured as a third of
//! a short call's time.
//!
//! [delivers]: RuntimeSession::deliver

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use lambkin_model::RequestId;
use tokio::sync::{mpsc, oneshot};

use super::state::RuntimeState;
use crate::api_error::ApiError;
use crate::call::StreamError;

/// The session between a runtime and its environment. It lasts as long as the runtime's process.
#[derive(Debug)]
pub(crate) struct RuntimeSession {
    state: Mutex<SessionState>,
    events: mpsc::UnboundedSender<RuntimeEvent>,
}

#[derive(Debug)]
struct SessionState {
    /// The state of the runtime as a whole; each event that it processes has a state of its own.
    runtime: RuntimeState,
    /// The maximum number of events that the runtime processes at a time.
    concurrency: usize,
    /// Requests that wait for the next event. With one event at a time more than one is unusual but allowed.
    waiting: Vec<oneshot::Sender<Delivery>>,
    /// Events that wait for the runtime to request them.
    pending: VecDeque<Delivery>,
    /// The events that the runtime processes.
    current: Vec<CurrentEvent>,
    /// Events that timed out while the runtime processed them. Used only with several events at a time; otherwise a
    /// timeout ends the process.
    expired: Vec<RequestId>,
    /// The runtime's request that waits for the restore from a snapshot.
    restore: Option<oneshot::Sender<()>>,
    /// Present while the body of a response is being read: the requests for the next event that arrived meanwhile.
    waiting_for_response: Option<Vec<oneshot::Sender<()>>>,
}

#[derive(Debug)]
struct CurrentEvent {
    delivery: Delivery,
    state: RuntimeState,
}

/// An event on its way to a runtime. Shared, because it may be delivered more than once.
pub(crate) type Delivery = Arc<EventWithContext>;

/// An event, and what the response to `next` states about it in headers.
#[derive(Debug)]
pub(crate) struct EventWithContext {
    /// Unique among the deliveries to one runtime: a retry of the same request has another id.
    pub delivery_id: u64,
    pub request_id: RequestId,
    /// `Lambda-Runtime-Invocation-Id`: identifies the delivery to the runtime, and cannot be guessed from another one.
    pub invocation_id: String,
    pub event: Bytes,
    /// In milliseconds since the Unix epoch.
    pub deadline_ms: u64,
    pub function_arn: String,
    pub trace_id: String,
    pub client_context: Option<String>,
    pub cognito_identity: Option<String>,
    pub tenant_id: Option<String>,
    /// Whether the caller accepts a streamed response.
    pub wants_stream: bool,
}

/// What the environment is notified of.
#[derive(Debug)]
pub(crate) enum RuntimeEvent {
    /// The runtime waits for an event: the init phase, or the last invocation, is over.
    Ready,
    /// The runtime waits to be restored from a snapshot.
    RestoreReady,
    /// The runtime reported that its init phase, or a hook after the restore, failed.
    InitError(InitError),
    /// The runtime started to stream its response to the event with this delivery id, and the caller accepts a stream.
    StreamStarted(u64, StreamingResponse),
    /// The runtime's response to the event with this delivery id is complete.
    Responded(u64, RuntimeResponse, Timing),
}

/// What a runtime posted to `/init/error` or `/restore/error`.
#[derive(Debug)]
pub(crate) struct InitError {
    pub body: Bytes,
    /// `Lambda-Runtime-Function-Error-Type`
    pub error_type: Option<String>,
}

impl InitError {
    /// The error in one line, `TYPE: MESSAGE`, if the report has AWS's form. Of a longer message it is the first line.
    pub(crate) fn summary(&self) -> Option<String> {
        let report: serde_json::Value = serde_json::from_slice(&self.body).ok()?;
        let text = |key| report.get(key).and_then(serde_json::Value::as_str);
        let message = text("errorMessage")?.lines().next()?;
        let error_type = text("errorType").or(self.error_type.as_deref());
        Some(match error_type {
            Some(error_type) => format!("{error_type}: {message}"),
            None => message.to_owned(),
        })
    }
}

/// The start of a streamed response.
#[derive(Debug)]
pub(crate) struct StreamingResponse {
    pub content_type: Option<String>,
    pub chunks: mpsc::Receiver<Bytes>,
}

/// A runtime's response to its event.
#[derive(Debug)]
pub(crate) enum RuntimeResponse {
    Response(Bytes),
    /// A streamed response: its body if it was collected, and the error in its trailers.
    Streamed(Bytes, Option<StreamError>),
    Error(Bytes),
    TooLarge,
    Truncated,
    InvalidMode,
}

/// When a response began and ended, and its length.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timing {
    pub first_byte: Instant,
    pub last_byte: Instant,
    pub bytes: u64,
}

/// The head of a `POST /runtime/invocation/{id}/response` or `…/error`.
#[derive(Debug)]
pub(crate) struct PostHead<'a> {
    pub request_id: &'a str,
    /// `Lambda-Runtime-Invocation-Id`, if the runtime sends it.
    pub invocation_id: Option<&'a str>,
    pub kind: PostKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PostKind {
    Response,
    /// `Lambda-Runtime-Function-Response-Mode` is present and not `streaming`.
    ResponseInUnknownMode,
    Error,
}

/// The answer to a request for the next event.
#[derive(Debug)]
pub(crate) enum NextEvent {
    /// The event, again: the runtime has it already.
    Now(Delivery),
    /// The next event, once there is one.
    Later(oneshot::Receiver<Delivery>),
    /// To be asked again when the response to the last event has been read: some runtimes stream it on one connection
    /// and request the next event on another one without waiting.
    AfterResponse(oneshot::Receiver<()>),
}

impl RuntimeSession {
    /// A new session, and the receiver of its events.
    pub(crate) fn new(concurrency: usize) -> (Arc<Self>, mpsc::UnboundedReceiver<RuntimeEvent>) {
        // Bounded by the runtime's connections: each has one request at a time, and most requests cause no event.
        let (events, receiver) = mpsc::unbounded_channel();
        let state = SessionState {
            runtime: RuntimeState::Started,
            concurrency,
            waiting: Vec::new(),
            pending: VecDeque::new(),
            current: Vec::new(),
            expired: Vec::new(),
            restore: None,
            waiting_for_response: None,
        };
        let session = Self {
            state: Mutex::new(state),
            events,
        };
        (Arc::new(session), receiver)
    }

    /// Delivers an invocation's event: at once if the runtime waits for one, else when it asks.
    pub(crate) fn deliver(&self, delivery: Delivery) {
        let mut session = self.lock();
        session.pending.push_back(delivery);
        if session.runtime == RuntimeState::Ready {
            session.deliver_pending();
        }
    }

    /// Discards an event that has timed out, while the runtime continues with others. A later response to it is too
    /// late.
    pub(crate) fn expire(&self, delivery_id: u64) {
        let mut session = self.lock();
        session
            .pending
            .retain(|event| event.delivery_id != delivery_id);
        if let Some(index) = session.position(delivery_id) {
            let event = session.current.swap_remove(index);
            session.expired.push(event.delivery.request_id.clone());
        }
    }

    /// Answers the runtime's request that waits for the restore from a snapshot, if there is one.
    pub(crate) fn restore(&self) {
        let mut session = self.lock();
        if let Some(request) = session.restore.take() {
            session.runtime.restored();
            let _ = request.send(()); // the runtime may have disconnected
        }
    }

    /// `GET /runtime/invocation/next`
    pub(crate) fn next(&self) -> Result<NextEvent, ApiError> {
        let mut session = self.lock();
        if session.concurrency > 1 {
            return session.next_of_several(|event| self.send_event(event));
        }
        if let Some(waiting) = &mut session.waiting_for_response {
            let (sender, receiver) = oneshot::channel();
            waiting.push(sender);
            return Ok(NextEvent::AfterResponse(receiver));
        }
        let previous = session.runtime;
        let mut state = session.effective_state();
        state.next()?;
        if state == RuntimeState::Running {
            // Requested while an event is being processed: the same event again.
            let Some(current) = session.current.first() else {
                return Err(ApiError::INTERNAL);
            };
            return Ok(NextEvent::Now(Arc::clone(&current.delivery)));
        }
        let was_waiting = previous == RuntimeState::Ready && session.current.is_empty();
        session.runtime = state;
        session.current.clear();
        let (sender, receiver) = oneshot::channel();
        session.waiting.push(sender);
        session.deliver_pending();
        if !was_waiting && session.current.is_empty() {
            self.send_event(RuntimeEvent::Ready);
        }
        Ok(NextEvent::Later(receiver))
    }

    /// The head of a `POST /runtime/invocation/{id}/response` or `…/error`: decides whether its body is read, and for
    /// which event.
    pub(crate) fn begin_post(
        self: &Arc<Self>,
        head: &PostHead<'_>,
    ) -> Result<PendingPost, ApiError> {
        let mut session = self.lock();
        let current = session.current_for(head)?;
        let delivery = Arc::clone(&current.delivery);
        match head.kind {
            PostKind::Error => current.state.error()?,
            PostKind::Response => current.state.response()?,
            PostKind::ResponseInUnknownMode => {
                current.state.response()?;
                // As on AWS, the runtime stays in this state until its invocation times out.
                self.send_event(RuntimeEvent::Responded(
                    delivery.delivery_id,
                    RuntimeResponse::InvalidMode,
                    Timing::now(),
                ));
                return Err(ApiError::INVALID_RESPONSE_MODE);
            }
        }
        session.waiting_for_response = Some(Vec::new());
        Ok(PendingPost {
            session: Arc::clone(self),
            delivery_id: delivery.delivery_id,
            wants_stream: delivery.wants_stream,
            first_byte: Instant::now(),
            finished: false,
        })
    }

    /// `POST /runtime/init/error`
    pub(crate) fn init_error(&self, error: InitError) -> Result<(), ApiError> {
        let mut session = self.lock();
        let mut state = session.effective_state();
        state.init_error()?;
        session.runtime = state;
        self.send_event(RuntimeEvent::InitError(error));
        Ok(())
    }

    /// `GET /runtime/restore/next`
    pub(crate) fn restore_next(&self) -> Result<oneshot::Receiver<()>, ApiError> {
        let mut session = self.lock();
        let mut state = session.effective_state();
        state.restore_next()?;
        session.runtime = state;
        let (sender, receiver) = oneshot::channel();
        session.restore = Some(sender);
        self.send_event(RuntimeEvent::RestoreReady);
        Ok(receiver)
    }

    /// `POST /runtime/restore/error`
    pub(crate) fn restore_error(&self, error: InitError) -> Result<(), ApiError> {
        let mut session = self.lock();
        let mut state = session.effective_state();
        state.restore_error()?;
        session.runtime = state;
        self.send_event(RuntimeEvent::InitError(error));
        Ok(())
    }

    fn send_event(&self, event: RuntimeEvent) {
        let _ = self.events.send(event); // the environment may have given up this process
    }

    fn lock(&self) -> MutexGuard<'_, SessionState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SessionState {
    /// The state that AWS's messages name: that of the current event, if there is one.
    fn effective_state(&self) -> RuntimeState {
        let current = self.current.first();
        current.map_or(self.runtime, |current| current.state)
    }

    /// The index of a current event.
    fn position(&self, delivery_id: u64) -> Option<usize> {
        self.current
            .iter()
            .position(|current| current.delivery.delivery_id == delivery_id)
    }

    /// Answers waiting requests with pending events.
    fn deliver_pending(&mut self) {
        while let Some(delivery) = self.pending.pop_front() {
            if !self.send(&delivery) {
                self.pending.push_front(delivery);
                return;
            }
            self.current.push(CurrentEvent {
                delivery,
                state: RuntimeState::Running,
            });
        }
    }

    /// Answers one waiting request with this event; false if none waits.
    fn send(&mut self, delivery: &Delivery) -> bool {
        while let Some(request) = self.waiting.pop() {
            if request.send(Arc::clone(delivery)).is_ok() {
                return true;
            }
        }
        false
    }

    /// `next` where several events are processed at a time: as many requests may wait as the runtime has workers.
    fn next_of_several(
        &mut self,
        send_event: impl Fn(RuntimeEvent),
    ) -> Result<NextEvent, ApiError> {
        let is_first = self.runtime != RuntimeState::Ready;
        self.runtime.next()?;
        self.waiting.retain(|request| !request.is_closed());
        if self.waiting.len() >= self.concurrency {
            return Err(ApiError::TOO_MANY_IDLE);
        }
        let (sender, receiver) = oneshot::channel();
        self.waiting.push(sender);
        if is_first {
            send_event(RuntimeEvent::Ready);
        }
        self.deliver_pending();
        Ok(NextEvent::Later(receiver))
    }

    /// The event that a response belongs to. Without a current event every id is invalid.
    fn current_for(&mut self, head: &PostHead<'_>) -> Result<&mut CurrentEvent, ApiError> {
        let matches = |id: &RequestId| id.as_str() == head.request_id;
        let found = self
            .current
            .iter_mut()
            .find(|current| matches(&current.delivery.request_id));
        let Some(current) = found else {
            return Err(if self.expired.iter().any(matches) {
                ApiError::TOO_LATE
            } else {
                ApiError::INVALID_REQUEST_ID
            });
        };
        match head.invocation_id {
            Some(id) if id != current.delivery.invocation_id => Err(ApiError::TOO_LATE),
            _ => Ok(current),
        }
    }
}

/// A response whose body is being read. If it is dropped before it is finished, the response counts as truncated.
#[derive(Debug)]
pub(crate) struct PendingPost {
    session: Arc<RuntimeSession>,
    delivery_id: u64,
    first_byte: Instant,
    finished: bool,
    /// Whether the caller accepts a streamed response.
    pub wants_stream: bool,
}

impl PendingPost {
    /// Starts to pass the response on to the caller piece by piece.
    pub(crate) fn stream(&self, response: StreamingResponse) {
        let event = RuntimeEvent::StreamStarted(self.delivery_id, response);
        self.session.send_event(event);
    }

    /// The body has been read completely, or as far as it will be. `bytes` is the length that was read.
    pub(crate) fn finish(mut self, response: RuntimeResponse, bytes: u64) {
        self.end(response, bytes);
    }

    fn end(&mut self, response: RuntimeResponse, bytes: u64) {
        self.finished = true;
        let timing = Timing {
            first_byte: self.first_byte,
            last_byte: Instant::now(),
            bytes,
        };
        let mut session = self.session.lock();
        // The requests for the next event that waited ask again, for which they need the lock.
        drop(session.waiting_for_response.take());
        // Without a position the invocation has timed out meanwhile.
        let Some(index) = session.position(self.delivery_id) else {
            return;
        };
        if session.concurrency > 1 {
            session.current.swap_remove(index);
        } else if let Some(current) = session.current.get_mut(index) {
            current.state.response_sent();
        }
        // Sent under the lock, so that the environment receives it before the runtime's next request.
        let event = RuntimeEvent::Responded(self.delivery_id, response, timing);
        self.session.send_event(event);
    }
}

impl Drop for PendingPost {
    fn drop(&mut self) {
        if !self.finished {
            self.end(RuntimeResponse::Truncated, 0);
        }
    }
}

impl Timing {
    fn now() -> Self {
        let now = Instant::now();
        Self {
            first_byte: now,
            last_byte: now,
            bytes: 0,
        }
    }
}

#[cfg(test)]
mod tests;
