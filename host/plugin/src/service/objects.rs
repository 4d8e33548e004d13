//! `lambkin:store/objects`, on [`Objects`].
//!
//! A bucket that was not granted is `missing-bucket`, and left out of lists; whoever has a handle of a bucket may use all
//! of it. Bytes pass in pieces: a write brings what one host call may copy, a read takes at most
//! [`limits::READ_BYTES`], so an object of any size costs the host the memory of a piece.

use std::sync::Arc;

use lambkin_store::object::{Object, ObjectError, Objects, Upload};
use wasmtime::component::Resource;

use super::object_types::digests as asked;
use super::store::objects::{self as wit, Error};
use super::store::{Refusal, StoreView, unavailable};
use super::{Grant, check_count, check_size, pairs_size};
use crate::limits;

/// Why a function of this interface was not carried out.
pub type Refused = Refusal<Error>;

/// A bucket that a guest has opened.
#[derive(Debug)]
pub struct Bucket(String);

/// An object that a guest has opened; shared, because an upload may copy it meanwhile.
#[derive(Debug, Clone)]
pub struct OpenObject(Arc<Object>);

/// An upload of a guest's. Dropping it, or the guest, drops its bytes.
#[derive(Debug)]
pub struct Writing(Upload);

type Pairs = Vec<(String, String)>;

impl StoreView<'_> {
    fn bucket_grant(&self) -> Result<&Grant<Objects>, Refused> {
        let granted = self.grants.buckets.as_ref();
        granted.ok_or(Refusal::Fault(Error::MissingBucket))
    }

    fn objects_with(&self, bucket: &str) -> Result<&Objects, Refused> {
        let granted = self.bucket_grant()?.get(bucket);
        granted.ok_or(Refusal::Fault(Error::MissingBucket))
    }

    /// The store and the name of an open bucket.
    fn bucket(&self, bucket: &Resource<Bucket>) -> Result<(&Objects, &str), Refused> {
        let Bucket(name) = self.table.get(bucket)?;
        Ok((&self.bucket_grant()?.store, name))
    }
}

impl wit::Host for StoreView<'_> {
    fn convert_error(&mut self, refused: Refused) -> wasmtime::Result<Error> {
        refused.into_fault()
    }

    async fn open(&mut self, name: String) -> Result<Resource<Bucket>, Refused> {
        self.objects_with(&name)?.bucket(&name).await?;
        Ok(self.table.push(Bucket(name))?)
    }

    async fn create(
        &mut self,
        name: String,
        attributes: Pairs,
    ) -> Result<Resource<Bucket>, Refused> {
        let Ok(objects) = self.objects_with(&name) else {
            return Err(Refusal::Fault(Error::Denied));
        };
        check(&attributes)?;
        objects.create(&name, attributes).await?;
        Ok(self.table.push(Bucket(name))?)
    }

    async fn buckets(
        &mut self,
        prefix: String,
        mut after: Option<String>,
        most: u32,
    ) -> Result<Vec<wit::BucketInfo>, Refused> {
        let Ok(granted) = self.bucket_grant() else {
            return Ok(Vec::new());
        };
        let most = limits::listed(most);
        let asked = most.min(limits::BUCKETS_PAGE);
        let (mut found, mut size) = (Vec::new(), 0);
        loop {
            let page = granted.store.buckets(&prefix, after.as_deref(), asked);
            let page = page.await?;
            let was_last = page.len() < asked;
            after = page.last().map(|last| last.name.clone());
            for bucket in page.into_iter().filter(|b| granted.allows(&b.name)) {
                size += pairs_size(&bucket.attributes);
                found.push(wit::BucketInfo::from(bucket));
            }
            // There is no way to say that there is more.
            check_size("the list has", size, limits::MEMORY_BYTES).map_err(invalid)?;
            if was_last || after.is_none() || found.len() >= most {
                found.truncate(most);
                return Ok(found);
            }
        }
    }

    async fn delete(&mut self, name: String) -> Result<(), Refused> {
        Ok(self.objects_with(&name)?.delete(&name).await?)
    }
}

