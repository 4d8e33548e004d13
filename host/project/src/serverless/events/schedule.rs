//! `schedule`, `eventBridge` and `cloudwatchEvent` events: rules of EventBridge, and schedules.

use sha2::{Digest, Sha256};

use super::super::names;
use super::super::service::{Function, Service};
use crate::cfn::{self, Body, Compiled};
use crate::file::Place;
use crate::value::{Map, Value};

/// The most characters of a rule's or a target's name.
const NAME: usize = 64;

/// Adds what a `schedule` event asks for. `number` is that of the last schedule of the function.
pub fn schedule(
    service: &Service<'_>,
    function: &Function,
    place: Place,
    event: &Value,
    number: &mut usize,
    compiled: &mut Compiled,
) {
    let rates = if event.as_map().is_some() {
        event.get("rate")
    } else {
        Some(event)
    };
    let Some(rates) = rates else {
        service.refuse(
            place,
            format!(
                "a schedule of {} has no `rate`: write `rate: rate(5 minutes)`",
                function.key
            ),
        );
        return;
    };
    // A function of CloudFormation is a map, too.
    for rate in rates.items() {
        *number += 1;
        let by_scheduler = event
            .text_of("method")
            .is_some_and(|method| method == "scheduler");
        let input = event.get("input").map(input_text);
        let state = state(event);
        if by_scheduler {
            let target = Body::new(place)
                .set("Arn", function.target(place))
                .set_some("RoleArn", event.get("roleArn").cloned())
                .set_some("Input", input)
                .done();
            let body = Body::new(place)
                .set("ScheduleExpression", rate.clone())
                .text("State", state)
                .set("Target", target)
                .set(
                    "FlexibleTimeWindow",
                    Body::new(place).text("Mode", "OFF").done(),
                )
                .take(
                    event,
                    &[
                        ("Name", "name"),
                        ("GroupName", "groupName"),
                        ("Description", "description"),
                        ("ScheduleExpressionTimezone", "timezone"),
                    ],
                );
            compiled.add(
                format!("{}SchedulerSchedule{number}", function.prefix()),
                "AWS::Scheduler::Schedule",
                body,
            );
        } else {
            let target = Body::new(place)
                .set_some("Input", input)
                .take(event, &[("InputPath", "inputPath")])
                .set_some(
                    "InputTransformer",
                    event.get("inputTransformer").map(capitalized),
                )
                .set("Arn", function.target(place))
                .text("Id", format!("{}Schedule", function.key))
                .done();
            let body = Body::new(place)
                .set("ScheduleExpression", rate.clone())
                .text("State", state)
                .take(event, &[("Name", "name"), ("Description", "description")])
                .set("Targets", Value::list(place, vec![target]));
            compiled.add(
                format!("{}EventsRuleSchedule{number}", function.prefix()),
                "AWS::Events::Rule",
                body,
            );
        }
    }
}

