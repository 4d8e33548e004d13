//! The outgoing network of a call, to the origins that the operator lists: `wasi:http/outgoing-handler` of sources, and
//! the fetches of HTTP triggers.
//!
//! By default there are none, and every request is denied. Each
//! request is checked, including redirects, because a guest follows a redirect with another request. The host makes
//! one connection per request, because calls are infrequent. `https` origins are reached over [`ClientTls`].
//!
//! On failure, the guest receives an error code of the contract. If no code describes the failure, it receives an
//! internal error with a text for the operator.

use std::fmt;
use std::io;
use std::net::Ipv6Addr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::HOST;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Request, Response, Uri};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body, Frame, Incoming};
use hyper::client::conn::http1;
use lambkin_http::ClientTls;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;
use wasmtime_wasi::runtime;
use wasmtime_wasi_http::io::TokioIo;
use wasmtime_wasi_http::p2::bindings::http::types::ErrorCode;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use crate::error::{ConfigureError, Problem};
use crate::fetch::Fetch;
use crate::limits;
use crate::outcome::Fetched;

/// The origins that a call may reach; by default none.
#[derive(Debug, Clone, Default)]
pub(crate) struct Network {
    origins: Arc<[WebOrigin]>,
    /// The TLS client, if one of the origins needs it.
    tls: Option<ClientTls>,
}

impl Network {
    /// Fails if one of the origins is `https` and there are no root certificates; the error gives the reason.
    pub(crate) fn new(origins: impl IntoIterator<Item = WebOrigin>) -> Result<Self, String> {
        let origins: Arc<[WebOrigin]> = origins.into_iter().collect();
        let needs_tls = origins.iter().any(|it| it.scheme == Scheme::HTTPS);
        let tls = needs_tls.then(ClientTls::system).transpose()?;
        Ok(Self { origins, tls })
    }
}

impl Network {
    /// The origins that the operator lists. Reports every mistake in the list at once.
    pub(crate) fn granted(origins: &[String]) -> Result<Self, ConfigureError> {
        let problem = |message| Problem {
            at: vec!["network".to_owned()],
            message,
        };
        let (mut allowed, mut problems) = (Vec::new(), Vec::new());
        for origin in origins {
            match WebOrigin::parse(origin) {
                Ok(origin) => allowed.push(origin),
                Err(message) => problems.push(problem(message)),
            }
        }
        if !problems.is_empty() {
            return Err(ConfigureError::Problems(problems));
        }
        Self::new(allowed).map_err(|message| ConfigureError::Problems(vec![problem(message)]))
    }
}

/// The origin of a URL: scheme, host and port, as in `http://127.0.0.1:9324`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WebOrigin {
    scheme: Scheme,
    /// In lower case; an IPv6 address is in brackets.
    host: String,
    port: u16,
}

impl WebOrigin {
    /// Parses an origin of the configuration. The error says what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let example = "write it like http://127.0.0.1:9324 or https://sqs.eu-west-1.amazonaws.com";
        let uri: Uri = text
            .parse()
            .map_err(|error| format!("{text:?} is not an origin: {error}; {example}"))?;
        let origin = Self::of(&uri).ok_or_else(|| {
            format!("{text:?} is not an origin: it lacks scheme or host; {example}")
        })?;
        if uri.path_and_query().is_some_and(|path| path != "/") {
            return Err(format!(
                "{text:?} is more than an origin: leave out what comes after host and port"
            ));
        }
        if uri.authority().is_some_and(|it| it.as_str().contains('@')) {
            return Err(format!(
                "{text:?} is more than an origin: leave out user and password"
            ));
        }
        Ok(origin)
    }

    fn of(uri: &Uri) -> Option<Self> {
        let scheme = uri.scheme()?.clone();
        let default = match scheme.as_str() {
            "http" => 80,
            "https" => 443,
            _ => return None,
        };
        let authority = uri.authority()?;
        let host = authority.host();
        if host.is_empty() {
            return None;
        }
        Some(Self {
            scheme,
            host: host.to_ascii_lowercase(),
            port: port(authority)?.unwrap_or(default),
        })
    }

    /// The host and the port to connect to.
    fn address(&self) -> (&str, u16) {
        let ipv6 = self
            .host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .filter(|host| host.parse::<Ipv6Addr>().is_ok());
        (ipv6.unwrap_or(&self.host), self.port)
    }
}

/// The port, if present; `None` if it is invalid.
fn port(authority: &Authority) -> Option<Option<u16>> {
    let after_host = authority.as_str().rsplit('@').next()?;
    match after_host.strip_prefix(authority.host())?.strip_prefix(':') {
        None | Some("") => Some(None),
        Some(port) => Some(Some(port.parse().ok()?)),
    }
}

