//! What the host sends to a supervisor: first one [`Launch`], then any number of [`Command`]s. And what a supervisor
//! reports besides starts and ends, which [`Exit`](crate::Exit) has.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

#[cfg(target_os = "linux")]
use crate::sandbox::Failure;
use crate::sandbox::Sandbox;

/// The first argument with which the host's executable runs as a supervisor; see [`crate::supervise`].
pub const SUPERVISOR_ARGUMENT: &str = "__supervise";

/// The second argument of the process that enters a sandbox's namespaces.
#[cfg(target_os = "linux")]
pub(crate) const LAUNCHER_ROLE: &str = "launcher";

/// An argument of a launcher that maps the host's own ids, whoever that is.
#[cfg(target_os = "linux")]
pub(crate) const OWN_IDS: &str = "own-ids";

/// An argument of both of them if the program has the host's standard streams, which precede the launch.
#[cfg(target_os = "linux")]
pub(crate) const FOREGROUND: &str = "foreground";

/// The second argument of the first process inside, which is the supervisor there.
#[cfg(target_os = "linux")]
pub(crate) const INIT_ROLE: &str = "init";

/// The line with which a launcher asks the host to write the maps of its user namespace. The launch is sent afterwards.
#[cfg(target_os = "linux")]
pub(crate) const MAP_REQUEST: &str = "map-ids\n";

/// The line with which a launcher says that it has started the first process of the sandbox.
pub(crate) const INIT_STARTED: &str = "init-started\n";

/// What a line begins with that reports why a sandbox could not be made.
pub(crate) const FAILURE: &str = "sandbox-failed ";

/// The program to start.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Launch {
    /// The path of the program's file. An empty one starts nothing: then it is only found out whether a sandbox can be
    /// made, and the exit has status 0.
    pub program: PathBuf,
    /// The program's arguments, without its own name.
    pub arguments: Vec<String>,
    /// All environment variables of the program; it inherits none.
    pub variables: BTreeMap<String, String>,
    /// The program's working directory.
    pub directory: PathBuf,
    /// The sandbox for the program, if it gets one; all paths are then those inside. Linux only.
    #[serde(default)]
    pub sandbox: Option<Sandbox>,
}

impl Launch {
    /// The launch as its length in four bytes, big-endian, followed by JSON.
    pub(crate) fn to_bytes(&self) -> io::Result<Vec<u8>> {
        let json = serde_json::to_vec(self)?;
        let length = u32::try_from(json.len()).map_err(io::Error::other)?;
        Ok([&length.to_be_bytes()[..], &json].concat())
    }

    /// Reads what [`Launch::to_bytes`] made.
    pub(crate) fn receive(socket: &mut impl Read) -> io::Result<Self> {
        let mut length = [0; 4];
        socket.read_exact(&mut length)?;
        let mut json = vec![0; u32::from_be_bytes(length) as usize];
        socket.read_exact(&mut json)?;
        Ok(serde_json::from_slice(&json)?)
    }
}

/// The line that reports why a sandbox could not be made.
#[cfg(target_os = "linux")]
pub(crate) fn failure_line(failure: &Failure) -> String {
    // A failure has no content that JSON could not represent: its path has been read from JSON.
    let json = serde_json::to_string(failure).unwrap_or_default();
    format!("{FAILURE}{json}\n")
}

/// Sends a whole line.
pub(crate) fn send_line(host: &mut impl Write, line: &str) -> io::Result<()> {
    host.write_all(format!("{line}\n").as_bytes())
}

/// A command to a supervisor: one byte, which is not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Command {
    /// Sends SIGSTOP to the program and all its descendants.
    Freeze,
    /// Sends SIGCONT to all of them.
    Thaw,
    /// Sends SIGINT to the program.
    Interrupt,
    /// Thaws all of them and sends SIGTERM to the program's process group, as on AWS.
    Terminate,
}

impl Command {
    pub(crate) fn to_byte(self) -> u8 {
        match self {
            Self::Freeze => b'f',
            Self::Thaw => b't',
            Self::Interrupt => b'i',
            Self::Terminate => b'q',
        }
    }

    pub(crate) fn from_byte(byte: u8) -> Option<Self> {
        [Self::Freeze, Self::Thaw, Self::Interrupt, Self::Terminate]
            .into_iter()
            .find(|command| command.to_byte() == byte)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_survives_the_socket() {
        for command in [
            Command::Freeze,
            Command::Thaw,
            Command::Interrupt,
            Command::Terminate,
        ] {
            assert_eq!(Command::from_byte(command.to_byte()), Some(command));
        }
        assert_eq!(Command::from_byte(0), None);
    }
}
