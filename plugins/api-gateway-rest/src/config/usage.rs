//! The keys `throttle`, also of a route, and `usage-plans`.
//!
//! | key of a usage plan | meaning |
//! |---|---|
//! | `api-keys` | the ids of the API keys that it is for |
//! | `throttle` | `rate-limit` (requests per second) and `burst-limit`, for each key |
//! | `quota` | `limit`, `period` (`"DAY"`, `"WEEK"`, `"MONTH"`), and `offset` in days, for each key |
//! | `method-throttles` | throttles by route, for each key |

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use plugin_kit::nearest::nearest;
use plugin_kit::settings::{Problems, Table};
use serde_json::{Map, Value};

use http_event::throttle::{limits, throttle};

use super::methods::ConfiguredMethod;
use crate::state::{Key, NO_PLAN};

const PERIODS: [&str; 3] = ["DAY", "WEEK", "MONTH"];

const MAX_QUOTA: i64 = 1_000_000_000;

/// An API key as it was read.
#[derive(Debug)]
pub struct ConfiguredKey<'a> {
    id: &'a str,
    value: &'a str,
    /// JSON; empty without usage plans.
    plan: String,
}

impl ConfiguredKey<'_> {
    /// The key for the state.
    pub fn as_state(&self) -> Key<'_> {
        Key {
            id: self.id,
            value: self.value,
            plan: &self.plan,
        }
    }
}

/// Reads the usage plans. `keys` are ids and values.
pub fn plans<'a>(
    table: &Table<'_>,
    keys: Vec<(&'a str, &'a str)>,
    methods: &[ConfiguredMethod<'_>],
    problems: &mut Problems,
    warnings: &mut Vec<String>,
) -> Vec<ConfiguredKey<'a>> {
    let mut configured: Vec<_> = keys
        .into_iter()
        .map(|(id, value)| ConfiguredKey {
            id,
            value,
            plan: String::new(),
        })
        .collect();
    let Some(table) = table.table("usage-plans", problems) else {
        return configured;
    };
    for name in table.keys() {
        let Some(plan) = table.table(name, problems) else {
            continue;
        };
        let known = ["api-keys", "throttle", "quota", "method-throttles"];
        plan.refuse_unknown(&known, &[], problems);
        let json = Value::Object(self::plan(&plan, methods, problems)).to_string();
        let rule = "this must be the id of an API key";
        let ids = plan.texts("api-keys", |_| true, rule, problems);
        if plan.get("api-keys").is_none() {
            problems.add(
                plan.at().to_vec(),
                "a usage plan needs `api-keys`, a list of ids",
            );
        }
        for id in ids.into_iter().flatten() {
            let ids: Vec<&str> = configured.iter().map(|key| key.id).collect();
            let near = nearest(id, &ids).map(String::from);
            match configured.iter_mut().find(|key| key.id == id) {
                Some(key) if !key.plan.is_empty() => {
                    let message = format!("the API key `{id}` is in another usage plan as well");
                    problems.add(plan.path_of("api-keys"), message);
                }
                Some(key) => key.plan.clone_from(&json),
                None => {
                    let message = match near {
                        Some(near) => {
                            format!("there is no API key `{id}`; did you mean `{near}`?")
                        }
                        None => format!("there is no API key `{id}`; define it in `api-keys`"),
                    };
                    problems.add(plan.path_of("api-keys"), message);
                }
            }
        }
    }
    for key in configured.iter_mut().filter(|key| key.plan.is_empty()) {
        key.plan = NO_PLAN.to_string();
        warnings.push(format!(
            "the API key `{}` is in no usage plan, so a method that requires a key answers it with 403",
            key.id
        ));
    }
    configured
}

fn plan(
    table: &Table<'_>,
    methods: &[ConfiguredMethod<'_>],
    problems: &mut Problems,
) -> Map<String, Value> {
    let mut plan = Map::new();
    if let Some(limits) = throttle(table, problems) {
        plan.insert(String::from("throttle"), Value::from(limits.write()));
    }
    if let Some(quota) = table.table("quota", problems) {
        quota.refuse_unknown(&["limit", "period", "offset"], &[], problems);
        let limit = quota.integer("limit", 1_i64, MAX_QUOTA, problems);
        let period = quota.choice("period", &PERIODS, problems);
        let most = match period {
            Some("WEEK") => 6,
            Some("MONTH") => 27,
            _ => 0,
        };
        let offset = quota.integer("offset", 0_i64, most, problems);
        for key in ["limit", "period"] {
            if quota.get(key).is_none() {
                let message = format!("a quota needs a `{key}`");
                problems.add(quota.at().to_vec(), message);
            }
        }
        plan.insert(String::from("limit"), Value::from(limit.unwrap_or(1)));
        plan.insert(String::from("period"), Value::from(period.unwrap_or("DAY")));
        plan.insert(String::from("offset"), Value::from(offset.unwrap_or(0)));
    }
    if let Some(throttles) = table.table("method-throttles", problems) {
        let mut found = Map::new();
        for route in throttles.keys() {
            let names: Vec<String> = methods.iter().map(ConfiguredMethod::route).collect();
            if !names.iter().any(|name| name == route) {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                let message = match nearest(route, &names) {
                    Some(near) => format!("there is no such route; did you mean {near:?}?"),
                    None => String::from("there is no such route"),
                };
                problems.add(throttles.path_of(route), message);
            }
            let limits = throttles
                .table(route, problems)
                .and_then(|table| limits(&table, problems));
            if let Some(limits) = limits {
                found.insert(route.to_string(), Value::from(limits.write()));
            }
        }
        plan.insert(String::from("methods"), Value::Object(found));
    }
    plan
}
