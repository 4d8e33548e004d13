//! How operations on objects fail: refused because of their arguments, by SQLite, or by the file system.

use std::io;
use std::path::Path;

use super::types::ObjectError;
use crate::error::{StoreError, file_advice};

/// Why work on objects inside a transaction ends early.
pub(super) type Abort = crate::abort::Abort<ObjectError>;

impl From<ObjectError> for Abort {
    fn from(error: ObjectError) -> Self {
        Self::Refused(error)
    }
}

/// An error of the file system. `attempt` is a verb: `write`, `read`, `delete`.
pub(super) fn file_error(attempt: &str, path: &Path, error: &io::Error) -> ObjectError {
    ObjectError::File(format!(
        "cannot {attempt} {}: {error}; {}",
        path.display(),
        file_advice(error)
    ))
}

/// The async runtime was shut down before the work was done.
pub(super) fn stopping(folder: &Path) -> ObjectError {
    ObjectError::Store(StoreError::Closed {
        path: folder.to_owned(),
    })
}

/// The refusal of arguments that are not valid.
pub(super) fn invalid(why: impl Into<String>) -> ObjectError {
    ObjectError::Invalid(why.into())
}
