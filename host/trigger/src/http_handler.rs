//! Requests of an HTTP trigger.
//!
//! A request is read in full, with its names and its target as the client wrote them, and handled by an [`Exchange`].
//! Here is what HTTP asks: heads, bodies and framing. The body of a streamed response goes from the function to the
//! client without the plugin.
//!
//! On failure: status 502 if the plugin failed, 503 if the host cannot run it now, 400 for a body that ends early, and
//! 408 for one that stops midway. The response, and for plugins the log, name the cause. A body above the limit that
//! the plugin has set is dropped, and the plugin answers.

use std::net::SocketAddr;

use bytes::Bytes;
use http::header::{HOST, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Request, StatusCode, Version};
use lambkin_http::{
    BodyError, HeadAsSent, ReasonPhrase, RequestBody, Response, json, read_body, write_names_as,
};
use lambkin_lambda::{Lambda, new_request_id, new_trace_id, now_ms};
use lambkin_model::{Body, HttpHeader, HttpRequest, HttpResponse};
use lambkin_plugin::{FRAMING_HEADERS, HttpTrigger, PluginError};

use crate::http_exchange::Exchange;
use crate::step_cache::StepCache;

/// An HTTP trigger that handles requests.
#[derive(Debug)]
pub(crate) struct HttpHandler {
    /// The configured plugin.
    pub(crate) trigger: HttpTrigger,
    /// The functions, among them those that the trigger may invoke.
    pub(crate) lambda: Lambda,
    /// Results that the plugin may have again.
    pub(crate) cache: StepCache,
}

/// Where a request has been received.
#[derive(Debug)]
pub(crate) struct Reached {
    pub(crate) scheme: &'static str,
    pub(crate) address: Option<SocketAddr>,
}

impl HttpHandler {
    /// Handles a request.
    pub(crate) async fn answer(
        &self,
        request: Request<RequestBody>,
        peer: SocketAddr,
        reached: &Reached,
    ) -> Response {
        let (head, body) = request.into_parts();
        let body = match read_body(body, self.trigger.max_body_bytes()).await {
            Ok(body) => Some(body),
            Err(BodyError::TooLarge { .. }) => None,
            Err(error) => return message(error.status(), &error.to_string()),
        };
        let request = describe(&head, body, peer, reached);
        let exchange = Exchange {
            trigger: &self.trigger,
            lambda: &self.lambda,
            cache: &self.cache,
            request: &request,
        };
        match exchange.run().await {
            Ok((response, None)) => render(response),
            // The plugin's response to a stream has no body.
            Ok((response, Some(stream))) => render(response).map(|_| stream.into_body()),
            Err(error) => {
                tracing::error!("{} {}: {error}", request.method, request.path);
                plugin_failed(&error)
            }
        }
    }
}

/// The request as the plugin receives it.
fn describe(head: &Parts, body: Option<Bytes>, peer: SocketAddr, reached: &Reached) -> HttpRequest {
    let at_ms = now_ms();
    let trace_id = head
        .headers
        .get("x-amzn-trace-id")
        .map(|value| text(value.as_bytes()))
        .filter(|value| value.contains("Root="));
    let as_sent = head.extensions.get::<HeadAsSent>();
    let target = as_sent.and_then(|head| head.target.as_deref()).map(text);
    let (path, query) = match &target {
        Some(target) => {
            // A fragment is for the client alone. AWS's front ends drop the one of a client that sends it nevertheless.
            let target = target
                .split_once('#')
                .map_or(target.as_str(), |(target, _)| target);
            target.split_once('?').unwrap_or((target, ""))
        }
        None => (head.uri.path(), head.uri.query().unwrap_or_default()),
    };
    HttpRequest {
        id: new_request_id().as_str().to_owned(),
        trace_id: trace_id.unwrap_or_else(|| new_trace_id(at_ms)),
        at_ms,
        // A listener for both protocols sees IPv4 addresses as IPv6 ones; AWS's front ends never show them so.
        peer: peer.ip().to_canonical().to_string(),
        scheme: reached.scheme,
        port: reached.address.map_or(0, |address| address.port()),
        protocol: protocol(head.version).to_owned(),
        authority: authority(head, reached.address),
        method: head.method.as_str().to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: headers(head, as_sent),
        body: body.map(Body::from_bytes),
    }
}

