//! The service role: serves requests of `wasi:http` from the buckets of `lambkin:store/objects`.
//!
//! On failure: the response to a malformed request is 400, before the service sees it. If an object cannot be read to
//! its end, the body of the response is cut, and the host closes the connection, so that the client notices.

#![allow(unsafe_code, reason = "the exports are foreign functions")]

mod store;
mod stream;

use wasip2::http::types::{IncomingRequest, Method, ResponseOutparam, Scheme};

use crate::service::contract::{self, settings};
use crate::service::{self, Context, Request};
use store::Host;

struct Service;

contract::export!(Service with_types_in contract);

mod proxy {
    use super::Service;
    wasip2::http::proxy::export!(Service);
}

impl settings::Guest for Service {
    fn check(section: String) -> Vec<settings::Problem> {
        service::check(&section)
    }
}

impl wasip2::exports::http::incoming_handler::Guest for Service {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let head = head(&request);
        let mut body = stream::Incoming::of(request);
        let store = Host::default();
        // SDKs use `aws-global` for the endpoint without a region, which is in us-east-1.
        let region = variable("LAMBKIN_REGION", "us-east-1").replace("aws-global", "us-east-1");
        let settings = service::Settings::read(&variable("LAMBKIN_SETTINGS", "{}"));
        let account = variable("LAMBKIN_ACCOUNT", "000000000000");
        let now = wasip2::clocks::wall_clock::now();
        let mut random = [0; 64];
        for (byte, new) in random
            .iter_mut()
            .zip(wasip2::random::random::get_random_bytes(64))
        {
            *byte = new;
        }
        let context = Context {
            store: &store,
            region: &region,
            account: &account,
            settings: &settings,
            now_ms: now.seconds * 1000 + u64::from(now.nanoseconds / 1_000_000),
            random,
        };
        let response = service::answer(&head, &mut body, context);
        stream::send(response, &store, out);
    }
}

fn variable(name: &str, default: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| default.to_owned())
}

/// A request without its body.
fn head(request: &IncomingRequest) -> Request {
    let method = match request.method() {
        Method::Get => "GET".to_owned(),
        Method::Head => "HEAD".to_owned(),
        Method::Post => "POST".to_owned(),
        Method::Put => "PUT".to_owned(),
        Method::Delete => "DELETE".to_owned(),
        Method::Connect => "CONNECT".to_owned(),
        Method::Options => "OPTIONS".to_owned(),
        Method::Trace => "TRACE".to_owned(),
        Method::Patch => "PATCH".to_owned(),
        Method::Other(name) => name,
    };
    let mut headers: Vec<(String, String)> = request
        .headers()
        .entries()
        .into_iter()
        .map(|(name, value)| (name, text(value)))
        .collect();
    // In `wasi:http` the `Host` header is not among the headers.
    if let Some(authority) = request.authority()
        && !headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("host"))
    {
        headers.push(("host".to_owned(), authority));
    }
    let target = request.path_with_query().unwrap_or_else(|| "/".to_owned());
    Request {
        is_encrypted: matches!(request.scheme(), Some(Scheme::Https)),
        ..Request::new(&method, &target, headers)
    }
}

/// The value of a header: UTF-8 or, as in earlier versions of HTTP, ISO-8859-1.
fn text(value: Vec<u8>) -> String {
    String::from_utf8(value)
        .unwrap_or_else(|error| error.into_bytes().into_iter().map(char::from).collect())
}
