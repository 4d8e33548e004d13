//! What the host and the compiler's process say to each other: one [`Request`] with the component, and one [`Reply`]
//! with the compiled code.
//!
//! Both have the same form: four bytes with the length of a JSON text, big-endian; the text; and as many bytes as it
//! says.

use std::io::{self, Read, Write};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::engine::{Allocation, Tasks};

/// The first argument with which the host's executable runs as a compiler; see [`crate::compile_for_host`].
pub const COMPILER_ARGUMENT: &str = "__compile";

/// The longest JSON text, in bytes. A refusal quotes the plugin in up to 1,000 characters.
const MAX_TEXT: usize = 64 << 10;

/// What to compile.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Request {
    /// How the host's engine allocates instances, which the code depends on.
    pub allocation: Allocation,
    /// What the component needs of the engine, which the code depends on, too.
    pub tasks: Tasks,
    /// The name of the compiled code; see [`crate::cache::key`].
    pub key: String,
    /// The folder to keep the code in.
    pub cache: Option<PathBuf>,
    /// The limit on processor time, in seconds.
    pub cpu_seconds: u64,
    /// The limit on memory, in bytes.
    pub memory: u64,
    /// The size of the component that follows, in bytes.
    pub size: usize,
}

/// What came of it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Reply {
    /// It was compiled.
    Code {
        /// The size of the code that follows, in bytes.
        size: usize,
        /// Why the code could not be kept.
        not_kept: Option<String>,
    },
    /// The component is not valid; this is the compiler's message, displayable.
    Refused(String),
    /// The memory limit was reached in a place where the compiler can report it.
    OutOfMemory,
}

/// Sends a message and the bytes that belong to it.
pub(crate) fn send(
    socket: &mut impl Write,
    message: &impl Serialize,
    bytes: &[u8],
) -> io::Result<()> {
    let text = serde_json::to_vec(message)?;
    let length = u32::try_from(text.len()).map_err(io::Error::other)?;
    socket.write_all(&length.to_be_bytes())?;
    socket.write_all(&text)?;
    socket.write_all(bytes)
}

/// Receives a message, without the bytes that belong to it.
pub(crate) fn receive<T: for<'de> Deserialize<'de>>(socket: &mut impl Read) -> io::Result<T> {
    let mut length = [0; 4];
    socket.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length) as usize;
    if length > MAX_TEXT {
        return Err(io::Error::other("the message is too long"));
    }
    Ok(serde_json::from_slice(&receive_bytes(socket, length)?)?)
}

/// Receives the bytes that belong to a message.
pub(crate) fn receive_bytes(socket: &mut impl Read, size: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; size];
    socket.read_exact(&mut bytes)?;
    Ok(bytes)
}
