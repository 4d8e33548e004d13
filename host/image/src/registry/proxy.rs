//! The HTTP proxy of a network that lets programs out through one only, as `HTTPS_PROXY` names it.
//!
//! Contract: the proxy passes on bytes (`CONNECT`), so TLS is with the registry itself. This machine is never reached
//! through it, nor are the hosts in `NO_PROXY`.
//!
//! On failure: a text that says which proxy it was and what it answered.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Uri;
use percent_encoding::percent_decode_str;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::error::ImageError;

/// The variables with the proxy, the first of which counts, and the one with the exceptions. As with curl.
const PROXY: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
const EXCEPTIONS: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// The time in which a proxy has to answer.
const WAIT: Duration = Duration::from_secs(30);

/// The maximum size of its answer.
const ANSWER_BYTES: usize = 16 * 1024;

/// A proxy.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Proxy {
    pub(super) host: String,
    pub(super) port: u16,
    /// The header `Proxy-Authorization`.
    authorization: Option<String>,
}

impl Proxy {
    /// The proxy for a host, if there is one. `variable` returns the value of an environment variable.
    pub(super) fn of(
        host: &str,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, ImageError> {
        let set = |name: &&str| variable(name).filter(|value| !value.is_empty());
        let Some((name, value)) = PROXY.iter().find_map(|name| Some((name, set(name)?))) else {
            return Ok(None);
        };
        let exceptions = EXCEPTIONS.iter().find_map(set).unwrap_or_default();
        if is_exception(host, &exceptions) {
            return Ok(None);
        }
        Self::parse(&value).map(Some).ok_or_else(|| {
            ImageError::new(format!(
                "{name} is not the URL of an HTTP proxy; write it like http://proxy.example.com:3128"
            ))
        })
    }

    fn parse(text: &str) -> Option<Self> {
        let text = if text.contains("://") {
            text.to_owned()
        } else {
            format!("http://{text}")
        };
        let uri: Uri = text.parse().ok()?;
        let authority = uri.authority()?;
        let user = authority.as_str().rsplit_once('@').map(|(user, _)| user);
        let decoded = |text: &str| {
            percent_decode_str(text)
                .decode_utf8()
                .ok()
                .map(String::from)
        };
        let authorization = match user.map(decoded) {
            None => None,
            Some(user) => Some(format!("Basic {}", STANDARD.encode(user?))),
        };
        let host = authority
            .host()
            .trim_start_matches('[')
            .trim_end_matches(']');
        (uri.scheme_str() == Some("http") && !host.is_empty()).then(|| Self {
            host: host.to_owned(),
            port: authority.port_u16().unwrap_or(80),
            authorization,
        })
    }

    /// Makes a stream that is connected to the proxy one to a host.
    pub(super) async fn pass_on(
        &self,
        mut stream: TcpStream,
        (host, port): (&str, u16),
    ) -> Result<TcpStream, ImageError> {
        let failed = |reason: &str| {
            ImageError::new(format!(
                "the proxy {}:{} does not connect to {host}:{port}: {reason}; it is the one in HTTPS_PROXY, and hosts \
                 that are reached without it are in NO_PROXY",
                self.host, self.port
            ))
        };
        let target = if host.contains(':') {
            format!("[{host}]:{port}")
        } else {
            format!("{host}:{port}")
        };
        let authorization = self.authorization.as_ref();
        let authorization = authorization.map(|it| format!("Proxy-Authorization: {it}\r\n"));
        let request = format!(
            "CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{}\r\n",
            authorization.unwrap_or_default()
        );
        let exchange = async {
            stream.write_all(request.as_bytes()).await?;
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") && head.len() < ANSWER_BYTES {
                // Nothing follows the head before TLS begins, with bytes from here.
                if stream.read_buf(&mut head).await? == 0 {
                    break;
                }
            }
            Ok::<_, std::io::Error>(head)
        };
        let head = timeout(WAIT, exchange).await;
        let head = head.map_err(|_| failed(&format!("no answer within {} s", WAIT.as_secs())))?;
        let head = head.map_err(|error| failed(&error.to_string()))?;
        let line = String::from_utf8_lossy(&head);
        let line = line.lines().next().unwrap_or_default();
        let status = line
            .strip_prefix("HTTP/1.")
            .and_then(|it| it.split(' ').nth(1));
        if status.is_some_and(|status| status.starts_with('2')) && head.ends_with(b"\r\n\r\n") {
            return Ok(stream);
        }
        let line: String = line.chars().filter(|c| !c.is_control()).take(200).collect();
        Err(failed(&format!("it answers {line:?}")))
    }
}

