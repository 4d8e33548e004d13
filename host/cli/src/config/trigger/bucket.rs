//! `bucket = "photos"`: changes of the objects in a bucket that is defined.

use lambkin_trigger::bucket::BucketSource;

use super::kind::{Context, ReadSource, TriggerKind, undefined};
use crate::config::key::{Key, Kind};
use crate::config::reader::Reader;

pub const KIND: TriggerKind = TriggerKind {
    key: Key::optional(
        "bucket",
        Kind::Text,
        "For changes of objects in a bucket: the name of the bucket.",
    ),
    role: "object-trigger",
    events: "changes of the objects in a bucket",
    read,
    #[cfg(test)]
    samples: &[("bucket", "'bkt'")],
};

fn read(context: &mut Context<'_>, table: &mut Reader<'_>) -> Option<ReadSource> {
    let found = table.text(KIND.key.name)?;
    let source = find(&found.value, context);
    // After a mistake nothing runs; the plugin can still look for its own.
    let source = context
        .report(source, &found)
        .unwrap_or(BucketSource { name: found.value });
    Some(ReadSource::new(source))
}

fn find(name: &str, context: &Context<'_>) -> Result<BucketSource, String> {
    let names = context.buckets.iter().map(|bucket| bucket.name.as_str());
    if !names.clone().any(|defined| defined == name) {
        return Err(undefined("bucket", name, names));
    }
    Ok(BucketSource {
        name: name.to_owned(),
    })
}