impl wit::HostBucket for StoreView<'_> {
    async fn info(&mut self, bucket: Resource<Bucket>) -> Result<wit::BucketInfo, Refused> {
        let (objects, name) = self.bucket(&bucket)?;
        Ok(objects.bucket(name).await?.into())
    }

    async fn change(
        &mut self,
        bucket: Resource<Bucket>,
        versioning: wit::Versioning,
        attributes: Pairs,
    ) -> Result<(), Refused> {
        check(&attributes)?;
        let (objects, name) = self.bucket(&bucket)?;
        Ok(objects.change(name, versioning.into(), attributes).await?)
    }

    async fn upload(
        &mut self,
        bucket: Resource<Bucket>,
        digests: Vec<wit::Digest>,
    ) -> Result<Resource<Writing>, Refused> {
        let (objects, name) = self.bucket(&bucket)?;
        let digests = asked(digests).map_err(invalid)?;
        let upload = objects.upload(name, digests).await?;
        Ok(self.table.push(Writing(upload))?)
    }

    async fn open(
        &mut self,
        bucket: Resource<Bucket>,
        key: String,
        version: Option<String>,
    ) -> Result<Resource<OpenObject>, Refused> {
        let (objects, name) = self.bucket(&bucket)?;
        let object = objects.open(name, &key, version.as_deref()).await?;
        Ok(self.table.push(OpenObject(Arc::new(object)))?)
    }

    async fn describe(
        &mut self,
        bucket: Resource<Bucket>,
        key: String,
        version: Option<String>,
    ) -> Result<wit::ObjectInfo, Refused> {
        let (objects, name) = self.bucket(&bucket)?;
        let found = objects.describe(name, &key, version.as_deref()).await?;
        Ok(found.into())
    }

    async fn put(
        &mut self,
        bucket: Resource<Bucket>,
        key: String,
        upload: Resource<Writing>,
        put: wit::Put,
    ) -> Result<wit::ObjectInfo, Refused> {
        check_key(&key)?;
        check_metadata(&put.etag, &put.metadata, put.event.as_ref())?;
        let Writing(upload) = self.table.delete(upload)?;
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
        notice: Option<wit::ObjectEvent>,
    ) -> Result<wit::ObjectInfo, Refused> {
        check_metadata("", &metadata, notice.as_ref())?;
        let (objects, name) = self.bucket(&bucket)?;
        let notice = notice.map(Into::into);
        let revised = objects.replace_metadata(name, &key, version.as_deref(), metadata, notice);
        Ok(revised.await?.into())
    }

    async fn remove(
        &mut self,
        bucket: Resource<Bucket>,
        key: String,
        version: Option<String>,
        condition: wit::Condition,
        notice: Option<wit::ObjectEvent>,
    ) -> Result<wit::Removed, Refused> {
        check_key(&key)?;
        check_metadata("", &[], notice.as_ref())?;
        let (objects, name) = self.bucket(&bucket)?;
        let (version, notice) = (version.as_deref(), notice.map(Into::into));
        let removed = objects.remove(name, &key, version, condition.into(), notice);
        Ok(removed.await?.into())
    }

    async fn objects(
        &mut self,
        bucket: Resource<Bucket>,
        query: wit::Query,
    ) -> Result<wit::Listing, Refused> {
        let (objects, name) = self.bucket(&bucket)?;
        Ok(objects.list(name, query.into()).await?.into())
    }

    async fn versions(
        &mut self,
        bucket: Resource<Bucket>,
        query: wit::Query,
    ) -> Result<wit::Listing, Refused> {
        let (objects, name) = self.bucket(&bucket)?;
        Ok(objects.versions(name, query.into()).await?.into())
    }

    async fn start_multipart(
        &mut self,
        bucket: Resource<Bucket>,
        key: String,
        metadata: Pairs,
    ) -> Result<String, Refused> {
        check_key(&key)?;
        check_metadata("", &metadata, None)?;
        let (objects, name) = self.bucket(&bucket)?;
        Ok(objects.start_multipart(name, &key, metadata).await?)
    }

    async fn describe_multipart(
        &mut self,
        bucket: Resource<Bucket>,
        id: String,
    ) -> Result<wit::MultipartUpload, Refused> {
        let (objects, name) = self.bucket(&bucket)?;
        Ok(objects.describe_multipart(name, &id).await?.into())
    }

    async fn put_part(
        &mut self,
        bucket: Resource<Bucket>,
        id: String,
        number: u32,
        upload: Resource<Writing>,
        etag: String,
        metadata: Pairs,
    ) -> Result<wit::Part, Refused> {
        check_size(
            "the metadata of the part has",
            etag.len() + pairs_size(&metadata),
            limits::PART_METADATA_BYTES,
        )
        .map_err(invalid)?;
        let Writing(upload) = self.table.delete(upload)?;
        let (objects, name) = self.bucket(&bucket)?;
        let part = objects.put_part(name, &id, number, upload, etag, metadata);
        Ok(part.await?.into())
    }

    async fn parts(
        &mut self,
        bucket: Resource<Bucket>,
        id: String,
        after: u32,
        most: u32,
    ) -> Result<Vec<wit::Part>, Refused> {
        let (objects, name) = self.bucket(&bucket)?;
        let parts = objects.parts(name, &id, after, limits::listed(most));
        Ok(parts.await?.into_iter().map(Into::into).collect())
    }

    async fn compose(
        &mut self,
        bucket: Resource<Bucket>,
        id: String,
        parts: Vec<(u32, String)>,
        digests: Vec<wit::Digest>,
    ) -> Result<Resource<Writing>, Refused> {
        check_count("parts", parts.len(), limits::COMPOSED_PARTS).map_err(invalid)?;
        let (objects, name) = self.bucket(&bucket)?;
        let digests = asked(digests).map_err(invalid)?;
        let composed = objects.compose(name, &id, parts, digests).await?;
        Ok(self.table.push(Writing(composed))?)
    }

    async fn abort_multipart(
        &mut self,
        bucket: Resource<Bucket>,
        id: String,
    ) -> Result<(), Refused> {
        let (objects, name) = self.bucket(&bucket)?;
        Ok(objects.abort_multipart(name, &id).await?)
    }

    async fn multipart_uploads(
        &mut self,
        bucket: Resource<Bucket>,
        query: wit::Query,
    ) -> Result<wit::MultipartListing, Refused> {
        let (objects, name) = self.bucket(&bucket)?;
        Ok(objects.multipart_uploads(name, query.into()).await?.into())
    }

    async fn drop(&mut self, bucket: Resource<Bucket>) -> wasmtime::Result<()> {
        self.table.delete(bucket)?;
        Ok(())
    }
}

