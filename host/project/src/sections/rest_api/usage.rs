//! API keys and usage plans.
//!
//! Contract: an API has the keys of the usage plans that it is in, and those that name one of its stages. A key whose
//! value AWS would choose has a value here, too, which is always the same and which a note tells.

use sha2::{Digest as _, Sha256};

use crate::document::{Item, Table};
use crate::resource::Resource;
use crate::sections::reference;
use crate::value::Value;

use super::settings::throttle;
use super::writer::Writer;

impl Writer<'_> {
    /// Sets the keys `api-keys` and `usage-plans`.
    pub(super) fn usage(&self, table: &mut Table) {
        let mut keys = Table::default();
        let mut plans = Table::default();
        let mut planned: Vec<&str> = Vec::new();
        for plan in self.stack.of_kind("AWS::ApiGateway::UsagePlan") {
            let stages = plan.get("ApiStages").map(Value::items).unwrap_or_default();
            let stage = stages
                .iter()
                .find(|stage| reference::is_to(stage.get("ApiId"), self.api));
            let Some(stage) = stage else {
                continue;
            };
            let links = self.stack.of_kind("AWS::ApiGateway::UsagePlanKey");
            let links = links.filter(|link| reference::is_to(link.get("UsagePlanId"), plan));
            let mut ids = Vec::new();
            for link in links {
                let id = link.get("KeyId");
                let key = reference::find(self.stack, "AWS::ApiGateway::ApiKey", id);
                let Some(key) = key.filter(|key| !planned.contains(&key.path.as_str())) else {
                    continue;
                };
                if self.add_key(key, &mut keys) {
                    planned.push(&key.path);
                    ids.push(word(&key.id));
                }
            }
            if !ids.is_empty() {
                let settings = self.plan(plan, stage, ids);
                plans.set(word(&plan.id), settings, plan.place);
            }
        }
        for key in self.stack.of_kind("AWS::ApiGateway::ApiKey") {
            let stages = key.get("StageKeys").map(Value::items).unwrap_or_default();
            let of_api = |stage: &Value| reference::is_to(stage.get("RestApiId"), self.api);
            if stages.iter().any(of_api) && !planned.contains(&key.path.as_str()) {
                self.add_key(key, &mut keys);
            }
        }
        if !keys.is_empty() {
            table.set("api-keys", keys, None);
        }
        if !plans.is_empty() {
            table.set("usage-plans", plans, None);
        }
    }

    /// Adds a key, unless it is switched off.
    fn add_key(&self, key: &Resource, keys: &mut Table) -> bool {
        let is_off = key.get("Enabled").and_then(Value::as_bool) == Some(false);
        if is_off {
            let message = format!("the API key {} is not enabled", key.path);
            self.context.report.note(key.place, message);
            return false;
        }
        let given = key.get("Value");
        let is_legal = |text: &&str| {
            let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
            (20..=128).contains(&text.len()) && text.bytes().all(is_word)
        };
        let place = given.map_or(key.place, |value| value.place);
        let value = match given.and_then(Value::as_str) {
            Some(text) if is_legal(&text) => text.to_owned(),
            _ => {
                let made = made_up(&key.path);
                let message = format!("the API key {} has the value {made} here", key.path);
                self.context.report.note(place, message);
                made
            }
        };
        keys.set(word(&key.id), value, place);
        true
    }

    fn plan(&self, plan: &Resource, stage: &Value, ids: Vec<String>) -> Table {
        let mut table = Table::default();
        table.set("api-keys", ids, plan.place);
        if let Some(limits) = plan.get("Throttle").and_then(throttle) {
            table.set("throttle", limits, plan.place);
        }
        if let Some(quota) = plan.get("Quota") {
            let mut written = Table::default();
            for (property, key) in [("Limit", "limit"), ("Offset", "offset")] {
                if let Some(value) = quota.get(property)
                    && let Some(number) = value.as_integer()
                {
                    written.set(key, number, value.place);
                }
            }
            if let Some(period) = quota.get("Period")
                && let Some(text) = period.as_text()
            {
                written.set("period", text.into_owned(), period.place);
            }
            table.set("quota", written, quota.place);
        }
        let mut throttles = Table::default();
        for (method, settings) in stage.get("Throttle").into_iter().flat_map(Value::members) {
            let (path, name) = method.rsplit_once('/').unwrap_or_default();
            let path = if path.is_empty() { "/" } else { path };
            let key = format!("{} {path}", name.to_uppercase());
            if let Some(limits) = throttle(settings)
                && self.routes.contains_key(&key)
            {
                throttles.set(key, Item::Table(limits), settings.place);
            }
        }
        if !throttles.is_empty() {
            table.set("method-throttles", throttles, stage.place);
        }
        table
    }
}

/// The id of a key or a plan, which consists of letters and digits, `-` and `_`.
fn word(id: &str) -> String {
    let is_legal = |letter: &char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
    id.chars().filter(is_legal).collect()
}

/// The value of a key that has none: the same for the same path.
fn made_up(path: &str) -> String {
    let digest = Sha256::digest(format!("API key {path}"));
    let hex = digest.iter().map(|byte| format!("{byte:02x}"));
    hex.take(20).collect()
}
