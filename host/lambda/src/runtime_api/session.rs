//! What a runtime and its environment say to each other, kept in the order AWS's [state machine](RuntimeState) demands.
//!
//! The Runtime API's requests are answered from here on the spot, without waking the environment: it hears of them as
//! [`RuntimeEvent`]s afterwards, and only of those that matter to it. In the other direction the environment [delivers]
//! an event, which ends the wait of a request for the next one.
//!
//! A runtime works on one event at a time, unless its function allows several: then it may wait in several requests
//! for the next event, each event has a state of its own, and answers are told apart by request id alone.
//!
//! The lock is held for a few assignments and never across an await. It is one of the two things in this crate that two
//! tasks share (the dispatcher is the other): asking the environment's task instead costs two more switches between
//! tasks on each of a call's three requests, which was measured as a third of a short call's time.
//!
//! [delivers]: RuntimeSession::deliver

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use lambkin_model::RequestId;
use tokio::sync::{mpsc, oneshot};

use super::error::ApiError;
use super::state::RuntimeState;
use crate::function::StreamError;

/// A runtime's session with its environment, for as long as its process lives.
#[derive(Debug)]
pub(crate) struct RuntimeSession {
    state: Mutex<SessionState>,
    events: mpsc::UnboundedSender<RuntimeEvent>,
}

#[derive(Debug)]
struct SessionState {
    /// Of the runtime as a whole; what it is with an event is the event's own state.
    state: RuntimeState,
    /// The most events it works on at a time.
    concurrency: usize,
    /// Requests for the next event, waiting. With one event at a time more than one is unusual but legal.
    waiting: Vec<oneshot::Sender<Delivery>>,
    /// Events that wait for the runtime to ask for them.
    pending: VecDeque<Delivery>,
    /// The events the runtime has.
    current: Vec<Current>,
    /// Events whose time was up while the runtime had them. Only with several at a time: else the process is ended.
    expired: Vec<RequestId>,
    /// Waits for the restore from a snapshot.
    restore: Option<oneshot::Sender<()>>,
    /// An answer whose body is still on its way, and the requests for the next event that came before its end.
    posting: Option<Vec<oneshot::Sender<()>>>,
}

#[derive(Debug)]
struct Current {
    delivery: Delivery,
    state: RuntimeState,
}

/// An event on its way to a runtime. Shared, as it may be delivered more than once.
pub(crate) type Delivery = Arc<EventWithContext>;

/// An event and what `next` says about it in headers.
#[derive(Debug)]
pub(crate) struct EventWithContext {
    /// Tells the events of one life apart: a retry of the same request has another one.
    pub attempt: u64,
    pub request_id: RequestId,
    /// `Lambda-Runtime-Invocation-Id`: which attempt this is, in a form that cannot be guessed from another one.
    pub invocation_id: String,
    pub event: Bytes,
    /// Milliseconds since the Unix epoch.
    pub deadline_ms: u64,
    pub function_arn: String,
    pub trace_id: String,
    pub client_context: Option<String>,
    pub cognito_identity: Option<String>,
    pub tenant_id: Option<String>,
    /// Whether the caller takes a response as it is made.
    pub wants_stream: bool,
}

/// Something the environment has to know.
#[derive(Debug)]
pub(crate) enum RuntimeEvent {
    /// The runtime waits for an event: init, or the last invocation, is over.
    Ready,
    /// The runtime waits to be restored from a snapshot.
    RestoreReady,
    /// The runtime reported that its init, or a hook after the restore, failed.
    InitError(InitError),
    /// The runtime has begun a response, and the caller takes it as it is made.
    StreamStarted(u64, StreamingResponse),
    /// The runtime answered this attempt.
    Responded(u64, RuntimeResponse, Timing),
}

/// What a runtime posted to `/init/error` or `/restore/error`.
#[derive(Debug)]
pub(crate) struct InitError {
    pub body: Bytes,
    /// `Lambda-Runtime-Function-Error-Type`
    pub error_type: Option<String>,
}

