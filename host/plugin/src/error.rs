//! What can go wrong with a plugin, told so that its operator knows whom to turn to.
//!
//! Three moments, three errors: [`HostError`] before any plugin is seen, [`LoadError`] while one is loaded, and
//! [`PluginError`] when one is called. A call's failure belongs to one of three families, by who is at fault:
//! the plugin gave its typed error ([`CallError::Reported`]), the plugin misbehaved ([`CallError::Guest`]), or the host
//! could not run it ([`CallError::Host`]).
//!
//! No wasmtime type is in here: its errors are read once, in `call.rs`, and become these.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

use crate::limits;
use crate::role::Role;

/// The plugin host can not be set up.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum HostError {
    /// The folder for compiled code can not be used.
    #[error("compiled plugins can not be kept in {path}: {reason}", path = path.display())]
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

/// A file can not be loaded as a plugin.
#[derive(Debug, Error)]
#[error("plugin {plugin} can not be loaded: {cause}")]
pub struct LoadError {
    /// The plugin as the operator calls it.
    pub plugin: String,
    /// Why; a part of what this error says.
    pub cause: ComponentError,
}

/// Why a file can not be loaded as a plugin.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ComponentError {
    /// The bytes are no intact component.
    #[error("{0}")]
    NotAComponent(String),
    /// The component exports nothing the host knows.
    #[error("{0}")]
    NoRole(String),
    /// The component exports a known interface in a version this host does not speak.
    #[error(
        "it exports {found}, and this host speaks {spoken}; use a plugin built for {spoken}, or another version of \
         lambkin"
    )]
    OtherVersion {
        /// The interface as exported, with its version.
        found: String,
        /// The interface and version range spoken here.
        spoken: &'static str,
    },
    /// The interface has the right name and version, and the wrong shape.
    #[error(
        "it was built against another revision of {interface} ({difference}); rebuild it with the contract of this \
         version of lambkin"
    )]
    OtherRevision {
        /// The interface as exported, with its version.
        interface: String,
        /// The first difference found.
        difference: String,
    },
    /// The component imports what a plugin in its roles does not get.
    #[error("{0}")]
    ForbiddenImport(String),
    /// The component is valid and still does not compile, or not in time.
    #[error("it can not be compiled: {0}")]
    Compile(String),
    /// The component does not start.
    #[error("{0}")]
    Start(#[source] PluginError),
}

/// The configuration of a trigger, a service or a source was not accepted.
#[derive(Debug, Error)]
pub enum ConfigureError {
    /// The configuration has mistakes; every one the plugin found, at least one.
    #[error("the configuration has {} mistake(s): {}", .0.len(), list(.0))]
    Problems(Vec<Problem>),
    /// The plugin could not read it.
    #[error(transparent)]
    Plugin(#[from] PluginError),
    /// The plugin does not play the role that it is wanted for.
    #[error(
        "plugin {plugin} does not play the role {wanted} ({}): it plays {}{}; use another plugin here",
        wanted.contract().0, listed(played), of_another_version(other_version)
    )]
    NotPlayed {
        /// The plugin as the operator calls it.
        plugin: String,
        /// The role asked for.
        wanted: Role,
        /// The roles that it plays, at least one.
        played: Vec<Role>,
        /// The interface for the role asked for, if the plugin has it in a version that this host does not speak.
        other_version: Option<String>,
    },
}

/// A mistake in a trigger's configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The path of keys that leads to it; empty for the section as a whole.
    pub at: Vec<String>,
    /// What is wrong and what would be right, in one line, fit to be shown.
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

fn list(problems: &[Problem]) -> String {
    problems
        .iter()
        .map(Problem::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}

fn listed(roles: &[Role]) -> String {
    roles
        .iter()
        .map(Role::to_string)
        .collect::<Vec<_>>()
        .join(" and ")
}

fn of_another_version(found: &Option<String>) -> String {
    match found {
        Some(found) => format!(", and its {found} is of a version that this host does not speak"),
        None => String::new(),
    }
}

/// A call of a plugin failed.
#[derive(Debug, Error)]
pub struct PluginError {
    /// The plugin as the operator calls it.
    pub plugin: Box<str>,
    /// The trigger or service it was called for; empty while it is loaded.
    pub trigger: Box<str>,
    /// The function called, such as `shape`, or `start` for the trial at loading.
    pub function: &'static str,
    /// From the call's beginning to its failure.
    pub took: Duration,
    /// Why.
    pub cause: CallError,
}

/// What kind of section of the configuration a function is called for.
pub(crate) fn section(function: &str) -> &'static str {
    match function {
        "handle" | "check" => "service",
        _ => "trigger",
    }
}

impl fmt::Display for PluginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "plugin {}", self.plugin)?;
        if !self.trigger.is_empty() {
            write!(f, " of {} {}", section(self.function), self.trigger)?;
        }
        let took = self.took.as_secs_f64() * 1e3;
        write!(
            f,
            ": {} failed after {took:.1} ms: {}; {}",
            self.function,
            self.cause,
            self.cause.advice()
        )
    }
}

/// Why a call failed, by who is at fault.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CallError {
    /// The plugin returned its typed error; the text is the plugin's, fit to be shown.
    #[error("the plugin reports: {0}")]
    Reported(String),
    /// The plugin misbehaved.
    #[error("{0}")]
    Guest(GuestError),
    /// The host could not run the plugin.
    #[error("{0}")]
    Host(String),
    /// The body of the caller's request broke off or did not come, and the plugin had no answer to that.
    #[error("the body of the request is incomplete")]
    Incomplete,
}

impl CallError {
    /// What the operator can do about it.
    fn advice(&self) -> &'static str {
        match self {
            Self::Reported(_) => "if the text does not help, report it to the plugin's author",
            Self::Guest(_) => "this is a defect of the plugin: report it to its author",
            Self::Host(_) => "try again, with fewer calls at the same time",
            Self::Incomplete => "send the request again",
        }
    }
}

/// How a plugin misbehaved.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum GuestError {
    /// It trapped: it panicked, divided by zero, reached outside its memory, …
    #[error("it trapped ({reason}){}", in_frames(frames))]
    Trap {
        /// The trap in WebAssembly's words.
        reason: String,
        /// The functions it happened in, innermost first, as far as the component names them.
        frames: Vec<String>,
    },
    /// It used up its processor time, which is given.
    #[error("it used up its {} ms of processor time", .0.as_millis())]
    Cpu(Duration),
    /// It did not return within this time.
    #[error("it did not return within {} s", .0.as_secs())]
    Wall(Duration),
    /// It asked for more memory than [`limits::MEMORY_BYTES`], was refused, and trapped.
    #[error("it asked for more than its {} MiB of memory", limits::MEMORY_BYTES >> 20)]
    Memory,
    /// It recursed deeper than [`limits::STACK_BYTES`].
    #[error("it recursed deeper than its {} KiB of stack", limits::STACK_BYTES >> 10)]
    Stack,
    /// It handed over more than so many bytes at once.
    #[error("it returned more than {} MiB", .0 >> 20)]
    Copied(usize),
    /// It returned something that is not what the contract allows.
    #[error("its result is not valid: {0}")]
    Invalid(String),
}

fn in_frames(frames: &[String]) -> String {
    if frames.is_empty() {
        String::new()
    } else {
        format!(" in {}", frames.join(", called by "))
    }
}
