//! The listener of an HTTP trigger.
//!
//! A request is read in full, the plugin shapes it into an event, the function is invoked, and the plugin turns the
//! outcome into the response. No plugin instance exists while the function runs. The body of a streamed response goes
//! from the function to the client without the plugin. Events and results are the plugin's and the function's: this
//! module does not look into them.
//!
//! On failure: status 502 if the plugin failed, 503 if the host cannot run it now, 413 for a body above the limit that
//! the plugin has set, 400 for a body that ends early, and 408 for one that stops midway. The response, and for plugins the log, name the cause.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{HOST, HeaderName, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, Request, StatusCode};
use lambkin_http::{
    Allowlist, BodyError, CrossOrigin, ForeignPages, RequestBody, Response, Server, json, read_body,
};
use lambkin_lambda::limits::{RESPONSE_BYTES, SYNC_EVENT_BYTES};
use lambkin_lambda::{Lambda, RESPONSE_TOO_LARGE, Reply, new_request_id, new_trace_id, now_ms};
use lambkin_model::{Body, HttpRequest, HttpResponse, Invocation, RequestId};
use lambkin_plugin::{Decision, FRAMING_HEADERS, HttpTrigger, PluginError, TriggerOutcome};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::outcome::to_trigger_outcome;
use crate::response_stream::StreamedBody;

/// The listener of one HTTP trigger.
#[derive(Debug)]
pub(crate) struct HttpListener {
    /// The configured plugin.
    pub(crate) trigger: HttpTrigger,
    /// The functions, among them those that the trigger may invoke.
    pub(crate) lambda: Lambda,
    /// The hosts, besides local ones, that clients may name. Which pages may use the functions is up to their CORS.
    pub(crate) allowlist: Allowlist,
}

impl HttpListener {
    /// Serves requests until `stop` is cancelled, then lets those under way finish.
    pub(crate) async fn serve(self, listener: TcpListener, stop: CancellationToken) {
        let address = listener
            .local_addr()
            .map(|address| address.to_string())
            .unwrap_or_default();
        let rules = CrossOrigin::new(self.allowlist.clone(), ForeignPages::Accepted);
        let shared = Arc::new((self, address));
        let handler = move |request, peer| {
            let shared = Arc::clone(&shared);
            async move {
                let (http, address) = &*shared;
                http.answer(request, peer, address).await
            }
        };
        Server::for_clients(rules, stop)
            .serve(listener, handler)
            .await;
    }

    async fn answer(
        &self,
        request: Request<RequestBody>,
        peer: SocketAddr,
        address: &str,
    ) -> Response {
        let (head, body) = request.into_parts();
        let body = match read_body(body, self.trigger.max_body_bytes()).await {
            Ok(body) => body,
            Err(error) => return unreadable(&error),
        };
        let request = describe(&head, body, peer, address);
        match self.handle(request).await {
            Ok(response) => response,
            Err(error) => {
                tracing::error!("{} {}: {error}", head.method, head.uri.path());
                plugin_failed(&error)
            }
        }
    }

    async fn handle(&self, request: HttpRequest) -> Result<Response, PluginError> {
        let shaped = match self.trigger.shape(&request).await? {
            Decision::Reply(response) => return Ok(render(response)),
            Decision::Invoke(shaped) => shaped,
        };
        let request_id = RequestId::new(request.id);
        let event_bytes = shaped.event.len();
        let invocation = Invocation::new(request_id, shaped.event, request.trace_id);
        let invoked = self.invoke(&shaped.function, invocation, shaped.streaming);
        // A function that takes longer than the plugin waits runs on; its result is dropped.
        let (outcome, stream) = match shaped.wait {
            None => invoked.await,
            Some(wait) => tokio::time::timeout(wait, invoked)
                .await
                .unwrap_or((TriggerOutcome::Expired, None)),
        };
        let warn = |what: &str| {
            let (method, path, function) = (&request.method, &request.path, &shaped.function);
            tracing::warn!("{method} {path}: function {function}: {what}");
        };
        if let Some(what) = not_in_the_functions_log(&outcome, event_bytes, shaped.wait) {
            warn(&what);
        }
        let (response, warnings) = self
            .trigger
            .respond_with_warnings(&shaped.token, &outcome)
            .await?;
        warnings.iter().for_each(|what| warn(what));
        let response = render(response);
        Ok(match stream {
            // The plugin's response to a stream has no body.
            Some(stream) => response.map(|_| stream.into_body()),
            None => response,
        })
    }

    /// Invokes the function. Returns the body of a streamed response beside the outcome.
    async fn invoke(
        &self,
        function: &str,
        invocation: Invocation,
        streaming: bool,
    ) -> (TriggerOutcome, Option<StreamedBody>) {
        if invocation.event.len() > SYNC_EVENT_BYTES {
            let outcome = TriggerOutcome::Failed {
                kind: EVENT_TOO_LARGE.to_owned(),
                payload: String::new(),
            };
            return (outcome, None);
        }
        if !streaming {
            let outcome = self.lambda.invoke(function, invocation).await;
            return (to_trigger_outcome(outcome, function), None);
        }
        match self.lambda.invoke_streaming(function, invocation).await {
            Reply::Whole(outcome) => (to_trigger_outcome(outcome, function), None),
            Reply::Stream(stream) => match StreamedBody::open(stream).await {
                Ok((prelude, body)) => (TriggerOutcome::StreamOpened(prelude), Some(body)),
                Err(reason) => {
                    tracing::warn!("function {function}: {reason}");
                    let outcome = TriggerOutcome::Failed {
                        kind: "Runtime.TruncatedResponse".to_owned(),
                        payload: serde_json::json!({ "errorMessage": reason }).to_string(),
                    };
                    (outcome, None)
                }
            },
        }
    }
}

