//! The attribute `Policy` of a queue. It is checked, stored and returned, but not enforced.

use serde_json::{Map, Value as Json};

use crate::service::error::{self, SqsError};
use crate::service::limits;
use crate::service::operations::kept;
use crate::service::store::Settings;

/// The members of a policy, in AWS's order.
const MEMBERS: [&str; 3] = ["Version", "Id", "Statement"];

const VERSIONS: [&str; 2] = ["2008-10-17", "2012-10-17"];

/// The members of a statement, in AWS's order.
const STATEMENT: [&str; 9] = [
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
];

/// Checks a policy. An empty text, which removes the policy, is valid.
pub fn check(text: &str) -> Result<(), SqsError> {
    if text.is_empty() {
        return Ok(());
    }
    let invalid = || SqsError::attribute_value("Policy");
    let mut policy: Map<String, Json> = serde_json::from_str(text).map_err(|_| invalid())?;
    let version = policy.get("Version").map(Json::as_str);
    let version_known =
        version.is_none_or(|version| version.is_some_and(|text| VERSIONS.contains(&text)));
    if !version_known || policy.keys().any(|name| !MEMBERS.contains(&name.as_str())) {
        return Err(invalid());
    }
    let statements = take_statements(&mut policy);
    let count = statements.len();
    if count > limits::POLICY_STATEMENTS {
        return Err(SqsError::new(
            &error::OVER_LIMIT,
            format!(
                "{count} statements were found in the submitted policy, max allowed is {}",
                limits::POLICY_STATEMENTS
            ),
        ));
    }
    if count == 0 || !statements.iter().all(is_statement) {
        return Err(invalid());
    }
    Ok(())
}

fn is_statement(statement: &Json) -> bool {
    let Json::Object(members) = statement else {
        return false;
    };
    let effect = members.get("Effect").and_then(Json::as_str);
    let names = |name: &str, opposite: &str| {
        let named = members.get(name).or_else(|| members.get(opposite));
        named.is_some_and(|named| named.is_string() || named.is_array())
    };
    matches!(effect, Some("Allow" | "Deny"))
        && names("Action", "NotAction")
        && names("Resource", "NotResource")
        && members
            .keys()
            .all(|name| STATEMENT.contains(&name.as_str()))
}

/// The policy in a queue's settings.
pub fn read(settings: &Settings) -> Option<Map<String, Json>> {
    let text = kept::get(settings, "Policy")?;
    match serde_json::from_str(text) {
        Ok(Json::Object(policy)) => Some(policy),
        _ => None,
    }
}

/// Removes and returns the statements of a policy. A single statement may stand outside a list.
pub fn take_statements(policy: &mut Map<String, Json>) -> Vec<Json> {
    match policy.remove("Statement") {
        None | Some(Json::Null) => Vec::new(),
        Some(Json::Array(statements)) => statements,
        Some(statement) => vec![statement],
    }
}

/// Formats a policy with its members in AWS's order.
pub fn write(policy: &Map<String, Json>, statements: &[Json]) -> String {
    let statements: Vec<String> = statements
        .iter()
        .map(|statement| match statement {
            Json::Object(members) => object(in_order(members, &STATEMENT)),
            other => other.to_string(),
        })
        .collect();
    let mut members = in_order(policy, &MEMBERS);
    members.push(format!(r#""Statement":[{}]"#, statements.join(",")));
    object(members)
}

fn object(members: Vec<String>) -> String {
    format!("{{{}}}", members.join(","))
}

/// The members as JSON: those in `order` first, then all others.
fn in_order(members: &Map<String, Json>, order: &[&str]) -> Vec<String> {
    let first = order.iter().filter_map(|name| members.get_key_value(*name));
    let others = members
        .iter()
        .filter(|(name, _)| !order.contains(&name.as_str()));
    first
        .chain(others)
        .map(|(name, value)| format!("{}:{value}", Json::from(name.as_str())))
        .collect()
}
