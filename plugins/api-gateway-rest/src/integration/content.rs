//! `contentHandling`: bodies that are converted between bytes and Base64, on their way to an integration or back.
//!
//! The rules are AWS's tables: a request is binary by its `Content-Type`, a client takes binary bodies by the first type
//! of its `Accept`, and a function's result is JSON, which is text unless `application/json` is one of the API's binary
//! media types.

use alloc::borrow::{Cow, ToOwned as _};
use alloc::string::String;
use alloc::vec::Vec;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_event::contract::Request;
use http_event::json::read;
use serde_json::Value;

use crate::media::{accepts_binary, is_binary, is_binary_request};
use crate::state::State;

/// A text that was to be decoded is not Base64.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotBase64;

/// What a body is converted to, as AWS names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Handling {
    ToBinary,
    ToText,
}

/// The conversions, as AWS names them.
pub const CONVERSIONS: [&str; 2] = ["CONVERT_TO_BINARY", "CONVERT_TO_TEXT"];

impl Handling {
    /// That of an integration or of one of its responses.
    fn of(detail: &Value) -> Option<Self> {
        match detail.get("content-handling")?.as_str()? {
            "CONVERT_TO_BINARY" => Some(Self::ToBinary),
            _ => Some(Self::ToText),
        }
    }
}

/// The body of a request for an integration, whose settings are `detail`.
///
/// # Errors
///
/// The body is to become bytes, and is not Base64.
pub fn of_request<'r>(
    state: &State<'_>,
    request: &'r Request,
    detail: &Value,
) -> Result<Cow<'r, [u8]>, NotBase64> {
    let body = request.body.as_bytes();
    match (is_binary_request(state, request), Handling::of(detail)) {
        (true, Some(Handling::ToText)) => Ok(Cow::Owned(encoded(body))),
        (false, Some(Handling::ToBinary)) => decoded(body).map(Cow::Owned),
        _ => Ok(Cow::Borrowed(body)),
    }
}

/// The body of a response, made of the result of an integration. `chosen` has the settings of the response.
///
/// # Errors
///
/// The result is to become bytes, and is not Base64.
pub fn of_response<'r>(
    state: &State<'_>,
    request: &Request,
    chosen: &Value,
    result: &'r str,
) -> Result<Cow<'r, [u8]>, NotBase64> {
    let body = result.as_bytes();
    let is_binary_result = is_binary(state, "application/json");
    let becomes_binary = match Handling::of(chosen) {
        Some(handling) => handling == Handling::ToBinary,
        None => accepts_binary(state, request),
    };
    match (is_binary_result, becomes_binary) {
        (true, false) => Ok(Cow::Owned(encoded(body))),
        (false, true) => decoded(body).map(Cow::Owned),
        (true, true) | (false, false) => Ok(Cow::Borrowed(body)),
    }
}

fn encoded(body: &[u8]) -> Vec<u8> {
    STANDARD.encode(body).into_bytes()
}

/// Decodes a Base64 text. It may be a JSON string, with quotes and escapes: that is what a function returns as its
/// result.
fn decoded(body: &[u8]) -> Result<Vec<u8>, NotBase64> {
    let text = core::str::from_utf8(body).map_err(|_| NotBase64)?.trim();
    let text: Cow<'_, str> = match text.starts_with('"') {
        true => read::string(text).map_err(|_| NotBase64)?,
        false => Cow::Borrowed(text),
    };
    STANDARD.decode(text.as_bytes()).map_err(|_| NotBase64)
}

