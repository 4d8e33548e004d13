//! `lambkin:store/queues`, on [`Queues`].
//!
//! A queue that was not granted is `missing`, wherever its name turns up: opened, deleted, as dead letters or as the
//! destination of a move. Lists leave it out.

use lambkin_store::queue::{DeadLetter, Description, Page, QueueError, Queues, Receive, Settings};
use wasmtime::component::Resource;

use super::store::queues::{self as wit, Error};
use super::store::{Refusal, StoreView, unavailable};
use super::{Grant, check_count, check_size, pairs_size};
use crate::limits;

/// Why a function of this interface was not carried out.
pub type Refused = Refusal<Error>;

/// A queue that a guest has opened.
#[derive(Debug)]
pub struct Queue {
    name: String,
    /// What was seen when it was opened, for the first call after that if it asks for it: most do.
    seen: Option<Description>,
}

impl StoreView<'_> {
    fn queue_grant(&self) -> Result<&Grant<Queues>, Refused> {
        let granted = self.grants.queues.as_ref();
        granted.ok_or(Refusal::Fault(Error::Missing))
    }

    fn queues_with(&self, name: &str) -> Result<&Queues, Refused> {
        let granted = self.queue_grant()?.get(name);
        granted.ok_or(Refusal::Fault(Error::Missing))
    }

    /// The store and the name of an open queue.
    fn queue(&mut self, queue: &Resource<Queue>) -> Result<(&Queues, &str), Refused> {
        let queue = self.table.get_mut(queue)?;
        queue.seen = None;
        let granted = self.grants.queues.as_ref();
        let granted = granted.ok_or(Refusal::Fault(Error::Missing))?;
        Ok((&granted.store, &queue.name))
    }

    /// Checks settings that a guest wants, which may name another queue. `kept` are the dead letters of before: what the
    /// operator has set may stay.
    fn check(&self, settings: &Settings, kept: Option<&DeadLetter>) -> Result<(), Refused> {
        let size = pairs_size(&settings.attributes);
        check_size("the attributes have", size, limits::ATTRIBUTES_BYTES).map_err(invalid)?;
        match &settings.dead_letter {
            Some(dead) if kept.is_none_or(|kept| kept.queue != dead.queue) => {
                self.queues_with(&dead.queue).map(drop)
            }
            _ => Ok(()),
        }
    }

    async fn take(
        &mut self,
        queue: &Resource<Queue>,
        attempt: Option<String>,
        receive: Receive,
    ) -> Result<Vec<wit::Message>, Refused> {
        let (queues, name) = self.queue(queue)?;
        let messages = queues
            .receive_with_attempt_id(name, attempt, receive)
            .await?;
        Ok(messages.into_iter().map(Into::into).collect())
    }
}

impl wit::Host for StoreView<'_> {
    fn convert_error(&mut self, refused: Refused) -> wasmtime::Result<Error> {
        refused.into_fault()
    }

    async fn open(&mut self, name: String) -> Result<Resource<Queue>, Refused> {
        let seen = self.queues_with(&name)?.describe(&name).await?;
        let seen = Some(seen);
        Ok(self.table.push(Queue { name, seen })?)
    }

    async fn create(
        &mut self,
        name: String,
        settings: wit::Settings,
    ) -> Result<Resource<Queue>, Refused> {
        let settings = Settings::from(settings);
        let Ok(queues) = self.queues_with(&name) else {
            return Err(Refusal::Fault(Error::Denied));
        };
        self.check(&settings, None)?;
        queues.create(&name, settings).await?;
        Ok(self.table.push(Queue { name, seen: None })?)
    }

    async fn queues(
        &mut self,
        prefix: String,
        after: Option<String>,
        most: u32,
    ) -> Result<wit::Page, Refused> {
        let Ok(granted) = self.queue_grant() else {
            return Ok(Page::default().into());
        };
        let page = Listed::StartingWith(&prefix).page(granted, after, limits::listed(most));
        Ok(page.await?.into())
    }

    async fn delete(&mut self, name: String) -> Result<(), Refused> {
        Ok(self.queues_with(&name)?.delete(&name).await?)
    }

    async fn deleted_at(&mut self, name: String) -> wasmtime::Result<Option<u64>> {
        let Ok(queues) = self.queues_with(&name) else {
            return Ok(None);
        };
        // Whoever can not know is told that there was none.
        Ok(queues.deleted_at(&name).await.unwrap_or_default())
    }

    async fn cancel_move(&mut self, handle: String) -> Result<u64, Refused> {
        let queues = &self.queue_grant()?.store;
        let found = queues.find_move(&handle).await?;
        Ok(self
            .queues_with(&found.source)?
            .cancel_move(&handle)
            .await?)
    }
}

