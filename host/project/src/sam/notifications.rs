//! Events that a service sends by itself: S3, SNS, Cognito, CloudWatchLogs, IoTRule, AlexaSkill.

use crate::value::{Kind, Map, Value};

use super::build::{child, copy, copy_as, referred, resource_of};
use super::event::Event;
use super::expansion::Expansion;

/// Adds notifications to a bucket of the template.
pub(super) fn bucket(expansion: &mut Expansion<'_>, event: &Event<'_>) {
    let at = event.at();
    let bucket = event.get("Bucket").and_then(referred);
    let Some(bucket) = bucket.filter(|id| expansion.type_of(id) == Some("AWS::S3::Bucket")) else {
        let place = event.get("Bucket").map_or(event.place, |value| value.place);
        let text = format!(
            "{}: Bucket must refer to an AWS::S3::Bucket of this template: add one, and write !Ref ITS-ID",
            event.name
        );
        return expansion.refuse(place, text);
    };
    let mut notifications = Vec::new();
    for name in event.get("Events").map(Value::items).unwrap_or_default() {
        let mut notification = Map::default();
        event.set(&mut notification, "Function", event.target.arn(at));
        copy(event.properties, &mut notification, &["Filter"]);
        event.set(&mut notification, "Event", name.clone());
        let notification = Value::new(event.place, Kind::Map(notification));
        let condition = event.target.attributes.condition();
        notifications.push(at.only_if(condition, notification));
    }
    let configurations = expansion
        .properties_mut(bucket)
        .and_then(|properties| child(properties, "NotificationConfiguration", event.place))
        .and_then(|notification| {
            if notification.get("LambdaConfigurations").is_none() {
                event.set(notification, "LambdaConfigurations", at.list([]));
            }
            notification.get_mut("LambdaConfigurations")
        });
    match configurations.map(|configurations| &mut configurations.kind) {
        Some(Kind::List(configurations)) => configurations.extend(notifications),
        _ => {
            let text = format!("{bucket} has notifications that are no map with lists");
            event.refuse(expansion, &text);
        }
    }
}

/// Adds the subscription of a topic, and the queue between the topic and the function if there is one.
pub(super) fn topic(expansion: &mut Expansion<'_>, event: &Event<'_>) {
    let at = event.at();
    let Some(subscription) = event.get("SqsSubscription").filter(|value| is_on(value)) else {
        return subscribe(expansion, event, "lambda", event.target.arn(at));
    };
    let (arn, batch_size) = if subscription.as_map().is_some() {
        let named = subscription
            .get("QueueArn")
            .zip(subscription.get("QueueUrl"));
        let Some((arn, _)) = named else {
            let text = "SqsSubscription needs QueueArn and QueueUrl";
            return event.refuse(expansion, text);
        };
        (arn.clone(), subscription.get("BatchSize").cloned())
    } else {
        let queue = format!("{}Queue", event.id);
        let mut properties = Map::default();
        if let Some(fifo) = fifo_of(expansion, event) {
            event.set(&mut properties, "FifoQueue", fifo);
        }
        event.add_as(expansion, &queue, "AWS::SQS::Queue", properties);
        (at.attribute(&queue, "Arn"), None)
    };
    subscribe(expansion, event, "sqs", arn.clone());
    let mut mapping = Map::default();
    event.set(&mut mapping, "FunctionName", event.target.name(at));
    event.set(&mut mapping, "EventSourceArn", arn);
    let batch_size = batch_size.unwrap_or_else(|| at.plain(10));
    event.set(&mut mapping, "BatchSize", batch_size);
    event.set(&mut mapping, "Enabled", at.plain(true));
    let id = format!("{}EventSourceMapping", event.id);
    event.add_as(expansion, &id, "AWS::Lambda::EventSourceMapping", mapping);
}

fn is_on(value: &Value) -> bool {
    value.as_map().is_some() || value.as_bool() == Some(true)
}

/// Whether the topic is first-in-first-out, as the topic says it.
fn fifo_of(expansion: &Expansion<'_>, event: &Event<'_>) -> Option<Value> {
    let topic = resource_of(event.get("Topic")?)?;
    let fifo = expansion.resources.get(topic)?;
    let fifo = fifo.at(&["Properties", "FifoTopic"])?;
    let is_fifo = expansion.literal(fifo)? == "true";
    is_fifo.then(|| Value::plain(fifo.place, true))
}

fn subscribe(expansion: &mut Expansion<'_>, event: &Event<'_>, protocol: &str, endpoint: Value) {
    let keys = [
        "Region",
        "FilterPolicy",
        "FilterPolicyScope",
        "RedrivePolicy",
    ];
    let mut subscription = event.copied(&keys);
    copy_as(event.properties, "Topic", &mut subscription, "TopicArn");
    event.set(&mut subscription, "Protocol", event.at().text(protocol));
    event.set(&mut subscription, "Endpoint", endpoint);
    event.add(expansion, "AWS::SNS::Subscription", subscription);
}

/// Sets triggers of a user pool of the template.
pub(super) fn user_pool(expansion: &mut Expansion<'_>, event: &Event<'_>) {
    let pool = event.get("UserPool").and_then(referred);
    let Some(pool) = pool.filter(|id| expansion.resources.contains(id)) else {
        let text = "UserPool must refer to an AWS::Cognito::UserPool of this template";
        return event.refuse(expansion, text);
    };
    let arn = event.target.arn(event.at());
    let config = expansion
        .properties_mut(pool)
        .and_then(|properties| child(properties, "LambdaConfig", event.place));
    let Some(config) = config else {
        return;
    };
    let mut mistake = None;
    for trigger in event.get("Trigger").map(Value::items).unwrap_or_default() {
        let Some(name) = trigger.as_str() else {
            mistake = Some("Trigger must be a text or a list of texts".to_owned());
            continue;
        };
        if config.contains(name) {
            mistake = Some(format!("{pool} has the trigger {name} already"));
        } else {
            config.insert(name, trigger.place, arn.clone());
        }
    }
    if let Some(text) = mistake {
        event.refuse(expansion, &text);
    }
}

/// Adds the subscription of a log group.
pub(super) fn log_group(expansion: &mut Expansion<'_>, event: &Event<'_>) {
    let mut filter = event.copied(&["LogGroupName", "FilterPattern"]);
    event.set(&mut filter, "DestinationArn", event.target.arn(event.at()));
    event.add(expansion, "AWS::Logs::SubscriptionFilter", filter);
}

/// Adds the rule of IoT.
pub(super) fn iot(expansion: &mut Expansion<'_>, event: &Event<'_>) {
    let at = event.at();
    let mut payload = event.copied(&["Sql", "AwsIotSqlVersion"]);
    event.set(&mut payload, "RuleDisabled", at.plain(false));
    let function = at.map([("FunctionArn", event.target.arn(at))]);
    let action = at.map([("Lambda", function)]);
    event.set(&mut payload, "Actions", at.list([action]));
    let payload = Value::new(event.place, Kind::Map(payload));
    let mut rule = Map::default();
    event.set(&mut rule, "TopicRulePayload", payload);
    event.add(expansion, "AWS::IoT::TopicRule", rule);
}

/// Alexa invokes a function without a resource of CloudFormation, so that only the event says it.
pub(super) fn alexa(expansion: &Expansion<'_>, event: &Event<'_>) {
    let function = &event.target.function;
    let text = format!(
        "AlexaSkill events are not emulated; invoke it with: lambkin invoke {function} event.json"
    );
    event.refuse(expansion, &text);
}
