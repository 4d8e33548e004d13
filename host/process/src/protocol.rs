//! What the host sends to a supervisor: first one [`Launch`], then any number of [`Command`]s.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The first argument with which the host's executable runs as a supervisor; see [`crate::supervise`].
pub const SUPERVISOR_ARGUMENT: &str = "__supervise";

/// The program to start.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Launch {
    /// The path of the program's file.
    pub program: PathBuf,
    /// The program's arguments, without its own name.
    pub arguments: Vec<String>,
    /// All environment variables of the program; it inherits none.
    pub variables: BTreeMap<String, String>,
    /// The program's working directory.
    pub directory: PathBuf,
}

impl Launch {
    /// Writes the launch as its length in four bytes, big-endian, followed by JSON.
    pub(crate) fn send(&self, socket: &mut impl Write) -> io::Result<()> {
        let json = serde_json::to_vec(self)?;
        let length = u32::try_from(json.len()).map_err(io::Error::other)?;
        socket.write_all(&length.to_be_bytes())?;
        socket.write_all(&json)
    }

    pub(crate) fn receive(socket: &mut impl Read) -> io::Result<Self> {
        let mut length = [0; 4];
        socket.read_exact(&mut length)?;
        let mut json = vec![0; u32::from_be_bytes(length) as usize];
        socket.read_exact(&mut json)?;
        Ok(serde_json::from_slice(&json)?)
    }
}

/// A command to a supervisor: one byte, which is not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Command {
    /// Sends SIGSTOP to the program and all its descendants.
    Freeze,
    /// Sends SIGCONT to all of them.
    Thaw,
    /// Thaws all of them and sends SIGTERM to the program's process group, as on AWS.
    Terminate,
}

impl Command {
    pub(crate) fn to_byte(self) -> u8 {
        match self {
            Self::Freeze => b'f',
            Self::Thaw => b't',
            Self::Terminate => b'q',
        }
    }

    pub(crate) fn from_byte(byte: u8) -> Option<Self> {
        [Self::Freeze, Self::Thaw, Self::Terminate]
            .into_iter()
            .find(|command| command.to_byte() == byte)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_survives_the_socket() {
        for command in [Command::Freeze, Command::Thaw, Command::Terminate] {
            assert_eq!(Command::from_byte(command.to_byte()), Some(command));
        }
        assert_eq!(Command::from_byte(0), None);
    }
}
