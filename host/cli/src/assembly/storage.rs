//! The store with its queues and buckets, for configurations that have any.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use lambkin_store::object::Objects;
use lambkin_store::queue::Queues;
use lambkin_store::{SharedClock, Store, SystemClock};

use crate::config::{Config, Feed};

/// What the folder of the objects' files is called, beside a store's file of this name.
const OBJECTS: (&str, &str) = ("store.sqlite", "objects");

/// An open store.
#[derive(Debug, Clone)]
pub struct Storage {
    pub store: Store,
    pub queues: Queues,
    pub objects: Objects,
}

impl Storage {
    /// Opens the store and defines the configuration's queues and buckets in it. `None` if nothing needs a store: then
    /// none is made.
    pub async fn open(config: &Config) -> anyhow::Result<Option<Self>> {
        let needs_none =
            config.queues.is_empty() && config.buckets.is_empty() && config.services.is_empty();
        if needs_none {
            return Ok(None);
        }
        let path = &config.asynchronous.store;
        let clock: SharedClock = Arc::new(SystemClock);
        let store = Store::open(path).await?;
        let queues = Queues::new(store.clone(), Arc::clone(&clock));
        let folder = objects_folder(path);
        let objects = Objects::open_store(&folder, store.clone(), clock)
            .await
            .with_context(|| format!("can not keep objects in {}", folder.display()))?;
        let storage = Self {
            store,
            queues,
            objects,
        };
        storage.define(config).await?;
        Ok(Some(storage))
    }

    async fn define(&self, config: &Config) -> anyhow::Result<()> {
        for queue in &config.queues {
            let defined = self.queues.define(&queue.name, queue.settings.clone());
            defined
                .await
                .with_context(|| format!("can not define queues.{}", queue.name))?;
        }
        // Before anything changes in a bucket: without a trigger nobody would ever take what is noted for one.
        let told = config
            .triggers
            .iter()
            .filter_map(|trigger| match &trigger.feed {
                Feed::Bucket(bucket) => Some(bucket.clone()),
                _ => None,
            });
        self.objects.tell_only(&told.collect::<Vec<_>>()).await?;
        for bucket in &config.buckets {
            let folder = bucket.folder.as_deref();
            let defined = self
                .objects
                .define(&bucket.name, bucket.versioning, folder)
                .await;
            defined.with_context(|| format!("can not define buckets.{}", bucket.name))?;
        }
        // Consumers of a former host are no more, so what they had is free.
        self.queues.end_consumer_leases().await?;
        Ok(())
    }
}

/// Where a store's objects are: each store tidies what it finds there, so two of them that are neighbours have a folder each.
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
    async fn stores_that_are_neighbours_leave_each_others_objects_alone() {
        let folder = tempfile::tempdir().unwrap();
        let open = async |store: &str| {
            let path = folder.path().join(format!("{store}.toml"));
            let text = format!("[asynchronous]\nstore = '{store}'\n[buckets.photos]\n");
            std::fs::write(&path, text).unwrap();
            let config = Config::read(&path).unwrap();
            Storage::open(&config).await.unwrap().unwrap()
        };
        let one = open("one.sqlite").await;
        let id = one.objects.start_parts("photos", "cat", Vec::new()).await;
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
