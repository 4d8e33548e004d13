//! Clients that do not read what is sent to them.

use std::io::Write;
use std::time::Duration;

use tungstenite::Message;

use super::{Chat, id_of};

/// As much as the management API takes.
const MESSAGE: usize = 128 << 10;

#[test]
fn a_client_that_reads_nothing_can_still_send_and_its_ping_overtakes_what_waits() {
    let chat = Chat::new();
    let mut client = chat.server.connect("/prod", &[]);
    let id = id_of(&chat.events(1)[0]);
    let message = "x".repeat(MESSAGE);
    let mut sent = 0;
    loop {
        let reply = chat.server.manage("POST", &id, message.as_bytes());
        if reply.status == 429 {
            break;
        }
        assert_eq!(reply.status, 200, "{}", reply.text());
        sent += 1;
        assert!(sent < 2048, "the client's system takes everything");
    }
    client.send(r#"{"action":"quiet"}"#);
    assert_eq!(chat.events(2)[1]["requestContext"]["routeKey"], "quiet");
    client.socket.send(Message::Ping("hello".into())).unwrap();
    client.send(r#"{"action":"quiet"}"#);
    // The ping came before this message.
    chat.events(3);
    let mut received = 0;
    let mut after_pong = None;
    while received < sent {
        match client.socket.read().unwrap() {
            Message::Text(text) => {
                assert!(text.as_str() == message, "message {received}");
                received += 1;
            }
            Message::Pong(payload) => {
                assert_eq!(payload, "hello");
                after_pong = Some(sent - received);
            }
            other => panic!("{other:?}"),
        }
    }
    // What was queued is 1 MiB, and the pong has overtaken it.
    assert!(after_pong > Some(1), "{after_pong:?}");
    client.close(None);
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