/// The error type of an event that is larger than Lambda allows.
const EVENT_TOO_LARGE: &str = "RequestEntityTooLargeException";

/// What the developer has to know of an outcome of which the function's log says nothing.
fn not_in_the_functions_log(
    outcome: &TriggerOutcome,
    event_bytes: usize,
    wait: Option<Duration>,
) -> Option<String> {
    match outcome {
        TriggerOutcome::Failed { kind, .. } if kind == EVENT_TOO_LARGE => Some(format!(
            "the event has {event_bytes} bytes, of which Lambda allows {SYNC_EVENT_BYTES}: the function was not invoked, \
             as on AWS"
        )),
        TriggerOutcome::Failed { kind, .. } if kind == RESPONSE_TOO_LARGE => Some(format!(
            "its response is larger than Lambda allows, {RESPONSE_BYTES} bytes"
        )),
        TriggerOutcome::Expired => Some(format!(
            "it has not answered within {} s, which is as long as the trigger waits; it runs on",
            wait.unwrap_or_default().as_secs_f64()
        )),
        TriggerOutcome::Throttled => Some("it is throttled and was not invoked".to_owned()),
        TriggerOutcome::Unavailable(why) => Some(format!("it was not invoked: {why}")),
        _ => None,
    }
}

/// The request as the plugin receives it.
fn describe(head: &Parts, body: Bytes, peer: SocketAddr, address: &str) -> HttpRequest {
    let at_ms = now_ms();
    let trace_id = head
        .headers
        .get("x-amzn-trace-id")
        .map(header_text)
        .filter(|value| value.contains("Root="));
    HttpRequest {
        id: new_request_id().as_str().to_owned(),
        trace_id: trace_id.unwrap_or_else(|| new_trace_id(at_ms)),
        at_ms,
        peer: peer.ip().to_string(),
        protocol: format!("{:?}", head.version),
        authority: authority(head, address),
        method: head.method.as_str().to_owned(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: headers(&head.headers),
        body: Body::from_bytes(body),
    }
}

fn authority(head: &Parts, address: &str) -> String {
    match (head.uri.authority(), head.headers.get(HOST)) {
        (Some(authority), _) => authority.as_str().to_owned(),
        (None, Some(host)) => header_text(host),
        (None, None) => address.to_owned(),
    }
}

fn headers(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), header_text(value)))
        .collect()
}

/// A header's value as text: as UTF-8 if it is valid UTF-8, otherwise as ISO-8859-1, in which every byte is a
/// character.
fn header_text(value: &HeaderValue) -> String {
    match std::str::from_utf8(value.as_bytes()) {
        Ok(text) => text.to_owned(),
        Err(_) => value
            .as_bytes()
            .iter()
            .map(|byte| char::from(*byte))
            .collect(),
    }
}

/// The plugin's response as HTTP. `lambkin_plugin` has validated it; a header that HTTP does not allow is left out.
fn render(response: HttpResponse) -> Response {
    let mut rendered = Response::new(response.body.into_bytes().into());
    *rendered.status_mut() =
        StatusCode::from_u16(response.status).unwrap_or(StatusCode::BAD_GATEWAY);
    for (name, value) in response.headers {
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

fn unreadable(error: &BodyError) -> Response {
    match error {
        BodyError::TooLarge { .. } => message(error.status(), "Request Entity Too Large"),
        _ => message(error.status(), &error.to_string()),
    }
}

fn plugin_failed(error: &PluginError) -> Response {
    let status = match error.cause {
        lambkin_plugin::CallError::Host(_) => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::BAD_GATEWAY,
    };
    message(status, &error.to_string())
}

/// An error response of the host, in API Gateway's form: `{"message":…}`.
fn message(status: StatusCode, text: &str) -> Response {
    let body = serde_json::json!({ "message": text }).to_string();
    json(status, body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_that_is_not_utf_8_is_read_as_latin_1() {
        assert_eq!(
            header_text(&HeaderValue::from_bytes("h\u{e9}".as_bytes()).unwrap()),
            "h\u{e9}"
        );
        assert_eq!(
            header_text(&HeaderValue::from_bytes(b"h\xe9").unwrap()),
            "h\u{e9}"
        );
    }

    #[test]
    fn framing_headers_of_a_plugin_are_ignored_and_repeated_ones_are_kept() {
        let headers = [
            ("Content-Length", "9"),
            ("Set-Cookie", "a=1"),
            ("set-cookie", "b=2"),
            ("Connection", "close"),
        ];
        let response = render(HttpResponse {
            status: 299,
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
