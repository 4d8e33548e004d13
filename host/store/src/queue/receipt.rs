//! Receipts: the proof that somebody was handed a message, as text that says nothing to its holder.
//!
//! A receipt names its queue, the message, and which of the message's receives it is; so it is good until the message is
//! handed out again, also for another host on the same store. A sum over it keeps apart what is no receipt, or
//! one of another queue.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::settings::Queue;

/// What a receipt says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Receipt {
    /// The row of the message.
    pub message: i64,
    /// The count of its receives.
    pub receives: u32,
}

/// Queue, message, receives and sum: a multiple of three, so that there is no padding.
const BYTES: usize = 8 + 8 + 4 + 4;

impl Receipt {
    /// As the receiver gets it: letters, digits, `-` and `_`.
    pub(crate) fn text(self, queue: &Queue) -> String {
        let mut bytes = Vec::with_capacity(BYTES);
        bytes.extend(queue.id.to_be_bytes());
        bytes.extend(self.message.to_be_bytes());
        bytes.extend(self.receives.to_be_bytes());
        bytes.extend(sum(&bytes, queue).to_be_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// `None` if the text is no receipt of this queue.
    pub(crate) fn read(text: &str, queue: &Queue) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (said, _) = bytes.split_at_checked(BYTES - 4)?;
        let (_, rest) = said.split_first_chunk::<8>()?;
        let (message, receives) = rest.split_first_chunk()?;
        let receipt = Self {
            message: i64::from_be_bytes(*message),
            receives: u32::from_be_bytes(receives.try_into().ok()?),
        };
        (receipt.text(queue) == text).then_some(receipt)
    }
}

/// FNV-1a over the bytes and when the queue was made: no secret, only a guard against mistakes.
fn sum(bytes: &[u8], queue: &Queue) -> u32 {
    let made = queue.created_at.to_be_bytes();
    bytes.iter().chain(&made).fold(0x811c_9dc5, |sum, byte| {
        (sum ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    })
}
