//! Tasks that serve until they are stopped, and what they are for.

use std::collections::BTreeMap;
use std::future::Future;

use lambkin_lambda::Lambda;
use lambkin_plugin::{BatchTrigger, ObjectTrigger};
use lambkin_trigger::batch::{BatchConsumer, Messages};
use lambkin_trigger::folder_watcher::FolderWatcher;
use lambkin_trigger::http_listener::HttpListener;
use lambkin_trigger::object_watcher::ObjectWatcher;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::assembly::{Front, Joined, Storage};
use crate::config::Config;

/// Tasks that are stopped together.
pub struct Servers {
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl Servers {
    pub fn new() -> Self {
        Self {
            stop: CancellationToken::new(),
            tasks: JoinSet::new(),
        }
    }

    pub fn spawn<F>(&mut self, serve: impl FnOnce(CancellationToken) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.tasks.spawn(serve(self.stop.clone()));
    }

    /// Asks them to stop and waits until they have.
    pub async fn end(&mut self) {
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
    }

    /// What the store has to do besides answering: its moves, and folders that are buckets.
    pub fn spawn_storage(&mut self, storage: &Storage, config: &Config) {
        let queues = storage.queues.clone();
        self.spawn(|stop| async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = queues.maintain() => {}
            }
        });
        for bucket in &config.buckets {
            if let Some(folder) = &bucket.folder {
                let watch = FolderWatcher {
                    bucket: bucket.name.clone(),
                    folder: folder.clone(),
                    objects: storage.objects.clone(),
                };
                self.spawn(|stop| watch.serve(stop));
            }
        }
    }

    /// Joins triggers to functions.
    pub fn spawn_triggers(
        &mut self,
        triggers: Vec<(Joined, Option<TcpListener>)>,
        storage: Option<&Storage>,
        lambda: &Lambda,
    ) {
        // A change is told to all triggers of its bucket.
        let mut told: BTreeMap<String, Vec<ObjectTrigger>> = BTreeMap::new();
        for (joined, listener) in triggers {
            match (joined.front, listener, storage) {
                (Front::Http(_, plugin), Some(listener), _) => {
                    let lambda = lambda.clone();
                    let front = HttpListener { plugin, lambda };
                    self.spawn(|stop| front.serve(listener, stop));
                }
                (Front::Queue(name, trigger), _, Some(storage)) => {
                    let queues = storage.queues.clone();
                    self.spawn_consumer(trigger, Messages::Queue { queues, name }, lambda);
                }
                (Front::Poll(source, trigger), ..) => {
                    self.spawn_consumer(trigger, Messages::Source(source), lambda);
                }
                (Front::Bucket(bucket, trigger), ..) => {
                    told.entry(bucket).or_default().push(trigger);
                }
                // A listener was bound for each HTTP trigger, and whoever has a queue has a store.
                (Front::Http(..) | Front::Queue(..), ..) => {}
            }
        }
        // Whoever has a bucket has a store, too.
        let Some(storage) = storage else { return };
        for (bucket, triggers) in told {
            let watcher = ObjectWatcher {
                bucket,
                triggers,
                objects: storage.objects.clone(),
                queues: storage.queues.clone(),
                lambda: lambda.clone(),
            };
            self.spawn(|stop| watcher.serve(stop));
        }
    }

    fn spawn_consumer(&mut self, trigger: BatchTrigger, messages: Messages, lambda: &Lambda) {
        let consumer = BatchConsumer {
            trigger,
            messages,
            lambda: lambda.clone(),
        };
        self.spawn(|stop| consumer.serve(stop));
    }
}
