//! Reads the response of InvokeWithResponseStream from a socket as it arrives, and decodes its framing without a
//! library.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

use crate::support::Server;

/// One message of an `application/vnd.amazon.eventstream`.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    PayloadChunk(Vec<u8>),
    InvokeComplete(Value),
}

/// A response that is still being read.
pub struct EventStream {
    connection: BufReader<TcpStream>,
    /// Unread bytes of the current chunk of the transfer coding; `None` after the last chunk.
    left: Option<usize>,
}

impl EventStream {
    /// Calls a function and returns when the head of the response has arrived.
    #[track_caller]
    pub fn open(server: &Server, function: &str, event: &Value) -> Self {
        let mut connection = send(server, function, event);
        assert_eq!(line(&mut connection), "HTTP/1.1 200 OK");
        let mut headers = Vec::new();
        loop {
            let header = line(&mut connection).to_ascii_lowercase();
            if header.is_empty() {
                break;
            }
            headers.push(header);
        }
        for expected in [
            "content-type: application/vnd.amazon.eventstream",
            "transfer-encoding: chunked",
            "x-amz-executed-version: $latest",
        ] {
            assert!(
                headers.iter().any(|header| header == expected),
                "{headers:?}"
            );
        }
        assert!(
            headers
                .iter()
                .any(|header| header.starts_with("x-amzn-requestid: ")),
            "{headers:?}"
        );
        Self {
            connection,
            left: Some(0),
        }
    }

    /// The next event; `None` at the proper end of the response.
    #[track_caller]
    pub fn next(&mut self) -> Option<Event> {
        let mut prelude = [0; 12];
        let got = self.read(&mut prelude[..1]).unwrap();
        if got == 0 {
            return None;
        }
        self.read_exact(&mut prelude[1..]).unwrap();
        let [total, headers, sum] = [0, 4, 8].map(|at| number(&prelude[at..]));
        assert_eq!(
            sum,
            crc32(&prelude[..8]),
            "the checksum of a message's prelude"
        );
        let mut rest = vec![0; total as usize - prelude.len()];
        self.read_exact(&mut rest).unwrap();
        let content = rest.len() - 4;
        let message = [&prelude[..], &rest[..content]].concat();
        assert_eq!(
            number(&rest[content..]),
            crc32(&message),
            "the checksum of a message"
        );
        let (headers, payload) = rest[..content].split_at(headers as usize);
        Some(event(&strings(headers), payload))
    }

    /// Reads pieces until their concatenation ends with a text, and returns it.
    #[track_caller]
    pub fn until(&mut self, text: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        while !bytes.ends_with(text.as_bytes()) {
            match self.next() {
                Some(Event::PayloadChunk(piece)) => bytes.extend(piece),
                other => panic!("{other:?} after {:?}", String::from_utf8_lossy(&bytes)),
            }
        }
        bytes
    }

    /// Reads to the end. Returns the remaining pieces as one, and the content of InvokeComplete, the last event.
    #[track_caller]
    pub fn rest(mut self) -> (Vec<u8>, Value) {
        let mut bytes = Vec::new();
        loop {
            match self.next() {
                Some(Event::PayloadChunk(piece)) => bytes.extend(piece),
                Some(Event::InvokeComplete(content)) => {
                    assert_eq!(self.next(), None, "an event after InvokeComplete");
                    return (bytes, content);
                }
                None => panic!(
                    "no InvokeComplete after {:?}",
                    String::from_utf8_lossy(&bytes)
                ),
            }
        }
    }
}

/// The body, without its transfer coding.
impl Read for EventStream {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        if self.left == Some(0) {
            let size = usize::from_str_radix(&line(&mut self.connection), 16).unwrap();
            self.left = (size > 0).then_some(size);
        }
        let Some(left) = self.left else { return Ok(0) };
        let length = left.min(into.len());
        let got = self.connection.read(&mut into[..length])?;
        assert!(got > 0, "the connection ends inside a chunk");
        self.left = Some(left - got);
        if left == got {
            assert_eq!(line(&mut self.connection), "", "after a chunk");
        }
        Ok(got)
    }
}

#[track_caller]
fn send(server: &Server, function: &str, event: &Value) -> BufReader<TcpStream> {
    let address = server.invoke_url().trim_start_matches("http://");
    let mut connection = TcpStream::connect(address).unwrap();
    // A host that hangs fails its test instead of blocking the whole run.
    let timeout = Some(Duration::from_secs(60));
    connection.set_read_timeout(timeout).unwrap();
    let event = event.to_string();
    write!(
        connection,
        "POST /2021-11-15/functions/{function}/response-streaming-invocations HTTP/1.1\r\n\
         host: {address}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{event}",
        event.len()
    )
    .unwrap();
    BufReader::new(connection)
}

#[track_caller]
fn line(connection: &mut impl BufRead) -> String {
    let mut line = String::new();
    connection.read_line(&mut line).unwrap();
    let text = line.strip_suffix("\r\n");
    text.unwrap_or_else(|| panic!("no end of line after {line:?}"))
        .to_owned()
}

#[track_caller]
fn event(headers: &[(String, String)], payload: &[u8]) -> Event {
    let header = |name: &str| {
        let found = headers.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.as_str())
    };
    assert_eq!(header(":message-type"), Some("event"), "{headers:?}");
    match (header(":event-type"), header(":content-type")) {
        (Some("PayloadChunk"), Some("application/octet-stream")) => {
            Event::PayloadChunk(payload.to_vec())
        }
        (Some("InvokeComplete"), Some("application/json")) => {
            Event::InvokeComplete(serde_json::from_slice(payload).unwrap())
        }
        _ => panic!("{headers:?}"),
    }
}

/// Parses headers, all of which must be strings (type 7).
fn strings(mut bytes: &[u8]) -> Vec<(String, String)> {
    fn take<'a>(bytes: &mut &'a [u8], length: usize) -> &'a [u8] {
        let (taken, rest) = bytes.split_at(length);
        *bytes = rest;
        taken
    }
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let mut headers = Vec::new();
    while let [length, rest @ ..] = bytes {
        bytes = rest;
        let name = text(take(&mut bytes, usize::from(*length)));
        assert_eq!(take(&mut bytes, 1), [7], "{name}'s type");
        let length = take(&mut bytes, 2);
        let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
        headers.push((name, text(take(&mut bytes, length))));
    }
    headers
}

fn number(bytes: &[u8]) -> u32 {
    u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |mut sum: u32, byte| {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = (sum >> 1) ^ (0xEDB8_8320 & (sum & 1).wrapping_neg());
        }
        sum
    })
}