/// Adds the rule of an `eventBridge` event, the `number`th event of the function.
pub fn event_bridge(
    service: &Service<'_>,
    function: &Function,
    place: Place,
    event: &Value,
    number: usize,
    compiled: &mut Compiled,
) {
    if event.get("pattern").is_none() && event.get("schedule").is_none() {
        let text = format!(
            "an eventBridge event of {} has neither `pattern` nor `schedule`: add one of them",
            function.key
        );
        service.refuse(place, text);
        return;
    }
    let Some(function_name) = service.needed_text(
        &function.name,
        &format!("the name of the function {}", function.key),
    ) else {
        return;
    };
    let stem = format!("{function_name}-rule-{number}");
    let name = match event.get("name").and_then(Value::as_str) {
        Some(name) => name.to_owned(),
        None => limited(&stem, &format!("rule-{number}")),
    };
    let bus = event
        .get("eventBus")
        .filter(|bus| bus.as_str() != Some("default"));
    let bus = bus.map(|bus| match bus.as_str() {
        // The name in an ARN.
        Some(text) if text.starts_with("arn") => {
            let name = text.split_once('/').map_or(text, |(_, name)| name);
            Value::text(bus.place, name)
        }
        Some(text) => {
            let id = format!("{}EventBridgeEventBus", names::normalized(text));
            compiled.add(
                id,
                "AWS::Events::EventBus",
                Body::new(bus.place).text("Name", text),
            );
            bus.clone()
        }
        None => bus.clone(),
    });
    let mut target = Body::new(place)
        .set("Arn", function.target(place))
        .text("Id", limited(&format!("{name}-target"), "target"));
    if let Some(policy) = event.get("retryPolicy") {
        let keys = [
            ("MaximumEventAgeInSeconds", "maximumEventAge"),
            ("MaximumRetryAttempts", "maximumRetryAttempts"),
        ];
        target = target.set(
            "RetryPolicy",
            Body::new(policy.place).take(policy, &keys).done(),
        );
    }
    if let Some(arn) = event.get("deadLetterQueueArn") {
        target = target.set(
            "DeadLetterConfig",
            Body::new(arn.place).set("Arn", arn.clone()).done(),
        );
    }
    let input = event
        .get("input")
        .map(|input| Value::text(input.place, cfn::json(input)));
    let target = target
        .set_some("Input", input)
        .take(event, &[("InputPath", "inputPath")])
        .set_some(
            "InputTransformer",
            event.get("inputTransformer").map(capitalized),
        );
    let body = Body::new(place)
        .take(event, &[("Description", "description")])
        .set_some("EventBusName", bus)
        .take(
            event,
            &[
                ("EventPattern", "pattern"),
                ("ScheduleExpression", "schedule"),
            ],
        )
        .text("Name", name)
        .text("State", state(event))
        .set("Targets", Value::list(place, vec![target.done()]));
    compiled.add(
        format!("{}EventBridgeRule", names::alphanumeric(&stem)),
        "AWS::Events::Rule",
        body,
    );
}

/// Adds the rule of a `cloudwatchEvent` event, the `number`th of its kind in the function.
pub fn cloudwatch_event(
    function: &Function,
    place: Place,
    event: &Value,
    number: usize,
    compiled: &mut Compiled,
) {
    let target = Body::new(place)
        .set_some("Input", event.get("input").map(input_text))
        .take(event, &[("InputPath", "inputPath")])
        .set_some(
            "InputTransformer",
            event.get("inputTransformer").map(capitalized),
        )
        .set("Arn", function.target(place))
        .text("Id", format!("{}CloudWatchEvent", function.key))
        .done();
    let body = Body::new(place)
        .take(
            event,
            &[
                ("EventPattern", "event"),
                ("Description", "description"),
                ("Name", "name"),
            ],
        )
        .text("State", state(event))
        .set("Targets", Value::list(place, vec![target]));
    compiled.add(
        format!("{}EventsRuleCloudWatchEvent{number}", function.prefix()),
        "AWS::Events::Rule",
        body,
    );
}

fn state(event: &Value) -> &'static str {
    match event.get("enabled").and_then(Value::as_bool) {
        Some(false) => "DISABLED",
        _ => "ENABLED",
    }
}

/// The input of a target, a JSON text. A `body` is JSON itself.
fn input_text(input: &Value) -> Value {
    if input.as_str().is_some() {
        return input.clone();
    }
    let body = input.get("body").and_then(Value::as_str);
    let text = match body.filter(|body| serde_json::from_str::<serde_json::Value>(body).is_ok()) {
        Some(body) => format!("{{\"body\":{}}}", body.trim()),
        None => cfn::json(input),
    };
    Value::text(input.place, text)
}

/// A map whose keys begin with capital letters.
fn capitalized(value: &Value) -> Value {
    let members = value.as_map().into_iter().flat_map(Map::iter);
    let members = members.map(|(key, member)| (names::upper_first(key), member.value.clone()));
    Value::map(value.place, members)
}

/// A name of at most 64 characters: a longer one is cut, and has a hash.
fn limited(name: &str, suffix: &str) -> String {
    if name.chars().count() <= NAME {
        return name.to_owned();
    }
    let start: String = name
        .chars()
        .take(31_usize.saturating_sub(suffix.len()))
        .collect();
    let hash = Sha256::digest(name.as_bytes());
    let hash: String = hash
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("{start}{hash}-{suffix}")
}
