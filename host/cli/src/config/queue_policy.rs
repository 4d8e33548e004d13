//! `RedrivePolicy` and `RedriveAllowPolicy` of a queue: the dead-letter queue that it has, and the queues that may use
//! it as theirs.

use lambkin_lambda::Account;
use lambkin_store::queue::DeadLetter;
use serde_json::json;

use super::key::{Key, Kind, Table};
use super::queue_name::{FIFO_SUFFIX, arn, name_of};
use super::reader::{Diagnostics, Reader, Spanned};
use super::suggest::suggestion;

const REDRIVE_POLICY: Table = Table::new(&[&[
    Key::required(
        "deadLetterTargetArn",
        Kind::Text,
        "The dead-letter queue, by name or ARN. It is a FIFO queue if the queue is one, and a standard queue \
         otherwise.",
    ),
    Key::required(
        "maxReceiveCount",
        Kind::Integer {
            min: 1,
            max: 1000,
            unit: "receives",
        },
        "The number of times a message is received before it is moved to the dead-letter queue.",
    ),
]]);

const REDRIVE_ALLOW_POLICY: Table = Table::new(&[&[
    Key::required(
        "redrivePermission",
        Kind::Choice(&["allowAll", "denyAll", "byQueue"]),
        "The queues that can use the queue as their dead-letter queue: all, none, or those in `sourceQueueArns`.",
    ),
    Key::optional(
        "sourceQueueArns",
        Kind::Texts,
        "1 to 10 queues, by name or ARN; for `\"byQueue\"` only.",
    ),
]]);

/// The keys of a queue that are read here.
pub const KEYS: &[Key] = &[
    Key::optional(
        "RedrivePolicy",
        Kind::Table(&REDRIVE_POLICY),
        "Where messages go that were received too often. Left out, they stay in the queue.",
    ),
    Key::optional(
        ALLOW_KEY,
        Kind::Table(&REDRIVE_ALLOW_POLICY),
        "Which queues can use the queue as their dead-letter queue. Left out, all can.",
    ),
];

const ALLOW_KEY: &str = "RedriveAllowPolicy";

/// SQS's limit on `sourceQueueArns`.
const MAX_SOURCE_QUEUES: usize = 10;

/// Reads the policies of queues.
pub struct PolicyReader<'a> {
    /// The names of all queues.
    pub names: &'a [String],
    pub account: &'a Account,
    pub diagnostics: &'a Diagnostics,
}

impl PolicyReader<'_> {
    /// The dead-letter queue of `queue`.
    pub fn read_redrive_policy(&self, table: &mut Reader<'_>, queue: &str) -> Option<DeadLetter> {
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
        let max_receives = policy.integer("maxReceiveCount");
        policy.finish();
        let target = target?;
        match self.check_dead_letters(&target.value, queue) {
            Ok(name) => Some(DeadLetter {
                queue: name.to_owned(),
                max_receives: u32::try_from(max_receives?.value).ok()?,
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
            return Err("a queue cannot be its own dead-letter queue".to_owned());
        }
        if !self.names.iter().any(|known| known == name) {
            let others = self.names.iter().map(String::as_str);
            let hint = suggestion(name, others.filter(|other| *other != queue));
            return Err(format!("there is no queue {name:?}; {hint}"));
        }
        if name.ends_with(FIFO_SUFFIX) != queue.ends_with(FIFO_SUFFIX) {
            return Err(format!(
                "{name} is of another type: the dead-letter queue of a FIFO queue has to be a FIFO queue, and that of \
                 a standard queue a standard queue"
            ));
        }
        Ok(name)
    }

    /// `RedriveAllowPolicy` as AWS's JSON.
    pub fn read_redrive_allow_policy(
        &self,
        table: &mut Reader<'_>,
    ) -> Option<(&'static str, Spanned<String>)> {
        let mut policy = table.table(ALLOW_KEY)?;
        let (span, key) = (policy.span(), policy.path().to_owned());
        if !policy.has("redrivePermission") {
            let message = "needs `redrivePermission`: \"allowAll\", \"denyAll\" or \"byQueue\"";
            self.diagnostics.add(span.clone(), &key, message);
        }
        let permission = policy.choice("redrivePermission");
        let sources = policy.texts("sourceQueueArns");
        policy.finish();
        let permission = permission?.value;
        let by_queue = permission == "byQueue";
        let problem = match &sources {
            Some(_) if !by_queue => "has `sourceQueueArns`, which are for \"byQueue\" only",
            None if by_queue => "needs `sourceQueueArns`: 1 to 10 names or ARNs of queues",
            Some(sources) if !(1..=MAX_SOURCE_QUEUES).contains(&sources.value.len()) => {
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
        Some((ALLOW_KEY, found))
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
}
