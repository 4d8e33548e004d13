//! Runs the accepted events of all functions, with one consumer per function.

use std::sync::Arc;

use lambkin_store::{EventQueues, Store, StoreError};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::accept::Asynchronous;
use super::consumer::Consumer;
use super::event::function_of;
use crate::lambda::Lambda;
use crate::time::now_ms;

impl Asynchronous {
    /// Runs accepted events, including those that an earlier host accepted, until `stop` is cancelled. Then returns
    /// when the running events have finished. Waiting events stay in the store.
    pub async fn serve(self, lambda: Lambda, stop: CancellationToken) {
        let store = tokio::select! {
            () = stop.cancelled() => return,
            store = self.opened() => store,
        };
        if let Err(error) = warn_of_orphans(&store, &lambda).await {
            tracing::error!(
                "the queues of functions that are no longer defined cannot be listed: {error}"
            );
        }
        let mut consumers = JoinSet::new();
        for function in lambda.functions() {
            let function = Arc::clone(function);
            let consumer = Consumer::new(function, lambda.clone(), self.config(), store.clone());
            consumers.spawn(consumer.consume(stop.clone()));
        }
        while consumers.join_next().await.is_some() {}
    }
}

/// Logs how many events wait for functions that are no longer defined.
async fn warn_of_orphans(store: &Store, lambda: &Lambda) -> Result<(), StoreError> {
    for queue in EventQueues::new(store.clone()).statistics(now_ms()).await? {
        let Some(function) = function_of(&queue.queue) else {
            continue;
        };
        if lambda.function(function).is_none() {
            let waiting = queue.due + queue.delayed + queue.leased;
            tracing::warn!(
                "{waiting} accepted event(s) wait for the function {function:?}, which is no longer defined; \
                 they are kept and run when it is defined again"
            );
        }
    }
    Ok(())
}
