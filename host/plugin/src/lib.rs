//! Loads and runs plugins: WebAssembly components behind the contracts of `wit/`.
//!
//! A [`PluginHost`] loads a component's bytes into a [`Plugin`], which plays one [`Role`] or several; a plugin and a
//! configuration make an [`HttpTrigger`], a [`BatchTrigger`], an [`ObjectTrigger`], a [`Service`] or a [`Source`]. This
//! is the only quota that names wasmtime, and none of its types leave it.
//!
//! # What holds
//!
//! - A trigger gets nothing but its arguments: no files, network, environment, clock or randomness. A service or a source
//!   gets what it was capabilities, and so does nothing else that the same component is.
//! - Each call runs in an instance of its own, within the bounds of [`limits`].
//! - Whatever a plugin does, its caller gets a result that keeps the contract or a [`PluginError`] that names the
//!   plugin, the function, the time it took and the cause. Other plugins, other calls and the host go on.
//! - An idle host uses no processor time for its plugins.

mod batch_trigger;
mod cache;
mod call;
mod check;
mod engine;
mod error;
mod host;
mod http_trigger;
mod inspect;
pub mod limits;
mod link;
mod logs;
mod meter;
mod network;
mod object_trigger;
mod plugin;
mod quota;
mod role;
mod roles;
mod service;
mod source;
mod state;
mod text;
mod ticker;
mod tls;
mod wasi;

pub use batch_trigger::{BatchTrigger, Batching, FunctionInfo, Origin, ShapedBatch};
pub use error::{
    CallError, ComponentError, ConfigureError, GuestError, HostError, LoadError, PluginError,
    Problem,
};
pub use host::{Options, PluginHost, Running};
pub use http_trigger::{Decision, FRAMING_HEADERS, HttpTrigger, Shaped, TriggerOutcome};
pub use object_trigger::{ObjectTrigger, Target};
pub use plugin::Plugin;
pub use role::Role;
pub use service::{Grant, Service, ServiceBody, ServiceSetup, allows};
pub use source::{Source, SourceError, SourceSetup};
