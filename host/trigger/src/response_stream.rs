//! Streamed responses, on their way from a function to an HTTP client.
//!
//! As on AWS, a function that answers HTTP requests writes a prelude before the body: a JSON object with status,
//! headers and cookies, then eight zero bytes. The plugin turns the prelude into status and headers. The body goes to
//! the client without the plugin.
//!
//! On failure: a stream that ends within its prelude, or whose prelude is longer than [`PRELUDE_BYTES`], counts as a
//! failed function. If the stream fails later, the client's connection is closed, so that the client can tell that the
//! response is incomplete.

use std::io;

use bytes::{Bytes, BytesMut};
use lambkin_lambda::{HTTP_INTEGRATION, ResponseStream};
use lambkin_plugin::StreamHead;
use tokio::sync::mpsc;

/// The bytes between prelude and body.
const DELIMITER: [u8; 8] = [0; 8];

/// The maximum length of a prelude, in bytes. It is checked with each chunk that does not complete the prelude.
const PRELUDE_BYTES: usize = 64 * 1024;

/// The body of a streamed response, from the end of the prelude on.
#[derive(Debug)]
pub(crate) struct StreamedBody {
    /// The bytes that arrived together with the end of the prelude.
    first: Bytes,
    rest: ResponseStream,
}

impl StreamedBody {
    /// Reads a stream's prelude, if the content type says that there is one. Returns what the plugin has to know, with
    /// the body.
    ///
    /// # Errors
    ///
    /// The prelude is incomplete or too long; the text says which.
    pub(crate) async fn open(
        mut stream: ResponseStream,
    ) -> Result<(StreamHead, Self), &'static str> {
        let mut head = StreamHead {
            prelude: None,
            content_type: stream.content_type.clone(),
        };
        if head.content_type.as_deref() != Some(HTTP_INTEGRATION) {
            let body = Self {
                first: Bytes::new(),
                rest: stream,
            };
            return Ok((head, body));
        }
        let mut read = BytesMut::new();
        let end = loop {
            let searched = read.len().saturating_sub(DELIMITER.len() - 1);
            let Some(chunk) = stream.chunks.recv().await else {
                return Err("the response ended within its prelude");
            };
            read.extend_from_slice(&chunk);
            if let Some(end) = find_delimiter(&read, searched) {
                break end;
            }
            if read.len() > PRELUDE_BYTES {
                return Err("the response's prelude is too long, or has no end");
            }
        };
        let first = read.split_off(end + DELIMITER.len()).freeze();
        read.truncate(end);
        head.prelude = Some(String::from_utf8_lossy(&read).into_owned());
        Ok((
            head,
            Self {
                first,
                rest: stream,
            },
        ))
    }

    /// The body of the HTTP response, which is sent as it arrives.
    pub(crate) fn into_body(self) -> lambkin_http::Body {
        let (sender, body) = mpsc::channel(1);
        tokio::spawn(self.forward(sender));
        lambkin_http::Body::Channel(body)
    }

    async fn forward(mut self, to: mpsc::Sender<io::Result<Bytes>>) {
        if !self.first.is_empty() && to.send(Ok(self.first)).await.is_err() {
            return;
        }
        // If the client goes away, dropping the receiver makes the sends fail, and the rest of the stream is dropped.
        while let Some(chunk) = self.rest.chunks.recv().await {
            if to.send(Ok(chunk)).await.is_err() {
                return;
            }
        }
        let error = match self.rest.end.await {
            Ok(end) => end.error.map(|error| error.error_type),
            Err(_closed) => Some("the host is shutting down".to_owned()),
        };
        if let Some(error) = error {
            let _ = to.send(Err(io::Error::other(error))).await; // the client went away
        }
    }
}

fn find_delimiter(bytes: &[u8], from: usize) -> Option<usize> {
    let tail = bytes.get(from..)?;
    let at = tail
        .windows(DELIMITER.len())
        .position(|window| window == DELIMITER)?;
    Some(from + at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::oneshot;

    async fn open(
        content_type: &str,
        pieces: &[&'static [u8]],
    ) -> Result<(StreamHead, StreamedBody), &'static str> {
        let (sender, chunks) = mpsc::channel(16);
        for piece in pieces {
            sender.send(Bytes::from_static(piece)).await.unwrap();
        }
        drop(sender);
        let (_end_sender, end) = oneshot::channel();
        StreamedBody::open(ResponseStream {
            content_type: Some(content_type.to_owned()),
            chunks,
            end,
        })
        .await
    }

    #[tokio::test]
    async fn a_prelude_ends_at_eight_zero_bytes_even_if_they_are_split() {
        for pieces in [
            &[&b"{\"statusCode\":201}\0\0\0\0\0\0\0\0body"[..]][..],
            &[b"{\"statusCode\":201}\0\0\0", b"\0\0\0\0\0body"],
            &[
                b"{\"statusCode\"",
                b":201}",
                b"\0\0\0\0\0\0\0",
                b"\0",
                b"body",
            ],
        ] {
            let (head, body) = open(HTTP_INTEGRATION, pieces).await.unwrap();
            assert_eq!(head.prelude.as_deref(), Some("{\"statusCode\":201}"));
            assert!(body.first.is_empty() || body.first == "body");
        }
    }

    #[tokio::test]
    async fn other_content_types_have_no_prelude() {
        let (head, _body) = open("text/plain", &[b"text"]).await.unwrap();
        assert_eq!(head.prelude, None);
        assert_eq!(head.content_type.as_deref(), Some("text/plain"));
    }

    #[tokio::test]
    async fn a_prelude_without_an_end_is_an_error() {
        let error = open(HTTP_INTEGRATION, &[b"{}"]).await.unwrap_err();
        assert_eq!(error, "the response ended within its prelude");
    }
}
