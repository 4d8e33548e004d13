//! `sns` events: topics and subscriptions.

use super::super::names;
use super::super::service::{Function, Service};
use crate::cfn::{self, Body, Compiled};
use crate::file::Place;
use crate::value::Value;

/// Adds the subscription of an event, and its topic unless that is elsewhere.
pub fn compile(
    service: &Service<'_>,
    function: &Function,
    place: Place,
    event: &Value,
    compiled: &mut Compiled,
) {
    let text = event.as_str();
    let arn = event
        .get("arn")
        .or_else(|| text.filter(|text| text.starts_with("arn:")).map(|_| event));
    let last = arn
        .and_then(Value::as_str)
        .and_then(|arn| arn.rsplit(':').next())
        .map(str::to_owned);
    let name = event
        .get("topicName")
        .and_then(Value::as_str)
        .map(str::to_owned);
    let name = name.or(last).or_else(|| text.map(str::to_owned));
    let Some(name) = name else {
        let why = event.as_unknown().unwrap_or("add `topicName: NAME`");
        service.refuse(
            place,
            format!(
                "the topic of an sns event of {} is not known: {why}",
                function.key
            ),
        );
        return;
    };
    let redrive = event.get("redrivePolicy").map(redrive_policy);
    let filters = [
        ("FilterPolicy", "filterPolicy"),
        ("FilterPolicyScope", "filterPolicyScope"),
    ];
    let subscription = || {
        Body::new(place)
            .set("Endpoint", function.target(place))
            .text("Protocol", "lambda")
    };
    let id = format!(
        "{}SnsSubscription{}",
        function.prefix(),
        names::alphanumeric(&name)
    );
    if let Some(arn) = arn {
        let region = arn
            .as_str()
            .and_then(|arn| arn.split(':').nth(3))
            .filter(|_| event.get("arn").is_some());
        let region = region.filter(|region| {
            *region != service.region && !region.is_empty() && !region.contains('$')
        });
        let body = subscription()
            .set("TopicArn", arn.clone())
            .take(event, &filters)
            .set_some("RedrivePolicy", redrive)
            .set_some("Region", region.map(|region| Value::text(place, region)));
        compiled.add(id, "AWS::SNS::Subscription", body);
        return;
    }
    let topic = format!("SNSTopic{}", names::alphanumeric(&name));
    if !compiled.has(&topic) {
        let body = Body::new(place)
            .text("TopicName", &name)
            .take(event, &[("DisplayName", "displayName")]);
        compiled.add(&topic, "AWS::SNS::Topic", body);
    }
    if event.get("filterPolicy").is_some() || redrive.is_some() {
        let body = subscription()
            .set("TopicArn", cfn::reference(place, &topic))
            .take(event, &filters)
            .set_some("RedrivePolicy", redrive);
        compiled.add(id, "AWS::SNS::Subscription", body);
        return;
    }
    let Some(properties) = compiled.properties(&topic) else {
        return;
    };
    let mut subscriptions = match properties.get("Subscription") {
        Some(subscriptions) => subscriptions.items().to_vec(),
        None => Vec::new(),
    };
    subscriptions.push(subscription().done());
    properties.insert("Subscription", place, Value::list(place, subscriptions));
}

fn redrive_policy(policy: &Value) -> Value {
    let place = policy.place;
    let arn = if let Some(arn) = policy.get("deadLetterTargetArn") {
        arn.clone()
    } else if let Some(id) = policy.get("deadLetterTargetRef").and_then(Value::as_str) {
        cfn::attribute(place, id, "Arn")
    } else {
        let import = policy.at(&["deadLetterTargetImport", "arn"]).cloned();
        Value::map(
            place,
            [(
                "Fn::ImportValue",
                import.unwrap_or_else(|| Value::null(place)),
            )],
        )
    };
    Body::new(place).set("deadLetterTargetArn", arn).done()
}
