//! What a debugger's port accepts of browsers.
//!
//! Web pages can send requests to every port of the machine, and open WebSockets to it. Node's inspector does not look at
//! their origin, and through it a page could read files; debuggers with other protocols read commands even from the body
//! of a request. So a connection that begins with an HTTP request is checked: by the rules of Lambkin's listeners for
//! debuggers that speak HTTP, and it is refused for all others. `docs/security.md` has the rules.
//!
//! Contract: every request of the connection is checked until one of them changes the protocol, as that for a WebSocket
//! does. Nobody is attached before. Requests with a body are refused, since no debugger needs one.
//!
//! On failure: the client gets the status and a line that says why, and the connection is closed.

use http::header::{CONTENT_LENGTH, HeaderName, HeaderValue, ORIGIN, TRANSFER_ENCODING, UPGRADE};
use http::{Method, Request, StatusCode};
use lambkin_http::CrossOrigin;

use crate::limits::DEBUG_HEAD_BYTES;

/// The origins of the developer tools that Chrome and Edge bring, which no web page can have.
const DEVTOOLS: [&str; 2] = ["devtools://devtools", "chrome-devtools://devtools"];

/// The rules of a function's debugger.
#[derive(Debug, Clone)]
pub(crate) struct HttpRules {
    /// `None` if the debugger is known to speak a protocol other than HTTP.
    pub(crate) pages: Option<CrossOrigin>,
    /// What warnings call the port.
    pub(crate) listener: String,
}

/// How far a connection has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Nothing has been passed on.
    Begun,
    /// Only requests have been passed on that do not change the protocol.
    Requests,
    /// A debugger is attached, and everything is passed on.
    Attached,
}

/// What happens to the bytes that a client has sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// More of them are needed.
    Incomplete,
    /// As many are passed on, and the connection then is in this stage.
    Pass(usize, Stage),
    /// The connection is closed with this response.
    Refuse(String),
}

impl HttpRules {
    /// Decides about the bytes that have not been passed on yet.
    pub(crate) fn judge(&self, stage: Stage, bytes: &[u8]) -> Verdict {
        match stage {
            Stage::Attached => Verdict::Pass(bytes.len(), Stage::Attached),
            Stage::Requests => self.judge_request(bytes),
            Stage::Begun => match is_request(bytes) {
                Some(true) => self.judge_request(bytes),
                Some(false) => Verdict::Pass(bytes.len(), Stage::Attached),
                None if bytes.len() > DEBUG_HEAD_BYTES => too_long(),
                None => Verdict::Incomplete,
            },
        }
    }

    fn judge_request(&self, bytes: &[u8]) -> Verdict {
        let Some(pages) = &self.pages else {
            return refuse(
                StatusCode::FORBIDDEN,
                "the debugger at this port does not speak HTTP",
            );
        };
        let Some(len) = head_len(bytes) else {
            return match bytes.len() > DEBUG_HEAD_BYTES {
                true => too_long(),
                false => Verdict::Incomplete,
            };
        };
        let Some(mut request) = bytes.get(..len).and_then(parse) else {
            return refuse(StatusCode::BAD_REQUEST, "it is not a valid HTTP request");
        };
        let headers = request.headers_mut();
        let has_body = headers
            .get_all(CONTENT_LENGTH)
            .iter()
            .any(|length| length != "0");
        if has_body || headers.contains_key(TRANSFER_ENCODING) {
            return refuse(
                StatusCode::BAD_REQUEST,
                "a debugger takes no request with a body",
            );
        }
        let origin = headers.get(ORIGIN).and_then(|origin| origin.to_str().ok());
        if origin.is_some_and(|origin| DEVTOOLS.contains(&origin))
            && headers.get_all(ORIGIN).iter().count() == 1
        {
            headers.remove(ORIGIN);
        }
        if let Err(status) = pages.admit(&mut request, &self.listener) {
            return refuse(
                status,
                "a web page could have made it; Lambkin's log says how to allow it",
            );
        }
        match request.headers().contains_key(UPGRADE) {
            true => Verdict::Pass(bytes.len(), Stage::Attached),
            false => Verdict::Pass(len, Stage::Requests),
        }
    }
}

fn too_long() -> Verdict {
    refuse(
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        "its headers are too long",
    )
}

fn refuse(status: StatusCode, reason: &str) -> Verdict {
    let body = format!("Lambkin refused this request, because {reason}\n");
    Verdict::Refuse(format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    ))
}

/// Whether these are the first bytes of an HTTP request: a method, a space, and a line that ends with the version. `None`
/// if the line is incomplete. Browsers send the method and more in one piece.
fn is_request(bytes: &[u8]) -> Option<bool> {
    let Some(space) = bytes.iter().position(|byte| *byte == b' ') else {
        return Some(false);
    };
    let method = bytes.get(..space).unwrap_or_default();
    if Method::from_bytes(method).is_err() {
        return Some(false);
    }
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let line = bytes.get(..end).unwrap_or_default().trim_ascii_end();
    let version = line.rsplit(|byte| *byte == b' ').next();
    Some(version.is_some_and(|version| version.starts_with(b"HTTP/")))
}

/// The length of a request's head with the empty line at its end.
fn head_len(bytes: &[u8]) -> Option<usize> {
    let mut start = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        start += line.len();
        if matches!(line, b"\n" | b"\r\n") {
            return Some(start);
        }
    }
    None
}

