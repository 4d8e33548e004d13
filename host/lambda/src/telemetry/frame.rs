//! Log records in frames, as managed runtimes write them to the file descriptor in `_LAMBDA_TELEMETRY_LOG_FD`.
//!
//! A frame is a header of 16 bytes and a message. The header is `0xA55A00`, a byte for format and level, the message's
//! length in 4 bytes, and the time in microseconds since the Unix epoch in 8 bytes, all big-endian. In a frame, a
//! record of several lines stays one record, with its own time and level.
//!
//! Bytes outside of frames are passed on as text up to the start of the next frame, so that the output of programs that
//! do not write frames is not lost.

use jiff::Timestamp;

use crate::limits::LOG_LINE_BYTES;

/// The environment variable with the descriptor.
pub(crate) const VARIABLE: &str = "_LAMBDA_TELEMETRY_LOG_FD";

const MAGIC: [u8; 3] = [0xa5, 0x5a, 0x00];
const HEADER_BYTES: usize = 16;

/// A decoded part of the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    Record(LogRecord),
    /// Bytes outside of frames.
    Raw(Vec<u8>),
}

/// A record, or a part of one that is longer than [`LOG_LINE_BYTES`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogRecord {
    /// `None` if the runtime gave none.
    pub level: Option<Level>,
    pub time: Timestamp,
    /// Whether the frame declares the message as JSON and the message is complete.
    pub is_json: bool,
    pub message: Vec<u8>,
}

/// A record's level, one of those of AWS's log filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
    Fatal,
}

/// Decodes frames from a stream of bytes, whatever pieces it arrives in.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    buffer: Vec<u8>,
    /// The header of the frame whose message is being read, and the number of its bytes that are missing.
    current: Option<(Header, usize)>,
}

#[derive(Debug, Clone, Copy)]
struct Header {
    level: Option<Level>,
    is_json: bool,
    time: Timestamp,
}

impl Decoder {
    /// Adds bytes to the stream; returns the pieces that they complete.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Vec<Piece> {
        self.buffer.extend_from_slice(bytes);
        let mut pieces = Vec::new();
        while let Some(piece) = self.next() {
            pieces.push(piece);
        }
        pieces
    }

    /// The stream has ended: returns the rest of it.
    pub(crate) fn finish(&mut self) -> Option<Piece> {
        let current = self.current.take();
        let rest = std::mem::take(&mut self.buffer);
        if rest.is_empty() {
            return None;
        }
        Some(match current {
            Some((header, _missing)) => Piece::Record(header.part(rest)),
            None => Piece::Raw(rest),
        })
    }

    fn next(&mut self) -> Option<Piece> {
        loop {
            if let Some((header, missing)) = self.current {
                return self.message(header, missing);
            }
            match start_of_frame(&self.buffer) {
                0 => {}
                length => return Some(Piece::Raw(self.buffer.drain(..length).collect())),
            }
            let bytes = self.buffer.first_chunk::<HEADER_BYTES>()?;
            self.current = Some(Header::of(*bytes));
            self.buffer.drain(..HEADER_BYTES);
        }
    }

    /// The rest of a message, or a part of [`LOG_LINE_BYTES`].
    fn message(&mut self, header: Header, missing: usize) -> Option<Piece> {
        if self.buffer.len() >= missing {
            let message = self.buffer.drain(..missing).collect();
            self.current = None;
            return Some(Piece::Record(header.whole(message)));
        }
        if self.buffer.len() < LOG_LINE_BYTES {
            return None;
        }
        let part = std::mem::take(&mut self.buffer);
        let missing = missing - part.len();
        // The following parts are not valid JSON either.
        let header = Header {
            is_json: false,
            ..header
        };
        self.current = Some((header, missing));
        Some(Piece::Record(header.part(part)))
    }
}

