//! `lambkin:store/objects`, on [`Objects`].
//!
//! A bucket that is not granted is `missing-bucket`, and lists omit it. A handle of a bucket gives access to all of
//! it. Bytes are passed in pieces, limited by the bytes that one host call may copy and by [`limits::READ_BYTES`], so
//! an object of any size takes only the memory of one piece.

use std::sync::Arc;

use lambkin_store::object::{ObjectError, Objects};
use wasmtime::component::Resource;

use super::bindings::ObjectCallError;
use super::bindings::objects::{self as wit, Error};
use super::error::{HostCallError, unavailable};
use super::grants::Grant;
use super::handles::{Bucket, OpenObject, OpenUpload};
use super::object_types::distinct_digests;
use super::view::{StoreView, check_count, check_size, pairs_size};
use crate::limits;

type Pairs = Vec<(String, String)>;

impl StoreView<'_> {
    fn bucket_grant(&self) -> Result<&Grant<Objects>, ObjectCallError> {
        let grant = self.grants.buckets.as_ref();
        grant.ok_or(HostCallError::Returned(Error::MissingBucket))
    }

    fn objects_with(&self, bucket: &str) -> Result<&Objects, ObjectCallError> {
        let granted = self.bucket_grant()?.get(bucket);
        granted.ok_or(HostCallError::Returned(Error::MissingBucket))
    }

    /// The store and the name of an open bucket.
    fn bucket(&self, bucket: &Resource<Bucket>) -> Result<(&Objects, &str), ObjectCallError> {
        let Bucket(name) = self.table.get(bucket)?;
        Ok((&self.bucket_grant()?.store, name))
    }
}

impl wit::Host for StoreView<'_> {
    fn convert_error(&mut self, error: ObjectCallError) -> wasmtime::Result<Error> {
        error.into_result()
    }

    async fn target_exists(&mut self, target: wit::Target) -> Result<bool, ObjectCallError> {
        let Some(targets) = &self.grants.targets else {
            return Ok(false);
        };
        match target {
            wit::Target::Function(name) => Ok(targets.has_function(&name)),
            wit::Target::Queue(name) => {
                let found = targets.has_queue(&name).await;
                let failed = |error| Error::Unavailable(unavailable(error));
                found.map_err(|error| HostCallError::Returned(failed(error)))
            }
        }
    }

    async fn open(&mut self, name: String) -> Result<Resource<Bucket>, ObjectCallError> {
        self.objects_with(&name)?.bucket(&name).await?;
        Ok(self.table.push(Bucket(name))?)
    }

    async fn create(
        &mut self,
        name: String,
        attributes: Pairs,
    ) -> Result<Resource<Bucket>, ObjectCallError> {
        let Ok(objects) = self.objects_with(&name) else {
            return Err(HostCallError::Returned(Error::Denied));
        };
        check(&attributes)?;
        objects.create(&name, attributes).await?;
        Ok(self.table.push(Bucket(name))?)
    }

    async fn buckets(
        &mut self,
        prefix: String,
        mut after: Option<String>,
        max: u32,
    ) -> Result<Vec<wit::BucketInfo>, ObjectCallError> {
        let Ok(granted) = self.bucket_grant() else {
            return Ok(Vec::new());
        };
        let max = limits::list_size(max);
        let page_size = max.min(limits::BUCKETS_PAGE);
        let (mut found, mut size) = (Vec::new(), 0);
        loop {
            let page = granted.store.buckets(&prefix, after.as_deref(), page_size);
            let page = page.await?;
            let was_last = page.len() < page_size;
            after = page.last().map(|last| last.name.clone());
            for bucket in page.into_iter().filter(|b| granted.allows(&b.name)) {
                size += pairs_size(&bucket.attributes);
                found.push(wit::BucketInfo::from(bucket));
            }
            // The contract has no way to return a part of this list.
            check_size("the list has", size, limits::MEMORY_BYTES).map_err(invalid)?;
            if was_last || after.is_none() || found.len() >= max {
                found.truncate(max);
                return Ok(found);
            }
        }
    }

    async fn delete(&mut self, name: String) -> Result<(), ObjectCallError> {
        Ok(self.objects_with(&name)?.delete(&name).await?)
    }
}

