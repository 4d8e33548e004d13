//! Where requests begin and end in the bytes of a connection.
//!
//! hyper tells a handler nothing of a head but what it has made of it. What else the host has to know ([`Head`]) is found
//! in the bytes as they arrive, whichever request they belong to: clients may send a request before the response to
//! the one before it. So bodies are followed to their end, without a look at their content.
//!
//! On bytes that are not HTTP, or that this host refuses, nothing more is found: hyper or [`crate::head`] ends such a
//! connection.

use memchr::memchr;

use crate::as_sent::{HeadAsSent, HeadScanner};

/// The facts about a request's head that hyper does not report.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    /// Only if the listener keeps heads as they are sent.
    pub as_sent: Option<HeadAsSent>,
    /// Whether more than one header frames the body.
    pub is_ambiguous: bool,
}

/// Follows the requests of one connection.
#[derive(Debug)]
pub(crate) struct Boundaries {
    place: Place,
    framing: Framing,
    /// If the listener keeps heads as they are sent.
    scanner: Option<HeadScanner>,
    as_sent: Option<HeadAsSent>,
}

/// What the next byte belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Head,
    /// A body with this many bytes left.
    Body(u64),
    /// The line with the size of a chunk. `None` behind its digits.
    ChunkSize {
        size: u64,
        in_digits: bool,
    },
    Chunk(u64),
    /// The end of the line behind a chunk.
    ChunkEnd,
    /// A line behind the last chunk.
    Trailer {
        is_empty: bool,
    },
    /// Nothing that can be followed.
    Unknown,
}

impl Boundaries {
    pub(crate) fn new(keeps_heads: bool) -> Self {
        Self {
            place: Place::Head,
            framing: Framing::default(),
            scanner: keeps_heads.then(HeadScanner::default),
            as_sent: None,
        }
    }

    /// Whether a head has begun and is not complete.
    pub(crate) fn is_in_head(&self) -> bool {
        self.place == Place::Head && self.framing.has_begun
    }

    /// Takes more bytes of the connection, and passes on each head that is complete with them. In a head that is kept,
    /// bytes of the target that hyper might refuse are replaced.
    pub(crate) fn feed(&mut self, mut bytes: &mut [u8], mut found: impl FnMut(Head)) {
        while !bytes.is_empty() {
            let taken = match self.place {
                Place::Head => self.head(bytes, &mut found),
                Place::Body(left) => self.skip(left, bytes.len(), Place::Body, Place::Head),
                Place::Chunk(left) => self.skip(left, bytes.len(), Place::Chunk, Place::ChunkEnd),
                Place::ChunkSize { .. } | Place::ChunkEnd | Place::Trailer { .. } => {
                    self.chunk_line(bytes)
                }
                Place::Unknown => return,
            };
            let rest = std::mem::take(&mut bytes);
            bytes = rest.get_mut(taken..).unwrap_or_default();
        }
    }

    /// Takes bytes of a head. Returns their number.
    fn head(&mut self, bytes: &mut [u8], found: &mut impl FnMut(Head)) -> usize {
        let (taken, is_complete) = self.framing.feed(bytes);
        if let Some(scanner) = &mut self.scanner
            && let Some(bytes) = bytes.get_mut(..taken)
            && let Some(head) = scanner.feed(bytes)
        {
            self.as_sent = Some(head);
        }
        if is_complete {
            let framing = std::mem::take(&mut self.framing);
            self.place = framing.body();
            self.scanner = self.scanner.take().map(|_| HeadScanner::default());
            found(Head {
                as_sent: self.as_sent.take(),
                is_ambiguous: framing.is_ambiguous(),
            });
        }
        taken
    }

    /// Takes up to `left` bytes, of `len` that there are. Returns their number.
    fn skip(&mut self, left: u64, len: usize, on: fn(u64) -> Place, behind: Place) -> usize {
        let taken = usize::try_from(left).map_or(len, |left| left.min(len));
        self.place = match left - taken as u64 {
            0 => behind,
            left => on(left),
        };
        taken
    }

