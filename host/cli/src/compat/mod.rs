//! Emulator compatibility: the command lines of other emulators, read into what Lambkin runs.
//!
//! [`rie`] reads the flags and variables of AWS's Runtime Interface Emulator, [`docker_lambda`] those of docker-lambda.
//! Both take the variables as a value, so reading has no side effects. The command of the same name runs what was read.

pub mod address;
pub mod container;
pub mod docker_lambda;
pub mod rie;
mod spec;
mod variables;

pub use container::is_container;
pub use rie::rie_args;
pub use variables::Variables;
