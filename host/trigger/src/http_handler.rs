//! Requests of an HTTP trigger.
//!
//! A request is read in full, with its names and its target as the client wrote them, and answered by [`Steps`].
//! Here is what HTTP asks: heads, bodies and framing. The body of a streamed response goes from the function to the
//! client without the plugin.
//!
//! On failure: status 502 if the plugin failed, and 503 if the host cannot run it now. A body above the limit that the
//! plugin has set is dropped, and the plugin answers; so it does if the body ends early or stops midway and its setup
//! says so, and otherwise the host answers 400 or 408. The host's responses, and for plugins the log, name the cause.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{HOST, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Request, StatusCode, Version};
use lambkin_http::{
    BodyError, HeadAsSent, ReasonPhrase, RequestBody, Response, json, read_body, upgrade,
    write_names_as,
};
use lambkin_lambda::{new_request_id, new_trace_id, now_ms};
use lambkin_model::{Body, Fact, HttpHeader, HttpRequest, HttpResponse};
use lambkin_plugin::{FRAMING_HEADERS, NewConnection, OpenConnection, PluginError};

use crate::http_exchange::{Answered, Steps};
use crate::websocket::handshake::Handshake;
use crate::websocket::session::Opening;
use crate::websocket::websockets::WebSockets;

/// An HTTP trigger that handles requests.
#[derive(Debug)]
pub(crate) struct HttpHandler {
    /// The plugin, and what its steps need.
    pub(crate) steps: Arc<Steps>,
    /// The connections of a WebSocket trigger.
    pub(crate) websockets: Option<Arc<WebSockets>>,
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
        let handshake = match &self.websockets {
            Some(_) => Handshake::read(&head),
            None => Ok(None),
        };
        let handshake = match handshake {
            Ok(handshake) => handshake,
            Err(refusal) => {
                let mut response = message(refusal.status, refusal.reason);
                refusal.add_version(&mut response);
                return response;
            }
        };
        let (body, error) = match read_body(body, self.steps.trigger.max_body_bytes()).await {
            Ok(body) => (Some(body), None),
            Err(BodyError::TooLarge { .. }) => (None, None),
            Err(error) if self.steps.trigger.answers_body_errors() => (None, Some(error)),
            Err(error) => return message(error.status(), &error.to_string()),
        };
        let mut request = describe(&head, body, peer, reached);
        if let Some(error) = error {
            tracing::warn!("{} {}: {error}", request.method, request.path);
            request.extra.push(match error {
                BodyError::TimedOut(_) => HttpRequest::STALLED_BODY,
                _ => HttpRequest::INCOMPLETE_BODY,
            });
        }
        if let (Some(websockets), Some(handshake)) = (&self.websockets, handshake) {
            request.extra.push(HttpRequest::WEBSOCKET);
            let connecting = connect(Arc::clone(websockets), request, handshake);
            // In a task of its own, so that a connection whose client goes away meanwhile has an end as well.
            let connected = websockets.detached.spawn(connecting).await;
            return connected.unwrap_or_else(|error| {
                message(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string())
            });
        }
        let answered = match self.steps.answer(&request).await {
            Ok(answered) if answered.answer.connection.is_some() => {
                let what = "it opens a WebSocket connection, which the client did not ask for";
                Err(self.steps.trigger.misstep(&request.id, what.to_owned()))
            }
            answered => answered,
        };
        match answered {
            Ok(answered) => render_answer(answered),
            Err(error) => plugin_failed(&request, &error),
        }
    }
}

/// Answers a request for a WebSocket connection, and opens it if the plugin accepts it.
async fn connect(
    websockets: Arc<WebSockets>,
    request: HttpRequest,
    handshake: Handshake,
) -> Response {
    let Some(place) = websockets.connections.place() else {
        let what = "the limit of WebSocket connections is reached";
        tracing::warn!("{}: {what}", websockets.steps.trigger.name());
        return message(StatusCode::SERVICE_UNAVAILABLE, what);
    };
    let mut answered = match websockets.steps.answer(&request).await {
        Ok(answered) => answered,
        Err(error) => return plugin_failed(&request, &error),
    };
    let Some(NewConnection { id, data }) = answered.answer.connection.take() else {
        return render_answer(answered);
    };
    let connection = OpenConnection {
        id,
        data,
        connected_at_ms: request.at_ms,
    };
    let Some(link) = websockets.connections.add(connection, place) else {
        let what = "it gives a new connection the id of one that is open";
        let error = websockets
            .steps
            .trigger
            .misstep(&request.id, what.to_owned());
        return plugin_failed(&request, &error);
    };
    let opening = Opening::new(websockets, link);
    let mut response = render(answered.answer.response);
    handshake.accept(&mut response);
    upgrade(response.extensions_mut(), |upgraded| opening.run(upgraded));
    response
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
        extra: facts(head),
    }
}

/// Requests over HTTP/2 are `HTTP/1.1` to plugins, as they are in the events of AWS's front ends.
fn protocol(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "HTTP/1.0",
        _ => "HTTP/1.1",
    }
}

/// What is true of a request, and rare.
fn facts(head: &Parts) -> Vec<Fact> {
    let mut facts = Vec::new();
    if head.version == Version::HTTP_2 {
        facts.push(HttpRequest::HTTP_2);
    }
    let mut values = head.headers.values();
    if values.any(|value| std::str::from_utf8(value.as_bytes()).is_err()) {
        facts.push(HttpRequest::LATIN_1_HEADER);
    }
    facts
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

/// The plugin's answer as HTTP, with its stream if there is one.
fn render_answer(answered: Answered) -> Response {
    let response = render(answered.answer.response);
    match answered.stream {
        None => response,
        // The plugin's response to a stream has no body.
        Some(stream) => response.map(|_| stream.into_body()),
    }
}

fn plugin_failed(request: &HttpRequest, error: &PluginError) -> Response {
    tracing::error!("{} {}: {error}", request.method, request.path);
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
