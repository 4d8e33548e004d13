//! Consuming logs: external systems whose messages stay where they are, in parts that are read in order, such as the
//! shards of a stream or the partitions of a topic.
//!
//! Each part has a consumer of its own ([`BatchConsumer`](crate::batch::BatchConsumer)) with one batch at a time. The
//! host keeps the cursor behind the last message that is settled, on disk, and continues there.
//!
//! On failure, the messages from the first one that is not settled on are delivered again: at least once, and in order.

mod part;
mod reader;

pub(crate) use reader::LogReader;
