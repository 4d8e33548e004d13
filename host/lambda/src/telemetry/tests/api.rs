//! Both APIs over HTTP, with the Extensions API that they depend on.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use lambkin_http::{Allowlist, CrossOrigin, ForeignPages};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::listener::Listener;
use super::*;
use crate::extension;
use crate::extension::event::{InvokeEvent, Tracing};
use crate::extension::registry::{ExtensionEvent, ExtensionRegistry, FunctionInfo};
use crate::telemetry::api;
use crate::telemetry::new_subscription::NewSubscription;

struct Server {
    port: u16,
    telemetry: Arc<Telemetry>,
    extensions: Arc<ExtensionRegistry>,
    events: UnboundedReceiver<ExtensionEvent>,
    _stop: DropGuard,
}

struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Server {
    async fn start() -> Self {
        Self::with(ExtensionRegistry::new(
            vec!["ext".to_owned()],
            function_info(),
        ))
        .await
    }

    async fn with(
        (extensions, events): (Arc<ExtensionRegistry>, UnboundedReceiver<ExtensionEvent>),
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let telemetry = Telemetry::new(port);
        let stop = CancellationToken::new();
        let shared = (Arc::clone(&telemetry), Arc::clone(&extensions));
        let handler = move |request: Request<_>, _peer| {
            let (telemetry, extensions) = shared.clone();
            async move {
                let api = match request.uri().path() {
                    "/2022-07-01/telemetry" => SubscriptionApi::Telemetry,
                    "/2020-08-15/logs" => SubscriptionApi::Logs,
                    _ => return extension::api::respond(request, extensions).await,
                };
                api::respond(request, api, telemetry, extensions).await
            }
        };
        let rules = CrossOrigin::new(Allowlist::default(), ForeignPages::Refused);
        let server = lambkin_http::Server::for_runtimes(rules, stop.clone());
        tokio::spawn(server.serve(listener, handler));
        Self {
            port,
            telemetry,
            extensions,
            events,
            _stop: stop.drop_guard(),
        }
    }

    async fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        let (mut requests, connection) = handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers.iter().chain(&[("host", "127.0.0.1")]) {
            request = request.header(*name, *value);
        }
        let body = Full::new(Bytes::from(body.to_owned()));
        let response = requests.send_request(request.body(body).unwrap());
        let response = tokio::time::timeout(LONG, response).await.unwrap().unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Reply {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    async fn register(&self, events: &str) -> String {
        let name = [("Lambda-Extension-Name", "ext")];
        let path = "/2020-01-01/extension/register";
        let reply = self.call("POST", path, &name, events).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.body);
        assert_eq!(reply.headers["content-type"], "application/json");
        let id = reply.headers["lambda-extension-identifier"].to_str();
        id.unwrap().to_owned()
    }
}

fn function_info() -> FunctionInfo {
    FunctionInfo {
        function_name: "hello".to_owned(),
        function_version: "$LATEST".to_owned(),
        handler: String::new(),
        account_id: "123456789012".to_owned(),
    }
}

fn body(port: u16) -> String {
    let destination = http(port);
    json!({"types": ["platform"], "buffering": {"timeoutMs": 25}, "destination": destination})
        .to_string()
}

const TELEMETRY: &str = "/2022-07-01/telemetry";
const LOGS: &str = "/2020-08-15/logs";
const NEXT: &str = "/2020-01-01/extension/event/next";

