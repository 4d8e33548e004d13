//! The Lambda side of Lambkin: functions, execution environments, and the protocols spoken to both.
//!
//! A caller reaches a [`Function`] through [`Lambda`], either from the Invoke API or from a trigger, and gets one
//! outcome for one invocation. A function owns its environments and scales them from none to its limit. An
//! environment is one task that owns one process at a time and everything known about it.
//!
//! Behaviour, wording and limits are AWS's. Nothing a function does can end the host: it costs the function its process,
//! and the caller gets AWS's answer for it.

mod api_error;
mod asynchronous;
mod bootstrap;
mod call;
mod code;
pub mod compat;
mod dispatch;
mod environment;
mod event;
mod extension;
mod function;
mod function_error;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
mod ids;
mod invoke;
pub mod invoke_api;
mod lambda;
pub mod limits;
mod log;
mod memory;
mod name;
mod recursion;
mod runtime_api;
mod spec;
mod state_machine;
mod telemetry;
mod time;
mod variables;
mod version;

pub use asynchronous::{Asynchronous, AsynchronousConfig, EventInvokeConfig, NotAccepted, Target};
pub use bootstrap::{NoBootstrap, Unusable};
pub use call::{Reply, ResponseStream, StreamEnd, StreamError};
pub use code::{Code, CodeError, Entry};
pub use function::Function;
pub use ids::{new_request_id, new_trace_id};
pub use lambda::Lambda;
pub use log::{Destination, Log, LogStyle};
pub use name::{is_alias_name, is_function_name, is_version_number};
pub use runtime_api::HTTP_INTEGRATION;
pub use spec::{Account, FunctionSpec, Lifecycle, LogFormat, Logging, RecursiveLoop, Variables};
pub use time::now_ms;
pub use variables::is_reserved as is_reserved_variable;
pub use version::Alias;
