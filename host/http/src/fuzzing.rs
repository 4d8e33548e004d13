//! Properties of the rules for web pages, whose input comes from a socket.
//!
//! The function takes arbitrary bytes and panics if a property does not hold. It exists only in builds with `--cfg
//! fuzzing`, and only a target in `tests/fuzz` calls it.

#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a property that does not hold panics"
)]

use http::header::{HOST, ORIGIN};
use http::{HeaderValue, Request};

use crate::cross_origin::{Allowlist, CrossOrigin, ForeignPages};

/// No host and no origin is accepted with a foreign domain behind it, and every refusal can be told to the client.
pub fn cross_origin(bytes: &[u8]) {
    let rules = CrossOrigin::new(Allowlist::default(), ForeignPages::Refused);
    let foreign = [bytes, b".evil.com"].concat();
    for (value, is_foreign) in [(bytes, false), (foreign.as_slice(), true)] {
        let Ok(value) = HeaderValue::from_bytes(value) else {
            return;
        };
        for (name, other) in [(HOST, ORIGIN), (ORIGIN, HOST)] {
            let mut request = Request::new(());
            let local = match other {
                ORIGIN => HeaderValue::from_static("http://localhost"),
                _ => HeaderValue::from_static("localhost"),
            };
            request.headers_mut().insert(other, local);
            request.headers_mut().insert(name, value.clone());
            match rules.check(&mut request) {
                Ok(()) => assert!(!is_foreign, "{value:?}"),
                Err(refusal) => {
                    let status = rules.refuse(&refusal, "").status();
                    assert!(status.is_client_error(), "{value:?}");
                }
            }
        }
    }
}
