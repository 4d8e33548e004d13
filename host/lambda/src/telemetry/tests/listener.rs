//! A subscriber: an HTTP server that records its requests and responds with given statuses.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use http::StatusCode;
use lambkin_http::{
    Allowlist, AllowlistSettings, CrossOrigin, ForeignPages, HostPattern, Server, empty, read_body,
};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::LONG;

pub(super) struct Listener {
    pub port: u16,
    requests: mpsc::UnboundedReceiver<Request>,
    _stop: DropGuard,
}

#[derive(Debug)]
pub(super) struct Request {
    /// Method, target, host and content type.
    pub head: [String; 4],
    pub events: Vec<Value>,
}

impl Listener {
    /// Responds with these statuses, and then always with 200.
    pub(super) async fn start(statuses: &[StatusCode]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::on(listener, statuses)
    }

    pub(super) fn on(listener: TcpListener, statuses: &[StatusCode]) -> Self {
        let port = listener.local_addr().unwrap().port();
        let (sender, requests) = mpsc::unbounded_channel();
        let stop = CancellationToken::new();
        let statuses = Arc::new(Mutex::new(VecDeque::from(statuses.to_vec())));
        let handler = move |request: http::Request<_>, _peer| {
            let (sender, statuses) = (sender.clone(), Arc::clone(&statuses));
            async move {
                let (parts, body) = request.into_parts();
                let header = |name: &str| parts.headers[name].to_str().unwrap().to_owned();
                let head = [
                    parts.method.to_string(),
                    parts.uri.to_string(),
                    header("host"),
                    header("content-type"),
                ];
                let body = read_body(body, 1 << 24).await.unwrap();
                let events = serde_json::from_slice(&body).unwrap();
                sender.send(Request { head, events }).unwrap();
                let status = statuses.lock().unwrap().pop_front();
                empty(status.unwrap_or(StatusCode::OK))
            }
        };
        let sandbox = HostPattern::parse("sandbox.localdomain").unwrap();
        let allowlist = Allowlist::new(vec![sandbox], Vec::new(), AllowlistSettings::default());
        let rules = CrossOrigin::new(allowlist, ForeignPages::Refused);
        tokio::spawn(Server::for_runtimes(rules, stop.clone()).serve(listener, handler));
        Self {
            port,
            requests,
            _stop: stop.drop_guard(),
        }
    }

    pub(super) async fn request(&mut self) -> Request {
        let request = tokio::time::timeout(LONG, self.requests.recv()).await;
        request.unwrap().unwrap()
    }

    /// The next events, from any number of batches.
    pub(super) async fn events(&mut self, count: usize) -> Vec<Value> {
        let mut events = Vec::new();
        while events.len() < count {
            events.extend(self.request().await.events);
        }
        assert_eq!(events.len(), count);
        events
    }
}
