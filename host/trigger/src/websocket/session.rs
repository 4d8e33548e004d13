//! One WebSocket connection, from the end of its handshake to its end.
//!
//! The task reads frames, passes messages to the plugin in their order, and sends what others have queued. What a message
//! causes runs in tasks of its own, so that a slow function delays neither other messages nor the pongs.
//!
//! On failure: see [`crate::websocket`]. However a connection ends, it is removed from the open ones first, and then the
//! plugin's `disconnected` is called, unless the host is stopping.

use std::sync::Arc;

use lambkin_http::Upgraded;
use lambkin_lambda::{new_request_id, new_trace_id, now_ms};
use lambkin_model::Body;
use lambkin_plugin::{Close, Occasion, PluginError, SendError, WebSocketMessage, WebSocketTrigger};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};
use tokio_util::sync::CancellationToken;

use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};

use crate::http_exchange::{Cause, Steps};
use crate::limits::{
    CLOSE_TIMEOUT, CONNECTION_MESSAGES, WEBSOCKET_BUFFER_BYTES, WEBSOCKET_LINGER_BYTES,
    WEBSOCKET_WRITE_TIMEOUT,
};
use crate::websocket::open_connections::{Link, OpenConnections, Outgoing};

/// The close code of a host that stops, and of a connection that has lasted long enough.
const GOING_AWAY: u16 = 1001;
/// What stands for a close frame without a code, and for no close frame.
const NO_CODE: u16 = 1005;
const NO_CLOSE_FRAME: u16 = 1006;

/// What the sessions of a trigger have in common.
#[derive(Debug)]
pub(crate) struct WebSockets {
    pub trigger: WebSocketTrigger,
    pub connections: Arc<OpenConnections>,
    pub steps: Arc<Steps>,
    pub stop: CancellationToken,
}

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
            let is_stopping = session.websockets.stop.is_cancelled();
            let close = (!is_stopping).then(no_close_frame);
            tokio::spawn(session.end(close));
        }
    }
}

fn no_close_frame() -> Close {
    Close {
        code: NO_CLOSE_FRAME,
        reason: String::new(),
    }
}

type Stream = WebSocketStream<Upgraded>;

/// What happens next on a connection.
enum Next {
    Frame(Option<Result<Message, Error>>),
    Outbox,
    TimedOut,
    Stop,
}

impl Session {
    async fn run(self, upgraded: Upgraded) {
        let setup = self.websockets.trigger.setup();
        let config = WebSocketConfig::default()
            .read_buffer_size(WEBSOCKET_BUFFER_BYTES)
            .write_buffer_size(WEBSOCKET_BUFFER_BYTES)
            .max_message_size(Some(setup.max_message_bytes))
            .max_frame_size(Some(setup.max_frame_bytes));
        let mut stream =
            WebSocketStream::from_raw_socket(upgraded, Role::Server, Some(config)).await;
        let mut messages = JoinSet::new();
        let close = self.serve(&mut stream, &mut messages).await;
        drop(stream);
        // What the client's messages have caused goes on after its connection.
        let rest = async { while messages.join_next().await.is_some() {} };
        tokio::join!(self.end(close), rest);
    }

    /// Serves the connection until it ends. `None` if the host is stopping.
    async fn serve(&self, stream: &mut Stream, messages: &mut JoinSet<()>) -> Option<Close> {
        let setup = self.websockets.trigger.setup();
        let end = setup.max_duration.map(|max| Instant::now() + max);
        let mut last_frame = Instant::now();
        let mut has_sent = false;
        loop {
            let idle_end = setup.idle_timeout.map(|idle| last_frame + idle);
            let deadline = [end, idle_end].into_iter().flatten().min();
            let reads = messages.len() < CONNECTION_MESSAGES;
            // After each message that is sent, one that has arrived is read: neither direction waits for the other.
            let arrived = if has_sent && reads && !self.link.is_closing() {
                stream.next().now_or_never()
            } else {
                None
            };
            has_sent = false;
            let next = match arrived {
                Some(frame) => Next::Frame(frame),
                None => tokio::select! {
                    biased;
                    () = self.websockets.stop.cancelled() => Next::Stop,
                    () = sleep_until(deadline.unwrap_or(last_frame)), if deadline.is_some() => Next::TimedOut,
                    // Before frames, so that a connection that is closed reads no further message.
                    () = self.link.wake.notified() => Next::Outbox,
                    frame = stream.next(), if reads => Next::Frame(frame),
                    Some(_) = messages.join_next() => continue,
                },
            };
            match next {
                Next::Frame(Some(Ok(frame))) => {
                    match frame {
                        Message::Text(text) => {
                            let text = WebSocketMessage::Text(text.as_str().to_owned());
                            Box::pin(self.receive(text, messages)).await;
                        }
                        Message::Binary(bytes) => {
                            let binary = WebSocketMessage::Binary(bytes);
                            Box::pin(self.receive(binary, messages)).await;
                        }
                        Message::Close(frame) => {
                            self.websockets.connections.remove(&self.link);
                            finish(stream).await;
                            return Some(closed_by_client(frame));
                        }
                        // A pong that the client does not read stops the reading of further pings.
                        Message::Ping(_) => match self.sent(stream.flush()).await {
                            Sent::All => {}
                            Sent::Stopping => continue,
                            Sent::Failed => return Some(no_close_frame()),
                        },
                        Message::Pong(_) | Message::Frame(_) => {}
                    }
                    last_frame = Instant::now();
                }
                Next::Frame(Some(Err(error))) => {
                    self.websockets.connections.remove(&self.link);
                    return Some(fail(stream, &error).await);
                }
                Next::Frame(None) => return Some(no_close_frame()),
                Next::Outbox => {
                    match self.link.take() {
                        None => continue,
                        Some(Outgoing::Close(close)) => {
                            return Some(send_close(stream, close).await);
                        }
                        Some(Outgoing::Message(message)) => {
                            match self.sent(stream.send(frames(message))).await {
                                Sent::All => self.link.wake.notify_one(),
                                Sent::Stopping => continue,
                                Sent::Failed => return Some(no_close_frame()),
                            }
                        }
                    }
                    last_frame = Instant::now();
                    has_sent = true;
                }
                Next::TimedOut => {
                    self.websockets.connections.remove(&self.link);
                    let reason = setup.timeout_reason.clone();
                    return Some(send_close(stream, going_away(reason)).await);
                }
                Next::Stop => {
                    // As with requests, what has begun is finished, and what is ready is sent.
                    while messages.join_next().await.is_some() {}
                    let rest = async {
                        while let Some(Outgoing::Message(message)) = self.link.take() {
                            if stream.send(frames(message)).await.is_err() {
                                return;
                            }
                        }
                    };
                    let _ = timeout(CLOSE_TIMEOUT, rest).await; // the client does not read
                    send_close(stream, going_away(String::new())).await;
                    return None;
                }
            }
        }
    }

