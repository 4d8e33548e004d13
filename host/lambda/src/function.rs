//! A function: what it is, and its environments, from none to its limit.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use lambkin_model::{Invocation, InvokeError, Outcome};
use serde::{Serialize, Serializer};
use tokio::sync::{mpsc, oneshot};

use crate::code::Code;
use crate::dispatch::{Dispatcher, Placement};
use crate::environment;
use crate::limits::SETTLE_TIMEOUT;
use crate::log::Log;
use crate::variables::Variables;

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
    /// `$LATEST`, or the number of a published version.
    pub version: String,
    /// 1 second to 15 minutes on AWS; here any positive time.
    pub timeout: Duration,
    /// In MB; reported, and told to the runtime.
    pub memory_mb: u32,
    /// The function's own environment variables.
    pub variables: Variables,
    /// Variables that anything else of the same name replaces: the addresses of services on this machine, and credentials
    /// for them.
    pub default_variables: BTreeMap<String, String>,
    /// The runtime gets `variables` and what leads it to the Runtime API, nothing else of AWS's: emulators that Lambkin
    /// stands in for hand on an environment of their own.
    pub exact_variables: bool,
    /// Where its Runtime API listens; `None` is a free port of loopback. An address allows one environment at a time.
    pub runtime_api: Option<SocketAddr>,
    /// The most environments at a time.
    pub concurrency: usize,
    /// The most calls that wait for an environment; further ones get 429. 0 is AWS's way.
    pub queue: usize,
    /// The concurrency was reserved for this function, which a refused call is told.
    pub reserved_concurrency: bool,
    /// Every call names a tenant, and no other function's call may.
    pub tenant_isolation: bool,
    /// Calls that come round in a loop through this function are stopped.
    pub stops_recursion: bool,
    /// Put before each line of its log.
    pub log_prefix: String,
    /// How its environments come and go.
    pub lifecycle: Lifecycle,
    /// What its log looks like.
    pub logging: Logging,
    /// The folders of its layers, the first one first: what `/opt` is made of on AWS.
    pub layers: Vec<PathBuf>,
}

/// What a function's log looks like.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Logging {
    /// Of the platform's lines, and told to the runtime.
    pub format: LogFormat,
    /// Told to the runtime as `AWS_LAMBDA_LOG_LEVEL`, in AWS's words: `TRACE` to `FATAL`.
    pub level: Option<String>,
    /// Whether the runtime is offered to write its log in frames, on its standard output.
    pub framed: bool,
}

/// The format of a function's log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// A JSON object in each line.
    Json,
}

/// How a function's environments come and go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lifecycle {
    /// The most invocations at a time in one environment. AWS's functions have 1, unless they run on managed instances.
    pub concurrency: usize,
    /// Environments that are kept initialised, called or not.
    pub provisioned: usize,
    /// How long an environment stays without a call; `None` is until the host ends.
    pub idle_timeout: Option<Duration>,
    /// Whether processes are stopped between invocations, as on AWS.
    pub freeze: bool,
    /// Whether the runtime is restored from a snapshot before its first event.
    pub snap_start: bool,
    /// Whether an environment that uses more than the function's memory is killed, as on AWS.
    pub enforce_memory: bool,
}

impl Default for Lifecycle {
    fn default() -> Self {
        Self {
            concurrency: 1,
            provisioned: 0,
            idle_timeout: None,
            freeze: true,
            snap_start: false,
            enforce_memory: true,
        }
    }
}

/// `AWS_LAMBDA_INITIALIZATION_TYPE`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InitializationType {
    OnDemand,
    ProvisionedConcurrency,
    SnapStart,
    LambdaManagedInstances,
}

impl InitializationType {
    /// AWS's word for it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::OnDemand => "on-demand",
            Self::ProvisionedConcurrency => "provisioned-concurrency",
            Self::SnapStart => "snap-start",
            Self::LambdaManagedInstances => "lambda-managed-instances",
        }
    }
}

