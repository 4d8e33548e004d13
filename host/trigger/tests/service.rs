//! A service's listener, with clients on sockets.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot continue has failed"
)]

use std::io::{self, IsTerminal};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use bytes::Bytes;
use lambkin_http::{Allowlist, bind};
use lambkin_plugin::{Compiler, Options, PluginHost, PoolUsage, ServiceSetup};
use lambkin_trigger::service_listener::ServiceListener;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const PROBE: &[u8] = include_bytes!("../../plugin/tests/fixtures/probe.wasm");

/// Not a test: what the fixture starts as the compiler's process.
#[test]
#[ignore = "it is started by the tests"]
fn compiler() {
    if !io::stdin().is_terminal() {
        assert_eq!(lambkin_plugin::compile_for_host(), ExitCode::SUCCESS);
    }
}

struct Fixture {
    host: PluginHost,
    address: SocketAddr,
    stop: CancellationToken,
    serving: JoinHandle<()>,
}

impl Fixture {
    async fn open() -> Self {
        let compiler = Compiler {
            program: std::env::current_exe().unwrap(),
            arguments: ["--ignored", "--exact", "compiler"].map(Into::into).into(),
            ..Compiler::default()
        };
        let host = PluginHost::new(Options {
            compiler,
            ..Options::default()
        })
        .unwrap();
        let plugin = host.load("probe", Bytes::from_static(PROBE)).await.unwrap();
        let setup = ServiceSetup {
            settings: "{}".into(),
            region: "us-east-1".into(),
            account: "000000000000".into(),
            queues: None,
            buckets: None,
            targets: None,
        };
        let service = plugin.service("test", setup).await.unwrap();
        let listener = bind(([127, 0, 0, 1], 0).into()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let listener_of = ServiceListener {
            service,
            allowlist: Allowlist::default(),
        };
        let serving = tokio::spawn(listener_of.serve(listener.into(), stop.clone()));
        Self {
            host,
            address,
            stop,
            serving,
        }
    }

    async fn send(&self, request: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }

    /// All of an answer, after which the connection is closed.
    async fn answer(&self, request: &str) -> String {
        let mut stream = self.send(request).await;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    async fn get(&self, path: &str) -> String {
        let request = format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
        self.answer(&request).await
    }

    /// Waits until as many instances run.
    async fn running(&self, instances: u64) {
        let reached = async {
            while self.host.pool_usage().unwrap().instances != instances {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(20), reached).await;
        assert!(
            waited.is_ok(),
            "{:?}, not {instances}",
            self.host.pool_usage()
        );
    }
}

#[tokio::test]
async fn service_answers_on_its_socket() {
    let service = Fixture::open().await;
    let answer = service.get("/hello").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("content-length: 5\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\nhello"), "{answer}");
    let peer = service.get("/peer").await;
    assert!(peer.ends_with("\r\n\r\n127.0.0.1"), "{peer}");
    service.stop.cancel();
    service.serving.await.unwrap();
}

#[tokio::test]
async fn service_without_a_host_header_is_served_all_the_same() {
    let service = Fixture::open().await;
    let answer = service.answer("GET /hello HTTP/1.0\r\n\r\n").await;
    assert!(answer.ends_with("\r\n\r\nhello"), "{answer}");
}

#[tokio::test]
async fn service_without_the_marker_gets_no_request_of_a_foreign_page() {
    let service = Fixture::open().await;
    for label in ["origin: http://evil.example", "sec-fetch-site: cross-site"] {
        // The plugin fails if it gets the request.
        let request =
            format!("GET /trap HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{label}\r\n\r\n");
        let answer = service.answer(&request).await;
        assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    }
}

#[tokio::test]
async fn service_that_fails_is_named_in_a_500() {
    let service = Fixture::open().await;
    let answer = service.get("/trap").await;
    assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
    assert!(answer.contains("content-type: text/plain"), "{answer}");
    let text = "plugin probe of service test: handle failed after ";
    assert!(answer.contains(text), "{answer}");
}

#[tokio::test]
async fn service_bodies_are_streamed_through_the_socket() {
    let service = Fixture::open().await;
    let (pieces, piece) = (2_048, [7; 64 << 10]);
    let length = pieces * piece.len();
    let head = format!(
        "POST /echo HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
    );
    let (mut from, mut to) = service.send(&head).await.into_split();
    let sending = tokio::spawn(async move {
        for _ in 0..pieces {
            to.write_all(&piece).await.unwrap();
        }
        to
    });
    let (mut buffer, mut sevens) = (vec![0; 1 << 20], 0);
    loop {
        let read = from.read(&mut buffer).await.unwrap();
        if read == 0 {
            break;
        }
        let read = buffer.iter().take(read);
        sevens += read.filter(|byte| **byte == 7).count();
    }
    assert_eq!(sevens, length);
    drop(sending.await.unwrap());
    service.running(0).await;
}

#[tokio::test]
async fn service_instance_ends_when_its_client_hangs_up() {
    let service = Fixture::open().await;
    // While it waits, while it is sent a body, and while it makes one.
    for request in [
        "GET /wait/3600000 HTTP/1.1\r\nhost: a\r\n\r\n",
        "POST /length HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nsome",
        "GET /zeros/10000000000 HTTP/1.1\r\nhost: a\r\n\r\n",
    ] {
        let client = service.send(request).await;
        service.running(1).await;
        drop(client);
        service.running(0).await;
    }
    assert_eq!(service.host.pool_usage(), Some(PoolUsage::default()));
}

#[tokio::test]
async fn service_that_breaks_down_in_its_body_breaks_the_connection_off() {
    let service = Fixture::open().await;
    let answer = service.get("/torn").await;
    assert!(answer.contains("beginning"), "{answer}");
    // The last chunk, which says that this was all, is missing.
    assert!(!answer.ends_with("0\r\n\r\n"), "{answer}");
}
