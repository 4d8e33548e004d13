//! The Invoke API: how the AWS CLI, the SDKs and `curl` call functions, and the HTTP APIs of two other emulators.
//!
//! [`serve`] answers `Invoke` (2015-03-31), `InvokeWithResponseStream` (2021-11-15), the deprecated `InvokeAsync`
//! (2014-11-13), and the read operations that tools use before they call a function. One listener serves all functions.
//! A function may be named in any form that AWS accepts. If there is only one function, the name `function` leads to it
//! too, because that is the only name in AWS's Runtime Interface Emulator. Signatures are ignored.
//!
//! [`emulator`] answers as AWS's Runtime Interface Emulator and as docker-lambda, for scripts written for them.
//!
//! On failure: an invalid request gets AWS's status, error type and message. A function that fails is not an error of
//! the request: the status is 200, and `X-Amz-Function-Error`, or the last event of the stream, reports the failure.

mod control;
pub mod emulator;
mod error;
mod event;
mod event_stream;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
mod invoke;
mod json_fault;
pub mod limits;
mod listener;
mod lookup;
mod operation;
mod request;
mod response;
mod server;
mod stream;
mod target;
mod violations;

pub use server::serve;
