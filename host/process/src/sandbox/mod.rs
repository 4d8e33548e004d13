//! Sandbox mode `namespace`: a program in namespaces of its own, with the file system of a Lambda environment.
//!
//! In this mode two processes of the host's executable are between the host and the program. The *launcher* (`enter`)
//! moves itself into a new user namespace, so that no privileges are needed, and starts the *init process* as the first process
//! of a new PID namespace, from a read-only view of the executable (`executable`). The init process builds the file system (`root`), drops all privileges for the program
//! (`identity`), and is then the program's supervisor. When it ends, for whatever reason, the kernel kills every process of
//! its namespace. It ends when the host's socket closes, and by a signal of the kernel when the launcher
//! ends.
//!
//! The program runs as user 993 and group 990, as on AWS. The host's user determines what that is outside:
//!
//! - An ordinary user is allowed to map one id, its own: the program then has the rights of that user, but sees only
//!   what was mounted for it.
//! - Root maps 0, for the files of the system, and 993 to an id that nobody else has, which owns nothing. The kernel lets
//!   nobody map two ids from inside, so the host does, at the launcher's request.
//!
//! In mode `image`, the root is that of a container image instead (`image`); everything else is the same.
//!
//! On failure: [`Failure`] has the step, the error and the path; nothing is started. Whether the mode works at all is
//! found out by trying, see [`support()`](crate::support()).

#[cfg(target_os = "linux")]
pub(crate) mod enter;
#[cfg(target_os = "linux")]
mod etc;
#[cfg(target_os = "linux")]
mod executable;
#[cfg(target_os = "linux")]
pub(crate) mod identity;
#[cfg(target_os = "linux")]
pub(crate) mod image;
#[cfg(target_os = "linux")]
mod root;
mod spec;

#[cfg(target_os = "linux")]
pub use identity::limits_tasks;
pub use spec::{Failure, GROUP_ID, ImageRoot, OPT, RUNTIME, Sandbox, TASK, USER_ID, Visible};
pub(crate) use spec::{IMAGE, MERGE};
