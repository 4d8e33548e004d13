//! `asynchronous` of functions, of `AWS::Lambda::EventInvokeConfig` and `DeadLetterConfig`.

use crate::context::Context;
use crate::document::{Document, Table};
use crate::resource::{Resource, Stack};
use crate::sections::function;
use crate::sections::item::{Wanted, copy};
use crate::sections::target::{self, Target};
use crate::value::Value;

/// The type of the resources.
pub const KIND: &str = "AWS::Lambda::EventInvokeConfig";

/// Writes what happens to asynchronous invocations of the functions of a stack.
pub fn write(context: &Context, stack: &Stack, document: &mut Document) {
    for function in stack.of_kind(function::KIND) {
        let Some(arn) = function.properties.at(&["DeadLetterConfig", "TargetArn"]) else {
            continue;
        };
        let is_left_out = table_of(document, &function.name).is_none();
        if is_left_out || is_overlaid(context, &function.name, "dead-letter") {
            continue;
        }
        let what = format!("DeadLetterConfig of {}", function.path);
        let target = destination(context, stack, document, arn, &what);
        let table = table_of(document, &function.name);
        if let (Some(target), Some(table)) = (target, table) {
            let table = table.table("asynchronous");
            table.set("dead-letter", target, arn.place);
        }
    }
    for config in stack.of_kind(KIND) {
        let function = config.get("FunctionName").and_then(Value::as_str);
        let Some((function, _)) = function.and_then(|name| stack.function_of(name)) else {
            let message = format!(
                "{} is of a function that is not in the project: it is left out",
                config.path
            );
            context.report.note(config.place, message);
            continue;
        };
        if table_of(document, &function.name).is_none() {
            continue;
        }
        let settings = read(context, stack, document, config, &function.name);
        if let Some(table) = table_of(document, &function.name) {
            let table = table.table("asynchronous");
            for (key, entry) in settings.iter() {
                table.set(key, entry.item.clone(), entry.place);
            }
        }
    }
}

fn table_of<'d>(document: &'d mut Document, function: &str) -> Option<&'d mut Table> {
    let functions = document.root.table("functions");
    functions.get(function)?;
    Some(functions.table(function))
}

/// Whether the `lambkin.toml` above says itself where events go.
fn is_overlaid(context: &Context, function: &str, key: &str) -> bool {
    context.is_overlaid(&["functions", function, "asynchronous", key])
}

fn read(
    context: &Context,
    stack: &Stack,
    document: &Document,
    config: &Resource,
    function: &str,
) -> Table {
    let mut table = Table::default();
    for (property, key) in [
        ("MaximumRetryAttempts", "maximum-retry-attempts"),
        ("MaximumEventAgeInSeconds", "maximum-event-age"),
    ] {
        copy(
            context,
            config,
            &[property],
            &mut table,
            key,
            Wanted::Number,
        );
    }
    for (property, key) in [("OnSuccess", "on-success"), ("OnFailure", "on-failure")] {
        let path = ["DestinationConfig", property, "Destination"];
        let Some(arn) = config.properties.at(&path) else {
            continue;
        };
        if is_overlaid(context, function, key) {
            continue;
        }
        let what = format!("{property} of {}", config.path);
        if let Some(target) = destination(context, stack, document, arn, &what) {
            table.set(key, target, arn.place);
        }
    }
    table
}

