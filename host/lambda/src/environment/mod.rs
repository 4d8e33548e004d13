//! An execution environment: one task that serves calls, one after the other or several at a time.
//!
//! An environment owns the processes of one [sandbox](sandbox::Sandbox) at a time and their state; other tasks reach
//! it only through its mailbox. It is initialized when it starts, with or without a first call. A crash or a timeout
//! ends the sandbox but not the environment: the next call gets a new sandbox.
//!
//! The caller gets the response as soon as the runtime has responded. The invocation ends, with END and REPORT in the
//! log, when the runtime requests its next event; a caller that asked for the end of the log waits until then. If a
//! function allows several concurrent invocations, an invocation ends with its response, because the next request does
//! not say which invocation preceded it.
//!
//! On failure: every call gets exactly one outcome, whatever the processes do. If the environment's task ends
//! unexpectedly, the dispatcher is notified and the caller gets the error that the host is shutting down.
//!
//! The files in order, each of which uses only earlier ones: `address`, `advice`, `output`, `alarm`,
//! `extension_processes`, `sandbox`, `in_flight`, `state`, `record`, `conclude`, `init_error`, `init`, `serve`, `trial`.

mod address;
mod advice;
mod alarm;
mod conclude;
mod extension_processes;
mod in_flight;
mod init;
mod init_error;
mod output;
mod record;
mod sandbox;
mod serve;
mod state;
mod trial;

pub(crate) use serve::start;
pub use trial::StartError;
