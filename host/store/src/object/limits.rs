//! The limits of objects, each with a word on why. What a file's name is made of is in `path`.

/// The longest name that anybody may give a bucket here, in bytes; services allow less.
pub(super) const BUCKET_NAME: usize = 255;

/// An upload of no more bytes is digested on the spot and kept in memory until it is stored: one visit to the file system
/// in all.
pub(super) const SMALL_UPLOAD: usize = 32 * 1024;

/// Handed to the thread that writes at once: large enough that the change of threads does not show.
pub(super) const WRITE_AT_ONCE: usize = 256 * 1024;

/// An object of no more bytes is read when it is opened: one visit to the file system instead of two.
pub(super) const SMALL_OBJECT: u64 = 64 * 1024;

/// The most bytes of one read, for whoever asks for them and where a file is digested.
pub(super) const READ_AT_ONCE: usize = 1024 * 1024;

/// How often an object or a part is looked up again that is replaced between being found and being opened: each time
/// somebody else has to be quicker.
pub(super) const LOOKUPS: usize = 16;

/// How often a folder is made, and a file moved into it, that others may just be clearing away.
pub(super) const MOVES: usize = 8;

/// The most files of a plain folder that are taken over in one transaction: others get their turn.
pub(super) const TAKEN_OVER_AT_ONCE: usize = 128;

/// A page of a list has no further entry once it has so many bytes: they are in memory all at once, here and with whoever
/// asked. A thousand objects with as much metadata as AWS takes stay below.
pub(super) const PAGE_BYTES: usize = 16 * 1024 * 1024;
