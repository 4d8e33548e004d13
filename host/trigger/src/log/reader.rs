//! The parts of a log: which there are, and which are being consumed.
//!
//! Parts come and go as the log is split and merged. The source is asked for them at the start, every
//! [`PARTS_INTERVAL`], and when a part is processed to its end. A part is consumed when those before it are.
//!
//! On failure to list the parts or to read the store, those that are known are consumed on, and the attempt is repeated.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use lambkin_lambda::Lambda;
use lambkin_plugin::{BatchTrigger, Part, Source, SourceError};
use lambkin_store::{Cursors, PartProgress, StoreError};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::part::{PartMessages, PartName};
use crate::batch::BatchConsumer;
use crate::limits::PARTS_INTERVAL;

/// The reader of one log.
pub(crate) struct LogReader {
    pub(crate) trigger: BatchTrigger,
    pub(crate) source: Source,
    pub(crate) lambda: Lambda,
    pub(crate) cursors: Cursors,
}

/// Why the parts of a log are not known.
#[derive(Debug, thiserror::Error)]
enum PartsError {
    #[error("cannot list the parts of {0}: {1}")]
    Source(String, SourceError),
    #[error("cannot read how far the parts were processed: {0}")]
    Store(#[from] StoreError),
}

/// The consumers of the parts.
#[derive(Default)]
struct Consumers {
    /// By part. Cancelled when the part has ended or is gone.
    running: HashMap<String, CancellationToken>,
    tasks: JoinSet<String>,
}

impl LogReader {
    /// Consumes all parts until `stop` is cancelled, then waits for the batches under way.
    pub(crate) async fn serve(self, stop: CancellationToken) {
        let mut consumers = Consumers::default();
        let mut is_failing = false;
        while !stop.is_cancelled() {
            match self.look(&mut consumers, &stop).await {
                Ok(()) => is_failing = false,
                Err(error) if is_failing => tracing::debug!("{}: {error}", self.trigger.name()),
                Err(error) => {
                    is_failing = true;
                    tracing::error!(
                        "{}: {error}; trying again every {} s",
                        self.trigger.name(),
                        PARTS_INTERVAL.as_secs()
                    );
                }
            }
            tokio::select! {
                () = stop.cancelled() => break,
                () = sleep(PARTS_INTERVAL) => {}
                Some(part) = consumers.tasks.join_next() => consumers.remove(part.ok().as_deref()),
            }
        }
        while consumers.tasks.join_next().await.is_some() {}
    }

    /// Starts consumers of parts that can be read, and ends those of parts that are gone.
    async fn look(
        &self,
        consumers: &mut Consumers,
        stop: &CancellationToken,
    ) -> Result<(), PartsError> {
        let source = &self.source.origin().name;
        let listed = self.source.parts().await;
        let listed = listed.map_err(|error| PartsError::Source(source.clone(), error))?;
        let mut progress = self.cursors.of(self.trigger.name(), source).await?;
        for gone in gone(&progress, &listed) {
            self.cursors
                .forget(self.trigger.name(), source, &gone)
                .await?;
        }
        consumers.end_others(&listed);
        for part in readable(&listed, &progress) {
            if !consumers.running.contains_key(&part.id) {
                let progress = progress.remove(&part.id).unwrap_or_default();
                self.consume(&part.id, progress, consumers, stop);
            }
        }
        Ok(())
    }

    fn consume(
        &self,
        part: &str,
        progress: PartProgress,
        consumers: &mut Consumers,
        stop: &CancellationToken,
    ) {
        let stop = stop.child_token();
        let name = PartName {
            trigger: Arc::from(self.trigger.name()),
            source: Arc::from(self.source.origin().name.as_str()),
            part: part.to_owned(),
        };
        let consumer = BatchConsumer {
            trigger: self.trigger.clone(),
            source: PartMessages::new(
                self.source.clone(),
                name,
                self.cursors.clone(),
                progress,
                stop.clone(),
            ),
            lambda: self.lambda.clone(),
        };
        let id = part.to_owned();
        consumers.running.insert(id.clone(), stop.clone());
        consumers.tasks.spawn(async move {
            consumer.serve(stop).await;
            id
        });
    }
}

impl Consumers {
    fn remove(&mut self, part: Option<&str>) {
        if let Some(part) = part {
            self.running.remove(part);
        }
    }

    fn end_others(&self, listed: &[Part]) {
        for (id, consumer) in &self.running {
            if !listed.iter().any(|part| part.id == *id) {
                consumer.cancel();
            }
        }
    }
}

/// The parts with progress that are no longer listed.
fn gone(progress: &BTreeMap<String, PartProgress>, listed: &[Part]) -> Vec<String> {
    let is_listed = |id: &str| listed.iter().any(|part| part.id == id);
    let ids = progress.keys().filter(|id| !is_listed(id));
    ids.cloned().collect()
}

/// The parts that are not processed to their end, and whose predecessors are.
fn readable<'a>(listed: &'a [Part], progress: &BTreeMap<String, PartProgress>) -> Vec<&'a Part> {
    let has_ended = |id: &str| progress.get(id).is_some_and(|part| part.ended);
    let is_pending = |id: &String| listed.iter().any(|part| part.id == *id) && !has_ended(id);
    let readable = listed
        .iter()
        .filter(|part| !has_ended(&part.id) && !part.after.iter().any(is_pending));
    readable.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_read_after_those_that_it_follows() {
        let part = |id: &str, after: &[&str]| Part {
            id: id.to_owned(),
            after: after.iter().map(|id| (*id).to_owned()).collect(),
        };
        let listed = [
            part("parent", &["older"]),
            part("left", &["parent"]),
            part("right", &["parent"]),
        ];
        let ids = |progress: &BTreeMap<String, PartProgress>| {
            let parts = readable(&listed, progress).into_iter();
            parts.map(|part| part.id.clone()).collect::<Vec<_>>()
        };
        let mut progress = BTreeMap::new();
        assert_eq!(ids(&progress), ["parent"]);
        let ended = PartProgress {
            cursor: None,
            ended: true,
        };
        progress.insert("parent".to_owned(), ended.clone());
        assert_eq!(ids(&progress), ["left", "right"]);
        progress.insert("gone".to_owned(), ended);
        assert_eq!(gone(&progress, &listed), ["gone"]);
    }
}
