//! One life of an environment: a bootstrap process, its private Runtime API, and the conversation between the two.
//!
//! A life begins with the start of the process and ends with its death. An environment whose process crashed or was
//! stopped begins a new life at the next call, on a new address, so nothing a dead process still had in flight can be
//! taken for its successor's.
//!
//! [`Life::next`] is the one place where everything that can happen to a process arrives: what its runtime says, its
//! output, its end, and the time. What that means for the caller is the environment's business.

use std::future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use lambkin_http::{Idle, StopSignal};
use tokio::net::unix::pipe;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::Sleep;

use super::address;
use crate::limits::KILL_TIMEOUT;
use crate::log::{EnvironmentLog, Stream};
use crate::runtime_api;
use crate::runtime_api::conversation::{Conversation, Delivery, Event};
use crate::sandbox::{Exit, Launch, Process};

/// A running process and its conversation.
#[derive(Debug)]
pub(crate) struct Life {
    process: Process,
    stdout: Output,
    stderr: Output,
    conversation: Arc<Conversation>,
    events: mpsc::UnboundedReceiver<Event>,
    alarm: Alarm,
    server: AbortHandle,
}

/// What can happen to a running process.
#[derive(Debug)]
pub(crate) enum Happening {
    /// Its runtime said something.
    Said(Event),
    /// It ended.
    Exited(Exit),
    /// The given time came.
    TimeIsUp,
}

impl Life {
    /// Starts a process whose Runtime API listens on `address`, or else on a free port. `prepare` is told the address and
    /// says what to start.
    pub(crate) async fn begin(
        address: Option<SocketAddr>,
        prepare: impl FnOnce(&str) -> Launch,
    ) -> io::Result<Self> {
        let listener = address::listen(address).await?;
        let address = listener.local_addr()?;
        let (process, outputs) = Process::spawn(prepare(&address.to_string()))?;

        let (conversation, events) = Conversation::new();
        let told = Arc::clone(&conversation);
        let server = tokio::spawn(async move {
            // Held here so that the server lives until it is aborted.
            let (_stop, signal) = StopSignal::new();
            lambkin_http::serve(listener, Idle::Unlimited, signal, move |request, _peer| {
                runtime_api::answer(request, Arc::clone(&told))
            })
            .await;
        });
        Ok(Self {
            process,
            stdout: Output {
                pipe: Some(outputs.stdout),
                stream: Stream::Stdout,
            },
            stderr: Output {
                pipe: Some(outputs.stderr),
                stream: Stream::Stderr,
            },
            conversation,
            events,
            alarm: Alarm::default(),
            server: server.abort_handle(),
        })
    }

    /// The process id, once the process runs.
    pub(crate) fn pid(&self) -> Option<i32> {
        self.process.pid()
    }

    /// Hands over the event of an invocation.
    pub(crate) fn deliver(&self, delivery: Delivery) {
        self.conversation.deliver(delivery);
    }

    /// Waits for the next thing that matters, or for `until`; passes output on to `log` meanwhile.
    pub(crate) async fn next(
        &mut self,
        until: Option<Instant>,
        log: &mut EnvironmentLog,
    ) -> Happening {
        loop {
            tokio::select! {
                biased;
                Some(event) = self.events.recv() => return Happening::Said(event),
                exit = self.process.exited() => {
                    self.drain(log);
                    log.finish_lines();
                    return Happening::Exited(exit);
                }
                () = self.stdout.readable() => self.stdout.pass_on(log),
                () = self.stderr.readable() => self.stderr.pass_on(log),
                () = self.alarm.reached(until) => return Happening::TimeIsUp,
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
        // The process first: a runtime whose API vanished would complain in the log with its last breath.
        if tokio::time::timeout(KILL_TIMEOUT, self.process.kill())
            .await
            .is_err()
        {
            log.platform(
                "lambkin: a process does not die of SIGKILL; it is left to the operating system",
            );
        }
        self.drain(log);
        log.finish_lines();
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Tells when a time has come, with one timer for all times asked for one after the other.
#[derive(Debug, Default)]
struct Alarm(Option<Pin<Box<Sleep>>>);

impl Alarm {
    /// Returns at `until`; never, without it. A timer set for an earlier time is left to go off and then set again, so
    /// that a thousand short calls in a row set it once.
    async fn reached(&mut self, until: Option<Instant>) {
        let Some(until) = until else {
            return future::pending().await;
        };
        let until = until.into();
        let timer = self
            .0
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until)));
        if timer.deadline() > until {
            timer.as_mut().reset(until);
        }
        timer.as_mut().await;
        while tokio::time::Instant::now() < until {
            timer.as_mut().reset(until);
            timer.as_mut().await;
        }
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
        let Some(pipe) = &self.pipe else {
            return future::pending().await;
        };
        // Polled, not awaited: a busy environment asks thousands of times a second, and this way of asking leaves
        // no waiter behind that would have to be taken back under a lock. An error is for the reading to find.
        let _error = future::poll_fn(|context| pipe.poll_read_ready(context)).await;
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
                Ok(length @ 1..) => {
                    log.output(self.stream, buffer.get(..length).unwrap_or_default())
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(0) | Err(_) => self.pipe = None,
            }
        }
    }
}
