//! How connections end: by their clients, by limits and by the host.

use std::io::Write;
use std::time::Duration;

use tungstenite::Message;

use super::Chat;
use crate::support::{Project, RAW_BOOTSTRAP, eventually};

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
fn messages_and_frames_are_limited_and_checked() {
    let chat = Chat::new();
    let connect = || chat.server.connect("/prod", &[]);
    // The largest frame, and a message of several.
    let mut client = connect();
    let body = "x".repeat(32 * 1024 - 40);
    client.send(format!(r#"{{"statusCode":200,"body":"{body}"}}"#));
    assert_eq!(client.text().len(), body.len());

    let mut client = connect();
    client.send("x".repeat(32 * 1024 + 1));
    assert_eq!(client.closed().0, 1009);

    let mut client = connect();
    let stream = client.socket.get_mut();
    // Text frames of 32 KiB that do not end: FIN is never set.
    let frame = |first: bool| {
        let mut frame = vec![u8::from(first), 0x80 | 126, 0x80, 0x00, 0, 0, 0, 0];
        frame.extend_from_slice(&[b'x'; 32 * 1024]);
        frame
    };
    for number in 0..5 {
        if stream.write_all(&frame(number == 0)).is_err() {
            break;
        }
    }
    assert_eq!(client.closed().0, 1009);

    let mut client = connect();
    let stream = client.socket.get_mut();
    stream
        .write_all(&[0x81, 0x82, 0, 0, 0, 0, 0xff, 0xfe])
        .unwrap();
    assert_eq!(client.closed().0, 1007);

    let mut client = connect();
    // Not masked, as frames of clients have to be.
    let stream = client.socket.get_mut();
    stream.write_all(&[0x81, 0x01, b'a']).unwrap();
    assert_eq!(client.closed().0, 1002);

    let mut client = connect();
    client.socket.send(Message::binary(&b"\x01"[..])).unwrap();
    assert_eq!(client.closed().0, 1003);

    let codes: Vec<_> = chat
        .events(12)
        .iter()
        .filter_map(|event| event["requestContext"]["disconnectStatusCode"].as_u64())
        .collect();
    for code in [1002, 1003, 1007, 1009] {
        assert!(codes.contains(&code), "{code}: {codes:?}");
    }
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
    let url = chat.server.trigger_url("web");
    let address = url.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    write!(
        stream,
        "GET /prod HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    .unwrap();
    drop(stream);
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

#[test]
fn a_client_that_reads_no_pongs_sends_no_more_pings() {
    let chat = Chat::new();
    let mut client = chat.server.connect("/prod", &[]);
    let stream = client.socket.get_mut();
    stream
        .set_write_timeout(Some(Duration::from_secs(2)))
        .unwrap();
    let ping = [&[0x89, 0x80 | 125, 0, 0, 0, 0][..], &[b'x'; 125]].concat();
    let pings = ping.repeat(500);
    // The kernel's buffers take some MB in both directions; a host that goes on reading takes any number.
    let mut sent = 0;
    while let Ok(written) = stream.write(&pings) {
        sent += written;
        assert!(sent < 256 << 20, "{sent} bytes of pings were read");
    }
}
