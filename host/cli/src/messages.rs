//! Where the program's own messages go.
//!
//! Until a command has a log they go to standard error. From then on they go through the log, whose thread alone waits for
//! whoever reads it: a terminal that stands still, or a pipe that nobody empties, holds up nothing.

use std::io::{self, IsTerminal, Write};
use std::sync::OnceLock;

use lambkin_lambda::{Log, LogStyle};
use tracing_subscriber::filter::LevelFilter;

static LOG: OnceLock<Log> = OnceLock::new();

/// Has messages of this level, or worse ones, written.
pub fn start(level: LevelFilter, with_target: bool) {
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(|| Messages)
        .with_target(with_target)
        .without_time()
        .with_ansi(io::stderr().is_terminal())
        .init();
}

/// Starts the log that functions, and from now on messages, are written to.
pub fn start_log(style: LogStyle) -> io::Result<Log> {
    let log = Log::start(style)?;
    Ok(LOG.get_or_init(|| log).clone())
}

/// Has what was said before the end of the program read, if anybody reads it.
pub fn flush() {
    if let Some(log) = LOG.get() {
        log.flush();
    }
}

struct Messages;

impl Write for Messages {
    /// A message comes whole.
    fn write(&mut self, message: &[u8]) -> io::Result<usize> {
        let Some(log) = LOG.get() else {
            return io::stderr().write(message);
        };
        log.lines(message);
        Ok(message.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