fn parse(head: &[u8]) -> Option<Request<()>> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_owned()).ok();
    let mut lines = head
        .split(|byte| *byte == b'\n')
        .map(<[u8]>::trim_ascii_end);
    let first = text(lines.next()?)?;
    let mut words = first.split(' ');
    let (method, target, _version) = (words.next()?, words.next()?, words.next()?);
    if words.next().is_some() {
        return None;
    }
    let mut request = Request::builder()
        .method(method)
        .uri(target)
        .body(())
        .ok()?;
    for line in lines.filter(|line| !line.is_empty()) {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let (name, value) = line.split_at_checked(colon)?;
        let value = value.get(1..)?.trim_ascii();
        request.headers_mut().append(
            HeaderName::from_bytes(name).ok()?,
            HeaderValue::from_bytes(value).ok()?,
        );
    }
    Some(request)
}

#[cfg(test)]
mod tests {
    use lambkin_http::{Allowlist, ForeignPages};

    use super::*;

    fn rules(speaks_http: bool) -> HttpRules {
        let pages = CrossOrigin::new(Allowlist::default(), ForeignPages::Refused);
        HttpRules {
            pages: speaks_http.then_some(pages),
            listener: "the debugger".to_owned(),
        }
    }

    fn judge(headers: &str) -> Verdict {
        let request = format!("GET /json HTTP/1.1\r\nHost: 127.0.0.1:9229\r\n{headers}\r\n");
        rules(true).judge(Stage::Begun, request.as_bytes())
    }

    #[track_caller]
    fn refused(verdict: &Verdict, status: &str) {
        let Verdict::Refuse(response) = verdict else {
            panic!("{verdict:?}");
        };
        assert!(
            response.starts_with(&format!("HTTP/1.1 {status} ")),
            "{response}"
        );
    }

    #[test]
    fn foreign_pages_are_refused_and_tools_are_not() {
        for foreign in [
            "Origin: https://evil.example\r\nUpgrade: websocket\r\n",
            "Origin: null\r\n",
            "oRiGiN:https://evil.example\r\n",
            "Origin: devtools://devtools\r\nOrigin: https://evil.example\r\n",
            "Origin: devtools://devtools.evil.example\r\n",
            "Sec-Fetch-Site: cross-site\r\n",
            "Host: evil.com\r\n",
        ] {
            refused(&judge(foreign), "403");
        }
        for harmless in [
            "",
            "User-Agent: Mozilla/5.0\r\n",
            "Origin: http://localhost:3000\r\n",
            "Origin: devtools://devtools\r\n",
        ] {
            let verdict = judge(harmless);
            assert!(
                matches!(verdict, Verdict::Pass(_, Stage::Requests)),
                "{harmless:?}: {verdict:?}"
            );
            let verdict = judge(&format!("{harmless}Upgrade: websocket\r\n"));
            assert!(
                matches!(verdict, Verdict::Pass(_, Stage::Attached)),
                "{harmless:?}: {verdict:?}"
            );
        }
    }

    #[test]
    fn each_request_of_a_connection_is_checked_and_none_has_a_body() {
        let first = "GET /json HTTP/1.1\r\nHost: localhost\r\n\r\n";
        let both = format!("{first}GET / HTTP/1.1\r\nOrigin: https://evil.example\r\n\r\n");
        let verdict = rules(true).judge(Stage::Begun, both.as_bytes());
        assert_eq!(verdict, Verdict::Pass(first.len(), Stage::Requests));
        let rest = &both.as_bytes()[first.len()..];
        refused(&rules(true).judge(Stage::Requests, rest), "403");
        refused(&judge("Content-Length: 40\r\n"), "400");
        refused(&judge("Transfer-Encoding: chunked\r\n"), "400");
        refused(&judge(" Origin: folded\r\n"), "400");
        let endless = [
            b"GET / HTTP/1.1\r\nA: ".as_slice(),
            &vec![b'a'; DEBUG_HEAD_BYTES],
        ]
        .concat();
        refused(&rules(true).judge(Stage::Begun, &endless), "431");
        let endless = [b"GET ".as_slice(), &vec![b'a'; DEBUG_HEAD_BYTES]].concat();
        refused(&rules(true).judge(Stage::Begun, &endless), "431");
    }

    #[test]
    fn other_protocols_are_passed_on_and_get_no_http() {
        let others: [&[u8]; 5] = [
            b"JDWP-Handshake",
            b"Content-Length: 119\r\n\r\n{\"type\":\"request\"}",
            b"version: 1.10.0 width: 80 cookie: - nonstop: false\r\n",
            b"info cookie: -\n",
            b"\x16\x03\x01 \n",
        ];
        for bytes in others {
            let verdict = rules(false).judge(Stage::Begun, bytes);
            assert_eq!(verdict, Verdict::Pass(bytes.len(), Stage::Attached));
        }
        assert_eq!(
            rules(false).judge(Stage::Begun, b"GET /"),
            Verdict::Incomplete
        );
        for request in [
            "GET / HTTP/1.1\r\n",
            "a!b / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
        ] {
            refused(&rules(false).judge(Stage::Begun, request.as_bytes()), "403");
        }
    }
}
