//! The bounds and pauses of the native ends of triggers, each with its reason.

use std::time::Duration;

/// Batches of a mapping at a time that sets no limit of its own. AWS starts with five pollers; a machine's processors
/// are better off without the thousand it may grow to.
pub const BATCHES: usize = 5;

/// How long one wait for a batch's first message takes before it is begun anew. A wait costs nothing, so this only
/// bounds what an outside system is asked for; AWS's longest is 20 seconds.
pub const POLL: Duration = Duration::from_secs(20);

/// How long an outside system is left alone that had nothing and said so before the wait was over: some do not wait, and
/// SQS waits whole seconds, so that the last one of a batch's window would be one request after the other.
pub const EMPTY_POLL: Duration = Duration::from_secs(1);

/// Pauses after failures to receive: the first one, doubled each time up to the second.
pub const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(30));

/// How often settling a batch is tried. What is not settled comes back when its lease ends.
pub const SETTLE_ATTEMPTS: u32 = 4;

/// How long a change waits that could not be told, and how often it is tried: a plugin that fails for one change fails
/// for it again.
pub const TELL_AGAIN: Duration = Duration::from_secs(5);
/// See [`TELL_AGAIN`].
pub const TELL_ATTEMPTS: u32 = 5;

/// The pause before changes are told on when the store could not write: long enough not to fill the log, short enough
/// for whoever has just made room.
pub const STORE_PAUSE: Duration = Duration::from_secs(5);

/// How long a folder that is being filled has to be quiet before it is compared.
pub const QUIET: Duration = Duration::from_millis(200);

/// The longest wait for that: a folder that is never quiet has its changes noticed all the same.
pub const GATHER: Duration = Duration::from_secs(2);

/// How often a folder that is not there is looked for: it is being made anew, or will be for long.
pub const FOLDER_PAUSE: Duration = Duration::from_secs(1);

/// How long a file that was not closed is taken to be on its way after the last word of it: whoever is silent for longer has
/// perhaps closed it unheard.
pub const WRITING: Duration = Duration::from_secs(60);
