//! The configuration of a function.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use lambkin_http::Allowlist;
use serde::{Serialize, Serializer};

use crate::access::User;
use crate::bootstrap::NoBootstrapError;
use crate::code::{Code, Entry, Search};
use crate::debugger::DebugSettings;
use crate::executable::Starter;
use crate::name::LATEST;
use crate::rootfs::Files;
use crate::wrapper;

/// The default timeout, as on AWS.
const TIMEOUT: Duration = Duration::from_secs(3);
/// The default memory in MB, as on AWS.
const MEMORY_MB: u32 = 128;
/// The default size of `/tmp` in MB, as on AWS.
const TMP_MB: u32 = 512;
/// The default maximum number of calls that wait for an environment.
const QUEUE: usize = 1000;

/// The account and region to which functions belong, for ARNs and environment variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The region, such as `us-east-1`.
    pub region: String,
    /// The account id: 12 digits.
    pub id: String,
}

/// A function's configuration.
#[derive(Debug, Clone)]
pub struct FunctionSpec {
    /// The function's name: 1 to 64 letters, digits, `-` and `_`.
    pub name: String,
    /// The function's code.
    pub code: Code,
    /// The handler, passed to the runtime as `_HANDLER`.
    pub handler: String,
    /// The version: `$LATEST`, or the number of a published version.
    pub version: String,
    /// The timeout of an invocation. AWS allows 1 second to 15 minutes; Lambkin allows any positive time.
    pub timeout: Duration,
    /// The memory in MB: the limit of an environment's memory, also reported in the log and to the runtime.
    pub memory_mb: u32,
    /// The function's own environment variables.
    pub variables: Variables,
    /// Environment variables that any other variable of the same name overrides: the addresses of services on this
    /// machine, and credentials for them.
    pub default_variables: BTreeMap<String, String>,
    /// Whether the runtime gets only `variables` and the address of its Runtime API, and none of AWS's other variables.
    /// Used where Lambkin replaces another emulator, which passes its own environment to the runtime.
    pub exact_variables: bool,
    /// The address of the Runtime API; `None` is a free port on the loopback interface. With an address, the function
    /// has at most one environment.
    pub runtime_api: Option<SocketAddr>,
    /// The hosts and web pages, besides local ones, from which requests to the Runtime API are accepted.
    pub allowlist: Allowlist,
    /// The maximum number of concurrent environments.
    pub concurrency: usize,
    /// The maximum number of calls that wait for an environment; further calls get status 429. AWS never queues: 0.
    pub queue: usize,
    /// Further names by which callers find the function, such as its logical id in a template.
    pub other_names: Vec<String>,
    /// Whether `concurrency` is the function's reserved concurrency, which the error of a throttled call mentions.
    pub reserved_concurrency: bool,
    /// Whether tenants are isolated: each call must name a tenant. Calls of a function without isolation must not.
    pub tenant_isolation: bool,
    /// What happens when the function calls itself in a loop, directly or through other functions.
    pub recursive_loop: RecursiveLoop,
    /// The prefix of each line of the function's log.
    pub log_prefix: String,
    /// When environments start, freeze and end.
    pub lifecycle: Lifecycle,
    /// The format of the function's log.
    pub logging: Logging,
    /// The folders of the function's layers, in order. On AWS, `/opt` has their merged content. The folder of an archive
    /// is a link to the version that was unpacked last.
    pub layers: Vec<PathBuf>,
    /// How the processes are kept apart from the machine.
    pub sandbox: SandboxMode,
    /// The size of `/tmp` in MB, in sandboxes that have one of their own.
    pub tmp_mb: u32,
    /// How the function is debugged; set by [`debug`](Self::debug).
    pub debug: Option<DebugSettings>,
    /// Whether a configuration file defines the function, so that advice can name the file's keys.
    pub is_configured: bool,
}

/// How the processes of a function are kept apart from the machine and from other functions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SandboxMode {
    /// Supervised processes that see all of the machine.
    #[default]
    Process,
    /// Namespaces of Linux, with the file system of a Lambda environment; see [`lambkin_process::sandbox`].
    Namespace,
    /// The same, with the file system of the function's container image.
    Image,
}

