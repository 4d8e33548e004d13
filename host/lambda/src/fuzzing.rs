//! What must hold of every parser that faces a socket or a pipe, whatever comes in.
//!
//! Each function takes arbitrary bytes and panics if its property does not hold. They exist only in builds with
//! `--cfg fuzzing`; the targets in `tests/fuzz` call them and nothing else.

#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a property that does not hold panics: that is what it is for"
)]

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::extension::request as register;
use crate::invoke_api::frame::Event;
use crate::invoke_api::request::{Target, Violations, parameter, percent_decode};
use crate::name::FunctionRef;
use crate::recursion;
use crate::runtime_api::{InBodyTrailers, error_in_trailers};
use crate::telemetry::frame::{Decoder, Piece};
use crate::telemetry::subscription::{Destination, SubscriptionApi};
use crate::{compat, event, function_error};

/// A message for a caller is short, however long what it complains of is.
const LONGEST_MESSAGE: usize = 4096;

/// A name that is understood is understood in its full form too, and means the same.
pub fn function_name(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let Some(parsed) = FunctionRef::parse(&text) else {
        return;
    };
    let region = parsed.region.unwrap_or("us-east-1");
    let account = parsed.account.unwrap_or("123456789012");
    let resource = format!("function:{}", parsed.name);
    let mut arn = lambkin_model::arn("lambda", region, account, &resource);
    if let Some(qualifier) = parsed.qualifier {
        arn.extend([":", qualifier]);
    }
    let again = FunctionRef::parse(&arn).expect("a full ARN is a name");
    assert_eq!(again.name, parsed.name, "{arn}");
    assert_eq!(again.qualifier, parsed.qualifier, "{arn}");
    assert_eq!((again.region, again.account), (Some(region), Some(account)));
}

/// What is JSON is an event; of what is not, a message of bounded length says where.
pub fn event_check(bytes: &[u8]) {
    let checked = event::check(bytes);
    if serde_json::from_slice::<serde_json::Value>(bytes).is_ok() {
        assert_eq!(checked, Ok(()));
    }
    if let Err(message) = checked {
        assert!(message.len() < LONGEST_MESSAGE, "{message}");
        assert!(message.contains("; line: ") || message.starts_with("Invalid UTF-8"));
    }
}

/// A subscription that is granted delivers to another port of this machine only, within AWS's bounds.
pub fn subscription(bytes: &[u8]) {
    const OWN_PORT: u16 = 4000;
    for api in [SubscriptionApi::Telemetry, SubscriptionApi::Logs] {
        let Ok(granted) = api.subscription(bytes, OWN_PORT) else {
            continue;
        };
        let address = match &granted.destination {
            Destination::Tcp(address) | Destination::Http { address, .. } => *address,
        };
        assert!(address.ip().is_loopback());
        assert!(![0, 9001, OWN_PORT].contains(&address.port()));
        assert!((1..=3).contains(&granted.types.len()));
        assert!((1000..=10_000).contains(&granted.buffering.max_items));
        assert!((262_144..=1_048_576).contains(&granted.buffering.max_bytes));
        if let Destination::Http {
            authority, path, ..
        } = &granted.destination
        {
            // They go into a request for the subscriber as they are.
            HeaderValue::from_str(authority).expect("a Host header");
            path.parse::<http::Uri>().expect("a request target");
        }
    }
}

/// An external extension may have every event that an internal one may have.
pub fn register_extension(bytes: &[u8]) {
    if let Ok(events) = register::events(bytes) {
        let internal = register::event_types(&events, false);
        let external = register::event_types(&events, true);
        if let Ok(internal) = internal {
            let external = external.unwrap_or_default();
            assert_eq!(internal, external);
            assert!(external.len() <= 2, "each event is sent once");
        }
    }
    let _message = register::error_message(bytes);
    let features = std::str::from_utf8(bytes).ok();
    let _accepted = register::accepts(features, "accountId");
}

/// Frames of a log come out the same however the pipe splits them, and nothing outside of frames is lost.
pub fn log_frames(bytes: &[u8]) {
    let Some((&size, bytes)) = bytes.split_first() else {
        return;
    };
    let whole = decoded(std::iter::once(bytes));
    let split = decoded(bytes.chunks(usize::from(size).max(1)));
    assert_eq!(whole, split);
    if !bytes.contains(&0xa5) {
        let raw: Vec<u8> = whole.into_iter().flat_map(|(_, message)| message).collect();
        assert_eq!(raw, bytes);
    }
}

