//! The program's own messages, on standard error.
//!
//! Before a command starts the log, messages are written directly. Afterwards they go through the log, whose thread
//! does the writing, so that a paused terminal or a full pipe delays nothing else.

use std::io::{self, IsTerminal, Write};
use std::sync::OnceLock;

use lambkin_lambda::{Log, LogStyle};
use tracing_subscriber::filter::LevelFilter;

static LOG: OnceLock<Log> = OnceLock::new();

/// Starts printing messages up to this level. `with_target` adds the module that a message comes from.
pub fn start(level: LevelFilter, with_target: bool) {
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(|| Messages)
        .with_target(with_target)
        .without_time()
        .with_ansi(io::stderr().is_terminal())
        .init();
}

/// Starts the log that functions write to. From now on, messages are written to it, too.
pub fn start_log(style: LogStyle) -> io::Result<Log> {
    let log = Log::start(style)?;
    Ok(LOG.get_or_init(|| log).clone())
}

/// Waits until everything in the log has been written.
pub fn flush() {
    if let Some(log) = LOG.get() {
        log.flush();
    }
}

/// Writes messages to the log, or to standard error before there is one.
struct Messages;

impl Write for Messages {
    /// `tracing_subscriber` writes each message with one call.
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