/// The number of bytes before the first frame, or before the bytes that may be its beginning.
fn start_of_frame(bytes: &[u8]) -> usize {
    let may_begin = |at: &usize| {
        let rest = bytes.get(*at..).unwrap_or_default();
        let seen = rest.len().min(MAGIC.len());
        let is_magic = rest.get(..seen) == MAGIC.get(..seen);
        is_magic && rest.get(MAGIC.len()).is_none_or(|code| is_code(*code))
    };
    (0..bytes.len()).find(may_begin).unwrap_or(bytes.len())
}

/// Bit 0 of the code is the format, bit 1 states that there is a time, and the other bits are the level.
fn is_code(code: u8) -> bool {
    code & 0b10 != 0 && code >> 2 <= 6
}

impl Header {
    /// Parses a frame's header; returns it with the length of the message.
    fn of(bytes: [u8; HEADER_BYTES]) -> (Self, usize) {
        let [
            _,
            _,
            _,
            code,
            l0,
            l1,
            l2,
            l3,
            t0,
            t1,
            t2,
            t3,
            t4,
            t5,
            t6,
            t7,
        ] = bytes;
        let length = u32::from_be_bytes([l0, l1, l2, l3]);
        let microseconds = i64::from_be_bytes([t0, t1, t2, t3, t4, t5, t6, t7]);
        let header = Self {
            level: level(code >> 2),
            is_json: code & 1 == 0,
            // A time that cannot be represented is replaced by the current time.
            time: Timestamp::from_microsecond(microseconds).unwrap_or_else(|_| Timestamp::now()),
        };
        (header, usize::try_from(length).unwrap_or(usize::MAX))
    }

    fn whole(self, message: Vec<u8>) -> LogRecord {
        LogRecord {
            level: self.level,
            time: self.time,
            is_json: self.is_json,
            message,
        }
    }

    fn part(self, message: Vec<u8>) -> LogRecord {
        LogRecord {
            is_json: false,
            ..self.whole(message)
        }
    }
}

