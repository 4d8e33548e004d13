//! Delivering telemetry to a subscriber, with one task and at most one connection for each.
//!
//! HTTP subscribers get each batch as a JSON array in one request and acknowledge it with any 2xx status; TCP
//! subscribers get one event per line. A batch that cannot be delivered is retried with growing pauses and dropped
//! after [`TELEMETRY_ATTEMPTS`]. Delivery is at least once: a batch whose response is lost is sent again.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::queue::{Batch, Queue};
use super::subscription::Destination;
use crate::limits::{
    TELEMETRY_ATTEMPT_TIMEOUT, TELEMETRY_ATTEMPTS, TELEMETRY_LONGEST_RETRY_PAUSE,
    TELEMETRY_RESPONSE_BYTES, TELEMETRY_RETRY_PAUSE,
};

/// Delivers the events of the queue, until the task is dropped.
pub(super) async fn deliver(extension: String, queue: Arc<Queue>, destination: Destination) {
    let mut connection = Connection {
        destination,
        open: None,
    };
    loop {
        let batch = queue.next_batch().await;
        match deliver_batch(&mut connection, &queue, &batch).await {
            Ok(()) => queue.delivered(),
            Err(error) => {
                let address = connection.address();
                tracing::warn!(
                    "telemetry for the extension {extension} was dropped after {TELEMETRY_ATTEMPTS} \
                     attempts to deliver it to {address}: {error}; does the extension listen there?"
                );
                queue.failed(&batch);
            }
        }
    }
}

/// Why an attempt failed.
#[derive(Debug, thiserror::Error)]
enum DeliveryError {
    #[error("cannot connect: {0}")]
    Connect(io::Error),
    #[error("the listener closed the connection")]
    Closed,
    #[error("cannot write: {0}")]
    Write(io::Error),
    #[error("{0}")]
    Http(#[from] hyper::Error),
    #[error("{0}")]
    Request(#[from] http::Error),
    #[error("the listener answered {0}")]
    Refused(StatusCode),
    #[error("the listener's response cannot be read: {0}")]
    Response(Box<dyn std::error::Error + Send + Sync>),
    #[error("the listener did not acknowledge it within {} s", TELEMETRY_ATTEMPT_TIMEOUT.as_secs())]
    TimedOut,
}

async fn deliver_batch(
    connection: &mut Connection,
    queue: &Queue,
    batch: &Batch,
) -> Result<(), DeliveryError> {
    let body = connection.body(batch);
    let mut failures = 0;
    loop {
        let sending = connection.send(body.clone());
        let sent = tokio::time::timeout(TELEMETRY_ATTEMPT_TIMEOUT, sending).await;
        let Err(error) = sent.unwrap_or(Err(DeliveryError::TimedOut)) else {
            return Ok(());
        };
        connection.open = None;
        failures += 1;
        // During the shutdown no later batch waits for this one.
        if failures >= TELEMETRY_ATTEMPTS && !queue.is_urgent() {
            return Err(error);
        }
        queue.pause(retry_pause(failures)).await;
    }
}

/// The pause before a batch is retried after this number of failures.
fn retry_pause(failures: u32) -> Duration {
    let factor = 1_u32.checked_shl(failures.saturating_sub(1));
    let pause = TELEMETRY_RETRY_PAUSE.saturating_mul(factor.unwrap_or(u32::MAX));
    pause.min(TELEMETRY_LONGEST_RETRY_PAUSE)
}

/// The connection to a subscriber.
struct Connection {
    destination: Destination,
    /// Kept open between batches, and closed after a failure.
    open: Option<OpenConnection>,
}

enum OpenConnection {
    Http {
        requests: SendRequest<Full<Bytes>>,
        /// The task that drives the connection; dropped with it.
        _driver: JoinSet<()>,
    },
    Tcp(TcpStream),
}

impl Connection {
    fn address(&self) -> SocketAddr {
        match &self.destination {
            Destination::Http { address, .. } | Destination::Tcp(address) => *address,
        }
    }

    fn body(&self, batch: &Batch) -> Bytes {
        match self.destination {
            Destination::Http { .. } => batch.array(),
            Destination::Tcp(_) => batch.lines(),
        }
    }

    async fn send(&mut self, body: Bytes) -> Result<(), DeliveryError> {
        if !self.is_usable().await {
            self.open = Some(self.connect().await?);
        }
        match &mut self.open {
            Some(OpenConnection::Http { requests, .. }) => {
                let request = request(&self.destination, body)?;
                send_request(requests, request).await
            }
            Some(OpenConnection::Tcp(stream)) => {
                stream.write_all(&body).await.map_err(DeliveryError::Write)
            }
            None => Err(DeliveryError::Closed),
        }
    }

    /// Whether there is a connection that the listener has not closed meanwhile.
    async fn is_usable(&mut self) -> bool {
        match &mut self.open {
            None => false,
            Some(OpenConnection::Http { requests, .. }) => requests.ready().await.is_ok(),
            Some(OpenConnection::Tcp(stream)) => is_open(stream),
        }
    }

    async fn connect(&self) -> Result<OpenConnection, DeliveryError> {
        let stream = TcpStream::connect(self.address())
            .await
            .map_err(DeliveryError::Connect)?;
        if matches!(self.destination, Destination::Tcp(_)) {
            return Ok(OpenConnection::Tcp(stream));
        }
        let (requests, connection) = handshake(TokioIo::new(stream)).await?;
        let mut driver = JoinSet::new();
        driver.spawn(async move {
            let _ = connection.await; // the request returns the error
        });
        Ok(OpenConnection::Http {
            requests,
            _driver: driver,
        })
    }
}

fn request(destination: &Destination, body: Bytes) -> Result<Request<Full<Bytes>>, http::Error> {
    let builder = match destination {
        Destination::Http {
            authority,
            path,
            method,
            ..
        } => Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, authority),
        Destination::Tcp(_) => Request::builder(),
    };
    builder
        .header(CONTENT_TYPE, "application/json")
        .body(Full::new(body))
}

async fn send_request(
    requests: &mut SendRequest<Full<Bytes>>,
    request: Request<Full<Bytes>>,
) -> Result<(), DeliveryError> {
    let response = requests.send_request(request).await?;
    let status = response.status();
    // Read to its end, so that the connection can be used again.
    let body = Limited::new(response.into_body(), TELEMETRY_RESPONSE_BYTES);
    let collected = body.collect().await;
    if !status.is_success() {
        return Err(DeliveryError::Refused(status));
    }
    collected.map(drop).map_err(DeliveryError::Response)
}

/// Whether the subscriber has not closed the connection. It is not expected to send anything, so its bytes are
/// discarded.
fn is_open(stream: &TcpStream) -> bool {
    let mut buffer = [0; 1024];
    loop {
        match stream.try_read(&mut buffer) {
            Ok(0) => return false,
            Ok(_) => {}
            Err(error) => return error.kind() == io::ErrorKind::WouldBlock,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_a_limit() {
        assert_eq!(retry_pause(1), TELEMETRY_RETRY_PAUSE);
        assert_eq!(retry_pause(3), TELEMETRY_RETRY_PAUSE * 4);
        for failures in [10, 32, 33, 40] {
            assert_eq!(retry_pause(failures), TELEMETRY_LONGEST_RETRY_PAUSE);
        }
    }
}
