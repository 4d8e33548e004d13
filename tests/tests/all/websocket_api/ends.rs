//! How connections end: by their clients, by limits and by the host.

use std::io::Write;
use std::net::TcpStream;

use serde_json::json;
use tungstenite::Message;

use super::Chat;
use crate::support::{Barrier, Project, RAW_BOOTSTRAP, Server, eventually};

/// Asks the trigger `web` for a connection, and does not wait for the answer.
fn handshake(server: &Server, headers: &str) -> TcpStream {
    let url = server.trigger_url("web");
    let address = url.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "GET /prod HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
    )
    .unwrap();
    stream
}

#[test]
fn the_end_of_a_connection_has_the_code_of_its_client_or_of_the_protocol() {
    let chat = Chat::new();
    chat.server.connect("/prod", &[]).close(None);
    let events = chat.events(2);
    assert_eq!(events[1]["requestContext"]["disconnectStatusCode"], 1005);
    let reason = &events[1]["requestContext"]["disconnectReason"];
    assert_eq!(reason, "Client-side close frame status not set");
    chat.server.connect("/prod", &[]).vanish();
    let events = chat.events(4);
    assert_eq!(events[3]["requestContext"]["disconnectStatusCode"], 1006);
}

#[test]
fn idle_and_old_connections_are_closed() {
    for (settings, pings) in [
        ("idle-timeout = 0.3\n", false),
        ("max-duration = 0.5\n", true),
    ] {
        let chat = Chat::with(
            &format!(
                "{settings}[triggers.web.routes]\n'$disconnect' = 'members'\n'$default' = 'chat'\n"
            ),
            "",
        );
        let mut client = chat.server.connect("/prod", &[]);
        if pings {
            client
                .socket
                .send(Message::Ping(Vec::new().into()))
                .unwrap();
            assert!(matches!(client.socket.read(), Ok(Message::Pong(_))));
        }
        assert_eq!(
            client.closed(),
            (1001, "Going away".to_owned()),
            "{settings}"
        );
        let event = &chat.events(1)[0];
        assert_eq!(event["requestContext"]["disconnectStatusCode"], 1001);
    }
}

#[test]
fn a_client_that_goes_away_while_connect_runs_has_an_end() {
    let chat = Chat::with(
        "[triggers.web.routes]\n'$connect' = 'chat'\n'$disconnect' = 'members'\n",
        ", RAW_BOOTSTRAP_ANSWER = '{\"statusCode\":200}'",
    );
    drop(handshake(&chat.server, ""));
    let events = chat.events(2);
    assert_eq!(events[0]["requestContext"]["eventType"], "CONNECT");
    assert_eq!(events[1]["requestContext"]["eventType"], "DISCONNECT");
    assert_eq!(events[1]["requestContext"]["disconnectStatusCode"], 1006);
}

#[test]
fn a_host_that_stops_closes_connections_after_their_messages() {
    let mut chat = Chat::new();
    let mut client = chat.server.connect("/prod", &[]);
    client.send(r#"{"action":"loud","statusCode":200,"body":"last"}"#);
    assert_eq!(client.text(), "last");
    chat.server.signal(rustix::process::Signal::TERM);
    assert_eq!(client.closed().0, 1001);
    assert!(chat.server.wait().success());
}

#[test]
fn a_host_that_stops_closes_connections_although_their_messages_take_longer() {
    let mut chat = Chat::with(
        "[triggers.web.routes]\n'$default' = 'chat'\n",
        ", RAW_BOOTSTRAP_ORDERS = 'body'",
    );
    let mut client = chat.server.connect("/prod", &[]);
    client.send(r#"{"sleep_ms":60000}"#);
    chat.events(1);
    chat.server.signal(rustix::process::Signal::TERM);
    assert_eq!(client.closed(), (1001, String::new()));
    client.close(None);
    chat.server.wait();
}

#[test]
fn a_host_that_stops_waits_for_connects_whose_clients_have_left() {
    let barrier = Barrier::new();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("connected");
    let orders = json!({ "barrier": barrier.address(), "append": [file, "connected"] });
    let mut server = Project::new(&format!(
        "[functions.f]\ncode = '{RAW_BOOTSTRAP}'\ntimeout = 60\n\
         environment = {{ RAW_BOOTSTRAP_ORDERS = '/headers/orders' }}\n\
         [triggers.web]\nplugin = 'api-gateway-websocket'\nlisten = '127.0.0.1:0'\nfunction = 'f'\n"
    ))
    .serve();
    drop(handshake(&server, &format!("orders: {orders}\r\n")));
    let arrived = barrier.arrival();
    server.signal(rustix::process::Signal::TERM);
    let url = server.trigger_url("web").to_owned();
    let address = url.trim_start_matches("http://").trim_end_matches('/');
    eventually("the listener to stop", || {
        TcpStream::connect(address).is_err()
    });
    drop(arrived);
    assert!(server.wait().success());
    assert_eq!(std::fs::read_to_string(file).unwrap(), "connected\n");
}

#[test]
fn messages_are_processed_although_their_client_has_left() {
    let folder = tempfile::tempdir().unwrap();
    let events = folder.path().join("events.jsonl");
    let server = Project::new(&format!(
        "[functions.one]\ncode = '{RAW_BOOTSTRAP}'\ntimeout = 60\nconcurrency = 1\n\
         environment = {{ RAW_BOOTSTRAP_EVENTS = '{}', RAW_BOOTSTRAP_ORDERS = 'body' }}\n\
         [triggers.web]\nplugin = 'api-gateway-websocket'\nlisten = '127.0.0.1:0'\nroutes = {{ '$default' = 'one' }}\n",
        events.display()
    ))
    .serve();
    let mut client = server.connect("/prod", &[]);
    for _ in 0..5 {
        client.send(r#"{"sleep_ms":50}"#);
    }
    client.close(None);
    let count = || {
        let text = std::fs::read_to_string(&events).unwrap_or_default();
        text.lines().count()
    };
    eventually("five events", || count() == 5);
}
