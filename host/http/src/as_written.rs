//! Response headers with their names as the handler spells them.
//!
//! hyper writes names in lower case unless a response has an extension with other spellings. The type of the extension
//! is private: only hyper's parser makes it, for servers that preserve the spelling of requests. So hyper gets to parse a
//! head with the names in question, once for each set of names, and what it has noted is kept.
//!
//! On failure, which only names can cause that HTTP does not allow, the names are written in lower case.

use std::collections::HashMap;
use std::convert::Infallible;
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Waker};

use http::{Extensions, Request, Response};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{join, sink};

/// The number of sets of names that are kept. An application uses few.
const KEPT_SETS: usize = 256;

/// The number of headers in a response, with some to spare.
const MAX_HEADERS: usize = 2_000;

/// Makes hyper write these header names of a response as they are spelt here.
pub fn write_names_as<'a>(
    names: impl Iterator<Item = &'a str> + Clone,
    extensions: &mut Extensions,
) {
    let is_lower = |name: &str| !name.bytes().any(|byte| byte.is_ascii_uppercase());
    if names.clone().all(is_lower) {
        return;
    }
    static KEPT: Mutex<Option<HashMap<String, Extensions>>> = Mutex::new(None);
    let set: Vec<&str> = names.collect();
    let set = set.join("\n");
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    let kept = kept.get_or_insert_default();
    if let Some(spellings) = kept.get(&set) {
        extensions.extend(spellings.clone());
        return;
    }
    let Some(spellings) = parse(&set) else {
        return;
    };
    if kept.len() >= KEPT_SETS {
        kept.clear();
    }
    kept.insert(set, spellings.clone());
    extensions.extend(spellings);
}

/// What hyper notes of a head with these names, one per line.
fn parse(names: &str) -> Option<Extensions> {
    let mut head = "GET / HTTP/1.0\r\n".to_owned();
    for name in names.lines() {
        // A length has to be a number, and no coding is known in this version.
        let value = match name {
            name if name.eq_ignore_ascii_case("content-length") => "0",
            name if name.eq_ignore_ascii_case("transfer-encoding") => continue,
            _ => "",
        };
        head.push_str(name);
        head.push_str(": ");
        head.push_str(value);
        head.push_str("\r\n");
    }
    head.push_str("\r\n");
    let noted = Mutex::new(None);
    let service = service_fn(|request: Request<Incoming>| {
        let (parts, _) = request.into_parts();
        *noted.lock().unwrap_or_else(PoisonError::into_inner) = Some(parts.extensions);
        std::future::ready(Ok::<_, Infallible>(Response::new(Empty::<&[u8]>::new())))
    });
    let connection = http1::Builder::new()
        .preserve_header_case(true)
        .max_headers(MAX_HEADERS)
        .serve_connection(TokioIo::new(join(head.as_bytes(), sink())), service);
    let mut connection = pin!(connection);
    // Reading from memory and writing to nowhere never wait.
    let _ = connection
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()));
    noted.lock().unwrap_or_else(PoisonError::into_inner).take()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_every_kind_are_noted() {
        for names in [
            "ETag",
            "Content-Length\nETag",
            "Transfer-Encoding\nETag",
            "Connection\nUpgrade\nExpect\nHost\nHost\nETag",
        ] {
            assert!(
                parse(names).is_some_and(|noted| !noted.is_empty()),
                "{names}"
            );
        }
        assert!(parse("not a name").is_none());
    }
}
