//! One WebSocket connection, from the end of its handshake to its end.
//!
//! The task reads frames, hands messages over to be processed ([`Messages`]), and sends what others have queued. It
//! waits for all of that at the same time and for nothing else, so that neither the plugin, nor a function, nor a client
//! that does not read delays pongs, closes and timeouts.
//!
//! On failure: see [`crate::websocket`]. However a connection ends, it is removed from the open ones first, and then
//! the plugin's `disconnected` is called, unless the host is stopping. A host that stops gives the messages that are
//! being processed [`DRAIN_TIMEOUT`], and then closes the connection.

use std::sync::Arc;

use lambkin_http::Upgraded;
use lambkin_plugin::{Close, WebSocketMessage};
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::http_exchange::Cause;
use crate::limits::{CONNECTION_MESSAGES, DRAIN_TIMEOUT, WEBSOCKET_WRITE_TIMEOUT};
use crate::websocket::duplex::{Duplex, Progress, no_close_frame};
use crate::websocket::messages::{Messages, log, occasion};
use crate::websocket::open_connections::{Link, Outgoing};
use crate::websocket::websockets::WebSockets;

/// The close code of a host that stops, and of a connection that has lasted long enough.
const GOING_AWAY: u16 = 1001;
/// What stands for a close frame without a code.
const NO_CODE: u16 = 1005;

/// One connection.
#[derive(Debug)]
pub(crate) struct Session {
    websockets: Arc<WebSockets>,
    link: Arc<Link>,
}

/// A session whose response with status 101 has not been sent. If it never is, because the client has gone away, the
/// connection ends as soon as this is dropped.
#[derive(Debug)]
pub(crate) struct Opening(Option<Session>);

impl Opening {
    pub(crate) fn new(websockets: Arc<WebSockets>, link: Arc<Link>) -> Self {
        Self(Some(Session { websockets, link }))
    }

    /// The response has been sent: runs the session.
    pub(crate) async fn run(mut self, upgraded: Upgraded) {
        if let Some(session) = self.0.take() {
            session.run(upgraded).await;
        }
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        if let Some(session) = self.0.take() {
            let websockets = Arc::clone(&session.websockets);
            let close = (!websockets.stop.is_cancelled()).then(no_close_frame);
            websockets.detached.spawn(session.end(close));
        }
    }
}

/// What happens next on a connection.
enum Next {
    Progress(Progress),
    /// A message or a close is queued, or a message has been processed.
    Look,
    Unread,
    TimedOut,
    Stop,
}

impl Session {
    async fn run(self, upgraded: Upgraded) {
        let mut duplex = Duplex::new(upgraded, self.websockets.trigger.setup()).await;
        let mut messages = Messages::default();
        let close = self.serve(&mut duplex, &mut messages).await;
        drop(duplex);
        self.websockets.connections.remove(&self.link);
        messages.received().await;
        // What the client's messages have caused goes on after its connection.
        tokio::join!(self.end(close), messages.end());
    }

