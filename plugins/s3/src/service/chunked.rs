//! The framing `aws-chunked`: a body in chunks, each with its size and possibly a signature, and trailers at the end.
//!
//! ```text
//! 400;chunk-signature=ad80…\r\n
//! <1024 bytes>\r\n
//! 0;chunk-signature=b605…\r\n
//! x-amz-checksum-crc32c:sOO8/Q==\r\n
//! \r\n
//! ```
//!
//! Signatures are not verified. The decoder takes the body in pieces of any size and buffers at most one line of it.
//! Malformed framing is an error at once; [`Decoder::is_done`] tells whether a body is complete.

use super::limits;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// In the line with a chunk's size.
    Size,
    /// In a chunk, with this number of bytes to come.
    Data(u64),
    /// In the line break after a chunk.
    DataEnd,
    /// In the lines after the last chunk.
    Trailer,
    /// After the empty line that ends the trailers.
    Done,
}

/// Why a body is refused.
#[derive(Debug, PartialEq, Eq)]
pub enum FramingError {
    /// The framing is malformed.
    Malformed,
    /// A chunk other than the last is smaller than AWS allows. Its number and its size.
    SmallChunk(u64, u64),
}

/// Decodes the framing of a body.
#[derive(Debug)]
pub struct Decoder {
    state: State,
    line: Vec<u8>,
    /// The number of chunks so far, and the size of the last one.
    chunks: (u64, u64),
    trailers: Vec<(String, String)>,
}

impl Decoder {
    /// A decoder at the start of a body.
    pub fn new() -> Self {
        Self {
            state: State::Size,
            line: Vec::new(),
            chunks: (0, limits::MIN_CHUNK),
            trailers: Vec::new(),
        }
    }

    /// Decodes a piece of the body and appends the content of its chunks to `out`.
    pub fn feed(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) -> Result<(), FramingError> {
        while !bytes.is_empty() {
            match self.state {
                State::Data(left) => {
                    let max = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                    let (data, rest) =
                        bytes.split_at_checked(max).ok_or(FramingError::Malformed)?;
                    out.extend_from_slice(data);
                    bytes = rest;
                    let left = left - u64::try_from(max).map_err(|_| FramingError::Malformed)?;
                    self.state = if left == 0 {
                        State::DataEnd
                    } else {
                        State::Data(left)
                    };
                }
                // What follows the end does not belong to the body.
                State::Done => return Ok(()),
                State::Size | State::DataEnd | State::Trailer => {
                    let end = bytes.iter().position(|byte| *byte == b'\n');
                    let (line, rest) = bytes
                        .split_at_checked(end.map_or(bytes.len(), |end| end + 1))
                        .ok_or(FramingError::Malformed)?;
                    if self.line.len() + line.len() > limits::MAX_CHUNK_LINE {
                        return Err(FramingError::Malformed);
                    }
                    self.line.extend_from_slice(line);
                    bytes = rest;
                    if end.is_some() {
                        self.end_line()?;
                    }
                }
            }
        }
        Ok(())
    }

    fn end_line(&mut self) -> Result<(), FramingError> {
        let bytes = std::mem::take(&mut self.line);
        let line = str::from_utf8(&bytes)
            .map_err(|_| FramingError::Malformed)?
            .trim_end_matches(['\r', '\n']);
        self.state = match self.state {
            State::Size => {
                let size = line.split(';').next().unwrap_or_default().trim();
                match u64::from_str_radix(size, 16).map_err(|_| FramingError::Malformed)? {
                    0 => State::Trailer,
                    size if size > limits::MAX_SINGLE_PUT => return Err(FramingError::Malformed),
                    size => {
                        let (number, before) = self.chunks;
                        if before < limits::MIN_CHUNK {
                            return Err(FramingError::SmallChunk(number, before));
                        }
                        self.chunks = (number + 1, size);
                        State::Data(size)
                    }
                }
            }
            State::DataEnd if line.is_empty() => State::Size,
            State::Trailer if line.is_empty() => State::Done,
            State::Trailer => {
                let (name, value) = line.split_once(':').ok_or(FramingError::Malformed)?;
                self.trailers
                    .push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
                State::Trailer
            }
            _ => return Err(FramingError::Malformed),
        };
        Ok(())
    }

    /// Whether the body is complete.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// A trailer. The name is in lower case.
    pub fn trailer(&self, name: &str) -> Option<&str> {
        super::message::find(&self.trailers, name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = b"b;chunk-signature=ab\r\nhello\r\nworl\r\n0\r\nX-Amz-Checksum-Crc32: AAAA\r\nx-amz-trailer-signature:cd\r\n\r\n";

    fn decode(body: &[u8], piece: usize) -> Result<(Vec<u8>, Decoder), FramingError> {
        let mut decoder = Decoder::new();
        let mut out = Vec::new();
        for piece in body.chunks(piece) {
            decoder.feed(piece, &mut out)?;
        }
        Ok((out, decoder))
    }

    #[test]
    fn pieces_may_end_anywhere() {
        for piece in 1..BODY.len() {
            let (out, decoder) = decode(BODY, piece).unwrap();
            assert_eq!(out, b"hello\r\nworl", "{piece}");
            assert!(decoder.is_done());
            assert_eq!(decoder.trailer("x-amz-checksum-crc32"), Some("AAAA"));
        }
    }

    #[test]
    fn a_body_that_ends_early_is_not_done() {
        for end in 0..BODY.len() {
            let (_, decoder) = decode(&BODY[..end], 7).unwrap();
            assert!(!decoder.is_done(), "{end}");
        }
    }

    #[test]
    fn malformed_framing_is_an_error() {
        let long = vec![b'1'; limits::MAX_CHUNK_LINE + 1];
        for body in [
            &b"x\r\n"[..],
            b"-1\r\n",
            b"5\r\nhelloX\r\n",
            b"0\r\nno colon\r\n",
            b"ffffffffffffffff\r\n",
            &long,
        ] {
            assert!(decode(body, 3).is_err(), "{body:?}");
        }
    }

    #[test]
    fn only_the_last_chunk_may_be_small() {
        let chunk = |size: usize| format!("{size:x}\r\n{}\r\n", "x".repeat(size));
        let fine = chunk(8192) + &chunk(9000) + &chunk(1) + "0\r\n\r\n";
        assert_eq!(decode(fine.as_bytes(), 100).unwrap().0.len(), 17_193);
        let small = chunk(8192) + &chunk(8191) + &chunk(8192) + "0\r\n\r\n";
        assert_eq!(
            decode(small.as_bytes(), 100).unwrap_err(),
            FramingError::SmallChunk(2, 8191)
        );
    }
}
