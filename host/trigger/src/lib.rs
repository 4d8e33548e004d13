//! Triggers: each connects an event source, through a plugin, to functions or a queue.
//!
//! There is one module for each kind of trigger. It implements [`EventSource`] and [`ConfiguredTrigger`]:
//!
//! | module | key in `lambkin.toml` | events | plugin role |
//! |---|---|---|---|
//! | [`http`] | `listen` | HTTP requests at an address, and messages of WebSocket connections | HTTP trigger, WebSocket trigger |
//! | [`queue`] | `queue` | messages of a queue in the store | batch trigger |
//! | [`poll`] | `poll` | messages of an external system, a queue or a log | source, and batch trigger |
//! | [`bucket`] | `bucket` | changes of the objects in a bucket | object trigger |
//!
//! Plugins know what events look like, functions know nothing of triggers, and this crate handles everything between
//! them: sockets, messages of queues, changes of buckets. Listeners of services ([`service_listener`]) and watchers of
//! folders that are buckets ([`folder_watcher`]) are here, too, as they run beside the triggers.
//!
//! On failure: a plugin that fails affects only the request, batch or change that it was called for. The client or the
//! log gets the plugin's name and the cause. Messages are delivered again when their leases end. A change is tried up
//! to 5 times, then logged and dropped.

mod batch;
pub mod bucket;
mod event_source;
pub mod folder_watcher;
pub mod http;
mod http_exchange;
mod http_handler;
mod http_port;
mod http_preview;
mod http_timer;
mod invocation;
mod limits;
mod log;
mod object_watcher;
mod outcome;
mod own_triggers;
mod own_watchers;
mod place;
pub mod poll;
mod preview;
pub mod queue;
mod read_ahead;
mod response_stream;
pub mod service_listener;
mod step_cache;
mod tasks;
mod trigger_context;
mod websocket;

pub use event_source::{
    BoxFuture, ConfiguredTrigger, EventSource, Grants, PluginSetup, Setup, SetupError,
};
pub use own_triggers::TriggerSetter;
pub use place::Place;
pub use preview::{Arrival, Outcomes, Preview, PreviewError, Sample, Shown};
pub use tasks::Tasks;
pub use trigger_context::{TriggerContext, TriggerStore};
