//! The open connections of one trigger, by the ids that its plugin gave them.
//!
//! Calls of the plugin only change what a [`Link`] has to send; the connection's task sends it. On failure: a link to a
//! client that does not read takes no more messages once [`OUTBOX_BYTES`] or [`OUTBOX_MESSAGES`] wait.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lambkin_lambda::now_ms;
use lambkin_plugin::{
    Close, ConnectionInfo, Connections, OpenConnection, SendError, WebSocketMessage,
};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use crate::limits::{OUTBOX_BYTES, OUTBOX_MESSAGES};

/// The longest reason of a close frame, in bytes.
const REASON_BYTES: usize = 123;

/// The open connections of one trigger.
#[derive(Debug)]
pub(crate) struct OpenConnections {
    links: Mutex<HashMap<String, Arc<Link>>>,
    places: Arc<Semaphore>,
}

/// An open connection, as others than its task see it.
#[derive(Debug)]
pub(crate) struct Link {
    pub connection: OpenConnection,
    last_active_ms: AtomicU64,
    outbox: Mutex<Outbox>,
    /// Wakes the connection's task, which looks into the outbox.
    pub wake: Notify,
    /// Given back with the last reference.
    _place: OwnedSemaphorePermit,
}

#[derive(Debug, Default)]
struct Outbox {
    messages: VecDeque<WebSocketMessage>,
    bytes: usize,
    close: Option<Close>,
}

/// What a connection's task sends next.
#[derive(Debug)]
pub(crate) enum Outgoing {
    Message(WebSocketMessage),
    Close(Close),
}

impl OpenConnections {
    /// None yet. Those of all triggers together have these places.
    pub(crate) fn new(places: Arc<Semaphore>) -> Self {
        Self {
            links: Mutex::default(),
            places,
        }
    }

    /// A place for a further connection; `None` if there are too many.
    pub(crate) fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.places).try_acquire_owned().ok()
    }

    /// Adds a connection; `None` if its id is taken.
    pub(crate) fn add(
        &self,
        connection: OpenConnection,
        place: OwnedSemaphorePermit,
    ) -> Option<Arc<Link>> {
        let mut links = self.links();
        if links.contains_key(&connection.id) {
            return None;
        }
        let id = connection.id.clone();
        let link = Arc::new(Link {
            last_active_ms: AtomicU64::new(connection.connected_at_ms),
            connection,
            outbox: Mutex::default(),
            wake: Notify::new(),
            _place: place,
        });
        links.insert(id, Arc::clone(&link));
        Some(link)
    }

    /// Removes a connection that has ended.
    pub(crate) fn remove(&self, link: &Arc<Link>) {
        let mut links = self.links();
        let id = &link.connection.id;
        // A closed connection is not here any longer, and another one may have its id.
        if links.get(id).is_some_and(|found| Arc::ptr_eq(found, link)) {
            links.remove(id);
        }
    }

    fn find(&self, id: &str) -> Option<Arc<Link>> {
        self.links().get(id).cloned()
    }

    fn links(&self) -> MutexGuard<'_, HashMap<String, Arc<Link>>> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connections for OpenConnections {
    fn get(&self, id: &str) -> Option<ConnectionInfo> {
        let link = self.find(id)?;
        Some(ConnectionInfo {
            data: link.connection.data.clone(),
            connected_at_ms: link.connection.connected_at_ms,
            last_active_at_ms: link.last_active_ms.load(Ordering::Relaxed),
        })
    }

    fn send(&self, id: &str, message: WebSocketMessage) -> Result<(), SendError> {
        self.find(id).ok_or(SendError::Gone)?.send(message)
    }

    fn close(&self, id: &str, code: u16, reason: &str) -> bool {
        let Some(link) = self.links().remove(id) else {
            return false;
        };
        let code = if (1000..5000).contains(&code) && !matches!(code, 1004..=1006 | 1015..3000) {
            code
        } else {
            1000
        };
        let reason = reason
            .get(..reason.floor_char_boundary(REASON_BYTES))
            .unwrap_or_default()
            .to_owned();
        link.outbox().close = Some(Close { code, reason });
        link.wake.notify_one();
        true
    }
}

