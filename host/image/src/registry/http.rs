//! HTTP requests to registries.
//!
//! Contract: one connection per request. Hosts on this machine are reached over plain HTTP and all others over TLS,
//! through the proxy if there is one. A peer that is silent for [`SILENCE`] is given up.
//!
//! On failure: a text that says which host it was, what went wrong and what to do.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, HOST, LOCATION, USER_AGENT};
use http::uri::{PathAndQuery, Scheme};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use lambkin_http::ClientTls;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::proxy::Proxy;
use crate::error::ImageError;

/// The time for a connection, without its handshake.
const CONNECT: Duration = Duration::from_secs(10);

/// The time for a handshake, for the head of a response, and for each piece of its body.
const SILENCE: Duration = Duration::from_secs(60);

/// The number of redirects that are followed: registries send clients to their storage, and that sometimes on.
const REDIRECTS: usize = 5;

/// A request without its body.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) uri: Uri,
    /// Besides `Host` and `User-Agent`. `Authorization` is not sent on to another origin.
    pub(super) headers: HeaderMap,
    /// Is not sent on to another origin either: a redirect there is refused if there is one.
    pub(super) body: Bytes,
    /// Whether redirects to other origins are followed.
    pub(super) may_leave: bool,
}

impl Call {
    pub(super) fn get(uri: Uri) -> Self {
        Self {
            method: Method::GET,
            uri,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            may_leave: true,
        }
    }

    pub(super) fn with(mut self, name: http::HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }
}

/// Makes a URL of a host, with or without a port, and a path.
pub(super) fn url(host: &str, path: &str) -> Result<Uri, ImageError> {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let is_here = |name: &str| is_loopback(name) || is_loopback(host);
    let scheme = if is_here(name) {
        Scheme::HTTP
    } else {
        Scheme::HTTPS
    };
    format!("{scheme}://{host}{path}")
        .parse()
        .map_err(|error| ImageError::new(format!("{host}{path} makes no URL: {error}")))
}

