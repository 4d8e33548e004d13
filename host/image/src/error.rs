//! Why an image cannot be used.

use std::fmt::Display;
use std::io;
use std::path::Path;

/// Why an image cannot be used, as a text for the developer: what was opened, what is wrong, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ImageError {
    message: String,
}

impl ImageError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
        }
    }

    /// An operation on a file that failed: `cannot read /a/b: permission denied`.
    pub(crate) fn io(verb: &str, path: &Path, error: &io::Error) -> Self {
        let advice = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                "; free some space, or set XDG_CACHE_HOME to a folder on another disk"
            }
            _ => "",
        };
        Self::new(format!("cannot {verb} {}: {error}{advice}", path.display()))
    }

    /// The same error, after what it is about: `layer 2: …`.
    pub(crate) fn within(self, what: impl Display) -> Self {
        Self::new(format!("{what}: {}", self.message))
    }
}
