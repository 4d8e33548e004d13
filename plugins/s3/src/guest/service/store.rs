//! The trait [`Store`] on the host's objects.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use crate::service::contract::objects;
use crate::service::store::{
    BucketInfo, Condition, Digest, Finished, Listing, MultipartListing, MultipartUpload,
    ObjectEvent, ObjectInfo, Opened, Pairs, Part, Put, Query, Removed, Store, StoreError, Target,
    Upload, Versioning,
};

/// The host's objects. A bucket is opened once per request; a handle is an index into a list.
#[derive(Default)]
pub struct Host {
    buckets: RefCell<HashMap<String, Rc<objects::Bucket>>>,
    /// What was read of buckets. A request sees a bucket as it was, until it changes it itself.
    infos: RefCell<HashMap<String, BucketInfo>>,
    uploads: RefCell<Vec<Option<objects::Upload>>>,
    opened: RefCell<Vec<objects::Object>>,
}

impl Host {
    fn open_bucket(&self, name: &str) -> Result<Rc<objects::Bucket>, StoreError> {
        if let Some(bucket) = self.buckets.borrow().get(name) {
            return Ok(bucket.clone());
        }
        let bucket = Rc::new(objects::open(name)?);
        self.buckets
            .borrow_mut()
            .insert(name.to_owned(), bucket.clone());
        Ok(bucket)
    }

    fn add(&self, upload: objects::Upload) -> Upload {
        let mut uploads = self.uploads.borrow_mut();
        uploads.push(Some(upload));
        Upload(uploads.len() - 1)
    }

    fn with_upload<T>(
        &self,
        upload: Upload,
        act: impl FnOnce(&objects::Upload) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        match self.uploads.borrow().get(upload.0) {
            Some(Some(upload)) => act(upload),
            _ => Err(already_put()),
        }
    }

    fn take(&self, upload: Upload) -> Result<objects::Upload, StoreError> {
        self.uploads
            .borrow_mut()
            .get_mut(upload.0)
            .and_then(Option::take)
            .ok_or_else(already_put)
    }
}

fn already_put() -> StoreError {
    StoreError::Invalid("the upload has been put already".to_owned())
}

impl Store for Host {
    fn target_exists(&self, target: Target) -> Result<bool, StoreError> {
        objects::target_exists(&target)
    }

    fn buckets(
        &self,
        prefix: &str,
        after: Option<&str>,
        max: u32,
    ) -> Result<Vec<BucketInfo>, StoreError> {
        objects::buckets(prefix, after, max)
    }

    fn create(&self, bucket: &str, attributes: Pairs) -> Result<(), StoreError> {
        objects::create(bucket, &attributes)?;
        Ok(())
    }

    fn bucket(&self, bucket: &str) -> Result<BucketInfo, StoreError> {
        if let Some(info) = self.infos.borrow().get(bucket) {
            return Ok(info.clone());
        }
        let info = self.open_bucket(bucket)?.info()?;
        let mut infos = self.infos.borrow_mut();
        infos.insert(bucket.to_owned(), info.clone());
        Ok(info)
    }

    fn change(
        &self,
        bucket: &str,
        versioning: Versioning,
        attributes: Pairs,
    ) -> Result<(), StoreError> {
        self.infos.borrow_mut().remove(bucket);
        self.open_bucket(bucket)?.change(versioning, &attributes)
    }

    fn delete(&self, bucket: &str) -> Result<(), StoreError> {
        self.infos.borrow_mut().remove(bucket);
        objects::delete(bucket)
    }

    fn upload(&self, bucket: &str, digests: &[Digest]) -> Result<Upload, StoreError> {
        Ok(self.add(self.open_bucket(bucket)?.upload(digests)?))
    }

    fn write(&self, upload: Upload, bytes: &[u8]) -> Result<(), StoreError> {
        self.with_upload(upload, |upload| upload.write(bytes))
    }

