//! AddPermission and RemovePermission: statements of the queue's `Policy`, which is kept and shown but asked by nobody.

use serde_json::{Map, Value as Json, json};

use crate::service::Context;
use crate::service::answer::Answer;
use crate::service::error::{self, Fault};
use crate::service::input::{Input, Plural};
use crate::service::limits;
use crate::service::operations::{self, attributes};
use crate::service::store::Settings;

/// What only a queue's owner may do.
const OWNERS: [&str; 9] = [
    "AddPermission",
    "CreateQueue",
    "DeleteQueue",
    "ListQueues",
    "ListQueueTags",
    "RemovePermission",
    "SetQueueAttributes",
    "TagQueue",
    "UntagQueue",
];

pub fn add(context: &Context<'_>, input: &Input<'_>) -> Result<Answer, Fault> {
    let target = context.target(input)?;
    let label = label(input)?;
    let accounts = input.texts(Plural {
        json: "AWSAccountIds",
        query: "AWSAccountId",
    })?;
    let actions = input.texts(Plural {
        json: "Actions",
        query: "ActionName",
    })?;
    check_actions(&actions)?;
    if accounts.is_empty() {
        return Err(Fault::value("PrincipalId", "[]", "Unable to verify."));
    }
    let mut settings = attributes::describe(context, &target)?.settings;
    let arn = context.arn(&target.name);
    let mut policy = policy(&settings).unwrap_or_else(|| {
        let mut policy = Map::new();
        policy.insert("Version".into(), "2008-10-17".into());
        policy.insert("Id".into(), format!("{arn}/SQSDefaultPolicy").into());
        policy
    });
    let mut statements = take_statements(&mut policy);
    if statements
        .iter()
        .any(|statement| has_label(statement, &label))
    {
        return Err(Fault::value("Label", &label, "Already exists."));
    }
    let principals = accounts
        .iter()
        .map(|account| format!("arn:aws:iam::{account}:root"));
    let actions = actions.iter().map(|action| format!("SQS:{action}"));
    statements.push(json!({
        "Sid": label,
        "Effect": "Allow",
        "Principal": {"AWS": one_or_many(principals)},
        "Action": one_or_many(actions),
        "Resource": arn,
    }));
    attributes::keep(&mut settings, "Policy", &write(&policy, &statements));
    attributes::change(context, &target, &settings)?;
    Ok(None)
}

pub fn remove(context: &Context<'_>, input: &Input<'_>) -> Result<Answer, Fault> {
    let target = context.target(input)?;
    let label = label(input)?;
    let mut settings = attributes::describe(context, &target)?.settings;
    let mut policy = policy(&settings).unwrap_or_default();
    let mut statements = take_statements(&mut policy);
    let before = statements.len();
    statements.retain(|statement| !has_label(statement, &label));
    if statements.len() == before {
        return Err(Fault::value("Label", &label, "can't find label."));
    }
    let text = if statements.is_empty() {
        String::new()
    } else {
        write(&policy, &statements)
    };
    attributes::keep(&mut settings, "Policy", &text);
    attributes::change(context, &target, &settings)?;
    Ok(None)
}

fn label(input: &Input<'_>) -> Result<String, Fault> {
    let label = input.required("Label")?.into_owned();
    let right = label.len() <= limits::BATCH_ID
        && label
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    if right {
        return Ok(label);
    }
    Err(Fault::value(
        "Label",
        label,
        "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length.",
    ))
}

fn check_actions(actions: &[std::borrow::Cow<'_, str>]) -> Result<(), Fault> {
    if actions.is_empty() {
        return Err(Fault::missing("Actions"));
    }
    if actions.len() > limits::PERMISSION_ACTIONS {
        return Err(Fault::new(
            &error::OVER_LIMIT,
            format!(
                "{} Actions were found, maximum allowed is {}.",
                actions.len(),
                limits::PERMISSION_ACTIONS
            ),
        ));
    }
    for action in actions {
        let reason = if action == "*" {
            continue;
        } else if OWNERS.contains(&action.as_ref()) {
            "Only the queue owner is allowed to invoke this action."
        } else if operations::find(action).is_none() {
            "Please refer to the appropriate WSDL for a list of valid actions. "
        } else {
            continue;
        };
        return Err(Fault::value("ActionName", format!("SQS:{action}"), reason));
    }
    Ok(())
}

fn policy(settings: &Settings) -> Option<Map<String, Json>> {
    let text = attributes::extra(settings, "Policy")?;
    match serde_json::from_str(text) {
        Ok(Json::Object(policy)) => Some(policy),
        _ => None,
    }
}

/// The policy's statements, of which there may be a single one outside a list.
fn take_statements(policy: &mut Map<String, Json>) -> Vec<Json> {
    match policy.remove("Statement") {
        None | Some(Json::Null) => Vec::new(),
        Some(Json::Array(statements)) => statements,
        Some(statement) => vec![statement],
    }
}

/// A policy with its members in AWS's order.
fn write(policy: &Map<String, Json>, statements: &[Json]) -> String {
    let statements: Vec<String> = statements
        .iter()
        .map(|statement| match statement {
            Json::Object(members) => {
                let order = [
                    "Sid",
                    "Effect",
                    "Principal",
                    "Action",
                    "Resource",
                    "Condition",
                ];
                format!("{{{}}}", members_in_order(members, &order))
            }
            other => other.to_string(),
        })
        .collect();
    format!(
        r#"{{{},"Statement":[{}]}}"#,
        members_in_order(policy, &["Version", "Id"]),
        statements.join(",")
    )
}

/// Members: these first, then all others.
fn members_in_order(members: &Map<String, Json>, order: &[&str]) -> String {
    let first = order.iter().filter_map(|name| members.get_key_value(*name));
    let others = members
        .iter()
        .filter(|(name, _)| !order.contains(&name.as_str()));
    let written: Vec<String> = first
        .chain(others)
        .map(|(name, value)| format!("{}:{value}", Json::from(name.as_str())))
        .collect();
    written.join(",")
}

fn has_label(statement: &Json, label: &str) -> bool {
    statement.get("Sid").and_then(Json::as_str) == Some(label)
}

fn one_or_many(texts: impl Iterator<Item = String>) -> Json {
    let mut texts: Vec<String> = texts.collect();
    match texts.len() {
        1 => texts.pop().map_or(Json::Null, Json::String),
        _ => Json::from(texts),
    }
}
