//! A property of the service that holds for arbitrary requests. Only `tests/fuzz` compiles this file.

use crate::service::memory::Memory;
use crate::service::{Body, Context, ReadError, Request, RequestBody, Response, Settings, answer};

/// A body that arrives in pieces.
struct Pieces<'a>(&'a [u8]);

impl RequestBody for Pieces<'_> {
    fn read(&mut self, max: usize) -> Result<Vec<u8>, ReadError> {
        let (piece, rest) = self.0.split_at(max.min(self.0.len()).min(1000));
        self.0 = rest;
        Ok(piece.to_vec())
    }
}

/// Every request of a conversation gets a response that HTTP can carry. The requests are separated by lines of `---`;
/// each has a first line, `METHOD TARGET`, headers, an empty line and a body.
pub fn requests(bytes: &[u8]) {
    // With signatures verified, hardly any request would get further.
    let settings = Settings::read(r#"{"verify-signatures": false}"#);
    let memory = Memory::default();
    for request in split(bytes, b"\n---\n") {
        let head_and_body = split(request, b"\n\n");
        let (head, body) = (head_and_body[0], &request[head_and_body[0].len()..]);
        let head = String::from_utf8_lossy(head);
        let mut lines = head.lines();
        let first = lines.next().unwrap_or_default();
        let (method, target) = first.split_once(' ').unwrap_or((first, "/"));
        let headers = lines
            .filter_map(|line| line.split_once(": "))
            // The host's HTTP server passes no others on.
            .filter(|(name, value)| is_name(name) && !value.contains(char::is_control))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let request = Request::new(method, target, headers);
        let context = Context {
            store: &memory,
            region: "us-east-1",
            account: "000000000000",
            settings: &settings,
            now_ms: 1_790_929_860_000,
            random: [0xab; 64],
        };
        let mut body = Pieces(body.get(2..).unwrap_or_default());
        check(&answer(&request, &mut body, context));
    }
}

fn check(response: &Response) {
    assert!((200..600).contains(&response.status));
    for (name, value) in &response.headers {
        assert!(is_name(name), "{name:?}");
        assert!(!value.contains(char::is_control), "{name}: {value:?}");
    }
    if let Body::Bytes(bytes) = &response.body
        && bytes.starts_with(b"<?xml")
    {
        let mut reader = quick_xml::Reader::from_reader(&bytes[..]);
        loop {
            match reader.read_event() {
                Ok(quick_xml::events::Event::Eof) => break,
                Ok(_) => {}
                Err(error) => panic!("{error}: {}", String::from_utf8_lossy(bytes)),
            }
        }
    }
}

fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    !name.is_empty() && bytes.all(|byte| byte.is_ascii_graphic() && byte != b':')
}

fn split<'a>(bytes: &'a [u8], separator: &[u8]) -> Vec<&'a [u8]> {
    let mut parts = Vec::new();
    let mut rest = bytes;
    while let Some(at) = rest
        .windows(separator.len())
        .position(|window| window == separator)
    {
        parts.push(&rest[..at]);
        rest = &rest[at + separator.len()..];
    }
    parts.push(rest);
    parts
}
