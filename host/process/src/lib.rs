//! Supervised processes: programs of which nothing outlives the host.
//!
//! Between the host and each program there is a *supervisor*: the host's own executable in another role, started for
//! this one program. Host and supervisor share a socket. The supervisor starts the program in a process group of its
//! own, adopts every orphan that the program leaves behind, and reports how the program ended. When the socket closes,
//! because the host drops the [`Process`] or because the host was killed, the supervisor kills the program and all its
//! descendants, and exits.
//!
//! The host also sends commands over the socket: freeze and thaw the program and its descendants, as between two
//! invocations on AWS, or terminate it.
//!
//! The supervisor also counts the program's processes and threads, whose number is limited as on Lambda.
//!
//! On Linux, a program can have a [`mod@sandbox`]: namespaces of its own with the file system of a Lambda environment.
//!
//! On failure: a program that cannot be started ends with [`Exit::NotStarted`]; that is not an error of the host. If a
//! supervisor is killed, the program ends with [`Exit::Lost`]; the host adopts what is left of it and kills that. Since
//! Linux 6.12 the program cannot kill its supervisor.
//!
//! The files in order, each of which uses only earlier ones: [`limits`], `exit`, `inherited`, `file_limit`, `tree`, `sockets`,
//! `sweep`, `subreaper`, `priority`, `crowd`, `freezer`, `sandbox::spec`, `protocol`, `streams`, `terminal`, `sandbox`
//! (`identity`, `etc`, `root`, `image`, `enter`), `start`, `supervisor`, `process`, `foreground`, `support`, `abilities`.

mod abilities;
mod crowd;
mod exit;
mod file_limit;
#[cfg(target_os = "linux")]
mod foreground;
mod freezer;
mod inherited;
pub mod limits;
mod priority;
mod process;
mod protocol;
pub mod sandbox;
mod sockets;
mod start;
mod streams;
mod subreaper;
mod supervisor;
mod support;
mod sweep;
#[cfg(target_os = "linux")]
mod terminal;
mod tree;

pub use abilities::{finds_peers, is_root, lists_descendants, scopes_signals, scopes_sockets};
pub use exit::Exit;
pub use file_limit::{lower_file_limit, raise_file_limit};
#[cfg(target_os = "linux")]
pub use foreground::run_in_foreground;
pub use inherited::keep_inherited_files;
pub use process::{Outputs, Process};
pub use protocol::{Launch, SUPERVISOR_ARGUMENT};
pub use sockets::{Holder, Listener, Socket, listeners_below};
pub use subreaper::kill_orphans;
pub use supervisor::supervise;
pub use support::{Support, advice, merges, opens, support};
pub use tree::{Tree, format_path, read_file};
