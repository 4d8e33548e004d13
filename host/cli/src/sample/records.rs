//! The samples of SQS and S3: messages of a queue, and changes of objects.

use std::time::Duration;

use anyhow::bail;
use lambkin_trigger::Sample;
use lambkin_trigger::bucket::BucketSource;
use lambkin_trigger::queue::QueueSource;
use serde_json::json;

use super::definition::{FUNCTION, SampleTrigger, Values};
use super::field::{self, Field};
use crate::config::FIFO_SUFFIX;

/// Messages of a queue, as one batch.
pub fn messages(values: &Values) -> anyhow::Result<SampleTrigger> {
    let name = values.text(&field::QUEUE_NAME).to_owned();
    let is_fifo = name.ends_with(FIFO_SUFFIX);
    let mut bodies = values.bodies()?;
    if bodies.is_empty() {
        bodies.push(values.text(&field::BODIES).as_bytes().to_vec());
    }
    if is_fifo && bodies.len() > 10 {
        bail!(
            "the batches of a FIFO queue have up to 10 messages, and --body is given {} times",
            bodies.len()
        );
    }
    // The largest batches that there are. Without a window, and for FIFO queues, that is 10.
    let settings = match is_fifo || bodies.len() <= 10 {
        true => json!({ "function": FUNCTION }),
        false => json!({
            "function": FUNCTION,
            "BatchSize": 10_000,
            "MaximumBatchingWindowInSeconds": 1,
        }),
    };
    Ok(SampleTrigger {
        source: Box::new(QueueSource {
            name,
            is_fifo,
            visibility_timeout: Duration::from_secs(30),
        }),
        settings,
        account: values.account(),
        sample: Sample {
            trigger: FUNCTION.to_owned(),
            fields: values.all(&field::ATTRIBUTE).to_vec(),
            bodies,
            group: values.given(&field::GROUP).map(str::to_owned),
            ..Sample::default()
        },
    })
}

pub fn put(values: &Values) -> anyhow::Result<SampleTrigger> {
    change(values, "ObjectCreated:Put")
}

pub fn post(values: &Values) -> anyhow::Result<SampleTrigger> {
    change(values, "ObjectCreated:Post")
}

pub fn copy(values: &Values) -> anyhow::Result<SampleTrigger> {
    change(values, "ObjectCreated:Copy")
}

pub fn complete(values: &Values) -> anyhow::Result<SampleTrigger> {
    change(values, "ObjectCreated:CompleteMultipartUpload")
}

pub fn delete(values: &Values) -> anyhow::Result<SampleTrigger> {
    change(values, "ObjectRemoved:Delete")
}

pub fn delete_marker(values: &Values) -> anyhow::Result<SampleTrigger> {
    change(values, "ObjectRemoved:DeleteMarkerCreated")
}

pub fn tag(values: &Values) -> anyhow::Result<SampleTrigger> {
    change(values, "ObjectTagging:Put")
}

pub fn untag(values: &Values) -> anyhow::Result<SampleTrigger> {
    change(values, "ObjectTagging:Delete")
}

/// A change of an object, with AWS's name of it.
fn change(values: &Values, event: &str) -> anyhow::Result<SampleTrigger> {
    let definition = values.definition();
    let size = match definition.field(field::SIZE.name) {
        Some(_) => Some(values.text(&field::SIZE).parse()?),
        None => None,
    };
    let version = match values.text(&field::VERSION) {
        "" => None,
        version => Some(version.to_owned()),
    };
    Ok(SampleTrigger {
        source: Box::new(BucketSource {
            name: values.text(&field::BUCKET).to_owned(),
        }),
        settings: json!({ "function": FUNCTION, "events": [format!("s3:{event}")] }),
        account: values.account(),
        sample: Sample {
            trigger: FUNCTION.to_owned(),
            action: Some(event.to_owned()),
            target: Some(values.text(&field::KEY).to_owned()),
            size,
            version,
            ..Sample::default()
        },
    })
}

/// The fields of messages.
pub const MESSAGES: &[Field] = &[
    field::BODIES.or("Hello from SQS!"),
    field::ATTRIBUTE,
    field::QUEUE_NAME,
    field::GROUP,
    field::ACCOUNT,
    field::REGION,
    field::PARTITION,
];

/// The fields of an object that is there.
pub const CREATED: &[Field] = &[
    field::BUCKET,
    field::KEY,
    field::SIZE,
    field::VERSION,
    field::REGION,
    field::PARTITION,
];

/// The fields of a change without a size.
pub const CHANGED: &[Field] = &[
    field::BUCKET,
    field::KEY,
    field::VERSION,
    field::REGION,
    field::PARTITION,
];

/// The fields of a delete marker, which is a version.
pub const MARKED: &[Field] = &[
    field::BUCKET,
    field::KEY,
    Field {
        help: "The version of the delete marker",
        ..field::VERSION.or("096fKKXTRTtl3on89fVO.nfljtsv6qko")
    },
    field::REGION,
    field::PARTITION,
];
