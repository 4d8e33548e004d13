//! The trigger's configuration, which is a notification configuration of a bucket.
//!
//! | key | meaning | default |
//! |---|---|---|
//! | `function` | the function that receives the events | this or `target-queue` is required |
//! | `target-queue` | the queue that receives the events as messages | |
//! | `events` | event types, or families of them | `["s3:ObjectCreated:*"]` |
//! | `prefix` | the start of the keys, encoded as in events | `""` |
//! | `suffix` | the end of the keys, encoded as in events | `""` |
//! | `event-version` | `"2.6"`, `"2.5"`, `"2.4"`, or `"2.1"` for 2.1 to 2.3 | `"2.6"` |
//! | `configuration-id` | the id that events contain | a UUID that depends on the configuration only |
//!
//! On failure: every mistake is listed at once, each with the keys that lead to it.

use plugin_kit::arn;
use plugin_kit::nearest::nearest;
use plugin_kit::settings::{self, Item, Problems, Table, is_function};

use super::contract::{Bucket, FunctionReference, Problem, QueueReference, Setup, Target};
use super::ids;
use super::state::State;
use super::version::EventVersion;
use crate::{encoding, event_type};

const KEYS: [&str; 7] = [
    "function",
    "target-queue",
    "events",
    "prefix",
    "suffix",
    "event-version",
    "configuration-id",
];

/// The maximum length of a configuration's id, in characters (AWS's limit).
const MAX_ID: usize = 255;
/// The maximum length of a prefix or suffix, in characters (AWS's limit).
const MAX_FILTER: usize = 1024;

/// Checks the trigger's configuration, a JSON object.
///
/// # Errors
///
/// All mistakes in it.
pub fn configure(config: &str, region: &str, bucket: &Bucket) -> Result<Setup, Vec<Problem>> {
    let read = || {
        let members = settings::parse(config)?;
        let mut problems = Problems::default();
        let setup = read(&Table::root(&members), region, bucket, &mut problems);
        problems.into_result(setup)
    };
    read().map_err(|problems| problems.into_iter().map(Into::into).collect())
}

/// Reads every key, even after a mistake, so that all mistakes are found.
fn read(
    table: &Table<'_>,
    region: &str,
    bucket: &Bucket,
    problems: &mut Problems,
) -> Option<Setup> {
    table.refuse_unknown(&KEYS, &[], problems);
    let target = target(table, problems);
    let events = events(table, problems);
    let prefix = filter(table, "prefix", problems);
    let suffix = filter(table, "suffix", problems);
    let version = version(table, problems);
    let configuration = configuration_id(table, problems);
    let target = target?;
    let summary = summary(&target, &events, &prefix, &suffix);
    let state = State {
        bucket: bucket.name.clone(),
        arn: arn::bucket(region, &bucket.name),
        region: region.to_owned(),
        configuration: configuration.unwrap_or_else(|| {
            let target = match &target {
                Target::Function(function) => format!("Function({:?})", function.name),
                Target::Queue(queue) => format!("Queue({:?})", queue.name),
            };
            let name = &bucket.name;
            ids::uuid(&format!(
                "({name:?}, {target}, {events:?}, {prefix:?}, {suffix:?})"
            ))
        }),
        events,
        prefix,
        suffix,
        version,
        sends_test_event: matches!(target, Target::Queue(_)),
    };
    Some(Setup {
        state: state.write(),
        target,
        reusable: true,
        summary,
        warnings: Vec::new(),
        extra: Vec::new(),
    })
}

fn target(table: &Table<'_>, problems: &mut Problems) -> Option<Target> {
    let function = table.text(
        "function",
        is_function,
        "this must be a function's name, such as \"resize\" or \"resize:live\"",
        problems,
    );
    let queue = table.text(
        "target-queue",
        |name| !name.is_empty() && !name.ends_with(".fifo"),
        "this must be a queue's name, and S3 does not send events to FIFO queues",
        problems,
    );
    match (table.get("function"), table.get("target-queue")) {
        (None, None) => {
            let message =
                "the trigger needs `function` or `target-queue`, which receives the events";
            problems.add(Vec::new(), message);
        }
        (Some(_), Some(_)) => {
            let message = "set either `target-queue` or `function`: a notification configuration has one target";
            problems.add(table.path_of("target-queue"), message);
        }
        _ => {}
    }
    let function = function.map(|name| {
        Target::Function(FunctionReference {
            name: name.to_owned(),
            at: table.path_of("function"),
        })
    });
    function.or_else(|| {
        let queue = QueueReference {
            name: queue?.to_owned(),
            at: table.path_of("target-queue"),
        };
        Some(Target::Queue(queue))
    })
}

