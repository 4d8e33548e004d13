//! The callers: kept-alive HTTP/1.1 connections that each send the next event when the last one is answered.
//!
//! Every event carries a number of its own and every answer must bring it back, so an answer that reaches the
//! wrong caller is noticed. A call that fails is counted and its caller continues on a new connection; a caller
//! that can no longer connect stops. An answer with the right status that is not the event is counted as
//! wrong; an event that is stored for later has an empty answer.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use lambkin_tests::wire::{Responses, ended};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// How long a call may take before it counts as failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// The length of an event: that of a short request as an API Gateway event.
const EVENT_BYTES: usize = 955;

/// Where a subject's function is invoked.
#[derive(Clone)]
pub struct Target {
    /// The listener for invocations.
    pub address: SocketAddr,
    /// The path of the function.
    pub path: String,
    /// Whether the function gets the event as the body of a larger event, which it returns: that of an HTTP trigger.
    pub is_wrapped: bool,
}

/// How callers call it.
#[derive(Clone, Copy)]
pub struct Calls {
    /// This many at the same time.
    pub callers: usize,
    /// When they stop.
    pub until: Until,
    /// Put into every event, as `,"key":value`.
    pub extra: &'static str,
    /// How long each caller rests after an answer.
    pub pause: Duration,
    /// Whether they wait for the function.
    pub kind: Kind,
}

impl Calls {
    /// Calls of the plain echo, one after the other.
    pub const fn new(callers: usize, until: Until) -> Self {
        Self {
            callers,
            until,
            extra: "",
            pause: Duration::ZERO,
            kind: Kind::RequestResponse,
        }
    }
}

/// The invocation type.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Answered with what the function returns, which has to be the event.
    RequestResponse,
    /// Answered with 202 when the event is stored.
    Event,
}

/// When the callers stop.
#[derive(Clone, Copy)]
pub enum Until {
    /// Each caller has made this many calls.
    Calls(usize),
    /// This much time has passed.
    Passed(Duration),
}

/// What the callers saw.
#[derive(Default)]
pub struct Seen {
    /// How long each answered call took.
    pub latencies: Vec<Duration>,
    /// Calls that were not answered with the right status.
    pub errors: usize,
    /// Calls that were answered with the right status and something else than the event.
    pub wrong: usize,
    /// What the first error or wrong answer was.
    pub first_fault: Option<String>,
    /// From the first call to the end of the last.
    pub elapsed: Duration,
}

impl Seen {
    /// The latency that this many hundredths of the answered calls stay under.
    pub fn hundredth(&mut self, hundredths: usize) -> Option<Duration> {
        self.latencies.sort();
        let index = self.latencies.len() * hundredths / 100;
        self.latencies.get(index).copied()
    }

    /// Answered calls per second.
    pub fn per_second(&self) -> f64 {
        self.latencies.len() as f64 / self.elapsed.as_secs_f64()
    }

    fn add(&mut self, other: Self) {
        self.latencies.extend(other.latencies);
        self.errors += other.errors;
        self.wrong += other.wrong;
        self.first_fault = self.first_fault.take().or(other.first_fault);
    }

    fn note(&mut self, fault: Fault) {
        let text = match fault {
            Fault::Wrong(text) => {
                self.wrong += 1;
                text
            }
            Fault::Failed(text) => {
                self.errors += 1;
                text
            }
        };
        self.first_fault.get_or_insert(text);
    }
}

/// Runs all callers until they have stopped.
///
/// # Errors
/// When a caller cannot connect at the start.
pub async fn run(target: &Target, calls: Calls) -> Result<Seen> {
    let mut connected = Vec::with_capacity(calls.callers);
    for _ in 0..calls.callers {
        let caller = Caller::connect(target.clone(), calls).await;
        connected.push(caller.context("cannot connect")?);
    }
    let started = Instant::now();
    let mut tasks = JoinSet::new();
    for (index, caller) in connected.into_iter().enumerate() {
        // Each caller uses its own range of numbers.
        tasks.spawn(caller.run(index as u64 * 1_000_000_000, started));
    }
    let mut seen = Seen::default();
    while let Some(one) = tasks.join_next().await {
        seen.add(one.context("a caller failed")?);
    }
    seen.elapsed = started.elapsed();
    Ok(seen)
}

/// Why a call does not count.
enum Fault {
    Wrong(String),
    Failed(String),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

struct Caller {
    target: Target,
    calls: Calls,
    connection: TcpStream,
    responses: Responses,
}

impl Caller {
    async fn connect(target: Target, calls: Calls) -> io::Result<Self> {
        let connection = TcpStream::connect(target.address).await?;
        connection.set_nodelay(true)?;
        Ok(Self {
            target,
            calls,
            connection,
            responses: Responses::default(),
        })
    }

    async fn run(mut self, first: u64, started: Instant) -> Seen {
        let mut seen = Seen::default();
        for n in first.. {
            let over = match self.calls.until {
                Until::Calls(calls) => n - first >= calls as u64,
                Until::Passed(time) => started.elapsed() >= time,
            };
            if over {
                break;
            }
            let called = Instant::now();
            let answered = tokio::time::timeout(PATIENCE, self.call(n)).await;
            match answered.unwrap_or_else(|_| Err(Fault::Failed("no answer in time".to_owned()))) {
                Ok(()) => seen.latencies.push(called.elapsed()),
                Err(fault) => {
                    seen.note(fault);
                    match Self::connect(self.target, self.calls).await {
                        Ok(again) => self = again,
                        Err(_) => break,
                    }
                }
            }
            if !self.calls.pause.is_zero() {
                tokio::time::sleep(self.calls.pause).await;
            }
        }
        seen
    }

    async fn call(&mut self, n: u64) -> Result<(), Fault> {
        let event = event(n, self.calls.extra);
        let (kind, status, answer) = match self.calls.kind {
            Kind::RequestResponse => ("", 200, event.as_str()),
            Kind::Event => ("X-Amz-Invocation-Type: Event\r\n", 202, ""),
        };
        let request = format!(
            "POST {} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n{kind}Content-Length: {}\r\n\r\n{event}",
            self.target.path,
            self.target.address,
            event.len()
        );
        self.connection.write_all(request.as_bytes()).await?;
        let mut piece = [0; 4096];
        let response = loop {
            let read = self.connection.read(&mut piece).await?;
            if read == 0 {
                return Err(ended().into());
            }
            self.responses.feed(piece.get(..read).unwrap_or_default());
            if let Some(response) = self.responses.take()? {
                break response;
            }
        };
        let body = || String::from_utf8_lossy(&response.body);
        if response.status != status {
            return Err(Fault::Failed(format!(
                "{event} was answered {} {}",
                response.status,
                body()
            )));
        }
        let is_right = match self.target.is_wrapped {
            true => contains(&response.body, &event),
            false => response.body == answer.as_bytes(),
        };
        if !is_right {
            return Err(Fault::Wrong(format!(
                "{event} was answered with {}",
                body()
            )));
        }
        Ok(())
    }
}

/// An event of [`EVENT_BYTES`].
fn event(n: u64, extra: &str) -> String {
    let mut event = format!("{{\"n\":{n},\"name\":\"Ada\"{extra},\"padding\":\"");
    while event.len() < EVENT_BYTES - 2 {
        event.push('.');
    }
    event + "\"}"
}

/// Whether JSON text contains this text as a string. The text's only special characters are quotation marks.
fn contains(json: &[u8], text: &str) -> bool {
    let string = format!("\"{}\"", text.replace('"', "\\\""));
    std::str::from_utf8(json).is_ok_and(|json| json.contains(&string))
}