    /// Takes bytes of the lines around chunks. Returns their number.
    fn chunk_line(&mut self, bytes: &[u8]) -> usize {
        for (index, byte) in bytes.iter().enumerate() {
            self.place = match (self.place, byte) {
                (Place::ChunkSize { size: 0, .. }, b'\n') => Place::Trailer { is_empty: true },
                (Place::ChunkSize { size, .. }, b'\n') => Place::Chunk(size),
                (
                    Place::ChunkSize {
                        size,
                        in_digits: true,
                    },
                    byte,
                ) => match char::from(*byte).to_digit(16) {
                    Some(digit) => match size.checked_mul(16) {
                        Some(size) => Place::ChunkSize {
                            size: size + u64::from(digit),
                            in_digits: true,
                        },
                        None => Place::Unknown,
                    },
                    None => Place::ChunkSize {
                        size,
                        in_digits: false,
                    },
                },
                (Place::ChunkEnd, b'\n') => Place::ChunkSize {
                    size: 0,
                    in_digits: true,
                },
                (Place::Trailer { is_empty: true }, b'\n') => Place::Head,
                (Place::Trailer { .. }, b'\n') => Place::Trailer { is_empty: true },
                (Place::Trailer { .. }, byte) if *byte != b'\r' => {
                    Place::Trailer { is_empty: false }
                }
                (place, _) => place,
            };
            if matches!(self.place, Place::Chunk(_) | Place::Head | Place::Unknown) {
                return index + 1;
            }
        }
        bytes.len()
    }
}

/// Finds the headers that frame a body, in the bytes of a head as they arrive. hyper merges equal `Content-Length`s and
/// prefers `Transfer-Encoding`, as RFC 9112 allows; a proxy in front of the host, or a test's own server, may not.
#[derive(Debug, Default)]
struct Framing {
    /// The beginning of the current line, in lower case.
    line: Vec<u8>,
    /// Whether the current line is longer than that.
    is_long: bool,
    /// Whether a line was not empty: empty lines before a head are skipped.
    has_begun: bool,
    /// The number of headers that frame the body.
    count: usize,
    /// The body, as the last of them has it. None: its length is no number.
    body: Option<Place>,
}

/// More of a line is not looked at. The longest number has 20 digits, and there may be blanks.
const LINE_BYTES: usize = 64;

const CONTENT_LENGTH: &[u8] = b"content-length:";
const CODING: &[u8] = b"transfer-encoding:";

impl Framing {
    /// Takes bytes up to the end of the head. Returns their number, and whether the head is complete.
    fn feed(&mut self, bytes: &[u8]) -> (usize, bool) {
        let mut rest = bytes;
        while let Some(end) = memchr(b'\n', rest) {
            let (line, behind) = rest.split_at(end);
            self.extend(line);
            rest = behind.get(1..).unwrap_or_default();
            if self.end_line() {
                return (bytes.len() - rest.len(), true);
            }
        }
        self.extend(rest);
        (bytes.len(), false)
    }

    /// Whether more than one header frames the body.
    fn is_ambiguous(&self) -> bool {
        self.count > 1
    }

    /// Where the byte behind the head belongs.
    fn body(&self) -> Place {
        match (self.count, self.body) {
            (0, _) | (1, Some(Place::Body(0))) => Place::Head,
            (1, Some(body)) => body,
            _ => Place::Unknown,
        }
    }

    fn extend(&mut self, bytes: &[u8]) {
        // Few lines begin like the headers that count.
        if self.line.is_empty()
            && !self.is_long
            && !matches!(bytes.first(), Some(b'c' | b'C' | b't' | b'T' | b'\r'))
        {
            self.is_long = !bytes.is_empty();
        } else {
            let room = LINE_BYTES - self.line.len();
            self.is_long |= bytes.len() > room;
            let bytes = bytes.iter().take(room).map(u8::to_ascii_lowercase);
            self.line.extend(bytes);
        }
        self.has_begun |= self.is_long || !matches!(self.line.as_slice(), b"" | b"\r");
    }

    /// Returns whether this was the end of the head.
    fn end_line(&mut self) -> bool {
        if let Some(length) = self.line.strip_prefix(CONTENT_LENGTH) {
            self.count += 1;
            self.body = number(length.trim_ascii()).map(Place::Body);
        } else if self.line.starts_with(CODING) {
            self.count += 1;
            self.body = Some(Place::ChunkSize {
                size: 0,
                in_digits: true,
            });
        }
        let is_empty = !self.is_long && matches!(self.line.as_slice(), b"" | b"\r");
        self.line.clear();
        self.is_long = false;
        is_empty && self.has_begun
    }
}

