//! The types of objects. Except for the last ones, which are for folders, they mirror the records of the WIT interface
//! `lambkin:store/objects`.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use crate::error::StoreError;

/// Whether a bucket keeps versions (S3: the versioning state).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Versioning {
    /// The bucket keeps no versions and never has.
    #[default]
    Off,
    /// Each write creates a version.
    On,
    /// Writes create no versions; earlier versions are kept.
    Suspended,
}

/// A bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketInfo {
    /// The bucket's name.
    pub name: String,
    /// When the bucket was created, in milliseconds since the Unix epoch.
    pub created_at: u64,
    /// Whether the bucket keeps versions.
    pub versioning: Versioning,
    /// Attributes that a service keeps with the bucket. The store does not interpret them.
    pub attributes: Vec<(String, String)>,
}

/// An object, a version of an object, or a delete marker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectInfo {
    /// The key.
    pub key: String,
    /// The version's id; `None` for the version that a bucket has while it keeps no versions (S3: the `null` version).
    pub version: Option<String>,
    /// Whether this is the latest version of the key.
    pub latest: bool,
    /// Whether this is a delete marker.
    pub delete_marker: bool,
    /// The size in bytes.
    pub size: u64,
    /// The entity tag, without quotes.
    pub etag: String,
    /// When the version was written, in milliseconds since the Unix epoch.
    pub modified_at: u64,
    /// Metadata that a service keeps with the object, such as headers, tags and checksums. The store does not
    /// interpret it.
    pub metadata: Vec<(String, String)>,
}

/// The precondition of a write.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Condition {
    /// None.
    #[default]
    Always,
    /// No object has the key (HTTP: `If-None-Match: *`). The latest version may be a delete marker.
    Absent,
    /// The object has one of these entity tags (HTTP: `If-Match`). An empty list stands for any object.
    Matches(Vec<String>),
}

/// The event that object triggers receive when a write is done. The store adds the bucket, key, size, entity tag,
/// version, sequencer and time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectEvent {
    /// The event's name, such as S3's `ObjectCreated:Put`. The store does not interpret it.
    pub name: String,
    /// Further facts about the request, such as the caller's address. The store does not interpret them.
    pub extra: Vec<(String, String)>,
}

/// How an upload becomes an object.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Put {
    /// The entity tag, without quotes.
    pub etag: String,
    /// The object's metadata.
    pub metadata: Vec<(String, String)>,
    /// The precondition.
    pub condition: Condition,
    /// The id of a multipart upload that this write completes.
    pub completes: Option<String>,
    /// The event that object triggers receive; `None` for none.
    pub event: Option<ObjectEvent>,
}

/// What a removal did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    /// Whether there was something to remove.
    pub existed: bool,
    /// The id of the version that was removed, or of the delete marker that was created.
    pub version: Option<String>,
    /// Whether that version is or was a delete marker.
    pub delete_marker: bool,
}

/// A digest algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names of the algorithms say it all")]
pub enum Digest {
    Md5,
    Sha1,
    Sha256,
    Crc32,
    Crc32c,
    Crc64Nvme,
    Sha512,
    XxHash64,
    XxHash3,
    XxHash128,
}

/// The result of finishing an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// The size in bytes.
    pub size: u64,
    /// The digests, in the order of the request.
    pub digests: Vec<Vec<u8>>,
}

/// What to list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query {
    /// The prefix of the keys.
    pub prefix: String,
    /// Keys that contain this text after the prefix are listed once, as a common prefix that ends with it. Empty for
    /// none.
    pub delimiter: String,
    /// Where to start: after this key or common prefix, or, in a list of versions, after this version of the key.
    pub after: Option<(String, Option<String>)>,
    /// The maximum number of entries, objects and common prefixes together.
    pub max: usize,
}

/// A page of a list of objects.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    /// The objects, by key.
    pub objects: Vec<ObjectInfo>,
    /// The common prefixes, by name.
    pub common_prefixes: Vec<String>,
    /// The `after` of the next page; `None` if this is the last one.
    pub next: Option<(String, Option<String>)>,
}

/// A part of a multipart upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The part's number (S3: 1 to 10,000).
    pub number: u32,
    /// The size in bytes.
    pub size: u64,
    /// The entity tag, without quotes.
    pub etag: String,
    /// When the part was written, in milliseconds since the Unix epoch.
    pub modified_at: u64,
    /// Metadata that a service keeps with the part. The store does not interpret it.
    pub metadata: Vec<(String, String)>,
}

/// A multipart upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MultipartUpload {
    /// The upload's unique id.
    pub id: String,
    /// The key of the object that it is for.
    pub key: String,
    /// When the upload was started, in milliseconds since the Unix epoch.
    pub started_at: u64,
    /// Metadata that a service keeps with the upload. The store does not interpret it.
    pub metadata: Vec<(String, String)>,
}

/// A page of a list of multipart uploads.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MultipartListing {
    /// The uploads, by key and id.
    pub uploads: Vec<MultipartUpload>,
    /// The common prefixes, by name.
    pub common_prefixes: Vec<String>,
    /// The `after` of the next page; `None` if this is the last one.
    pub next: Option<(String, Option<String>)>,
}

/// A plain folder that a bucket shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// The path of the folder.
    pub path: PathBuf,
    /// The event of a file that was created or changed by another program.
    pub created: ObjectEvent,
    /// The event of a file that was removed by another program.
    pub removed: ObjectEvent,
}

/// What a watch of a plain folder has reported about its files. Paths are relative to the folder.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FolderEvents {
    /// Files that were written. They count as changed even if their bytes are the same.
    pub written: BTreeSet<PathBuf>,
    /// Files that are being written. A sync leaves them out.
    pub unfinished: BTreeSet<PathBuf>,
    /// A sync also leaves out files that changed within this time before it reads them, and returns them: they may
    /// still be being written, by a program whose events have not arrived. Zero by default.
    pub quiet: Duration,
}

/// An entry of a plain folder that is not an object, although it is neither hidden nor temporary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// The path relative to the folder.
    pub path: PathBuf,
    /// Why, as the rest of a sentence that begins with the path.
    pub reason: String,
}

/// What a sync of a plain folder leaves to do and to say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Synced {
    /// Files that changed while they were read or, according to [`FolderEvents::quiet`], just before. They have to be
    /// synced again.
    pub again: BTreeSet<PathBuf>,
    /// What is not an object.
    pub left_out: Vec<LeftOut>,
}

/// Why an operation on objects was refused or failed. It has changed nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ObjectError {
    /// The bucket does not exist.
    #[error("there is no such bucket")]
    MissingBucket,
    /// The object, version, multipart upload or part does not exist.
    #[error("there is no such object")]
    Missing,
    /// A bucket with this name exists already.
    #[error("there is a bucket of this name already")]
    Exists,
    /// The bucket still has objects, versions or multipart uploads.
    #[error("the bucket is not empty")]
    NotEmpty,
    /// The precondition does not hold.
    #[error("the condition does not hold")]
    PreconditionFailed,
    /// The key cannot be stored in this bucket, or the arguments contradict each other; the text says how.
    #[error("{0}")]
    Invalid(String),
    /// A file cannot be written or read; the text names the file, the cause, and what to do.
    #[error("{0}")]
    File(String),
    /// The store cannot be written or is closed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
