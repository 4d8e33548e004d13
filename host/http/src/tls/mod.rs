//! TLS for listeners: their certificates, and the handshake of a connection.
//!
//! A handshake runs in the task of its connection and has a time limit, so that a client that delays it delays no
//! other one. The protocol is agreed on in it (ALPN): HTTP/2 or HTTP/1.1.
//!
//! On failure: a connection without a handshake ends. A client that speaks plain HTTP gets a response that says so. The
//! log has a line for the first failure of each kind, because a client that does not trust the certificate comes again.

mod authority;
mod certificate;

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::{AlertDescription, Error};
use tokio_rustls::server::TlsStream;

use crate::limits::{HANDSHAKE_TIMEOUT, LEFTOVER_TIMEOUT, PLAIN_REQUEST_BYTES};

pub use authority::{LocalAuthority, local_names};
pub use certificate::{
    AuthorityError, Certificate, CertificateError, CertificateFile, CertificateSource,
};

/// The names of the protocols in ALPN.
pub(crate) const HTTP_2: &[u8] = b"h2";
const HTTP_1: &[u8] = b"http/1.1";

/// The first byte of a TLS connection: the type of a record with a handshake.
const HANDSHAKE: u8 = 22;

const PLAIN_HTTP: &str = "This port speaks TLS: use https:// in place of http://.\n";

/// What the connections of a listener with TLS have in common.
#[derive(Clone)]
pub(crate) struct Tls {
    acceptor: TlsAcceptor,
    /// The failures that have been logged.
    logged: Arc<Mutex<BTreeSet<&'static str>>>,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

impl Tls {
    pub(crate) fn new(certificate: &Certificate) -> Self {
        Self {
            acceptor: TlsAcceptor::from(certificate.config()),
            logged: Arc::default(),
        }
    }

    /// Waits for the client's first byte and agrees on TLS with it. Returns `None` if the connection has ended.
    /// `begins` is called when the byte has arrived.
    pub(crate) async fn accept(
        &self,
        stream: TcpStream,
        (client, listener): (SocketAddr, &str),
        begins: impl FnOnce(),
    ) -> Option<Box<TlsStream<TcpStream>>> {
        let mut first = [0];
        if stream.peek(&mut first).await.ok()? == 0 {
            return None;
        }
        begins();
        if first != [HANDSHAKE] {
            self.log_once("plain", || {
                format!("{listener}: {client} does not speak TLS, which this port asks for (https)")
            });
            // Nothing can be done if the client is gone.
            let _ = timeout(LEFTOVER_TIMEOUT, refuse_plain(stream)).await;
            return None;
        }
        match timeout(HANDSHAKE_TIMEOUT, self.acceptor.accept(stream)).await {
            Ok(Ok(stream)) => Some(Box::new(stream)),
            Ok(Err(error)) => {
                let (kind, why) = explain(&error);
                self.log_once(kind, || {
                    format!("{listener}: no TLS connection with {client}: {why}")
                });
                None
            }
            Err(_elapsed) => {
                tracing::debug!(%client, "the TLS handshake took too long");
                None
            }
        }
    }

    fn log_once(&self, kind: &'static str, message: impl FnOnce() -> String) {
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        if logged.insert(kind) {
            tracing::warn!("{} (further ones like it are not logged)", message());
        }
    }
}

/// The kind of a failure, and what it means.
fn explain(error: &io::Error) -> (&'static str, String) {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    match inner {
        Some(Error::AlertReceived(
            AlertDescription::UnknownCA
            | AlertDescription::BadCertificate
            | AlertDescription::CertificateUnknown,
        )) => (
            "trust",
            "the client does not trust the certificate; with `tls = true`, it has to trust the local authority, whose \
             file is printed at the start"
                .to_owned(),
        ),
        Some(Error::AlertReceived(AlertDescription::CertificateExpired)) => (
            "expired",
            "the client finds that the certificate has expired".to_owned(),
        ),
        Some(Error::NoApplicationProtocol) => (
            "protocol",
            "the client offers neither HTTP/2 nor HTTP/1.1".to_owned(),
        ),
        Some(error @ Error::PeerIncompatible(_)) => (
            "version",
            format!("the client and Lambkin have no version or cipher of TLS in common: {error}"),
        ),
        Some(error) => ("handshake", error.to_string()),
        None => ("connection", error.to_string()),
    }
}

/// Answers a request that is not encrypted. What has arrived of it is read, so that the client gets to see the response.
async fn refuse_plain(mut stream: TcpStream) -> io::Result<()> {
    let mut request = [0; PLAIN_REQUEST_BYTES];
    let _ = stream.read(&mut request).await?;
    let length = PLAIN_HTTP.len();
    let response = format!(
        "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {length}\r\n\
         connection: close\r\n\r\n{PLAIN_HTTP}"
    );
    stream.write_all(response.as_bytes()).await?;
    stream.shutdown().await?;
    while stream.read(&mut request).await? > 0 {}
    Ok(())
}
