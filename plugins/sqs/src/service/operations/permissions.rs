//! AddPermission and RemovePermission, which add and remove statements of the queue's [`policy`].

use serde_json::{Map, Value as Json, json};

use crate::service::call::Call;
use crate::service::error::{self, SqsError};
use crate::service::input::{Input, Plural};
use crate::service::limits;
use crate::service::operations::{attributes, kept, policy};
use crate::service::output::Output;

/// Actions that can be granted, besides `*`.
const GRANTABLE: [&str; 11] = [
    "CancelMessageMoveTask",
    "ChangeMessageVisibility",
    "DeleteMessage",
    "GetQueueAttributes",
    "GetQueueUrl",
    "ListDeadLetterSourceQueues",
    "ListMessageMoveTasks",
    "PurgeQueue",
    "ReceiveMessage",
    "SendMessage",
    "StartMessageMoveTask",
];

/// Actions that only the queue's owner may call.
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

pub fn add(call: &Call<'_>, input: &Input<'_>) -> Result<Output, SqsError> {
    let target = call.target(input)?;
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
        return Err(SqsError::value("PrincipalId", "[]", "Unable to verify."));
    }
    let mut settings = attributes::describe(call, &target)?.settings;
    let arn = call.arn(&target.name);
    let mut policy = policy::read(&settings).unwrap_or_else(|| {
        let mut policy = Map::new();
        policy.insert("Version".into(), "2008-10-17".into());
        policy.insert("Id".into(), format!("{arn}/SQSDefaultPolicy").into());
        policy
    });
    let mut statements = policy::take_statements(&mut policy);
    let principals = accounts
        .iter()
        .map(|account| format!("arn:aws:iam::{account}:root"));
    let actions = actions.iter().map(|action| format!("SQS:{action}"));
    let statement = json!({
        "Sid": label,
        "Effect": "Allow",
        "Principal": {"AWS": one_or_many(principals)},
        "Action": one_or_many(actions),
        "Resource": arn,
    });
    // Repeating a request is not an error.
    if statements.contains(&statement) {
        return Ok(None);
    }
    if statements.iter().any(|other| has_label(other, &label)) {
        return Err(SqsError::value("Label", &label, "Already exists."));
    }
    statements.push(statement);
    if statements.len() > limits::POLICY_STATEMENTS {
        return Err(too_many(
            "Statements",
            statements.len(),
            limits::POLICY_STATEMENTS,
        ));
    }
    kept::set(
        &mut settings,
        "Policy",
        &policy::write(&policy, &statements),
    );
    attributes::change(call, &target, &settings)?;
    Ok(None)
}

pub fn remove(call: &Call<'_>, input: &Input<'_>) -> Result<Output, SqsError> {
    let target = call.target(input)?;
    let label = label(input)?;
    let mut settings = attributes::describe(call, &target)?.settings;
    let Some(mut policy) = policy::read(&settings) else {
        return Err(SqsError::value("Label", &label, "can't find label."));
    };
    let mut statements = policy::take_statements(&mut policy);
    let before = statements.len();
    statements.retain(|statement| !has_label(statement, &label));
    if statements.len() == before {
        let reason = "can't find label on existing policy.";
        return Err(SqsError::value("Label", &label, reason));
    }
    let text = if statements.is_empty() {
        String::new()
    } else {
        policy::write(&policy, &statements)
    };
    kept::set(&mut settings, "Policy", &text);
    attributes::change(call, &target, &settings)?;
    Ok(None)
}

fn label(input: &Input<'_>) -> Result<String, SqsError> {
    let label = input.required("Label")?.into_owned();
    let right = label.len() <= limits::BATCH_ID
        && label
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    if right {
        return Ok(label);
    }
    Err(SqsError::value(
        "Label",
        label,
        "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length.",
    ))
}

fn check_actions(actions: &[std::borrow::Cow<'_, str>]) -> Result<(), SqsError> {
    if actions.is_empty() {
        return Err(SqsError::missing("Actions"));
    }
    if actions.len() > limits::PERMISSION_ACTIONS {
        return Err(too_many(
            "Actions",
            actions.len(),
            limits::PERMISSION_ACTIONS,
        ));
    }
    for action in actions {
        if action == "*" || GRANTABLE.contains(&action.as_ref()) {
            continue;
        }
        let reason = if OWNERS.contains(&action.as_ref()) {
            "Only the queue owner is allowed to invoke this action."
        } else {
            "Please refer to the appropriate WSDL for a list of valid actions. "
        };
        return Err(SqsError::value(
            "ActionName",
            format!("SQS:{action}"),
            reason,
        ));
    }
    Ok(())
}

fn too_many(what: &str, count: usize, max: usize) -> SqsError {
    let message = format!("{count} {what} were found, maximum allowed is {max}.");
    SqsError::new(&error::OVER_LIMIT, message)
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
