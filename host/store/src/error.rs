//! Why a store can not do what it was asked to.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// A failure of the store. Cheap enough to be told to everyone whose operation it concerns.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Another process has it open.
    #[error(
        "can not open the store {}: another lambkin is using it; stop that one, or give this one a file of its own",
        path.display()
    )]
    InUse {
        /// The store's file.
        path: PathBuf,
    },
    /// It was written by a later version of this program.
    #[error(
        "can not open the store {}: a newer lambkin has written it (layout {found}, this one knows {known}); \
         use that one, or give this one a file of its own",
        path.display()
    )]
    Newer {
        /// The store's file.
        path: PathBuf,
        /// The file's layout.
        found: i64,
        /// The last layout known here.
        known: i64,
    },
    /// SQLite or the operating system refuses.
    #[error("can not {attempt} the store {}: {reason}; {advice}", path.display())]
    Failed {
        /// `open` or `write to`.
        attempt: &'static str,
        /// The store's file.
        path: PathBuf,
        /// In SQLite's or the operating system's words.
        reason: String,
        /// What to do about it.
        advice: &'static str,
    },
    /// The store was closed.
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
            advice: code.map_or(LOOK_AT_THE_DISK, advice),
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

const MAKE_ROOM: &str =
    "make room on its disk and try again, nothing that was accepted before is lost";
const MAKE_WRITABLE: &str = "make the file and its folder writable";
const MOVE_AWAY: &str = "it is no store or is damaged: move it and the files beside it away to start with an empty \
                         one (`sqlite3 FILE .recover` may save what is in it)";
const LOOK_AT_THE_DISK: &str = "see whether its folder and its disk are in order";
const WAIT_FOR_THE_OTHER: &str = "another program has locked it: let that one finish first";

/// What to do about a file that the operating system refuses.
pub(crate) fn file_advice(error: &std::io::Error) -> &'static str {
    use std::io::ErrorKind as Kind;
    match error.kind() {
        Kind::StorageFull | Kind::QuotaExceeded => MAKE_ROOM,
        Kind::PermissionDenied | Kind::ReadOnlyFilesystem => MAKE_WRITABLE,
        _ => LOOK_AT_THE_DISK,
    }
}

fn advice(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::DiskFull => MAKE_ROOM,
        ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied => MAKE_WRITABLE,
        ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt => MOVE_AWAY,
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => WAIT_FOR_THE_OTHER,
        _ => LOOK_AT_THE_DISK,
    }
}
