//! Running a bootstrap so that nothing of it outlives the host.
//!
//! Every bootstrap has a *guard* between itself and the host: the host's own program in another role, started for this
//! one process. Host and guard share a socket. The guard starts the bootstrap in a process group of its own, adopts
//! every orphan the bootstrap leaves behind, and reports how the bootstrap ended. When the socket closes, because the
//! host lets go of the [`Process`] or because the host itself was killed, the guard kills all of it and goes too.
//!
//! Between two invocations an environment is frozen: the host says so on the same socket, and the guard stops and
//! continues everything the bootstrap started.
//!
//! On failure: a program that can not be started is an [`Exit::NotStarted`], never an error of the host. A guard that
//! dies before its bootstrap (nothing but a stray `kill -9` does that) is an [`Exit::Lost`], and the host kills the
//! bootstrap's process group itself.

mod exit;
mod files;
mod freezer;
mod guard;
mod process;
mod tree;

pub(crate) use exit::Exit;
pub use files::raise_file_limit;
pub use guard::run as run_guard;
pub use process::GUARD_ARGUMENT;
pub(crate) use process::{Launch, Process};
pub(crate) use tree::{Tree, place, read};
