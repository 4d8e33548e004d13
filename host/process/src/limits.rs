//! The limits of supervised processes.

use std::time::Duration;

/// The number of files that a program may have open, as on Lambda. The host itself may have more.
pub const OPEN_FILES: u64 = 1024;

/// The interval at which a supervisor that is freezing checks whether all processes have stopped. They stop within
/// microseconds.
pub const FREEZE_INTERVAL: Duration = Duration::from_micros(200);