impl Serialize for InitializationType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
impl FunctionSpec {
    /// A function with Lambda's defaults, for tests that start none.
    pub(crate) fn example() -> Self {
        Self {
            name: "f".to_owned(),
            code: Code {
                task_root: PathBuf::from("/"),
                entry: crate::code::Entry::Search,
            },
            handler: String::new(),
            version: "$LATEST".to_owned(),
            timeout: Duration::from_secs(3),
            memory_mb: 128,
            variables: Variables::default(),
            default_variables: BTreeMap::new(),
            exact_variables: false,
            runtime_api: None,
            concurrency: 1,
            queue: 0,
            reserved_concurrency: false,
            tenant_isolation: false,
            stops_recursion: true,
            log_prefix: String::new(),
            lifecycle: Lifecycle::default(),
            logging: Logging::default(),
            layers: Vec::new(),
        }
    }
}

impl FunctionSpec {
    pub(crate) fn memory_bytes(&self) -> u64 {
        u64::from(self.memory_mb) * 1024 * 1024
    }

    pub(crate) fn initialization_type(&self) -> InitializationType {
        if self.lifecycle.concurrency > 1 {
            InitializationType::LambdaManagedInstances
        } else if self.lifecycle.snap_start {
            InitializationType::SnapStart
        } else if self.lifecycle.provisioned > 0 {
            InitializationType::ProvisionedConcurrency
        } else {
            InitializationType::OnDemand
        }
    }
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
    /// Whether the caller takes a response as it is made; else it gets a [`Reply::Whole`].
    pub wants_stream: bool,
    pub answer: oneshot::Sender<Reply>,
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

    /// `arn:PARTITION:lambda:REGION:ACCOUNT:function:NAME`, with the qualifier if the caller named one. The partition is
    /// the region's, as on AWS.
    pub fn arn(&self, qualifier: Option<&str>) -> String {
        let Account { region, id } = &self.account;
        let arn = lambkin_model::arn(
            "lambda",
            region,
            id,
            &format!("function:{}", self.spec.name),
        );
        match qualifier {
            Some(qualifier) => format!("{arn}:{qualifier}"),
            None => arn,
        }
    }

    /// Invokes the function and waits for its outcome.
    ///
    /// A caller that gives up does not stop an invocation that has begun, as on AWS.
    pub async fn invoke(self: &Arc<Self>, invocation: Invocation) -> Outcome {
        match self.call(invocation, false).await {
            Reply::Whole(outcome) => outcome,
            // Given only to those who take one.
            Reply::Stream(_) => refused(InvokeError::ShuttingDown),
        }
    }

    /// The same for a caller that takes a response as it is made.
    pub async fn invoke_streaming(self: &Arc<Self>, invocation: Invocation) -> Reply {
        self.call(invocation, true).await
    }

    async fn call(self: &Arc<Self>, invocation: Invocation, wants_stream: bool) -> Reply {
        let (answer, mut reply) = oneshot::channel();
        let call = Call {
            invocation,
            wants_stream,
            answer,
        };
        match self.dispatcher.place(call) {
            Placement::Sent | Placement::Queued => {}
            Placement::Start(call) => environment::start(Arc::clone(self), Some(call)),
            Placement::Settling => {
                if let Ok(reply) = tokio::time::timeout(SETTLE_TIMEOUT, &mut reply).await {
                    return reply.unwrap_or_else(|_| shutting_down());
                }
                if let Some(call) = self.dispatcher.stop_settling() {
                    environment::start(Arc::clone(self), Some(call));
                }
            }
            Placement::Refused(error) => return Reply::Whole(refused(error)),
        }
        reply.await.unwrap_or_else(|_| shutting_down())
    }

    /// Starts the environments that are to be there before the first call.
    pub fn start_provisioned(self: &Arc<Self>) {
        for _ in 0..self.spec.lifecycle.provisioned {
            if self.dispatcher.promise() {
                environment::start(Arc::clone(self), None);
            }
        }
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
pub(crate) fn refused(error: InvokeError) -> Outcome {
    Outcome {
        result: Err(error),
        log_tail: None,
    }
}

/// The reply to a call that nobody will serve any more.
pub(crate) fn shutting_down() -> Reply {
    Reply::Whole(refused(InvokeError::ShuttingDown))
}