/// Whether a host is in a list of names, domains and `*`.
fn is_exception(host: &str, list: &str) -> bool {
    let host = host.to_ascii_lowercase();
    list.split([',', ' '])
        .filter(|entry| !entry.is_empty())
        .any(|entry| {
            let entry = entry.to_ascii_lowercase();
            let domain = entry.trim_start_matches("*.").trim_start_matches('.');
            entry == "*" || host == domain || host.ends_with(&format!(".{domain}"))
        })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;

    use super::*;

    fn proxy(host: &str, variables: &[(&str, &str)]) -> Result<Option<Proxy>, String> {
        let value = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Proxy::of(host, value).map_err(|error| error.to_string())
    }

    #[test]
    fn the_variables_are_those_of_other_programs() {
        let is = |host: &str, port, authorization: Option<&str>| {
            Ok(Some(Proxy {
                host: host.to_owned(),
                port,
                authorization: authorization.map(str::to_owned),
            }))
        };
        let none = Ok(None);
        for (variables, expected) in [
            (&[][..], &none),
            (&[("HTTPS_PROXY", "")], &none),
            (
                &[("HTTPS_PROXY", "http://p.test:3128")],
                &is("p.test", 3128, None),
            ),
            (
                &[("https_proxy", "p.test:1"), ("ALL_PROXY", "other:1")],
                &is("p.test", 1, None),
            ),
            (&[("ALL_PROXY", "http://[::1]:1/")], &is("::1", 1, None)),
            (
                &[("HTTPS_PROXY", "http://us%40er:pass@p.test")],
                &is("p.test", 80, Some("Basic dXNAZXI6cGFzcw==")),
            ),
            (
                &[("HTTPS_PROXY", "p:1"), ("NO_PROXY", "other, .b.test")],
                &none,
            ),
            (&[("HTTPS_PROXY", "p:1"), ("no_proxy", "*")], &none),
            (&[("HTTPS_PROXY", "p:1"), ("NO_PROXY", "A.B.TEST")], &none),
            (&[("HTTPS_PROXY", "p:1"), ("NO_PROXY", "*.b.test")], &none),
            (
                &[("HTTPS_PROXY", "p:1"), ("NO_PROXY", "xa.b.test,est")],
                &is("p", 1, None),
            ),
        ] {
            assert_eq!(proxy("a.b.test", variables), *expected, "{variables:?}");
        }
        for wrong in ["socks5://p:1", "https://p:1", "http://", "a b"] {
            let error = proxy("a.test", &[("HTTPS_PROXY", wrong)]).unwrap_err();
            assert!(error.starts_with("HTTPS_PROXY is not the URL"), "{error}");
        }
    }

    #[tokio::test]
    async fn a_proxy_is_asked_to_connect() {
        for (answer, refusal) in [
            ("HTTP/1.1 200 Connection established\r\n\r\n", None),
            ("HTTP/1.0 200 OK\r\nVia: x\r\n\r\n", None),
            (
                "HTTP/1.1 407 Who are you?\r\n\r\n",
                Some("it answers \"HTTP/1.1 407 Who are you?\""),
            ),
            (
                "HTTP/1.1 200 OK\r\n",
                Some("it answers \"HTTP/1.1 200 OK\""),
            ),
            ("", Some("it answers \"\"")),
            ("SSH-2.0\r\n\r\n", Some("it answers \"SSH-2.0\"")),
        ] {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            let server = std::thread::spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                let lines = BufReader::new(&stream).lines().map(Result::unwrap);
                let asked: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
                stream.write_all(answer.as_bytes()).unwrap();
                asked
            });
            let text = format!("http://user:pass@{address}");
            let proxy = Proxy::parse(&text).unwrap();
            let stream = TcpStream::connect(address).await.unwrap();
            let connected = proxy.pass_on(stream, ("a.test", 443)).await;
            let asked = server.join().unwrap();
            assert_eq!(asked[0], "CONNECT a.test:443 HTTP/1.1");
            assert_eq!(asked[2], "Proxy-Authorization: Basic dXNlcjpwYXNz");
            match refusal {
                None => assert!(connected.is_ok(), "{answer}"),
                Some(reason) => {
                    let error = connected.unwrap_err().to_string();
                    let text =
                        format!("the proxy {address} does not connect to a.test:443: {reason}");
                    assert!(error.starts_with(&text), "{error}");
                }
            }
        }
    }
}
