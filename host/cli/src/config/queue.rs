//! `[queues.NAME]`: a queue, in SQS's words: its attributes with AWS's names, defaults and bounds.
//!
//! What a queue does by itself (times, order, dead letters) becomes the store's settings; what only a service shows or
//! enforces goes along as attributes under AWS's names, and only if it is set.

use lambkin_lambda::Account;
use lambkin_store::queue::{DeadLetter, Queues, Settings};
use serde_json::json;

use super::reader::{Diagnostics, Reader, Spanned, suggestion};

/// What the names of FIFO queues end in, and no others.
pub const FIFO_SUFFIX: &str = ".fifo";

/// SQS's limits.
const TAGS: usize = 50;
const SOURCE_QUEUES: usize = 10;

/// Attributes that AWS knows of FIFO queues only.
const FIFO_ONLY: [&str; 3] = [
    "ContentBasedDeduplication",
    "DeduplicationScope",
    "FifoThroughputLimit",
];

/// A queue as configured.
#[derive(Debug, PartialEq, Eq)]
pub struct Queue {
    pub name: String,
    pub settings: Settings,
}

/// An attribute that the store does not look into, as AWS words its value.
type Attribute = (&'static str, Spanned<String>);

/// What is known of all queues while one of them is read.
struct QueueReader<'a> {
    names: Vec<String>,
    account: &'a Account,
    diagnostics: &'a Diagnostics,
}

/// Reads all queues.
pub fn read(root: &mut Reader<'_>, account: &Account, diagnostics: &Diagnostics) -> Vec<Queue> {
    let tables = root.tables("queues");
    let reader = QueueReader {
        names: tables.iter().map(|(name, _)| name.value.clone()).collect(),
        account,
        diagnostics,
    };
    let queues = tables.into_iter();
    queues
        .filter_map(|(name, table)| reader.read(&name, table))
        .collect()
}

/// The name in a queue's name or ARN, if the ARN is one of this account.
pub fn name_of<'a>(text: &'a str, account: &Account) -> Result<&'a str, String> {
    if !text.starts_with("arn:") {
        return Ok(text);
    }
    let prefix = arn(account, "");
    text.strip_prefix(&prefix).ok_or_else(|| {
        format!(
            "must be a queue's name or its ARN, which begins with {prefix:?} here, not {text:?}"
        )
    })
}

fn arn(account: &Account, name: &str) -> String {
    lambkin_model::arn("sqs", &account.region, &account.id, name)
}

