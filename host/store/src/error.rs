//! Why the store cannot do what was asked of it.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// A failure of the store itself, not of one operation's arguments. Cheap to clone: each caller whose operation was
/// part of a failed transaction receives it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Another process has the store open.
    #[error(
        "cannot open the store {}: another lambkin is using it; stop that one, or give this one a file of its own",
        path.display()
    )]
    InUse {
        /// The store's file.
        path: PathBuf,
    },
    /// The file was written by a later version of this program.
    #[error(
        "cannot open the store {}: a newer lambkin has written it (layout {found}, this one knows {known}); \
         use the newer lambkin, or give this one a file of its own",
        path.display()
    )]
    Newer {
        /// The store's file.
        path: PathBuf,
        /// The file's layout.
        found: i64,
        /// The latest layout that this program knows.
        known: i64,
    },
    /// SQLite or the operating system reported an error.
    #[error("cannot {attempt} the store {}: {reason}; {advice}", path.display())]
    Failed {
        /// What was attempted: `open`, `read` or `write to`.
        attempt: &'static str,
        /// The store's file.
        path: PathBuf,
        /// The error's text, as SQLite or the operating system gives it.
        reason: String,
        /// What to do about it.
        advice: &'static str,
    },
    /// The store's files were deleted or replaced while it was open.
    #[error(
        "cannot write to the store {}: {} was deleted or replaced while lambkin is running, so what is written now would \
         be lost; stop lambkin, restore the files if you can, and start again",
        path.display(), file.display()
    )]
    Removed {
        /// The store's file.
        path: PathBuf,
        /// The file that is missing.
        file: PathBuf,
    },
    /// The store has been closed.
    #[error("the store {} is closed: the host is stopping", path.display())]
    Closed {
        /// The store's file.
        path: PathBuf,
    },
}

impl StoreError {
    pub(crate) fn sqlite(attempt: &'static str, path: &Path, error: &rusqlite::Error) -> Self {
        let code = error.sqlite_error_code();
        Self::Failed {
            attempt,
            path: path.to_owned(),
            reason: error.to_string(),
            advice: code.map_or(CHECK_DISK, advice),
        }
    }

    pub(crate) fn io(attempt: &'static str, path: &Path, error: &std::io::Error) -> Self {
        Self::Failed {
            attempt,
            path: path.to_owned(),
            reason: error.to_string(),
            advice: file_advice(error),
        }
    }
}

const FREE_SPACE: &str =
    "free some space on its disk and try again; nothing that was accepted before is lost";
const MAKE_WRITABLE: &str = "make the file and its folder writable";
const MOVE_AWAY: &str = "it is not a store or is damaged: move it and the files beside it away to start with an empty \
                         one (`sqlite3 FILE .recover` may save its content)";
const MOVE_FILE_AWAY: &str = "nothing else can be in its place";
const CHECK_DISK: &str = "check its folder and its disk";
const WAIT_FOR_THE_OTHER: &str =
    "another program has locked it: try again when that program is done";

/// What to do about an error of the operating system with a file.
pub(crate) fn file_advice(error: &std::io::Error) -> &'static str {
    use std::io::ErrorKind as Kind;
    match error.kind() {
        Kind::StorageFull | Kind::QuotaExceeded => FREE_SPACE,
        Kind::PermissionDenied | Kind::ReadOnlyFilesystem => MAKE_WRITABLE,
        Kind::Other => MOVE_FILE_AWAY,
        _ => CHECK_DISK,
    }
}

/// Whether there was no space for an operation.
pub(crate) fn is_full(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DiskFull)
}

fn advice(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::DiskFull => FREE_SPACE,
        ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied => MAKE_WRITABLE,
        ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt => MOVE_AWAY,
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => WAIT_FOR_THE_OTHER,
        _ => CHECK_DISK,
    }
}
