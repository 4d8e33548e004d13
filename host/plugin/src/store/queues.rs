//! `lambkin:store/queues`, on [`Queues`].
//!
//! A queue that is not granted is `missing` wherever it is named: opened, deleted, as a dead-letter queue or as the
//! destination of a move. Lists omit it.

use lambkin_store::queue::{DeadLetter, Page, QueueError, Queues, Receive, Settings};
use wasmtime::component::Resource;

use super::bindings::QueueCallError;
use super::bindings::queues::{self as wit, Error};
use super::error::{HostCallError, unavailable};
use super::grants::Grant;
use super::handles::Queue;
use super::view::{StoreView, check_count, check_size, pairs_size};
use crate::limits;

impl StoreView<'_> {
    fn queue_grant(&self) -> Result<&Grant<Queues>, QueueCallError> {
        let grant = self.grants.queues.as_ref();
        grant.ok_or(HostCallError::Returned(Error::Missing))
    }

    fn queues_with(&self, name: &str) -> Result<&Queues, QueueCallError> {
        let granted = self.queue_grant()?.get(name);
        granted.ok_or(HostCallError::Returned(Error::Missing))
    }

    /// The store and the name of an open queue.
    fn queue(&mut self, queue: &Resource<Queue>) -> Result<(&Queues, &str), QueueCallError> {
        let queue = self.table.get_mut(queue)?;
        queue.description = None;
        let granted = self.grants.queues.as_ref();
        let granted = granted.ok_or(HostCallError::Returned(Error::Missing))?;
        Ok((&granted.store, &queue.name))
    }

    /// Checks the settings that a guest sets, which may name another queue. The dead-letter queue of the `current`
    /// settings may stay, even if only the operator has access to it.
    fn check(
        &self,
        settings: &Settings,
        current: Option<&DeadLetter>,
    ) -> Result<(), QueueCallError> {
        let size = pairs_size(&settings.attributes);
        check_size("the attributes have", size, limits::ATTRIBUTES_BYTES).map_err(invalid)?;
        match &settings.dead_letter {
            Some(dead) if current.is_none_or(|current| current.queue != dead.queue) => {
                self.queues_with(&dead.queue).map(drop)
            }
            _ => Ok(()),
        }
    }

    async fn receive_messages(
        &mut self,
        queue: &Resource<Queue>,
        attempt_id: Option<String>,
        receive: Receive,
    ) -> Result<Vec<wit::Message>, QueueCallError> {
        let (queues, name) = self.queue(queue)?;
        let messages = queues
            .receive_with_attempt_id(name, attempt_id, receive)
            .await?;
        Ok(messages.into_iter().map(Into::into).collect())
    }
}

impl wit::Host for StoreView<'_> {
    fn convert_error(&mut self, error: QueueCallError) -> wasmtime::Result<Error> {
        error.into_result()
    }

    async fn open(&mut self, name: String) -> Result<Resource<Queue>, QueueCallError> {
        let description = self.queues_with(&name)?.describe(&name).await?;
        let queue = Queue {
            name,
            description: Some(description),
        };
        Ok(self.table.push(queue)?)
    }

    async fn create(
        &mut self,
        name: String,
        settings: wit::Settings,
    ) -> Result<Resource<Queue>, QueueCallError> {
        let settings = Settings::from(settings);
        let Ok(queues) = self.queues_with(&name) else {
            return Err(HostCallError::Returned(Error::Denied));
        };
        self.check(&settings, None)?;
        queues.create(&name, settings).await?;
        Ok(self.table.push(Queue {
            name,
            description: None,
        })?)
    }

    async fn queues(
        &mut self,
        prefix: String,
        after: Option<String>,
        max: u32,
    ) -> Result<wit::Page, QueueCallError> {
        let Ok(granted) = self.queue_grant() else {
            return Ok(Page::default().into());
        };
        let page = Listed::StartingWith(&prefix).page(granted, after, limits::list_size(max));
        Ok(page.await?.into())
    }

    async fn delete(&mut self, name: String) -> Result<(), QueueCallError> {
        Ok(self.queues_with(&name)?.delete(&name).await?)
    }

    async fn deleted_at(&mut self, name: String) -> wasmtime::Result<Option<u64>> {
        let Ok(queues) = self.queues_with(&name) else {
            return Ok(None);
        };
        // A failure of the store looks like a queue that was not deleted.
        Ok(queues.deleted_at(&name).await.unwrap_or_default())
    }

    async fn cancel_move(&mut self, handle: String) -> Result<u64, QueueCallError> {
        let queues = &self.queue_grant()?.store;
        let found = queues.find_move(&handle).await?;
        Ok(self
            .queues_with(&found.source)?
            .cancel_move(&handle)
            .await?)
    }
}

