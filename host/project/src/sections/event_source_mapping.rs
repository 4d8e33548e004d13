//! `[triggers.NAME]` with a queue, of `AWS::Lambda::EventSourceMapping`. Streams and brokers are refused.

use crate::context::Context;
use crate::document::{Document, Item, Table};
use crate::resource::{Resource, Stack};
use crate::sections::item::{Wanted, copy};
use crate::sections::name;
use crate::sections::target::{self, Target, invoke_hint};
use crate::value::Value;

/// The type of the resources.
pub const KIND: &str = "AWS::Lambda::EventSourceMapping";

const KEYS: &[(&str, Wanted)] = &[
    ("BatchSize", Wanted::Number),
    ("MaximumBatchingWindowInSeconds", Wanted::Number),
    ("FunctionResponseTypes", Wanted::Texts),
];

/// Writes the triggers of queues.
pub fn write(context: &Context, stack: &Stack, document: &mut Document) {
    for mapping in stack.of_kind(KIND) {
        read(context, stack, document, mapping);
    }
}

fn read(
    context: &Context,
    stack: &Stack,
    document: &mut Document,
    mapping: &Resource,
) -> Option<()> {
    let named = mapping.get("FunctionName");
    let text = named.and_then(Value::as_str).unwrap_or_default();
    let function = match target::function(stack, document, text) {
        Target::Served(function) => function,
        // The function's own refusal says why there are no events.
        Target::LeftOut(_) => return None,
        Target::Elsewhere => {
            let why = named.and_then(Value::as_unknown);
            let message = match why {
                Some(why) => format!("the function of {} is not known here: {why}", mapping.path),
                None => format!(
                    "{} is for the function {text}, which is not in the project: it is left out",
                    mapping.path
                ),
            };
            match why {
                Some(_) => context.report.refuse(mapping.place, message),
                None => context.report.note(mapping.place, message),
            }
            return None;
        }
    };
    if let Some(enabled) = mapping.get("Enabled")
        && enabled.as_bool() == Some(false)
    {
        let message = format!("{} is left out: Enabled is false", mapping.path);
        context.report.note(enabled.place, message);
        return None;
    }
    let queue = queue(context, stack, document, mapping, &function)?;
    let mut table = Table::default();
    table.set("plugin", "sqs", None);
    table.set("queue", queue.name.as_str(), mapping.place);
    table.set("function", function, mapping.place);
    for (key, wanted) in KEYS {
        copy(context, mapping, &[key], &mut table, key, *wanted);
    }
    let maximum = ["ScalingConfig", "MaximumConcurrency"];
    if mapping.properties.at(&maximum).is_some() {
        let scaling = table.table("ScalingConfig");
        copy(
            context,
            mapping,
            &maximum,
            scaling,
            "MaximumConcurrency",
            Wanted::Number,
        );
    }
    if let Some(criteria) = mapping.get("FilterCriteria") {
        filters(criteria, &mut table);
    }
    let name = name::trigger(document, mapping);
    let triggers = document.root.table("triggers");
    triggers.set(name, table, mapping.place);
    Some(())
}

/// The filters, whose patterns are JSON texts.
fn filters(criteria: &Value, table: &mut Table) {
    let filters = criteria.get("Filters").map_or(&[][..], Value::items).iter();
    let filters: Vec<Item> = filters
        .filter_map(|filter| {
            let pattern = filter.get("Pattern")?;
            let text = match pattern.as_str() {
                Some(text) => text.to_owned(),
                None => pattern.to_json().to_string(),
            };
            let mut filter = Table::default();
            filter.set("Pattern", text, pattern.place);
            Some(Item::Table(filter))
        })
        .collect();
    if !filters.is_empty() {
        let written = table.table("FilterCriteria");
        written.set("Filters", Item::List(filters), criteria.place);
    }
}

/// The queue of a mapping. A source of another kind is refused.
fn queue<'s>(
    context: &Context,
    stack: &'s Stack,
    document: &Document,
    mapping: &Resource,
    function: &str,
) -> Option<&'s Resource> {
    let source = mapping.get("EventSourceArn");
    let arn = source.and_then(Value::as_str);
    let trigger = name::trigger(document, mapping);
    if context.is_overlaid(&["triggers", &trigger]) {
        return arn.and_then(|arn| stack.queue_of(arn));
    }
    let name_of_function = function.split(':').next().unwrap_or_default();
    let hint = invoke_hint(name_of_function);
    let path = &mapping.path;
    let message = match arn {
        Some(arn) if service(arn) == Some("sqs") => match stack.queue_of(arn) {
            Some(queue) => return Some(queue),
            None => {
                let queue = arn.rsplit(':').next().unwrap_or_default();
                format!(
                    "{path}: the queue {arn} is not in the project, so {name_of_function} gets no messages of it; {hint}, \
                     or let a lambkin.toml that \
                     extends this file have:\n[queues.{queue}]\n\n[triggers.{trigger}]\nplugin = \"sqs\"\n\
                     queue = \"{queue}\"\nfunction = \"{function}\""
                )
            }
        },
        Some(arn) => {
            let kind = match service(arn) {
                Some("dynamodb") => "DynamoDB streams",
                Some("kinesis") => "Kinesis streams",
                Some("kafka") => "Amazon MSK",
                Some("mq") => "Amazon MQ",
                Some("rds") => "DocumentDB",
                _ => arn,
            };
            format!("{path}: events of {kind} are not emulated; {hint}")
        }
        None if mapping.get("SelfManagedEventSource").is_some() => {
            format!("{path}: events of Apache Kafka are not emulated; {hint}")
        }
        None => {
            let why = source.and_then(Value::as_unknown);
            let why = why.map_or_else(String::new, |why| format!(": {why}"));
            format!("{path}: its event source is not known here{why}; {hint}")
        }
    };
    let place = source.map_or(mapping.place, |source| source.place);
    context.report.refuse(place, message);
    None
}