/// Says why a name is none, if so.
fn check_name(name: &str) -> Result<(), &'static str> {
    if Queues::is_name(name) {
        return Ok(());
    }
    Err(
        "a queue's name is 1 to 80 letters, digits, `-` and `_`; that of a FIFO queue ends in `.fifo`",
    )
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
            dead_letter: self.read_redrive_policy(&mut table, &name.value),
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

    /// The name has said it already.
    fn check_fifo_flag(&self, table: &mut Reader<'_>, ordered: bool) {
        if let Some(fifo) = table.flag("FifoQueue")
            && fifo.value != ordered
        {
            let message = if fifo.value {
                "the name of a FIFO queue ends in `.fifo`, as on AWS; rename the queue or drop this key"
            } else {
                "a queue whose name ends in `.fifo` is a FIFO queue, as on AWS; rename the queue or drop this key"
            };
            self.diagnostics.add(fifo.span, &fifo.key, message);
        }
    }

    /// `RedrivePolicy = { deadLetterTargetArn = "orders-failed", maxReceiveCount = 3 }`
    fn read_redrive_policy(&self, table: &mut Reader<'_>, queue: &str) -> Option<DeadLetter> {
        let mut policy = table.table("RedrivePolicy")?;
        for (key, what) in [
            ("deadLetterTargetArn", "a queue's name or ARN"),
            ("maxReceiveCount", "a number from 1 to 1000"),
        ] {
            if !policy.has(key) {
                let message = format!("needs `{key}`: {what}");
                self.diagnostics.add(policy.span(), policy.path(), message);
            }
        }
        let target = policy.text("deadLetterTargetArn");
        let most = policy.integer("maxReceiveCount", 1..=1000, "receives");
        policy.finish();
        let target = target?;
        match self.check_dead_letters(&target.value, queue) {
            Ok(name) => Some(DeadLetter {
                queue: name.to_owned(),
                max_receives: u32::try_from(most?.value).ok()?,
            }),
            Err(message) => {
                self.diagnostics.add(target.span, &target.key, message);
                None
            }
        }
    }

    fn check_dead_letters<'t>(&self, target: &'t str, queue: &str) -> Result<&'t str, String> {
        let name = name_of(target, self.account)?;
        if name == queue {
            return Err("a queue can not be its own dead-letter queue".to_owned());
        }
        if !self.names.iter().any(|known| known == name) {
            let others = self.names.iter().map(String::as_str);
            let hint = suggestion(name, others.filter(|other| *other != queue));
            return Err(format!("there is no queue {name:?}; {hint}"));
        }
        if name.ends_with(FIFO_SUFFIX) != queue.ends_with(FIFO_SUFFIX) {
            return Err(format!(
                "{name} is of another kind: the dead-letter queue of a FIFO queue is a FIFO queue, that of a standard \
                 queue a standard queue"
            ));
        }
        Ok(name)
    }

    fn read_attributes(&self, table: &mut Reader<'_>) -> Vec<Attribute> {
        let mut attributes = Vec::new();
        for (key, bounds, unit) in [
            ("MaximumMessageSize", 1024..=1_048_576, "bytes"),
            ("ReceiveMessageWaitTimeSeconds", 0..=20, "seconds"),
            ("KmsDataKeyReusePeriodSeconds", 60..=86_400, "seconds"),
        ] {
            let number = table.integer(key, bounds, unit);
            attributes.extend(number.map(|number| (key, number.map(|value| value.to_string()))));
        }
        for key in ["ContentBasedDeduplication", "SqsManagedSseEnabled"] {
            let flag = table.flag(key);
            attributes.extend(flag.map(|flag| (key, flag.map(|value| value.to_string()))));
        }
        for (key, choices) in [
            ("DeduplicationScope", ["queue", "messageGroup"]),
            ("FifoThroughputLimit", ["perQueue", "perMessageGroupId"]),
        ] {
            let choice = table.text(key);
            attributes.extend(choice.and_then(|found| self.check_choice(key, found, choices)));
        }
        for key in ["KmsMasterKeyId", "Policy"] {
            attributes.extend(table.text(key).map(|text| (key, text)));
        }
        attributes.extend(self.read_redrive_allow_policy(table));
        attributes
    }

    fn check_choice(
        &self,
        key: &'static str,
        found: Spanned<String>,
        choices: [&str; 2],
    ) -> Option<Attribute> {
        if choices.contains(&found.value.as_str()) {
            return Some((key, found));
        }
        let [one, other] = choices;
        let message = format!("must be {one:?} or {other:?}, not {:?}", found.value);
        self.diagnostics.add(found.span, &found.key, message);
        None
    }

    /// `RedriveAllowPolicy = { redrivePermission = "byQueue", sourceQueueArns = ["orders"] }`, kept as AWS's JSON.
    fn read_redrive_allow_policy(&self, table: &mut Reader<'_>) -> Option<Attribute> {
        const KEY: &str = "RedriveAllowPolicy";
        let mut policy = table.table(KEY)?;
        let (span, key) = (policy.span(), policy.path().to_owned());
        let permission = policy.text("redrivePermission");
        let sources = policy.texts("sourceQueueArns");
        policy.finish();
        let permission = permission.map_or_else(String::new, |permission| permission.value);
        let by_queue = permission == "byQueue";
        let problem = match &sources {
            _ if !matches!(permission.as_str(), "allowAll" | "denyAll" | "byQueue") => {
                "needs `redrivePermission`: \"allowAll\", \"denyAll\" or \"byQueue\""
            }
            Some(_) if !by_queue => "has `sourceQueueArns`, which go with \"byQueue\" only",
            None if by_queue => "needs `sourceQueueArns`: up to 10 names or ARNs of queues",
            Some(sources) if !(1..=SOURCE_QUEUES).contains(&sources.value.len()) => {
                "`sourceQueueArns` are 1 to 10 names or ARNs of queues"
            }
            _ => "",
        };
        if !problem.is_empty() {
            self.diagnostics.add(span, &key, problem);
            return None;
        }
        let json = match sources {
            None => json!({ "redrivePermission": permission }),
            Some(sources) => json!({
                "redrivePermission": permission,
                "sourceQueueArns": self.arns(&sources)?,
            }),
        };
        let found = Spanned {
            value: json.to_string(),
            span,
            key,
        };
        Some((KEY, found))
    }

    fn arns(&self, sources: &Spanned<Vec<String>>) -> Option<Vec<String>> {
        let mut arns = Vec::new();
        for source in &sources.value {
            match name_of(source, self.account) {
                Ok(name) => arns.push(arn(self.account, name)),
                Err(message) => {
                    self.diagnostics
                        .add(sources.span.clone(), &sources.key, message);
                    return None;
                }
            }
        }
        Some(arns)
    }

    /// What does not fit the kind of the queue, or each other.
    fn check_attributes(&self, attributes: &[Attribute], ordered: bool) {
        for (key, found) in attributes {
            if FIFO_ONLY.contains(key) && !ordered {
                let message = "is an attribute of FIFO queues, whose names end in `.fifo`; drop this key or rename the queue";
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
        let Some(tags) = table.table("tags") else {
            return Vec::new();
        };
        let (span, key) = (tags.span(), tags.path().to_owned());
        let tags = tags.remaining_texts();
        if tags.len() > TAGS {
            let message = format!("{} tags, more than SQS's limit of {TAGS}", tags.len());
            self.diagnostics.add(span, &key, message);
        }
        let tags = tags.into_iter();
        tags.map(|(key, value)| (format!("tag:{}", key.value), value))
            .collect()
    }
}

/// Any JSON object.
type Object = serde_json::Map<String, serde_json::Value>;

fn is(attributes: &[Attribute], key: &str, value: &str) -> bool {
    let mut attributes = attributes.iter();
    attributes.any(|(known, found)| *known == key && found.value == value)
}

/// The attributes that the store acts on.
fn read_times(table: &mut Reader<'_>, settings: &mut Settings) {
    for (key, bounds, time) in [
        ("VisibilityTimeout", 0..=43_200, &mut settings.lease_ms),
        ("DelaySeconds", 0..=900, &mut settings.delay_ms),
        (
            "MessageRetentionPeriod",
            60..=1_209_600,
            &mut settings.retention_ms,
        ),
    ] {
        if let Some(seconds) = table.integer(key, bounds, "seconds") {
            *time = seconds.value * 1000;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

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
    fn a_queue_without_any_key_is_as_on_aws() {
        let queues = parse("[queues.orders]\n[queues.\"orders.fifo\"]").unwrap();
        assert_eq!(queues[0].name, "orders");
        assert_eq!(queues[0].settings, Settings::default());
        assert!(queues[1].settings.ordered);
    }

    #[test]
    fn attributes_become_settings_and_the_rest_is_kept_in_awss_words() {
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
    fn an_arn_is_in_the_partition_of_the_configured_region() {
        for (region, partition) in [
            ("eu-west-1", "aws"),
            ("cn-north-1", "aws-cn"),
            ("us-gov-west-1", "aws-us-gov"),
        ] {
            let account = Account {
                region: region.to_owned(),
                id: "123456789012".to_owned(),
            };
            let orders = format!("arn:{partition}:sqs:{region}:123456789012:orders");
            assert_eq!(name_of(&orders, &account), Ok("orders"));
            let of_another = format!("arn:aws-iso:sqs:{region}:123456789012:orders");
            assert!(name_of(&of_another, &account).is_err());
        }
        let queues = parse(
            "region = 'cn-north-1'\n[queues.failed]\n[queues.orders]\n\
             RedrivePolicy = { deadLetterTargetArn = 'arn:aws-cn:sqs:cn-north-1:123456789012:failed', maxReceiveCount = 3 }",
        );
        let dead_letter = queues.unwrap().remove(1).settings.dead_letter;
        assert_eq!(dead_letter.unwrap().queue, "failed");
    }

    #[test]
    fn mistakes_are_shown_with_their_places_and_what_would_be_right() {
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
                "must be \"queue\" or \"messageGroup\", not \"group\"",
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
                "2:41: queues.orders.RedrivePolicy.deadLetterTargetArn: there is no queue \"orders-faild\"; did you mean `orders-failed`?",
            ),
            (
                "RedrivePolicy = { deadLetterTargetArn = 'orders-failed', maxReceiveCount = 1001 }",
                "receives from 1 to 1000, not 1001",
            ),
            (
                "RedrivePolicy = { deadLetterTargetArn = 'orders', maxReceiveCount = 1 }",
                "a queue can not be its own dead-letter queue",
            ),
            (
                "RedrivePolicy = { deadLetterTargetArn = 'x.fifo', maxReceiveCount = 1 }",
                "x.fifo is of another kind",
            ),
            (
                "RedrivePolicy = { deadLetterTargetArn = 'arn:aws:sqs:eu-west-1:123456789012:x', maxReceiveCount = 1 }",
                "begins with \"arn:aws:sqs:us-east-1:123456789012:\" here",
            ),
            (
                "RedriveAllowPolicy = { redrivePermission = 'some' }",
                "needs `redrivePermission`",
            ),
            (
                "RedriveAllowPolicy = { redrivePermission = 'byQueue' }",
                "needs `sourceQueueArns`",
            ),
            (
                "RedriveAllowPolicy = { redrivePermission = 'denyAll', sourceQueueArns = ['orders'] }",
                "go with \"byQueue\" only",
            ),
            (
                "[queues.orders.fifo]",
                "a name with a dot needs quotes: `[queues.\"orders.fifo\"]`",
            ),
            (
                "[queues.\"a b\"]",
                "queues.\"a b\": a queue's name is 1 to 80 letters",
            ),
            ("[queues.\".fifo\"]", "a queue's name is 1 to 80 letters"),
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
