//! HTTP/2, by prior knowledge and as agreed on over TLS, and clients that abuse it.

use std::future::poll_fn;
use std::process::Command;
use std::time::Duration;

use bytes::Bytes;
use h2::client::{Connection, SendRequest};
use h2::{Reason, RecvStream};
use http::Request;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;

use crate::support::{Barrier, Doors, Project, RAW_BOOTSTRAP, Server, curl};

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}

/// A connection to a trigger, whose frames are exchanged in the background.
async fn connect(server: &Server) -> SendRequest<Bytes> {
    let (requests, connection) = handshake(server).await;
    tokio::spawn(connection);
    requests
}

async fn stream(server: &Server) -> TcpStream {
    let address = server.trigger_url("web").trim_start_matches("http://");
    TcpStream::connect(address).await.expect("it listens")
}

async fn handshake(server: &Server) -> (SendRequest<Bytes>, Connection<TcpStream, Bytes>) {
    h2::client::handshake(stream(server).await)
        .await
        .expect("it speaks HTTP/2")
}

fn get(target: &str) -> Request<()> {
    let uri = format!("http://localhost{target}");
    let request = Request::get(uri).header("content-type", "application/json");
    request.body(()).expect("a request")
}

/// The whole of a body, which the client makes room for as it reads.
async fn whole(mut body: RecvStream) -> Result<Vec<u8>, h2::Error> {
    let mut read = Vec::new();
    while let Some(piece) = body.data().await {
        let piece = piece?;
        body.flow_control().release_capacity(piece.len())?;
        read.extend_from_slice(&piece);
    }
    Ok(read)
}

async fn call(requests: &SendRequest<Bytes>, request: Request<()>, body: &[u8]) -> (u16, Vec<u8>) {
    let mut requests = requests.clone().ready().await.expect("an open connection");
    let (response, mut sender) = requests
        .send_request(request, body.is_empty())
        .expect("an open connection");
    if !body.is_empty() {
        let body = Bytes::copy_from_slice(body);
        sender.send_data(body, true).expect("an open stream");
    }
    let response = response.await.expect("a response");
    let status = response.status().as_u16();
    (status, whole(response.into_body()).await.expect("a body"))
}

async fn works(requests: &SendRequest<Bytes>) {
    assert_eq!(call(requests, get("/"), b"").await.0, 200);
}

async fn event(requests: &SendRequest<Bytes>, request: Request<()>) -> Value {
    let (status, body) = call(requests, request, b"").await;
    assert_eq!(status, 200);
    serde_json::from_slice(&body).expect("JSON")
}

/// `echo` behind a function URL, which does what the body of a request orders.
fn ordered(settings: &str) -> Project {
    Project::new(&format!(
        "[functions.echo]\ncode = \"{RAW_BOOTSTRAP}\"\ntimeout = 60\n\
         environment = {{ RAW_BOOTSTRAP_ORDERS = 'body' }}\n\
         [triggers.web]\nplugin = 'function-url'\nlisten = '127.0.0.1:0'\nfunction = 'echo'\n{settings}"
    ))
}

#[test]
fn a_request_over_http_2_becomes_the_event_of_one_over_http_1() {
    let server = Project::gateway("function = 'echo'\n").serve();
    runtime().block_on(async {
        let requests = connect(&server).await;
        let request = Request::get("http://api.example/a%20b?x=1&x=2")
            .header("x-thing", "one")
            .header("x-thing", "two")
            .header("cookie", "a=1")
            .header("cookie", "b=2");
        let event = event(&requests, request.body(()).unwrap()).await;
        assert_eq!(event["rawPath"], "/a b");
        assert_eq!(event["rawQueryString"], "x=1&x=2");
        assert_eq!(event["cookies"], json!(["a=1", "b=2"]));
        assert_eq!(event["headers"]["x-thing"], "one,two");
        assert_eq!(event["headers"]["host"], "api.example");
        assert_eq!(event["requestContext"]["domainName"], "api.example");
        assert_eq!(event["requestContext"]["http"]["protocol"], "HTTP/1.1");
    });
}

#[test]
fn some_well_known_names_of_a_rest_api_are_in_lower_case_from_clients_of_http_2() {
    let doors = Doors::start("listen = '127.0.0.1:0'");
    let url = doors.server.trigger_url("api-gateway-rest");
    runtime().block_on(async {
        let address = url.trim_start_matches("http://");
        let stream = TcpStream::connect(address).await.expect("it listens");
        let (requests, connection) = h2::client::handshake(stream).await.expect("HTTP/2");
        tokio::spawn(connection);
        let request = Request::get("http://localhost/")
            .header("accept", "a")
            .header("content-type", "b")
            .header("user-agent", "c");
        let (status, _) = call(&requests, request.body(()).unwrap(), b"").await;
        assert_eq!(status, 200);
    });
    let event = doors.last_event();
    let headers = &event["headers"];
    assert_eq!(headers["accept"], "a");
    assert_eq!(headers["content-type"], "b");
    assert_eq!(headers["User-Agent"], "c");
    assert_eq!(event["requestContext"]["protocol"], "HTTP/1.1");
}

