//! How a process ended, in AWS's words and in the supervisor's protocol.

use std::fmt;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

/// How a program ended. `Display` gives AWS's text, such as `exit status 1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// The program exited with this status.
    Code(i32),
    /// A signal with this number ended the program.
    Signal(i32),
    /// The operating system refused to start the program, with this error number.
    NotStarted(i32),
    /// The supervisor killed the program, which had this number of processes and threads, more than
    /// [`MAX_TASKS`](crate::limits::MAX_TASKS).
    TooManyTasks(i32),
    /// The supervisor died first, so how the program ended is unknown.
    Lost,
}

impl Exit {
    /// The exit for an error of starting the program.
    pub fn not_started(error: &io::Error) -> Self {
        Self::NotStarted(error.raw_os_error().unwrap_or(0))
    }

    pub(crate) fn from_status(status: ExitStatus) -> Self {
        match (status.code(), status.signal()) {
            (Some(code), _) => Self::Code(code),
            (None, Some(signal)) => Self::Signal(signal),
            (None, None) => Self::Lost,
        }
    }

    /// One line of the supervisor's protocol, without the line feed.
    pub(crate) fn to_line(self) -> String {
        match self {
            Self::Code(code) => format!("exited {code}"),
            Self::Signal(signal) => format!("signalled {signal}"),
            Self::NotStarted(errno) => format!("not-started {errno}"),
            Self::TooManyTasks(tasks) => format!("too-many-tasks {tasks}"),
            Self::Lost => "lost 0".to_owned(),
        }
    }

    /// Parses a line that [`Exit::to_line`] made.
    pub(crate) fn from_line(line: &str) -> Option<Self> {
        let (kind, digits) = line.split_once(' ')?;
        let number = digits.parse().ok()?;
        match kind {
            "exited" => Some(Self::Code(number)),
            "signalled" => Some(Self::Signal(number)),
            "not-started" => Some(Self::NotStarted(number)),
            "too-many-tasks" => Some(Self::TooManyTasks(number)),
            "lost" => Some(Self::Lost),
            _ => None,
        }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit status {code}"),
            Self::Signal(signal) => write!(f, "signal: {}", signal_name(*signal)),
            Self::TooManyTasks(_) => f.write_str("signal: killed"),
            Self::NotStarted(errno) => write!(f, "{}", io::Error::from_raw_os_error(*errno)),
            Self::Lost => f.write_str("its supervisor was killed"),
        }
    }
}

/// The name that Go gives a signal; AWS's messages use these names.
fn signal_name(signal: i32) -> String {
    let name = match signal {
        1 => "hangup",
        2 => "interrupt",
        3 => "quit",
        4 => "illegal instruction",
        5 => "trace/breakpoint trap",
        6 => "aborted",
        7 => "bus error",
        8 => "floating point exception",
        9 => "killed",
        11 => "segmentation fault",
        13 => "broken pipe",
        14 => "alarm clock",
        15 => "terminated",
        other => return format!("signal {other}"),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_exit_survives_the_supervisors_protocol() {
        for exit in [
            Exit::Code(0),
            Exit::Code(255),
            Exit::Signal(9),
            Exit::NotStarted(2),
            Exit::TooManyTasks(1025),
            Exit::Lost,
        ] {
            assert_eq!(Exit::from_line(&exit.to_line()), Some(exit));
        }
        for line in ["", "exited", "exited x", "vanished 3"] {
            assert_eq!(Exit::from_line(line), None, "{line:?}");
        }
    }

    #[test]
    fn exits_are_described_in_awss_words() {
        assert_eq!(Exit::Code(127).to_string(), "exit status 127");
        assert_eq!(Exit::Signal(9).to_string(), "signal: killed");
        assert_eq!(Exit::Signal(11).to_string(), "signal: segmentation fault");
    }
}
