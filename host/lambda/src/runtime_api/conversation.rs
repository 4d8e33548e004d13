//! What a runtime and its environment say to each other, kept in the order AWS's [state machine](State) demands.
//!
//! The Runtime API's requests are answered from here on the spot, without waking the environment: it hears of them as
//! [`Event`]s afterwards, and only of those that matter to it. In the other direction the environment [delivers]
//! an event, which ends the wait of a request for the next one.
//!
//! The lock is held for a few assignments and never across an await. It is one of the two things in this crate that two
//! tasks share (the dispatcher is the other): asking the environment's task instead costs two more switches between
//! tasks on each of a call's three requests, which was measured as a third of a short call's time.
//!
//! [delivers]: Conversation::deliver

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use lambkin_http::BodyError;
use lambkin_model::RequestId;
use tokio::sync::{mpsc, oneshot};

use super::lifecycle::State;
use super::refusal::Refusal;

/// A runtime's conversation with its environment, for as long as its process lives.
#[derive(Debug)]
pub(crate) struct Conversation {
    state: Mutex<Exchange>,
    events: mpsc::UnboundedSender<Event>,
}

#[derive(Debug)]
struct Exchange {
    state: State,
    /// Requests for the next event, waiting. More than one is unusual but legal.
    waiting: Vec<oneshot::Sender<Delivery>>,
    /// An event that waits for the runtime to ask for it.
    pending: Option<Delivery>,
    /// The event the runtime has, or has just answered.
    current: Option<Delivery>,
}

/// An event on its way to a runtime. Shared, as it may be delivered more than once.
pub(crate) type Delivery = Arc<EventWithContext>;

/// An event and what `next` says about it in headers.
#[derive(Debug)]
pub(crate) struct EventWithContext {
    pub request_id: RequestId,
    pub event: Bytes,
    /// Milliseconds since the Unix epoch.
    pub deadline_ms: u64,
    pub function_arn: String,
    pub trace_id: String,
    pub client_context: Option<String>,
}

/// Something the environment has to know.
#[derive(Debug)]
pub(crate) enum Event {
    /// The runtime waits for an event: init, or the last invocation, is over.
    Ready,
    /// The runtime reported that its init failed.
    InitError(InitError),
    /// The runtime answered the event it was given.
    Answered(Answer),
}

/// What a runtime posted to `/init/error`.
#[derive(Debug)]
pub(crate) struct InitError {
    pub body: Bytes,
    /// `Lambda-Runtime-Function-Error-Type`
    pub error_type: Option<String>,
}

/// What a runtime made of its event.
#[derive(Debug)]
pub(crate) enum Answer {
    Response(Bytes),
    Error(Bytes),
    TooLarge,
    Truncated,
    InvalidMode,
}

/// What a runtime posted for an invocation.
#[derive(Debug)]
pub(crate) struct Posted<'a> {
    pub request_id: &'a str,
    pub body: Result<Bytes, BodyError>,
    /// `Lambda-Runtime-Function-Response-Mode` was there and was not `streaming`.
    pub invalid_mode: bool,
}

/// The answer to a request for the next event.
#[derive(Debug)]
pub(crate) enum Next {
    /// Here it is.
    Now(Delivery),
    /// It will come.
    Later(oneshot::Receiver<Delivery>),
}

impl Conversation {
    /// A conversation that has not begun, and where its events arrive.
    pub(crate) fn new() -> (Arc<Self>, mpsc::UnboundedReceiver<Event>) {
        // Bounded by the runtime's connections: each has one request at a time, and most requests are no event.
        let (events, receiver) = mpsc::unbounded_channel();
        let exchange = Exchange {
            state: State::Started,
            waiting: Vec::new(),
            pending: None,
            current: None,
        };
        (
            Arc::new(Self {
                state: Mutex::new(exchange),
                events,
            }),
            receiver,
        )
    }

    /// Hands over the event of an invocation: at once if the runtime waits, else when it asks.
    pub(crate) fn deliver(&self, delivery: Delivery) {
        let mut exchange = self.lock();
        exchange.pending = Some(delivery);
        if exchange.state == State::Ready {
            exchange.hand_over();
        }
    }

    /// `GET /runtime/invocation/next`
    pub(crate) fn next(&self) -> Result<Next, Refusal> {
        let mut exchange = self.lock();
        let was = exchange.state;
        exchange.state.next()?;
        // Asked while running: the event again.
        if let (State::Running, Some(delivery)) = (exchange.state, &exchange.current) {
            return Ok(Next::Now(Arc::clone(delivery)));
        }
        let (sender, receiver) = oneshot::channel();
        exchange.waiting.push(sender);
        exchange.hand_over();
        if was != State::Ready && exchange.state == State::Ready {
            self.tell(Event::Ready);
        }
        Ok(Next::Later(receiver))
    }

    /// `POST /runtime/invocation/{id}/response`
    pub(crate) fn response(&self, posted: Posted<'_>) -> Result<(), Refusal> {
        let mut exchange = self.lock();
        exchange.check_id(posted.request_id)?;
        exchange.state.response()?;
        if posted.invalid_mode {
            // As on AWS the runtime stays stuck in this state until its time is up.
            self.tell(Event::Answered(Answer::InvalidMode));
            return Err(Refusal::INVALID_RESPONSE_MODE);
        }
        self.take(&mut exchange, posted, Answer::Response)
    }

    /// `POST /runtime/invocation/{id}/error`
    pub(crate) fn error(&self, posted: Posted<'_>) -> Result<(), Refusal> {
        let mut exchange = self.lock();
        exchange.check_id(posted.request_id)?;
        exchange.state.error()?;
        self.take(&mut exchange, posted, Answer::Error)
    }

    /// `POST /runtime/init/error`
    pub(crate) fn init_error(&self, error: InitError) -> Result<(), Refusal> {
        self.lock().state.init_error()?;
        self.tell(Event::InitError(error));
        Ok(())
    }

    fn take(
        &self,
        exchange: &mut Exchange,
        posted: Posted<'_>,
        answer: fn(Bytes) -> Answer,
    ) -> Result<(), Refusal> {
        exchange.state.response_sent();
        let (answer, reply) = match posted.body {
            Ok(body) => (answer(body), Ok(())),
            Err(BodyError::TooLarge { .. }) => (Answer::TooLarge, Err(Refusal::TOO_LARGE)),
            Err(BodyError::Incomplete(_)) => (Answer::Truncated, Err(Refusal::TRUNCATED)),
        };
        self.tell(Event::Answered(answer));
        reply
    }

    fn tell(&self, event: Event) {
        let _the_life_has_ended = self.events.send(event);
    }

    fn lock(&self) -> MutexGuard<'_, Exchange> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Exchange {
    /// Gives a pending event to a request that still listens.
    fn hand_over(&mut self) {
        let Some(delivery) = self.pending.take() else {
            return;
        };
        while let Some(asker) = self.waiting.pop() {
            if asker.send(Arc::clone(&delivery)).is_ok() {
                self.current = Some(delivery);
                self.state.deliver();
                return;
            }
        }
        self.pending = Some(delivery);
    }

    /// While nothing runs no id is right, whatever it is.
    fn check_id(&self, request_id: &str) -> Result<(), Refusal> {
        let runs = !matches!(self.state, State::Started | State::Ready);
        let right = |current: &Delivery| current.request_id.as_str() == request_id;
        if runs && self.current.as_ref().is_some_and(right) {
            Ok(())
        } else {
            Err(Refusal::INVALID_REQUEST_ID)
        }
    }
}