/// A response on its way.
#[derive(Debug)]
pub(crate) struct StreamingResponse {
    pub content_type: Option<String>,
    pub chunks: mpsc::Receiver<Bytes>,
}

/// What a runtime made of its event.
#[derive(Debug)]
pub(crate) enum RuntimeResponse {
    Response(Bytes),
    /// A response that was handed on piece by piece, or collected, and what its trailers said.
    Streamed(Bytes, Option<StreamError>),
    Error(Bytes),
    TooLarge,
    Truncated,
    InvalidMode,
}

/// When an answer began and ended, and how long it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timing {
    pub first_byte: Instant,
    pub last_byte: Instant,
    pub bytes: u64,
}

/// What a runtime is about to post for an invocation.
#[derive(Debug)]
pub(crate) struct PostHead<'a> {
    pub request_id: &'a str,
    /// `Lambda-Runtime-Invocation-Id`, from runtimes that know it.
    pub invocation_id: Option<&'a str>,
    pub kind: PostKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PostKind {
    Response,
    /// `Lambda-Runtime-Function-Response-Mode` was there and was not `streaming`.
    ResponseInUnknownMode,
    Error,
}

/// The answer to a request for the next event.
#[derive(Debug)]
pub(crate) enum NextEvent {
    /// Here it is.
    Now(Delivery),
    /// It will come.
    Later(oneshot::Receiver<Delivery>),
    /// Ask again when the answer to the last event has been read: some runtimes stream it on one connection and ask
    /// for the next event on another without waiting.
    AfterResponse(oneshot::Receiver<()>),
}

impl RuntimeSession {
    /// A session that has not begun, and where its events arrive.
    pub(crate) fn new(concurrency: usize) -> (Arc<Self>, mpsc::UnboundedReceiver<RuntimeEvent>) {
        // Bounded by the runtime's connections: each has one request at a time, and most requests are no event.
        let (events, receiver) = mpsc::unbounded_channel();
        let session = SessionState {
            state: RuntimeState::Started,
            concurrency,
            waiting: Vec::new(),
            pending: VecDeque::new(),
            current: Vec::new(),
            expired: Vec::new(),
            restore: None,
            bodies: None,
        };
        (
            Arc::new(Self {
                state: Mutex::new(session),
                events,
            }),
            receiver,
        )
    }

    /// Hands over the event of an invocation: at once if the runtime waits, else when it asks.
    pub(crate) fn deliver(&self, delivery: Delivery) {
        let mut session = self.lock();
        session.pending.push_back(delivery);
        if session.state == RuntimeState::Ready {
            session.hand_over();
        }
    }

    /// Gives up an event whose time is up, while the runtime goes on with others. What still comes for it is too late.
    pub(crate) fn expire(&self, attempt: u64) {
        let mut session = self.lock();
        session.pending.retain(|event| event.attempt != attempt);
        let found = session
            .current
            .iter()
            .position(|current| current.delivery.attempt == attempt);
        if let Some(index) = found {
            let gone = session.current.swap_remove(index);
            session.expired.push(gone.delivery.request_id.clone());
        }
    }

    /// Tells a runtime that waits for it that it has been restored from its snapshot.
    pub(crate) fn restore(&self) {
        let mut session = self.lock();
        if let Some(waits) = session.restore.take() {
            session.state.restored();
            let _the_runtime_has_gone = waits.send(());
        }
    }

