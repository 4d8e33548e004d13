//! An incremental parser of HTTP/1.1 responses.
//!
//! The raw bootstrap and the benchmark's callers use no HTTP library, so that the cost or behaviour of one does not
//! affect the results. [`Responses`] does no I/O: feed it bytes that were read, then take complete responses.
//! It supports bodies framed by `Content-Length` and by chunks. A response with invalid framing is an
//! [`io::ErrorKind::InvalidData`] error; its connection must not be used any further.

use std::io::{self, Read};

/// One complete response.
#[derive(Debug)]
pub struct Response {
    /// The status code of the first line.
    pub status: u16,
    /// The body with its framing removed.
    pub body: Vec<u8>,
    head: String,
}

impl Response {
    /// The value of the first header with this name, compared without regard to case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }

    /// Every header in the order received, name and value.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        headers(&self.head)
    }
}

/// The bytes of one connection that do not yet make a response.
#[derive(Debug, Default)]
pub struct Responses {
    buffer: Vec<u8>,
}

impl Responses {
    /// Adds bytes read from the connection.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Takes the next response, or `None` while it is incomplete.
    ///
    /// # Errors
    /// When what was fed is not an HTTP/1.1 response with a framed body.
    pub fn take(&mut self) -> io::Result<Option<Response>> {
        let Some(body_at) = end_of_head(&self.buffer) else {
            return Ok(None);
        };
        let (head, rest) = self.buffer.split_at(body_at);
        let head = std::str::from_utf8(head).map_err(|_| malformed("its head is not UTF-8"))?;
        let status = status(head)?;
        let Some((body, length)) = body(head, status, rest)? else {
            return Ok(None);
        };
        let head = head.to_owned();
        self.buffer.drain(..body_at + length);
        Ok(Some(Response { status, body, head }))
    }

    /// Takes everything as one response, whose body is all bytes after the head, with their framing.
    ///
    /// # Errors
    /// When what was fed does not begin with the head of an HTTP/1.1 response.
    pub fn into_unframed(self) -> io::Result<Response> {
        let body_at = end_of_head(&self.buffer).ok_or_else(ended)?;
        let (head, body) = self.buffer.split_at(body_at);
        let head = String::from_utf8_lossy(head).into_owned();
        Ok(Response {
            status: status(&head)?,
            body: body.to_vec(),
            head,
        })
    }

    /// Reads from a blocking connection until one response is complete.
    ///
    /// # Errors
    /// What the connection reports, [`io::ErrorKind::UnexpectedEof`] when it ends first, and the errors of
    /// [`Responses::take`].
    pub fn read_from(&mut self, connection: &mut impl Read) -> io::Result<Response> {
        let mut piece = [0; 16 * 1024];
        loop {
            if let Some(response) = self.take()? {
                return Ok(response);
            }
            let read = connection.read(&mut piece)?;
            if read == 0 {
                return Err(ended());
            }
            self.feed(piece.get(..read).unwrap_or_default());
        }
    }
}

/// The error of a connection that ends where a response is due.
#[must_use]
pub fn ended() -> io::Error {
    io::Error::new(
        io::ErrorKind::UnexpectedEof,
        "the server closed the connection before it answered",
    )
}

fn end_of_head(bytes: &[u8]) -> Option<usize> {
    const END: &[u8] = b"\r\n\r\n";
    let at = bytes.windows(END.len()).position(|four| four == END)?;
    Some(at + END.len())
}

fn status(head: &str) -> io::Result<u16> {
    head.strip_prefix("HTTP/1.")
        .and_then(|line| line.split(' ').nth(1))
        .and_then(|code| code.trim_end().parse().ok())
        .ok_or_else(|| malformed("its first line has no HTTP/1 status"))
}

fn headers(head: &str) -> impl Iterator<Item = (&str, &str)> {
    head.split("\r\n")
        .skip(1)
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name, value.trim()))
}

