//! API keys and usage plans of `provider.apiGateway`.

use super::super::super::names;
use super::super::super::service::Service;
use super::ids::API;
use crate::cfn::{self, Body, Compiled};
use crate::file::Place;
use crate::value::{Map, Value};

/// The only usage plan if there are no others.
const DEFAULT: &str = "default";

/// Adds keys and plans, if there are any.
pub fn compile(service: &Service<'_>, place: Place, compiled: &mut Compiled) {
    let keys = service.provider.at(&["apiGateway", "apiKeys"]);
    let plans = service.provider.at(&["apiGateway", "usagePlan"]);
    if keys.is_none() && plans.is_none() {
        return;
    }
    // A list has a name and its settings in each item.
    let named: Vec<(&str, &Value)> = match plans.and_then(Value::as_list) {
        Some(list) => list
            .iter()
            .filter_map(|plan| plan.as_map().and_then(Map::only))
            .collect(),
        None => Vec::new(),
    };
    match plans.filter(|_| named.is_empty()) {
        None if !named.is_empty() => {
            for (name, settings) in &named {
                compile_plan(service, place, name, Some(settings), compiled);
            }
        }
        settings => compile_plan(service, place, DEFAULT, settings, compiled),
    }
    let mut number = 0;
    for key in keys.map(Value::items).unwrap_or_default() {
        let group = key
            .as_map()
            .and_then(Map::only)
            .filter(|(name, _)| named.iter().any(|(plan, _)| plan == name));
        match group {
            Some((plan, keys)) => {
                for (index, key) in keys.items().iter().enumerate() {
                    compile_key(service, key, Some(plan), index + 1, compiled);
                }
            }
            None => {
                number += 1;
                compile_key(service, key, None, number, compiled);
            }
        }
    }
}

fn compile_plan(
    service: &Service<'_>,
    place: Place,
    name: &str,
    settings: Option<&Value>,
    compiled: &mut Compiled,
) {
    let (service_name, stage) = (&service.name, &service.stage);
    let (description, plan_name, id) = match name {
        DEFAULT => (
            format!("Usage plan for {service_name} {stage} stage"),
            format!("{service_name}-{stage}"),
            "ApiGatewayUsagePlan".to_owned(),
        ),
        name => (
            format!("Usage plan \"{name}\" for {service_name} {stage} stage"),
            format!("{service_name}-{name}-{stage}"),
            format!("ApiGatewayUsagePlan{}", names::upper_first(name)),
        ),
    };
    let stage = Body::new(place)
        .set("ApiId", cfn::reference(place, API))
        .text("Stage", stage)
        .done();
    let mut body = Body::new(place)
        .set("ApiStages", Value::list(place, vec![stage]))
        .text("Description", description)
        .text("UsagePlanName", plan_name);
    if let Some(quota) = settings.and_then(|settings| settings.get("quota")) {
        let keys = [
            ("Limit", "limit"),
            ("Offset", "offset"),
            ("Period", "period"),
        ];
        body = body.set("Quota", Body::new(quota.place).take(quota, &keys).done());
    }
    if let Some(throttle) = settings.and_then(|settings| settings.get("throttle")) {
        let keys = [("BurstLimit", "burstLimit"), ("RateLimit", "rateLimit")];
        body = body.set(
            "Throttle",
            Body::new(throttle.place).take(throttle, &keys).done(),
        );
    }
    compiled.add(id, "AWS::ApiGateway::UsagePlan", body);
}

fn compile_key(
    service: &Service<'_>,
    key: &Value,
    plan: Option<&str>,
    number: usize,
    compiled: &mut Compiled,
) {
    let place = key.place;
    let plan = plan.map(names::upper_first).unwrap_or_default();
    let id = format!("ApiGatewayApiKey{plan}{number}");
    let name = key.get("name").or_else(|| key.as_str().map(|_| key));
    let enabled = key
        .get("enabled")
        .cloned()
        .unwrap_or_else(|| Value::plain(place, true));
    let stage = Body::new(place)
        .set("RestApiId", cfn::reference(place, API))
        .text("StageName", &service.stage)
        .done();
    let body = Body::new(place)
        .set("Enabled", enabled)
        .set_some("Name", name.cloned())
        .take(
            key,
            &[
                ("Value", "value"),
                ("Description", "description"),
                ("CustomerId", "customerId"),
            ],
        )
        .set("StageKeys", Value::list(place, vec![stage]));
    compiled.add(&id, "AWS::ApiGateway::ApiKey", body);
    let body = Body::new(place)
        .set("KeyId", cfn::reference(place, &id))
        .text("KeyType", "API_KEY")
        .set(
            "UsagePlanId",
            cfn::reference(place, &format!("ApiGatewayUsagePlan{plan}")),
        );
    compiled.add(
        format!("ApiGatewayUsagePlanKey{plan}{number}"),
        "AWS::ApiGateway::UsagePlanKey",
        body,
    );
}
