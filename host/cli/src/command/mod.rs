//! The commands, one module each. A command returns the program's exit code.

pub mod check;
pub mod completions;
pub mod docker_lambda;
pub mod doctor;
pub mod event;
pub mod exec;
pub mod init;
pub mod invoke;
pub mod man;
mod port_holder;
pub mod queue;
pub mod rie;
pub mod schema;
pub mod serve;
pub mod shape;
mod signals;
mod target;
mod unknown_target;
pub mod wit;
