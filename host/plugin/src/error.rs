//! The errors of loading, configuring and calling plugins, each with what the operator can do about it.
//!
//! [`HostError`] occurs before a plugin is loaded, [`LoadError`] while one is loaded, [`ConfigureError`] when it
//! checks its configuration, and [`PluginError`] when one of its functions is called. The cause of a failed call
//! ([`CallError`]) says who is responsible: the plugin reported an error, the plugin is defective ([`GuestError`]),
//! or the host could not run it.
//!
//! No wasmtime type appears here. `runner.rs` converts wasmtime's errors into these.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

use crate::other_version::{self, OtherVersion};
use crate::role::Role;
use crate::{hints, limits};

/// The plugin host cannot be started.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum HostError {
    /// The folder for compiled code cannot be used.
    #[error("cannot keep compiled plugins in {path}: {reason}", path = path.display())]
    Cache {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it and what to do.
        reason: String,
    },
    /// The WebAssembly engine does not start.
    #[error("the WebAssembly engine does not start on this machine: {0}")]
    Engine(String),
}

/// A file cannot be loaded as a plugin.
#[derive(Debug, Error)]
#[error("cannot load plugin {plugin}: {cause}")]
pub struct LoadError {
    /// The plugin's name in the configuration.
    pub plugin: String,
    /// The reason, which the message of this error includes.
    pub cause: ComponentError,
}

/// Why a file cannot be loaded as a plugin.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ComponentError {
    /// The bytes are not a valid component.
    #[error("{0}")]
    NotAComponent(String),
    /// The component exports none of the interfaces that give it a role.
    #[error("{0}")]
    NoRole(String),
    /// The component exports known interfaces, at least one, in versions that this host does not support.
    #[error("{}", other_version::refusal(.0))]
    OtherVersion(Vec<OtherVersion>),
    /// The interface has the right name and version, but other functions or types.
    #[error(
        "it was built against another revision of {interface} ({difference}); take the contract of this version of \
         lambkin with `lambkin wit`, and build the plugin again"
    )]
    OtherRevision {
        /// The interface as exported, with its version.
        interface: String,
        /// The first difference found.
        difference: String,
    },
    /// The component imports an interface that a component in its roles may not import.
    #[error("{0}")]
    ForbiddenImport(String),
    /// The component does not compile, or not within the limits of its compiler.
    #[error("it cannot be compiled: {0}")]
    Compile(String),
    /// The component fails when it is instantiated.
    #[error("{0}")]
    Start(#[source] PluginError),
}

/// The configuration of a trigger, a service or a source was not accepted.
#[derive(Debug, Error)]
pub enum ConfigureError {
    /// Every mistake that the plugin found in the configuration, at least one.
    #[error("the configuration has {} mistake(s): {}", .0.len(), join(.0, "; "))]
    Problems(Vec<Problem>),
    /// The plugin failed while it checked the configuration.
    #[error(transparent)]
    Plugin(#[from] PluginError),
    /// The plugin does not play the required role.
    #[error(
        "plugin {plugin} does not play the role {wanted} ({}): it plays {}{}",
        wanted.contract().0, join(roles, " and "), of_other_version(other_version)
    )]
    MissingRole {
        /// The plugin's name in the configuration.
        plugin: String,
        /// The required role.
        wanted: Role,
        /// The roles that it plays, at least one.
        roles: Vec<Role>,
        /// The interface of the required role, if the plugin exports it in a version that this host does not support.
        other_version: Option<OtherVersion>,
    },
}

/// A mistake in a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The path of keys that leads to it; empty for the section as a whole.
    pub at: Vec<String>,
    /// What is wrong and what would be right, in one line of displayable text.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.at.is_empty() {
            write!(f, "{}: ", self.at.join("."))?;
        }
        f.write_str(&self.message)
    }
}

fn join(items: &[impl ToString], separator: &str) -> String {
    let texts: Vec<String> = items.iter().map(ToString::to_string).collect();
    texts.join(separator)
}

fn of_other_version(found: &Option<OtherVersion>) -> String {
    match found {
        Some(found) => format!(
            ", and its {} has a version that this version of lambkin does not support; {}",
            found.export,
            other_version::advice(std::slice::from_ref(found))
        ),
        None => "; use another plugin here".to_owned(),
    }
}

/// A call of a plugin failed.
#[derive(Debug, Error)]
pub struct PluginError {
    /// The plugin's name in the configuration.
    pub plugin: Box<str>,
    /// The trigger or service that the plugin was called for; empty while it is loaded.
    pub trigger: Box<str>,
    /// The function that was called, such as `shape`; `start` for the instantiation when the plugin is loaded.
    pub function: &'static str,
    /// The time from the beginning of the call to its failure.
    pub took: Duration,
    /// Why the call failed.
    pub cause: CallError,
}

