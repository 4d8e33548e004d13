//! The accept loop.
//!
//! Dropping the future of [`Server::serve`] drops every connection that it accepted. Cancelling its
//! [`CancellationToken`] stops it gracefully: requests in progress finish first.
//!
//! Each listener may use a share of the process's file descriptors, so that clients of one listener cannot exhaust
//! those of the others, the store and the functions. A listener at its limit closes its idle connections, gives up the
//! slow ones ([`limits`]), and accepts new ones as connections end.

use std::future::Future;
use std::io;
use std::net::SocketAddr;

use http::Request;
use rustix::process::{Resource, getrlimit};
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::connection::Connection;
use crate::cross_origin::CrossOrigin;
use crate::limits::{self, Limits};
use crate::request_body::RequestBody;
use crate::response::Response;
use crate::shared::Shared;
use crate::shortage::Shortage;
use crate::tls::{Certificate, Tls};

/// A bound socket, and the certificate of its connections if they are encrypted.
#[derive(Debug)]
pub struct Listener {
    /// The socket.
    pub socket: TcpListener,
    /// The certificate.
    pub certificate: Option<Certificate>,
}

impl Listener {
    /// The scheme of its URLs.
    pub fn scheme(&self) -> &'static str {
        match self.certificate {
            Some(_) => "https",
            None => "http",
        }
    }

    /// The address as a URL without a path.
    ///
    /// # Errors
    ///
    /// The system does not tell the address.
    pub fn url(&self) -> io::Result<String> {
        Ok(format!("{}://{}", self.scheme(), self.socket.local_addr()?))
    }
}

impl From<TcpListener> for Listener {
    /// A listener whose connections are not encrypted.
    fn from(socket: TcpListener) -> Self {
        Self {
            socket,
            certificate: None,
        }
    }
}

/// Binds a listening socket; port 0 chooses a free port.
pub async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // A port whose last connections are still in TIME_WAIT can be bound again.
    socket.set_reuseaddr(true)?;
    // The connections inherit it.
    socket.set_send_buffer_size(limits::SEND_BUFFER_BYTES)?;
    socket.bind(address)?;
    socket.listen(limits::BACKLOG)
}

/// A share of the files that the process may open: their number divided by `divisor`, within these bounds.
pub fn share_of_files(divisor: u64, (min, max): (usize, usize)) -> usize {
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let share = usize::try_from(files / divisor).unwrap_or(max);
    share.clamp(min, max)
}

/// A listener's part of the configuration.
#[derive(Debug)]
pub struct Server {
    /// The hosts and web pages whose requests are accepted.
    pub rules: CrossOrigin,
    /// How long clients are waited for.
    pub limits: &'static Limits,
    /// Whether the listener is short of connections or places.
    pub shortage: Shortage,
    /// Whether requests have a [`HeadAsSent`](crate::HeadAsSent).
    pub keeps_heads_as_sent: bool,
    /// Whether clients may speak HTTP/2 instead of HTTP/1.1.
    pub speaks_http_2: bool,
    /// The listener's certificate, if its connections are encrypted.
    pub certificate: Option<Certificate>,
    /// Stops the listener.
    pub stop: CancellationToken,
}

impl Server {
    /// A server for clients outside of the host.
    pub fn for_clients(rules: CrossOrigin, stop: CancellationToken) -> Self {
        Self {
            speaks_http_2: true,
            ..Self::new(rules, &limits::CLIENTS, stop)
        }
    }

    /// A server for the processes of an environment.
    pub fn for_runtimes(rules: CrossOrigin, stop: CancellationToken) -> Self {
        Self::new(rules, &limits::RUNTIMES, stop)
    }

    fn new(rules: CrossOrigin, limits: &'static Limits, stop: CancellationToken) -> Self {
        Self {
            rules,
            limits,
            shortage: Shortage::default(),
            keeps_heads_as_sent: false,
            speaks_http_2: false,
            certificate: None,
            stop,
        }
    }

    /// The same server, whose connections are encrypted if there is a certificate.
    #[must_use]
    pub fn with_certificate(self, certificate: Option<Certificate>) -> Self {
        Self {
            certificate,
            ..self
        }
    }

    /// The same server, whose requests have a [`HeadAsSent`](crate::HeadAsSent) among their extensions, and whose
    /// targets may have characters that a URL must not have.
    #[must_use]
    pub fn keep_heads_as_sent(self) -> Self {
        Self {
            keeps_heads_as_sent: true,
            ..self
        }
    }

    /// Serves HTTP/1.1, and HTTP/2 to clients outside of the host, on `listener` until it is stopped, then lets
    /// requests in progress finish.
    ///
    /// `handler` gets each request that the rules accept, with the client's address. It runs in the connection's task,
    /// over HTTP/2 in one of its own, and is dropped when the client disconnects or resets the request.
    pub async fn serve<H, F>(self, listener: TcpListener, handler: H)
    where
        H: Fn(Request<RequestBody>, SocketAddr) -> F + Clone + Send + 'static,
        F: Future<Output = Response> + Send + 'static,
    {
        let connect = move |_| handler.clone();
        self.serve_connections(listener, connect).await;
    }

    /// [`Server::serve`] with a handler for each connection: `connect` gets the client's address and returns it.
    pub async fn serve_connections<C, H, F>(self, listener: TcpListener, connect: C)
    where
        C: Fn(SocketAddr) -> H,
        H: Fn(Request<RequestBody>, SocketAddr) -> F + Send + 'static,
        F: Future<Output = Response> + Send + 'static,
    {
        let address = listener.local_addr();
        let shared = Shared {
            rules: self.rules,
            address: address.map_or_else(|_| "?".into(), |address| address.to_string().into()),
            limits: self.limits,
            shortage: self.shortage,
            keeps_heads_as_sent: self.keeps_heads_as_sent,
            tls: self.certificate.as_ref().map(Tls::new),
            speaks_http_2: self.speaks_http_2,
            stop: self.stop,
        };
        let max = share_of_files(limits::FILES_DIVISOR, limits::CONNECTIONS);
        let mut connections = JoinSet::new();
        let mut upgraded = JoinSet::new();
        loop {
            let accepts = connections.len() < max;
            shared.shortage.set_connections(!accepts);
            tokio::select! {
                () = shared.stop.cancelled() => break,
                accepted = listener.accept(), if accepts => match accepted {
                    Ok((stream, client)) => {
                        let shared = shared.clone();
                        let connection = Connection { client, shared };
                        connections.spawn(connection.serve(stream, connect(client)));
                    }
                    Err(error) => {
                        tracing::warn!("cannot accept a connection, trying again in a moment: {error}");
                        tokio::time::sleep(limits::ACCEPT_PAUSE).await;
                    }
                },
                // Removes connections as they end, so that the set does not grow.
                Some(ended) = connections.join_next() => {
                    if let Ok(Some(task)) = ended {
                        upgraded.spawn(task);
                    }
                }
                Some(_) = upgraded.join_next() => {}
            }
        }
        drop(listener);
        while let Some(ended) = connections.join_next().await {
            if let Ok(Some(task)) = ended {
                upgraded.spawn(task);
            }
        }
        while upgraded.join_next().await.is_some() {}
    }
}
