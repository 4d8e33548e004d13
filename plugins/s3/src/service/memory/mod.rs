//! A store in memory for tests. It follows the contract of `wit/store/store.wit`, with times and ids that are the same
//! in each run.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use super::settings::Settings;
use super::store::*;
use page::page;

mod page;

const NOW: u64 = 1_790_929_800_000;

/// Parts by number, with their bytes.
type Parts = BTreeMap<u32, (Part, Vec<u8>)>;

struct StoredBucket {
    info: BucketInfo,
    /// The versions of each key, the oldest first.
    objects: BTreeMap<String, Vec<(ObjectInfo, Vec<u8>)>>,
    uploads: BTreeMap<(String, String), (MultipartUpload, Parts)>,
}

/// A store in memory.
#[derive(Default)]
pub struct Memory {
    buckets: RefCell<BTreeMap<String, StoredBucket>>,
    coming: RefCell<Vec<(Vec<u8>, Vec<Digest>)>>,
    opened: RefCell<Vec<Vec<u8>>>,
    ids: Cell<u32>,
    ticks: Cell<u64>,
    /// The events that object triggers received, with their keys.
    pub events: RefCell<Vec<(ObjectEvent, String)>>,
    /// The settings of the service.
    pub settings: Settings,
}

/// A stand-in for a digest: it differs if the bytes or the digest differ, and it has the length of the real one.
pub fn digest(kind: Digest, bytes: &[u8]) -> Vec<u8> {
    let length = match kind {
        Digest::Md5 | Digest::Xxhash128 => 16,
        Digest::Sha1 => 20,
        Digest::Sha256 => 32,
        Digest::Crc32 | Digest::Crc32c => 4,
        Digest::Crc64nvme | Digest::Xxhash64 | Digest::Xxhash3 => 8,
        Digest::Sha512 => 64,
    };
    let mut state = 0xcbf2_9ce4_8422_2325u64 ^ kind as u64;
    (0..length)
        .map(|_| {
            for byte in bytes.iter().chain(b".") {
                state = (state ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
            }
            (state >> 32) as u8
        })
        .collect()
}

impl Memory {
    /// An empty store, for a service with these settings.
    pub fn with_settings(settings: Settings) -> Self {
        Self {
            settings,
            ..Self::default()
        }
    }

    fn with<T>(
        &self,
        bucket: &str,
        what: impl FnOnce(&mut StoredBucket) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        what(
            self.buckets
                .borrow_mut()
                .get_mut(bucket)
                .ok_or(StoreError::MissingBucket)?,
        )
    }

    /// The time, a millisecond later at each call.
    fn now(&self) -> u64 {
        self.ticks.set(self.ticks.get() + 1);
        NOW + self.ticks.get()
    }

    fn id(&self, what: &str) -> String {
        self.ids.set(self.ids.get() + 1);
        format!("{what}{}", self.ids.get())
    }

    fn record_event(&self, event: Option<ObjectEvent>, key: &str) {
        self.events
            .borrow_mut()
            .extend(event.map(|event| (event, key.to_owned())));
    }
}

/// A page of objects.
fn listing(entries: Vec<(String, Option<String>, ObjectInfo)>, query: &Query) -> Listing {
    let (objects, common_prefixes, next) = page(entries, query);
    Listing {
        objects,
        common_prefixes,
        next,
    }
}

impl StoredBucket {
    fn upload(&self, id: &str) -> Result<&(MultipartUpload, Parts), StoreError> {
        let mut uploads = self.uploads.values();
        let found = uploads.find(|(upload, _)| upload.id == id);
        found.ok_or(StoreError::Missing)
    }

    fn find(&self, key: &str, version: Option<&str>) -> Option<usize> {
        let versions = self.objects.get(key)?;
        match version {
            None => versions.len().checked_sub(1),
            Some("null") => versions.iter().position(|(info, _)| info.version.is_none()),
            Some(id) => versions
                .iter()
                .position(|(info, _)| info.version.as_deref() == Some(id)),
        }
    }

    /// As [`find`](Self::find), for a version that a client names.
    fn find_named(
        &self,
        key: &str,
        version: Option<&str>,
        ids: u32,
    ) -> Result<Option<usize>, StoreError> {
        let found = self.find(key, version);
        let number = |id: &str| id.strip_prefix('v').and_then(|number| number.parse().ok());
        match version {
            Some(id)
                if found.is_none() && id != "null" && number(id).is_none_or(|id: u32| id > ids) =>
            {
                Err(StoreError::Invalid("no version ever had the id".to_owned()))
            }
            _ => Ok(found),
        }
    }

    fn check(&self, key: &str, condition: &Condition) -> Result<(), StoreError> {
        let there = self
            .find(key, None)
            .map(|at| &self.objects[key][at].0)
            .filter(|info| !info.delete_marker);
        let holds = match condition {
            Condition::Always => true,
            Condition::Absent => there.is_none(),
            Condition::Matches(tags) => {
                there.is_some_and(|info| tags.is_empty() || tags.contains(&info.etag))
            }
        };
        holds.then_some(()).ok_or(StoreError::PreconditionFailed)
    }

    fn add(&mut self, info: ObjectInfo, bytes: Vec<u8>) {
        let versions = self.objects.entry(info.key.clone()).or_default();
        if info.version.is_none() {
            versions.retain(|(info, _)| info.version.is_some());
        }
        for (info, _) in versions.iter_mut() {
            info.latest = false;
        }
        versions.push((info, bytes));
    }
}

impl Store for Memory {
    fn target_exists(&self, target: Target) -> Result<bool, StoreError> {
        Ok(match target {
            Target::Function(name) => name.starts_with("resize"),
            Target::Queue(name) => name.starts_with("events"),
        })
    }

    fn buckets(
        &self,
        prefix: &str,
        after: Option<&str>,
        max: u32,
    ) -> Result<Vec<BucketInfo>, StoreError> {
        Ok(self
            .buckets
            .borrow()
            .values()
            .map(|stored| stored.info.clone())
            .filter(|info| info.name.starts_with(prefix))
            .filter(|info| after.is_none_or(|after| info.name.as_str() > after))
            .take(max as usize)
            .collect())
    }

    fn create(&self, bucket: &str, attributes: Pairs) -> Result<(), StoreError> {
        if bucket.starts_with("denied") {
            return Err(StoreError::Denied);
        }
        let mut buckets = self.buckets.borrow_mut();
        if buckets.contains_key(bucket) {
            return Err(StoreError::Exists);
        }
        let info = BucketInfo {
            name: bucket.to_owned(),
            created_at_ms: self.now(),
            versioning: Versioning::Off,
            attributes,
        };
        let stored = StoredBucket {
            info,
            objects: BTreeMap::new(),
            uploads: BTreeMap::new(),
        };
        buckets.insert(bucket.to_owned(), stored);
        Ok(())
    }

    fn bucket(&self, bucket: &str) -> Result<BucketInfo, StoreError> {
        self.with(bucket, |stored| Ok(stored.info.clone()))
    }

    fn change(
        &self,
        bucket: &str,
        versioning: Versioning,
        attributes: Pairs,
    ) -> Result<(), StoreError> {
        self.with(bucket, |stored| {
            stored.info.versioning = versioning;
            stored.info.attributes = attributes;
            Ok(())
        })
    }

    fn delete(&self, bucket: &str) -> Result<(), StoreError> {
        self.with(bucket, |stored| {
            let empty = stored.objects.is_empty();
            empty.then_some(()).ok_or(StoreError::NotEmpty)
        })?;
        self.buckets.borrow_mut().remove(bucket);
        Ok(())
    }

    fn upload(&self, bucket: &str, digests: &[Digest]) -> Result<Upload, StoreError> {
        self.bucket(bucket)?;
        let mut coming = self.coming.borrow_mut();
        coming.push((Vec::new(), digests.to_vec()));
        Ok(Upload(coming.len() - 1))
    }

    fn write(&self, upload: Upload, bytes: &[u8]) -> Result<(), StoreError> {
        self.coming.borrow_mut()[upload.0]
            .0
            .extend_from_slice(bytes);
        Ok(())
    }

    fn copy(
        &self,
        upload: Upload,
        source: Opened,
        offset: u64,
        length: u64,
    ) -> Result<(), StoreError> {
        let bytes = self.read(source, offset, length as u32)?;
        self.write(upload, &bytes)
    }

    fn finish(&self, upload: Upload) -> Result<Finished, StoreError> {
        let (bytes, digests) = &self.coming.borrow()[upload.0];
        Ok(Finished {
            size: bytes.len() as u64,
            digests: digests.iter().map(|kind| digest(*kind, bytes)).collect(),
        })
    }

    fn open(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
    ) -> Result<(Opened, ObjectInfo), StoreError> {
        self.with(bucket, |stored| {
            let at = stored
                .find_named(key, version, self.ids.get())?
                .ok_or(StoreError::Missing)?;
            let (info, bytes) = &stored.objects[key][at];
            if info.delete_marker && version.is_none() {
                return Err(StoreError::Missing);
            }
            let mut opened = self.opened.borrow_mut();
            opened.push(bytes.clone());
            Ok((Opened(opened.len() - 1), info.clone()))
        })
    }

    fn read(&self, object: Opened, offset: u64, length: u32) -> Result<Vec<u8>, StoreError> {
        let opened = self.opened.borrow();
        let bytes = &opened[object.0];
        let end = (offset as usize + length as usize).min(bytes.len());
        Ok(bytes[(offset as usize).min(end)..end].to_vec())
    }

    fn describe(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
    ) -> Result<ObjectInfo, StoreError> {
        self.with(bucket, |stored| {
            let at = stored
                .find_named(key, version, self.ids.get())?
                .ok_or(StoreError::Missing)?;
            Ok(stored.objects[key][at].0.clone())
        })
    }

    fn put(
        &self,
        bucket: &str,
        key: &str,
        upload: Upload,
        put: Put,
    ) -> Result<ObjectInfo, StoreError> {
        let bytes = self.coming.borrow()[upload.0].0.clone();
        let info = self.with(bucket, |stored| {
            stored.check(key, &put.condition)?;
            let info = ObjectInfo {
                key: key.to_owned(),
                version: (stored.info.versioning == Versioning::On).then(|| self.id("v")),
                latest: true,
                delete_marker: false,
                size: bytes.len() as u64,
                etag: put.etag,
                modified_at_ms: self.now(),
                metadata: put.metadata,
            };
            stored.add(info.clone(), bytes);
            if let Some(id) = put.completes {
                stored.uploads.remove(&(key.to_owned(), id));
            }
            Ok(info)
        })?;
        self.record_event(put.event, key);
        Ok(info)
    }

    fn replace_metadata(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
        metadata: Pairs,
        event: Option<ObjectEvent>,
    ) -> Result<ObjectInfo, StoreError> {
        let info = self.with(bucket, |stored| {
            let at = stored
                .find_named(key, version, self.ids.get())?
                .ok_or(StoreError::Missing)?;
            let info = &mut stored.objects.get_mut(key).unwrap()[at].0;
            info.metadata = metadata;
            Ok(info.clone())
        })?;
        self.record_event(event, key);
        Ok(info)
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
        let removed = self.with(bucket, |stored| {
            stored.check(key, &condition)?;
            if let (Some(expected), Some(at)) = (unchanged, stored.find(key, version))
                && stored.objects[key][at].0.metadata != *expected
            {
                return Err(StoreError::PreconditionFailed);
            }
            if version.is_none() && stored.info.versioning != Versioning::Off {
                let info = ObjectInfo {
                    key: key.to_owned(),
                    version: (stored.info.versioning == Versioning::On).then(|| self.id("v")),
                    latest: true,
                    delete_marker: true,
                    size: 0,
                    etag: String::new(),
                    modified_at_ms: self.now(),
                    metadata: Vec::new(),
                };
                let existed = stored.objects.contains_key(key);
                stored.add(info.clone(), Vec::new());
                return Ok(Removed {
                    existed,
                    version: info.version,
                    delete_marker: true,
                });
            }
            let Some(at) = stored.find_named(key, version, self.ids.get())? else {
                return Ok(Removed {
                    existed: false,
                    version: version.map(str::to_owned),
                    delete_marker: false,
                });
            };
            let versions = stored.objects.get_mut(key).unwrap();
            let (info, _) = versions.remove(at);
            match versions.last_mut() {
                Some((info, _)) => info.latest = true,
                None => drop(stored.objects.remove(key)),
            }
            Ok(Removed {
                existed: true,
                version: info.version,
                delete_marker: info.delete_marker,
            })
        })?;
        if removed.existed || version.is_none() {
            self.record_event(event, key);
        }
        Ok(removed)
    }

    fn objects(&self, bucket: &str, query: &Query) -> Result<Listing, StoreError> {
        self.with(bucket, |stored| {
            let entries = stored
                .objects
                .values()
                .filter_map(|versions| versions.last())
                .filter(|(info, _)| !info.delete_marker)
                .map(|(info, _)| (info.key.clone(), None, info.clone()))
                .collect();
            Ok(listing(entries, query))
        })
    }

    fn versions(&self, bucket: &str, query: &Query) -> Result<Listing, StoreError> {
        self.with(bucket, |stored| {
            let entries = stored
                .objects
                .values()
                .flat_map(|versions| versions.iter().rev())
                .map(|(info, _)| {
                    let id = info.version.clone().unwrap_or("null".to_owned());
                    (info.key.clone(), Some(id), info.clone())
                })
                .collect();
            Ok(listing(entries, query))
        })
    }

    fn start_multipart(
        &self,
        bucket: &str,
        key: &str,
        metadata: Pairs,
    ) -> Result<String, StoreError> {
        self.with(bucket, |stored| {
            let id = self.id("u");
            let upload = MultipartUpload {
                id: id.clone(),
                key: key.to_owned(),
                started_at_ms: self.now(),
                metadata,
            };
            stored
                .uploads
                .insert((key.to_owned(), id.clone()), (upload, BTreeMap::new()));
            Ok(id)
        })
    }

    fn describe_multipart(&self, bucket: &str, id: &str) -> Result<MultipartUpload, StoreError> {
        self.with(bucket, |stored| {
            let (upload, _) = stored.upload(id)?;
            Ok(upload.clone())
        })
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
        let bytes = self.coming.borrow()[upload.0].0.clone();
        let part = Part {
            number,
            size: bytes.len() as u64,
            etag: etag.to_owned(),
            modified_at_ms: self.now(),
            metadata,
        };
        self.with(bucket, |stored| {
            let (_, parts) = stored
                .uploads
                .values_mut()
                .find(|(upload, _)| upload.id == id)
                .ok_or(StoreError::Missing)?;
            parts.insert(number, (part.clone(), bytes));
            Ok(part)
        })
    }

    fn parts(&self, bucket: &str, id: &str, after: u32, max: u32) -> Result<Vec<Part>, StoreError> {
        self.with(bucket, |stored| {
            let (_, parts) = stored.upload(id)?;
            Ok(parts
                .range(after + 1..)
                .take(max as usize)
                .map(|(_, (part, _))| part.clone())
                .collect())
        })
    }

    fn compose(
        &self,
        bucket: &str,
        id: &str,
        parts: &[(u32, String)],
        digests: &[Digest],
    ) -> Result<Upload, StoreError> {
        let bytes = self.with(bucket, |stored| {
            let (_, stored) = stored.upload(id)?;
            let stored = parts.iter().map(|(number, etag)| match &stored[number] {
                (part, bytes) if part.etag == *etag => Ok(bytes.clone()),
                _ => Err(StoreError::PreconditionFailed),
            });
            Ok(stored.collect::<Result<Vec<_>, _>>()?.concat())
        })?;
        let mut coming = self.coming.borrow_mut();
        coming.push((bytes, digests.to_vec()));
        Ok(Upload(coming.len() - 1))
    }

    fn abort_multipart(&self, bucket: &str, id: &str) -> Result<(), StoreError> {
        self.with(bucket, |stored| {
            stored.uploads.retain(|_, (upload, _)| upload.id != id);
            Ok(())
        })
    }

    fn multipart_uploads(
        &self,
        bucket: &str,
        query: &Query,
    ) -> Result<MultipartListing, StoreError> {
        self.with(bucket, |stored| {
            let entries = stored
                .uploads
                .values()
                .map(|(upload, _)| (upload.key.clone(), Some(upload.id.clone()), upload.clone()))
                .collect();
            let (uploads, common_prefixes, next) = page(entries, query);
            Ok(MultipartListing {
                uploads,
                common_prefixes,
                next,
            })
        })
    }
}