/// Requests over HTTP/2 are `HTTP/1.1` to plugins, as they are in the events of AWS's front ends.
fn protocol(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "HTTP/1.0",
        _ => "HTTP/1.1",
    }
}

fn authority(head: &Parts, address: Option<SocketAddr>) -> String {
    match (head.uri.authority(), head.headers.get(HOST)) {
        (Some(authority), _) => authority.as_str().to_owned(),
        (None, Some(host)) => text(host.as_bytes()),
        (None, None) => address.map(|it| it.to_string()).unwrap_or_default(),
    }
}

fn headers(head: &Parts, as_sent: Option<&HeadAsSent>) -> Vec<HttpHeader> {
    let headers = head.headers.iter();
    headers
        .map(|(name, value)| HttpHeader {
            name_as_sent: as_sent.and_then(|head| head.name(name).map(str::to_owned)),
            name: name.as_str().to_owned(),
            value: text(value.as_bytes()),
        })
        .collect()
}

/// Bytes of a head as text: as UTF-8 if they are valid UTF-8, otherwise as ISO-8859-1, in which every byte is a
/// character.
fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}

/// The plugin's response as HTTP. `lambkin_plugin` has validated it; a header that HTTP does not allow is left out.
fn render(response: HttpResponse) -> Response {
    let mut rendered = Response::new(response.body.into_bytes().into());
    *rendered.status_mut() =
        StatusCode::from_u16(response.status).unwrap_or(StatusCode::BAD_GATEWAY);
    let reason = response.reason.map(Bytes::from);
    if let Some(Ok(reason)) = reason.map(ReasonPhrase::try_from) {
        rendered.extensions_mut().insert(reason);
    }
    let names = response.headers.iter().map(|(name, _)| name.as_str());
    write_names_as(names, rendered.extensions_mut());
    for (name, value) in &response.headers {
        let name = HeaderName::from_bytes(name.as_bytes());
        let value = HeaderValue::from_bytes(value.as_bytes());
        if let (Ok(name), Ok(value)) = (name, value)
            && !FRAMING_HEADERS.contains(&name.as_str())
        {
            rendered.headers_mut().append(name, value);
        }
    }
    rendered
}

fn plugin_failed(error: &PluginError) -> Response {
    let status = match error.cause {
        lambkin_plugin::CallError::Host(_) => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::BAD_GATEWAY,
    };
    message(status, &error.to_string())
}

/// An error response of the host, in API Gateway's form: `{"message":…}`.
pub(crate) fn message(status: StatusCode, text: &str) -> Response {
    let body = serde_json::json!({ "message": text }).to_string();
    json(status, body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_that_is_not_utf_8_is_read_as_latin_1() {
        assert_eq!(text("h\u{e9}".as_bytes()), "h\u{e9}");
        assert_eq!(text(b"h\xe9"), "h\u{e9}");
    }

    #[test]
    fn framing_headers_of_a_plugin_are_ignored_and_repeated_ones_are_kept() {
        let headers = [
            ("Content-Length", "9"),
            ("Set-Cookie", "a=1"),
            ("set-cookie", "b=2"),
            ("Connection", "close"),
            ("Date", "yesterday"),
        ];
        let response = render(HttpResponse {
            status: 299,
            reason: None,
            headers: headers
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .to_vec(),
            body: Body::Text("hello".to_owned()),
        });
        assert_eq!(response.status(), 299);
        let cookies: Vec<_> = response.headers().get_all("set-cookie").iter().collect();
        assert_eq!(cookies, ["a=1", "b=2"]);
        assert_eq!(response.headers().len(), 2);
    }
}
