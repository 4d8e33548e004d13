//! Every bound a plugin lives within, in one place, each with the reason for its size.
//!
//! A shaper's work takes microseconds and kilobytes, so the bounds are generous to honest plugins and still end a
//! hostile one before anybody notices. Where AWS has a limit of its own it stands beside ours. What happens at a
//! bound is told where the bound is applied; none of them is silent.

use std::time::Duration;

/// A component file, in bytes. The largest in practice carry a Python interpreter, 18 MB.
pub const COMPONENT_BYTES: usize = 64 << 20;

/// How long the compiler may work on one component. Python's 18 MB take 11 s on two cores.
pub const COMPILE: Duration = Duration::from_secs(60);

/// Imports and exports a component may have, each. Rust's standard library needs 20.
pub const COMPONENT_NAMES: usize = 1_000;

/// A trigger's configuration as JSON, in bytes.
pub const CONFIG_BYTES: usize = 64 << 10;

/// The state that `configure` hands to every later call, in bytes: it is copied into each of them.
pub const STATE_BYTES: usize = 1 << 20;

/// The token that `shape` hands to `respond`, in bytes.
pub const TOKEN_BYTES: usize = 64 << 10;

/// A function's name with its qualifier, in bytes. AWS: 64 for the name, 128 for the qualifier, 140 for both of a
/// partial ARN.
pub const FUNCTION_BYTES: usize = 256;

/// Headers of a response, and the bytes of their names and values together. AWS: 10 240 bytes on API Gateway.
pub const HEADER_COUNT: usize = 1_000;
/// See [`HEADER_COUNT`].
pub const HEADER_BYTES: usize = 256 << 10;

/// Linear memory of one instance, in bytes. A Rust shaper uses 1 MiB, a Python one starts at 13 MB.
pub const MEMORY_BYTES: usize = 64 << 20;

/// Elements of one table. The largest known guest needs 7 688.
pub const TABLE_ELEMENTS: usize = 20_000;

/// Core instances, memories and tables of one call.
pub const CORE_INSTANCES: usize = 100;
/// See [`CORE_INSTANCES`].
pub const MEMORIES: usize = 8;
/// See [`CORE_INSTANCES`].
pub const TABLES: usize = 64;

/// A guest's stack, in bytes; deeper recursion is a trap.
pub const STACK_BYTES: usize = 512 << 10;

/// Processor time of one call. Counted in ticks spent inside the guest, so a call that waits for its turn on a busy
/// machine is not charged for the wait.
pub const CPU: Duration = Duration::from_millis(100);

/// How often a running guest is looked at and hands its thread back.
pub const TICK: Duration = Duration::from_millis(5);

/// The whole of one call by the clock on the wall, waits included.
pub const WALL: Duration = Duration::from_secs(10);

/// Bytes copied out of the guest in one call, its result included. AWS: a payload is at most 6 MB.
pub const COPIED_BYTES: usize = 16 << 20;

/// Handles (streams, pollables) one call may hold.
pub const HANDLES: usize = 256;

/// Output to stdout and stderr of one call, in bytes; what is beyond is dropped, and the log says so.
pub const LOG_BYTES: usize = 64 << 10;

/// Random bytes a guest may ask for at once.
pub const RANDOM_BYTES: u64 = 64 << 10;

/// Calls that run at the same time, over all plugins. Later ones queue.
pub const CALLS: usize = 256;

/// How long a call may queue for its turn.
pub const QUEUE: Duration = Duration::from_secs(10);
