//! Events of EventBridge and of its scheduler: Schedule, ScheduleV2, EventBridgeRule, CloudWatchEvent.

use crate::value::{Kind, Map, Value};

use super::build::{copy, copy_as};
use super::event::Event;
use super::expansion::Expansion;

/// Adds the rule of a Schedule, with its target.
pub(super) fn schedule(expansion: &mut Expansion<'_>, event: &Event<'_>) {
    let mut rule = event.copied(&["State", "Name", "Description"]);
    copy_as(
        event.properties,
        "Schedule",
        &mut rule,
        "ScheduleExpression",
    );
    add_rule(expansion, event, rule);
}

/// Adds the rule of an EventBridgeRule or CloudWatchEvent, with its target.
pub(super) fn pattern(expansion: &mut Expansion<'_>, event: &Event<'_>) {
    let mut rule = event.copied(&["State", "EventBusName"]);
    copy_as(event.properties, "Pattern", &mut rule, "EventPattern");
    copy_as(event.properties, "RuleName", &mut rule, "Name");
    add_rule(expansion, event, rule);
}

fn add_rule(expansion: &mut Expansion<'_>, event: &Event<'_>, mut rule: Map) {
    let at = event.at();
    if let Some(enabled) = event.get("Enabled") {
        if rule.contains("State") {
            event.refuse(expansion, "it can have State or Enabled, not both");
        }
        let is_off = expansion
            .literal(enabled)
            .is_some_and(|text| text == "false");
        let state = if is_off { "DISABLED" } else { "ENABLED" };
        rule.insert("State", enabled.place, at.text(state));
    }
    let mut target = Map::default();
    event.set(&mut target, "Arn", event.target.arn(at));
    let id = event.properties.at(&["Target", "Id"]).cloned();
    let id = id.unwrap_or_else(|| at.text(target_id(&event.id)));
    event.set(&mut target, "Id", id);
    let keys = ["Input", "InputPath", "RetryPolicy", "InputTransformer"];
    copy(event.properties, &mut target, &keys);
    add_dead_letters(expansion, event, &mut target);
    let target = Value::new(event.place, Kind::Map(target));
    event.set(&mut rule, "Targets", at.list([target]));
    event.add(expansion, "AWS::Events::Rule", rule);
}

/// The id of a target, of at most 64 characters.
fn target_id(id: &str) -> String {
    const SUFFIX: &str = "LambdaTarget";
    let start: String = id.chars().take(64 - SUFFIX.len()).collect();
    format!("{start}{SUFFIX}")
}

/// Adds the schedule of a ScheduleV2.
pub(super) fn scheduler(expansion: &mut Expansion<'_>, event: &Event<'_>) {
    let at = event.at();
    let mut schedule = event.copied(&[
        "ScheduleExpression",
        "State",
        "Name",
        "Description",
        "FlexibleTimeWindow",
        "StartDate",
        "EndDate",
        "ScheduleExpressionTimezone",
        "GroupName",
        "KmsKeyArn",
    ]);
    let omits_name = event.get("OmitName").and_then(Value::as_bool) == Some(true);
    if !schedule.contains("Name") && !omits_name {
        event.set(&mut schedule, "Name", at.text(event.id.as_str()));
    }
    if !schedule.contains("FlexibleTimeWindow") {
        let off = at.map([("Mode", at.text("OFF"))]);
        event.set(&mut schedule, "FlexibleTimeWindow", off);
    }
    let mut target = Map::default();
    event.set(&mut target, "Arn", event.target.arn(at));
    copy(
        event.properties,
        &mut target,
        &["RoleArn", "Input", "RetryPolicy"],
    );
    add_dead_letters(expansion, event, &mut target);
    let target = Value::new(event.place, Kind::Map(target));
    event.set(&mut schedule, "Target", target);
    event.add(expansion, "AWS::Scheduler::Schedule", schedule);
}

/// Sets the dead-letter queue of a target: one that is named, or a new one.
fn add_dead_letters(expansion: &mut Expansion<'_>, event: &Event<'_>, target: &mut Map) {
    let Some(config) = event.get("DeadLetterConfig") else {
        return;
    };
    let at = event.at();
    let arn = match (config.get("Arn"), config.text_of("Type").as_deref()) {
        (Some(arn), None) => arn.clone(),
        (None, Some("SQS")) => {
            let id = config.text_of("QueueLogicalId");
            let id = id.map_or_else(|| format!("{}Queue", event.id), Into::into);
            event.add_as(expansion, &id, "AWS::SQS::Queue", Map::default());
            at.attribute(&id, "Arn")
        }
        _ => {
            let text = format!(
                "{}: DeadLetterConfig needs an Arn or the Type SQS",
                event.name
            );
            return expansion.refuse(config.place, text);
        }
    };
    event.set(target, "DeadLetterConfig", at.map([("Arn", arn)]));
}