impl wit::HostBucket for StoreView<'_> {
    async fn info(&mut self, bucket: Resource<Bucket>) -> Result<wit::BucketInfo, ObjectCallError> {
        let (objects, name) = self.bucket(&bucket)?;
        Ok(objects.bucket(name).await?.into())
    }

    async fn change(
        &mut self,
        bucket: Resource<Bucket>,
        versioning: wit::Versioning,
        attributes: Pairs,
    ) -> Result<(), ObjectCallError> {
        check(&attributes)?;
        let (objects, name) = self.bucket(&bucket)?;
        Ok(objects.change(name, versioning.into(), attributes).await?)
    }

    async fn upload(
        &mut self,
        bucket: Resource<Bucket>,
        digests: Vec<wit::Digest>,
    ) -> Result<Resource<OpenUpload>, ObjectCallError> {
        let (objects, name) = self.bucket(&bucket)?;
        let digests = distinct_digests(digests).map_err(invalid)?;
        let upload = objects.upload(name, digests).await?;
        Ok(self.table.push(OpenUpload(upload))?)
    }

    async fn open(
        &mut self,
        bucket: Resource<Bucket>,
        key: String,
        version: Option<String>,
    ) -> Result<Resource<OpenObject>, ObjectCallError> {
        let (objects, name) = self.bucket(&bucket)?;
        let object = objects.open(name, &key, version.as_deref()).await?;
        Ok(self.table.push(OpenObject(Arc::new(object)))?)
    }

    async fn describe(
        &mut self,
        bucket: Resource<Bucket>,
        key: String,
        version: Option<String>,
    ) -> Result<wit::ObjectInfo, ObjectCallError> {
        let (objects, name) = self.bucket(&bucket)?;
        let found = objects.describe(name, &key, version.as_deref()).await?;
        Ok(found.into())
    }

    async fn put(
        &mut self,
        bucket: Resource<Bucket>,
        key: String,
        upload: Resource<OpenUpload>,
        put: wit::Put,
    ) -> Result<wit::ObjectInfo, ObjectCallError> {
        check_key(&key)?;
        check_metadata(&put.etag, &put.metadata, put.event.as_ref())?;
        let OpenUpload(upload) = self.table.delete(upload)?;
        let (objects, name) = self.bucket(&bucket)?;
        let made = objects.put(name, &key, upload, put.into()).await?;
        Ok(made.into())
    }

    async fn replace_metadata(
        &mut self,
        bucket: Resource<Bucket>,
        key: String,
        version: Option<String>,
        metadata: Pairs,
        event: Option<wit::ObjectEvent>,
    ) -> Result<wit::ObjectInfo, ObjectCallError> {
        check_metadata("", &metadata, event.as_ref())?;
        let (objects, name) = self.bucket(&bucket)?;
        let event = event.map(Into::into);
        let revised = objects.replace_metadata(name, &key, version.as_deref(), metadata, event);
        Ok(revised.await?.into())
    }

    async fn remove(
        &mut self,
        bucket: Resource<Bucket>,
        key: String,
        version: Option<String>,
        condition: wit::Condition,
        event: Option<wit::ObjectEvent>,
    ) -> Result<wit::Removed, ObjectCallError> {
        check_key(&key)?;
        check_metadata("", &[], event.as_ref())?;
        let (objects, name) = self.bucket(&bucket)?;
        let (version, event) = (version.as_deref(), event.map(Into::into));
        let removed = objects.remove(name, &key, version, condition.into(), event);
        Ok(removed.await?.into())
    }

    async fn remove_unchanged(
        &mut self,
        bucket: Resource<Bucket>,
        key: String,
        version: Option<String>,
        condition: wit::Condition,
        metadata: Pairs,
        event: Option<wit::ObjectEvent>,
    ) -> Result<wit::Removed, ObjectCallError> {
        check_key(&key)?;
        check_metadata("", &metadata, event.as_ref())?;
        let (objects, name) = self.bucket(&bucket)?;
        let (version, event) = (version.as_deref(), event.map(Into::into));
        let condition = condition.into();
        let removed = objects.remove_unchanged(name, &key, version, condition, metadata, event);
        Ok(removed.await?.into())
    }

    async fn objects(
        &mut self,
        bucket: Resource<Bucket>,
        query: wit::Query,
    ) -> Result<wit::Listing, ObjectCallError> {
        let (objects, name) = self.bucket(&bucket)?;
        Ok(objects.list(name, query.into()).await?.into())
    }

    async fn versions(
        &mut self,
        bucket: Resource<Bucket>,
        query: wit::Query,
    ) -> Result<wit::Listing, ObjectCallError> {
        let (objects, name) = self.bucket(&bucket)?;
        Ok(objects.versions(name, query.into()).await?.into())
    }

    async fn start_multipart(
        &mut self,
        bucket: Resource<Bucket>,
        key: String,
        metadata: Pairs,
    ) -> Result<String, ObjectCallError> {
        check_key(&key)?;
        check_metadata("", &metadata, None)?;
        let (objects, name) = self.bucket(&bucket)?;
        Ok(objects.start_multipart(name, &key, metadata).await?)
    }

    async fn describe_multipart(
        &mut self,
        bucket: Resource<Bucket>,
        id: String,
    ) -> Result<wit::MultipartUpload, ObjectCallError> {
        let (objects, name) = self.bucket(&bucket)?;
        Ok(objects.describe_multipart(name, &id).await?.into())
    }

    async fn put_part(
        &mut self,
        bucket: Resource<Bucket>,
        id: String,
        number: u32,
        upload: Resource<OpenUpload>,
        etag: String,
        metadata: Pairs,
    ) -> Result<wit::Part, ObjectCallError> {
        check_size(
            "the metadata of the part has",
            etag.len() + pairs_size(&metadata),
            limits::PART_METADATA_BYTES,
        )
        .map_err(invalid)?;
        let OpenUpload(upload) = self.table.delete(upload)?;
        let (objects, name) = self.bucket(&bucket)?;
        let part = objects.put_part(name, &id, number, upload, etag, metadata);
        Ok(part.await?.into())
    }

    async fn parts(
        &mut self,
        bucket: Resource<Bucket>,
        id: String,
        after: u32,
        max: u32,
    ) -> Result<Vec<wit::Part>, ObjectCallError> {
        let (objects, name) = self.bucket(&bucket)?;
        let parts = objects.parts(name, &id, after, limits::list_size(max));
        Ok(parts.await?.into_iter().map(Into::into).collect())
    }

    async fn compose(
        &mut self,
        bucket: Resource<Bucket>,
        id: String,
        parts: Vec<(u32, String)>,
        digests: Vec<wit::Digest>,
    ) -> Result<Resource<OpenUpload>, ObjectCallError> {
        check_count("parts", parts.len(), limits::COMPOSED_PARTS).map_err(invalid)?;
        let (objects, name) = self.bucket(&bucket)?;
        let digests = distinct_digests(digests).map_err(invalid)?;
        let composed = objects.compose(name, &id, parts, digests).await?;
        Ok(self.table.push(OpenUpload(composed))?)
    }

    async fn abort_multipart(
        &mut self,
        bucket: Resource<Bucket>,
        id: String,
    ) -> Result<(), ObjectCallError> {
        let (objects, name) = self.bucket(&bucket)?;
        Ok(objects.abort_multipart(name, &id).await?)
    }

    async fn multipart_uploads(
        &mut self,
        bucket: Resource<Bucket>,
        query: wit::Query,
    ) -> Result<wit::MultipartListing, ObjectCallError> {
        let (objects, name) = self.bucket(&bucket)?;
        Ok(objects.multipart_uploads(name, query.into()).await?.into())
    }

    async fn drop(&mut self, bucket: Resource<Bucket>) -> wasmtime::Result<()> {
        self.table.delete(bucket)?;
        Ok(())
    }
}