    /// Serves the connection until it ends. `None` if the host is stopping.
    async fn serve(&self, duplex: &mut Duplex, messages: &mut Messages) -> Option<Close> {
        let (websockets, link) = (&self.websockets, &self.link);
        let setup = websockets.trigger.setup();
        let end = setup.max_duration.map(|max| Instant::now() + max);
        let mut last_frame = Instant::now();
        // Until when what has begun may be finished, if the host is stopping.
        let mut drain_end = None;
        loop {
            while !duplex.is_full()
                && let Some(outgoing) = link.take()
            {
                match outgoing {
                    Outgoing::Message(message) => {
                        if let Err(error) = duplex.send(message) {
                            return Some(self.lost(&error));
                        }
                    }
                    Outgoing::Close(close) => return Some(duplex.close(close).await),
                }
            }
            let unread = duplex.write_deadline();
            if drain_end.is_some() && messages.is_empty() && unread.is_none() {
                duplex.close(going_away(String::new())).await;
                return None;
            }
            let idle_end = setup.idle_timeout.map(|idle| last_frame + idle);
            let deadline = drain_end.or_else(|| [end, idle_end].into_iter().flatten().min());
            // A connection that is closed reads no further message.
            let reads =
                drain_end.is_none() && messages.len() < CONNECTION_MESSAGES && !link.is_closing();
            let next = tokio::select! {
                biased;
                () = websockets.stop.cancelled(), if drain_end.is_none() => Next::Stop,
                () = sleep_until(deadline.unwrap_or(last_frame)), if deadline.is_some() => Next::TimedOut,
                () = sleep_until(unread.unwrap_or(last_frame)), if unread.is_some() => Next::Unread,
                () = link.wake.notified(), if !duplex.is_full() => Next::Look,
                progress = duplex.next(reads) => Next::Progress(progress),
                Some(()) = messages.next_end() => Next::Look,
            };
            match next {
                Next::Progress(Progress { sent, arrived }) => {
                    match arrived {
                        None => {}
                        Some(Ok(Message::Close(frame))) => {
                            websockets.connections.remove(link);
                            duplex.finish().await;
                            return Some(closed_by_client(frame));
                        }
                        Some(Ok(message)) => {
                            if let Some(message) = data(message) {
                                messages.process(websockets, link, message);
                            }
                        }
                        Some(Err(error)) => {
                            websockets.connections.remove(link);
                            return Some(duplex.fail(&error).await);
                        }
                    }
                    if let Some(Err(error)) = sent {
                        return Some(self.lost(&error));
                    }
                    last_frame = Instant::now();
                }
                Next::Look => {}
                Next::Unread => {
                    tracing::warn!(
                        "connection {} is closed: its client has not read what was sent to it within {} s",
                        link.connection.id,
                        WEBSOCKET_WRITE_TIMEOUT.as_secs()
                    );
                    return Some(no_close_frame());
                }
                Next::TimedOut if drain_end.is_none() => {
                    websockets.connections.remove(link);
                    let reason = setup.timeout_reason.clone();
                    return Some(duplex.close(going_away(reason)).await);
                }
                Next::TimedOut => {
                    // A client that does not read a message does not read a close frame, either.
                    if unread.is_none() {
                        duplex.close(going_away(String::new())).await;
                    }
                    return None;
                }
                // As with requests, what has begun is finished, and what is ready is sent.
                Next::Stop => drain_end = Some(Instant::now() + DRAIN_TIMEOUT),
            }
        }
    }

    fn lost(&self, error: &Error) -> Close {
        tracing::debug!("connection {}: {error}", self.link.connection.id);
        no_close_frame()
    }

    /// The connection has ended. `None` if the host is stopping.
    async fn end(self, close: Option<Close>) {
        let Self { websockets, link } = self;
        websockets.connections.remove(&link);
        let Some(close) = close else { return };
        let occasion = occasion();
        let ended = async {
            let disconnected = websockets
                .trigger
                .disconnected(&link.connection, &occasion, &close);
            let cause = Cause::End {
                connection: &link.connection.id,
                occasion: &occasion,
            };
            websockets.steps.run(cause, disconnected.await?).await
        };
        if let Err(error) = Box::pin(ended).await {
            log(&link, &error);
        }
    }
}

/// The message for the plugin; `None` for a control frame.
fn data(message: Message) -> Option<WebSocketMessage> {
    match message {
        Message::Text(text) => Some(WebSocketMessage::Text(text.as_str().to_owned())),
        Message::Binary(bytes) => Some(WebSocketMessage::Binary(bytes)),
        _ => None,
    }
}

fn going_away(reason: String) -> Close {
    Close {
        code: GOING_AWAY,
        reason,
    }
}

fn closed_by_client(frame: Option<CloseFrame>) -> Close {
    match frame {
        Some(frame) => Close {
            code: frame.code.into(),
            reason: frame.reason.as_str().to_owned(),
        },
        None => Close {
            code: NO_CODE,
            reason: String::new(),
        },
    }
}
