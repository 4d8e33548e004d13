//! `[queues.NAME]`: a queue, with the names, defaults and limits that SQS gives its attributes.
//!
//! Attributes that the store implements (times, ordering, dead letters) become the store's settings. Attributes that
//! only a service reports or enforces are stored under AWS's names, if they are set.

use lambkin_lambda::Account;
use lambkin_store::queue::Settings;

use super::key::{self, Key, Kind, Table};
use super::queue_name::{FIFO_SUFFIX, check_name};
use super::queue_policy::{self, PolicyReader};
use super::reader::{Diagnostics, Reader, Spanned};

/// `[queues.NAME]`
pub const TABLE: Table = Table::new(&[TIMES, queue_policy::KEYS, ATTRIBUTES]);

const TIMES: &[Key] = &[
    Key::with_default(
        "VisibilityTimeout",
        Kind::Integer {
            min: 0,
            max: 43_200,
            unit: "seconds",
        },
        "30",
        "The time for which a received message is hidden from other receives.",
    ),
    Key::with_default(
        "DelaySeconds",
        Kind::Integer {
            min: 0,
            max: 900,
            unit: "seconds",
        },
        "0",
        "The delay before a new message can be received.",
    ),
    Key::with_default(
        "MessageRetentionPeriod",
        Kind::Integer {
            min: 60,
            max: 1_209_600,
            unit: "seconds",
        },
        "345600",
        "The time after which a message is deleted.",
    ),
];

const ATTRIBUTES: &[Key] = &[
    Key::with_default(
        "MaximumMessageSize",
        Kind::Integer {
            min: 1024,
            max: 1_048_576,
            unit: "bytes",
        },
        "1048576",
        "The maximum size of a message.",
    ),
    Key::with_default(
        "ReceiveMessageWaitTimeSeconds",
        Kind::Integer {
            min: 0,
            max: 20,
            unit: "seconds",
        },
        "0",
        "The time that a receive waits for messages if the client does not say.",
    ),
    Key::optional(
        "FifoQueue",
        Kind::Flag,
        "Whether the queue is a FIFO queue. The suffix `.fifo` of the name already says so, and the key has to agree \
         with it.",
    ),
    Key::with_default(
        "ContentBasedDeduplication",
        Kind::Flag,
        "false",
        "FIFO queues only: whether messages with the same body are duplicates.",
    ),
    Key::with_default(
        "DeduplicationScope",
        Kind::Choice(&["queue", "messageGroup"]),
        "\"queue\"",
        "FIFO queues only: whether duplicates are detected in the whole queue or within a message group.",
    ),
    Key::with_default(
        "FifoThroughputLimit",
        Kind::Choice(&["perQueue", "perMessageGroupId"]),
        "\"perQueue\"",
        "FIFO queues only: reported to clients, without an effect. `\"perMessageGroupId\"` requires \
         `DeduplicationScope = \"messageGroup\"`.",
    ),
    Key::optional(
        "Policy",
        Kind::Text,
        "A policy document, as JSON text. Reported to clients and not enforced.",
    ),
    Key::optional(
        "KmsMasterKeyId",
        Kind::Text,
        "Reported to clients, without an effect.",
    ),
    Key::optional(
        "KmsDataKeyReusePeriodSeconds",
        Kind::Integer {
            min: 60,
            max: 86_400,
            unit: "seconds",
        },
        "Reported to clients, without an effect.",
    ),
    Key::optional(
        "SqsManagedSseEnabled",
        Kind::Flag,
        "Reported to clients, without an effect.",
    ),
    Key::optional(
        "tags",
        Kind::Entries {
            name: "TAG",
            pattern: "^.*$",
            entry: key::Entry::Text,
        },
        "Up to 50 tags.",
    ),
];

/// SQS's limit on the tags of a queue.
const MAX_TAGS: usize = 50;

/// Attributes that AWS accepts for FIFO queues only.
const FIFO_ONLY: [&str; 3] = [
    "ContentBasedDeduplication",
    "DeduplicationScope",
    "FifoThroughputLimit",
];

/// A defined queue.
#[derive(Debug, PartialEq, Eq)]
pub struct Queue {
    pub name: String,
    pub settings: Settings,
}

