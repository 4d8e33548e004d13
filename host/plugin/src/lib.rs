//! Loads and runs plugins: WebAssembly components that implement the contracts in `wit/`.
//!
//! A [`PluginHost`] loads the bytes of a component into a [`Plugin`], which plays one [`Role`] or several. A plugin
//! and a configuration make an [`HttpTrigger`], a [`WebSocketTrigger`], a [`BatchTrigger`], an [`ObjectTrigger`], a [`Service`] or a
//! [`Source`]. This is the only crate that uses wasmtime, and none of wasmtime's types are public.
//!
//! # Guarantees
//!
//! - A trigger has access to its arguments only, and an HTTP trigger to its counters: no files, network, environment,
//!   clock or randomness, whatever it imports. A service or a source has access to what the operator grants it; other
//!   roles of the same component do not.
//! - Each call runs in an instance of its own, within the [`limits`].
//! - Whatever a plugin does, the caller receives a result that keeps the contract, or a [`PluginError`] that names
//!   the plugin, the function, the time it took and the cause. Other plugins, other calls and the host are not
//!   affected.
//! - Components are compiled in a process of its own, with limits ([`Compiler`]). A hostile component costs the host
//!   neither its memory nor its responsiveness.
//! - An idle host uses no processor time for its plugins.
//!
//! # Order of the files
//!
//! Each file only uses files before it:
//!
//! - `limits`, `text`, `contract`, `role`, `other_version`, `surroundings`, `hints`, `error`; `engine`, `cache`; `compiler/`: `protocol`,
//!   `child`, `program`, `failure`, `process`; `machine_code`; `imports`, `wrong_file`, `inspect`;
//! - `quota`, `ticker`, `meter`, `context`, `logs`; `outcome`, `fetch`; `network`, `wasi`;
//! - `store/`: `error`, `grants`, `handles`, `bindings`, `view`, `queue_types`, `object_types`, `queues`, `objects`;
//! - `event_origin`, `bindings`, `connections`, `counters`, `state`, `connection_calls`, `counter_calls`, `linker`,
//!   `adapter`, `reuse`, `runner`, `check`, `caller`;
//! - `http_trigger/`, `websocket_trigger/`, `batch_trigger/`, `object_trigger/`: `types`, `check`, `v0_2`, `trigger`;
//! - `source/`: `types`, `check`, `v0_2`, `polled`; `service/`: `handler`, `settings`, `body`, `service_role`, `answer`;
//! - `functions`, `plugin`, `host`.

mod adapter;
mod batch_trigger;
mod bindings;
mod cache;
mod caller;
mod check;
mod compiler;
mod connection_calls;
mod connections;
mod context;
mod contract;
mod counter_calls;
mod counters;
mod engine;
mod error;
mod event_origin;
mod fetch;
mod functions;
mod hints;
mod host;
mod http_trigger;
mod imports;
mod inspect;
pub mod limits;
mod linker;
mod logs;
mod machine_code;
mod meter;
mod network;
mod object_trigger;
mod other_version;
mod outcome;
mod plugin;
mod quota;
mod reuse;
mod role;
mod runner;
mod service;
mod source;
mod state;
mod store;
mod surroundings;
mod text;
mod ticker;
mod wasi;
mod websocket_trigger;
mod wrong_file;

pub use batch_trigger::{BatchTrigger, Batching, ShapedBatch};
pub use compiler::{COMPILER_ARGUMENT, Compiler, compile_for_host};
pub use connections::{ConnectionInfo, Connections, SendError, WebSocketMessage};
pub use error::{
    CallError, ComponentError, ConfigureError, GuestError, HostError, LoadError, PluginError,
    Problem,
};
pub use event_origin::EventOrigin;
pub use fetch::{CacheEntry, Fetch, Resumption};
pub use host::{Compiling, Options, PluginHost, PoolUsage};
pub use http_trigger::{
    Answer, FRAMING_HEADERS, HttpTrigger, InvocationMode, NewConnection, Shaped, Step, Timer,
};
pub use object_trigger::{ObjectTrigger, QueueReference, Target};
pub use other_version::OtherVersion;
pub use outcome::{Ending, Fetched, StreamHead, TriggerOutcome};
pub use plugin::Plugin;
pub use reuse::Reuse;
pub use role::Role;
pub use service::{Client, Service, ServiceBody, ServiceSetup};
pub use source::{Part, Polled, Position, Progress, Source, SourceError, SourceSetup};
pub use store::{Grant, Targets, allows};
pub use surroundings::{FunctionInfo, FunctionReference, Surroundings};
pub use websocket_trigger::{Close, Occasion, OpenConnection, WebSocketSetup, WebSocketTrigger};
