//! Objects, through their public interface, on a clock that stands still until a test advances it.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test's helpers fail the test like the test itself"
)]

mod change;
mod crash;
mod figures;
mod folder;
mod kill;
mod left_out;
mod list;
mod own_triggers;
mod parts;
mod put;
mod versions;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use lambkin_store::object::{
    Condition, Digest, ObjectError, ObjectEvent, ObjectInfo, Objects, Put, Query, Versioning,
};
use lambkin_store::{EventQueues, ManualClock, Store};
use tempfile::TempDir;

/// The time at which these tests start.
pub(crate) const NOW: u64 = 1_800_000_000_000;

/// A store in a folder of its own, with the bucket `b`.
pub(crate) struct Fixture {
    pub(crate) folder: TempDir,
    pub(crate) clock: ManualClock,
    pub(crate) store: Store,
    pub(crate) objects: Objects,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        let fixture = Self::at(tempfile::tempdir().unwrap()).await;
        fixture.objects.create("b", Vec::new()).await.unwrap();
        fixture
    }

    pub(crate) async fn at(folder: TempDir) -> Self {
        let clock = ManualClock::new(NOW);
        let store = Store::open(&folder.path().join("store.sqlite"))
            .await
            .unwrap();
        let root = folder.path().join("objects");
        let objects = Objects::open_store(&root, store.clone(), Arc::new(clock.clone()))
            .await
            .unwrap();
        objects.synchronize().await.unwrap();
        Self {
            folder,
            clock,
            store,
            objects,
        }
    }

    pub(crate) fn event_queues(&self) -> EventQueues {
        EventQueues::new(self.store.clone())
    }

    /// Closes the store and opens it again, as the next host does.
    pub(crate) async fn again(self) -> Self {
        self.store.close().await;
        Self::at(self.folder).await
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("objects")
    }

    /// The files below the objects' folder, without incoming files.
    pub(crate) fn files(&self) -> Vec<String> {
        let incoming = self.root().join(".incoming");
        let files = files_below(&self.root());
        let placed = files
            .into_iter()
            .filter(|file| !file.starts_with(&incoming));
        placed
            .map(|file| {
                file.strip_prefix(self.root())
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned()
            })
            .collect()
    }

    pub(crate) fn incoming(&self) -> Vec<PathBuf> {
        files_below(&self.root().join(".incoming"))
    }

    pub(crate) async fn put(&self, key: &str, bytes: &str) -> ObjectInfo {
        self.put_with(key, bytes, put(bytes)).await.unwrap()
    }

    pub(crate) async fn put_with(
        &self,
        key: &str,
        bytes: &str,
        put: Put,
    ) -> Result<ObjectInfo, ObjectError> {
        let mut upload = self.objects.upload("b", Vec::new()).await?;
        upload
            .write(Bytes::copy_from_slice(bytes.as_bytes()))
            .await?;
        upload.finish().await?;
        let stored = self.objects.put("b", key, upload, put).await?;
        self.objects.synchronize().await?;
        Ok(stored)
    }

    pub(crate) async fn get(&self, key: &str) -> Result<String, ObjectError> {
        self.get_version(key, None).await
    }

    pub(crate) async fn get_version(
        &self,
        key: &str,
        version: Option<&str>,
    ) -> Result<String, ObjectError> {
        let object = self.objects.open("b", key, version).await?;
        let bytes = object.read(0, 1 << 20).await?;
        Ok(String::from_utf8(bytes.to_vec()).unwrap())
    }

    pub(crate) async fn remove(
        &self,
        key: &str,
        version: Option<&str>,
    ) -> lambkin_store::object::Removed {
        let removed = self
            .objects
            .remove("b", key, version, Condition::Always, None);
        let removed = removed.await.unwrap();
        self.objects.synchronize().await.unwrap();
        removed
    }

    pub(crate) async fn keep_versions(&self, versioning: Versioning) {
        self.objects
            .change("b", versioning, Vec::new())
            .await
            .unwrap();
    }

    pub(crate) async fn keys(&self) -> Vec<String> {
        let query = Query {
            max: 1000,
            ..Query::default()
        };
        let listing = self.objects.list("b", query).await.unwrap();
        listing.objects.into_iter().map(|info| info.key).collect()
    }
}

/// The parameters of a put whose entity tag contains the bytes.
pub(crate) fn put(bytes: &str) -> Put {
    Put {
        etag: format!("tag of {bytes}"),
        ..Put::default()
    }
}

pub(crate) fn event(name: &str) -> Option<ObjectEvent> {
    let extra = vec![("source-ip".to_owned(), "127.0.0.1".to_owned())];
    Some(ObjectEvent {
        name: name.to_owned(),
        extra,
    })
}

pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// Bytes that depend on the seed alone.
pub(crate) fn some_bytes(length: usize, seed: u8) -> Bytes {
    let byte = |at: usize| (at.wrapping_mul(31) >> 3) as u8 ^ seed;
    (0..length).map(byte).collect::<Vec<u8>>().into()
}

/// The MD5 of bytes in hexadecimal digits, computed by the store.
pub(crate) async fn md5(objects: &Objects, bytes: Bytes) -> String {
    let mut upload = objects.upload("b", vec![Digest::Md5]).await.unwrap();
    upload.write(bytes).await.unwrap();
    let digests = upload.finish().await.unwrap().digests;
    digests[0]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Waits until a condition holds that another thread brings about.
pub(crate) async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..6000 {
        if holds() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert!(holds(), "{what}");
}
