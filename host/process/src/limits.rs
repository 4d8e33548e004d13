//! The limits of supervised processes.

use std::num::NonZero;
use std::time::Duration;

/// The number of files that a program may have open, as on Lambda. The host itself may have more.
pub const OPEN_FILES: u64 = 1024;

/// The interval at which a supervisor that is freezing checks whether all processes have stopped. They stop within
/// microseconds.
pub const FREEZE_INTERVAL: Duration = Duration::from_micros(200);

/// The number of processes and threads that a program and its descendants may have together, as on Lambda. There,
/// starting another one fails with EAGAIN; here, the supervisor kills the program, because the operating system counts
/// per user only.
pub const MAX_TASKS: usize = 1024;

/// How often a supervisor looks whether a program that is not frozen may have many more processes than at the last count,
/// on a machine with few other processes.
pub const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// [`LOOK_INTERVAL`] is longer by this time for each process and thread of the machine that is not the program's, as half
/// of them may be other supervisors.
pub const LOOK_INTERVAL_PER_OTHER: Duration = Duration::from_micros(100);

/// The longest interval of looks. Programs that start processes in an endless loop create about 20,000 in a second.
pub const MAX_LOOK_INTERVAL: Duration = Duration::from_millis(200);

/// How often a supervisor counts the processes of a program if the machine has created only a few since the last count.
pub const COUNT_INTERVAL: Duration = Duration::from_secs(1);

/// The share of a processor that a supervisor may use for counting: one part in this number. With many processes it
/// counts less often.
pub const COUNT_SHARE: u32 = 20;

/// How much higher a program's nice value is than the host's. It is low, because programs that the machine runs for
/// other purposes would otherwise starve functions.
pub const NICE: i32 = 2;

/// The nice value of a program with more than [`crowd_size`] processes that want to run at the same time.
pub const CROWD_NICE: i32 = 19;

/// How many processes and threads of a program have to be running at the same time for it to be a crowd: far more than
/// there are processors, so that a program that uses all of them is none.
pub fn crowd_size() -> usize {
    let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
    (4 * processors).max(32)
}

/// The pause between two looks at orphans that the host has killed and that have not ended yet.
pub const ORPHAN_INTERVAL: Duration = Duration::from_millis(1);

/// How long the host waits for a supervisor that was sent the command to kill. After that it kills the supervisor,
/// and then the program as an orphan.
pub const SUPERVISOR_TIMEOUT: Duration = Duration::from_secs(1);

/// The longest line that a supervisor sends: an error with a path.
pub const MAX_LINE_BYTES: usize = 64 * 1024;