/// The service of an ARN.
fn service(arn: &str) -> Option<&str> {
    arn.strip_prefix("arn:")?.split(':').nth(1)
}

#[cfg(test)]
mod tests {
    use crate::sections::testing::{Project, write};

    const FN: &str = "Fn:\n  Type: AWS::Lambda::Function\n  Properties: {Code: {ZipFile: x}, Runtime: python3.13, \
                      Handler: index.handler}\nQ: {Type: 'AWS::SQS::Queue'}\n";

    #[test]
    fn a_mapping_of_a_queue_is_a_trigger() {
        let text = write(&format!(
            "{FN}FnQueueEvent:\n  Type: AWS::Lambda::EventSourceMapping\n  Properties:\n    FunctionName: Fn\n    \
             EventSourceArn: arn:aws:sqs:us-east-1:123456789012:Q\n    BatchSize: 5\n    Enabled: yes\n    \
             FunctionResponseTypes: [ReportBatchItemFailures]\n    ScalingConfig: {{MaximumConcurrency: 3}}\n    \
             FilterCriteria: {{Filters: [{{Pattern: '{{\"body\": [1]}}'}}]}}\n"
        ));
        assert!(
            text.contains(
                "[triggers.fn-queue-event]\nplugin = \"sqs\"\nqueue = \"Q\"\nfunction = \"Fn\"\nBatchSize = 5\n\
                 FunctionResponseTypes = [\"ReportBatchItemFailures\"]\n\n\
                 [triggers.fn-queue-event.ScalingConfig]\nMaximumConcurrency = 3\n\n\
                 [triggers.fn-queue-event.FilterCriteria]\nFilters = [\n    { Pattern = \"{\\\"body\\\": [1]}\" },\n]\n"
            ),
            "{text}"
        );
    }

    #[test]
    fn a_trigger_that_a_configuration_above_has_is_not_needed() {
        let mut project = Project::new();
        project.overlay("triggers.m = {plugin = 'poll.wasm'}");
        let written = project.write(&format!(
            "{FN}M:\n  Type: AWS::Lambda::EventSourceMapping\n  Properties: {{FunctionName: Fn, EventSourceArn: \
             'arn:aws:kinesis:us-east-1:1:stream/x'}}\n"
        ));
        assert_eq!(written.refusals, [""; 0]);
    }

    #[test]
    fn other_sources_are_refused() {
        let mapping = |id: &str, source: &str| {
            format!(
                "{id}:\n  Type: AWS::Lambda::EventSourceMapping\n  Properties:\n    FunctionName: Fn\n    {source}\n"
            )
        };
        let written = Project::new().write(&format!(
            "{FN}{}{}{}{}{}",
            mapping("A", "EventSourceArn: 'arn:aws:sqs:us-east-1:1:other'"),
            mapping(
                "B",
                "EventSourceArn: 'arn:aws:dynamodb:us-east-1:1:table/x/stream/1'"
            ),
            mapping("C", "SelfManagedEventSource: {}"),
            mapping("D", "EventSourceArn: !Unknown S is a Stream"),
            mapping("E", "Enabled: 'false'"),
        ));
        assert_eq!(
            written.refusals,
            [
                "template.yaml:9:21: A: the queue arn:aws:sqs:us-east-1:1:other is not in the project, so Fn gets no \
                 messages of it; invoke it with: lambkin invoke Fn event.json, or let a lambkin.toml that extends this file have:",
                "template.yaml:14:21: B: events of DynamoDB streams are not emulated; invoke it with: lambkin invoke Fn \
                 event.json",
                "template.yaml:15:1: C: events of Apache Kafka are not emulated; invoke it with: lambkin invoke Fn \
                 event.json",
                "template.yaml:24:21: D: its event source is not known here: S is a Stream; invoke it with: lambkin \
                 invoke Fn event.json",
            ]
        );
        assert_eq!(
            written.notes,
            ["template.yaml:29:14: E is left out: Enabled is false"]
        );
    }
}