/// The event types, without `s3:`.
fn events(table: &Table<'_>, problems: &mut Problems) -> Vec<String> {
    let rule = "this must be a list of event types, such as [\"s3:ObjectCreated:*\"]";
    if table.get("events").is_none() {
        return vec!["ObjectCreated:*".to_owned()];
    }
    let items = table.list("events", rule, problems);
    if items.as_ref().is_some_and(Vec::is_empty) {
        problems.add(table.path_of("events"), rule);
    }
    let mut events = Vec::new();
    for item in items.unwrap_or_default() {
        match event(&item) {
            Ok(name) if !events.contains(&name) => events.push(name),
            Ok(_) => {}
            Err(message) => problems.add(item.at.clone(), message),
        }
    }
    events
}

fn event(item: &Item<'_>) -> Result<String, String> {
    let Some(text) = item.value.as_str() else {
        let value = settings::excerpt(item.value);
        return Err(format!(
            "an event type is a text such as \"s3:ObjectCreated:*\", not {value}"
        ));
    };
    let name = text.strip_prefix("s3:").unwrap_or(text);
    if event_type::NAMES.contains(&name) && name != text {
        return Ok(name.to_owned());
    }
    match nearest(name, &event_type::NAMES) {
        Some(near) => Err(format!(
            "S3 has no event type \"{text}\"; did you mean \"s3:{near}\"?"
        )),
        None => {
            let known = event_type::NAMES.join(", s3:");
            Err(format!(
                "S3 has no event type \"{text}\"; it has s3:{known}"
            ))
        }
    }
}

fn filter(table: &Table<'_>, name: &str, problems: &mut Problems) -> String {
    let rule = "this must be a text of up to 1024 characters";
    let is_legal = |text: &str| text.chars().count() <= MAX_FILTER;
    let Some(text) = table.text(name, is_legal, rule, problems) else {
        return String::new();
    };
    if !encoding::is_key(text) {
        let encoded = encoding::key(text);
        problems.add(
            table.path_of(name),
            format!("S3 compares it with the key as events contain it, where {text:?} is encoded: write \"{encoded}\""),
        );
    }
    text.to_owned()
}

fn version(table: &Table<'_>, problems: &mut Problems) -> EventVersion {
    let rule = "the event version is \"2.6\", \"2.5\", \"2.4\" or \"2.1\"";
    let is_known = |name: &str| EventVersion::from_name(name).is_some();
    table
        .text("event-version", is_known, rule, problems)
        .and_then(EventVersion::from_name)
        .unwrap_or(EventVersion::V2_6)
}

fn configuration_id(table: &Table<'_>, problems: &mut Problems) -> Option<String> {
    let rule = "a configuration's id is a text of 1 to 255 characters";
    let is_legal = |id: &str| (1..=MAX_ID).contains(&id.chars().count());
    let id = table.text("configuration-id", is_legal, rule, problems)?;
    Some(id.to_owned())
}

fn summary(target: &Target, events: &[String], prefix: &str, suffix: &str) -> Vec<String> {
    let target = match target {
        Target::Function(function) => format!("function {}", function.name),
        Target::Queue(queue) => format!("queue {}", queue.name),
    };
    let keys = match (prefix, suffix) {
        ("", "") => String::new(),
        (prefix, suffix) => format!(" of {prefix}…{suffix}"),
    };
    let line = |event: &String| {
        let is_supported = event_type::SUPPORTED_FAMILIES
            .iter()
            .any(|family| event.starts_with(family));
        let remark = if is_supported {
            ""
        } else {
            "; this event never occurs here"
        };
        format!("s3:{event}{keys} to {target}{remark}")
    };
    events.iter().map(line).collect()
}
