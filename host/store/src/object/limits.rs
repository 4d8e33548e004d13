//! The limits of objects, with the reason behind each. Those of file names are in `path`.

use std::time::Duration;

/// The maximum length of a bucket's name in bytes. Services allow less (S3: 63).
pub(super) const BUCKET_NAME: usize = 255;

/// The size in bytes up to which an upload is kept in memory until it is stored, and digested without a change of
/// threads: a small object then costs one visit to the file system.
pub(super) const SMALL_UPLOAD: usize = 32 * 1024;

/// The number of bytes that are handed to a blocking thread together: large enough that the change of threads does
/// not show.
pub(super) const WRITE_AT_ONCE: usize = 256 * 1024;

/// The size in bytes up to which an object is read when it is opened: one visit to the file system instead of two.
pub(super) const SMALL_OBJECT: u64 = 64 * 1024;

/// The maximum number of bytes of one read.
pub(super) const READ_AT_ONCE: usize = 1024 * 1024;

/// How long changes are gathered before they are brought to the disk together: many objects then cost a few
/// operations of the disk, and a power cut takes the changes of about a second at most.
pub(super) const SYNCHRONIZATION_DELAY: Duration = Duration::from_millis(500);

/// The number of files from which on the whole file system is brought to the disk first.
pub(super) const SYNCED_TOGETHER: usize = 16;

/// How often an object or a part is looked up again if it was replaced between being found and being opened.
pub(super) const LOOKUPS: usize = 16;

/// How often a folder is created again, and a file moved into it, if another task is removing the empty folder.
pub(super) const MOVES: usize = 8;

/// The maximum number of files of a plain folder that one transaction takes over, so that other operations are not
/// held up.
pub(super) const FILES_PER_TRANSACTION: usize = 128;

/// The size in bytes at which a page of a list ends, as all of it is in memory. A thousand objects with the maximum
/// of metadata that AWS allows stay below.
pub(super) const PAGE_BYTES: usize = 16 * 1024 * 1024;