/// An attribute that the store does not interpret, and its value in AWS's format.
type Attribute = (&'static str, Spanned<String>);

/// Reads all queues.
pub fn read(root: &mut Reader<'_>, account: &Account, diagnostics: &Diagnostics) -> Vec<Queue> {
    let tables = root.tables("queues");
    let names: Vec<String> = tables.iter().map(|(name, _)| name.value.clone()).collect();
    let reader = QueueReader {
        policies: PolicyReader {
            names: &names,
            account,
            diagnostics,
        },
        diagnostics,
    };
    let queues = tables.into_iter();
    queues
        .filter_map(|(name, table)| reader.read(&name, table))
        .collect()
}

struct QueueReader<'a> {
    policies: PolicyReader<'a>,
    diagnostics: &'a Diagnostics,
}

impl QueueReader<'_> {
    fn read(&self, name: &Spanned<String>, mut table: Reader<'_>) -> Option<Queue> {
        if table.has("fifo") {
            let message = format!(
                "a name with a dot needs quotes: `[queues.\"{}.fifo\"]`",
                name.value
            );
            self.diagnostics.add(table.span(), table.path(), message);
            return None;
        }
        if let Err(message) = check_name(&name.value) {
            self.diagnostics.add(name.span.clone(), &name.key, message);
            return None;
        }
        let ordered = name.value.ends_with(FIFO_SUFFIX);
        self.check_fifo_flag(&mut table, ordered);
        let mut settings = Settings {
            ordered,
            dead_letter: self.policies.read_redrive_policy(&mut table, &name.value),
            ..Settings::default()
        };
        read_times(&mut table, &mut settings);
        let attributes = self.read_attributes(&mut table);
        self.check_attributes(&attributes, ordered);
        settings.deduplication_by_group = is(&attributes, "DeduplicationScope", "messageGroup");
        let attributes = attributes
            .into_iter()
            .map(|(key, found)| (key.to_owned(), found.value));
        settings.attributes = attributes.chain(self.read_tags(&mut table)).collect();
        settings.attributes.sort();
        table.finish();
        Some(Queue {
            name: name.value.clone(),
            settings,
        })
    }

    /// Checks `FifoQueue`, which has to agree with the name.
    fn check_fifo_flag(&self, table: &mut Reader<'_>, ordered: bool) {
        if let Some(fifo) = table.flag("FifoQueue")
            && fifo.value != ordered
        {
            let message = if fifo.value {
                "the name of a FIFO queue ends in `.fifo`, as on AWS; rename the queue or remove this key"
            } else {
                "a queue whose name ends in `.fifo` is a FIFO queue, as on AWS; rename the queue or remove this key"
            };
            self.diagnostics.add(fifo.span, &fifo.key, message);
        }
    }

    fn read_attributes(&self, table: &mut Reader<'_>) -> Vec<Attribute> {
        let mut attributes = Vec::new();
        for key in [
            "MaximumMessageSize",
            "ReceiveMessageWaitTimeSeconds",
            "KmsDataKeyReusePeriodSeconds",
        ] {
            let number = table.integer(key);
            attributes.extend(number.map(|number| (key, number.map(|value| value.to_string()))));
        }
        for key in ["ContentBasedDeduplication", "SqsManagedSseEnabled"] {
            let flag = table.flag(key);
            attributes.extend(flag.map(|flag| (key, flag.map(|value| value.to_string()))));
        }
        for key in ["DeduplicationScope", "FifoThroughputLimit"] {
            let choice = table.choice(key);
            attributes.extend(choice.map(|choice| (key, choice.map(str::to_owned))));
        }
        for key in ["KmsMasterKeyId", "Policy"] {
            attributes.extend(table.text(key).map(|text| (key, text)));
        }
        attributes.extend(self.policies.read_redrive_allow_policy(table));
        attributes
    }

    /// Reports attributes that do not fit the type of the queue or each other.
    fn check_attributes(&self, attributes: &[Attribute], ordered: bool) {
        for (key, found) in attributes {
            if FIFO_ONLY.contains(key) && !ordered {
                let message = "is an attribute of FIFO queues, whose names end in `.fifo`; remove this key or rename the queue";
                self.diagnostics
                    .add(found.span.clone(), &found.key, message);
            }
            if *key == "FifoThroughputLimit"
                && found.value == "perMessageGroupId"
                && !is(attributes, "DeduplicationScope", "messageGroup")
            {
                let message = "\"perMessageGroupId\" needs `DeduplicationScope = \"messageGroup\"`, as on AWS";
                self.diagnostics
                    .add(found.span.clone(), &found.key, message);
            }
            if *key == "Policy" && serde_json::from_str::<Object>(&found.value).is_err() {
                let message = "must be a policy document: a JSON object in a string";
                self.diagnostics
                    .add(found.span.clone(), &found.key, message);
            }
        }
    }

    fn read_tags(&self, table: &mut Reader<'_>) -> Vec<(String, String)> {
        let Some(tags) = table.text_entries("tags") else {
            return Vec::new();
        };
        let count = tags.value.len();
        if count > MAX_TAGS {
            let message = format!("{count} tags, more than SQS's limit of {MAX_TAGS}");
            self.diagnostics.add(tags.span, &tags.key, message);
        }
        let tags = tags.value.into_iter();
        tags.map(|(key, value)| (format!("tag:{}", key.value), value))
            .collect()
    }
}

