//! The types of objects: the records of the WIT interface `lambkin:store/objects`, one by one.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::StoreError;

/// Whether a bucket keeps versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "said by their names")]
pub enum Versioning {
    #[default]
    Off,
    On,
    Suspended,
}

/// A bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketInfo {
    /// Its name.
    pub name: String,
    /// In milliseconds since the Unix epoch.
    pub created_at: u64,
    /// Whether it keeps versions.
    pub versioning: Versioning,
    /// Whatever a service keeps with it.
    pub attributes: Vec<(String, String)>,
}

/// An object, a version of one, or a delete marker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectInfo {
    /// Its key.
    pub key: String,
    /// `None` is the version of a bucket that keeps none.
    pub version: Option<String>,
    /// Whether it is the key's latest version.
    pub latest: bool,
    /// Whether it says that the key was deleted.
    pub marker: bool,
    /// In bytes.
    pub size: u64,
    /// Without quotes.
    pub etag: String,
    /// In milliseconds since the Unix epoch.
    pub modified_at: u64,
    /// Headers, tags, checksums: whatever the service keeps with it.
    pub metadata: Vec<(String, String)>,
}

/// What a write depends on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Condition {
    /// Nothing.
    #[default]
    Always,
    /// No object has the key.
    Absent,
    /// The object has one of these entity tags; none given: there is an object.
    Matches(Vec<String>),
}

/// What object triggers are told.
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
    /// Without quotes.
    pub etag: String,
    /// Kept with the object.
    pub metadata: Vec<(String, String)>,
    /// What it depends on.
    pub condition: Condition,
    /// An upload of parts that ends with this.
    pub completes: Option<String>,
    /// What object triggers are told.
    pub event: Option<ObjectEvent>,
}

/// What a removal did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    /// Whether there was anything to remove.
    pub existed: bool,
    /// The version that was removed, or the marker that was made.
    pub version: Option<String>,
    /// Whether it is, or was, a delete marker.
    pub marker: bool,
}

/// A way to digest bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "said by their names")]
pub enum Digest {
    Md5,
    Sha1,
    Sha256,
    Crc32,
    Crc32c,
    Crc64Nvme,
}

/// An upload that has all its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// In bytes.
    pub size: u64,
    /// In the order they were asked for.
    pub digests: Vec<Vec<u8>>,
}

/// What to list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query {
    /// What keys start with.
    pub prefix: String,
    /// Where keys are cut off; empty for not at all.
    pub delimiter: String,
    /// List what comes after this key or common prefix; of versions, after this version of it.
    pub after: Option<(String, Option<String>)>,
    /// The most entries, objects and common prefixes together.
    pub max: usize,
}

/// A part of a list of objects.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    /// By key.
    pub objects: Vec<ObjectInfo>,
    /// By name.
    pub common_prefixes: Vec<String>,
    /// Where to go on; `None` if this is the end.
    pub next: Option<(String, Option<String>)>,
}

/// A part of an upload of parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// 1 to 10,000.
    pub number: u32,
    /// In bytes.
    pub size: u64,
    /// Without quotes.
    pub etag: String,
    /// In milliseconds since the Unix epoch.
    pub modified_at: u64,
    /// Whatever the service keeps with it.
    pub metadata: Vec<(String, String)>,
}

/// An upload of parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartsUpload {
    /// Tells uploads apart.
    pub id: String,
    /// The key of the object it is to be.
    pub key: String,
    /// In milliseconds since the Unix epoch.
    pub started_at: u64,
    /// Whatever the service keeps with it.
    pub metadata: Vec<(String, String)>,
}

/// A part of a list of uploads of parts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PartsListing {
    /// By key and id.
    pub uploads: Vec<PartsUpload>,
    /// By name.
    pub common_prefixes: Vec<String>,
    /// The key and the id to go on after.
    pub next: Option<(String, Option<String>)>,
}

/// What a folder's changes are called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncEvents {
    /// `ObjectCreated:Put`.
    pub created: ObjectEvent,
    /// `ObjectRemoved:Delete`.
    pub removed: ObjectEvent,
}

/// What is known of a folder's files besides what can be seen; paths are relative to it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FolderEvents {
    /// Somebody has written them, whatever is in them now.
    pub written: BTreeSet<PathBuf>,
    /// Somebody is writing them, so they are not looked at yet.
    pub unfinished: BTreeSet<PathBuf>,
}

/// Why something was not done with objects. Nothing has changed then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ObjectError {
    /// There is no such bucket.
    #[error("there is no such bucket")]
    MissingBucket,
    /// There is no such object, version, upload of parts or part.
    #[error("there is no such object")]
    Missing,
    /// There is a bucket of this name already.
    #[error("there is a bucket of this name already")]
    Exists,
    /// The bucket is not empty.
    #[error("the bucket is not empty")]
    NotEmpty,
    /// The condition does not hold.
    #[error("the condition does not hold")]
    Precondition,
    /// The key can not be stored here, or the arguments contradict each other.
    #[error("{0}")]
    Invalid(String),
    /// A file can not be written or read; the text says which and why.
    #[error("{0}")]
    File(String),
    /// The store can not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}