/// The environment variables in a function's configuration. Clones share them: a replacement takes effect in every
/// environment that starts afterwards.
#[derive(Debug, Clone, Default)]
pub struct Variables(Arc<RwLock<BTreeMap<String, String>>>);

impl Variables {
    /// Replaces all variables.
    pub fn replace(&self, variables: BTreeMap<String, String>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = variables;
    }

    /// The current variables.
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

/// The format of a function's log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Logging {
    /// The format of the platform's lines, also reported to the runtime.
    pub format: LogFormat,
    /// The level of the application log, passed to the runtime as `AWS_LAMBDA_LOG_LEVEL`: `TRACE`, `DEBUG`, `INFO`,
    /// `WARN`, `ERROR` or `FATAL`.
    pub level: Option<String>,
    /// Whether the runtime may write its log in frames to standard output.
    pub framed: bool,
}

/// The format of the lines of a log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// Plain text.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// When a function's environments start, freeze and end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lifecycle {
    /// The maximum number of concurrent invocations in one environment. On AWS it is 1, except on managed instances.
    pub concurrency: usize,
    /// The number of environments that are kept initialized (provisioned concurrency).
    pub provisioned: usize,
    /// The time after which an idle environment ends; `None` keeps it until the host ends.
    pub idle_timeout: Option<Duration>,
    /// Whether processes are frozen between invocations, as on AWS.
    pub freeze: bool,
    /// Whether the runtime is restored from a snapshot before its first event (SnapStart).
    pub snap_start: bool,
    /// Whether an environment that exceeds the function's memory is killed, as on AWS.
    pub enforce_memory: bool,
    /// Whether an init phase that fails is repeated within the next call, as on AWS. One that takes too long always is,
    /// as calls have more time.
    pub repeats_init: bool,
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
            repeats_init: true,
        }
    }
}

/// The value of `AWS_LAMBDA_INITIALIZATION_TYPE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InitializationType {
    OnDemand,
    ProvisionedConcurrency,
    SnapStart,
    LambdaManagedInstances,
}

