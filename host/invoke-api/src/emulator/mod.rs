//! The HTTP APIs of two other emulators, for scripts and tests that were written for them.
//!
//! [`rie`] answers as AWS's Runtime Interface Emulator, [`docker_lambda`] as lambci's docker-lambda. They differ in how
//! they read a request and how they write the response to an outcome. The functions run as with the Invoke API.

pub mod docker_lambda;
pub(crate) mod request;
pub mod rie;
