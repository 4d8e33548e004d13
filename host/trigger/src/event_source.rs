//! The traits that every kind of trigger implements.
//!
//! A kind of trigger is one module of this crate: `http`, `queue`, `poll` or `bucket`. It has two types, one for each
//! stage of a trigger's life. An [`EventSource`] is what the trigger's section of `lambkin.toml` says. Its `configure`
//! makes a [`ConfiguredTrigger`] of it: the event source joined to a plugin that has accepted its settings.
//!
//! The methods are called in this order:
//!
//! 1. [`EventSource::listen_address`], when `lambkin serve` binds its sockets.
//! 2. [`EventSource::bucket`], when `lambkin serve` opens the store, which records the changes of these buckets only.
//! 3. [`EventSource::configure`], after `lambkin serve`, `check` or `shape` has loaded all plugins. Then
//!    [`ConfiguredTrigger::functions`] and [`ConfiguredTrigger::queues`], which must be defined.
//! 4. [`ConfiguredTrigger::description`], [`ConfiguredTrigger::summary`] and [`ConfiguredTrigger::warnings`], which
//!    `lambkin serve` and `check` print.
//! 5. [`ConfiguredTrigger::preview`], when `lambkin shape` prints the event of a sample.
//! 6. [`ConfiguredTrigger::spawn`], after `lambkin serve` has printed the ready line.
//!
//! A trigger stops through the token that [`TriggerContext::spawn`] passes to each of its tasks: the task takes no new
//! events, finishes what it has begun, and returns.

use std::fmt;
use std::net::SocketAddr;
use std::pin::Pin;

use lambkin_http::{CertificateSource, Listener};
use lambkin_lambda::Account;
use lambkin_plugin::{
    ConfigureError, EventOrigin, FunctionInfo, FunctionReference, Plugin, QueueReference, Reuse,
    Surroundings,
};

use crate::place::Place;
use crate::preview::{Outcomes, Preview, PreviewError, Sample};
use crate::trigger_context::TriggerContext;

/// A future behind a pointer, so that the traits of this module can be used as trait objects.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Where the events of one trigger come from, as its section of `lambkin.toml` says.
pub trait EventSource: fmt::Debug + Send + Sync {
    /// The address to listen on. The program binds it before it does anything else, so that a port in use is reported
    /// at once, and hands the socket to [`ConfiguredTrigger::spawn`].
    fn listen_address(&self) -> Option<SocketAddr> {
        None
    }

    /// The certificate of the connections to that address; `None` if they are not encrypted.
    fn certificate(&self) -> Option<&CertificateSource> {
        None
    }

    /// Which requests at that address are for the trigger. Triggers at one address, whose port is not 0, share its
    /// socket.
    fn place(&self) -> Option<&Place> {
        None
    }

    /// The bucket whose changes the trigger consumes. The store records no changes of other buckets.
    fn bucket(&self) -> Option<&str> {
        None
    }

    /// Whether the trigger may need a store, besides for a bucket.
    fn needs_store(&self) -> bool {
        false
    }

    /// Configures the trigger's plugin in the role that this kind needs. The plugin checks its settings.
    fn configure<'a>(
        &'a self,
        setup: Setup<'a>,
    ) -> BoxFuture<'a, Result<Box<dyn ConfiguredTrigger>, SetupError>>;
}

/// What an event source is configured with.
#[derive(Debug, Clone, Copy)]
pub struct Setup<'a> {
    /// The trigger's name, as in `[triggers.NAME]`.
    pub name: &'a str,
    /// The region and the account that functions, queues and buckets belong to.
    pub account: &'a Account,
    /// The functions that the trigger may name, with their timeouts.
    pub functions: &'a [FunctionInfo],
    /// The trigger's plugin.
    pub plugin: PluginSetup<'a>,
    /// What the operator grants the trigger's plugin.
    pub grants: &'a Grants,
    /// The plugin that the event source itself needs, if its kind has one: the one of a `poll` table.
    pub source: Option<PluginSetup<'a>>,
}

