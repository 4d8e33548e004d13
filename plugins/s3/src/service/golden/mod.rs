//! Whole conversations: each file in this folder contains requests (`>`), the responses to them (`<`) and the events
//! for triggers (`!`), with a store of its own.
//!
//! Bodies are written without line breaks: `\r`, `\n` and `\\` are escapes, `{x*9}` stands for nine times `x`, and
//! `{md5:TEXT}` or `{crc32:TEXT}` for a digest of the store in memory. Each request gets a `Content-Length`, unless it
//! contains `no-length: yes`. The ids of requests are left out of the responses; the test
//! `ids_are_in_headers_and_errors` checks them.
//!
//! Only in `access.txt` are signatures verified.
//!
//! `LAMBKIN_GOLDEN=write cargo test -p s3` writes the current responses, which have to be read before they are
//! committed.

use plugin_kit::hex;
use std::fmt::Write as _;
use std::path::Path;

use super::memory::{self, Memory};
use super::store::Digest;
use super::{
    Body, Context, ReadError, Request, RequestBody, Response, Settings, Store as _, answer,
};
use crate::encoding;

/// Fri, 02 Oct 2026 08:31:00 GMT: a minute after the objects of the store were written.
const NOW: u64 = 1_790_929_860_000;

/// Most conversations are without signatures.
const UNVERIFIED: &str = r#"{"verify-signatures": false}"#;

/// A body that arrives in small pieces, and may end too early.
struct Pieces {
    bytes: Vec<u8>,
    cut: bool,
}

impl RequestBody for Pieces {
    fn read(&mut self, max: usize) -> Result<Vec<u8>, ReadError> {
        let piece = if self.bytes.len() < 4096 { 7 } else { max };
        let rest = self.bytes.split_off(piece.min(self.bytes.len()));
        let piece = std::mem::replace(&mut self.bytes, rest);
        if piece.is_empty() && self.cut {
            return Err(ReadError);
        }
        Ok(piece)
    }
}

const DIGESTS: [&str; 6] = [
    "md5",
    "md5-base64",
    "key-md5",
    "sha256",
    "crc32",
    "crc64nvme",
];

fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['\\', '{']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(tail) = rest.strip_prefix('\\') {
            out.push(match tail.as_bytes()[0] {
                b'r' => '\r',
                b'n' => '\n',
                other => char::from(other),
            });
            rest = &tail[1..];
            continue;
        }
        if out.ends_with('$') {
            // `${filename}` of a form.
            out.push('{');
            rest = &rest[1..];
            continue;
        }
        let end = rest.find('}').unwrap();
        let inner = &rest[1..end];
        match (inner.split_once(':'), inner.rsplit_once('*')) {
            (Some((kind, text)), _) if DIGESTS.contains(&kind) => {
                out.push_str(&computed(kind, text));
            }
            (_, Some((text, count))) => {
                out.push_str(&unescape(text).repeat(count.parse().unwrap()));
            }
            _ => panic!("{inner}"),
        }
        rest = &rest[end + 1..];
    }
    out + rest
}

fn computed(kind: &str, text: &str) -> String {
    let text = match text.split_once('*') {
        Some((text, count)) => text.repeat(count.parse().unwrap()),
        None => text.to_owned(),
    };
    let digest = |digest| memory::digest(digest, text.as_bytes());
    match kind {
        "md5" => hex::encode(&digest(Digest::Md5)),
        "md5-base64" => encoding::base64(&digest(Digest::Md5)),
        "key-md5" => {
            let key = encoding::from_base64(&text).unwrap();
            encoding::base64(&memory::digest(Digest::Md5, &key))
        }
        "sha256" => hex::encode(&digest(Digest::Sha256)),
        "crc32" => encoding::base64(&digest(Digest::Crc32)),
        "crc64nvme" => encoding::base64(&digest(Digest::Crc64nvme)),
        other => panic!("{other}"),
    }
}

fn ask(memory: &Memory, text: &str) -> Response {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let body = unescape(&body.replace('\n', ""));
    let mut lines = head.lines();
    let (method, target) = lines.next().unwrap().split_once(' ').unwrap();
    let mut headers: Vec<(String, String)> = lines
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, value)| (name.to_owned(), unescape(value)))
        .collect();
    let has = |name: &str| headers.iter().any(|(header, _)| header == name);
    let cut = has("cut");
    if !has("no-length") && !has("Content-Length") && (!body.is_empty() || method == "PUT") {
        headers.push(("Content-Length".to_owned(), body.len().to_string()));
    }
    let request = Request::new(method, target, headers);
    let mut body = Pieces {
        bytes: body.into_bytes(),
        cut,
    };
    answer(&request, &mut body, context(memory))
}

fn context(memory: &Memory) -> Context<'_> {
    Context {
        store: memory,
        region: "us-east-1",
        account: "000000000000",
        settings: &memory.settings,
        now_ms: NOW,
        random: [0xab; 64],
    }
}

