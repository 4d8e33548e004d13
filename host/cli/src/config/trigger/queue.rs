//! `queue = "orders"`: messages of a queue that is defined, by its name or its ARN.

use std::time::Duration;

use lambkin_trigger::queue::QueueSource;

use super::kind::{Context, ReadSource, TriggerKind, undefined};
use crate::config::key::{Key, Kind};
use crate::config::queue_name::{FIFO_SUFFIX, name_of};
use crate::config::reader::Reader;

/// AWS's default.
const VISIBILITY_TIMEOUT: Duration = Duration::from_secs(30);

pub const KIND: TriggerKind = TriggerKind {
    key: Key::optional(
        "queue",
        Kind::Text,
        "For messages of a queue: the queue, by name or ARN.",
    ),
    role: "batch-trigger",
    events: "messages of a queue",
    read,
    #[cfg(test)]
    samples: &[("queue", "'dead.fifo'")],
};

fn read(context: &mut Context<'_>, table: &mut Reader<'_>) -> Option<ReadSource> {
    let found = table.text(KIND.key.name)?;
    let source = name_of(&found.value, context.account).and_then(|name| find(name, context));
    // After a mistake nothing runs; the plugin can still look for its own.
    let source = context.report(source, &found).unwrap_or(QueueSource {
        is_fifo: found.value.ends_with(FIFO_SUFFIX),
        name: found.value,
        visibility_timeout: VISIBILITY_TIMEOUT,
    });
    Some(ReadSource::new(source))
}

fn find(name: &str, context: &Context<'_>) -> Result<QueueSource, String> {
    let mut queues = context.queues.iter();
    let Some(queue) = queues.find(|queue| queue.name == name) else {
        let names = context.queues.iter().map(|queue| queue.name.as_str());
        return Err(undefined("queue", name, names));
    };
    Ok(QueueSource {
        name: queue.name.clone(),
        is_fifo: queue.settings.ordered,
        visibility_timeout: Duration::from_millis(queue.settings.lease_ms),
    })
}
