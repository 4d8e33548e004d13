//! One life of an environment: a bootstrap process, its private Runtime API, and the conversation between the two.
//!
//! A life begins with the start of the process and ends with its death. An environment whose process crashed or was
//! stopped begins a new life at the next call, on a new address, so nothing a dead process still had in flight can be
//! taken for its successor's.
//!
//! [`Life::next_event`] is the one place where everything that can happen to a process arrives: its requests, its
//! output, its end, and the time. What a request means, and what it changes, is decided here by the
//! [state machine](State); what that means for the caller is the environment's business.

use std::future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use lambkin_http::{Idle, StopSignal};
use tokio::net::unix::pipe;
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;

use crate::lifecycle::State;
use crate::limits::KILL_TIMEOUT;
use crate::log::{EnvironmentLog, Stream};
use crate::runtime_api::{self, Accepted, Ask, Delivery, Posted, Refusal};
use crate::sandbox::{Exit, Launch, Process};

/// A running process and its conversation.
#[derive(Debug)]
pub(crate) struct Life {
    process: Process,
    stdout: Output,
    stderr: Output,
    asks: mpsc::UnboundedReceiver<Ask>,
    server: AbortHandle,
    state: State,
    /// Requests for the next event, waiting. More than one is unusual but legal.
    waiting: Vec<oneshot::Sender<Result<Delivery, Refusal>>>,
    /// An event that waits for the runtime to ask for it.
    pending: Option<Delivery>,
    /// The event the runtime has, or has just answered.
    current: Option<Delivery>,
}

/// Something happened that matters beyond the conversation.
#[derive(Debug)]
pub(crate) enum Event {
    /// The runtime waits for an event: init, or the last invocation, is over.
    Ready,
    /// The runtime reported that its init failed.
    InitError(Bytes),
    /// The runtime answered the event it was given.
    Answered(Answer),
    /// The process ended.
    Exited(Exit),
    /// The given time came.
    TimeIsUp,
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

impl Life {
    /// Starts a process. `prepare` is told the Runtime API's address and says what to start.
    pub(crate) fn begin(prepare: impl FnOnce(&str) -> Launch) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let (process, outputs) = Process::spawn(prepare(&address.to_string()))?;

        // Bounded by the number of connections: each waits for its answer before it may ask again.
        let (sender, asks) = mpsc::unbounded_channel();
        let server = tokio::spawn(async move {
            // Held here so that the server lives until it is aborted.
            let (_stop, signal) = StopSignal::new();
            lambkin_http::serve(listener, Idle::Unlimited, signal, move |request, _peer| {
                runtime_api::answer(request, sender.clone())
            })
            .await;
        });
        Ok(Self {
            process,
            stdout: Output { pipe: Some(outputs.stdout), stream: Stream::Stdout },
            stderr: Output { pipe: Some(outputs.stderr), stream: Stream::Stderr },
            asks,
            server: server.abort_handle(),
            state: State::Started,
            waiting: Vec::new(),
            pending: None,
            current: None,
        })
    }

    /// The process id, once the process runs.
    pub(crate) fn pid(&self) -> Option<i32> {
        self.process.pid()
    }

    /// Hands over the event of an invocation: at once if the runtime waits, else when it asks.
    pub(crate) fn deliver(&mut self, delivery: Delivery) {
        self.pending = Some(delivery);
        if self.state == State::Ready {
            self.hand_over();
        }
    }

    /// Gives a pending event to a request that still listens.
    fn hand_over(&mut self) {
        let Some(delivery) = self.pending.take() else { return };
        while let Some(asker) = self.waiting.pop() {
            if asker.send(Ok(Arc::clone(&delivery))).is_ok() {
                self.current = Some(delivery);
                self.state.deliver();
                return;
            }
        }
        self.pending = Some(delivery);
    }

    /// Waits for the next thing that matters, or for `until`; passes output on to `log` meanwhile.
    pub(crate) async fn next_event(&mut self, until: Option<Instant>, log: &mut EnvironmentLog) -> Event {
        loop {
            tokio::select! {
                biased;
                Some(ask) = self.asks.recv() => {
                    if let Some(event) = self.hear(ask) {
                        return event;
                    }
                }
                exit = self.process.exited() => {
                    self.drain(log);
                    log.finish_lines();
                    return Event::Exited(exit);
                }
                () = self.stdout.readable() => self.stdout.pass_on(log),
                () = self.stderr.readable() => self.stderr.pass_on(log),
                () = wait_until(until) => return Event::TimeIsUp,
            }
        }
    }

    /// Passes on all output written so far. What a process printed before it sent a request is in its pipe by now.
    pub(crate) fn drain(&mut self, log: &mut EnvironmentLog) {
        self.stdout.drain(log);
        self.stderr.drain(log);
    }