#[test]
fn real_clients_agree_on_http_2() {
    if curl().is_err() {
        return;
    }
    let project = Project::gateway("function = 'echo'\ntls = true\n");
    let data = project.path().join("data");
    let server = project.serve_with(&[], &[("XDG_DATA_HOME", data.to_str().unwrap())]);
    let plain = Project::gateway("function = 'echo'\n").serve();
    let trusted = server.ready()["authority"].as_str().unwrap();
    let url = server.trigger_url("web");
    for (arguments, url, version) in [
        (&["--cacert", trusted][..], url, "2"),
        (&["--cacert", trusted, "--http1.1"], url, "1.1"),
        (&["--http2-prior-knowledge"], plain.trigger_url("web"), "2"),
        (&["--http2"], plain.trigger_url("web"), "1.1"),
    ] {
        let file = project.file("body", "x".repeat(3_000_000));
        let mut command = Command::new("curl");
        command.args([
            "--silent",
            "--show-error",
            "--write-out",
            "\n%{http_version}",
        ]);
        command.args(["--header", "content-type: text/plain", "--max-time", "60"]);
        command
            .arg("--data-binary")
            .arg(format!("@{}", file.display()));
        let output = command
            .args(arguments)
            .arg(url)
            .output()
            .expect("it starts");
        let text = String::from_utf8_lossy(&output.stdout);
        let (body, spoken) = text.rsplit_once('\n').expect("a version");
        assert_eq!(spoken, version, "{arguments:?}: {output:?}");
        let event: Value = serde_json::from_str(body).expect("an event");
        assert_eq!(event["body"].as_str().map(str::len), Some(3_000_000));
    }
}

#[test]
fn one_connection_has_many_requests_at_a_time() {
    let server = ordered("").serve();
    runtime().block_on(async {
        let requests = connect(&server).await;
        let barrier = Barrier::new();
        let order = json!({ "barrier": barrier.address() }).to_string();
        let slow = call(&requests, get("/slow"), order.as_bytes());
        let quick = async {
            for _ in 0..3 {
                assert_eq!(call(&requests, get("/quick"), b"").await.0, 200);
            }
        };
        tokio::pin!(slow);
        tokio::select! {
            _ = &mut slow => panic!("the quick requests waited for the slow one"),
            () = quick => {}
        }
        drop(barrier);
        assert_eq!(slow.await.0, 200);
    });
}

#[test]
fn streamed_pieces_arrive_as_the_function_writes_them() {
    let project = ordered("invoke-mode = 'RESPONSE_STREAM'\n");
    let server = project.serve();
    let go_on = project.path().join("go-on");
    let order = json!({ "stream": {
        "pieces": ["one", "two"],
        "wait_for": go_on,
        "content_type": "text/plain",
    } });
    runtime().block_on(async {
        let requests = connect(&server).await;
        let mut requests = requests.ready().await.unwrap();
        let (response, mut sender) = requests.send_request(get("/"), false).unwrap();
        sender.send_data(order.to_string().into(), true).unwrap();
        let response = response.await.unwrap();
        assert_eq!(response.headers()["content-type"], "text/plain");
        let mut body = response.into_body();
        // The function waits before the second piece until the first one has been seen here.
        assert_eq!(body.data().await.unwrap().unwrap(), "one");
        std::fs::write(&go_on, "").unwrap();
        assert_eq!(body.data().await.unwrap().unwrap(), "two");
        assert!(whole(body).await.unwrap().is_empty());
    });
}

#[test]
fn a_response_that_fails_midway_resets_its_stream_only() {
    let server = ordered("invoke-mode = 'RESPONSE_STREAM'\n").serve();
    let order = br#"{"stream":{"pieces":["one"],"failure":"cut"}}"#;
    runtime().block_on(async {
        let requests = connect(&server).await;
        let mut requests = requests.ready().await.unwrap();
        let (response, mut sender) = requests.send_request(get("/"), false).unwrap();
        sender.send_data(Bytes::from_static(order), true).unwrap();
        let failed = whole(response.await.unwrap().into_body())
            .await
            .unwrap_err();
        assert_eq!(failed.reason(), Some(Reason::INTERNAL_ERROR), "{failed}");
        works(&requests).await;
    });
}