/// Of each piece all but its time, for an impossible time becomes the present. Raw pieces that touch are one.
fn decoded<'a>(parts: impl Iterator<Item = &'a [u8]>) -> Vec<(Option<String>, Vec<u8>)> {
    let mut decoder = Decoder::default();
    let mut pieces: Vec<Piece> = parts.flat_map(|part| decoder.feed(part)).collect();
    pieces.extend(decoder.finish());
    let mut joined: Vec<(Option<String>, Vec<u8>)> = Vec::new();
    for piece in pieces {
        match (joined.last_mut(), piece) {
            (Some((None, before)), Piece::Raw(more)) => before.extend(more),
            (_, Piece::Raw(raw)) => joined.push((None, raw)),
            (_, Piece::Record(record)) => {
                let kind = format!("{:?} {}", record.level, record.is_json);
                joined.push((Some(kind), record.message));
            }
        }
    }
    joined
}

/// A streamed body is handed on byte for byte, but for an error that its last lines are.
pub fn trailers(bytes: &[u8]) {
    let Some((&size, body)) = bytes.split_first() else {
        return;
    };
    let mut announcing = HeaderMap::new();
    let name = HeaderValue::from_static("Lambda-Runtime-Function-Error-Type");
    announcing.insert(http::header::TRAILER, name);
    for headers in [&announcing, &HeaderMap::new()] {
        let mut trailers = InBodyTrailers::new(headers);
        let mut passed = Vec::new();
        for piece in body.chunks(usize::from(size).max(1)) {
            for ready in trailers.pass(Bytes::copy_from_slice(piece)) {
                passed.extend_from_slice(&ready);
            }
        }
        match trailers.end() {
            Ok(None) => assert_eq!(passed, body),
            Ok(Some(_error)) => {
                assert!(!headers.is_empty(), "only who announces trailers has them");
                assert!(passed.len() < body.len() && body.starts_with(&passed));
            }
            Err(rest) => {
                passed.extend_from_slice(&rest);
                assert_eq!(passed, body);
            }
        }
    }
    let mut real = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_bytes(body) {
        real.insert("lambda-runtime-function-error-body", value);
        let _error = error_in_trailers(&real);
    }
}

/// A frame of an event stream can be read back: lengths, checksums, headers and payload.
pub fn event_stream(payload: &[u8]) {
    for (event, name) in [
        (Event::PayloadChunk, "PayloadChunk"),
        (Event::InvokeComplete, "InvokeComplete"),
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

/// A call is added once, whatever the trace header says, and the next call finds it.
pub fn trace_header(bytes: &[u8]) {
    let Ok(header) = HeaderValue::from_bytes(bytes) else {
        return;
    };
    let Ok(text) = header.to_str() else { return };
    let mut trace_id = text.to_owned();
    let first = recursion::add_call(&mut trace_id, "f");
    let before = calls(&trace_id);
    let second = recursion::add_call(&mut trace_id, "f");
    assert_eq!(calls(&trace_id), before.saturating_add(1), "{trace_id}");
    assert!(
        first == 0 || second == first.saturating_add(1) || first == u32::MAX,
        "{text}: {first}, {second}"
    );
    HeaderValue::from_str(&trace_id).expect("a header still");
}

/// The number of calls in the only lineage.
fn calls(trace_id: &str) -> u32 {
    let mut found = trace_id.split("Lineage=").skip(1);
    let lineage = found.next().expect("a lineage");
    assert!(found.next().is_none(), "one lineage: {trace_id}");
    let (calls, _) = lineage.split_once(':').expect("its parts");
    calls.parse().expect("a number")
}

/// What a client encodes in a query comes back as it was; everything else is read or refused.
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
        assert!(!found.name.is_empty() && found.name.len() <= crate::limits::NAME_LENGTH);
    }
}

/// The front ends of other emulators: a path names one function, and a client context fits into a header if it is JSON.
pub fn front_ends(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let path = format!("/2015-03-31/functions/{text}/invocations");
    let one = !text.is_empty() && !text.contains('/');
    assert_eq!(compat::invoked_name(&path), one.then_some(&*text));
    let _unlikely = compat::invoked_name(&text);
    if let Ok(value) = HeaderValue::from_bytes(bytes) {
        let mut headers = HeaderMap::new();
        headers.insert("x-amz-client-context", value);
        if let Ok(Some(context)) = compat::client_context(&headers)
            && serde_json::from_str::<serde_json::Value>(&context).is_ok()
        {
            HeaderValue::from_bytes(context.as_bytes()).expect("a header");
        }
    }
}

/// An error report becomes JSON for the caller, whatever the runtime posted.
pub fn error_report(bytes: &[u8]) {
    let payload = function_error::without_cause(bytes);
    serde_json::from_slice::<serde_json::Value>(&payload).expect("JSON");
}