impl fmt::Display for PluginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "plugin {}", self.plugin)?;
        if !self.trigger.is_empty() {
            let section = match self.function {
                "handle" | "check" => "service",
                _ => "trigger",
            };
            write!(f, " of {section} {}", self.trigger)?;
        }
        let took = self.took.as_secs_f64() * 1e3;
        write!(
            f,
            ": {} failed after {took:.1} ms: {}; {}",
            self.function,
            self.cause,
            self.cause.advice(is_file(&self.plugin))
        )?;
        match self.cause.last_words() {
            [] => Ok(()),
            words => write!(f, "; it printed:\n    {}", words.join("\n    ")),
        }
    }
}

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CallError {
    /// The plugin returned an error; this is its text, displayable.
    #[error("the plugin reports: {0}")]
    Reported(String),
    /// The plugin is defective.
    #[error("{0}")]
    Guest(GuestError),
    /// The host could not run the plugin.
    #[error("{0}")]
    Host(String),
    /// The body of the client's request is incomplete, and the plugin did not respond to that.
    #[error("the body of the request is incomplete")]
    IncompleteRequest,
}

impl CallError {
    /// The same error, with what the plugin printed before it trapped.
    pub(crate) fn after_printing(mut self, lines: impl FnOnce() -> Vec<String>) -> Self {
        if let Self::Guest(GuestError::Trap { printed, .. }) = &mut self {
            *printed = lines().into();
        }
        self
    }

    /// What the plugin wrote to standard error before it trapped, in displayable lines.
    fn last_words(&self) -> &[String] {
        match self {
            Self::Guest(GuestError::Trap { printed, .. }) => printed,
            _ => &[],
        }
    }

    /// What can be done about it. The plugin of a file is most likely under development, so this is for its author.
    fn advice(&self, is_file: bool) -> &'static str {
        match self {
            Self::Reported(text) if is_file => hints::reported(text),
            Self::Reported(_) => "if the text does not help, report it to lambkin",
            Self::Guest(error) if is_file => error.advice(),
            Self::Guest(_) => "this is a defect of a built-in plugin: report it to lambkin",
            Self::Host(_) => "try again, with fewer calls at the same time",
            Self::IncompleteRequest => "send the request again",
        }
    }
}

/// Whether a plugin's name in the configuration is a path. Those of built-in plugins have neither slashes nor dots.
fn is_file(plugin: &str) -> bool {
    plugin.contains(['/', '.'])
}

impl From<ContractError> for CallError {
    fn from(error: ContractError) -> Self {
        Self::Guest(GuestError::Invalid(error.0))
    }
}

/// How a plugin is defective.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum GuestError {
    /// It trapped: it panicked, divided by zero, accessed memory out of bounds, …
    #[error("it trapped ({reason}){}", in_frames(frames, printed))]
    Trap {
        /// WebAssembly's description of the trap.
        reason: Box<str>,
        /// The functions in which it happened, innermost first, as far as the component names them.
        frames: Box<[String]>,
        /// Its last lines on standard error, displayable: a panic's message, a traceback.
        printed: Box<[String]>,
    },
    /// It used more than this processor time.
    #[error("it used up its {} ms of processor time", .0.as_millis())]
    Cpu(Duration),
    /// It did not return within this time.
    #[error("it did not return within {} s", .0.as_secs())]
    Wall(Duration),
    /// It trapped after it had requested more memory than [`limits::MEMORY_BYTES`].
    #[error("it asked for more than its {} MiB of memory", limits::MEMORY_BYTES >> 20)]
    Memory,
    /// It recursed deeper than [`limits::STACK_BYTES`].
    #[error("it recursed deeper than its {} KiB of stack", limits::STACK_BYTES >> 10)]
    Stack,
    /// It passed more than this number of bytes to the host at once.
    #[error("it returned more than {} MiB", .0 >> 20)]
    Copied(usize),
    /// It returned a value that the contract does not allow.
    #[error("its result is not valid: {0}")]
    Invalid(String),
}

impl GuestError {
    /// What the plugin's author can do about it.
    fn advice(&self) -> &'static str {
        match self {
            Self::Trap {
                reason, printed, ..
            } => hints::trap(reason, printed),
            Self::Cpu(_) => {
                "look for a loop that does not end, and for work that can be done once in configure"
            }
            Self::Wall(_) => {
                "a plugin that waits for something waits in vain: it has no clock and no network"
            }
            Self::Memory => {
                "look for data that grows without bound; a call has its own memory, all of which is free \
                             at its start"
            }
            Self::Stack => "look for a recursion that does not end",
            Self::Copied(_) => {
                "return less: what later calls need can be found again from the arguments"
            }
            Self::Invalid(reason) => hints::invalid(reason),
        }
    }
}

/// Where it trapped, unless the plugin has said so itself: then these are the functions of its runtime.
fn in_frames(frames: &[String], printed: &[String]) -> String {
    if frames.is_empty() || !printed.is_empty() {
        String::new()
    } else {
        format!(" in {}", frames.join(", called by "))
    }
}

/// How a value breaks the contract. The text completes the sentence "its result is not valid: …".
#[derive(Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub(crate) struct ContractError(pub String);

impl From<String> for ContractError {
    fn from(reason: String) -> Self {
        Self(reason)
    }
}

impl From<&str> for ContractError {
    fn from(reason: &str) -> Self {
        Self(reason.to_owned())
    }
}
