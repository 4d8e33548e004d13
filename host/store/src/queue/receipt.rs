//! Receipts: the proof of a lease, as opaque text (SQS: `ReceiptHandle`).
//!
//! A receipt names its queue, the message, and which of the message's receives it belongs to. It is valid until the
//! message is handed out again, also for the next host on the same store. A checksum tells receipts of this queue
//! from other text.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::row::Queue;

/// The content of a receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Receipt {
    /// The message's row.
    pub message: i64,
    /// The message's receive count at this receive.
    pub receives: u32,
}

/// The bytes of queue, message, receives and checksum: a multiple of three, so base64 needs no padding.
const BYTES: usize = 8 + 8 + 4 + 4;

impl Receipt {
    /// The receipt as text: letters, digits, `-` and `_`.
    pub(crate) fn text(self, queue: &Queue) -> String {
        let mut bytes = Vec::with_capacity(BYTES);
        bytes.extend(queue.id.to_be_bytes());
        bytes.extend(self.message.to_be_bytes());
        bytes.extend(self.receives.to_be_bytes());
        bytes.extend(checksum(&bytes, queue).to_be_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a receipt; `None` if the text is not a receipt of this queue.
    pub(crate) fn parse(text: &str, queue: &Queue) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (content, _) = bytes.split_at_checked(BYTES - 4)?;
        let (_, rest) = content.split_first_chunk::<8>()?;
        let (message, receives) = rest.split_first_chunk()?;
        let receipt = Self {
            message: i64::from_be_bytes(*message),
            receives: u32::from_be_bytes(receives.try_into().ok()?),
        };
        (receipt.text(queue) == text).then_some(receipt)
    }
}

/// FNV-1a over the bytes and the time at which the queue was created. It guards against mistakes and is not a secret.
fn checksum(bytes: &[u8], queue: &Queue) -> u32 {
    let created = queue.created_at.to_be_bytes();
    bytes.iter().chain(&created).fold(0x811c_9dc5, |sum, byte| {
        (sum ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    })
}
