//! Encoding frames of AWS's event stream (`application/vnd.amazon.eventstream`).
//!
//! A frame consists of these parts, in network byte order: its length, the length of its headers, the CRC-32 of both,
//! the headers, the payload, and the CRC-32 of everything before. A header is a name and a value, each preceded by its
//! length.

use bytes::{BufMut, Bytes, BytesMut};

/// The size of both lengths and their checksum.
const PRELUDE_BYTES: usize = 12;
const CHECKSUM_BYTES: usize = 4;

/// The type of a header value that is a string with a length of two bytes.
const STRING: u8 = 7;

/// The kind of an event, which determines its headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StreamEvent {
    /// A piece of the response.
    PayloadChunk,
    /// The end of the stream.
    InvokeComplete,
}

impl StreamEvent {
    fn headers(self) -> [(&'static str, &'static str); 3] {
        let (event_type, content_type) = match self {
            Self::PayloadChunk => ("PayloadChunk", "application/octet-stream"),
            Self::InvokeComplete => ("InvokeComplete", "application/json"),
        };
        [
            (":event-type", event_type),
            (":content-type", content_type),
            (":message-type", "event"),
        ]
    }

    /// The event with this payload, as a frame.
    pub(crate) fn frame(self, payload: &[u8]) -> Bytes {
        let headers = self.headers();
        let header_bytes: usize = headers
            .iter()
            .map(|(name, value)| 1 + name.len() + 3 + value.len())
            .sum();
        let length = PRELUDE_BYTES + header_bytes + payload.len() + CHECKSUM_BYTES;
        let mut frame = BytesMut::with_capacity(length);
        // Chunks have at most 64 KiB and errors at most 6 MiB, so the lengths fit into 32 bits.
        frame.put_u32(length as u32);
        frame.put_u32(header_bytes as u32);
        frame.put_u32(crc32fast::hash(&frame));
        for (name, value) in headers {
            frame.put_u8(name.len() as u8);
            frame.put_slice(name.as_bytes());
            frame.put_u8(STRING);
            frame.put_u16(value.len() as u16);
            frame.put_slice(value.as_bytes());
        }
        frame.put_slice(payload);
        frame.put_u32(crc32fast::hash(&frame));
        frame.freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The expected bytes are from an independent encoder (Python's `struct` and `zlib`).
    #[test]
    fn frames_are_equal_to_those_of_another_encoder() {
        assert_eq!(
            hex(&StreamEvent::PayloadChunk.frame(b"hello")),
            "0000006f0000005af5fe871f0b3a6576656e742d7479706507000c5061796c6f61644368756e6b0d3a636f6e74656e74\
             2d747970650700186170706c69636174696f6e2f6f637465742d73747265616d0d3a6d6573736167652d747970650700\
             056576656e7468656c6c6f29e71260"
        );
        assert_eq!(
            hex(&StreamEvent::InvokeComplete.frame(b"{}")),
            "00000066000000541f56c8690b3a6576656e742d7479706507000e496e766f6b65436f6d706c6574650d3a636f6e7465\
             6e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d747970650700056576656e74\
             7b7d7006d467"
        );
    }

    #[test]
    fn an_empty_payload_gives_a_frame() {
        let frame = StreamEvent::PayloadChunk.frame(b"");
        assert_eq!(
            frame.get(..4),
            Some(&(frame.len() as u32).to_be_bytes()[..])
        );
    }
}
