//! Objects in buckets: plain files that a person can open, and rows in the store that describe them.
//!
//! **All or nothing.** Bytes come in through an [`Upload`], a file outside of the bucket. [`Objects::put`] gives it a
//! row in one transaction with all that belongs to the change: the previous version is no longer the latest, a
//! multipart upload ends, and the change is recorded for object triggers. The object exists from that commit on.
//! Files are never written again, so a reader sees the whole old object or the whole new one, and keeps seeing it.
//! What has to be done with files after the commit is committed as a pending file operation (see `pending`), so a
//! kill at any moment loses nothing and leaves no stray file.
//!
//! **Places.** The files of a bucket are below the store's own folder (see `path` for their names). A bucket can
//! instead show a plain folder; then the files of that folder are its objects (see `sync`).
//!
//! **Changes** wait in the store until they were delivered to the bucket's object triggers, across hosts if need be.
//!
//! **Durability** is that of the store: a commit survives a kill of the host at any moment. A power failure can take
//! the changes of about the last second; older objects are on the disk, and an object is whole, as it was before, or
//! absent (see `synchronize` and `unsynced`). A file that was changed by others is reported when its object is read.
//!
//! **Failures.** An operation that fails has changed nothing, and its error names the file, what was attempted, the
//! cause, and what to do next. An operation that was begun is finished also if its caller goes away. No call blocks
//! the async runtime: files are read and written on blocking threads, rows by the store's writer.

mod blocking;
mod bucket;
mod bucket_row;
pub(crate) mod change_record;
mod changes;
mod content;
mod digest;
mod errors;
mod files;
mod folder_state;
mod folder_write;
mod key_order;
mod limits;
mod list;
mod objects;
mod open;
mod own_triggers;
mod part_files;
mod parts;
mod parts_row;
mod path;
mod pending;
mod plan;
mod put;
mod read;
mod removal;
mod remove;
mod row;
pub(crate) mod schema;
mod sink;
mod sync;
mod synchronize;
mod tree;
mod types;
mod unsynced;
mod upload;

pub use change_record::LeasedChange;
pub use content::Object;
pub use objects::Objects;
pub use own_triggers::{TRIGGERS_ATTRIBUTE, TRIGGERS_CHANGED, own_triggers};
pub use types::{
    BucketInfo, Condition, Digest, Finished, Folder, FolderEvents, LeftOut, Listing,
    MultipartListing, MultipartUpload, ObjectError, ObjectEvent, ObjectInfo, Part, Put, Query,
    Removed, Synced, Versioning,
};
pub use upload::Upload;