#[tokio::test]
async fn an_extension_uses_every_request_over_http() {
    let server = Server::start().await;
    let id = server.register(r#"{"events":["INVOKE"]}"#).await;
    server.extensions.deliver_invoke(InvokeEvent {
        deadline_ms: 5,
        request_id: "r",
        invoked_function_arn: "arn",
        tracing: Tracing { value: "Root=1" },
        tenant_id: None,
    });
    let header = [("Lambda-Extension-Identifier", id.as_str())];
    let reply = server.call("GET", NEXT, &header, "").await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(reply.headers["content-type"], "application/json");
    assert!(
        reply
            .headers
            .contains_key("lambda-extension-event-identifier")
    );
    assert_eq!(
        reply.body,
        r#"{"eventType":"INVOKE","deadlineMs":5,"requestId":"r","invokedFunctionArn":"arn","tracing":{"type":"X-Amzn-Trace-Id","value":"Root=1"}}"#
    );
    let exit = "/2020-01-01/extension/exit/error";
    let reply = server.call("POST", exit, &header, "").await;
    assert_eq!(reply.status, StatusCode::FORBIDDEN);
    assert!(
        reply.body.contains("Extension.MissingHeader"),
        "{}",
        reply.body
    );
    let headers = [header[0], ("Lambda-Extension-Function-Error-Type", "E")];
    let reply = server.call("POST", exit, &headers, "{}").await;
    assert_eq!(reply.status, StatusCode::ACCEPTED);
    assert_eq!(reply.body.trim_end(), r#"{"status":"OK"}"#);
    let reply = server.call("GET", NEXT, &header, "").await;
    assert_eq!(reply.status, StatusCode::FORBIDDEN);
    assert!(
        reply.body.contains("from ExitError to Ready"),
        "{}",
        reply.body
    );
}

#[tokio::test]
async fn wrong_paths_methods_and_sizes_are_refused() {
    let server = Server::start().await;
    let status = async |method, path| server.call(method, path, &[], "").await.status;
    assert_eq!(
        status("GET", "/2020-01-01/extension/unknown").await,
        StatusCode::NOT_FOUND
    );
    for (method, path) in [("POST", NEXT), ("GET", TELEMETRY), ("POST", LOGS)] {
        assert_eq!(status(method, path).await, StatusCode::METHOD_NOT_ALLOWED);
    }
    let headers = [("Lambda-Extension-Name", "ext")];
    let huge = "x".repeat(100_000);
    let path = "/2020-01-01/extension/register";
    let reply = server.call("POST", path, &headers, &huge).await;
    assert_eq!(reply.status, StatusCode::FORBIDDEN);
    assert!(
        reply.body.contains("InvalidRequestFormat"),
        "{}",
        reply.body
    );
}

#[tokio::test]
async fn disabled_extensions_have_no_api() {
    let server = Server::with(ExtensionRegistry::disabled(function_info())).await;
    let reply = server.call("GET", NEXT, &[], "").await;
    assert_eq!(
        (reply.status, reply.body.as_str()),
        (StatusCode::NOT_FOUND, "")
    );
}

#[tokio::test]
async fn a_subscription_is_accepted_reported_and_delivered() {
    let mut listener = Listener::start(&[]).await;
    let mut server = Server::start().await;
    let id = server.register("{}").await;
    let header = [("Lambda-Extension-Identifier", id.as_str())];
    let reply = server
        .call("PUT", TELEMETRY, &header, &body(listener.port))
        .await;
    assert_eq!(
        (reply.status, reply.body.as_str()),
        (StatusCode::OK, "\"OK\"")
    );
    assert_eq!(
        server.events.recv().await,
        Some(ExtensionEvent::Registered("ext".to_owned()))
    );
    let subscribed = NewSubscription {
        api: SubscriptionApi::Telemetry,
        name: "ext".to_owned(),
        types: vec![Kind::Platform],
    };
    assert_eq!(
        server.events.recv().await,
        Some(ExtensionEvent::Subscribed(subscribed))
    );
    let event = listener.events(1).await.remove(0);
    assert_eq!(event["type"], "platform.telemetrySubscription");
    assert_eq!(event["record"]["name"], "ext");
}

#[tokio::test]
async fn an_invalid_subscription_is_refused() {
    let server = Server::start().await;
    let id = server.register("{}").await;
    let header = [("Lambda-Extension-Identifier", id.as_str())];
    for (path, prefix) in [(TELEMETRY, ""), (LOGS, "Logs.")] {
        let reply = server.call("PUT", path, &[], &body(2)).await;
        assert_eq!(reply.status, StatusCode::FORBIDDEN);
        assert!(reply.body.contains("Extension.MissingExtensionIdentifier"));
        let reply = server.call("PUT", path, &header, &body(server.port)).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST);
        let expected = format!("\"{prefix}ValidationError\"");
        assert!(reply.body.contains(&expected), "{}", reply.body);
        assert!(reply.body.contains("this API's own"), "{}", reply.body);
    }
    server.telemetry.close_subscriptions();
    let reply = server.call("PUT", TELEMETRY, &header, &body(2)).await;
    assert_eq!(reply.status, StatusCode::FORBIDDEN);
    assert!(
        reply.body.contains("Telemetry.SubscriptionClosed"),
        "{}",
        reply.body
    );
}
