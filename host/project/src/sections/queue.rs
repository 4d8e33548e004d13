//! `[queues.NAME]` of `AWS::SQS::Queue`, and the service `sqs`.

use crate::context::Context;
use crate::document::{Document, Item, Table};
use crate::resource::{Resource, Stack};
use crate::sections::item::{Wanted, copy, copy_if_known, item};
use crate::sections::ports;
use crate::value::Value;

/// The type of the resources.
pub const KIND: &str = "AWS::SQS::Queue";

const ATTRIBUTES: &[(&str, Wanted)] = &[
    ("VisibilityTimeout", Wanted::Number),
    ("DelaySeconds", Wanted::Number),
    ("MessageRetentionPeriod", Wanted::Number),
    ("MaximumMessageSize", Wanted::Number),
    ("ReceiveMessageWaitTimeSeconds", Wanted::Number),
    ("ContentBasedDeduplication", Wanted::Bool),
    ("DeduplicationScope", Wanted::Text),
    ("FifoThroughputLimit", Wanted::Text),
];

/// Attributes without an effect, which clients are told.
const REPORTED: &[(&str, Wanted)] = &[
    ("KmsMasterKeyId", Wanted::Text),
    ("KmsDataKeyReusePeriodSeconds", Wanted::Number),
    ("SqsManagedSseEnabled", Wanted::Bool),
];

/// Writes the queues of a stack.
pub fn write(context: &Context, stack: &Stack, document: &mut Document) {
    for queue in stack.of_kind(KIND) {
        let table = read(context, stack, queue);
        let queues = document.root.table("queues");
        if queues.get(&queue.name).is_some() {
            let message = format!(
                "there are two queues {}: {} is left out; give it another QueueName",
                queue.name, queue.path
            );
            context.report.refuse(queue.place, message);
            continue;
        }
        queues.set(queue.name.as_str(), table, queue.place);
    }
    if !document.root.table("queues").is_empty() {
        let service = document.root.table("services").table("sqs");
        service.set("plugin", "sqs", None);
        service.set("listen", ports::SQS, None);
        service.set("queues", vec!["*"], None);
    }
}

fn read(context: &Context, stack: &Stack, queue: &Resource) -> Table {
    let mut table = Table::default();
    for (key, wanted) in ATTRIBUTES {
        copy(context, queue, &[key], &mut table, key, *wanted);
    }
    for (key, wanted) in REPORTED {
        copy_if_known(queue, &[key], &mut table, key, *wanted);
    }
    let is_fifo = queue.get("FifoQueue").and_then(Value::as_bool);
    if is_fifo.is_some_and(|is_fifo| is_fifo != queue.name.ends_with(".fifo")) {
        // `lambkin check` says that the name and the key differ.
        copy(
            context,
            queue,
            &["FifoQueue"],
            &mut table,
            "FifoQueue",
            Wanted::Bool,
        );
    }
    if let Some(policy) = queue.get("RedrivePolicy") {
        redrive(context, stack, queue, policy, &mut table);
    }
    if let Some(policy) = queue.get("RedriveAllowPolicy") {
        redrive_allow(context, stack, policy, &mut table);
    }
    for tag in queue.get("Tags").map_or(&[][..], Value::items) {
        let text = |key| tag.get(key).and_then(Value::as_text);
        if let (Some(key), Some(value)) = (text("Key"), text("Value")) {
            table
                .table("tags")
                .set(key.into_owned(), value.as_ref(), tag.place);
        }
    }
    table
}

/// A policy, which may be JSON text.
fn policy_of(context: &Context, policy: &Value) -> Option<Value> {
    let Some(text) = policy.as_str() else {
        return Some(policy.clone());
    };
    match serde_json::from_str(text) {
        Ok(json) => Some(Value::from_json(policy.place, &json)),
        Err(error) => {
            let message = format!("the policy is not JSON: {error}");
            context.report.refuse(policy.place, message);
            None
        }
    }
}