impl wit::HostUpload for StoreView<'_> {
    async fn write(
        &mut self,
        upload: Resource<OpenUpload>,
        bytes: Vec<u8>,
    ) -> Result<(), ObjectCallError> {
        let OpenUpload(upload) = self.table.get_mut(&upload)?;
        Ok(upload.write(bytes.into()).await?)
    }

    async fn copy(
        &mut self,
        upload: Resource<OpenUpload>,
        source: Resource<OpenObject>,
        offset: u64,
        length: u64,
    ) -> Result<(), ObjectCallError> {
        let OpenObject(source) = self.table.get(&source)?.clone();
        let OpenUpload(upload) = self.table.get_mut(&upload)?;
        Ok(upload.copy(&source, offset, length).await?)
    }

    async fn finish(
        &mut self,
        upload: Resource<OpenUpload>,
    ) -> Result<wit::Finished, ObjectCallError> {
        let OpenUpload(upload) = self.table.get_mut(&upload)?;
        Ok(upload.finish().await?.into())
    }

    async fn drop(&mut self, upload: Resource<OpenUpload>) -> wasmtime::Result<()> {
        self.table.delete(upload)?;
        Ok(())
    }
}

impl wit::HostObject for StoreView<'_> {
    async fn info(&mut self, object: Resource<OpenObject>) -> wasmtime::Result<wit::ObjectInfo> {
        let OpenObject(object) = self.table.get(&object)?;
        Ok(object.info().clone().into())
    }

    async fn read(
        &mut self,
        object: Resource<OpenObject>,
        offset: u64,
        length: u32,
    ) -> Result<Vec<u8>, ObjectCallError> {
        let OpenObject(object) = self.table.get(&object)?;
        let length = limits::READ_BYTES.min(length as usize);
        Ok(object.read(offset, length).await?.into())
    }

    async fn drop(&mut self, object: Resource<OpenObject>) -> wasmtime::Result<()> {
        self.table.delete(object)?;
        Ok(())
    }
}

