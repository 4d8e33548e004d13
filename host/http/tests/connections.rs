//! Clients on sockets that break the rules, or take their time.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot continue has failed"
)]

use std::convert::Infallible;
use std::future::pending;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use lambkin_http::limits::{self, Limits};
use lambkin_http::{
    Allowlist, Body, CrossOrigin, ForeignPages, RequestBody, Response, Server, bind, read_body,
    text,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// Short timeouts, so that they pass within a test.
const SHORT: Limits = Limits {
    half_close: false,
    idle: Some(Duration::from_secs(1)),
    head: Duration::from_secs(1),
    body: Duration::from_secs(1),
    write: Duration::from_secs(1),
    headers: limits::FREE_HEADERS,
    gives_up_slow_peers: true,
};

const PATIENT: Limits = Limits {
    idle: None,
    head: Duration::from_secs(4),
    body: Duration::from_secs(4),
    write: Duration::from_secs(4),
    ..SHORT
};

/// Much longer than anything here takes.
const LONG: Duration = Duration::from_secs(60);

const BODY_LIMIT: usize = 1024;

async fn answer(request: Request<RequestBody>, given_up: mpsc::UnboundedSender<()>) -> Response {
    match request.uri().path() {
        "/ignored" => text(StatusCode::NOT_FOUND, "no such path"),
        "/wait" => {
            let _dropped = SendOnDrop(given_up);
            pending().await
        }
        "/large" => {
            let large = Full::new(Bytes::from(vec![b'x'; 32 << 20]));
            let noticed = SendOnDrop(given_up);
            let large = large.map_frame(move |frame| {
                let _part_of_the_body = &noticed;
                frame
            });
            let large = large.map_err(|never: Infallible| match never {});
            Response::new(Body::Boxed(large.boxed_unsync()))
        }
        _ => match read_body(request.into_body(), BODY_LIMIT).await {
            Ok(body) => Response::new(body.into()),
            Err(error) => text(error.status(), error.to_string()),
        },
    }
}

struct SendOnDrop(mpsc::UnboundedSender<()>);

impl Drop for SendOnDrop {
    fn drop(&mut self) {
        let _ = self.0.send(()); // the test may have ended
    }
}

fn rules() -> CrossOrigin {
    CrossOrigin::new(Allowlist::default(), ForeignPages::Refused)
}

struct Served {
    address: SocketAddr,
    /// Gets an item when a waiting or a large response is dropped.
    dropped: mpsc::UnboundedReceiver<()>,
}

impl Served {
    async fn with(limits: &'static Limits) -> Self {
        let listener = bind(([127, 0, 0, 1], 0).into()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut server = Server::for_clients(rules(), CancellationToken::new());
        server.limits = limits;
        let (sender, dropped) = mpsc::unbounded_channel();
        tokio::spawn(server.serve(listener, move |request, _peer| {
            answer(request, sender.clone())
        }));
        Self { address, dropped }
    }

    async fn send(&self, text: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        stream
    }

    /// Everything until the server closes the connection.
    async fn all(&self, text: &str) -> String {
        rest(self.send(text).await).await
    }
}

async fn rest(mut stream: TcpStream) -> String {
    let mut all = Vec::new();
    let read = timeout(LONG, stream.read_to_end(&mut all)).await;
    read.unwrap().unwrap();
    String::from_utf8(all).unwrap()
}

#[tokio::test]
async fn heads_that_break_the_rules_are_refused_and_the_connection_is_closed() {
    let server = Served::with(&limits::CLIENTS).await;
    for (head, status) in [
        ("POST /e HTTP/1.1\r\n\r\n", "400"),
        ("POST /e HTTP/1.1\r\nhost: a\r\nhost: a\r\n\r\n", "400"),
        (
            "POST /e HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\nx",
            "400",
        ),
        (
            "POST /e HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nx",
            "400",
        ),
        (
            "POST /e HTTP/1.1\r\nhost: a\r\ncontent-length: 1, 1\r\n\r\nx",
            "400",
        ),
        (
            "POST /e HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            "400",
        ),
        (
            "POST /e HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n0\r\n\r\n",
            "400",
        ),
        (
            "POST /e HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            "501",
        ),
        (
            "POST /e HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
            "400",
        ),
        (
            "POST /e HTTP/1.0\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            "400",
        ),
        ("POST /e HTTP/1.1\r\nhost : a\r\n\r\n", "400"),
        (
            "POST /e HTTP/1.1\r\nhost: a\r\nx: 1\r\n folded\r\n\r\n",
            "400",
        ),
        ("GET /a<b HTTP/1.1\r\nhost: a\r\n\r\n", "400"),
    ] {
        let answer = server.all(head).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{head}: {answer}"
        );
        let closes = answer.contains("\r\nconnection: close\r\n");
        assert!(closes, "{head}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{head}: {answer}");
    }
    let answer = server.all("GET /e HTTP/1.0\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.0 200 OK\r\n"), "{answer}");
}

#[tokio::test]
async fn many_headers_are_read_and_very_many_refused() {
    let server = Served::with(&limits::CLIENTS).await;
    for (count, status) in [
        (limits::CLIENTS.headers - 2, "200 OK"),
        (limits::CLIENTS.headers + 1, "431 "),
    ] {
        let headers: String = (0..count)
            .map(|number| format!("x-{number}: a\r\n"))
            .collect();
        let head = format!("GET /e HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{headers}\r\n");
        let answer = server.all(&head).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{count}: {answer}"
        );
    }
}