/// A body as text for a mapping template. What is not UTF-8 becomes U+FFFD, unless the body is binary by its type: then
/// there is no text.
pub fn as_text(body: Cow<'_, [u8]>, is_binary: bool) -> Option<String> {
    match core::str::from_utf8(&body) {
        Ok(text) => Some(text.to_owned()),
        Err(_) if is_binary => None,
        Err(_) => Some(String::from_utf8_lossy(&body).into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use http_event::api::Api;
    use http_event::contract::{Header, RequestBody};
    use serde_json::json;

    use super::*;

    const TEXT: Option<&str> = Some("CONVERT_TO_TEXT");
    const BINARY: Option<&str> = Some("CONVERT_TO_BINARY");

    fn state(binary_types: &str) -> State<'_> {
        let mut state = State::new(Api::new("", "", ""));
        state.binary_types = binary_types;
        state
    }

    fn detail(handling: Option<&str>) -> Value {
        json!({"content-handling": handling})
    }

    #[test]
    fn requests_are_converted_as_by_awss_table() {
        // The text `aGk=` is the Base64 of `hi`, and `YUdrPQ==` that of `aGk=`.
        for (types, content_type, handling, expected) in [
            ("", "image/png", None, "aGk="),
            ("", "image/png", BINARY, "hi"),
            ("", "image/png", TEXT, "aGk="),
            ("image/png", "text/plain", None, "aGk="),
            ("image/png", "text/plain", BINARY, "hi"),
            ("image/png", "text/plain", TEXT, "aGk="),
            ("image/png", "image/png", None, "aGk="),
            ("image/png", "image/png", BINARY, "aGk="),
            ("image/png", "image/png", TEXT, "YUdrPQ=="),
        ] {
            let request = Request {
                headers: vec![Header::new("Content-Type", content_type)],
                body: RequestBody::Text(String::from("aGk=")),
                ..Request::get("/")
            };
            let body = of_request(&state(types), &request, &detail(handling)).unwrap();
            assert_eq!(
                body,
                expected.as_bytes(),
                "{types} {content_type} {handling:?}"
            );
        }
    }

    #[test]
    fn responses_are_converted_as_by_awss_table() {
        for (types, accept, handling, expected) in [
            ("", "text/plain", None, Some("aGk=")),
            ("", "text/plain", BINARY, Some("hi")),
            ("", "text/plain", TEXT, Some("aGk=")),
            ("image/png", "text/plain", None, Some("aGk=")),
            ("image/png", "text/plain", BINARY, Some("hi")),
            ("image/png", "text/plain", TEXT, Some("aGk=")),
            ("image/png", "image/png", None, Some("hi")),
            ("image/png", "image/png", BINARY, Some("hi")),
            ("image/png", "image/png", TEXT, Some("aGk=")),
            ("application/json", "text/plain", None, Some("YUdrPQ==")),
            ("application/json", "text/plain", BINARY, Some("aGk=")),
            ("application/json", "text/plain", TEXT, Some("YUdrPQ==")),
            ("*/*", "text/plain", None, Some("aGk=")),
            ("*/*", "text/plain", BINARY, Some("aGk=")),
            ("*/*", "text/plain", TEXT, Some("YUdrPQ==")),
        ] {
            let request = Request {
                headers: vec![Header::new("Accept", accept)],
                ..Request::get("/")
            };
            let body = of_response(&state(types), &request, &detail(handling), "aGk=");
            assert_eq!(
                body.ok().as_deref(),
                expected.map(str::as_bytes),
                "{types} {accept} {handling:?}"
            );
        }
    }

    #[test]
    fn a_base64_may_be_a_json_string() {
        let request = Request::get("/");
        let of = |result| of_response(&state(""), &request, &detail(BINARY), result);
        assert_eq!(of("\"aGk=\"").as_deref(), Ok(b"hi".as_slice()));
        assert_eq!(of(" aGk=\n").as_deref(), Ok(b"hi".as_slice()));
        assert_eq!(of(r#""a\u0047k\u003d""#).as_deref(), Ok(b"hi".as_slice()));
        for wrong in ["{}", "\"a\\", "a", "\"é\""] {
            assert_eq!(of(wrong), Err(NotBase64), "{wrong}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_text_only_for_types_that_are_not_binary() {
        let bytes = || Cow::Borrowed([0xff_u8, b'a'].as_slice());
        assert_eq!(as_text(bytes(), true), None);
        assert_eq!(as_text(bytes(), false).as_deref(), Some("\u{fffd}a"));
    }
}
