//! Bucket triggers, `bucket = "photos"`: changes of the objects in a bucket of the store.

use lambkin_http::Listener;
use lambkin_model::ObjectChange;
use lambkin_plugin::{FunctionReference, ObjectTrigger, QueueReference, Target};

use crate::event_source::{BoxFuture, ConfiguredTrigger, EventSource, Setup, SetupError};
use crate::preview::{Outcomes, Preview, PreviewError, SAMPLE_TIME_MS, Sample, Shown, sample_id};
use crate::trigger_context::TriggerContext;

/// A bucket that is defined in `lambkin.toml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketSource {
    /// The bucket's name.
    pub name: String,
}

impl EventSource for BucketSource {
    fn bucket(&self) -> Option<&str> {
        Some(&self.name)
    }

    fn configure<'a>(
        &'a self,
        setup: Setup<'a>,
    ) -> BoxFuture<'a, Result<Box<dyn ConfiguredTrigger>, SetupError>> {
        Box::pin(async move {
            let trigger = setup
                .plugin
                .plugin
                .object_trigger(
                    setup.plugin.settings,
                    &setup.surroundings(),
                    &self.name,
                    setup.grants.reuse,
                )
                .await
                .map_err(SetupError::Trigger)?;
            Ok(Box::new(ConfiguredBucket {
                bucket: self.name.clone(),
                trigger,
            }) as Box<dyn ConfiguredTrigger>)
        })
    }
}

/// A bucket trigger whose plugin has accepted its settings.
struct ConfiguredBucket {
    bucket: String,
    trigger: ObjectTrigger,
}

impl ConfiguredTrigger for ConfiguredBucket {
    fn functions(&self) -> Vec<&FunctionReference> {
        match self.trigger.target() {
            Target::Function(function) => vec![function],
            Target::Queue(_) => Vec::new(),
        }
    }

    fn queues(&self) -> Vec<&QueueReference> {
        match self.trigger.target() {
            Target::Function(_) => Vec::new(),
            Target::Queue(queue) => vec![queue],
        }
    }

    fn description(&self) -> String {
        format!("bucket {}", self.bucket)
    }

    fn summary(&self) -> &[String] {
        self.trigger.summary()
    }

    fn warnings(&self) -> &[String] {
        self.trigger.warnings()
    }

    fn preview<'a>(
        &'a self,
        sample: &'a Sample,
        outcomes: &'a mut Outcomes,
    ) -> BoxFuture<'a, Result<Preview, PreviewError>> {
        Box::pin(async move {
            let change = change(sample, &self.bucket).map_err(PreviewError::Sample)?;
            let mut preview = Preview::default();
            let Some(event) = self.trigger.shape(&change).await? else {
                preview.note(format!("filters out {} of {}", change.event, change.key));
                return Ok(preview);
            };
            match self.trigger.target() {
                Target::Function(function) => {
                    preview.note(format!("invokes {} asynchronously with", function.name));
                    outcomes.of_invocation(&function.name, &event).await;
                }
                Target::Queue(queue) => preview.note(format!("sends to the queue {}", queue.name)),
            }
            preview.push(Shown::Event(event));
            Ok(preview)
        })
    }

    fn spawn(self: Box<Self>, context: &mut TriggerContext<'_>, _listener: Option<Listener>) {
        context.watch_bucket(self.bucket, self.trigger);
    }
}

/// Short names of the most frequent changes, and AWS's names.
const EVENTS: [(&str, &str); 5] = [
    ("put", "ObjectCreated:Put"),
    ("post", "ObjectCreated:Post"),
    ("copy", "ObjectCreated:Copy"),
    ("complete", "ObjectCreated:CompleteMultipartUpload"),
    ("delete", "ObjectRemoved:Delete"),
];

/// The size in bytes of a sample object without a body.
const SAMPLE_SIZE: u64 = 1024;
const SAMPLE_ETAG: &str = "0123456789abcdef0123456789abcdef";

/// The change that the user typed. Everything but the event, the key and the size is made up and always the same.
fn change(sample: &Sample, bucket: &str) -> Result<ObjectChange, String> {
    let (Some(action), Some(key)) = (&sample.action, &sample.target) else {
        return Err(format!(
            "the trigger {0} takes changes of objects: lambkin shape {0} put photos/cat.jpg",
            sample.trigger
        ));
    };
    let event = event_name(action)?;
    let size = match (sample.size, sample.bodies.as_slice()) {
        (Some(size), _) => size,
        (None, []) => SAMPLE_SIZE,
        (None, [body]) => body.len() as u64,
        (None, _) => return Err("an object has one body; give --body once".to_owned()),
    };
    // As in AWS's events, a removed object has neither a size nor an entity tag.
    let exists = !event.starts_with("ObjectRemoved:");
    Ok(ObjectChange {
        id: sample_id(1),
        bucket: bucket.to_owned(),
        event,
        key: key.clone(),
        size: exists.then_some(size),
        etag: exists.then(|| SAMPLE_ETAG.to_owned()),
        version: sample.version.clone(),
        sequencer: 1,
        at: SAMPLE_TIME_MS,
        extra: Vec::new(),
    })
}

fn event_name(action: &str) -> Result<String, String> {
    let short = EVENTS
        .iter()
        .find(|(short, _)| short.eq_ignore_ascii_case(action));
    if let Some((_, event)) = short {
        return Ok((*event).to_owned());
    }
    let name = action.strip_prefix("s3:").unwrap_or(action);
    if name.contains(':') {
        return Ok(name.to_owned());
    }
    let known: Vec<&str> = EVENTS.iter().map(|(short, _)| *short).collect();
    Err(format!(
        "{action:?} is not a change of an object; use {}, or a name of AWS such as ObjectRemoved:DeleteMarkerCreated",
        known.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_have_short_names_and_awss() {
        for (typed, event) in [
            ("put", "ObjectCreated:Put"),
            ("DELETE", "ObjectRemoved:Delete"),
            ("s3:ObjectTagging:Put", "ObjectTagging:Put"),
            ("ObjectRestore:Completed", "ObjectRestore:Completed"),
        ] {
            assert_eq!(event_name(typed).unwrap(), event);
        }
        let error = event_name("puts").unwrap_err();
        assert!(error.contains("use put, post, copy"), "{error}");
    }

    #[test]
    fn a_removed_object_has_no_size() {
        let sample = |action: &str| Sample {
            trigger: "uploads".to_owned(),
            action: Some(action.to_owned()),
            target: Some("a b.jpg".to_owned()),
            bodies: vec![b"four".to_vec()],
            ..Sample::default()
        };
        let put = change(&sample("put"), "photos").unwrap();
        assert_eq!((put.size, put.key.as_str()), (Some(4), "a b.jpg"));
        let removed = change(&sample("delete"), "photos").unwrap();
        assert_eq!((removed.size, removed.etag), (None, None));
    }
}