impl wit::HostQueue for StoreView<'_> {
    async fn describe(
        &mut self,
        queue: Resource<Queue>,
    ) -> Result<wit::Description, QueueCallError> {
        if let Some(description) = self.table.get_mut(&queue)?.description.take() {
            return Ok(description.into());
        }
        let (queues, name) = self.queue(&queue)?;
        Ok(queues.describe(name).await?.into())
    }

    async fn counts(&mut self, queue: Resource<Queue>) -> Result<wit::Counts, QueueCallError> {
        let (queues, name) = self.queue(&queue)?;
        Ok(queues.counts(name).await?.into())
    }

    async fn change(
        &mut self,
        queue: Resource<Queue>,
        settings: wit::Settings,
    ) -> Result<(), QueueCallError> {
        let settings = Settings::from(settings);
        if self.check(&settings, None).is_err() {
            let (queues, name) = self.queue(&queue)?;
            let now = queues.describe(name).await?.settings;
            self.check(&settings, now.dead_letter.as_ref())?;
        }
        let (queues, name) = self.queue(&queue)?;
        Ok(queues.change(name, settings).await?)
    }

    async fn send(
        &mut self,
        queue: Resource<Queue>,
        entries: Vec<wit::Entry>,
    ) -> Result<Vec<wit::Sent>, QueueCallError> {
        check_count("messages to send", entries.len(), limits::SENT_MESSAGES).map_err(invalid)?;
        let (queues, name) = self.queue(&queue)?;
        let entries = entries.into_iter().map(Into::into).collect();
        let sent = queues.send(name, entries).await?;
        Ok(sent.into_iter().map(Into::into).collect())
    }

    async fn receive(
        &mut self,
        queue: Resource<Queue>,
        max: u32,
        lease_ms: Option<u64>,
        wait_ms: u32,
    ) -> Result<Vec<wit::Message>, QueueCallError> {
        let receive = receive(max, lease_ms, wait_ms);
        self.receive_messages(&queue, None, receive).await
    }

    async fn receive_with_attempt_id(
        &mut self,
        queue: Resource<Queue>,
        attempt_id: String,
        max: u32,
        lease_ms: Option<u64>,
        wait_ms: u32,
    ) -> Result<Vec<wit::Message>, QueueCallError> {
        let receive = receive(max, lease_ms, wait_ms);
        self.receive_messages(&queue, Some(attempt_id), receive)
            .await
    }

    async fn remove(
        &mut self,
        queue: Resource<Queue>,
        receipts: Vec<String>,
    ) -> Result<Vec<wit::ReceiptResult>, QueueCallError> {
        check_count("receipts", receipts.len(), limits::RECEIPTS).map_err(invalid)?;
        let (queues, name) = self.queue(&queue)?;
        let settled = queues.remove(name, receipts).await?;
        Ok(settled.into_iter().map(Into::into).collect())
    }

    async fn change_leases(
        &mut self,
        queue: Resource<Queue>,
        changes: Vec<(String, u64)>,
    ) -> Result<Vec<wit::ReceiptResult>, QueueCallError> {
        check_count("receipts", changes.len(), limits::RECEIPTS).map_err(invalid)?;
        let (queues, name) = self.queue(&queue)?;
        let settled = queues.change_leases_by_any_receipt(name, changes).await?;
        Ok(settled.into_iter().map(Into::into).collect())
    }

    async fn purge(&mut self, queue: Resource<Queue>) -> Result<(), QueueCallError> {
        let (queues, name) = self.queue(&queue)?;
        Ok(queues.purge(name).await?)
    }

    async fn dead_letter_sources(
        &mut self,
        queue: Resource<Queue>,
        after: Option<String>,
        max: u32,
    ) -> Result<wit::Page, QueueCallError> {
        let granted = self.queue_grant()?;
        let name = &self.table.get(&queue)?.name;
        let page = Listed::SourcesOf(name).page(granted, after, limits::list_size(max));
        Ok(page.await?.into())
    }

    /// Without a destination, messages return to the queues from which the operator or another component let them
    /// move here. These need no grant.
    async fn start_move(
        &mut self,
        queue: Resource<Queue>,
        destination: Option<String>,
        per_second: Option<u32>,
    ) -> Result<String, QueueCallError> {
        if let Some(destination) = &destination {
            self.queues_with(destination)?;
        }
        let (queues, name) = self.queue(&queue)?;
        Ok(queues.start_move(name, destination, per_second).await?)
    }

    async fn moves(
        &mut self,
        queue: Resource<Queue>,
        max: u32,
    ) -> Result<Vec<wit::Move>, QueueCallError> {
        let (queues, name) = self.queue(&queue)?;
        let moves = queues.moves(name, limits::list_size(max)).await?;
        Ok(moves.into_iter().map(Into::into).collect())
    }

    async fn drop(&mut self, queue: Resource<Queue>) -> wasmtime::Result<()> {
        self.table.delete(queue)?;
        Ok(())
    }
}