impl InitializationType {
    /// AWS's name for it.
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
    /// The default maximum number of environments: enough for a web page that loads many resources at once, few enough
    /// not to overload a laptop with processes.
    pub const CONCURRENCY: usize = 32;

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
            allowlist: Allowlist::default(),
            concurrency: Self::CONCURRENCY,
            queue: QUEUE,
            other_names: Vec::new(),
            reserved_concurrency: false,
            tenant_isolation: false,
            recursive_loop: RecursiveLoop::Terminate,
            log_prefix: String::new(),
            lifecycle: Lifecycle::default(),
            logging: Logging::default(),
            layers: Vec::new(),
            sandbox: SandboxMode::Process,
            tmp_mb: TMP_MB,
            debug: None,
            is_configured: true,
        }
    }

    /// Makes the function one that is debugged: its processes are not frozen between invocations, so that the debugger
    /// can talk to them, and may use the memory that the debugger needs.
    pub fn debug(&mut self, settings: DebugSettings) {
        self.debug = Some(settings);
        self.lifecycle.freeze = false;
        self.lifecycle.enforce_memory = false;
        self.lifecycle.idle_timeout = None;
    }

    /// A function for tests that start none.
    #[cfg(test)]
    pub(crate) fn example() -> Self {
        let code = Code {
            task_root: PathBuf::from("/"),
            entry: Entry::Search,
            archive: None,
        };
        Self::new("f", code)
    }

    /// Checks whether the function can be started. Returns the path of its program.
    ///
    /// # Errors
    ///
    /// No program is found, or it cannot be executed on this machine.
    pub fn check_program(&self) -> Result<PathBuf, NoBootstrapError> {
        let (program, _arguments) = self.program()?;
        if let Some(wrapper) = self.wrapper() {
            self.examined(|starter| wrapper::check(&wrapper, starter))?;
        }
        Ok(program)
    }

    /// The wrapper script that starts the interpreter of a managed runtime, with its path on the host.
    pub fn wrapper(&self) -> Option<PathBuf> {
        if !matches!(self.code.entry, Entry::Managed(_)) {
            return None;
        }
        let named = self.variables.get().remove(wrapper::VARIABLE)?;
        (!named.is_empty()).then(|| wrapper::locate(&named, &self.layer_folders()))
    }

    /// The program to start and its arguments, with paths of the host. A wrapper is not part of them.
    pub(crate) fn program(&self) -> Result<(PathBuf, Vec<String>), NoBootstrapError> {
        self.examined(|starter| self.find_program(starter))
    }

    fn find_program(
        &self,
        starter: Starter<'_>,
    ) -> Result<(PathBuf, Vec<String>), NoBootstrapError> {
        let Starter {
            path: search, user, ..
        } = starter;
        let of_host = std::env::var("PATH").unwrap_or_default();
        let is_sandboxed = self.sandbox != SandboxMode::Process;
        self.code.program(&Search {
            layers: &self.layer_folders(),
            path: search,
            user,
            // A version manager's shims find nothing in a sandbox.
            commands: if is_sandboxed { search } else { &of_host },
            with_host: !is_sandboxed,
        })
    }

    /// The handler as it is now: that of an image is part of its command.
    pub fn current_handler(&self) -> String {
        match &self.code.entry {
            Entry::Image(image) => image.get().handler().to_owned(),
            _ => self.handler.clone(),
        }
    }

    /// Passes on for whom files are examined: for the user of the function's processes, with the function's `PATH`.
    pub(crate) fn examined<T>(&self, examine: impl FnOnce(Starter<'_>) -> T) -> T {
        let path = self.search_path();
        let mut roots = self.layer_folders();
        roots.push(self.code.resolved_root());
        examine(Starter {
            files: Files::HOST,
            path: &path,
            user: match self.runs_as_stranger() {
                true => User::Stranger(&roots),
                false => User::Own,
            },
        })
    }

    /// Whether the function's processes run as a user that owns none of the function's files.
    pub(crate) fn runs_as_stranger(&self) -> bool {
        self.sandbox == SandboxMode::Namespace && lambkin_process::is_root()
    }

    /// The folders of the layers with all links resolved. They stay valid for a process when a newer version of an archive
    /// is unpacked.
    pub fn layer_folders(&self) -> Vec<PathBuf> {
        let resolved = |layer: &PathBuf| layer.canonicalize().unwrap_or_else(|_| layer.clone());
        self.layers.iter().map(resolved).collect()
    }

    /// The `PATH` of the function's processes: its own variable, else the host's and the layers' `bin` folders. A
    /// function with exact variables has its own only. For a sandbox, the folders of the host in which the programs of
    /// its `PATH` are: those of version managers' shims are left out.
    pub(crate) fn search_path(&self) -> String {
        if let Some(own) = self.variables.get().remove("PATH") {
            return own;
        }
        if let Entry::Image(image) = &self.code.entry {
            return image.get().search_path().to_owned();
        }
        let mut path = match std::env::var("PATH") {
            Ok(path) if self.sandbox == SandboxMode::Namespace => without_shims(&path),
            Ok(path) if !self.exact_variables => path,
            // Where the C library searches without the variable.
            _ => "/bin:/usr/bin".to_owned(),
        };
        for layer in self.layer_folders().iter().rev() {
            path.push_str(&format!(":{}", layer.join("bin").display()));
        }
        match self.sandbox {
            SandboxMode::Process => path + ":/opt/bin",
            SandboxMode::Namespace | SandboxMode::Image => path,
        }
    }

    /// The memory in bytes.
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

/// A `PATH` without the folders of version managers' shims.
fn without_shims(path: &str) -> String {
    let folders = path.split(':');
    let kept: Vec<&str> = folders
        .filter(|folder| !folder.ends_with("/shims"))
        .collect();
    kept.join(":")
}