fn header<'head>(head: &'head str, wanted: &str) -> Option<&'head str> {
    headers(head)
        .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
        .map(|(_, value)| value)
}

/// The body at the start of `rest` and how many bytes it takes up there, or `None` while it is incomplete.
fn body(head: &str, status: u16, rest: &[u8]) -> io::Result<Option<(Vec<u8>, usize)>> {
    if status < 200 || status == 204 || status == 304 {
        return Ok(Some((Vec::new(), 0)));
    }
    if header(head, "transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked"))
    {
        return chunks(rest);
    }
    let length = header(head, "content-length")
        .and_then(|value| value.parse().ok())
        .ok_or_else(|| malformed("it has neither a Content-Length nor chunks"))?;
    Ok(rest.get(..length).map(|body| (body.to_vec(), length)))
}

fn chunks(bytes: &[u8]) -> io::Result<Option<(Vec<u8>, usize)>> {
    let mut body = Vec::new();
    let mut at = 0;
    loop {
        let Some((line, data_at)) = line(bytes, at) else {
            return Ok(None);
        };
        let length = chunk_length(line)?;
        if length == 0 {
            return Ok(end_of_trailers(bytes, data_at).map(|end| (body, end)));
        }
        let data_end = data_at
            .checked_add(length)
            .ok_or_else(|| malformed("a chunk is too long"))?;
        let Some(data) = bytes.get(data_at..data_end) else {
            return Ok(None);
        };
        body.extend_from_slice(data);
        at = data_end + 2; // the line end that closes a chunk
    }
}

fn chunk_length(line: &[u8]) -> io::Result<usize> {
    std::str::from_utf8(line)
        .ok()
        .and_then(|line| line.split(';').next())
        .and_then(|digits| usize::from_str_radix(digits.trim(), 16).ok())
        .ok_or_else(|| malformed("a chunk has no length"))
}

fn end_of_trailers(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let (trailer, next) = line(bytes, at)?;
        if trailer.is_empty() {
            return Some(next);
        }
        at = next;
    }
}

/// The line that starts at `at`, without its end, and where the next one starts.
fn line(bytes: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let rest = bytes.get(at..)?;
    let length = rest.windows(2).position(|two| two == b"\r\n")?;
    Some((rest.get(..length)?, at + length + 2))
}

fn malformed(why: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("cannot read the server's response: {why}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds byte by byte, so that every boundary is tried, and expects the response at the last byte only.
    fn one(text: &str) -> Response {
        let mut responses = Responses::default();
        let (last, before) = text.as_bytes().split_last().unwrap();
        for byte in before {
            responses.feed(&[*byte]);
            assert!(responses.take().unwrap().is_none());
        }
        responses.feed(&[*last]);
        responses.take().unwrap().unwrap()
    }

    #[test]
    fn a_length_frames_a_body() {
        let response =
            one("HTTP/1.1 202 Accepted\r\ncontent-LENGTH: 3\r\nX-Note: a: b \r\n\r\nabc");
        assert_eq!(
            (response.status, response.body.as_slice()),
            (202, &b"abc"[..])
        );
        assert_eq!(response.header("x-note"), Some("a: b"));
    }

    #[test]
    fn chunks_frame_a_body() {
        let response = one(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nab\r\nA\r\n0123456789\r\n0\r\nT: v\r\n\r\n",
        );
        assert_eq!(response.body, b"ab0123456789");
    }

    #[test]
    fn responses_follow_one_another() {
        let mut responses = Responses::default();
        responses
            .feed(b"HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
        assert_eq!(responses.take().unwrap().unwrap().status, 204);
        assert_eq!(responses.take().unwrap().unwrap().body, b"x");
        assert!(responses.take().unwrap().is_none());
    }

    #[test]
    fn invalid_framing_is_an_error() {
        for text in [
            "hello\r\n\r\n",
            "HTTP/1.1 200 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        ] {
            let mut responses = Responses::default();
            responses.feed(text.as_bytes());
            let error = responses.take().unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{text:?}");
        }
    }
}