impl fmt::Display for WebOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}:{}", self.scheme, self.host, self.port)
    }
}

type Worker = Box<dyn Future<Output = Result<(), Error>> + Send>;
type SentRequest = Result<(Response<WasiBody>, Worker), Error>;

impl WasiHttpHooks for Network {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _processed: Worker,
    ) -> Box<dyn Future<Output = SentRequest> + Send> {
        let origin = self.check(request.uri());
        let tls = self.tls.clone();
        let options = options.unwrap_or_default();
        Box::new(async move { send(&origin?, tls.as_ref(), request, options).await })
    }

    fn p2_outgoing_body_buffer_chunks(&mut self) -> usize {
        limits::BODY_PIECES
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        limits::BODY_PIECE_BYTES
    }

    fn p2_error_from_hyper(&mut self, error: &hyper::Error) -> ErrorCode {
        let ended = error.is_incomplete_message() || error.is_canceled() || error.is_closed();
        if ended {
            ErrorCode::ConnectionTerminated
        } else {
            ErrorCode::InternalError(Some(error.to_string()))
        }
    }
}

impl Network {
    /// The origin of a URL, if the call may reach it.
    fn check(&self, uri: &Uri) -> Result<WebOrigin, Error> {
        let origin = WebOrigin::of(uri).ok_or(Error::HttpRequestUriInvalid)?;
        if self.origins.contains(&origin) {
            return Ok(origin);
        }
        tracing::debug!("a plugin may not reach {origin}");
        Err(Error::HttpRequestDenied)
    }
}

impl Network {
    /// Sends one request and reads the whole response. The error is a text for the operator.
    pub(crate) async fn fetch(&self, fetch: &Fetch) -> Result<Fetched, String> {
        let request = request_of(fetch)?;
        let origin = self.check(request.uri()).map_err(|error| match error {
            Error::HttpRequestDenied => {
                let origins = self.origins.iter().map(ToString::to_string);
                let origins: Vec<_> = origins.collect();
                format!(
                    "its origin is not among those in `network`, which are: {}",
                    if origins.is_empty() {
                        "none".to_owned()
                    } else {
                        origins.join(", ")
                    }
                )
            }
            error => error.to_string(),
        })?;
        let options = RequestOptions::default();
        let sent = send(&origin, self.tls.as_ref(), request, options).await;
        // The connection lives as long as its worker.
        let (response, _worker) = sent.map_err(|error| describe(&error))?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, limits::FETCHED_BYTES).collect().await;
        let body = body.map_err(|error| {
            if error.is::<LengthLimitError>() {
                format!("its body is larger than {} bytes", limits::FETCHED_BYTES)
            } else {
                format!("its body cannot be read: {error}")
            }
        })?;
        let headers = head.headers.iter().map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_owned(), value)
        });
        Ok(Fetched {
            status: head.status.as_u16(),
            headers: headers.collect(),
            body: body.to_bytes(),
        })
    }
}

fn request_of(fetch: &Fetch) -> Result<Request<WasiBody>, String> {
    let uri: Uri = fetch
        .url
        .parse()
        .map_err(|error| format!("the URL is not valid: {error}"))?;
    let mut request = Request::builder().method(fetch.method.as_str());
    let is_host = |(name, _): &(String, String)| name.eq_ignore_ascii_case("host");
    if let Some(authority) = uri.authority()
        && !fetch.headers.iter().any(is_host)
    {
        let after_user = authority.as_str().rsplit('@').next();
        request = request.header(HOST, after_user.unwrap_or_default());
    }
    for (name, value) in &fetch.headers {
        request = request.header(name.as_str(), value.as_str());
    }
    let body = Full::new(fetch.body.clone()).map_err(|never| match never {});
    let request = request.uri(uri).body(body.boxed_unsync());
    request.map_err(|error| format!("the request is not valid HTTP: {error}"))
}

/// An error of a request, for the operator.
fn describe(error: &Error) -> String {
    match error {
        Error::InternalError(Some(reason)) => reason.clone(),
        Error::ConnectionRefused => "nothing listens there (connection refused)".to_owned(),
        Error::DnsError { .. } => "its host has no address".to_owned(),
        Error::ConnectionTimeout => {
            format!("no connection within {} s", limits::CONNECT.as_secs())
        }
        error => error.to_string(),
    }
}

