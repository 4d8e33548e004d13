//! How work on objects fails: refused for what it asks, or by SQLite, or by the file system.

use std::io;
use std::path::Path;

use super::types::ObjectError;
use crate::StoreError;
use crate::error::file_advice;

/// Why something inside a transaction did not happen.
///
/// Whatever is refused is refused before anything of it was written: a refusal does not roll back.
#[derive(Debug)]
pub(super) enum Fault {
    Refused(ObjectError),
    Sql(rusqlite::Error),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<ObjectError> for Fault {
    fn from(error: ObjectError) -> Self {
        Self::Refused(error)
    }
}

/// The file system refuses: `attempt` is `write`, `read`, `delete`.
pub(super) fn file(attempt: &str, path: &Path, error: &io::Error) -> ObjectError {
    ObjectError::File(format!(
        "can not {attempt} {}: {error}; {}",
        path.display(),
        file_advice(error)
    ))
}

/// The runtime ends before the work does.
pub(super) fn stopping(folder: &Path) -> ObjectError {
    ObjectError::Store(StoreError::Closed {
        path: folder.to_owned(),
    })
}

pub(super) fn invalid(why: impl Into<String>) -> ObjectError {
    ObjectError::Invalid(why.into())
}
