//! The beginning of a connection: TLS, if the listener has it, and whether the client speaks HTTP/1.1 or HTTP/2.
//!
//! With TLS the two agree on the protocol. Without, a client that speaks HTTP/2 begins with its preface, which no
//! request of HTTP/1.1 begins with ("prior knowledge").

use std::io;
use std::net::SocketAddr;

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use crate::peer::Peer;
use crate::stream::Stream;
use crate::tls::{HTTP_2, Tls};

/// The first bytes of a client that speaks HTTP/2.
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A connection whose protocol is known.
pub(crate) struct Opened {
    pub stream: Stream,
    /// What has been read of it.
    pub first: Vec<u8>,
    pub is_http_2: bool,
}

/// Opens a connection. Returns `None` if it has ended before a request.
pub(crate) async fn open(
    stream: TcpStream,
    tls: Option<&Tls>,
    names: (SocketAddr, &str),
    peer: &Peer,
) -> Option<Opened> {
    let mut stream = match tls {
        None => Stream::Plain(stream),
        Some(tls) => Stream::Tls(tls.accept(stream, names, || peer.head_waits()).await?),
    };
    if let Stream::Tls(tls) = &stream
        && let Some(protocol) = tls.get_ref().1.alpn_protocol()
    {
        let is_http_2 = protocol == HTTP_2;
        peer.opens();
        return Some(Opened {
            stream,
            first: Vec::new(),
            is_http_2,
        });
    }
    let (first, is_http_2) = read_first(&mut stream, peer).await.ok()?;
    // Otherwise the rest of a head is awaited already.
    if is_http_2 {
        peer.opens();
    }
    (!first.is_empty()).then_some(Opened {
        stream,
        first,
        is_http_2,
    })
}

/// Reads until it is clear whether the client speaks HTTP/2. Returns what was read.
async fn read_first(stream: &mut Stream, peer: &Peer) -> io::Result<(Vec<u8>, bool)> {
    let mut first = Vec::with_capacity(PREFACE.len());
    loop {
        let left = PREFACE.len() - first.len();
        let read = stream.take(left as u64).read_buf(&mut first).await?;
        let may_be_http_2 = PREFACE.starts_with(&first);
        if read == 0 || !may_be_http_2 {
            return Ok((first, false));
        }
        if first.len() == PREFACE.len() {
            return Ok((first, true));
        }
        peer.head_waits();
    }
}
