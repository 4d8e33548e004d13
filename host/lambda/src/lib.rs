//! Functions, their execution environments, and the APIs for runtimes and extensions.
//!
//! The Invoke API or a trigger invokes a [`Function`] through [`Lambda`] and gets one outcome per invocation. A
//! function has between zero environments and its concurrency limit. An environment is one task that owns the
//! processes of one sandbox at a time and their state.
//!
//! Behavior, messages and limits are AWS's. A function cannot end the host: if its process crashes, exceeds a limit or
//! breaks a protocol, the process is replaced and the caller gets the error that AWS would return.
//!
//! The files in order, each of which uses only earlier ones: [`limits`], `time`, `name`, `ids`, `call`, `script`,
//! `archive`, `rootfs`, `access`, `elf`, `elsewhere`, `executable`, `bootstrap`, `function_error`, `image`, `made_from`,
//! `managed`, `code`, `wrapper`, `clock`, `debugger`, `spec`, `installation`, `view`, `recursion`, `state_machine`,
//! `api_error`, `dispatch`, `demand`, `start_turn`, `memory`, `extension` and `telemetry` (in the order of their files),
//! `visible`, `outward_links`, `log`, `runtime_api`, `ports`, `function`, `variables`, `launch`, `environment`, `invoke`,
//! `version`, `asynchronous::accept`, `lambda`, `asynchronous::serve`.

mod access;
mod api_error;
mod archive;
mod asynchronous;
mod bootstrap;
mod call;
mod clock;
mod code;
mod debugger;
mod debugger_http;
mod demand;
mod dispatch;
mod elf;
mod elsewhere;
mod environment;
mod executable;
mod extension;
mod function;
mod function_error;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
mod ids;
mod image;
mod installation;
mod invoke;
mod lambda;
mod launch;
pub mod limits;
mod log;
mod made_from;
mod managed;
mod memory;
mod name;
mod outward_links;
mod ports;
mod recursion;
mod rootfs;
mod runtime_api;
mod script;
mod spec;
mod start_turn;
mod state_machine;
mod telemetry;
mod time;
mod variables;
mod version;
mod view;
mod visible;
mod wrapper;

pub use access::Obstacle;
pub use asynchronous::{AcceptError, Asynchronous, AsynchronousConfig, EventInvokeConfig, Target};
pub use bootstrap::NoBootstrapError;
pub use call::{Reply, ResponseStream, StreamEnd, StreamError};
pub use clock::Clock;
pub use code::{Code, CodeError, Entry, open_layer};
pub use debugger::{DEBUG_PORT, DebugSettings};
pub use elf::ElfError;
pub use environment::StartError;
pub use executable::ExecutableError;
pub use function::Function;
pub use function_error::{
    INVALID_ENTRYPOINT as NOT_STARTED, RESPONSE_TOO_LARGE, api_error_body,
    response_too_large_type_first, timed_out_text,
};
pub use ids::{new_request_id, new_trace_id};
pub use image::{CurrentImage, Image, Keeper};
pub use lambda::Lambda;
pub use launch::StartPlan;
pub use log::{Destination, Log, LogStyle};
pub use made_from::MadeFrom;
pub use managed::Managed;
pub use name::{
    FunctionRef, LATEST, LATEST_PUBLISHED, is_alias_name, is_function_name, is_version_number,
};
pub use outward_links::outward_links;
pub use runtime_api::HTTP_INTEGRATION;
pub use script::ScriptError;
pub use spec::{
    Account, FunctionSpec, Lifecycle, LogFormat, Logging, RecursiveLoop, SandboxMode, Variables,
};
pub use time::now_ms;
pub use variables::is_reserved as is_reserved_variable;
pub use version::{Alias, Versions};
pub use visible::visible_outside;
