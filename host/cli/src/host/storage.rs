//! The store with its queues and buckets, for configurations that have any.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use lambkin_store::object::Objects;
use lambkin_store::queue::Queues;
use lambkin_store::{SharedClock, Store, SystemClock};

use crate::config::{Config, Feed};

/// The folder of the objects' files, beside the store's file.
const OBJECTS: &str = "objects";

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
        let folder = path.parent().unwrap_or(Path::new("")).join(OBJECTS);
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
