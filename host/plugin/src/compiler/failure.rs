//! Why nothing was compiled, and what to do about it.

use std::fmt::Write as _;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use rustix::process::Signal;

use super::program::Compiler;
use crate::text::quote;

/// What the standard library writes before it aborts.
const ALLOCATION_FAILED: &str = "memory allocation of ";

/// What a plugin that takes too much of the compiler has in common with others that do.
const SMALLER: &str = "it has very large functions, or very many of them: optimize it for size, split the largest \
                       functions (often generated code or data), and leave out what is not used";

/// Why nothing was compiled.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The component is not valid, and why.
    Refused(String),
    /// The compiler's process could not be started, or not be spoken with.
    NotStarted(io::Error),
    /// The limit on processor time was reached.
    Cpu,
    /// The limit on memory was reached.
    Memory,
    /// The process was killed, by the system or by a person.
    Killed,
    /// The compiler crashed: how its process ended, and the last that it wrote.
    Crashed(String, String),
}

impl Failure {
    /// What the end of the process means, with what it has written to standard error.
    pub(super) fn of(status: ExitStatus, written: &str) -> Self {
        let is = |signal: Signal| status.signal() == Some(signal.as_raw());
        if is(Signal::XCPU) {
            Self::Cpu
        } else if is(Signal::KILL) {
            Self::Killed
        } else if written.contains(ALLOCATION_FAILED) {
            Self::Memory
        } else {
            Self::Crashed(status.to_string(), quote(written.trim()))
        }
    }

    /// Completes the sentence "it cannot be compiled: …". `took` is the time by the clock.
    pub(crate) fn describe(&self, compiler: &Compiler, size: usize, took: Duration) -> String {
        let took = took.as_secs_f64();
        let what = format!("its {:.1} MB", size as f64 / 1e6);
        let mut text = match self {
            Self::Refused(reason) => return reason.clone(),
            Self::NotStarted(error) => {
                format!(
                    "the compiler, a process of its own, cannot be started: {error}; try again with fewer processes"
                )
            }
            Self::Cpu => format!(
                "{what} took all of the {} s of processor time that compiling a plugin may take ({took:.0} s by the \
                 clock), and were not finished; {SMALLER}",
                compiler.cpu.as_secs(),
            ),
            Self::Memory => format!(
                "{what} need more than the {} MiB of memory that compiling a plugin may take (reached after \
                 {took:.1} s); {SMALLER}",
                compiler.memory >> 20,
            ),
            Self::Killed => format!(
                "the compiler was killed after {took:.1} s, by a person or by the system because it ran out of memory; \
                 free some memory and try again"
            ),
            Self::Crashed(how, _) => format!(
                "the compiler crashed on {what} after {took:.1} s ({how}); this is a defect of lambkin: report it, with \
                 the plugin"
            ),
        };
        if let Self::Crashed(_, written) = self
            && !written.is_empty()
        {
            let _ = write!(text, ". The compiler's last words: {written}"); // a string takes everything
        }
        text
    }
}