/// Whether a host is this machine by its name. Before anything is sent in plain text, the address is looked at as well.
pub(super) fn is_loopback(host: &str) -> bool {
    let host = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    host == "localhost"
        || host.ends_with(".localhost")
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// Whether two URLs are of one server: what is secret to one may be sent to the other.
pub(super) fn is_same_origin(one: &Uri, other: &Uri) -> bool {
    (one.scheme(), one.authority()) == (other.scheme(), other.authority())
}

/// Sends a request and follows redirects. Returns the response, whose body is still to be read, and the URL that it is
/// from.
pub(super) async fn send(mut call: Call) -> Result<(Response<Incoming>, Uri), ImageError> {
    for _ in 0..=REDIRECTS {
        let response = send_once(&call).await?;
        let is_redirect = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
        let location = response.headers().get(LOCATION);
        let Some(location) = location.filter(|_| is_redirect) else {
            return Ok((response, call.uri));
        };
        let next = followed(&call.uri, location)?;
        if !is_same_origin(&next, &call.uri) {
            if !call.may_leave || !call.body.is_empty() {
                return Err(ImageError::new(format!(
                    "{} redirects a request with credentials to {}, which is another server, so it is refused",
                    shown(&call.uri),
                    shown(&next)
                )));
            }
            call.headers.remove(AUTHORIZATION);
        }
        call.uri = next;
    }
    Err(ImageError::new(format!(
        "{} redirects more than {REDIRECTS} times",
        call.uri
    )))
}

/// The URL of a redirect, which may be relative.
fn followed(from: &Uri, location: &HeaderValue) -> Result<Uri, ImageError> {
    let wrong =
        |reason: &str| ImageError::new(format!("{from} redirects to {location:?}, {reason}"));
    let text = location.to_str().map_err(|_| wrong("which is not a URL"))?;
    let uri = if text.starts_with('/') && !text.starts_with("//") {
        let (scheme, authority) = (from.scheme_str(), from.authority());
        let scheme = scheme.unwrap_or("https");
        format!(
            "{scheme}://{}{text}",
            authority.map_or("", |it| it.as_str())
        )
    } else {
        text.to_owned()
    };
    let uri: Uri = uri.parse().map_err(|_| wrong("which is not a URL"))?;
    let host = uri.host().ok_or_else(|| wrong("which has no host"))?;
    let is_allowed = match uri.scheme_str() {
        Some("https") => true,
        // Not from elsewhere, so that no registry reaches what listens on this machine.
        Some("http") => is_loopback(host) && from.host().is_some_and(is_loopback),
        _ => false,
    };
    if !is_allowed {
        return Err(wrong("which is refused because it is not https"));
    }
    Ok(uri)
}

async fn send_once(call: &Call) -> Result<Response<Incoming>, ImageError> {
    let uri = &call.uri;
    let is_tls = uri.scheme() == Some(&Scheme::HTTPS);
    let host = uri.host().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let port = uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
    let proxy = match is_tls && !is_loopback(host) {
        true => Proxy::of(host, |name| std::env::var(name).ok())?,
        false => None,
    };
    let stream = match &proxy {
        Some(proxy) => {
            let stream = connect(&proxy.host, proxy.port).await;
            let stream = stream.map_err(|error| error.within("the proxy in HTTPS_PROXY"))?;
            proxy.pass_on(stream, (host, port)).await?
        }
        None => connect(host, port).await?,
    };
    if !is_tls {
        let peer = stream.peer_addr();
        let peer =
            peer.map_err(|error| ImageError::new(format!("no connection to {host}: {error}")))?;
        check_local(host, peer.ip())?;
    }
    let _ = stream.set_nodelay(true); // only an optimization
    if !is_tls {
        return exchange(stream, call).await;
    }
    let tls = ClientTls::system().map_err(ImageError::new)?;
    let secured = timeout(SILENCE, tls.connect((host, port), stream)).await;
    let stream = secured.map_err(|_| silent(uri))?;
    exchange(stream.map_err(ImageError::new)?, call).await
}

/// Fails unless an address is of this machine: a name such as `registry.localhost` can have any address.
fn check_local(host: &str, peer: IpAddr) -> Result<(), ImageError> {
    if peer.to_canonical().is_loopback() {
        return Ok(());
    }
    Err(ImageError::new(format!(
        "{host} has the address {peer}, which is another machine, and plain HTTP is used on this machine only; make \
         the name mean 127.0.0.1, or use one that is not below `localhost`, with TLS"
    )))
}

async fn connect(host: &str, port: u16) -> Result<TcpStream, ImageError> {
    match timeout(CONNECT, TcpStream::connect((host, port))).await {
        Ok(connected) => connected.map_err(|error| unconnected(host, port, &error)),
        Err(_) => Err(ImageError::new(format!(
            "no connection to {host}:{port} within {} s; in a network with a proxy, set HTTPS_PROXY",
            CONNECT.as_secs()
        ))),
    }
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    call: &Call,
) -> Result<Response<Incoming>, ImageError> {
    let uri = &call.uri;
    let failed = |error: hyper::Error| {
        ImageError::new(format!("the request to {} failed: {error}", shown(uri)))
    };
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(failed)?;
    // Ends when the response has been read or dropped.
    tokio::spawn(connection);
    let path = uri.path_and_query().cloned();
    let path = path.unwrap_or_else(|| PathAndQuery::from_static("/"));
    let mut request = Request::new(Full::new(call.body.clone()));
    *request.method_mut() = call.method.clone();
    *request.uri_mut() = Uri::from(path);
    *request.headers_mut() = call.headers.clone();
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let authority = HeaderValue::from_str(authority)
        .map_err(|_| ImageError::new(format!("{uri} has no valid host")))?;
    request.headers_mut().insert(HOST, authority);
    let agent = HeaderValue::from_static(concat!("lambkin/", env!("CARGO_PKG_VERSION")));
    request.headers_mut().insert(USER_AGENT, agent);
    let response = timeout(SILENCE, sender.send_request(request)).await;
    response.map_err(|_| silent(uri))?.map_err(failed)
}

/// The next piece of a body; `None` at its end.
pub(super) async fn next_piece(body: &mut Incoming) -> Result<Option<Bytes>, ImageError> {
    loop {
        let frame = timeout(SILENCE, body.frame()).await;
        let frame = frame.map_err(|_| {
            ImageError::new(format!(
                "the transfer stopped: nothing came for {} s",
                SILENCE.as_secs()
            ))
        })?;
        match frame {
            None => return Ok(None),
            Some(Err(error)) => {
                return Err(ImageError::new(format!("the transfer broke off: {error}")));
            }
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
        }
    }
}

/// The whole body, if it has at most `limit` bytes.
pub(super) async fn whole(response: Response<Incoming>, limit: u64) -> Result<Vec<u8>, ImageError> {
    let mut body = response.into_body();
    let mut content = Vec::new();
    while let Some(piece) = next_piece(&mut body).await? {
        if (content.len() + piece.len()) as u64 > limit {
            return Err(ImageError::new(format!(
                "a response has more than {limit} bytes, which is the limit"
            )));
        }
        content.extend_from_slice(&piece);
    }
    Ok(content)
}

/// Why a status is not the expected one: the registry's own words, if it says any.
pub(super) async fn refusal(response: Response<Incoming>) -> (StatusCode, String) {
    #[derive(serde::Deserialize)]
    struct Errors {
        #[serde(default)]
        errors: Vec<Reason>,
        #[serde(default)]
        details: Option<String>,
    }
    #[derive(serde::Deserialize)]
    struct Reason {
        #[serde(default)]
        code: String,
        #[serde(default)]
        message: String,
    }
    let status = response.status();
    let content = whole(response, 64 * 1024).await.unwrap_or_default();
    let said = serde_json::from_slice::<Errors>(&content).ok();
    let said = said.and_then(|said| match said.errors.into_iter().next() {
        Some(Reason { code, message }) if message.is_empty() => Some(code),
        Some(Reason { message, .. }) => Some(message),
        None => said.details,
    });
    // It is foreign text.
    let said = said.map(|said| {
        let plain = said.chars().map(|c| if c.is_control() { ' ' } else { c });
        plain.take(300).collect::<String>()
    });
    let said = said.filter(|said| !said.trim().is_empty());
    (
        status,
        said.map_or_else(|| status.to_string(), |said| format!("{status}: {said}")),
    )
}

fn unconnected(host: &str, port: u16, error: &io::Error) -> ImageError {
    let text = error.to_string();
    ImageError::new(match error.kind() {
        io::ErrorKind::ConnectionRefused => {
            format!("nothing listens at {host}:{port} (connection refused)")
        }
        // A name that cannot be resolved has no `ErrorKind`.
        _ if text.starts_with("failed to lookup") => {
            format!(
                "the registry {host} has no address: is its name right, and is there a network?"
            )
        }
        _ => format!("no connection to {host}:{port}: {text}"),
    })
}

fn silent(uri: &Uri) -> ImageError {
    ImageError::new(format!(
        "{} has not answered within {} s",
        shown(uri),
        SILENCE.as_secs()
    ))
}

/// A URL without its query, in which there are signatures.
fn shown(uri: &Uri) -> String {
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    format!("{authority}{}", uri.path())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_reached_without_tls() {
        for (host, start) in [
            ("localhost:5000", "http://localhost:5000/v2/"),
            ("127.0.0.1:5000", "http://"),
            ("[::1]:5000", "http://"),
            ("[::1]", "http://"),
            ("localhost", "http://"),
            ("registry.localhost:5000", "http://"),
            ("registry.example.com", "https://registry.example.com/v2/"),
            ("10.0.0.1:5000", "https://"),
            ("localhost.example.com", "https://"),
            ("127.0.0.1.example.com:80", "https://"),
        ] {
            let url = url(host, "/v2/").unwrap().to_string();
            assert!(url.starts_with(start), "{host}: {url}");
        }
    }

    #[test]
    fn plain_http_needs_an_address_of_this_machine() {
        for here in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            assert!(check_local("registry.localhost", here.parse().unwrap()).is_ok());
        }
        for other in ["10.0.0.1", "0.0.0.0", "fe80::1", "::ffff:10.0.0.1"] {
            let error = check_local("registry.localhost", other.parse().unwrap()).unwrap_err();
            assert!(
                error.to_string().contains("which is another machine"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_redirect_is_followed_to_https_only() {
        let follow = |from: &str, to: &str| {
            let to = HeaderValue::from_str(to).unwrap();
            followed(&from.parse().unwrap(), &to).map(|uri| uri.to_string())
        };
        for (from, to, expected) in [
            ("https://a/b", "https://c/d?e", "https://c/d?e"),
            ("https://a/b", "/c", "https://a/c"),
            (
                "http://localhost:1/b",
                "http://127.0.0.1:2/c",
                "http://127.0.0.1:2/c",
            ),
            ("http://localhost:1/b", "/c", "http://localhost:1/c"),
        ] {
            assert_eq!(follow(from, to).unwrap(), expected);
        }
        for (from, to) in [
            ("https://a/b", "http://c/d"),
            ("https://a/b", "http://localhost/d"),
            ("https://a/b", "file:///etc/passwd"),
            ("https://a/b", "//c/d"),
            ("https://a/b", "c"),
        ] {
            let error = follow(from, to).unwrap_err().to_string();
            assert!(error.contains("redirects to"), "{to}: {error}");
        }
    }
}
