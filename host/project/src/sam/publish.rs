//! What belongs to a function besides itself and its events: a version with an alias, a URL, and what happens after
//! asynchronous invocations.

use crate::file::Place;
use crate::value::{Kind, Map, Value};

use super::attributes::Attributes;
use super::build::{At, copy, is_intrinsic, is_no_value};
use super::expansion::{Expansion, Target};

/// Adds the version and the alias of `AutoPublishAlias`, and returns the alias's id.
pub(super) fn alias(
    expansion: &mut Expansion<'_>,
    id: &str,
    properties: &Value,
    attributes: &Attributes,
) -> Option<String> {
    let Some(alias) = properties.get("AutoPublishAlias") else {
        if let Some(config) = properties.get("ProvisionedConcurrencyConfig") {
            let text = format!("ProvisionedConcurrencyConfig of {id} needs AutoPublishAlias");
            expansion.refuse(config.place, text);
        }
        return None;
    };
    let place = alias.place;
    let at = At(place);
    let name = expansion.literal(alias).filter(|name| is_alias(name));
    let Some(name) = name else {
        let text = format!(
            "AutoPublishAlias of {id} must be a text of letters, digits, - and _ that is no number, or a parameter \
             whose value is one"
        );
        expansion.refuse(place, text);
        return None;
    };
    let version = format!("{id}Version");
    let mut published = Map::default();
    published.insert("FunctionName", place, at.reference(id));
    super::build::copy_as(
        properties,
        "VersionDescription",
        &mut published,
        "Description",
    );
    copy(properties, &mut published, &["FunctionScalingConfig"]);
    expansion.add(
        &version,
        place,
        "AWS::Lambda::Version",
        published,
        attributes,
    );
    expansion.refer(id, "Version", &version);

    let written = name.replace('-', "D").replace('_', "U");
    let alias = format!("{id}Alias{written}");
    let mut pointing = Map::default();
    pointing.insert("Name", place, at.text(name));
    pointing.insert("FunctionName", place, at.reference(id));
    let number = at.attribute(&version, "Version");
    pointing.insert("FunctionVersion", place, number);
    copy(properties, &mut pointing, &["ProvisionedConcurrencyConfig"]);
    expansion.add(&alias, place, "AWS::Lambda::Alias", pointing, attributes);
    expansion.refer(id, "Alias", &alias);
    Some(alias)
}

fn is_alias(name: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    name.bytes().all(is_word) && !name.bytes().all(|byte| byte.is_ascii_digit())
}

/// Adds the URL of `FunctionUrlConfig`.
pub(super) fn url(expansion: &mut Expansion<'_>, properties: &Value, target: &Target) {
    let Some(config) = properties.get("FunctionUrlConfig") else {
        return;
    };
    let id = &target.function;
    let auth = config.get("AuthType");
    let is_known = auth.is_some_and(|auth| {
        is_intrinsic(auth) || matches!(auth.as_str(), Some("NONE" | "AWS_IAM"))
    });
    if !is_known {
        let text = format!("FunctionUrlConfig of {id} needs AuthType: NONE or AWS_IAM");
        return expansion.refuse(config.place, text);
    }
    let place = config.place;
    let mut url = Map::default();
    copy(config, &mut url, &["AuthType", "Cors", "InvokeMode"]);
    url.insert("TargetFunctionArn", place, target.name(At(place)));
    let attributes = &target.attributes;
    let name = format!("{id}Url");
    expansion.add(&name, place, "AWS::Lambda::Url", url, attributes);
}

