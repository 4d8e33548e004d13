//! Compiles components in a process of its own.
//!
//! The compiler works for seconds on large components, and a hostile component of a few megabytes makes it use
//! gigabytes. It therefore runs in a child process, the host's own executable in another role, with a limit on its
//! processor time and on its memory. The child keeps what it has compiled in the cache and returns it to the host.
//!
//! Host and child share a socket. When it closes, because the host no longer wants the result or because it was killed,
//! the child ends. On failure the host gets a `Failure`, which says what happened and what to do about it.

mod child;
mod failure;
mod process;
mod program;
mod protocol;

pub use child::compile_for_host;
pub(crate) use process::compile;
pub use program::Compiler;
pub use protocol::COMPILER_ARGUMENT;
pub(crate) use protocol::Request;
