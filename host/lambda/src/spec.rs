//! What the configuration says of a function.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::code::Code;
use crate::name::LATEST;

/// AWS's default timeout.
const TIMEOUT: Duration = Duration::from_secs(3);
/// AWS's default memory.
const MEMORY_MB: u32 = 128;
/// Enough for a web page that loads many resources at once, few enough not to overload a laptop with processes.
const CONCURRENCY: usize = 32;
const QUEUE: usize = 1000;

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
    /// What happens when the function calls itself in a loop, directly or through other functions.
    pub recursive_loop: RecursiveLoop,
    /// Put before each line of its log.
    pub log_prefix: String,
    /// How its environments come and go.
    pub lifecycle: Lifecycle,
    /// What its log looks like.
    pub logging: Logging,
    /// The folders of its layers, the first one first: what `/opt` is made of on AWS.
    pub layers: Vec<PathBuf>,
}

/// A function's own variables. Clones share them: what is replaced in one is found by every environment that starts
/// afterwards.
#[derive(Debug, Clone, Default)]
pub struct Variables(Arc<RwLock<BTreeMap<String, String>>>);

impl Variables {
    /// Puts other variables in the place of these.
    pub fn replace(&self, variables: BTreeMap<String, String>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = variables;
    }

    /// What they are now.
    pub fn get(&self) -> BTreeMap<String, String> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl From<BTreeMap<String, String>> for Variables {
    fn from(variables: BTreeMap<String, String>) -> Self {
        Self(Arc::new(RwLock::new(variables)))
    }
}

/// AWS's `RecursiveLoop`: what happens to a call that would continue a loop.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RecursiveLoop {
    /// The call is refused.
    #[default]
    Terminate,
    /// The call is made.
    Allow,
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

impl FunctionSpec {
    /// The version `$LATEST` of a function with AWS's defaults (3 seconds, 128 MB) and Lambkin's own: at most 32
    /// environments, and at most 1000 calls that wait for one.
    pub fn new(name: impl Into<String>, code: Code) -> Self {
        Self {
            name: name.into(),
            code,
            handler: String::new(),
            version: LATEST.to_owned(),
            timeout: TIMEOUT,
            memory_mb: MEMORY_MB,
            variables: Variables::default(),
            default_variables: BTreeMap::new(),
            exact_variables: false,
            runtime_api: None,
            concurrency: CONCURRENCY,
            queue: QUEUE,
            reserved_concurrency: false,
            tenant_isolation: false,
            recursive_loop: RecursiveLoop::Terminate,
            log_prefix: String::new(),
            lifecycle: Lifecycle::default(),
            logging: Logging::default(),
            layers: Vec::new(),
        }
    }

    /// A function for tests that start none.
    #[cfg(test)]
    pub(crate) fn example() -> Self {
        let code = Code {
            task_root: PathBuf::from("/"),
            entry: crate::code::Entry::Search,
        };
        Self::new("f", code)
    }

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
