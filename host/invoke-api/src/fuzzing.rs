//! Properties of the parsers and encoders of the Invoke API.
//!
//! Each function takes arbitrary bytes and panics if its property does not hold. The functions exist only in builds
//! with `--cfg fuzzing`, and only the targets in `tests/fuzz` call them.

#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a property that does not hold panics"
)]

use http::{HeaderMap, HeaderValue};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::emulator::request::{client_context, invoked_name};
use crate::event;
use crate::event_stream::StreamEvent;
use crate::limits::NAME_LENGTH;
use crate::target::{Target, parameter, percent_decode};
use crate::violations::Violations;

/// The maximum length of a message for a caller, however long the invalid value is.
const LONGEST_MESSAGE: usize = 4096;

/// JSON is a valid event; anything else gives a message of bounded length that states the place of the error.
pub fn event_check(bytes: &[u8]) {
    let checked = event::check(bytes);
    if serde_json::from_slice::<serde_json::Value>(bytes).is_ok() {
        assert_eq!(checked, Ok(()));
    }
    if let Err(message) = checked {
        assert!(message.len() < LONGEST_MESSAGE, "{message}");
        assert!(message.contains("; line: "));
    }
}

/// A frame of an event stream can be decoded: lengths, checksums, headers and payload.
pub fn event_stream(payload: &[u8]) {
    for (event, name) in [
        (StreamEvent::PayloadChunk, "PayloadChunk"),
        (StreamEvent::InvokeComplete, "InvokeComplete"),
    ] {
        let frame = event.frame(payload);
        let number = |at: usize| {
            let four = frame[at..at + 4].try_into().expect("four bytes");
            u32::from_be_bytes(four)
        };
        let (length, end) = (frame.len(), frame.len() - 4);
        assert_eq!(number(0) as usize, length);
        assert_eq!(number(8), crc32fast::hash(&frame[..8]));
        assert_eq!(number(end), crc32fast::hash(&frame[..end]));
        let (headers, rest) = frame[12..end].split_at(number(4) as usize);
        assert_eq!(rest, payload);
        let headers = read_headers(headers);
        assert_eq!(headers[0], (":event-type".to_owned(), name.to_owned()));
        assert_eq!(headers.len(), 3);
    }
}

fn read_headers(mut bytes: &[u8]) -> Vec<(String, String)> {
    let mut headers = Vec::new();
    let mut take = |length: usize| {
        let (taken, rest) = bytes.split_at(length);
        bytes = rest;
        (taken.to_vec(), rest.is_empty())
    };
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    loop {
        let name_length = usize::from(take(1).0[0]);
        let name = text(take(name_length).0);
        assert_eq!(take(1).0, [7], "a string");
        let value_length = take(2).0;
        let value_length = usize::from(value_length[0]) * 256 + usize::from(value_length[1]);
        let (value, is_last) = take(value_length);
        headers.push((name, text(value)));
        if is_last {
            return headers;
        }
    }
}

/// A percent-encoded parameter is decoded to the original text. Any other query is parsed or refused.
pub fn query(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let encoded = utf8_percent_encode(&text, NON_ALPHANUMERIC).to_string();
    assert_eq!(percent_decode(&encoded), text);
    let query = format!("Other=1&Qualifier={encoded}&Qualifier=2");
    assert_eq!(parameter(&query, "Qualifier").as_deref(), Some(&*text));
    let (name, query) = text.split_once('?').unwrap_or((&text, ""));
    let target = Target::of(name, Some(query));
    let mut violations = Violations::default();
    let found = target.function(&mut violations);
    if let (Ok(found), Ok(())) = (found, violations.none()) {
        assert!(!found.name.is_empty() && found.name.len() <= NAME_LENGTH);
    }
}

/// The APIs of other emulators: a path names one function, and a client context that is JSON is a valid header.
pub fn emulators(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let path = format!("/2015-03-31/functions/{text}/invocations");
    let one = !text.is_empty() && !text.contains('/');
    assert_eq!(invoked_name(&path), one.then_some(&*text));
    let _ = invoked_name(&text);
    if let Ok(value) = HeaderValue::from_bytes(bytes) {
        let mut headers = HeaderMap::new();
        headers.insert("x-amz-client-context", value);
        if let Ok(Some(context)) = client_context(&headers)
            && serde_json::from_str::<serde_json::Value>(&context).is_ok()
        {
            HeaderValue::from_bytes(context.as_bytes()).expect("a valid header");
        }
    }
}
