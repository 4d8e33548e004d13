//! Runs the events of all functions, each function's with a consumer of its own.

use std::sync::Arc;

use lambkin_store::{Store, StoreError};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::accept::Asynchronous;
use super::consumer::Consumer;
use super::event::function_of;
use crate::lambda::Lambda;
use crate::time::now_ms;

impl Asynchronous {
    /// Runs what was accepted, in former runs of the host too, until `stop` is cancelled; then lets what is under way
    /// finish. What waits stays in the store.
    pub async fn serve(self, lambda: Lambda, stop: CancellationToken) {
        let store = tokio::select! {
            () = stop.cancelled() => return,
            store = self.opened() => store,
        };
        if let Err(error) = name_orphans(&store, &lambda).await {
            tracing::error!("can not see what waits for functions that are gone: {error}");
        }
        let mut consumers = JoinSet::new();
        for function in lambda.functions() {
            let function = Arc::clone(function);
            let consumer = Consumer::new(function, lambda.clone(), self.config(), store.clone());
            consumers.spawn(consumer.run(stop.clone()));
        }
        while consumers.join_next().await.is_some() {}
    }
}

/// Says once which events wait for functions that are not there any more.
async fn name_orphans(store: &Store, lambda: &Lambda) -> Result<(), StoreError> {
    for queue in store.statistics(now_ms()).await? {
        let Some(function) = function_of(&queue.queue) else {
            continue;
        };
        if lambda.function(function).is_none() {
            let waiting = queue.due + queue.delayed + queue.leased;
            tracing::warn!(
                "{waiting} accepted event(s) wait for the function {function:?}, which is not defined any more; \
                 they are kept in case it comes back"
            );
        }
    }
    Ok(())
}