async fn send(
    origin: &WebOrigin,
    tls: Option<&ClientTls>,
    request: Request<WasiBody>,
    options: RequestOptions,
) -> SentRequest {
    let wait = options.connect_timeout.unwrap_or(limits::CONNECT);
    let connected = timeout(wait, connect(origin, tls)).await;
    match connected.map_err(|_| Error::ConnectionTimeout)?? {
        Connected::Plain(stream) => exchange(stream, request, options).await,
        Connected::Secure(stream) => exchange(*stream, request, options).await,
    }
}

/// A connection to an origin.
enum Connected {
    Plain(TcpStream),
    Secure(Box<TlsStream<TcpStream>>),
}

async fn connect(origin: &WebOrigin, tls: Option<&ClientTls>) -> Result<Connected, Error> {
    let stream = TcpStream::connect(origin.address()).await;
    let stream = stream.map_err(unconnected)?;
    // A request is one packet, or has a body that is written piece by piece.
    let _ = stream.set_nodelay(true); // only an optimization
    if origin.scheme != Scheme::HTTPS {
        return Ok(Connected::Plain(stream));
    }
    // `Network::new` makes a client if an origin needs one.
    let tls = tls.ok_or(Error::ConfigurationError)?;
    let stream = tls.connect(origin.address(), stream).await;
    let stream = stream.map_err(|reason| Error::InternalError(Some(reason)))?;
    Ok(Connected::Secure(Box::new(stream)))
}

/// The error of a connection that cannot be made. The contract has codes for two reasons; for others, the guest
/// receives the system's message.
fn unconnected(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Error::ConnectionRefused,
        // A name that cannot be resolved has no `ErrorKind`.
        _ if error.to_string().starts_with("failed to lookup") => Error::DnsError {
            rcode: None,
            info_code: None,
        },
        _ => Error::InternalError(Some(error.to_string())),
    }
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    mut request: Request<WasiBody>,
    options: RequestOptions,
) -> SentRequest {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // Ends when the handle is dropped, at the latest with the guest.
    let connection = runtime::spawn(async move { connection.await.map_err(Error::from) });
    let path = request.uri().path_and_query().cloned();
    *request.uri_mut() = Uri::from(path.unwrap_or_else(|| PathAndQuery::from_static("/")));
    let response = sender.send_request(request);
    let response = match options.first_byte_timeout {
        Some(wait) => timeout(wait, response)
            .await
            .map_err(|_| Error::ConnectionReadTimeout)??,
        None => response.await?,
    };
    let response = response.map(|body| ResponseBody(body).boxed_unsync());
    Ok((response, Box::new(connection)))
}

/// The body of a response, with the errors of the contract.
struct ResponseBody(Incoming);

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = Pin::new(&mut self.0).poll_frame(context);
        frame.map(|frame| frame.map(|frame| frame.map_err(Error::from)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(network: &Network, uri: &str) -> bool {
        network.check(&uri.parse().unwrap()).is_ok()
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        let origins = [
            "http://127.0.0.1:9324",
            "http://Queue.test",
            "http://[::1]:80/",
        ];
        let network = Network::new(origins.map(|origin| WebOrigin::parse(origin).unwrap()));
        let network = network.unwrap();
        for uri in [
            "http://127.0.0.1:9324/a?b",
            "http://queue.test:80/",
            "http://user@QUEUE.test/",
            "http://[::1]/",
        ] {
            assert!(allows(&network, uri), "{uri}");
        }
        for uri in [
            "http://127.0.0.1:9325/",
            "http://127.0.0.1/",
            "https://queue.test/",
            "http://queue.test.evil/",
            "http://queue.test@evil/",
            "http://queue.test:99999/",
        ] {
            assert!(!allows(&network, uri), "{uri}");
        }
        assert!(!allows(&Network::default(), "http://127.0.0.1:9324/"));
    }

    #[test]
    fn text_that_is_not_an_origin_is_refused_with_the_reason() {
        for (text, reason) in [
            ("127.0.0.1:9324", "lacks scheme or host"),
            ("ftp://a", "lacks scheme or host"),
            ("http://a:99999", "lacks scheme or host"),
            ("http:// a", "is not an origin"),
            ("http://a/path", "leave out what comes after"),
            ("http://a:b@c", "is not an origin"),
            ("http://a:b@c/", "user and password"),
        ] {
            let Err(error) = WebOrigin::parse(text) else {
                panic!("{text} is accepted");
            };
            assert!(
                error.contains(reason) || error.contains("user"),
                "{text}: {error}"
            );
        }
    }

    #[test]
    fn an_ipv6_address_is_connected_to_without_its_brackets() {
        let origin = WebOrigin::parse("http://[::1]:8080").unwrap();
        assert_eq!(origin.address(), ("::1", 8080));
        assert_eq!(origin.to_string(), "http://[::1]:8080");
    }
}
