//! The callers: kept-alive HTTP/1.1 connections that each send the next event when the last one is answered.
//!
//! Every event carries a number of its own and every answer must bring it back, so an answer that reaches the
//! wrong caller is noticed. A call that fails is counted and its caller goes on over a new connection; a caller
//! that cannot connect any more stops. An answer with status 200 that is not the event is counted as wrong.

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

/// Where a subject's function is invoked.
#[derive(Clone, Copy)]
pub struct Target {
    /// The listener for invocations.
    pub address: SocketAddr,
    /// The path of the function.
    pub path: &'static str,
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
    /// Calls that were not answered with status 200.
    pub errors: usize,
    /// Calls that were answered with status 200 and something else than the event.
    pub wrong: usize,
    /// What the first error or wrong answer was.
    pub first_fault: Option<String>,
    /// From the first call to the end of the last.
    pub elapsed: Duration,
}

impl Seen {
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

/// Lets this many callers call at the same time. `extra` is put into every event, as `,"key":value`.
///
/// # Errors
/// When a caller cannot connect at the start.
pub async fn run(
    target: Target,
    callers: usize,
    until: Until,
    extra: &'static str,
) -> Result<Seen> {
    let mut connected = Vec::with_capacity(callers);
    for _ in 0..callers {
        connected.push(
            Caller::connect(target, extra)
                .await
                .context("cannot connect")?,
        );
    }
    let started = Instant::now();
    let mut tasks = JoinSet::new();
    for (index, caller) in connected.into_iter().enumerate() {
        // Each caller counts in a range of its own.
        tasks.spawn(caller.run(index as u64 * 1_000_000_000, until, started));
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
    extra: &'static str,
    connection: TcpStream,
    responses: Responses,
}

impl Caller {
    async fn connect(target: Target, extra: &'static str) -> io::Result<Self> {
        let connection = TcpStream::connect(target.address).await?;
        connection.set_nodelay(true)?;
        Ok(Self {
            target,
            extra,
            connection,
            responses: Responses::default(),
        })
    }

    async fn run(mut self, first: u64, until: Until, started: Instant) -> Seen {
        let mut seen = Seen::default();
        for n in first.. {
            let over = match until {
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
                    match Self::connect(self.target, self.extra).await {
                        Ok(again) => self = again,
                        Err(_) => break,
                    }
                }
            }
        }
        seen
    }

    async fn call(&mut self, n: u64) -> Result<(), Fault> {
        let event = format!("{{\"n\":{n},\"name\":\"Ada\"{}}}", self.extra);
        let request = format!(
            "POST {} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{event}",
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
        if response.status != 200 {
            return Err(Fault::Failed(format!(
                "{event} was answered {} {}",
                response.status,
                body()
            )));
        }
        if response.body != event.as_bytes() {
            return Err(Fault::Wrong(format!(
                "{event} was answered with {}",
                body()
            )));
        }
        Ok(())
    }
}