fn invalid(reason: String) -> ObjectCallError {
    HostCallError::Returned(Error::Invalid(reason))
}

fn check(attributes: &Pairs) -> Result<(), ObjectCallError> {
    let size = pairs_size(attributes);
    check_size("the attributes have", size, limits::ATTRIBUTES_BYTES).map_err(invalid)
}

fn check_key(key: &str) -> Result<(), ObjectCallError> {
    check_size("the key has", key.len(), limits::KEY_BYTES).map_err(invalid)
}

/// Checks the size of what is stored with an object and with its change.
fn check_metadata(
    etag: &str,
    metadata: &[(String, String)],
    event: Option<&wit::ObjectEvent>,
) -> Result<(), ObjectCallError> {
    let event_size = event.map_or(0, |event| pairs_size(&event.extra));
    let size = etag.len() + pairs_size(metadata) + event_size;
    check_size("the metadata has", size, limits::METADATA_BYTES).map_err(invalid)
}

impl From<ObjectError> for ObjectCallError {
    fn from(error: ObjectError) -> Self {
        Self::Returned(match error {
            ObjectError::MissingBucket => Error::MissingBucket,
            ObjectError::Missing => Error::Missing,
            ObjectError::Exists => Error::Exists,
            ObjectError::NotEmpty => Error::NotEmpty,
            ObjectError::PreconditionFailed => Error::PreconditionFailed,
            ObjectError::Invalid(reason) => Error::Invalid(reason),
            ObjectError::File(reason) => Error::Unavailable(unavailable(reason)),
            ObjectError::Store(error) => Error::Unavailable(unavailable(error)),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use lambkin_store::{Store, SystemClock};
    use wasmtime::component::ResourceTable;

    use super::wit::{Host, HostBucket};
    use super::*;
    use crate::store::grants::Grants;

    fn pairs(bytes: usize) -> Pairs {
        vec![("a".to_owned(), "x".repeat(bytes))]
    }

    #[tokio::test]
    async fn the_size_of_keys_and_metadata_is_limited() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store")).await.unwrap();
        let files = folder.path().join("objects");
        let objects = Objects::open_store(&files, store, Arc::new(SystemClock));
        let buckets = Grant {
            store: objects.await.unwrap(),
            names: vec!["*".to_owned()],
        };
        let grants = Grants {
            queues: None,
            buckets: Some(buckets),
            targets: None,
        };
        let table = &mut ResourceTable::new();
        let mut view = StoreView {
            table,
            grants: &grants,
        };
        let refused = view.create("b".to_owned(), pairs(limits::ATTRIBUTES_BYTES));
        assert!(matches!(
            refused.await,
            Err(HostCallError::Returned(Error::Invalid(_)))
        ));
        let bucket = view.create("b".to_owned(), Vec::new()).await.ok().unwrap();
        let bucket = || Resource::new_borrow(bucket.rep());
        for (key, metadata, is_fine) in [
            (limits::KEY_BYTES, limits::METADATA_BYTES - 1, true),
            (limits::KEY_BYTES + 1, 0, false),
            (1, limits::METADATA_BYTES, false),
        ] {
            let started = view.start_multipart(bucket(), "k".repeat(key), pairs(metadata));
            match started.await {
                Ok(_) => assert!(is_fine),
                Err(HostCallError::Returned(Error::Invalid(reason))) => {
                    assert!(!is_fine, "{reason}")
                }
                Err(_) => panic!("another error"),
            }
        }
    }
}
