//! The messages of one connection that are being processed.
//!
//! Each is a task, so that neither a slow plugin nor a slow function delays the connection. The plugin receives a
//! message when it has returned from the one before; what follows runs at the same time for all of them.
//!
//! On failure: an error of the plugin is logged, nothing is sent to the client, and the next message is passed on.
//! Dropping [`Messages`] aborts the tasks.

use std::sync::Arc;

use lambkin_lambda::{new_request_id, new_trace_id, now_ms};
use lambkin_model::Body;
use lambkin_plugin::{Occasion, PluginError, SendError, WebSocketMessage};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::http_exchange::Cause;
use crate::websocket::open_connections::Link;
use crate::websocket::websockets::WebSockets;

/// The messages of one connection that are being processed.
#[derive(Debug, Default)]
pub(super) struct Messages {
    tasks: JoinSet<()>,
    /// Ends when the plugin has returned from the latest message.
    latest: Option<oneshot::Receiver<()>>,
}

impl Messages {
    pub(super) fn len(&self) -> usize {
        self.tasks.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Passes a message to the plugin after those before it, and takes the steps that it wants.
    pub(super) fn process(
        &mut self,
        websockets: &Arc<WebSockets>,
        link: &Arc<Link>,
        message: WebSocketMessage,
    ) {
        link.note_activity();
        let occasion = occasion();
        let (websockets, link) = (Arc::clone(websockets), Arc::clone(link));
        let (has_returned, latest) = oneshot::channel::<()>();
        let before = self.latest.replace(latest);
        self.tasks.spawn(async move {
            if let Some(before) = before {
                let _ = before.await; // its sender is dropped
            }
            let trigger = &websockets.trigger;
            let received = trigger.receive(&link.connection, &occasion, &message);
            let step = received.await;
            drop(has_returned);
            let answered = match step {
                Ok(step) => {
                    let cause = Cause::Message {
                        connection: &link.connection.id,
                        occasion: &occasion,
                    };
                    websockets.steps.run(cause, step).await
                }
                Err(error) => Err(error),
            };
            match answered {
                Ok(answered) => reply(&link, answered.answer.response.body),
                Err(error) => log(&link, &error),
            }
        });
    }

    /// Waits until one message has been processed; `None` if no message is being processed.
    pub(super) async fn next_end(&mut self) -> Option<()> {
        self.tasks.join_next().await.map(drop)
    }

    /// Waits until the plugin has received all of them.
    pub(super) async fn received(&mut self) {
        if let Some(latest) = self.latest.take() {
            let _ = latest.await; // its sender is dropped
        }
    }

    /// Waits for the end of all of them.
    pub(super) async fn end(mut self) {
        while self.next_end().await.is_some() {}
    }
}

/// Something that happens now.
pub(super) fn occasion() -> Occasion {
    let at_ms = now_ms();
    Occasion {
        id: new_request_id().as_str().to_owned(),
        trace_id: new_trace_id(at_ms),
        at_ms,
    }
}

/// Sends the body of a reply to the client.
fn reply(link: &Link, body: Body) {
    let message = match body {
        Body::Empty => return,
        Body::Text(text) => WebSocketMessage::Text(text),
        Body::Binary(bytes) => WebSocketMessage::Binary(bytes),
    };
    let id = &link.connection.id;
    match link.send(message) {
        Ok(()) => {}
        Err(SendError::Gone) => tracing::debug!("connection {id}: it has ended before a reply"),
        Err(SendError::Busy) => {
            tracing::warn!("connection {id}: a reply is dropped, as the client does not read");
        }
    }
}

pub(super) fn log(link: &Link, error: &PluginError) {
    tracing::error!("connection {}: {error}", link.connection.id);
}