fn level(number: u8) -> Option<Level> {
    match number {
        1 => Some(Level::Trace),
        2 => Some(Level::Debug),
        3 => Some(Level::Info),
        4 => Some(Level::Warn),
        5 => Some(Level::Error),
        6 => Some(Level::Fatal),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(code: u8, microseconds: i64, message: &[u8]) -> Vec<u8> {
        let mut frame = vec![0xa5, 0x5a, 0x00, code];
        frame.extend((message.len() as u32).to_be_bytes());
        frame.extend(microseconds.to_be_bytes());
        frame.extend(message);
        frame
    }

    fn record(level: Option<Level>, microseconds: i64, is_json: bool, message: &[u8]) -> Piece {
        Piece::Record(LogRecord {
            level,
            time: Timestamp::from_microsecond(microseconds).unwrap(),
            is_json,
            message: message.to_vec(),
        })
    }

    /// Joins adjacent raw pieces, as it does not matter how they are split.
    fn joined(pieces: Vec<Piece>) -> Vec<Piece> {
        let mut joined: Vec<Piece> = Vec::new();
        for piece in pieces {
            match (joined.last_mut(), piece) {
                (Some(Piece::Raw(before)), Piece::Raw(more)) => before.extend(more),
                (_, piece) => joined.push(piece),
            }
        }
        joined
    }

    fn decode<'a>(parts: impl Iterator<Item = &'a [u8]>) -> Vec<Piece> {
        let mut decoder = Decoder::default();
        let mut pieces: Vec<Piece> = parts.flat_map(|part| decoder.feed(part)).collect();
        pieces.extend(decoder.finish());
        joined(pieces)
    }

    /// Pseudo-random numbers that are the same in each run.
    fn numbers(mut seed: u64) -> impl Iterator<Item = usize> {
        std::iter::repeat_with(move || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) as usize
        })
    }

    #[test]
    fn every_code_has_its_format_and_level() {
        use Level::{Debug, Error, Fatal, Info, Warn};
        let levels = [
            (0x03, None),
            (0x0b, Some(Debug)),
            (0x0f, Some(Info)),
            (0x13, Some(Warn)),
            (0x17, Some(Error)),
            (0x1b, Some(Fatal)),
        ];
        for (code, level) in levels {
            let text = decode(std::iter::once(frame(code, 7, b"m").as_slice()));
            assert_eq!(text, [record(level, 7, false, b"m")]);
            let json = decode(std::iter::once(frame(code - 1, 7, b"{}").as_slice()));
            assert_eq!(json, [record(level, 7, true, b"{}")]);
        }
    }

    #[test]
    fn any_split_gives_the_same_records_and_other_bytes_are_passed_on() {
        let stream = [
            b"before ".to_vec(),
            frame(0x0f, 1_700_000_000_000_000, b"one\ntwo"),
            frame(0x16, 1_700_000_000_000_001, b"{\"a\":1}"),
            // Two byte sequences that are almost the start of a frame.
            vec![0xa5, 0x5a, 0x01, 0xa5, 0xa5, 0x5a, 0x00, 0xff],
            frame(0x03, 2, b""),
            // A message that contains a frame is one message.
            frame(0x03, 3, &frame(0x03, 4, b"inner")),
            b"after \xa5\x5a".to_vec(),
        ]
        .concat();
        let inner = frame(0x03, 4, b"inner");
        let expected = [
            Piece::Raw(b"before ".to_vec()),
            record(Some(Level::Info), 1_700_000_000_000_000, false, b"one\ntwo"),
            record(
                Some(Level::Error),
                1_700_000_000_000_001,
                true,
                b"{\"a\":1}",
            ),
            Piece::Raw(vec![0xa5, 0x5a, 0x01, 0xa5, 0xa5, 0x5a, 0x00, 0xff]),
            record(None, 2, false, b""),
            record(None, 3, false, &inner),
            Piece::Raw(b"after \xa5\x5a".to_vec()),
        ];
        assert_eq!(decode(std::iter::once(stream.as_slice())), expected);
        assert_eq!(decode(stream.chunks(1)), expected);
        for seed in 0..200 {
            let mut sizes = numbers(seed).map(|number| number % 23 + 1);
            let mut parts = Vec::new();
            let mut rest = stream.as_slice();
            while !rest.is_empty() {
                let size = sizes.next().unwrap().min(rest.len());
                let (part, after) = rest.split_at(size);
                parts.push(part);
                rest = after;
            }
            assert_eq!(decode(parts.into_iter()), expected, "seed {seed}");
        }
    }

    #[test]
    fn random_bytes_are_passed_on_completely() {
        for seed in 0..50 {
            let garbage: Vec<u8> = numbers(seed).map(|n| (n % 256) as u8).take(4096).collect();
            let pieces = decode(garbage.chunks(100));
            let raw: usize = pieces
                .iter()
                .map(|piece| match piece {
                    Piece::Raw(bytes) => bytes.len(),
                    Piece::Record(record) => record.message.len() + HEADER_BYTES,
                })
                .sum();
            assert_eq!(raw, garbage.len(), "seed {seed}");
        }
    }

    #[test]
    fn a_very_long_message_is_split_and_not_buffered() {
        let message = vec![b'x'; LOG_LINE_BYTES * 2 + 10];
        let stream = frame(0x0e, 5, &message);
        let mut decoder = Decoder::default();
        let mut read = Vec::new();
        for part in stream.chunks(10_000) {
            for piece in decoder.feed(part) {
                let Piece::Record(record) = piece else {
                    panic!("a record");
                };
                assert!(!record.is_json, "a part of JSON is not JSON");
                assert_eq!(record.level, Some(Level::Info));
                read.extend(record.message);
            }
            assert!(decoder.buffer.len() < LOG_LINE_BYTES + 10_000);
        }
        assert_eq!(read, message);
        assert_eq!(decoder.finish(), None);
    }

    #[test]
    fn a_truncated_frame_gives_the_bytes_that_it_has() {
        let stream = frame(0x0f, 5, b"all of it");
        let cut = &stream[..stream.len() - 3];
        let expected = [record(Some(Level::Info), 5, false, b"all of")];
        assert_eq!(decode(std::iter::once(cut)), expected);
    }
}
