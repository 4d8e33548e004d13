//! Loads and runs plugins: WebAssembly components behind the contracts of `wit/`.
//!
//! A [`PluginHost`] loads a component's bytes into a [`Plugin`]; a plugin and a configuration make an
//! [`HttpTrigger`], whose two calls every request takes. This is the only room that names wasmtime, and none of its
//! types leave it.
//!
//! # What holds
//!
//! - A plugin gets nothing it was not given: no files, network, environment, clock or randomness.
//! - Each call runs in an instance of its own, within the bounds of [`limits`].
//! - Whatever a plugin does, its caller gets a result that keeps the contract or a [`PluginError`] that names the
//!   plugin, the function, the time it took and the cause. Other plugins, other calls and the host go on.
//! - An idle host uses no processor time for its plugins.

mod batch_trigger;
mod cache;
mod call;
mod engine;
mod error;
mod host;
mod http_trigger;
mod inspect;
pub mod limits;
mod logs;
mod object_trigger;
mod plugin;
mod service;
mod source;
mod text;
mod ticker;
mod wasi;

pub use batch_trigger::{BatchTrigger, Batching, Origin, ShapedBatch};
pub use error::{
    ConfigureError, Failure, Fault, HostError, LoadCause, LoadError, PluginError, Problem,
};
pub use host::{Options, PluginHost, Running};
pub use http_trigger::{Decision, FRAMING_HEADERS, HttpTrigger, Shaped, TriggerOutcome};
pub use object_trigger::{ObjectTrigger, Target};
pub use plugin::{Plugin, Role};
pub use service::{Granted, Service, ServiceBody, ServiceSetup};
pub use source::{Source, SourceError, SourceSetup};
