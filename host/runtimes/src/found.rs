//! An interpreter that was found, and by which rule.

use std::path::PathBuf;

use crate::version::Version;

/// An interpreter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub program: PathBuf,
    pub version: Version,
    /// The rule that found it, such as `.venv` or `PATH`.
    pub rule: String,
    /// Whether it is the one that the developer has named or made for this project, so that another one would lack its
    /// packages: if its version is wrong, that is a mistake to be corrected.
    pub is_binding: bool,
}