    /// Kills the process and everything it started; returns when all of it is gone.
    pub(crate) async fn end(mut self, log: &mut EnvironmentLog) {
        self.server.abort();
        if tokio::time::timeout(KILL_TIMEOUT, self.process.kill()).await.is_err() {
            log.platform("lambkin: a process does not die of SIGKILL; it is left to the operating system");
        }
        self.drain(log);
        log.finish_lines();
    }

    fn hear(&mut self, ask: Ask) -> Option<Event> {
        match ask {
            Ask::Next(asker) => self.next(asker),
            Ask::Response(posted) => self.response(posted),
            Ask::Error(posted) => self.error(posted),
            Ask::InitError { body, reply } => {
                let allowed = self.state.init_error();
                respond(reply, allowed.map(|()| Accepted).map_err(Refusal::from));
                allowed.is_ok().then_some(Event::InitError(body))
            }
        }
    }

    fn next(&mut self, asker: oneshot::Sender<Result<Delivery, Refusal>>) -> Option<Event> {
        let was = self.state;
        if let Err(refused) = self.state.next() {
            respond(asker, Err(refused.into()));
            return None;
        }
        // Asked while running: the event again.
        if let (State::Running, Some(delivery)) = (self.state, &self.current) {
            respond(asker, Ok(Arc::clone(delivery)));
            return None;
        }
        self.waiting.push(asker);
        self.hand_over();
        (was != State::Ready && self.state == State::Ready).then_some(Event::Ready)
    }

    fn response(&mut self, posted: Posted) -> Option<Event> {
        if !self.is_current(&posted) {
            return refuse(posted, Refusal::INVALID_REQUEST_ID);
        }
        if let Err(refused) = self.state.response() {
            return refuse(posted, refused.into());
        }
        if posted.invalid_mode {
            // As on AWS the runtime stays stuck in this state until its time is up.
            refuse(posted, Refusal::INVALID_RESPONSE_MODE);
            return Some(Event::Answered(Answer::InvalidMode));
        }
        self.take(posted, Answer::Response)
    }

    fn error(&mut self, posted: Posted) -> Option<Event> {
        if !self.is_current(&posted) {
            return refuse(posted, Refusal::INVALID_REQUEST_ID);
        }
        if let Err(refused) = self.state.error() {
            return refuse(posted, refused.into());
        }
        self.take(posted, Answer::Error)
    }

    fn is_current(&self, posted: &Posted) -> bool {
        // While nothing runs no id is right, whatever it is.
        !matches!(self.state, State::Started | State::Ready)
            && self.current.as_ref().is_some_and(|delivery| delivery.request_id.as_str() == posted.request_id)
    }

    fn take(&mut self, posted: Posted, answer: fn(Bytes) -> Answer) -> Option<Event> {
        self.state.response_sent();
        let (answer, reply) = match posted.body {
            Ok(body) => (answer(body), Ok(Accepted)),
            Err(lambkin_http::BodyError::TooLarge { .. }) => (Answer::TooLarge, Err(Refusal::TOO_LARGE)),
            Err(lambkin_http::BodyError::Incomplete(_)) => (Answer::Truncated, Err(Refusal::TRUNCATED)),
        };
        respond(posted.reply, reply);
        Some(Event::Answered(answer))
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Sends an answer to a runtime that may have hung up.
fn respond<T>(reply: oneshot::Sender<T>, answer: T) {
    let _the_runtime_hung_up = reply.send(answer);
}

fn refuse(posted: Posted, refusal: Refusal) -> Option<Event> {
    respond(posted.reply, Err(refusal));
    None
}

async fn wait_until(until: Option<Instant>) {
    match until {
        Some(instant) => tokio::time::sleep_until(instant.into()).await,
        None => future::pending().await,
    }
}

/// One of the process's outputs.
#[derive(Debug)]
struct Output {
    /// None once it has been closed: an end that is read again and again would keep this task from ever waiting.
    pipe: Option<pipe::Receiver>,
    stream: Stream,
}

impl Output {
    /// Returns when there is something to read; never, once the output has been closed.
    async fn readable(&self) {
        match &self.pipe {
            Some(pipe) if pipe.readable().await.is_ok() => {}
            _ => future::pending().await,
        }
    }

    /// Reads what has been announced.
    fn pass_on(&mut self, log: &mut EnvironmentLog) {
        self.read_with(log, |pipe, buffer| pipe.try_read(buffer));
    }

    /// Reads what is there, announced or not: the announcement may come later than a request sent after the output.
    fn drain(&mut self, log: &mut EnvironmentLog) {
        self.read_with(log, |pipe, buffer| Ok(rustix::io::read(pipe, buffer)?));
    }

    fn read_with(
        &mut self,
        log: &mut EnvironmentLog,
        read: impl Fn(&pipe::Receiver, &mut [u8]) -> io::Result<usize>,
    ) {
        let mut buffer = [0; 8 * 1024];
        while let Some(pipe) = &self.pipe {
            match read(pipe, &mut buffer) {
                Ok(length @ 1..) => log.output(self.stream, buffer.get(..length).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(0) | Err(_) => self.pipe = None,
            }
        }
    }
}
