//! Objects.

mod types;

pub use types::{
    BucketInfo, Condition, Digest, Finished, Folder, Listing, Notice, ObjectError, ObjectInfo,
    Part, PartsListing, PartsUpload, Put, Query, Removed, Versioning,
};

use std::path::Path;

use bytes::Bytes;
use lambkin_model::ObjectChange;

use crate::{SharedClock, Store};

/// All buckets of a store. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Objects {
    _store: Store,
    _clock: SharedClock,
}

/// Bytes on their way in; dropped before `Objects::put`, they are gone.
#[derive(Debug)]
pub struct Upload {}

/// An object that is open for reading.
#[derive(Debug)]
pub struct Object {}

/// A change that object triggers have not been told yet, with the proof of its lease.
#[derive(Debug, Clone)]
pub struct LeasedChange {
    /// The change.
    pub change: ObjectChange,
    /// For `Objects::told` and `Objects::tell_again`.
    pub receipt: crate::Receipt,
}

#[allow(
    clippy::unimplemented,
    clippy::unused_async,
    missing_docs,
    unused_variables,
    reason = "base"
)]
impl Upload {
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), ObjectError> {
        unimplemented!()
    }
    pub async fn copy(
        &mut self,
        source: &Object,
        offset: u64,
        length: u64,
    ) -> Result<(), ObjectError> {
        unimplemented!()
    }
    pub async fn finish(&mut self) -> Result<Finished, ObjectError> {
        unimplemented!()
    }
}

#[allow(
    clippy::unimplemented,
    clippy::unused_async,
    missing_docs,
    unused_variables,
    reason = "base"
)]
impl Object {
    pub fn info(&self) -> &ObjectInfo {
        unimplemented!()
    }
    pub async fn read(&self, offset: u64, length: usize) -> Result<Bytes, ObjectError> {
        unimplemented!()
    }
}

#[allow(
    clippy::unimplemented,
    clippy::unused_async,
    missing_docs,
    unused_variables,
    reason = "base"
)]
impl Objects {
    /// `folder` is where the objects' files are kept.
    pub async fn open_store(
        folder: &Path,
        store: Store,
        clock: SharedClock,
    ) -> Result<Self, ObjectError> {
        unimplemented!()
    }

    pub async fn create(
        &self,
        bucket: &str,
        attributes: Vec<(String, String)>,
    ) -> Result<(), ObjectError> {
        unimplemented!()
    }
    /// Makes sure that a bucket of a configuration is there; with a folder it shows what is in that.
    pub async fn define(
        &self,
        bucket: &str,
        versioning: Versioning,
        folder: Option<&Path>,
    ) -> Result<(), ObjectError> {
        unimplemented!()
    }
    pub async fn bucket(&self, bucket: &str) -> Result<BucketInfo, ObjectError> {
        unimplemented!()
    }
    pub async fn change(
        &self,
        bucket: &str,
        versioning: Versioning,
        attributes: Vec<(String, String)>,
    ) -> Result<(), ObjectError> {
        unimplemented!()
    }
    pub async fn buckets(
        &self,
        prefix: &str,
        after: Option<&str>,
        most: usize,
    ) -> Result<Vec<BucketInfo>, ObjectError> {
        unimplemented!()
    }
    pub async fn delete(&self, bucket: &str) -> Result<(), ObjectError> {
        unimplemented!()
    }

    pub async fn upload(&self, bucket: &str, digests: Vec<Digest>) -> Result<Upload, ObjectError> {
        unimplemented!()
    }
    pub async fn open(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
    ) -> Result<Object, ObjectError> {
        unimplemented!()
    }
    pub async fn describe(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
    ) -> Result<ObjectInfo, ObjectError> {
        unimplemented!()
    }
    pub async fn put(
        &self,
        bucket: &str,
        key: &str,
        upload: Upload,
        put: Put,
    ) -> Result<ObjectInfo, ObjectError> {
        unimplemented!()
    }
    pub async fn revise(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
        metadata: Vec<(String, String)>,
        notice: Option<Notice>,
    ) -> Result<ObjectInfo, ObjectError> {
        unimplemented!()
    }
    pub async fn remove(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
        condition: Condition,
        notice: Option<Notice>,
    ) -> Result<Removed, ObjectError> {
        unimplemented!()
    }
    pub async fn list(&self, bucket: &str, query: Query) -> Result<Listing, ObjectError> {
        unimplemented!()
    }
    pub async fn versions(&self, bucket: &str, query: Query) -> Result<Listing, ObjectError> {
        unimplemented!()
    }

    pub async fn start_parts(
        &self,
        bucket: &str,
        key: &str,
        metadata: Vec<(String, String)>,
    ) -> Result<String, ObjectError> {
        unimplemented!()
    }
    pub async fn describe_parts(&self, bucket: &str, id: &str) -> Result<PartsUpload, ObjectError> {
        unimplemented!()
    }
    pub async fn put_part(
        &self,
        bucket: &str,
        id: &str,
        number: u32,
        upload: Upload,
        etag: String,
        metadata: Vec<(String, String)>,
    ) -> Result<Part, ObjectError> {
        unimplemented!()
    }
    pub async fn parts(
        &self,
        bucket: &str,
        id: &str,
        after: u32,
        most: usize,
    ) -> Result<Vec<Part>, ObjectError> {
        unimplemented!()
    }
    pub async fn compose(
        &self,
        bucket: &str,
        id: &str,
        numbers: Vec<u32>,
        digests: Vec<Digest>,
    ) -> Result<Upload, ObjectError> {
        unimplemented!()
    }
    pub async fn abort_parts(&self, bucket: &str, id: &str) -> Result<(), ObjectError> {
        unimplemented!()
    }
    pub async fn parts_uploads(
        &self,
        bucket: &str,
        query: Query,
    ) -> Result<PartsListing, ObjectError> {
        unimplemented!()
    }

    /// The next change of a bucket to be told, waiting for it if there is none; the oldest first.
    pub async fn next_change(&self, bucket: &str) -> Result<LeasedChange, ObjectError> {
        unimplemented!()
    }
    /// The change was told to everyone.
    pub async fn told(&self, change: &LeasedChange) -> Result<(), ObjectError> {
        unimplemented!()
    }
    /// It could not be told; it comes again so much later.
    pub async fn tell_again(
        &self,
        change: &LeasedChange,
        after_ms: u64,
    ) -> Result<(), ObjectError> {
        unimplemented!()
    }

    /// Compares a folder bucket's file with what is known of it, and takes over what has changed: a new or another file is
    /// an object with a notice `created`, a vanished one is removed with a notice `removed`. Nothing of the host's own
    /// writes is seen as a change.
    pub async fn sync_file(
        &self,
        bucket: &str,
        relative: &Path,
        notices: &Folder,
    ) -> Result<(), ObjectError> {
        unimplemented!()
    }
    /// The same for the whole folder, what happened while no host was running included.
    pub async fn sync_folder(&self, bucket: &str, notices: &Folder) -> Result<(), ObjectError> {
        unimplemented!()
    }
}
