//! What clients may send, and the close codes for everything else.

use std::io::Write;

use serde_json::json;
use tungstenite::Message;

use super::Chat;
use crate::support::Client;

/// The largest frame and the largest message.
const FRAME: usize = 32 << 10;
const MESSAGE: usize = 128 << 10;

const FIN: u8 = 0x80;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;

/// A frame with a mask of zeros, which leaves the payload as it is.
fn frame(first_byte: u8, payload: &[u8]) -> Vec<u8> {
    let length = payload.len();
    let mut frame = vec![first_byte];
    if length < 126 {
        frame.push(0x80 | u8::try_from(length).unwrap());
    } else if let Ok(length) = u16::try_from(length) {
        frame.push(0x80 | 126);
        frame.extend(length.to_be_bytes());
    } else {
        frame.push(0x80 | 127);
        frame.extend(u64::try_from(length).unwrap().to_be_bytes());
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

fn write(client: &mut Client, bytes: &[u8]) {
    // The server may have closed the connection in the middle of it.
    let _ = client.socket.get_mut().write_all(bytes);
}

/// An order of this length for the function of the route `loud`, which answers `ok`.
fn order(length: usize) -> String {
    let order = |filling: &str| {
        json!({ "action": "loud", "statusCode": 200, "body": "ok", "x": filling }).to_string()
    };
    order(&"x".repeat(length - order("").len()))
}

#[test]
fn the_largest_frame_and_the_largest_message_are_processed() {
    let chat = Chat::new();
    let mut client = chat.server.connect("/prod", &[]);
    client.send(order(FRAME));
    assert_eq!(client.text(), "ok");
    let message = order(MESSAGE);
    let mut parts = message.as_bytes().chunks(FRAME);
    write(&mut client, &frame(TEXT, parts.next().unwrap()));
    write(&mut client, &frame(0, parts.next().unwrap()));
    // A control frame may come in the middle of a message.
    write(&mut client, &frame(FIN | PING, b"still there?"));
    let pong = Message::Pong("still there?".into());
    assert_eq!(client.socket.read().unwrap(), pong);
    write(&mut client, &frame(0, parts.next().unwrap()));
    write(&mut client, &frame(FIN, parts.next().unwrap()));
    assert_eq!(parts.next(), None);
    assert_eq!(client.text(), "ok");
    assert_eq!(chat.events(3)[2]["body"], message);
}

#[test]
fn each_violation_of_the_protocol_has_its_close_code_and_other_connections_go_on() {
    let chat = Chat::new();
    let mut bystander = chat.server.connect("/prod", &[]);
    let two = |first: Vec<u8>, second: Vec<u8>| [first, second].concat();
    let a_code_and_bad_text = [&1000_u16.to_be_bytes()[..], b"\xff"].concat();
    let mut too_long = vec![frame(TEXT, &[b'x'; FRAME])];
    too_long.extend(vec![frame(0, &[b'x'; FRAME]); 4]);
    let violations = [
        ("text is not UTF-8", 1007, frame(FIN | TEXT, b"\xff\xfe")),
        (
            "text ends in the middle of a character",
            1007,
            frame(FIN | TEXT, b"\xc3"),
        ),
        (
            "a fragment is not UTF-8",
            1007,
            two(frame(TEXT, b"a"), frame(FIN, b"\xff")),
        ),
        (
            "the reason of a close is not UTF-8",
            1007,
            frame(FIN | CLOSE, &a_code_and_bad_text),
        ),
        ("no mask", 1002, vec![FIN | TEXT, 1, b'a']),
        (
            "the first reserved bit",
            1002,
            frame(FIN | 0x40 | TEXT, b"a"),
        ),
        (
            "the second reserved bit",
            1002,
            frame(FIN | 0x20 | TEXT, b"a"),
        ),
        (
            "the third reserved bit",
            1002,
            frame(FIN | 0x10 | TEXT, b"a"),
        ),
        ("a reserved opcode", 1002, frame(FIN | 3, b"a")),
        (
            "a reserved opcode of a control frame",
            1002,
            frame(FIN | 11, b"a"),
        ),
        (
            "a ping that is too long",
            1002,
            frame(FIN | PING, &[b'x'; 126]),
        ),
        ("a ping in fragments", 1002, frame(PING, b"a")),
        ("a continuation of nothing", 1002, frame(FIN, b"a")),
        (
            "a message within another one",
            1002,
            two(frame(TEXT, b"a"), frame(FIN | TEXT, b"b")),
        ),
        (
            "a close with half a code",
            1002,
            frame(FIN | CLOSE, b"\x03"),
        ),
        (
            "a close with a code that is never sent",
            1002,
            frame(FIN | CLOSE, &1005_u16.to_be_bytes()),
        ),
        (
            "a close with a code that does not exist",
            1002,
            frame(FIN | CLOSE, &[0, 1]),
        ),
        (
            "a frame that is too long",
            1009,
            frame(FIN | TEXT, &[b'x'; FRAME + 1]),
        ),
        (
            "a frame of a length that no memory has",
            1009,
            [&[FIN | TEXT, 0xff][..], &[0xff; 8], &[0; 4]].concat(),
        ),
        ("a message that is too long", 1009, too_long.concat()),
        ("a binary message", 1003, frame(FIN | BINARY, b"a")),
    ];
    for (what, code, bytes) in &violations {
        let mut client = chat.server.connect("/prod", &[]);
        write(&mut client, bytes);
        assert_eq!(client.closed().0, *code, "{what}");
        client.close(None);
        // Except for the binary message, the plugin has not seen it.
        bystander.send(order(200));
        assert_eq!(bystander.text(), "ok", "after {what}");
    }
    // `$connect` and `$disconnect` for each of them, `$connect` for the bystander, and its messages.
    let events = chat.events(3 * violations.len() + 1);
    let mut ends: Vec<_> = events
        .iter()
        .filter_map(|event| event["requestContext"]["disconnectStatusCode"].as_u64())
        .collect();
    let mut codes: Vec<_> = violations.iter().map(|(_, code, _)| *code).collect();
    ends.sort_unstable();
    codes.sort_unstable();
    assert_eq!(ends, codes.into_iter().map(u64::from).collect::<Vec<_>>());
}