/// Any JSON object.
type Object = serde_json::Map<String, serde_json::Value>;

/// Whether an attribute is set to `value`.
fn is(attributes: &[Attribute], key: &str, value: &str) -> bool {
    let mut attributes = attributes.iter();
    attributes.any(|(known, found)| *known == key && found.value == value)
}

/// Reads the times that the store applies.
fn read_times(table: &mut Reader<'_>, settings: &mut Settings) {
    for (key, time) in [
        ("VisibilityTimeout", &mut settings.lease_ms),
        ("DelaySeconds", &mut settings.delay_ms),
        ("MessageRetentionPeriod", &mut settings.retention_ms),
    ] {
        if let Some(seconds) = table.integer(key) {
            *time = seconds.value * 1000;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use lambkin_store::queue::DeadLetter;

    use crate::config::{Config, Source};

    use super::*;

    fn parse(text: &str) -> Result<Vec<Queue>, String> {
        let source = Source::new(Path::new("lambkin.toml"), text.to_owned());
        let config = Config::parse(source, Path::new("")).map_err(|error| error.to_string());
        config.map(|config| config.queues)
    }

    fn attributes(queue: &Queue) -> Vec<(&str, &str)> {
        let attributes = queue.settings.attributes.iter();
        attributes
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect()
    }

    #[test]
    fn a_queue_without_any_key_has_awss_defaults() {
        let queues = parse("[queues.orders]\n[queues.\"orders.fifo\"]").unwrap();
        assert_eq!(queues[0].name, "orders");
        assert_eq!(queues[0].settings, Settings::default());
        assert!(queues[1].settings.ordered);
    }

    #[test]
    fn attributes_become_settings_and_others_are_kept_in_awss_format() {
        let queues = parse(
            "[queues.\"o.fifo\"]\nVisibilityTimeout = 5\nDelaySeconds = 1\nMessageRetentionPeriod = 60\n\
             MaximumMessageSize = 1024\nReceiveMessageWaitTimeSeconds = 20\nContentBasedDeduplication = true\n\
             DeduplicationScope = 'messageGroup'\nFifoThroughputLimit = 'perMessageGroupId'\nFifoQueue = true\n\
             RedrivePolicy = { deadLetterTargetArn = 'arn:aws:sqs:us-east-1:123456789012:d.fifo', maxReceiveCount = 3 }\n\
             tags = { team = 'blue' }\n[queues.\"d.fifo\"]\n\
             RedriveAllowPolicy = { redrivePermission = 'byQueue', sourceQueueArns = ['o.fifo'] }",
        )
        .unwrap();
        let (dead, queue) = (&queues[0], &queues[1]);
        let settings = &queue.settings;
        assert_eq!(
            (settings.lease_ms, settings.delay_ms, settings.retention_ms),
            (5000, 1000, 60_000)
        );
        assert!(settings.ordered && settings.deduplication_by_group);
        let dead_letter = DeadLetter {
            queue: "d.fifo".to_owned(),
            max_receives: 3,
        };
        assert_eq!(settings.dead_letter, Some(dead_letter));
        assert_eq!(
            attributes(queue),
            [
                ("ContentBasedDeduplication", "true"),
                ("DeduplicationScope", "messageGroup"),
                ("FifoThroughputLimit", "perMessageGroupId"),
                ("MaximumMessageSize", "1024"),
                ("ReceiveMessageWaitTimeSeconds", "20"),
                ("tag:team", "blue"),
            ]
        );
        assert_eq!(
            attributes(dead),
            [(
                "RedriveAllowPolicy",
                r#"{"redrivePermission":"byQueue","sourceQueueArns":["arn:aws:sqs:us-east-1:123456789012:o.fifo"]}"#
            )]
        );
    }

    #[test]
    fn an_arn_of_another_partition_names_a_dead_letter_queue() {
        let queues = parse(
            "region = 'cn-north-1'\n[queues.failed]\n[queues.orders]\n\
             RedrivePolicy = { deadLetterTargetArn = 'arn:aws-cn:sqs:cn-north-1:123456789012:failed', maxReceiveCount = 3 }",
        );
        let dead_letter = queues.unwrap().remove(1).settings.dead_letter;
        assert_eq!(dead_letter.unwrap().queue, "failed");
    }

    #[test]
    fn mistakes_are_reported_with_their_positions_and_the_legal_values() {
        for (lines, message) in [
            (
                "VisibilityTimeout = 43201",
                "2:21: queues.orders.VisibilityTimeout: must be a whole number of seconds from 0 to 43200, not 43201",
            ),
            ("DelaySeconds = 901", "seconds from 0 to 900, not 901"),
            ("MessageRetentionPeriod = 59", "from 60 to 1209600, not 59"),
            (
                "MaximumMessageSize = 1023",
                "bytes from 1024 to 1048576, not 1023",
            ),
            ("ReceiveMessageWaitTimeSeconds = 21", "from 0 to 20, not 21"),
            (
                "visibility-timeout = 5",
                "queues.orders.visibility-timeout: unknown key; did you mean `VisibilityTimeout`?",
            ),
            (
                "FifoQueue = true",
                "the name of a FIFO queue ends in `.fifo`",
            ),
            (
                "ContentBasedDeduplication = true",
                "queues.orders.ContentBasedDeduplication: is an attribute of FIFO queues",
            ),
            (
                "DeduplicationScope = 'group'",
                "must be \"queue\" or \"messageGroup\", not the string \"group\"",
            ),
            ("Policy = 'none'", "must be a policy document"),
            (
                "RedrivePolicy = {}",
                "queues.orders.RedrivePolicy: needs `deadLetterTargetArn`",
            ),
            (
                "RedrivePolicy = {}",
                "queues.orders.RedrivePolicy: needs `maxReceiveCount`",
            ),
            (
                "RedrivePolicy = { deadLetterTargetArn = 'orders-faild', maxReceiveCount = 3 }",
                "2:41: queues.orders.RedrivePolicy.deadLetterTargetArn: there is no queue \"orders-faild\"; did you \
                 mean `orders-failed`?",
            ),
            (
                "RedrivePolicy = { deadLetterTargetArn = 'orders-failed', maxReceiveCount = 1001 }",
                "receives from 1 to 1000, not 1001",
            ),
            (
                "RedrivePolicy = { deadLetterTargetArn = 'orders', maxReceiveCount = 1 }",
                "a queue cannot be its own dead-letter queue",
            ),
            (
                "RedrivePolicy = { deadLetterTargetArn = 'x.fifo', maxReceiveCount = 1 }",
                "x.fifo is of another type",
            ),
            (
                "RedrivePolicy = { deadLetterTargetArn = 'arn:aws:sqs:eu-west-1:123456789012:x', maxReceiveCount = 1 }",
                "begins with \"arn:aws:sqs:us-east-1:123456789012:\" here",
            ),
            (
                "RedriveAllowPolicy = { redrivePermission = 'some' }",
                "must be \"allowAll\", \"denyAll\" or \"byQueue\", not the string \"some\"",
            ),
            ("RedriveAllowPolicy = {}", "needs `redrivePermission`"),
            (
                "RedriveAllowPolicy = { redrivePermission = 'byQueue' }",
                "needs `sourceQueueArns`",
            ),
            (
                "RedriveAllowPolicy = { redrivePermission = 'denyAll', sourceQueueArns = ['orders'] }",
                "are for \"byQueue\" only",
            ),
            (
                "[queues.orders.fifo]",
                "a name with a dot needs quotes: `[queues.\"orders.fifo\"]`",
            ),
            (
                "[queues.\"a b\"]",
                "queues.\"a b\": the name of a queue has 1 to 80 letters",
            ),
            (
                "[queues.\".fifo\"]",
                "the name of a queue has 1 to 80 letters",
            ),
            (
                "[queues.\"y.fifo\"]\nFifoThroughputLimit = 'perMessageGroupId'",
                "needs `DeduplicationScope = \"messageGroup\"`",
            ),
            (
                "[queues.\"y.fifo\"]\nFifoQueue = false",
                "is a FIFO queue, as on AWS",
            ),
        ] {
            let text =
                format!("[queues.orders]\n{lines}\n[queues.orders-failed]\n[queues.\"x.fifo\"]\n");
            let diagnostics = parse(&text).unwrap_err();
            assert!(diagnostics.contains(message), "{lines}: {diagnostics}");
        }
        let long = format!("[queues.{}]", "q".repeat(81));
        assert!(parse(&long).unwrap_err().contains("1 to 80 letters"));
    }
}