/// What the operator grants a trigger's plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grants {
    /// The origins that the host fetches from for the plugin.
    pub network: Vec<String>,
    /// The names of the host's environment variables that are passed to the plugin. Those that are not set are left
    /// out.
    pub pass_environment: Vec<String>,
    /// The limits on the reuse of instances.
    pub reuse: Reuse,
}

impl Default for Grants {
    /// No origins, no variables, and reuse within the default limits.
    fn default() -> Self {
        Self {
            network: Vec::new(),
            pass_environment: Vec::new(),
            reuse: Reuse::DEFAULT,
        }
    }
}

impl Setup<'_> {
    /// What the trigger's plugin learns about the host.
    pub(crate) fn surroundings(&self) -> Surroundings {
        self.surroundings_with(&self.grants.pass_environment)
    }

    /// Surroundings with these environment variables.
    pub(crate) fn surroundings_with(&self, pass_environment: &[String]) -> Surroundings {
        let variable = |name: &String| Some((name.clone(), std::env::var(name).ok()?));
        Surroundings {
            name: self.name.to_owned(),
            address: None,
            region: self.account.region.clone(),
            account: self.account.id.clone(),
            environment: pass_environment.iter().filter_map(variable).collect(),
            functions: self.functions.to_vec(),
            extra: Vec::new(),
        }
    }

    /// An unordered event source of this name in the trigger's account and region, as plugins receive it.
    pub(crate) fn origin(&self, name: &str) -> EventOrigin {
        EventOrigin {
            name: name.to_owned(),
            ordered: false,
            lease_ms: None,
            region: self.account.region.clone(),
            account: self.account.id.clone(),
        }
    }
}

/// A plugin and the settings that it is to check.
#[derive(Debug, Clone, Copy)]
pub struct PluginSetup<'a> {
    /// The loaded plugin.
    pub plugin: &'a Plugin,
    /// The keys of its table in `lambkin.toml` that are not the host's, as a JSON object.
    pub settings: &'a str,
}

/// Why a trigger could not be configured.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The trigger's plugin did not accept its settings, or failed.
    #[error(transparent)]
    Trigger(ConfigureError),
    /// The event source's own plugin did not accept its settings, or failed.
    #[error(transparent)]
    Source(ConfigureError),
}

/// A trigger whose plugin has accepted its settings.
pub trait ConfiguredTrigger: Send + Sync {
    /// The functions that the trigger may invoke. The program reports those that `lambkin.toml` does not define, at the
    /// place where the trigger's settings name them.
    fn functions(&self) -> Vec<&FunctionReference>;

    /// The queues that the trigger may send events to. They are checked as functions are.
    fn queues(&self) -> Vec<&QueueReference> {
        Vec::new()
    }

    /// Where the events come from, in a few words for people: `queue orders`.
    fn description(&self) -> String;

    /// What the plugin will do with the events, in lines for people.
    fn summary(&self) -> &[String];

    /// What the plugin's settings allow and the operator probably did not mean, in lines for people.
    fn warnings(&self) -> &[String] {
        &[]
    }

    /// Shapes a sample that the user typed, for `lambkin shape`, and shows what the plugin makes of the outcomes.
    /// Nothing is sent or stored, and functions are invoked only if the outcomes come from there.
    fn preview<'a>(
        &'a self,
        sample: &'a Sample,
        outcomes: &'a mut Outcomes,
    ) -> BoxFuture<'a, Result<Preview, PreviewError>>;

    /// Starts the trigger's tasks with [`TriggerContext::spawn`]. `listener` is bound to
    /// [`EventSource::listen_address`]; the first trigger at an address that several share has it.
    fn spawn(self: Box<Self>, context: &mut TriggerContext, listener: Option<Listener>);
}
