//! The opening handshake of RFC 6455, section 4.2.
//!
//! On failure: a request that asks for a WebSocket connection in a way that cannot succeed is answered by the host: 426
//! for another version of the protocol, 400 for the rest. The plugin does not see it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{
    CONNECTION, HeaderMap, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::request::Parts;
use http::{Method, StatusCode, Version};
use lambkin_http::Response;
use sha1::{Digest as _, Sha1};

/// The length of a key: 16 bytes in Base64.
const KEY_CHARACTERS: usize = 24;

/// What RFC 6455 appends to the key before it is digested.
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// A valid request for a connection.
#[derive(Debug)]
pub(crate) struct Handshake {
    accept: HeaderValue,
}

/// Why there can be no connection.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub status: StatusCode,
    pub reason: &'static str,
}

impl Handshake {
    /// Reads the head of a request. `None` if it does not ask for a WebSocket connection.
    ///
    /// # Errors
    ///
    /// It asks for one, and there can be none.
    pub(crate) fn read(head: &Parts) -> Result<Option<Self>, Refusal> {
        let headers = &head.headers;
        if !has_token(headers, &UPGRADE, "websocket") || !has_token(headers, &CONNECTION, "upgrade")
        {
            return Ok(None);
        }
        let bad_request = |reason| Refusal {
            status: StatusCode::BAD_REQUEST,
            reason,
        };
        if head.method != Method::GET || head.version != Version::HTTP_11 {
            return Err(bad_request(
                "a WebSocket connection is opened with a GET request in HTTP/1.1",
            ));
        }
        let version = headers.get(SEC_WEBSOCKET_VERSION);
        if version.is_none_or(|version| version != "13") {
            return Err(Refusal {
                status: StatusCode::UPGRADE_REQUIRED,
                reason: "the only supported sec-websocket-version is 13",
            });
        }
        let key = headers.get(SEC_WEBSOCKET_KEY).map(HeaderValue::as_bytes);
        let key = key.filter(|key| key.len() == KEY_CHARACTERS);
        let accept = key.and_then(|key| HeaderValue::try_from(accept_of(key)).ok());
        match accept {
            Some(accept) => Ok(Some(Self { accept })),
            None => Err(bad_request(
                "the header sec-websocket-key must be 16 bytes in Base64",
            )),
        }
    }

    /// Completes the response that opens the connection.
    pub(crate) fn accept(self, response: &mut Response) {
        let headers = response.headers_mut();
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(SEC_WEBSOCKET_ACCEPT, self.accept);
    }
}

impl Refusal {
    /// The version that the host supports, for a refusal because of another one.
    pub(crate) fn add_version(&self, response: &mut Response) {
        if self.status == StatusCode::UPGRADE_REQUIRED {
            let version = HeaderValue::from_static("13");
            response
                .headers_mut()
                .insert(SEC_WEBSOCKET_VERSION, version);
        }
    }
}

fn accept_of(key: &[u8]) -> String {
    let digest = Sha1::new().chain_update(key).chain_update(GUID).finalize();
    STANDARD.encode(digest)
}

/// Whether a comma-separated list has a token, in any spelling.
fn has_token(headers: &HeaderMap, name: &http::HeaderName, token: &str) -> bool {
    let lists = headers.get_all(name).iter();
    lists
        .filter_map(|list| list.to_str().ok())
        .flat_map(|list| list.split(','))
        .any(|item| item.trim().eq_ignore_ascii_case(token))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(headers: &[(&str, &str)]) -> Result<Option<Handshake>, Refusal> {
        let mut request = http::Request::builder();
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Handshake::read(&request.body(()).unwrap().into_parts().0)
    }

    const UPGRADES: [(&str, &str); 4] = [
        ("connection", "keep-alive, Upgrade"),
        ("upgrade", "WebSocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];

    #[test]
    fn the_key_is_answered_as_in_the_example_of_the_rfc() {
        let handshake = read(&UPGRADES).unwrap().unwrap();
        assert_eq!(handshake.accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn other_requests_are_no_handshakes_and_wrong_handshakes_are_refused() {
        assert!(read(&UPGRADES[..1]).unwrap().is_none());
        assert!(read(&UPGRADES[1..]).unwrap().is_none());
        let refused = |headers: &[(&str, &str)]| read(headers).unwrap_err().status;
        assert_eq!(refused(&UPGRADES[..2]), 426);
        assert_eq!(refused(&UPGRADES[..3]), 400);
        let short = [
            UPGRADES[0],
            UPGRADES[1],
            UPGRADES[2],
            ("sec-websocket-key", "abc"),
        ];
        assert_eq!(refused(&short), 400);
    }
}