impl Link {
    /// Queues a message for the client.
    ///
    /// # Errors
    ///
    /// The connection is being closed, or too much is queued already.
    pub(crate) fn send(&self, message: WebSocketMessage) -> Result<(), SendError> {
        let mut outbox = self.outbox();
        if outbox.close.is_some() {
            return Err(SendError::Gone);
        }
        let bytes = outbox.bytes + message.len();
        let is_first = outbox.messages.is_empty();
        if !is_first && (bytes > OUTBOX_BYTES || outbox.messages.len() == OUTBOX_MESSAGES) {
            return Err(SendError::Busy);
        }
        outbox.bytes = bytes;
        outbox.messages.push_back(message);
        drop(outbox);
        self.note_activity();
        self.wake.notify_one();
        Ok(())
    }

    /// Takes what is to be sent next.
    pub(crate) fn take(&self) -> Option<Outgoing> {
        let mut outbox = self.outbox();
        if let Some(message) = outbox.messages.pop_front() {
            outbox.bytes -= message.len();
            return Some(Outgoing::Message(message));
        }
        outbox.close.clone().map(Outgoing::Close)
    }

    /// Whether the connection is to be closed.
    pub(crate) fn is_closing(&self) -> bool {
        self.outbox().close.is_some()
    }

    /// Notes that a message was received or sent.
    pub(crate) fn note_activity(&self) {
        self.last_active_ms.store(now_ms(), Ordering::Relaxed);
    }

    fn outbox(&self) -> MutexGuard<'_, Outbox> {
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(connections: &OpenConnections, id: &str) -> Option<Arc<Link>> {
        let connection = OpenConnection {
            id: id.to_owned(),
            data: "d".to_owned(),
            connected_at_ms: 5,
        };
        connections.add(connection, connections.place()?)
    }

    fn text(length: usize) -> WebSocketMessage {
        WebSocketMessage::Text("x".repeat(length))
    }

    #[test]
    fn an_id_is_open_until_it_is_closed_and_then_gone() {
        let connections = OpenConnections::new(Arc::new(Semaphore::new(8)));
        let link = open(&connections, "a").unwrap();
        assert!(open(&connections, "a").is_none());
        assert_eq!(connections.get("a").unwrap().connected_at_ms, 5);
        assert_eq!(connections.send("b", text(1)), Err(SendError::Gone));
        assert_eq!(connections.send("a", text(1)), Ok(()));
        assert!(connections.close("a", 1000, "bye"));
        assert!(!connections.close("a", 1000, "bye"));
        assert_eq!(connections.send("a", text(1)), Err(SendError::Gone));
        assert_eq!(link.send(text(1)), Err(SendError::Gone));
        assert!(matches!(link.take(), Some(Outgoing::Message(_))));
        assert!(matches!(link.take(), Some(Outgoing::Close(close)) if close.code == 1000));
        // The old connection's end does not remove the new one.
        open(&connections, "a").unwrap();
        connections.remove(&link);
        assert!(connections.get("a").is_some());
    }

    #[test]
    fn codes_and_reasons_that_a_close_frame_cannot_have_are_replaced() {
        let connections = OpenConnections::new(Arc::new(Semaphore::new(8)));
        let long = "é".repeat(100);
        for (code, sent) in [
            (1000, 1000),
            (1005, 1000),
            (1009, 1009),
            (4999, 4999),
            (5000, 1000),
            (0, 1000),
            (2000, 1000),
        ] {
            let link = open(&connections, "a").unwrap();
            connections.close("a", code, &long);
            let Some(Outgoing::Close(close)) = link.take() else {
                panic!("no close frame");
            };
            assert_eq!((close.code, close.reason.len()), (sent, 122));
        }
    }

    #[test]
    fn what_waits_for_a_client_is_limited_and_one_message_always_fits() {
        let connections = OpenConnections::new(Arc::new(Semaphore::new(8)));
        let link = open(&connections, "a").unwrap();
        assert_eq!(link.send(text(OUTBOX_BYTES + 1)), Ok(()));
        assert_eq!(link.send(text(1)), Err(SendError::Busy));
        link.take();
        for _ in 0..OUTBOX_MESSAGES {
            assert_eq!(link.send(text(1)), Ok(()));
        }
        assert_eq!(link.send(text(1)), Err(SendError::Busy));
    }

    #[test]
    fn the_place_of_a_connection_is_free_after_its_end() {
        let connections = OpenConnections::new(Arc::new(Semaphore::new(1)));
        let link = open(&connections, "a").unwrap();
        assert!(open(&connections, "b").is_none());
        connections.remove(&link);
        drop(link);
        assert!(open(&connections, "b").is_some());
    }
}