#[tokio::test]
async fn an_expected_continue_is_sent_before_an_empty_or_wanted_body_only() {
    let server = Served::with(&limits::CLIENTS).await;
    let head = |path: &str, length: u64| {
        format!(
            "PUT {path} HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: {length}\r\n\r\n"
        )
    };
    const CONTINUE: &str = "HTTP/1.1 100 Continue\r\n\r\n";

    // The client sends the body only when it is asked to.
    let mut stream = server.send(&head("/e", 5)).await;
    let mut first = [0; CONTINUE.len()];
    stream.read_exact(&mut first).await.unwrap();
    assert_eq!(first, CONTINUE.as_bytes());
    stream.write_all(b"hello").await.unwrap();
    // A body that is empty is complete at once. The connection is kept.
    stream.write_all(head("/e", 0).as_bytes()).await.unwrap();
    stream
        .write_all(b"GET /e HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        .await
        .unwrap();
    let answers = rest(stream).await;
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 3, "{answers}");
    let (before, after) = answers.split_once(CONTINUE).unwrap();
    assert!(before.ends_with("\r\n\r\nhello"), "{answers}");
    assert!(after.starts_with("HTTP/1.1 200 OK\r\n"), "{answers}");

    for (path, status) in [("/e", "413 "), ("/ignored", "404 ")] {
        let refused = server.all(&head(path, 1 << 30)).await;
        assert!(
            refused.starts_with(&format!("HTTP/1.1 {status}")),
            "{refused}"
        );
        assert!(refused.contains("\r\nconnection: close\r\n"), "{refused}");
    }
}

#[tokio::test]
async fn a_refusal_before_the_body_reaches_a_client_that_sends_everything_first() {
    let server = Served::with(&limits::CLIENTS).await;
    let body = "x".repeat(3 << 20);
    for path in ["/ignored", "/e"] {
        for _ in 0..10 {
            let length = body.len();
            let head =
                format!("POST {path} HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\r\n");
            let mut stream = server.send(&head).await;
            stream.write_all(body.as_bytes()).await.unwrap();
            let answer = rest(stream).await;
            assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
            assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
        }
    }
}

#[tokio::test]
async fn a_short_body_that_is_ignored_does_not_cost_the_connection() {
    let server = Served::with(&limits::CLIENTS).await;
    let ignored = "POST /ignored HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{}";
    let last = "GET /e HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    let answers = server.all(&[ignored, ignored, last].concat()).await;
    assert_eq!(answers.matches("HTTP/1.1 404").count(), 2, "{answers}");
    assert_eq!(answers.matches("HTTP/1.1 200").count(), 1, "{answers}");
}

#[tokio::test]
async fn a_stalled_body_gets_408_and_a_slow_one_its_answer() {
    let server = Served::with(&SHORT).await;
    let head = "POST /e HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 10\r\n\r\n";
    let stalled = server.all(&format!("{head}12345")).await;
    assert!(stalled.starts_with("HTTP/1.1 408 "), "{stalled}");
    assert!(stalled.contains("the client sent nothing for"), "{stalled}");

    // Together longer than the timeout, and each pause much shorter, on a busy machine as well.
    let server = Served::with(&PATIENT).await;
    let mut slow = server.send(head).await;
    for _ in 0..10 {
        tokio::time::sleep(PATIENT.body / 8).await;
        slow.write_all(b"x").await.unwrap();
    }
    let answer = rest(slow).await;
    assert!(answer.ends_with("\r\n\r\nxxxxxxxxxx"), "{answer}");
}

#[tokio::test]
async fn connections_without_a_whole_head_are_closed() {
    let server = Served::with(&SHORT).await;
    for beginning in ["", "GET / HTTP/1.1\r\nhost: "] {
        assert_eq!(server.all(beginning).await, "", "{beginning}");
    }
    let kept = server.all("GET /e HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert!(kept.starts_with("HTTP/1.1 200 OK\r\n"), "{kept}");
}

#[tokio::test]
async fn a_client_that_does_not_read_is_given_up() {
    let mut server = Served::with(&SHORT).await;
    let _unread = server.send("GET /large HTTP/1.1\r\nhost: a\r\n\r\n").await;
    timeout(LONG, server.dropped.recv()).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_request_that_the_host_works_on_is_not_given_up() {
    let mut server = Served::with(&SHORT).await;
    let waiting = server.send("GET /wait HTTP/1.1\r\nhost: a\r\n\r\n").await;
    let given_up = timeout(SHORT.idle.unwrap() * 4, server.dropped.recv()).await;
    assert!(given_up.is_err());
    drop(waiting);
    timeout(LONG, server.dropped.recv()).await.unwrap().unwrap();
}

#[tokio::test]
async fn bodies_that_drip_are_given_up_when_places_are_short() {
    let listener = bind(([127, 0, 0, 1], 0).into()).await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = Server::for_clients(rules(), CancellationToken::new());
    let shortage = server.shortage.clone();
    let (sender, dropped) = mpsc::unbounded_channel();
    tokio::spawn(server.serve(listener, move |request, _peer| {
        answer(request, sender.clone())
    }));
    let served = Served { address, dropped };
    let head = "POST /e HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 1000\r\n\r\n";
    let dripping = served.send(&format!("{head}x")).await;
    let mut steady = served.send(head).await;
    let _waits = shortage.wait_for_place();
    let started = std::time::Instant::now();
    let steady_answer = async {
        // 400 bytes a second.
        for _ in 0..20 {
            steady.write_all(&[b'x'; 50]).await.unwrap();
            tokio::time::sleep(Duration::from_millis(125)).await;
        }
        rest(steady).await
    };
    let (dripped, steady) = tokio::join!(rest(dripping), steady_answer);
    assert!(dripped.starts_with("HTTP/1.1 408 "), "{dripped}");
    assert!(started.elapsed() < limits::CLIENTS.body / 2);
    assert!(steady.starts_with("HTTP/1.1 200 OK\r\n"), "{steady}");
}
