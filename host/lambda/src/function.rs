//! A function: what it is, and its environments, from none to its limit.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use lambkin_model::{Failure, Invocation, Outcome};
use tokio::sync::{mpsc, oneshot};

use crate::code::Code;
use crate::dispatch::{Dispatcher, Placement};
use crate::environment;
use crate::limits::SETTLE_TIMEOUT;
use crate::log::Log;

/// Whose functions these are, for ARNs and variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// `us-east-1`
    pub region: String,
    /// Twelve digits.
    pub id: String,
}

/// A function's configuration.
#[derive(Debug, Clone)]
pub struct FunctionSpec {
    /// 1 to 64 letters, digits, `-` and `_`.
    pub name: String,
    /// What is run.
    pub code: Code,
    /// Handed on as `_HANDLER`.
    pub handler: String,
    /// `$LATEST`
    pub version: String,
    /// 1 second to 15 minutes on AWS; here any positive time.
    pub timeout: Duration,
    /// In MB; reported, and told to the runtime.
    pub memory_mb: u32,
    /// The function's own environment variables.
    pub variables: BTreeMap<String, String>,
    /// The runtime gets `variables` and what leads it to the Runtime API, nothing else of AWS's: emulators that Lambkin
    /// stands in for hand on an environment of their own.
    pub exact_variables: bool,
    /// Where its Runtime API listens; `None` is a free port of loopback. An address allows one environment at a time.
    pub runtime_api: Option<SocketAddr>,
    /// The most environments at a time.
    pub concurrency: usize,
    /// The most calls that wait for an environment; further ones get 429. 0 is AWS's way.
    pub queue: usize,
    /// Put before each line of its log.
    pub log_prefix: String,
}

/// A function that can be invoked.
#[derive(Debug)]
pub struct Function {
    pub(crate) spec: FunctionSpec,
    pub(crate) account: Account,
    pub(crate) log: Log,
    pub(crate) dispatcher: Dispatcher,
}

/// The answer to a caller that takes a response as it is made.
#[derive(Debug)]
pub enum Reply {
    /// The runtime answered with one piece, or there is a failure.
    Whole(Outcome),
    /// The runtime streams.
    Stream(ResponseStream),
}

/// A response that is still being made.
#[derive(Debug)]
pub struct ResponseStream {
    /// The runtime's `Content-Type`.
    pub content_type: Option<String>,
    /// The body's pieces, in order, until the channel closes.
    pub chunks: mpsc::Receiver<Bytes>,
    /// How it ended; arrives after the last piece. An error here means that the host is shutting down.
    pub end: oneshot::Receiver<StreamEnd>,
}

/// The end of a [`ResponseStream`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamEnd {
    /// What went wrong midway, if anything did.
    pub error: Option<StreamError>,
    /// As in [`Outcome::log_tail`].
    pub log_tail: Option<Bytes>,
}

/// What went wrong in the middle of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamError {
    /// AWS's or the runtime's error type: `Sandbox.Timedout`, `Runtime.ExitError`, `Function.ResponseSizeTooLarge`, …
    pub error_type: String,
    /// The error, usually JSON.
    pub payload: Bytes,
}

/// One call on its way to an environment.
#[derive(Debug)]
pub(crate) struct Call {
    pub invocation: Invocation,
    pub answer: oneshot::Sender<Outcome>,
}

impl Function {
    /// A function with no environment yet.
    pub fn new(spec: FunctionSpec, account: Account, log: Log) -> Arc<Self> {
        let dispatcher = Dispatcher::new(spec.concurrency, spec.queue);
        Arc::new(Self {
            spec,
            account,
            log,
            dispatcher,
        })
    }

    /// The function's configuration.
    pub fn spec(&self) -> &FunctionSpec {
        &self.spec
    }

    /// `arn:aws:lambda:REGION:ACCOUNT:function:NAME`, with the qualifier if one was asked for.
    pub fn arn(&self, qualifier: Option<&str>) -> String {
        let Account { region, id } = &self.account;
        let arn = format!("arn:aws:lambda:{region}:{id}:function:{}", self.spec.name);
        match qualifier {
            Some(qualifier) => format!("{arn}:{qualifier}"),
            None => arn,
        }
    }

    /// Invokes the function and waits for its outcome.
    ///
    /// A caller that gives up does not stop an invocation that has begun, as on AWS.
    pub async fn invoke(self: &Arc<Self>, invocation: Invocation) -> Outcome {
        let (answer, mut outcome) = oneshot::channel();
        let call = Call { invocation, answer };
        match self.dispatcher.place(call) {
            Placement::Sent | Placement::Queued => {}
            Placement::Start(call) => environment::start(Arc::clone(self), call),
            Placement::Settling => {
                if let Ok(outcome) = tokio::time::timeout(SETTLE_TIMEOUT, &mut outcome).await {
                    return outcome.unwrap_or_else(|_| refused(Failure::ShuttingDown));
                }
                if let Some(call) = self.dispatcher.stop_settling() {
                    environment::start(Arc::clone(self), call);
                }
            }
            Placement::Refused(failure) => return refused(failure),
        }
        outcome
            .await
            .unwrap_or_else(|_| refused(Failure::ShuttingDown))
    }

    /// The same for a caller that takes a response as it is made.
    pub async fn invoke_streaming(self: &Arc<Self>, invocation: Invocation) -> Reply {
        Reply::Whole(self.invoke(invocation).await)
    }

    /// Has the next calls start on fresh environments: the code has changed. Calls under way finish where they are.
    pub fn retire_environments(&self) {
        self.dispatcher.retire();
    }

    /// Ends all environments and refuses what waits; returns when the last process is gone.
    pub async fn close(&self) {
        self.dispatcher.close().await;
    }
}

/// An outcome without an invocation.
pub(crate) fn refused(failure: Failure) -> Outcome {
    Outcome {
        result: Err(failure),
        log_tail: None,
    }
}
