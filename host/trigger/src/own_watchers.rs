//! Watchers of the buckets that get triggers of their own while the host runs.
//!
//! On failure: see [`object_watcher`](crate::object_watcher).

use std::collections::HashSet;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::object_watcher::{Delivery, ObjectWatcher};

/// Starts a watcher for each bucket that gets triggers of its own and is not watched yet.
#[derive(Debug)]
pub(crate) struct OwnWatchers {
    /// The buckets that have a watcher already.
    pub(crate) watched: HashSet<String>,
    /// What watchers work with.
    pub(crate) delivery: Delivery,
}

impl OwnWatchers {
    /// Starts watchers until `stop` is cancelled, and waits for them to end.
    pub(crate) async fn serve(mut self, stop: CancellationToken) {
        let mut watchers = JoinSet::new();
        loop {
            let objects = &self.delivery.objects;
            let buckets = tokio::select! {
                () = stop.cancelled() => break,
                buckets = objects.other_buckets_with_triggers(&self.watched) => buckets,
            };
            for bucket in buckets {
                let watcher = ObjectWatcher::new(&bucket, Vec::new(), &self.delivery);
                watchers.spawn(watcher.serve(stop.clone()));
                self.watched.insert(bucket);
            }
        }
        while watchers.join_next().await.is_some() {}
    }
}
