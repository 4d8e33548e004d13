//! A streamed response on its way to an HTTP client.
//!
//! A function that answers HTTP puts a prelude before its body: JSON with status, headers and cookies, then eight zero
//! bytes. The prelude is for the plugin, which turns it into status and headers; the body passes it by.
//!
//! On failure: a stream that ends before its prelude does, or whose prelude is too long, is a failed function. One that
//! breaks off later breaks the client's connection off as well, so that nobody takes a part for the whole.

use std::io;

use bytes::{Bytes, BytesMut};
use lambkin_lambda::{HTTP_INTEGRATION, ResponseStream};
use tokio::sync::mpsc;

/// What separates the prelude from the body.
const DELIMITER: [u8; 8] = [0; 8];

/// The longest prelude: as much as all headers of a response may be.
const PRELUDE_BYTES: usize = 64 * 1024;

/// A stream whose prelude has been read.
#[derive(Debug)]
pub(crate) struct Opened {
    /// JSON; empty if the stream has none.
    pub prelude: String,
    /// What came with the end of the prelude.
    first: Bytes,
    rest: ResponseStream,
}

/// Reads a stream's prelude. An error says why there is none.
pub(crate) async fn open(mut stream: ResponseStream) -> Result<Opened, &'static str> {
    let has_prelude = stream.content_type.as_deref() == Some(HTTP_INTEGRATION);
    if !has_prelude {
        return Ok(Opened {
            prelude: String::new(),
            first: Bytes::new(),
            rest: stream,
        });
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
    Ok(Opened {
        prelude: String::from_utf8_lossy(&read).into_owned(),
        first,
        rest: stream,
    })
}

fn find_delimiter(bytes: &[u8], from: usize) -> Option<usize> {
    let tail = bytes.get(from..)?;
    let at = tail
        .windows(DELIMITER.len())
        .position(|window| window == DELIMITER)?;
    Some(from + at)
}

impl Opened {
    /// The body as it comes.
    pub(crate) fn into_body(self) -> lambkin_http::Body {
        let (sender, body) = mpsc::channel(1);
        tokio::spawn(self.forward(sender));
        lambkin_http::Body::Channel(body)
    }

    async fn forward(mut self, to: mpsc::Sender<io::Result<Bytes>>) {
        if !self.first.is_empty() && to.send(Ok(self.first)).await.is_err() {
            return;
        }
        // A client that has gone away drops the receiver; the function's pieces are thrown away from then on.
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
            let _client_has_gone = to.send(Err(io::Error::other(error))).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::oneshot;

    async fn opened(content_type: &str, pieces: &[&'static [u8]]) -> Result<Opened, &'static str> {
        let (sender, chunks) = mpsc::channel(16);
        for piece in pieces {
            sender.send(Bytes::from_static(piece)).await.unwrap();
        }
        drop(sender);
        let (_end_sender, end) = oneshot::channel();
        open(ResponseStream {
            content_type: Some(content_type.to_owned()),
            chunks,
            end,
        })
        .await
    }

    #[tokio::test]
    async fn a_prelude_ends_at_eight_zero_bytes_however_they_come() {
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
            let opened = opened(HTTP_INTEGRATION, pieces).await.unwrap();
            assert_eq!(opened.prelude, "{\"statusCode\":201}");
            assert!(opened.first.is_empty() || opened.first == "body");
        }
    }

    #[tokio::test]
    async fn other_content_types_have_no_prelude() {
        let opened = opened("text/plain", &[b"text"]).await.unwrap();
        assert_eq!(opened.prelude, "");
    }

    #[tokio::test]
    async fn a_prelude_without_an_end_is_an_error() {
        let error = opened(HTTP_INTEGRATION, &[b"{}"]).await.unwrap_err();
        assert_eq!(error, "the response ended within its prelude");
    }
}