    /// Passes a message to the plugin, and goes on with it in a task.
    async fn receive(&self, message: WebSocketMessage, tasks: &mut JoinSet<()>) {
        self.link.note_activity();
        let occasion = occasion();
        let connection = &self.link.connection;
        let received = self
            .websockets
            .trigger
            .receive(connection, &occasion, &message);
        match received.await {
            Ok(step) => {
                let (steps, link) = (Arc::clone(&self.websockets.steps), Arc::clone(&self.link));
                tasks.spawn(async move {
                    let cause = Cause::Message {
                        connection: &link.connection.id,
                        occasion: &occasion,
                    };
                    match steps.run(cause, step).await {
                        Ok(answered) => reply(&link, answered.answer.response.body),
                        Err(error) => log(&link, &error),
                    }
                });
            }
            Err(error) => log(&self.link, &error),
        }
    }

    /// Waits until a frame has been written, the client has not read it in time, or the host stops.
    async fn sent(&self, writing: impl Future<Output = Result<(), Error>>) -> Sent {
        let id = &self.link.connection.id;
        tokio::select! {
            written = timeout(WEBSOCKET_WRITE_TIMEOUT, writing) => match written {
                Ok(Ok(())) => Sent::All,
                Ok(Err(error)) => {
                    tracing::debug!("connection {id}: {error}");
                    Sent::Failed
                }
                Err(_) => {
                    tracing::warn!(
                        "connection {id} is closed: its client has not read a message within {} s",
                        WEBSOCKET_WRITE_TIMEOUT.as_secs()
                    );
                    Sent::Failed
                }
            },
            () = self.websockets.stop.cancelled() => Sent::Stopping,
        }
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

/// How sending went.
enum Sent {
    All,
    /// The host stops.
    Stopping,
    /// The client is gone.
    Failed,
}

fn going_away(reason: String) -> Close {
    Close {
        code: GOING_AWAY,
        reason,
    }
}

fn occasion() -> Occasion {
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

fn log(link: &Link, error: &PluginError) {
    tracing::error!("connection {}: {error}", link.connection.id);
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

/// Ends a connection whose client broke a rule, with the code for it.
async fn fail(stream: &mut Stream, error: &Error) -> Close {
    let code = match error {
        Error::Capacity(_) => CloseCode::Size,
        Error::Utf8(_) => CloseCode::Invalid,
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => return no_close_frame(),
        Error::Protocol(_) => CloseCode::Protocol,
        _ => return no_close_frame(),
    };
    let close = Close {
        code: code.into(),
        reason: String::new(),
    };
    let sent = timeout(CLOSE_TIMEOUT, stream.close(Some(frame(&close)))).await;
    let _ = timeout(CLOSE_TIMEOUT, linger(stream)).await; // long enough
    match sent {
        Ok(Ok(())) => close,
        _ => no_close_frame(),
    }
}

/// Sends a close frame, and waits for the client's. Returns how the connection has ended.
async fn send_close(stream: &mut Stream, close: Close) -> Close {
    match timeout(CLOSE_TIMEOUT, stream.close(Some(frame(&close)))).await {
        Ok(Ok(())) => {
            finish(stream).await;
            close
        }
        _ => no_close_frame(),
    }
}

/// Completes the close handshake. The client's messages are dropped.
async fn finish(stream: &mut Stream) {
    let rest = async { while let Some(Ok(_)) = stream.next().await {} };
    let _ = timeout(CLOSE_TIMEOUT, rest).await; // the client does not answer
    let _ = timeout(CLOSE_TIMEOUT, stream.get_mut().shutdown()).await; // it may be gone
}

/// Reads what the client is sending, so that it receives the close frame: closing a socket with unread bytes would
/// reset the connection.
async fn linger(stream: &mut Stream) {
    let socket = stream.get_mut();
    let _ = socket.shutdown().await; // the client may be gone
    let mut left = WEBSOCKET_LINGER_BYTES;
    let mut buffer = vec![0; 4096];
    while let Ok(read) = socket.read(&mut buffer).await {
        left = left.saturating_sub(read);
        if read == 0 || left == 0 {
            return;
        }
    }
}

/// A message as tungstenite sends it.
fn frames(message: WebSocketMessage) -> Message {
    match message {
        WebSocketMessage::Text(text) => Message::Text(text.into()),
        WebSocketMessage::Binary(bytes) => Message::Binary(bytes),
    }
}

fn frame(close: &Close) -> CloseFrame {
    CloseFrame {
        code: close.code.into(),
        reason: Utf8Bytes::from(close.reason.as_str()),
    }
}