impl wit::HostUpload for StoreView<'_> {
    async fn write(&mut self, upload: Resource<Writing>, bytes: Vec<u8>) -> Result<(), Refused> {
        let Writing(upload) = self.table.get_mut(&upload)?;
        Ok(upload.write(bytes.into()).await?)
    }

    async fn copy(
        &mut self,
        upload: Resource<Writing>,
        source: Resource<OpenObject>,
        offset: u64,
        length: u64,
    ) -> Result<(), Refused> {
        let OpenObject(source) = self.table.get(&source)?.clone();
        let Writing(upload) = self.table.get_mut(&upload)?;
        Ok(upload.copy(&source, offset, length).await?)
    }

    async fn finish(&mut self, upload: Resource<Writing>) -> Result<wit::Finished, Refused> {
        let Writing(upload) = self.table.get_mut(&upload)?;
        Ok(upload.finish().await?.into())
    }

    async fn drop(&mut self, upload: Resource<Writing>) -> wasmtime::Result<()> {
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
    ) -> Result<Vec<u8>, Refused> {
        let OpenObject(object) = self.table.get(&object)?;
        let length = limits::READ_BYTES.min(length as usize);
        Ok(object.read(offset, length).await?.into())
    }

    async fn drop(&mut self, object: Resource<OpenObject>) -> wasmtime::Result<()> {
        self.table.delete(object)?;
        Ok(())
    }
}

fn invalid(reason: String) -> Refused {
    Refusal::Fault(Error::Invalid(reason))
}

fn check(attributes: &Pairs) -> Result<(), Refused> {
    let size = pairs_size(attributes);
    check_size("the attributes have", size, limits::ATTRIBUTES_BYTES).map_err(invalid)
}

fn check_key(key: &str) -> Result<(), Refused> {
    check_size("the key has", key.len(), limits::KEY_BYTES).map_err(invalid)
}

/// Checks what is kept with an object and its change.
fn check_metadata(
    etag: &str,
    metadata: &[(String, String)],
    notice: Option<&wit::ObjectEvent>,
) -> Result<(), Refused> {
    let told = notice.map_or(0, |notice| pairs_size(&notice.extra));
    let size = etag.len() + pairs_size(metadata) + told;
    check_size("the metadata has", size, limits::METADATA_BYTES).map_err(invalid)
}

impl From<ObjectError> for Refused {
    fn from(error: ObjectError) -> Self {
        Self::Fault(match error {
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
    use crate::service::Grants;

    fn pairs(bytes: usize) -> Pairs {
        vec![("a".to_owned(), "x".repeat(bytes))]
    }

    #[tokio::test]
    async fn what_is_kept_with_objects_has_bounds() {
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
        };
        let table = &mut ResourceTable::new();
        let mut view = StoreView {
            table,
            grants: &grants,
        };
        let refused = view.create("b".to_owned(), pairs(limits::ATTRIBUTES_BYTES));
        assert!(matches!(
            refused.await,
            Err(Refusal::Fault(Error::Invalid(_)))
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
                Err(Refusal::Fault(Error::Invalid(reason))) => assert!(!is_fine, "{reason}"),
                Err(_) => panic!("another refusal"),
            }
        }
    }
}