fn render(memory: &Memory, response: &Response) -> String {
    let mut text = format!("{}\n", response.status);
    for (name, value) in &response.headers {
        if !["x-amz-request-id", "x-amz-id-2", "Server"].contains(&name.as_str()) {
            writeln!(text, "{name}: {value}").unwrap();
        }
    }
    let body = match &response.body {
        Body::Empty => return text,
        Body::Bytes(bytes) => bytes.clone(),
        Body::Object {
            opened,
            offset,
            length,
        } => memory
            .read(*opened, *offset, u32::try_from(*length).unwrap())
            .unwrap(),
    };
    let body = String::from_utf8(body).unwrap();
    let body = match body.split_once("<RequestId>") {
        Some((start, _)) => format!("{start}…</Error>"),
        None => body,
    };
    if body.len() > 100_000 {
        writeln!(text, "\n({} bytes)", body.len()).unwrap();
    } else {
        writeln!(text, "\n{body}").unwrap();
    }
    text
}

/// A conversation with the current responses.
fn play(script: &str, settings: &str) -> String {
    let memory = Memory::with_settings(Settings::read(settings));
    let mut out = String::new();
    let mut request = String::new();
    let end = |out: &mut String, request: &mut String| {
        if request.is_empty() {
            return;
        }
        let response = ask(&memory, request.trim_end());
        for line in render(&memory, &response).lines() {
            writeln!(out, "{}", format!("< {line}").trim_end()).unwrap();
        }
        for (event, key) in memory.events.borrow_mut().drain(..) {
            writeln!(out, "! {} {key}", event.name).unwrap();
        }
        request.clear();
    };
    for line in script.lines() {
        if let Some(part) = line.strip_prefix('>') {
            request.push_str(part.strip_prefix(' ').unwrap_or(part));
            request.push('\n');
            writeln!(out, "{line}").unwrap();
            continue;
        }
        end(&mut out, &mut request);
        if !line.starts_with(['<', '!']) {
            writeln!(out, "{line}").unwrap();
        }
    }
    end(&mut out, &mut request);
    out
}

fn check(name: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("src/service/golden")
        .join(name);
    let script = std::fs::read_to_string(&file).unwrap();
    let settings = match name {
        "access.txt" => "{}",
        _ => UNVERIFIED,
    };
    let played = play(&script, settings);
    if std::env::var("LAMBKIN_GOLDEN").is_ok_and(|value| value == "write") {
        std::fs::write(&file, played).unwrap();
        return;
    }
    for (number, (want, have)) in (1..).zip(script.lines().zip(played.lines())) {
        assert_eq!(have, want, "{name}, line {number}");
    }
    assert_eq!(played.lines().count(), script.lines().count(), "{name}");
}

macro_rules! conversations {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            check(concat!(stringify!($name), ".txt"));
        })*
    };
}

conversations!(buckets settings notifications objects reads writes lists versions copies multipart checksums tags cors pages forms signatures access recorded locks customer_keys);

fn unverified() -> Memory {
    Memory::with_settings(Settings::read(UNVERIFIED))
}

#[test]
fn ids_are_in_headers_and_errors() {
    let memory = unverified();
    let response = ask(&memory, "GET /nobodys/key");
    let header = |name: &str| {
        let (_, value) = response
            .headers
            .iter()
            .find(|(header, _)| header == name)
            .unwrap();
        value.clone()
    };
    assert_eq!(header("x-amz-request-id"), "ABABABABABABABAB");
    assert_eq!(header("x-amz-id-2").len(), 76);
    assert_eq!(header("Server"), "AmazonS3");
    let Body::Bytes(bytes) = &response.body else {
        panic!()
    };
    let ids = format!(
        "<RequestId>ABABABABABABABAB</RequestId><HostId>{}</HostId></Error>",
        header("x-amz-id-2")
    );
    assert!(String::from_utf8_lossy(bytes).ends_with(&ids));
}

#[test]
fn the_body_of_a_refused_request_is_read_unless_it_is_long_or_not_yet_sent() {
    let left = |headers: &[(&str, &str)]| {
        let memory = unverified();
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let request = Request::new("PUT", "/nobodys/a", headers);
        let mut body = Pieces {
            bytes: vec![0; 100],
            cut: false,
        };
        let response = answer(&request, &mut body, context(&memory));
        assert!(response.status >= 400);
        body.bytes.len()
    };
    assert_eq!(left(&[("Content-Length", "100")]), 0);
    assert_eq!(left(&[("Content-Length", "100000000")]), 100);
    assert_eq!(
        left(&[("Content-Length", "100"), ("Expect", "100-continue")]),
        100
    );
}

#[test]
fn events_contain_the_client_of_the_request() {
    let memory = unverified();
    ask(&memory, "PUT /photos");
    ask(
        &memory,
        "PUT /photos/a\nx-lambkin-peer: 10.0.0.7\nX-Amzn-Trace-Id: Root=1-2-3\nAuthorization: AWS4-HMAC-SHA256 \
         Credential=AKID/20261002/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=00\n\nhello",
    );
    let events = memory.events.borrow();
    let (event, key) = &events[0];
    assert_eq!(
        (event.name.as_str(), key.as_str()),
        ("ObjectCreated:Put", "a")
    );
    let extra: Vec<_> = event
        .extra
        .iter()
        .map(|(name, value)| (name.as_str(), value.len().min(16)))
        .collect();
    assert_eq!(event.extra[0].1, "10.0.0.7");
    assert_eq!(event.extra[3].1, "AWS:AKID");
    assert_eq!(
        extra,
        [
            ("source-ip", 8),
            ("request-id", 16),
            ("host-id", 16),
            ("principal", 8),
            ("AWSTraceHeader", 10)
        ]
    );
}
