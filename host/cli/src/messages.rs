//! The program's own messages, on standard error.
//!
//! Before a command starts the log, messages are written directly. Afterwards they go through the log, whose thread
//! does the writing, so that a paused terminal or a full pipe delays nothing else.

use std::io::{self, IsTerminal, Write};
use std::sync::OnceLock;

use lambkin_lambda::{Log, LogStyle};
use tracing::Level;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

static LOG: OnceLock<Log> = OnceLock::new();

/// What plugins print. Like the output of functions it is printed at the usual level, not only in detail.
const PLUGIN_OUTPUT: &str = "lambkin::plugin";

/// Starts printing messages up to this level. `with_target` adds the module that a message comes from.
pub fn start(level: LevelFilter, with_target: bool) {
    let mut targets = Targets::new().with_default(level);
    if level == LevelFilter::WARN {
        targets = targets.with_target(PLUGIN_OUTPUT, Level::INFO);
    }
    tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_writer(|| Messages)
        .with_target(with_target)
        .without_time()
        .with_ansi(io::stderr().is_terminal())
        .finish()
        .with(targets)
        .init();
}

/// Starts the log that functions write to. From now on, messages are written to it, too.
pub fn start_log(style: LogStyle) -> io::Result<Log> {
    let log = Log::start(style)?;
    Ok(LOG.get_or_init(|| log).clone())
}

/// Prints what the developer should know before functions run.
pub fn print_notes(notes: &[String]) {
    for note in notes {
        let _ = writeln!(Messages, "lambkin: {note}"); // without standard error there is nowhere to say it
    }
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
