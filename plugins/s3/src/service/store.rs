//! What the service asks of the host's store: the interface `lambkin:store/objects` on plain types.
//!
//! The component connects it to the host (`guest::service`), the tests to an in-memory fake (`memory`). Uploads and
//! opened objects are named by handles, which live as long as the request. A failed call has changed nothing.

/// Names and values, in order.
pub type Pairs = Vec<(String, String)>;

/// Why something was not done; the variant `fault` of the contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// There is no such bucket, or the service may not see it.
    MissingBucket,
    /// There is no such object, version, upload of parts or part.
    Missing,
    /// The service may not create a bucket of this name.
    Denied,
    /// There is a bucket of this name already.
    Exists,
    /// The bucket still has objects, versions or uploads of parts.
    NotEmpty,
    /// The condition does not hold.
    Precondition,
    /// The key can not be stored, or the arguments contradict each other.
    Invalid(String),
    /// The host can not write or read.
    Unavailable(String),
}

/// Whether a bucket keeps versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Versioning {
    /// Never has.
    #[default]
    Off,
    /// It does.
    On,
    /// It did.
    Suspended,
}

/// A bucket.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BucketInfo {
    /// Its name.
    pub name: String,
    /// When it was created.
    pub created_at_ms: u64,
    /// Whether it keeps versions.
    pub versioning: Versioning,
    /// What the service keeps with it: see `bucket_settings`.
    pub attributes: Pairs,
}

/// An object, a version of one, or a delete marker.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ObjectInfo {
    /// Its key.
    pub key: String,
    /// `None` is AWS's `null` version.
    pub version: Option<String>,
    /// Whether it is the key's latest version.
    pub latest: bool,
    /// Whether it is a delete marker.
    pub marker: bool,
    /// In bytes.
    pub size: u64,
    /// Without quotes.
    pub etag: String,
    /// When it was written.
    pub modified_at_ms: u64,
    /// What the service keeps with it: see `metadata`.
    pub metadata: Pairs,
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
pub struct Notice {
    /// `ObjectCreated:Put`.
    pub event: String,
    /// Who asked.
    pub extra: Pairs,
}

/// How an upload becomes an object.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Put {
    /// Without quotes.
    pub etag: String,
    /// Kept with the object.
    pub metadata: Pairs,
    /// What it depends on.
    pub condition: Condition,
    /// The upload of parts that ends with this.
    pub completes: Option<String>,
    /// What object triggers are told.
    pub notice: Option<Notice>,
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

/// A place in a list: a key or common prefix, and a version or upload of it.
pub type Mark = (String, Option<String>);

/// What to list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query {
    /// What keys start with.
    pub prefix: String,
    /// Where keys are cut off; empty for not at all.
    pub delimiter: String,
    /// List what comes after this.
    pub after: Option<Mark>,
    /// The most entries.
    pub max: u32,
}

/// A part of a list of objects.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    /// By key.
    pub objects: Vec<ObjectInfo>,
    /// By name.
    pub common_prefixes: Vec<String>,
    /// Where to go on.
    pub next: Option<Mark>,
}

/// A part of an upload of parts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Part {
    /// 1 to 10,000.
    pub number: u32,
    /// In bytes.
    pub size: u64,
    /// Without quotes.
    pub etag: String,
    /// When it was written.
    pub modified_at_ms: u64,
    /// Its checksum.
    pub metadata: Pairs,
}

/// An upload of parts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PartsUpload {
    /// What clients name it by.
    pub id: String,
    /// The key of the object to be.
    pub key: String,
    /// When it was started.
    pub started_at_ms: u64,
    /// The metadata of the object to be, and how checksums are made.
    pub metadata: Pairs,
}

/// A part of a list of uploads of parts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PartsListing {
    /// By key and id.
    pub uploads: Vec<PartsUpload>,
    /// By name.
    pub common_prefixes: Vec<String>,
    /// Where to go on.
    pub next: Option<Mark>,
}

/// Bytes on their way in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Upload(pub usize);

/// An object that is open for reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opened(pub usize);

/// The host's buckets and objects; the contract tells what each call does. `Some("null")` names the version of an object
/// that has none.
#[allow(missing_docs, reason = "documented in wit/store/store.wit")]
pub trait Store {
    fn buckets(
        &self,
        prefix: &str,
        after: Option<&str>,
        max: u32,
    ) -> Result<Vec<BucketInfo>, Fault>;
    fn create(&self, bucket: &str, attributes: Pairs) -> Result<(), Fault>;
    fn bucket(&self, bucket: &str) -> Result<BucketInfo, Fault>;
    fn change(&self, bucket: &str, versioning: Versioning, attributes: Pairs) -> Result<(), Fault>;
    fn delete(&self, bucket: &str) -> Result<(), Fault>;

    fn upload(&self, bucket: &str, digests: &[Digest]) -> Result<Upload, Fault>;
    fn write(&self, upload: Upload, bytes: &[u8]) -> Result<(), Fault>;
    fn copy(&self, upload: Upload, source: Opened, offset: u64, length: u64) -> Result<(), Fault>;
    fn finish(&self, upload: Upload) -> Result<Finished, Fault>;

    fn open(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
    ) -> Result<(Opened, ObjectInfo), Fault>;
    fn read(&self, object: Opened, offset: u64, length: u32) -> Result<Vec<u8>, Fault>;
    fn describe(&self, bucket: &str, key: &str, version: Option<&str>)
    -> Result<ObjectInfo, Fault>;
    fn put(&self, bucket: &str, key: &str, upload: Upload, put: Put) -> Result<ObjectInfo, Fault>;
    fn revise(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
        metadata: Pairs,
        notice: Option<Notice>,
    ) -> Result<ObjectInfo, Fault>;
    fn remove(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
        condition: Condition,
        notice: Option<Notice>,
    ) -> Result<Removed, Fault>;
    fn objects(&self, bucket: &str, query: &Query) -> Result<Listing, Fault>;
    fn versions(&self, bucket: &str, query: &Query) -> Result<Listing, Fault>;

    fn start_parts(&self, bucket: &str, key: &str, metadata: Pairs) -> Result<String, Fault>;
    fn describe_parts(&self, bucket: &str, id: &str) -> Result<PartsUpload, Fault>;
    fn put_part(
        &self,
        bucket: &str,
        id: &str,
        number: u32,
        upload: Upload,
        etag: &str,
        metadata: Pairs,
    ) -> Result<Part, Fault>;
    fn parts(&self, bucket: &str, id: &str, after: u32, max: u32) -> Result<Vec<Part>, Fault>;
    fn compose(
        &self,
        bucket: &str,
        id: &str,
        parts: &[(u32, String)],
        digests: &[Digest],
    ) -> Result<Upload, Fault>;
    fn abort_parts(&self, bucket: &str, id: &str) -> Result<(), Fault>;
    fn parts_uploads(&self, bucket: &str, query: &Query) -> Result<PartsListing, Fault>;
}
