//! Properties of the parsers that read from a socket or a pipe.
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

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};

use crate::extension::request as register;
use crate::function_error;
use crate::name::FunctionRef;
use crate::recursion;
use crate::runtime_api::{InBodyTrailers, error_in_trailers};
use crate::telemetry::frame::{Decoder, Piece};
use crate::telemetry::subscription::{Destination, SubscriptionApi};

/// A name that can be parsed can be parsed as a full ARN too, with the same result.
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

/// A valid subscription has a destination on another port of this machine, and values within AWS's limits.
pub fn subscription(bytes: &[u8]) {
    const OWN_PORT: u16 = 4000;
    for api in [SubscriptionApi::Telemetry, SubscriptionApi::Logs] {
        let Ok(subscription) = api.subscription(bytes, OWN_PORT) else {
            continue;
        };
        let address = match &subscription.destination {
            Destination::Tcp(address) | Destination::Http { address, .. } => *address,
        };
        assert!(address.ip().is_loopback());
        assert!(![0, 9001, OWN_PORT].contains(&address.port()));
        assert!((1..=3).contains(&subscription.types.len()));
        assert!((1000..=10_000).contains(&subscription.buffering.max_items));
        assert!((262_144..=1_048_576).contains(&subscription.buffering.max_bytes));
        if let Destination::Http {
            authority, path, ..
        } = &subscription.destination
        {
            // These become part of a request to the subscriber unchanged.
            HeaderValue::from_str(authority).expect("a Host header");
            path.parse::<http::Uri>().expect("a request target");
        }
    }
}

/// An external extension may subscribe to every event that an internal one may subscribe to.
pub fn register_extension(bytes: &[u8]) {
    if let Ok(events) = register::events(bytes) {
        let internal = register::event_types(&events, false);
        let external = register::event_types(&events, true);
        if let Ok(internal) = internal {
            let external = external.unwrap_or_default();
            assert_eq!(internal, external);
            assert!(external.len() <= 2, "each event type is listed once");
        }
    }
    let _ = register::error_message(bytes);
    let features = std::str::from_utf8(bytes).ok();
    let _ = register::accepts(features, "accountId");
}

/// Frames of a log are decoded in the same way however they are split, and bytes outside of frames are not lost.
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

/// The pieces without their times, as an invalid time is replaced by the current one. Adjacent raw pieces are joined.
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

/// A streamed body is passed on unchanged, except for an error in its last lines.
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
            for ready in trailers.feed(Bytes::copy_from_slice(piece)) {
                passed.extend_from_slice(&ready);
            }
        }
        match trailers.finish() {
            Ok(None) => assert_eq!(passed, body),
            Ok(Some(_error)) => {
                assert!(
                    !headers.is_empty(),
                    "only announced trailers are recognized"
                );
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
        let _ = error_in_trailers(&real);
    }
}

/// A call is counted once, whatever the trace header contains, and the next call finds the count.
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
    HeaderValue::from_str(&trace_id).expect("still a valid header");
}

/// The number of calls in the trace header's only lineage.
fn calls(trace_id: &str) -> u32 {
    let mut found = trace_id.split("Lineage=").skip(1);
    let lineage = found.next().expect("a lineage");
    assert!(found.next().is_none(), "one lineage: {trace_id}");
    let (calls, _) = lineage.split_once(':').expect("its parts");
    calls.parse().expect("a number")
}

/// The caller gets JSON, whatever the runtime posted as its error report.
pub fn error_report(bytes: &[u8]) {
    let payload = function_error::without_cause(bytes);
    serde_json::from_slice::<serde_json::Value>(&payload).expect("JSON");
}