    /// `GET /runtime/invocation/next`
    pub(crate) fn next(&self) -> Result<NextEvent, ApiError> {
        let mut session = self.lock();
        if session.concurrency > 1 {
            return session.next_of_several(|event| self.tell(event));
        }
        if let Some(waiting) = &mut session.posting {
            let (sender, receiver) = oneshot::channel();
            waiting.push(sender);
            return Ok(NextEvent::AfterResponse(receiver));
        }
        let was = session.state;
        let mut state = session.effective_state();
        state.next()?;
        if state == RuntimeState::Running {
            // Asked while running: the event again.
            let Some(current) = session.current.first() else {
                return Err(ApiError::INTERNAL);
            };
            return Ok(NextEvent::Now(Arc::clone(&current.delivery)));
        }
        let was_waiting = was == RuntimeState::Ready && session.current.is_empty();
        session.state = state;
        session.current.clear();
        let (sender, receiver) = oneshot::channel();
        session.waiting.push(sender);
        session.hand_over();
        if !was_waiting && session.current.is_empty() {
            self.tell(RuntimeEvent::Ready);
        }
        Ok(NextEvent::Later(receiver))
    }

    /// The head of a `POST /runtime/invocation/{id}/response` or `…/error`: whether its body may come, and for whom.
    pub(crate) fn begin_post(
        self: &Arc<Self>,
        post: &PostHead<'_>,
    ) -> Result<PendingPost, ApiError> {
        let mut session = self.lock();
        let current = session.current_of(post)?;
        let delivery = Arc::clone(&current.delivery);
        match post.kind {
            PostKind::Error => current.state.error()?,
            PostKind::Response => current.state.response()?,
            PostKind::ResponseInUnknownMode => {
                current.state.response()?;
                // As on AWS the runtime stays stuck in this state until its time is up.
                let now = Timing::now();
                self.tell(RuntimeEvent::Responded(
                    delivery.attempt,
                    RuntimeResponse::InvalidMode,
                    now,
                ));
                return Err(ApiError::INVALID_RESPONSE_MODE);
            }
        }
        session.posting = Some(Vec::new());
        Ok(PendingPost {
            session: Arc::clone(self),
            attempt: delivery.attempt,
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
        session.state = state;
        self.tell(RuntimeEvent::InitError(error));
        Ok(())
    }

    /// `GET /runtime/restore/next`
    pub(crate) fn restore_next(&self) -> Result<oneshot::Receiver<()>, ApiError> {
        let mut session = self.lock();
        let mut state = session.effective_state();
        state.restore_next()?;
        session.state = state;
        let (sender, receiver) = oneshot::channel();
        session.restore = Some(sender);
        self.tell(RuntimeEvent::RestoreReady);
        Ok(receiver)
    }

    /// `POST /runtime/restore/error`
    pub(crate) fn restore_error(&self, error: InitError) -> Result<(), ApiError> {
        let mut session = self.lock();
        let mut state = session.effective_state();
        state.restore_error()?;
        session.state = state;
        self.tell(RuntimeEvent::InitError(error));
        Ok(())
    }

    fn tell(&self, event: RuntimeEvent) {
        let _the_life_has_ended = self.events.send(event);
    }

    fn lock(&self) -> MutexGuard<'_, SessionState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SessionState {
    /// The state AWS would name: that of the event, while there is one.
    fn effective_state(&self) -> RuntimeState {
        let current = self.current.first();
        current.map_or(self.state, |current| current.state)
    }

    /// Gives pending events to requests that still listen.
    fn hand_over(&mut self) {
        while let Some(delivery) = self.pending.pop_front() {
            if !self.give(&delivery) {
                self.pending.push_front(delivery);
                return;
            }
            self.current.push(Current {
                delivery,
                state: RuntimeState::Running,
            });
        }
    }

    fn give(&mut self, delivery: &Delivery) -> bool {
        while let Some(asker) = self.waiting.pop() {
            if asker.send(Arc::clone(delivery)).is_ok() {
                return true;
            }
        }
        false
    }

    /// `next` where several events run at a time: any worker may ask at any moment, up to as many as there are places.
    fn next_of_several(&mut self, tell: impl Fn(RuntimeEvent)) -> Result<NextEvent, ApiError> {
        let is_first = self.state != RuntimeState::Ready;
        self.state.next()?;
        self.waiting.retain(|asker| !asker.is_closed());
        if self.waiting.len() >= self.concurrency {
            return Err(ApiError::TOO_MANY_IDLE);
        }
        let (sender, receiver) = oneshot::channel();
        self.waiting.push(sender);
        if is_first {
            tell(RuntimeEvent::Ready);
        }
        self.hand_over();
        Ok(NextEvent::Later(receiver))
    }

    /// The event a runtime answers. While nothing runs no id is right, whatever it is.
    fn current_of(&mut self, post: &PostHead<'_>) -> Result<&mut Current, ApiError> {
        let is_it = |id: &RequestId| id.as_str() == post.request_id;
        let found = self
            .current
            .iter_mut()
            .find(|current| is_it(&current.delivery.request_id));
        let Some(current) = found else {
            return Err(if self.expired.iter().any(is_it) {
                ApiError::TOO_LATE
            } else {
                ApiError::INVALID_REQUEST_ID
            });
        };
        match post.invocation_id {
            Some(id) if id != current.delivery.invocation_id => Err(ApiError::TOO_LATE),
            _ => Ok(current),
        }
    }
}

/// An answer whose body is being read. Dropped before it is finished, it counts as broken off.
#[derive(Debug)]
pub(crate) struct PendingPost {
    session: Arc<RuntimeSession>,
    attempt: u64,
    first_byte: Instant,
    finished: bool,
    /// Whether the caller takes the response as it is made.
    pub wants_stream: bool,
}

impl PendingPost {
    /// Begins to hand on the response piece by piece.
    pub(crate) fn stream(&self, streaming: StreamingResponse) {
        self.session
            .tell(RuntimeEvent::StreamStarted(self.attempt, streaming));
    }

    /// The whole answer has been read, or as much of it as there will ever be.
    pub(crate) fn finish(mut self, answer: RuntimeResponse, bytes: u64) {
        self.end(answer, bytes);
    }

    fn end(&mut self, answer: RuntimeResponse, bytes: u64) {
        self.finished = true;
        let timing = Timing {
            first_byte: self.first_byte,
            last_byte: Instant::now(),
            bytes,
        };
        let mut session = self.session.lock();
        // Whoever waits for this asks again, which has to wait for the lock.
        drop(session.posting.take());
        let several = session.concurrency > 1;
        let found = session
            .current
            .iter()
            .position(|current| current.delivery.attempt == self.attempt);
        match found {
            Some(index) if several => {
                session.current.swap_remove(index);
            }
            Some(index) => {
                if let Some(current) = session.current.get_mut(index) {
                    current.state.response_sent();
                }
            }
            // Its time was up meanwhile.
            None => return,
        }
        // Under the lock, so that the environment hears of the answer before it hears of the next request.
        self.session
            .tell(RuntimeEvent::Responded(self.attempt, answer, timing));
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
mod tests {
    use super::*;

    fn event(attempt: u64, id: &str) -> Delivery {
        Arc::new(EventWithContext {
            attempt,
            request_id: RequestId::new(id),
            invocation_id: format!("attempt-{attempt}"),
            event: Bytes::new(),
            deadline_ms: 0,
            function_arn: String::new(),
            trace_id: String::new(),
            client_context: None,
            cognito_identity: None,
            tenant_id: None,
            wants_stream: false,
        })
    }

    fn post_head<'a>(id: &'a str, invocation_id: Option<&'a str>) -> PostHead<'a> {
        PostHead {
            request_id: id,
            invocation_id,
            kind: PostKind::Response,
        }
    }

    fn error_type(result: Result<PendingPost, ApiError>) -> &'static str {
        result
            .map(|post| post.finish(RuntimeResponse::Truncated, 0))
            .unwrap_err()
            .error_type
    }

    #[test]
    fn an_answer_for_another_attempt_is_too_late() {
        let (session, _events) = RuntimeSession::new(1);
        let _asked = session.next().unwrap();
        session.deliver(event(2, "r"));
        let stale = session.begin_post(&post_head("r", Some("attempt-1")));
        assert_eq!(error_type(stale), "InvokeTimeout");
        assert!(
            session
                .begin_post(&post_head("r", Some("attempt-2")))
                .is_ok()
        );
    }

    #[test]
    fn an_answer_that_is_dropped_counts_as_broken_off() {
        let (session, mut events) = RuntimeSession::new(1);
        let _asked = session.next().unwrap();
        session.deliver(event(1, "r"));
        drop(session.begin_post(&post_head("r", None)).unwrap());
        assert!(matches!(events.try_recv(), Ok(RuntimeEvent::Ready)));
        assert!(matches!(
            events.try_recv(),
            Ok(RuntimeEvent::Responded(1, RuntimeResponse::Truncated, _))
        ));
    }

    #[tokio::test]
    async fn the_next_event_may_be_asked_for_while_the_answer_is_still_on_its_way() {
        let (session, _events) = RuntimeSession::new(1);
        let _asked = session.next().unwrap();
        session.deliver(event(1, "r"));
        let post = session.begin_post(&post_head("r", None)).unwrap();
        let NextEvent::AfterResponse(answered) = session.next().unwrap() else {
            panic!("not before the answer");
        };
        post.finish(RuntimeResponse::Response(Bytes::new()), 0);
        assert!(answered.await.is_err(), "the sender is dropped");
        assert!(matches!(session.next(), Ok(NextEvent::Later(_))));
    }

    #[test]
    fn several_events_run_side_by_side_and_are_answered_in_any_order() {
        let (session, mut events) = RuntimeSession::new(2);
        let _one = session.next().unwrap();
        let _two = session.next().unwrap();
        assert_eq!(
            session.next().unwrap_err().error_type,
            "Runtime.TooManyIdleRuntimes"
        );
        session.deliver(event(1, "a"));
        session.deliver(event(2, "b"));
        let b = session.begin_post(&post_head("b", None)).unwrap();
        let a = session.begin_post(&post_head("a", None)).unwrap();
        b.finish(RuntimeResponse::Response(Bytes::new()), 0);
        a.finish(RuntimeResponse::Response(Bytes::new()), 0);
        assert!(matches!(events.try_recv(), Ok(RuntimeEvent::Ready)));
        assert!(matches!(
            events.try_recv(),
            Ok(RuntimeEvent::Responded(2, ..))
        ));
        assert!(matches!(
            events.try_recv(),
            Ok(RuntimeEvent::Responded(1, ..))
        ));
        assert_eq!(
            error_type(session.begin_post(&post_head("a", None))),
            "InvalidRequestID"
        );
    }

    #[test]
    fn what_comes_for_an_expired_event_is_too_late_and_the_others_go_on() {
        let (session, _events) = RuntimeSession::new(2);
        let _one = session.next().unwrap();
        let _two = session.next().unwrap();
        session.deliver(event(1, "a"));
        session.deliver(event(2, "b"));
        session.expire(1);
        assert_eq!(
            error_type(session.begin_post(&post_head("a", None))),
            "InvokeTimeout"
        );
        assert!(session.begin_post(&post_head("b", None)).is_ok());
    }

    #[tokio::test]
    async fn a_restore_is_waited_for_and_then_the_first_event() {
        let (session, mut events) = RuntimeSession::new(1);
        let restored = session.restore_next().unwrap();
        assert!(matches!(events.try_recv(), Ok(RuntimeEvent::RestoreReady)));
        assert!(session.next().is_err(), "not before the restore");
        session.restore();
        restored.await.unwrap();
        assert!(session.next().is_ok());
        assert!(matches!(events.try_recv(), Ok(RuntimeEvent::Ready)));
    }
}
