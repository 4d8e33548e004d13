//! The usage plan of an API, with a key: `Auth.UsagePlan`.

use crate::value::{Kind, Map, Value};

use super::attributes::Attributes;
use super::build::{At, copy};
use super::expansion::Expansion;

const PLAN: &str = "AWS::ApiGateway::UsagePlan";
const KEY: &str = "AWS::ApiGateway::ApiKey";
const PLAN_KEY: &str = "AWS::ApiGateway::UsagePlanKey";

/// Adds the usage plan, its key, and what connects them. Of a shared plan, this adds the API's stage.
pub(super) fn add(
    expansion: &mut Expansion<'_>,
    id: &str,
    stage: &str,
    properties: &Value,
    attributes: &Attributes,
) {
    let Some(plan) = properties.at(&["Auth", "UsagePlan"]) else {
        return;
    };
    let place = plan.place;
    let at = At(place);
    let is_shared = match plan.text_of("CreateUsagePlan").as_deref() {
        Some("NONE") => return,
        Some("PER_API") => false,
        Some("SHARED") => true,
        _ => {
            let text = format!("UsagePlan of {id} needs CreateUsagePlan: PER_API, SHARED or NONE");
            return expansion.refuse(place, text);
        }
    };
    let prefix = if is_shared { "Serverless" } else { id };
    let [plan_id, key_id, plan_key_id] =
        ["UsagePlan", "ApiKey", "UsagePlanKey"].map(|suffix| format!("{prefix}{suffix}"));
    let of_plan = at.map([("ApiId", at.reference(id)), ("Stage", at.reference(stage))]);
    let of_key = at.map([
        ("RestApiId", at.reference(id)),
        ("StageName", at.reference(stage)),
    ]);
    let is_first = !(is_shared && expansion.resources.contains(&plan_id));
    if is_first {
        // A shared plan is there whatever the conditions of the single APIs are.
        let attributes = if is_shared {
            &Attributes::default()
        } else {
            attributes
        };
        let mut made = Map::default();
        made.insert("ApiStages", place, at.list([]));
        expansion.add(&plan_id, place, PLAN, made, attributes);
        let mut key = Map::default();
        key.insert("Enabled", place, at.plain(true));
        key.insert("StageKeys", place, at.list([]));
        expansion.add(&key_id, place, KEY, key, attributes);
        let mut plan_key = Map::default();
        plan_key.insert("KeyId", place, at.reference(&key_id));
        plan_key.insert("KeyType", place, at.text("API_KEY"));
        plan_key.insert("UsagePlanId", place, at.reference(&plan_id));
        expansion.add(&plan_key_id, place, PLAN_KEY, plan_key, attributes);
    }
    let condition = attributes.condition().filter(|_| is_shared);
    append(
        expansion,
        &plan_id,
        "ApiStages",
        at.only_if(condition, of_plan),
    );
    append(
        expansion,
        &key_id,
        "StageKeys",
        at.only_if(condition, of_key),
    );
    if let Some(made) = expansion.properties_mut(&plan_id) {
        let keys = ["UsagePlanName", "Description", "Quota", "Tags", "Throttle"];
        copy(plan, made, &keys);
    }
    expansion.refer(id, "UsagePlan", &plan_id);
    expansion.refer(id, "ApiKey", &key_id);
    expansion.refer(id, "UsagePlanKey", &plan_key_id);
}

fn append(expansion: &mut Expansion<'_>, id: &str, key: &str, item: Value) {
    let list = expansion
        .properties_mut(id)
        .and_then(|properties| properties.get_mut(key));
    if let Some(Kind::List(items)) = list.map(|list| &mut list.kind) {
        items.push(item);
    }
}
