//! What all triggers that consume messages in batches share: the trait of a message source, gathering, consuming, and
//! the preview of messages that a user typed.

mod consumer;
mod gatherer;
pub(crate) mod preview;
pub(crate) mod source;

pub use consumer::BatchConsumer;
pub use source::{MessageSource, ReceiptAction};