/// Adds what `EventInvokeConfig` says, with queues and topics for destinations that are not named.
pub(super) fn invoke_config(expansion: &mut Expansion<'_>, properties: &Value, target: &Target) {
    let Some(config) = properties.get("EventInvokeConfig") else {
        return;
    };
    let function = &target.function;
    let place = config.place;
    let at = At(place);
    let id = format!("{function}EventInvokeConfig");
    let mut invoke = Map::default();
    let mut destinations = Map::default();
    for event in ["OnSuccess", "OnFailure"] {
        let Some(destination) = config.at(&["DestinationConfig", event]) else {
            continue;
        };
        let name = format!("{id}{event}");
        if let Some(arn) = destination_of(expansion, destination, &name, target) {
            let value = At(destination.place).map([("Destination", arn)]);
            destinations.insert(event, destination.place, value);
        }
    }
    invoke.insert("FunctionName", place, at.reference(function));
    let qualifier = match properties.get("AutoPublishAlias") {
        Some(alias) if target.alias.is_some() => {
            let name = expansion.literal(alias).unwrap_or_default();
            Value::text(alias.place, name)
        }
        _ => at.text("$LATEST"),
    };
    invoke.insert("Qualifier", place, qualifier);
    let destinations = Value::new(place, Kind::Map(destinations));
    invoke.insert("DestinationConfig", place, destinations);
    let keys = ["MaximumEventAgeInSeconds", "MaximumRetryAttempts"];
    copy(config, &mut invoke, &keys);
    let kind = "AWS::Lambda::EventInvokeConfig";
    expansion.add(&id, place, kind, invoke, &target.attributes);
}

/// The ARN of a destination: the one that is named, or that of a new queue or topic.
fn destination_of(
    expansion: &mut Expansion<'_>,
    destination: &Value,
    name: &str,
    target: &Target,
) -> Option<Value> {
    let place = destination.place;
    let kind = destination.text_of("Type");
    let made = match kind.as_deref() {
        Some("SQS") => Some(("AWS::SQS::Queue", "Queue", "DestinationQueue")),
        Some("SNS") => Some(("AWS::SNS::Topic", "Topic", "DestinationTopic")),
        Some("EventBridge" | "Lambda" | "S3Bucket") => None,
        _ => {
            let types = "SQS, SNS, Lambda, EventBridge or S3Bucket";
            let text = format!("a destination of {} needs a Type: {types}", target.function);
            expansion.refuse(place, text);
            return None;
        }
    };
    let named = destination.get("Destination");
    let condition = named.and_then(|named| missing_if(expansion, named));
    if let (Some(named), None) = (named, &condition) {
        return Some(named.clone());
    }
    let Some((kind, suffix, property)) = made else {
        let text = format!("a destination of {} needs a Destination", target.function);
        expansion.refuse(place, text);
        return None;
    };
    let at = At(place);
    let id = format!("{name}{suffix}");
    let attributes = match &condition {
        Some((condition, _)) => {
            let both = combined(expansion, target, condition, place);
            target.attributes.with_condition(&at.text(both))
        }
        None => target.attributes.clone(),
    };
    expansion.add(&id, place, kind, Map::default(), &attributes);
    expansion.refer(&target.function, property, &id);
    let arn = match suffix {
        "Queue" => at.attribute(&id, "Arn"),
        _ => at.reference(&id),
    };
    Some(match condition {
        Some((condition, other)) => at.either(&condition, arn, other),
        None => arn,
    })
}

/// The condition under which a destination is not named, and what it is otherwise.
fn missing_if(expansion: &mut Expansion<'_>, named: &Value) -> Option<(String, Value)> {
    let [condition, yes, no] = named.get("Fn::If")?.as_list()? else {
        return None;
    };
    let name = condition.as_str()?;
    match (is_no_value(yes), is_no_value(no)) {
        (true, false) => Some((name.to_owned(), no.clone())),
        (false, true) => {
            let at = At(named.place);
            let opposite = format!("NOT{name}");
            let holds = at.map([("Condition", condition.clone())]);
            let not = at.map([("Fn::Not", at.list([holds]))]);
            expansion.add_condition(&opposite, not);
            Some((opposite, yes.clone()))
        }
        _ => None,
    }
}

/// The name of the condition that the function's condition holds, and another one.
fn combined(
    expansion: &mut Expansion<'_>,
    target: &Target,
    condition: &str,
    place: Place,
) -> String {
    let Some(own) = target.attributes.condition() else {
        return condition.to_owned();
    };
    let at = At(place);
    let name = format!("{own}AND{condition}");
    let both = [own, condition].map(|name| at.map([("Condition", at.text(name))]));
    let and = at.map([("Fn::And", at.list(both))]);
    expansion.add_condition(&name, and);
    name
}