/// A function or a queue as a destination.
fn destination(
    context: &Context,
    stack: &Stack,
    document: &Document,
    arn: &Value,
    what: &str,
) -> Option<String> {
    let refuse = |message: String| {
        context.report.refuse(arn.place, message);
        None
    };
    if let Some(why) = arn.as_unknown() {
        return refuse(format!("{what} leads to what is not known here: {why}"));
    }
    let Some(text) = arn.as_str() else {
        return refuse(format!("{what} has to be an ARN, not {}", arn.described()));
    };
    if text.contains(":sqs:") {
        return match stack.queue_of(text) {
            Some(queue) if queue.name.ends_with(".fifo") => refuse(format!(
                "{what} leads to the FIFO queue {}, which Lambda cannot send to",
                queue.name
            )),
            Some(queue) => Some(format!("queue:{}", queue.name)),
            None => {
                let name = text.rsplit(':').next().unwrap_or_default();
                if name.ends_with(".fifo") {
                    return refuse(format!(
                        "{what} leads to {text}, to which Lambda cannot send"
                    ));
                }
                let message = format!(
                    "{what} leads to the queue {name}, which is not in the project: it is made here"
                );
                context.report.note(arn.place, message);
                Some(format!("queue:{name}"))
            }
        };
    }
    match target::function(stack, document, text) {
        // Destinations invoke `$LATEST`.
        Target::Served(name) => Some(name.split(':').next().unwrap_or_default().to_owned()),
        Target::LeftOut(name) => {
            let message = format!("{what} leads to {name}, which is left out");
            context.report.note(arn.place, message);
            None
        }
        Target::Elsewhere => refuse(format!(
            "{what} leads to {text}: destinations are functions and queues of the project; nothing is sent there"
        )),
    }
}

#[cfg(test)]
mod tests {
    use crate::sections::testing::{Project, write};

    const TWO: &str = "Fn: &fn\n  Type: AWS::Lambda::Function\n  Properties: {Code: {ZipFile: x}, Runtime: python3.13, \
                       Handler: index.handler}\nDone: *fn\nFailed: {Type: 'AWS::SQS::Queue'}\nAll.fifo: {Type: \
                       'AWS::SQS::Queue'}\n";

    #[test]
    fn destinations_are_functions_and_queues() {
        let text = write(&format!(
            "{TWO}Config:\n  Type: AWS::Lambda::EventInvokeConfig\n  Properties:\n    FunctionName: Fn\n    Qualifier: \
             $LATEST\n    MaximumRetryAttempts: 0\n    MaximumEventAgeInSeconds: 60\n    DestinationConfig:\n      \
             OnSuccess: {{Destination: 'arn:aws:lambda:us-east-1:123456789012:function:Done'}}\n      OnFailure: \
             {{Destination: 'arn:aws:sqs:us-east-1:123456789012:Failed'}}\n"
        ));
        assert!(
            text.contains(
                "[functions.Fn.asynchronous]\nmaximum-retry-attempts = 0\nmaximum-event-age = 60\n\
                 on-success = \"Done\"\non-failure = \"queue:Failed\"\n"
            ),
            "{text}"
        );
    }

    #[test]
    fn a_queue_that_is_not_in_the_project_is_made() {
        let written = Project::new().write(&format!(
            "{TWO}Config:\n  Type: AWS::Lambda::EventInvokeConfig\n  Properties:\n    FunctionName: Fn\n    \
             DestinationConfig: {{OnFailure: {{Destination: 'arn:aws:sqs:us-east-1:123456789012:dead'}}}}\n"
        ));
        assert!(
            written.text.contains("on-failure = \"queue:dead\"\n"),
            "{}",
            written.text
        );
        assert_eq!(
            written.notes,
            [
                "template.yaml:11:50: OnFailure of Config leads to the queue dead, which is not in the project: it is made \
                 here"
            ]
        );
    }

    #[test]
    fn other_destinations_are_refused() {
        let written = Project::new().write(&format!(
            "{TWO}Config:\n  Type: AWS::Lambda::EventInvokeConfig\n  Properties:\n    FunctionName: Fn\n    \
             DestinationConfig:\n      OnSuccess: {{Destination: 'arn:aws:sns:us-east-1:123456789012:Failed'}}\n      \
             OnFailure: {{Destination: 'arn:aws:sqs:us-east-1:123456789012:All.fifo'}}\n"
        ));
        assert_eq!(
            written.refusals,
            [
                "template.yaml:12:32: OnSuccess of Config leads to arn:aws:sns:us-east-1:123456789012:Failed: \
                 destinations are functions and queues of the project; nothing is sent there",
                "template.yaml:13:32: OnFailure of Config leads to the FIFO queue All.fifo, which Lambda cannot send to",
            ]
        );
    }
}