fn number(digits: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(digits).ok()?;
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The heads that are found when the bytes arrive at once, and in every other way.
    fn heads(bytes: &[u8]) -> Vec<Head> {
        let found = |size: usize| {
            let mut boundaries = Boundaries::new(true);
            let (mut heads, mut bytes) = (Vec::new(), bytes.to_vec());
            for piece in bytes.chunks_mut(size) {
                boundaries.feed(piece, |head| heads.push(head));
            }
            heads
        };
        let at_once = found(bytes.len());
        for size in 1..bytes.len() {
            assert_eq!(found(size), at_once, "in pieces of {size} bytes");
        }
        at_once
    }

    fn targets(bytes: &[u8]) -> Vec<String> {
        let heads = heads(bytes).into_iter();
        let target = |head: Head| head.as_sent?.target;
        heads
            .map(|head| String::from_utf8(target(head).unwrap_or_default()).unwrap())
            .collect()
    }

    #[test]
    fn a_head_follows_the_body_of_the_request_before_it() {
        let next = "\r\nGET /<next> HTTP/1.1\r\nhost: a\r\n\r\n";
        for first in [
            "GET /<first> HTTP/1.1\r\nhost: a\r\n\r\n",
            "POST /<first> HTTP/1.1\r\nContent-Length:  0 \r\n\r\n",
            "POST /<first> HTTP/1.1\r\nContent-Length: 12\r\n\r\nGET / HTTP\n\n",
            "POST /<first> HTTP/1.1\nTransfer-Encoding: chunked\n\n0\r\n\r\n",
            "POST /<first> HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n\
             00a;b=c\r\nGET / HTTP\r\n1 \r\n\n\r\n0\r\na: b\r\nc: d\r\n\r\n",
        ] {
            let bytes = format!("{first}{next}{next}");
            let expected = ["/<first>", "/<next>", "/<next>"];
            assert_eq!(targets(bytes.as_bytes()), expected, "{first}");
        }
    }

    #[test]
    fn nothing_is_found_behind_a_request_that_is_refused() {
        let next = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";
        for first in [
            "POST / HTTP/1.1\r\ncontent-length: x\r\n\r\n",
            "POST / HTTP/1.1\r\ncontent-length: +1\r\n\r\nx",
            "POST / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\nx",
            "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n11111111111111111\r\n",
        ] {
            assert_eq!(
                heads(format!("{first}{next}").as_bytes()).len(),
                1,
                "{first}"
            );
        }
    }

    #[test]
    fn a_head_has_begun_with_its_first_byte_and_ends_with_an_empty_line() {
        let mut boundaries = Boundaries::new(false);
        let mut feed = |bytes: &[u8]| {
            boundaries.feed(&mut bytes.to_vec(), |_| {});
            boundaries.is_in_head()
        };
        assert!(!feed(b""));
        assert!(!feed(b"\r\n"));
        assert!(feed(b"G"));
        assert!(feed(b"ET / HTTP/1.1\r\n"));
        assert!(!feed(b"\r\n"));
        assert!(feed(b"T"));
    }

    #[test]
    fn headers_that_frame_the_body_are_counted() {
        for (head, is_ambiguous) in [
            ("POST / HTTP/1.1\r\ncontent-length: 1\r\n\r\nx", false),
            (
                "\r\nPOST / HTTP/1.1\r\nContent-Length: 1\r\nhost: a\r\nCONTENT-LENGTH: 1\r\n\r\n",
                true,
            ),
            (
                "POST / HTTP/1.1\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
                true,
            ),
            (
                "POST / HTTP/1.1\ntransfer-encoding: chunked\ntransfer-encoding: chunked\n\n",
                true,
            ),
            (
                "POST / HTTP/1.1\r\nx-content-length: 1\r\ncontent-length-x: 2\r\nconnection: close\r\n\r\n",
                false,
            ),
            ("content-length: HTTP/1.1\r\ncontent-type: a\r\n\r\n", false),
        ] {
            let [found] = &heads(head.as_bytes())[..] else {
                panic!("one head: {head}");
            };
            assert_eq!(found.is_ambiguous, is_ambiguous, "{head}");
        }
    }
}
