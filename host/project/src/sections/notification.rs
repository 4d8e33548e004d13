//! `[triggers.NAME]` with a bucket, of a bucket's `NotificationConfiguration` and of `Custom::S3BucketNotifications`, with
//! which CDK makes the same later.

use crate::context::Context;
use crate::document::{Document, Item, Table};
use crate::resource::Stack;
use crate::sections::target::{self, Target};
use crate::sections::{bucket, name};
use crate::value::Value;

/// The type of CDK's custom resource.
pub const CUSTOM: &str = "Custom::S3BucketNotifications";

/// How a form of the configuration names its parts.
struct Form {
    functions: (&'static str, &'static str),
    queues: (&'static str, &'static str),
    topics: (&'static str, &'static str),
    events: &'static str,
    rules: [&'static str; 3],
}

/// CloudFormation's.
const TEMPLATE: Form = Form {
    functions: ("LambdaConfigurations", "Function"),
    queues: ("QueueConfigurations", "Queue"),
    topics: ("TopicConfigurations", "Topic"),
    events: "Event",
    rules: ["Filter", "S3Key", "Rules"],
};

/// That of S3's API.
const API: Form = Form {
    functions: ("LambdaFunctionConfigurations", "LambdaFunctionArn"),
    queues: ("QueueConfigurations", "QueueArn"),
    topics: ("TopicConfigurations", "TopicArn"),
    events: "Events",
    rules: ["Filter", "Key", "FilterRules"],
};

/// A trigger, before it has a name.
struct Trigger {
    /// What gets the events: the key, and the name of the function or the queue.
    target: (&'static str, String),
    prefix: Option<Value>,
    suffix: Option<Value>,
    id: Option<Value>,
    events: Vec<Value>,
    place: crate::file::Place,
}

/// Writes the triggers of buckets.
pub fn write(context: &Context, stack: &Stack, document: &mut Document) {
    for bucket in stack.of_kind(bucket::KIND) {
        if let Some(configuration) = bucket.get("NotificationConfiguration") {
            write_all(
                context,
                stack,
                document,
                &bucket.name,
                configuration,
                &TEMPLATE,
            );
        }
    }
    for custom in stack.of_kind(CUSTOM) {
        let named = custom.get("BucketName").and_then(Value::as_str);
        let Some(configuration) = custom.get("NotificationConfiguration") else {
            continue;
        };
        match named.and_then(|name| stack.bucket_of(name)) {
            Some(bucket) => write_all(context, stack, document, &bucket.name, configuration, &API),
            None => {
                let named = named.unwrap_or("a bucket that is not known here");
                let message = format!(
                    "{} is of {named}, which is not in the project: no events come of it; define the bucket",
                    custom.path
                );
                context.report.refuse(custom.place, message);
            }
        }
    }
}

fn write_all(
    context: &Context,
    stack: &Stack,
    document: &mut Document,
    bucket: &str,
    configuration: &Value,
    form: &Form,
) {
    let mut triggers: Vec<Trigger> = Vec::new();
    let (functions, arn) = form.functions;
    for one in configuration.get(functions).map_or(&[][..], Value::items) {
        let text = one.get(arn).and_then(Value::as_str).unwrap_or_default();
        match target::function(stack, document, text) {
            Target::Served(function) => add(&mut triggers, ("function", function), one, form),
            Target::LeftOut(_) => {}
            Target::Elsewhere => {
                let target = shown(one.get(arn), "the function");
                let message = format!(
                    "changes in the bucket {bucket} go to {target}: nothing is invoked; define the function in the project"
                );
                context.report.refuse(one.place, message);
            }
        }
    }
    let (queues, arn) = form.queues;
    for one in configuration.get(queues).map_or(&[][..], Value::items) {
        let text = one.get(arn).and_then(Value::as_str).unwrap_or_default();
        match stack.queue_of(text).filter(|_| text.contains(":sqs:")) {
            Some(queue) => add(
                &mut triggers,
                ("target-queue", queue.name.clone()),
                one,
                form,
            ),
            None => {
                let target = shown(one.get(arn), "the queue");
                let message = format!(
                    "changes in the bucket {bucket} go to {target}: no message is sent; define the queue in the project"
                );
                context.report.refuse(one.place, message);
            }
        }
    }
    let (topics, arn) = form.topics;
    for one in configuration.get(topics).map_or(&[][..], Value::items) {
        let topic = one.get(arn).and_then(Value::as_str).unwrap_or_default();
        let topic = topic.rsplit(':').next().unwrap_or_default();
        let message = format!(
            "changes in the bucket {bucket} go to the topic {topic}, and topics are not emulated: nothing is sent; invoke \
             the functions behind it one by one, with: lambkin invoke FUNCTION event.json"
        );
        context.report.refuse(one.place, message);
    }
    for trigger in triggers {
        let (key, target) = &trigger.target;
        let target_name = target.split([':', '.']).next().unwrap_or_default();
        let wanted = format!("{bucket}-{}", name::kebab(target_name));
        let name = name::unused(document, &wanted.replace('.', "-"));
        let mut table = Table::default();
        table.set("plugin", "s3", None);
        table.set("bucket", bucket, trigger.place);
        table.set(*key, target.as_str(), trigger.place);
        let events = trigger.events.iter().filter_map(Value::as_str);
        let events: Vec<Item> = events.map(Item::from).collect();
        table.set("events", Item::List(events), trigger.place);
        for (key, value) in [
            ("prefix", &trigger.prefix),
            ("suffix", &trigger.suffix),
            ("configuration-id", &trigger.id),
        ] {
            if let Some(value) = value
                && let Some(text) = value.as_str()
            {
                table.set(key, text, value.place);
            }
        }
        let triggers = document.root.table("triggers");
        triggers.set(name, table, trigger.place);
    }
}

/// A target that is not in the project.
fn shown(arn: Option<&Value>, what: &str) -> String {
    match arn {
        Some(arn) => match (arn.as_str(), arn.as_unknown()) {
            (Some(text), _) => format!("{what} {text}, which is not in the project"),
            (None, Some(why)) => format!("what is not known here ({why})"),
            (None, None) => format!("{}, and not to the ARN of {what}", arn.described()),
        },
        None => format!("no ARN of {what}"),
    }
}

/// Adds a configuration: its events to a trigger with the same filter, or a new trigger.
fn add(triggers: &mut Vec<Trigger>, target: (&'static str, String), one: &Value, form: &Form) {
    let rules = one.at(&form.rules).map_or(&[][..], Value::items);
    let rule = |name: &str| {
        let rule = rules.iter().find(|rule| {
            rule.text_of("Name")
                .is_some_and(|found| found.eq_ignore_ascii_case(name))
        });
        rule?.get("Value").cloned()
    };
    let events = one.get(form.events).map_or(&[][..], Value::items).to_vec();
    let trigger = Trigger {
        target,
        prefix: rule("prefix"),
        suffix: rule("suffix"),
        id: one.get("Id").cloned(),
        events,
        place: one.place,
    };
    let text = |value: &Option<Value>| {
        let text = value.as_ref().and_then(Value::as_str);
        text.map(str::to_owned)
    };
    let same = triggers.iter_mut().find(|other| {
        other.target == trigger.target
            && text(&other.prefix) == text(&trigger.prefix)
            && text(&other.suffix) == text(&trigger.suffix)
            && text(&other.id) == text(&trigger.id)
    });
    match same {
        Some(other) => other.events.extend(trigger.events),
        None => triggers.push(trigger),
    }
}

#[cfg(test)]
mod tests {
    use crate::sections::testing::{Project, write};

    const FN: &str = "Fn:\n  Type: AWS::Lambda::Function\n  Properties: {Code: {ZipFile: x}, Runtime: python3.13, \
                      Handler: index.handler}\nQ: {Type: 'AWS::SQS::Queue'}\n";
    const FN_ARN: &str = "arn:aws:lambda:us-east-1:123456789012:function:Fn";
    const Q_ARN: &str = "arn:aws:sqs:us-east-1:123456789012:Q";

    #[test]
    fn notifications_of_a_bucket_are_triggers() {
        let text = write(&format!(
            "{FN}Photos:\n  Type: AWS::S3::Bucket\n  Properties:\n    NotificationConfiguration:\n      \
             LambdaConfigurations:\n        - {{Event: 's3:ObjectCreated:*', Function: '{FN_ARN}', Filter: {{S3Key: \
             {{Rules: [{{Name: suffix, Value: .png}}]}}}}}}\n        - {{Event: 's3:ObjectRemoved:*', Function: \
             '{FN_ARN}', Filter: {{S3Key: {{Rules: [{{Name: Suffix, Value: .png}}]}}}}}}\n        - {{Event: \
             's3:ObjectCreated:*', Function: '{FN_ARN}', Filter: {{S3Key: {{Rules: [{{Name: prefix, Value: in/}}]}}}}}}\n      \
             QueueConfigurations: [{{Event: 's3:ObjectCreated:Put', Queue: '{Q_ARN}'}}]\n"
        ));
        assert!(
            text.ends_with(
                "[triggers.photos-fn]\nplugin = \"s3\"\nbucket = \"photos\"\nfunction = \"Fn\"\n\
                 events = [\"s3:ObjectCreated:*\", \"s3:ObjectRemoved:*\"]\nsuffix = \".png\"\n\n\
                 [triggers.photos-fn-2]\nplugin = \"s3\"\nbucket = \"photos\"\nfunction = \"Fn\"\n\
                 events = [\"s3:ObjectCreated:*\"]\nprefix = \"in/\"\n\n\
                 [triggers.photos-q]\nplugin = \"s3\"\nbucket = \"photos\"\ntarget-queue = \"Q\"\n\
                 events = [\"s3:ObjectCreated:Put\"]\n"
            ),
            "{text}"
        );
    }

    #[test]
    fn the_custom_resource_of_cdk_is_the_same() {
        let text = write(&format!(
            "{FN}Photos: {{Type: 'AWS::S3::Bucket'}}\nN:\n  Type: Custom::S3BucketNotifications\n  Properties:\n    \
             BucketName: photos\n    NotificationConfiguration:\n      LambdaFunctionConfigurations:\n        - Events: \
             ['s3:ObjectCreated:*']\n          LambdaFunctionArn: {FN_ARN}\n          Filter: {{Key: {{FilterRules: \
             [{{Name: prefix, Value: a}}]}}}}\n"
        ));
        assert!(
            text.ends_with(
                "[triggers.photos-fn]\nplugin = \"s3\"\nbucket = \"photos\"\nfunction = \"Fn\"\n\
                 events = [\"s3:ObjectCreated:*\"]\nprefix = \"a\"\n"
            ),
            "{text}"
        );
    }

    #[test]
    fn what_is_elsewhere_is_refused() {
        let written = Project::new().write(
            "Photos:\n  Type: AWS::S3::Bucket\n  Properties:\n    NotificationConfiguration:\n      \
             LambdaConfigurations: [{Event: 'x', Function: 'arn:aws:lambda:us-east-1:1:function:other'}, {Event: x, \
             Function: !Unknown X is a Y}]\n      \
             QueueConfigurations: [{Event: 'x', Queue: 'arn:aws:sqs:us-east-1:1:other'}]\n      \
             TopicConfigurations: [{Event: 'x', Topic: 'arn:aws:sns:us-east-1:1:news'}]\n",
        );
        assert_eq!(
            written.refusals,
            [
                "template.yaml:5:30: changes in the bucket photos go to the function \
                 arn:aws:lambda:us-east-1:1:function:other, which is not in the project: nothing is invoked; define the \
                 function in the project",
                "template.yaml:5:99: changes in the bucket photos go to what is not known here (X is a Y): \
                 nothing is invoked; define the function in the project",
                "template.yaml:6:29: changes in the bucket photos go to the queue arn:aws:sqs:us-east-1:1:other, which is \
                 not in the project: no message is sent; define the queue in the project",
                "template.yaml:7:29: changes in the bucket photos go to the topic news, and topics are not emulated: \
                 nothing is sent; invoke the functions behind it one by one, with: lambkin invoke FUNCTION event.json",
            ]
        );
    }
}