#[test]
fn a_client_that_does_not_read_one_response_gets_the_others() {
    let server = ordered("").serve();
    runtime().block_on(async {
        // Room for the beginning of each response, so that they do not wait for one another.
        let mut client = h2::client::Builder::new();
        client.initial_connection_window_size(4 * 1024 * 1024);
        let stream = stream(&server).await;
        let (requests, connection) = client.handshake(stream).await.unwrap();
        tokio::spawn(connection);
        let mut unread = Vec::new();
        for _ in 0..10 {
            let mut requests = requests.clone().ready().await.unwrap();
            let (response, mut sender) = requests.send_request(get("/"), false).unwrap();
            sender
                .send_data(Bytes::from_static(br#"{"size":5000000}"#), true)
                .unwrap();
            // Far more than the client has room for, so most of it waits in the host.
            unread.push(response.await.unwrap());
        }
        // Each of them waits for room, and no other request does.
        works(&requests).await;
        for response in unread {
            assert_eq!(
                whole(response.into_body()).await.unwrap().len(),
                5_000_000 - 2
            );
        }
    });
}

#[test]
fn requests_whose_bodies_stall_delay_no_other_on_their_connection() {
    let server = ordered("").serve();
    runtime().block_on(async {
        let requests = connect(&server).await;
        let mut stalled = Vec::new();
        for _ in 0..50 {
            let mut requests = requests.clone().ready().await.unwrap();
            let (response, mut sender) = requests.send_request(get("/"), false).unwrap();
            sender
                .send_data(Bytes::from_static(b"{\"size\":"), false)
                .unwrap();
            stalled.push((response, sender));
        }
        works(&requests).await;
        // A request that is given up by the client ends; the others go on.
        let (_, mut given_up) = stalled.pop().unwrap();
        given_up.send_reset(Reason::CANCEL);
        let (response, mut sender) = stalled.pop().unwrap();
        sender.send_data(Bytes::from_static(b"5}"), true).unwrap();
        assert_eq!(
            whole(response.await.unwrap().into_body()).await.unwrap(),
            b"xxx"
        );
    });
}

#[test]
fn a_body_that_is_too_large_is_refused_and_the_connection_goes_on() {
    let server = ordered("").serve();
    runtime().block_on(async {
        let requests = connect(&server).await;
        let mut requests = requests.ready().await.unwrap();
        let (response, mut sender) = requests.send_request(get("/"), false).unwrap();
        // Sent as fast as the host makes room, until it has answered.
        let send = async {
            sender.reserve_capacity(16 * 1024 * 1024);
            while let Some(Ok(room)) = poll_fn(|context| sender.poll_capacity(context)).await {
                if sender.send_data(vec![b'x'; room].into(), false).is_err() {
                    break;
                }
            }
        };
        let (response, ()) = tokio::join!(response, send);
        assert_eq!(response.unwrap().status(), 413);
        works(&requests).await;
    });
}

#[test]
fn a_head_that_is_too_large_is_refused_and_the_connection_goes_on() {
    let server = ordered("").serve();
    runtime().block_on(async {
        let requests = connect(&server).await;
        let mut many = get("/");
        for index in 0..300 {
            let name = http::HeaderName::from_bytes(format!("x-{index}").as_bytes()).unwrap();
            many.headers_mut().insert(name, "1".parse().unwrap());
        }
        let mut long = get("/");
        long.headers_mut()
            .insert("x", "y".repeat(80_000).parse().unwrap());
        for request in [many, long] {
            assert_eq!(call(&requests, request, b"").await.0, 431);
        }
        works(&requests).await;
    });
}

#[test]
fn a_client_that_resets_request_after_request_loses_its_connection_and_delays_no_other() {
    let server = ordered("").serve();
    runtime().block_on(async {
        let (requests, connection) = handshake(&server).await;
        let connection = tokio::spawn(connection);
        let others = connect(&server).await;
        let abuse = async {
            // As many resets as the host accepts until it ends the connection ("rapid reset").
            loop {
                let Ok(mut ready) = requests.clone().ready().await else {
                    break;
                };
                let Ok((_, mut sender)) = ready.send_request(get("/"), false) else {
                    break;
                };
                sender.send_reset(Reason::CANCEL);
                tokio::task::yield_now().await;
            }
        };
        let abuse = tokio::time::timeout(Duration::from_secs(60), abuse);
        let (ended, ()) = tokio::join!(abuse, works(&others));
        ended.expect("the host ends the connection");
        assert!(connection.await.unwrap().is_err());
    });
}

#[test]
fn what_begins_like_http_2_and_is_not_ends_its_own_connection_only() {
    use std::io::{Read, Write};
    let server = ordered("").serve();
    let address = server.trigger_url("web").trim_start_matches("http://");
    for bytes in [
        &b"PRI * HTTP/1.1\r\nhost: localhost\r\n\r\n"[..],
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nnonsense that is no frame at all",
        b"P",
        b"PRI * HTT",
    ] {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        stream.write_all(bytes).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        let ended = stream.read_to_end(&mut Vec::new());
        let is_timeout = |error: &std::io::Error| error.kind() == std::io::ErrorKind::WouldBlock;
        assert!(!ended.is_err_and(|error| is_timeout(&error)), "{bytes:?}");
    }
    runtime().block_on(async {
        let requests = connect(&server).await;
        works(&requests).await;
    });
}

#[test]
fn a_server_that_stops_ends_idle_connections_at_once() {
    let mut server = ordered("").serve();
    runtime().block_on(async {
        let (requests, connection) = handshake(&server).await;
        let connection = tokio::spawn(connection);
        works(&requests).await;
        server.signal(rustix::process::Signal::TERM);
        connection
            .await
            .unwrap()
            .expect("a connection that is ended as it should be");
    });
    assert!(server.wait().success());
}
