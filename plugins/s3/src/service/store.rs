//! What the service needs of the host's store: the interface `lambkin:store/objects` as a trait.
//!
//! The component implements it on the host (`guest::service`), the tests in memory (`memory`). Uploads and opened
//! objects are named by handles, which live as long as the request. A failed call has changed nothing.

pub use super::contract::objects::{
    BucketInfo, Condition, Digest, Error as StoreError, Finished, Listing, MultipartListing,
    MultipartUpload, ObjectEvent, ObjectInfo, Part, Put, Query, Removed, Target, Versioning,
};

/// Digests to compute, each one once.
pub fn distinct(digests: impl IntoIterator<Item = Digest>) -> Vec<Digest> {
    let mut distinct = Vec::new();
    for digest in digests {
        if !distinct.contains(&digest) {
            distinct.push(digest);
        }
    }
    distinct
}

/// The bytes of a digest that an upload was asked for.
pub fn computed<'f>(
    digests: &[Digest],
    finished: &'f Finished,
    wanted: Digest,
) -> Option<&'f Vec<u8>> {
    let at = digests.iter().position(|digest| *digest == wanted)?;
    finished.digests.get(at)
}

/// Names and values, in order.
pub type Pairs = Vec<(String, String)>;

/// A position in a list: a key or common prefix, and a version or upload of it.
pub type Mark = (String, Option<String>);

/// The handle of an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Upload(pub usize);

/// The handle of an object that is open for reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opened(pub usize);

/// The host's buckets and objects, as the contract documents them. A version `Some("null")` is that of an object
/// without a version id. A removal with metadata fails with [`StoreError::PreconditionFailed`] if the object has other
/// metadata.
#[allow(missing_docs, reason = "documented in wit/store/store.wit")]
pub trait Store {
    fn target_exists(&self, target: Target) -> Result<bool, StoreError>;
    fn buckets(
        &self,
        prefix: &str,
        after: Option<&str>,
        max: u32,
    ) -> Result<Vec<BucketInfo>, StoreError>;
    fn create(&self, bucket: &str, attributes: Pairs) -> Result<(), StoreError>;
    fn bucket(&self, bucket: &str) -> Result<BucketInfo, StoreError>;
    fn change(
        &self,
        bucket: &str,
        versioning: Versioning,
        attributes: Pairs,
    ) -> Result<(), StoreError>;
    fn delete(&self, bucket: &str) -> Result<(), StoreError>;

    fn upload(&self, bucket: &str, digests: &[Digest]) -> Result<Upload, StoreError>;
    fn write(&self, upload: Upload, bytes: &[u8]) -> Result<(), StoreError>;
    fn copy(
        &self,
        upload: Upload,
        source: Opened,
        offset: u64,
        length: u64,
    ) -> Result<(), StoreError>;
    fn finish(&self, upload: Upload) -> Result<Finished, StoreError>;

    fn open(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
    ) -> Result<(Opened, ObjectInfo), StoreError>;
    fn read(&self, object: Opened, offset: u64, length: u32) -> Result<Vec<u8>, StoreError>;
    fn describe(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
    ) -> Result<ObjectInfo, StoreError>;
    fn put(
        &self,
        bucket: &str,
        key: &str,
        upload: Upload,
        put: Put,
    ) -> Result<ObjectInfo, StoreError>;
    fn replace_metadata(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
        metadata: Pairs,
        event: Option<ObjectEvent>,
    ) -> Result<ObjectInfo, StoreError>;
    fn remove(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
        condition: Condition,
        unchanged: Option<&Pairs>,
        event: Option<ObjectEvent>,
    ) -> Result<Removed, StoreError>;
    fn objects(&self, bucket: &str, query: &Query) -> Result<Listing, StoreError>;
    fn versions(&self, bucket: &str, query: &Query) -> Result<Listing, StoreError>;

    fn start_multipart(
        &self,
        bucket: &str,
        key: &str,
        metadata: Pairs,
    ) -> Result<String, StoreError>;
    fn describe_multipart(&self, bucket: &str, id: &str) -> Result<MultipartUpload, StoreError>;
    fn put_part(
        &self,
        bucket: &str,
        id: &str,
        number: u32,
        upload: Upload,
        etag: &str,
        metadata: Pairs,
    ) -> Result<Part, StoreError>;
    fn parts(&self, bucket: &str, id: &str, after: u32, max: u32) -> Result<Vec<Part>, StoreError>;
    fn compose(
        &self,
        bucket: &str,
        id: &str,
        parts: &[(u32, String)],
        digests: &[Digest],
    ) -> Result<Upload, StoreError>;
    fn abort_multipart(&self, bucket: &str, id: &str) -> Result<(), StoreError>;
    fn multipart_uploads(
        &self,
        bucket: &str,
        query: &Query,
    ) -> Result<MultipartListing, StoreError>;
}

#[allow(clippy::derivable_impls, reason = "the type is generated")]
impl Default for Listing {
    fn default() -> Self {
        Self {
            objects: Vec::new(),
            common_prefixes: Vec::new(),
            next: None,
        }
    }
}

#[allow(clippy::derivable_impls, reason = "the type is generated")]
impl Default for MultipartListing {
    fn default() -> Self {
        Self {
            uploads: Vec::new(),
            common_prefixes: Vec::new(),
            next: None,
        }
    }
}
