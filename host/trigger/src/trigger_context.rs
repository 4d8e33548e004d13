//! What a running trigger has access to.

use std::collections::{BTreeMap, HashSet};
use std::net::SocketAddr;

use lambkin_http::{Allowlist, Listener};
use lambkin_lambda::{Account, Lambda};
use lambkin_plugin::ObjectTrigger;
use lambkin_store::Cursors;
use lambkin_store::object::Objects;
use lambkin_store::queue::Queues;
use tokio_util::sync::CancellationToken;

use crate::http_port::{HttpPort, Route};
use crate::object_watcher::{Delivery, ObjectWatcher};
use crate::own_triggers::{OwnTriggerSetup, TriggerSetter};
use crate::own_watchers::OwnWatchers;
use crate::tasks::Tasks;

/// The store, as triggers use it.
#[derive(Debug, Clone)]
pub struct TriggerStore {
    /// The queues.
    pub queues: Queues,
    /// The objects.
    pub objects: Objects,
    /// How far logs outside of the host were processed.
    pub cursors: Cursors,
}

/// What a running trigger has access to: the functions, the store and a set of tasks.
///
/// Triggers of one bucket share a watcher, as a change is complete only when each of them has received it, and HTTP
/// triggers at one address share a listener. Therefore they register here, and watchers and listeners start last.
#[derive(Debug)]
pub struct TriggerContext<'a> {
    tasks: &'a mut Tasks,
    lambda: Lambda,
    allowlist: Allowlist,
    store: Option<TriggerStore>,
    bucket_triggers: BTreeMap<String, Vec<ObjectTrigger>>,
    ports: Vec<HttpPort>,
}

impl<'a> TriggerContext<'a> {
    /// A context whose tasks are added to `tasks`. `store` is `None` if the configuration needs no store, which implies
    /// that no trigger has a queue, a bucket or a log.
    pub fn new(
        tasks: &'a mut Tasks,
        lambda: Lambda,
        allowlist: Allowlist,
        store: Option<TriggerStore>,
    ) -> Self {
        Self {
            tasks,
            lambda,
            allowlist,
            store,
            bucket_triggers: BTreeMap::new(),
            ports: Vec::new(),
        }
    }

    /// The functions.
    pub fn lambda(&self) -> &Lambda {
        &self.lambda
    }

    /// The hosts and web pages, besides local ones, from which a listener accepts requests.
    pub fn allowlist(&self) -> &Allowlist {
        &self.allowlist
    }

    /// The queues, if there is a store.
    pub fn queues(&self) -> Option<&Queues> {
        self.store.as_ref().map(|store| &store.queues)
    }

    /// The cursors, if there is a store.
    pub fn cursors(&self) -> Option<&Cursors> {
        self.store.as_ref().map(|store| &store.cursors)
    }

    /// Spawns a task of a trigger. When its token is cancelled, the task takes no new events, finishes what it has
    /// begun, and returns.
    pub fn spawn<F>(&mut self, task: impl FnOnce(CancellationToken) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.tasks.spawn(task);
    }

    /// Cancelled when the triggers are to stop.
    pub(crate) fn stop(&self) -> CancellationToken {
        self.tasks.stopping()
    }

    /// Registers an HTTP trigger at an address, with the listener if it is the first one there.
    pub(crate) fn listen(&mut self, address: SocketAddr, listener: Option<Listener>, route: Route) {
        if let Some(listener) = listener {
            self.ports.push(HttpPort {
                address,
                listener,
                routes: vec![route],
            });
        } else {
            let mut ports = self.ports.iter_mut();
            if let Some(port) = ports.find(|port| port.address == address) {
                port.routes.push(route);
            }
        }
    }

    /// The port of the listener at an address, which is another one than configured if that is 0.
    pub(crate) fn port(&self, address: SocketAddr) -> u16 {
        let mut ports = self.ports.iter();
        let found = ports.find(|port| port.address == address);
        found.map_or(address.port(), HttpPort::port)
    }

    /// Registers a trigger for the changes of a bucket.
    pub fn watch_bucket(&mut self, bucket: String, trigger: ObjectTrigger) {
        self.bucket_triggers
            .entry(bucket)
            .or_default()
            .push(trigger);
    }

    /// Starts the listeners of all registered HTTP triggers, the watchers of all registered buckets, and those of
    /// buckets that have or get triggers of their own, which `setters` set. To be called after all triggers have been
    /// spawned.
    pub fn start(self, setters: Vec<TriggerSetter>, account: Account) {
        for port in self.ports {
            let allowlist = self.allowlist.clone();
            self.tasks.spawn(|stop| port.serve(allowlist, stop));
        }
        let Some(TriggerStore {
            queues, objects, ..
        }) = self.store
        else {
            return;
        };
        let delivery = Delivery {
            objects,
            queues,
            lambda: self.lambda,
            own: OwnTriggerSetup { setters, account },
        };
        let mut watched = HashSet::new();
        for (bucket, triggers) in self.bucket_triggers {
            let watcher = ObjectWatcher::new(&bucket, triggers, &delivery);
            self.tasks.spawn(|stop| watcher.serve(stop));
            watched.insert(bucket);
        }
        let others = OwnWatchers { watched, delivery };
        self.tasks.spawn(|stop| others.serve(stop));
    }
}