impl wit::HostQueue for StoreView<'_> {
    async fn describe(&mut self, queue: Resource<Queue>) -> Result<wit::Description, Refused> {
        if let Some(seen) = self.table.get_mut(&queue)?.seen.take() {
            return Ok(seen.into());
        }
        let (queues, name) = self.queue(&queue)?;
        Ok(queues.describe(name).await?.into())
    }

    async fn counts(&mut self, queue: Resource<Queue>) -> Result<wit::Counts, Refused> {
        let (queues, name) = self.queue(&queue)?;
        Ok(queues.counts(name).await?.into())
    }

    async fn change(
        &mut self,
        queue: Resource<Queue>,
        settings: wit::Settings,
    ) -> Result<(), Refused> {
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
    ) -> Result<Vec<wit::Sent>, Refused> {
        check_count("messages to send", entries.len(), limits::SENT_MESSAGES).map_err(invalid)?;
        let (queues, name) = self.queue(&queue)?;
        let entries = entries.into_iter().map(Into::into).collect();
        let sent = queues.send(name, entries).await?;
        Ok(sent.into_iter().map(Into::into).collect())
    }

    async fn receive(
        &mut self,
        queue: Resource<Queue>,
        most: u32,
        lease_ms: Option<u64>,
        wait_ms: u32,
    ) -> Result<Vec<wit::Message>, Refused> {
        let receive = receive(most, lease_ms, wait_ms);
        self.take(&queue, None, receive).await
    }

    async fn receive_with_attempt_id(
        &mut self,
        queue: Resource<Queue>,
        attempt: String,
        most: u32,
        lease_ms: Option<u64>,
        wait_ms: u32,
    ) -> Result<Vec<wit::Message>, Refused> {
        let receive = receive(most, lease_ms, wait_ms);
        self.take(&queue, Some(attempt), receive).await
    }

    async fn remove(
        &mut self,
        queue: Resource<Queue>,
        receipts: Vec<String>,
    ) -> Result<Vec<wit::ReceiptResult>, Refused> {
        check_count("receipts", receipts.len(), limits::SETTLED_MESSAGES).map_err(invalid)?;
        let (queues, name) = self.queue(&queue)?;
        let settled = queues.remove(name, receipts).await?;
        Ok(settled.into_iter().map(Into::into).collect())
    }

    async fn change_leases(
        &mut self,
        queue: Resource<Queue>,
        changes: Vec<(String, u64)>,
    ) -> Result<Vec<wit::ReceiptResult>, Refused> {
        check_count("receipts", changes.len(), limits::SETTLED_MESSAGES).map_err(invalid)?;
        let (queues, name) = self.queue(&queue)?;
        let settled = queues.change_leases_by_any_receipt(name, changes).await?;
        Ok(settled.into_iter().map(Into::into).collect())
    }

    async fn purge(&mut self, queue: Resource<Queue>) -> Result<(), Refused> {
        let (queues, name) = self.queue(&queue)?;
        Ok(queues.purge(name).await?)
    }

    async fn dead_letter_sources(
        &mut self,
        queue: Resource<Queue>,
        after: Option<String>,
        most: u32,
    ) -> Result<wit::Page, Refused> {
        let granted = self.queue_grant()?;
        let name = &self.table.get(&queue)?.name;
        let page = Listed::SourcesOf(name).page(granted, after, limits::listed(most));
        Ok(page.await?.into())
    }

    /// Without a destination messages go back where they came from, which is the operator's or another grant's doing.
    async fn start_move(
        &mut self,
        queue: Resource<Queue>,
        destination: Option<String>,
        per_second: Option<u32>,
    ) -> Result<String, Refused> {
        if let Some(destination) = &destination {
            self.queues_with(destination)?;
        }
        let (queues, name) = self.queue(&queue)?;
        Ok(queues.start_move(name, destination, per_second).await?)
    }

    async fn moves(
        &mut self,
        queue: Resource<Queue>,
        most: u32,
    ) -> Result<Vec<wit::Move>, Refused> {
        let (queues, name) = self.queue(&queue)?;
        let moves = queues.moves(name, limits::listed(most)).await?;
        Ok(moves.into_iter().map(Into::into).collect())
    }

    async fn drop(&mut self, queue: Resource<Queue>) -> wasmtime::Result<()> {
        self.table.delete(queue)?;
        Ok(())
    }
}

fn receive(most: u32, lease_ms: Option<u64>, wait_ms: u32) -> Receive {
    Receive {
        max_messages: most as usize,
        lease_ms,
        wait_ms: wait_ms.into(),
        consumer: false,
    }
}

fn invalid(reason: String) -> Refused {
    Refusal::Fault(Error::Invalid(reason))
}

/// What queues a list has.
enum Listed<'a> {
    StartingWith(&'a str),
    SourcesOf(&'a str),
}

impl Listed<'_> {
    /// Asks the store for pages until `most` queues were found that are granted, or the end is.
    async fn page(
        self,
        granted: &Grant<Queues>,
        mut after: Option<String>,
        most: usize,
    ) -> Result<Page, QueueError> {
        let (mut found, mut size) = (Page::default(), 0);
        loop {
            let Page { queues, more } = self.ask(&granted.store, after.as_deref(), most).await?;
            if granted.allows_all() {
                return Ok(Page { queues, more });
            }
            after = queues.last().map(|last| last.name.clone());
            for queue in queues.into_iter().filter(|q| granted.allows(&q.name)) {
                size += pairs_size(&queue.settings.attributes);
                found.queues.push(queue);
            }
            let is_full = size >= limits::LISTED_BYTES && more;
            if found.queues.len() > most || is_full {
                found.queues.truncate(most);
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
        most: usize,
    ) -> Result<Page, QueueError> {
        match self {
            Self::StartingWith(prefix) => queues.list(prefix, after, most).await,
            Self::SourcesOf(queue) => queues.dead_letter_sources(queue, after, most).await,
        }
    }
}

impl From<QueueError> for Refused {
    fn from(error: QueueError) -> Self {
        Self::Fault(match error {
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
    use crate::service::Grants;

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
    async fn what_is_sent_and_settled_at_once_has_bounds() {
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
        for (count, is_fine) in [
            (limits::SETTLED_MESSAGES, true),
            (limits::SETTLED_MESSAGES + 1, false),
        ] {
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