    fn copy(
        &self,
        upload: Upload,
        source: Opened,
        offset: u64,
        length: u64,
    ) -> Result<(), StoreError> {
        let opened = self.opened.borrow();
        let source = opened.get(source.0).ok_or(StoreError::Missing)?;
        self.with_upload(upload, |upload| upload.copy(source, offset, length))
    }

    fn finish(&self, upload: Upload) -> Result<Finished, StoreError> {
        self.with_upload(upload, objects::Upload::finish)
    }

    fn open(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
    ) -> Result<(Opened, ObjectInfo), StoreError> {
        let object = self.open_bucket(bucket)?.open(key, version)?;
        let info = object.info();
        let mut opened = self.opened.borrow_mut();
        opened.push(object);
        Ok((Opened(opened.len() - 1), info))
    }

    fn read(&self, object: Opened, offset: u64, length: u32) -> Result<Vec<u8>, StoreError> {
        let opened = self.opened.borrow();
        let object = opened.get(object.0).ok_or(StoreError::Missing)?;
        object.read(offset, length)
    }

    fn describe(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
    ) -> Result<ObjectInfo, StoreError> {
        self.open_bucket(bucket)?.describe(key, version)
    }

    fn put(
        &self,
        bucket: &str,
        key: &str,
        upload: Upload,
        put: Put,
    ) -> Result<ObjectInfo, StoreError> {
        let upload = self.take(upload)?;
        self.open_bucket(bucket)?.put(key, upload, &put)
    }

    fn replace_metadata(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
        metadata: Pairs,
        event: Option<ObjectEvent>,
    ) -> Result<ObjectInfo, StoreError> {
        self.open_bucket(bucket)?
            .replace_metadata(key, version, &metadata, event.as_ref())
    }

    fn remove(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
        condition: Condition,
        unchanged: Option<&Pairs>,
        event: Option<ObjectEvent>,
    ) -> Result<Removed, StoreError> {
        let (bucket, event) = (self.open_bucket(bucket)?, event.as_ref());
        match unchanged {
            None => bucket.remove(key, version, &condition, event),
            Some(metadata) => bucket.remove_unchanged(key, version, &condition, metadata, event),
        }
    }

    fn objects(&self, bucket: &str, query: &Query) -> Result<Listing, StoreError> {
        self.open_bucket(bucket)?.objects(query)
    }

    fn versions(&self, bucket: &str, query: &Query) -> Result<Listing, StoreError> {
        self.open_bucket(bucket)?.versions(query)
    }

    fn start_multipart(
        &self,
        bucket: &str,
        key: &str,
        metadata: Pairs,
    ) -> Result<String, StoreError> {
        self.open_bucket(bucket)?.start_multipart(key, &metadata)
    }

    fn describe_multipart(&self, bucket: &str, id: &str) -> Result<MultipartUpload, StoreError> {
        self.open_bucket(bucket)?.describe_multipart(id)
    }

    fn put_part(
        &self,
        bucket: &str,
        id: &str,
        number: u32,
        upload: Upload,
        etag: &str,
        metadata: Pairs,
    ) -> Result<Part, StoreError> {
        let upload = self.take(upload)?;
        self.open_bucket(bucket)?
            .put_part(id, number, upload, etag, &metadata)
    }

    fn parts(&self, bucket: &str, id: &str, after: u32, max: u32) -> Result<Vec<Part>, StoreError> {
        self.open_bucket(bucket)?.parts(id, after, max)
    }

    fn compose(
        &self,
        bucket: &str,
        id: &str,
        parts: &[(u32, String)],
        digests: &[Digest],
    ) -> Result<Upload, StoreError> {
        Ok(self.add(self.open_bucket(bucket)?.compose(id, parts, digests)?))
    }

    fn abort_multipart(&self, bucket: &str, id: &str) -> Result<(), StoreError> {
        self.open_bucket(bucket)?.abort_multipart(id)
    }

    fn multipart_uploads(
        &self,
        bucket: &str,
        query: &Query,
    ) -> Result<MultipartListing, StoreError> {
        self.open_bucket(bucket)?.multipart_uploads(query)
    }
}
