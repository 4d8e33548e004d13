//! The store of queues and objects, for configurations that need one.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use lambkin_store::object::Objects;
use lambkin_store::queue::Queues;
use lambkin_store::{Cursors, SharedClock, Store, SystemClock};
use lambkin_trigger::folder_watcher::watched_folder;

use crate::config::Config;

/// The usual name of a store's file, and the name of the folder of its objects beside it.
const OBJECTS: (&str, &str) = ("store.sqlite", "objects");

/// An open store.
#[derive(Debug, Clone)]
pub struct Storage {
    pub store: Store,
    pub queues: Queues,
    pub objects: Objects,
    pub cursors: Cursors,
}

impl Storage {
    /// Opens the store and defines the configuration's queues and buckets in it. Returns `None`, and creates no store,
    /// if the configuration has no queues, buckets, services or polled sources.
    pub async fn open(config: &Config) -> anyhow::Result<Option<Self>> {
        let needs_none =
            config.queues.is_empty() && config.buckets.is_empty() && config.services.is_empty();
        let mut triggers = config.triggers.iter();
        if needs_none && !triggers.any(|trigger| trigger.source.needs_store()) {
            return Ok(None);
        }
        let path = &config.asynchronous.store;
        let clock: SharedClock = Arc::new(SystemClock);
        let store = Store::open(path).await?;
        let queues = Queues::new(store.clone(), Arc::clone(&clock));
        let cursors = Cursors::new(store.clone());
        let folder = objects_folder(path);
        let objects = Objects::open_store(&folder, store.clone(), clock)
            .await
            .with_context(|| format!("cannot keep objects in {}", folder.display()))?;
        let storage = Self {
            store,
            queues,
            objects,
            cursors,
        };
        storage.define(config).await?;
        Ok(Some(storage))
    }

    async fn define(&self, config: &Config) -> anyhow::Result<()> {
        for queue in &config.queues {
            let defined = self.queues.define(&queue.name, queue.settings.clone());
            defined
                .await
                .with_context(|| format!("cannot define queues.{}", queue.name))?;
        }
        // Before anything changes in a bucket: changes that no trigger consumes must not be recorded.
        let buckets = config
            .triggers
            .iter()
            .filter_map(|trigger| trigger.source.bucket().map(str::to_owned));
        self.objects
            .set_watched_buckets(&buckets.collect::<Vec<_>>())
            .await?;
        for bucket in &config.buckets {
            let folder = bucket.folder.as_deref().map(watched_folder);
            let defined = self
                .objects
                .define(&bucket.name, bucket.versioning, folder)
                .await;
            defined.with_context(|| format!("cannot define buckets.{}", bucket.name))?;
        }
        // The consumers of an earlier host have ended.
        self.queues.end_consumer_leases().await?;
        Ok(())
    }
}

/// The folder of a store's objects. Each store removes files that it does not know from its folder, so stores in the
/// same folder must not share one.
fn objects_folder(store: &Path) -> PathBuf {
    let (usual, objects) = OBJECTS;
    if store.ends_with(usual) {
        return store.with_file_name(objects);
    }
    let mut name = store.as_os_str().to_owned();
    name.push(".objects");
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use lambkin_store::object::Put;

    use super::*;

    #[test]
    fn objects_are_beside_their_store() {
        for (store, objects) in [
            ("p/.lambkin/store.sqlite", "p/.lambkin/objects"),
            ("store.sqlite", "objects"),
            ("p/test.db", "p/test.db.objects"),
        ] {
            assert_eq!(objects_folder(Path::new(store)), Path::new(objects));
        }
    }

    #[tokio::test]
    async fn stores_in_the_same_folder_do_not_touch_each_others_objects() {
        let folder = tempfile::tempdir().unwrap();
        let open = async |store: &str| {
            let path = folder.path().join(format!("{store}.toml"));
            let text = format!("[asynchronous]\nstore = '{store}'\n[buckets.photos]\n");
            std::fs::write(&path, text).unwrap();
            let config = Config::read(&path).unwrap();
            Storage::open(&config).await.unwrap().unwrap()
        };
        let one = open("one.sqlite").await;
        let id = one
            .objects
            .start_multipart("photos", "cat", Vec::new())
            .await;
        let id = id.unwrap();
        let mut part = one.objects.upload("photos", Vec::new()).await.unwrap();
        part.write(Bytes::from_static(b"cat")).await.unwrap();
        part.finish().await.unwrap();
        let kept = one
            .objects
            .put_part("photos", &id, 1, part, String::new(), Vec::new());
        kept.await.unwrap();
        let _other = open("other.sqlite").await;
        let mut whole = one
            .objects
            .compose("photos", &id, vec![(1, String::new())], Vec::new())
            .await
            .unwrap();
        whole.finish().await.unwrap();
        let put = one.objects.put("photos", "cat", whole, Put::default());
        assert_eq!(put.await.unwrap().size, 3);
    }
}