fn receive(max: u32, lease_ms: Option<u64>, wait_ms: u32) -> Receive {
    Receive {
        max_messages: max as usize,
        lease_ms,
        wait_ms: wait_ms.into(),
        consumer: false,
    }
}

fn invalid(reason: String) -> QueueCallError {
    HostCallError::Returned(Error::Invalid(reason))
}

/// Which queues to list.
enum Listed<'a> {
    StartingWith(&'a str),
    SourcesOf(&'a str),
}

impl Listed<'_> {
    /// Reads pages from the store until `max` granted queues were found, or until the end.
    async fn page(
        self,
        granted: &Grant<Queues>,
        mut after: Option<String>,
        max: usize,
    ) -> Result<Page, QueueError> {
        let (mut found, mut size) = (Page::default(), 0);
        loop {
            let Page { queues, more } = self.ask(&granted.store, after.as_deref(), max).await?;
            if granted.allows_all() {
                return Ok(Page { queues, more });
            }
            after = queues.last().map(|last| last.name.clone());
            for queue in queues.into_iter().filter(|q| granted.allows(&q.name)) {
                size += pairs_size(&queue.settings.attributes);
                found.queues.push(queue);
            }
            let is_full = size >= limits::LISTED_BYTES && more;
            if found.queues.len() > max || is_full {
                found.queues.truncate(max);
                found.more = true;
                return Ok(found);
            }
            if !more || after.is_none() {
                return Ok(found);
            }
        }
    }

    async fn ask(
        &self,
        queues: &Queues,
        after: Option<&str>,
        max: usize,
    ) -> Result<Page, QueueError> {
        match self {
            Self::StartingWith(prefix) => queues.list(prefix, after, max).await,
            Self::SourcesOf(queue) => queues.dead_letter_sources(queue, after, max).await,
        }
    }
}

impl From<QueueError> for QueueCallError {
    fn from(error: QueueError) -> Self {
        Self::Returned(match error {
            QueueError::Missing => Error::Missing,
            QueueError::Exists => Error::Exists,
            QueueError::OverLimit => Error::OverLimit,
            QueueError::Invalid(reason) => Error::Invalid(reason),
            QueueError::Store(error) => Error::Unavailable(unavailable(error)),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use lambkin_store::{Store, SystemClock};
    use wasmtime::component::ResourceTable;

    use super::wit::{Entry, Host, HostQueue};
    use super::*;
    use crate::store::grants::Grants;

    fn entry(n: usize) -> Entry {
        Entry {
            body: n.to_string().into_bytes(),
            attributes: Vec::new(),
            extra: Vec::new(),
            delay_ms: None,
            group: None,
            deduplication: None,
        }
    }

    #[tokio::test]
    async fn the_number_of_messages_and_receipts_per_call_is_limited() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store")).await.unwrap();
        let queues = Queues::new(store, Arc::new(SystemClock));
        queues.create("q", Settings::default()).await.unwrap();
        let grants = Grants {
            queues: Some(Grant {
                store: queues,
                names: vec!["q".to_owned()],
            }),
            buckets: None,
            targets: None,
        };
        let table = &mut ResourceTable::new();
        let mut view = StoreView {
            table,
            grants: &grants,
        };
        let queue = view.open("q".to_owned()).await.ok().unwrap();
        let queue = || Resource::new_borrow(queue.rep());
        for (count, is_fine) in [
            (limits::SENT_MESSAGES, true),
            (limits::SENT_MESSAGES + 1, false),
        ] {
            let sent = view.send(queue(), (0..count).map(entry).collect()).await;
            assert_eq!(sent.is_ok(), is_fine, "{count}");
        }
        for (count, is_fine) in [(limits::RECEIPTS, true), (limits::RECEIPTS + 1, false)] {
            let removed = view.remove(queue(), vec![String::new(); count]).await;
            assert_eq!(removed.is_ok(), is_fine, "{count}");
            let changed = view
                .change_leases(queue(), vec![(String::new(), 0); count])
                .await;
            assert_eq!(changed.is_ok(), is_fine, "{count}");
        }
        assert_eq!(view.counts(queue()).await.ok().unwrap().visible, 1_000);
    }
}
