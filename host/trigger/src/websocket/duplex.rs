//! Both directions of a WebSocket connection's socket.
//!
//! [`Duplex::next`] reads and writes at the same time: a client that does not read can still send, and one that sends
//! without pause still receives. A message is sent in frames of up to [`SENT_FRAME_BYTES`], and small ones are written
//! together up to this size, so that a pong or a close frame waits for two such frames at most, however long a
//! message is.
//!
//! A pong that the client does not read is kept for it. Once [`PENDING_PONGS`] wait, nothing more is read: otherwise
//! the pongs of a client that never reads would fill the memory.
//!
//! On failure: what a client does wrong, and the end of its connection, are results of `next`. Closing takes up to
//! [`CLOSE_TIMEOUT`] for each of its parts and never fails; it tells how the connection has ended.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use bytes::Bytes;
use futures_util::{Sink as _, SinkExt as _, StreamExt as _};
use lambkin_http::Upgraded;
use lambkin_plugin::{Close, WebSocketMessage, WebSocketSetup};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{Instant, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

use crate::limits::{
    CLOSE_TIMEOUT, PENDING_PONGS, SENT_FRAME_BYTES, WEBSOCKET_BUFFER_BYTES, WEBSOCKET_LINGER_BYTES,
    WEBSOCKET_WRITE_TIMEOUT,
};

/// What stands for a connection that ended without a close frame.
const NO_CLOSE_FRAME: u16 = 1006;

/// The socket of one connection.
#[derive(Debug)]
pub(super) struct Duplex {
    stream: WebSocketStream<Upgraded>,
    /// What has not been written of the latest message.
    rest: Option<Rest>,
    /// The bytes of messages that have been written, and not all of them sent.
    unsent: usize,
    /// The pongs among what has not been sent.
    pongs: usize,
    write_deadline: Option<Instant>,
}

/// The end of a message.
#[derive(Debug)]
struct Rest {
    kind: Data,
    bytes: Bytes,
}

/// What has happened. At least one of the two has.
#[derive(Debug)]
pub(super) struct Progress {
    /// All that was written has been sent, or could not be.
    pub sent: Option<Result<(), Error>>,
    /// A message, ping, pong or close frame has arrived, or the client will send nothing more.
    pub arrived: Option<Result<Message, Error>>,
}

impl Duplex {
    pub(super) async fn new(socket: Upgraded, setup: &WebSocketSetup) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(WEBSOCKET_BUFFER_BYTES)
            .write_buffer_size(WEBSOCKET_BUFFER_BYTES)
            .max_message_size(Some(setup.max_message_bytes))
            .max_frame_size(Some(setup.max_frame_bytes));
        Self {
            stream: WebSocketStream::from_raw_socket(socket, Role::Server, Some(config)).await,
            rest: None,
            unsent: 0,
            pongs: 0,
            write_deadline: None,
        }
    }

    /// Whether a further message has to wait.
    pub(super) fn is_full(&self) -> bool {
        self.rest.is_some() || self.unsent >= SENT_FRAME_BYTES
    }

    /// Until when what has been written has to be sent. `None` if all of it has been.
    pub(super) fn write_deadline(&self) -> Option<Instant> {
        self.write_deadline
    }

    /// Begins to send a message; [`next`](Self::next) sends it.
    ///
    /// # Errors
    ///
    /// The client is gone.
    pub(super) fn send(&mut self, message: WebSocketMessage) -> Result<(), Error> {
        let (kind, bytes) = match message {
            WebSocketMessage::Text(text) => (Data::Text, text.into()),
            WebSocketMessage::Binary(bytes) => (Data::Binary, bytes),
        };
        self.write_frame(Rest { kind, bytes })
    }

    /// Waits until something has arrived, if `reads`, or all that was written has been sent. Dropping the future loses
    /// nothing.
    pub(super) async fn next(&mut self, reads: bool) -> Progress {
        let reads = reads && self.pongs < PENDING_PONGS;
        let writes = self.write_deadline.is_some();
        let stream = &mut self.stream;
        let (flushed, arrived) = poll_fn(|context| {
            let flushed = match writes.then(|| Pin::new(&mut *stream).poll_flush(context)) {
                Some(Poll::Ready(flushed)) => Some(flushed),
                _ => None,
            };
            let arrived = match reads.then(|| stream.poll_next_unpin(context)) {
                Some(Poll::Ready(arrived)) => Some(arrived.unwrap_or(Err(Error::ConnectionClosed))),
                _ => None,
            };
            if flushed.is_none() && arrived.is_none() {
                return Poll::Pending;
            }
            Poll::Ready((flushed, arrived))
        })
        .await;
        let sent = flushed.map(|flushed| flushed.and_then(|()| self.flushed()));
        if let Some(Ok(Message::Ping(_))) = arrived {
            self.pongs += 1;
            self.write_deadline.get_or_insert_with(write_deadline);
        }
        Progress { sent, arrived }
    }

    /// Goes on with the message that is being sent.
    fn flushed(&mut self) -> Result<(), Error> {
        self.unsent = 0;
        self.pongs = 0;
        self.write_deadline = None;
        match self.rest.take() {
            Some(rest) => self.write_frame(rest),
            None => Ok(()),
        }
    }

    /// Writes the next frame of a message. What the socket does not take waits for [`next`](Self::next).
    fn write_frame(&mut self, Rest { kind, mut bytes }: Rest) -> Result<(), Error> {
        let part = bytes.split_to(bytes.len().min(SENT_FRAME_BYTES));
        let frame = Frame::message(part, OpCode::Data(kind), bytes.is_empty());
        self.rest = (!bytes.is_empty()).then_some(Rest {
            kind: Data::Continue,
            bytes,
        });
        self.unsent += frame.len();
        self.write_deadline.get_or_insert_with(write_deadline);
        Pin::new(&mut self.stream).start_send(Message::Frame(frame))
    }

    /// Sends a close frame, and waits for the client's. Returns how the connection has ended.
    pub(super) async fn close(&mut self, close: Close) -> Close {
        if self.send_close(&close).await {
            self.finish().await;
            close
        } else {
            no_close_frame()
        }
    }

    /// Ends a connection whose client broke a rule, with the code for it, or is gone.
    pub(super) async fn fail(&mut self, error: &Error) -> Close {
        let code = match error {
            Error::Capacity(_) => CloseCode::Size,
            Error::Utf8(_) => CloseCode::Invalid,
            Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
                return no_close_frame();
            }
            Error::Protocol(_) => CloseCode::Protocol,
            _ => return no_close_frame(),
        };
        let close = Close {
            code: code.into(),
            reason: String::new(),
        };
        let is_sent = self.send_close(&close).await;
        let _ = timeout(CLOSE_TIMEOUT, self.linger()).await; // long enough
        if is_sent { close } else { no_close_frame() }
    }

    /// Completes the close handshake. The client's messages are dropped.
    pub(super) async fn finish(&mut self) {
        let rest = async { while let Some(Ok(_)) = self.stream.next().await {} };
        let _ = timeout(CLOSE_TIMEOUT, rest).await; // the client does not answer
        let _ = timeout(CLOSE_TIMEOUT, self.stream.get_mut().shutdown()).await; // it may be gone
    }

    /// Whether a close frame has been sent. It may come in the middle of a message, between two frames.
    async fn send_close(&mut self, close: &Close) -> bool {
        let frame = CloseFrame {
            code: close.code.into(),
            reason: Utf8Bytes::from(close.reason.as_str()),
        };
        let sending = self.stream.send(Message::Close(Some(frame)));
        matches!(timeout(CLOSE_TIMEOUT, sending).await, Ok(Ok(())))
    }

    /// Reads what the client is sending, so that it receives the close frame: closing a socket with unread bytes would
    /// reset the connection.
    async fn linger(&mut self) {
        let socket = self.stream.get_mut();
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
}

/// How a connection has ended whose client sent no close frame and received none.
pub(super) fn no_close_frame() -> Close {
    Close {
        code: NO_CLOSE_FRAME,
        reason: String::new(),
    }
}

fn write_deadline() -> Instant {
    Instant::now() + WEBSOCKET_WRITE_TIMEOUT
}