fn redrive(
    context: &Context,
    stack: &Stack,
    queue: &Resource,
    policy: &Value,
    table: &mut Table,
) -> Option<()> {
    let policy = policy_of(context, policy)?;
    let target = policy.get("deadLetterTargetArn")?;
    let what = format!("deadLetterTargetArn of {}", queue.path);
    let count = item(
        context,
        policy.get("maxReceiveCount")?,
        Wanted::Number,
        &what,
    )?;
    let Some(dead) = target.as_str().and_then(|text| stack.queue_of(text)) else {
        let shown = target
            .as_text()
            .unwrap_or_else(|| target.described().into());
        let message = format!(
            "the dead-letter queue {shown} of {} is not in the project: messages stay in {}",
            queue.path, queue.name
        );
        context.report.note(target.place, message);
        return None;
    };
    let written = table.table("RedrivePolicy");
    written.set("deadLetterTargetArn", dead.name.as_str(), target.place);
    written.set("maxReceiveCount", count, policy.place);
    Some(())
}

fn redrive_allow(
    context: &Context,
    stack: &Stack,
    policy: &Value,
    table: &mut Table,
) -> Option<()> {
    let policy = policy_of(context, policy)?;
    let permission = policy.text_of("redrivePermission")?;
    let sources = policy
        .get("sourceQueueArns")
        .map_or(&[][..], Value::items)
        .iter();
    let sources: Vec<Item> = sources
        .filter_map(|arn| Some(stack.queue_of(arn.as_str()?)?.name.as_str().into()))
        .collect();
    let written = table.table("RedriveAllowPolicy");
    written.set("redrivePermission", permission.as_ref(), policy.place);
    if !sources.is_empty() {
        written.set("sourceQueueArns", Item::List(sources), policy.place);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use crate::sections::testing::{Project, write};

    #[test]
    fn a_queue_has_its_attributes_and_a_service() {
        let text = write(
            "Orders:\n  Type: AWS::SQS::Queue\n  Properties:\n    QueueName: orders\n    VisibilityTimeout: '60'\n    \
             KmsMasterKeyId: !Unknown Key is an AWS::KMS::Key\n    RedrivePolicy:\n      deadLetterTargetArn: \
             arn:aws:sqs:us-east-1:123456789012:Dead\n      maxReceiveCount: 3\n    Tags: [{Key: team, Value: blue}]\n\
             Dead:\n  Type: AWS::SQS::Queue\n",
        );
        assert_eq!(
            text,
            "[queues.orders]\nVisibilityTimeout = 60\n\n[queues.orders.RedrivePolicy]\ndeadLetterTargetArn = \"Dead\"\n\
             maxReceiveCount = 3\n\n[queues.orders.tags]\nteam = \"blue\"\n\n[queues.Dead]\n\n[services.sqs]\n\
             plugin = \"sqs\"\nlisten = \"127.0.0.1:9324\"\nqueues = [\"*\"]\n"
        );
    }

    #[test]
    fn a_policy_may_be_json_text() {
        let text = write(
            "A.fifo:\n  Type: AWS::SQS::Queue\n  Properties:\n    FifoQueue: true\n    RedrivePolicy: \
             '{\"deadLetterTargetArn\": \"arn:aws:sqs:us-east-1:123456789012:A.fifo\", \"maxReceiveCount\": \"4\"}'\n",
        );
        assert!(
            text.contains(
                "[queues.\"A.fifo\".RedrivePolicy]\ndeadLetterTargetArn = \"A.fifo\"\nmaxReceiveCount = 4\n"
            ),
            "{text}"
        );
    }

    #[test]
    fn what_is_wrong_with_a_queue_is_said() {
        let written = Project::new().write(
            "A:\n  Type: AWS::SQS::Queue\n  Properties:\n    QueueName: q\n    DelaySeconds: !Unknown X is a Y\n    \
             RedrivePolicy: {deadLetterTargetArn: 'arn:aws:sqs:us-east-1:1:other', maxReceiveCount: 1}\n\
             B:\n  Type: AWS::SQS::Queue\n  Properties:\n    QueueName: q\n    RedrivePolicy: '{'\n",
        );
        assert_eq!(
            written.notes,
            [
                "template.yaml:5:19: DelaySeconds of A is not known here, and has its default: X is a Y",
                "template.yaml:6:42: the dead-letter queue arn:aws:sqs:us-east-1:1:other of A is not in the project: \
                 messages stay in q"
            ]
        );
        assert_eq!(
            written.refusals,
            [
                "template.yaml:7:1: there are two queues q: B is left out; give it another QueueName",
                "template.yaml:11:20: the policy is not JSON: EOF while parsing an object at line 1 column 1",
            ]
        );
    }
}
