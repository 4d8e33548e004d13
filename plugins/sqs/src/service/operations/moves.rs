//! Message move tasks: StartMessageMoveTask, CancelMessageMoveTask, ListMessageMoveTasks.
//!
//! As on AWS, a task's handle is a JSON object in base64. It contains the store's handle and the source queue's ARN.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::Value as Json;

use crate::service::address;
use crate::service::call::Call;
use crate::service::error::{self, SqsError};
use crate::service::input::Input;
use crate::service::limits;
use crate::service::output::{Node, Output, Record};
use crate::service::store::{Move, MoveStatus, Queue, StoreError};

const SOURCE: &str = "SourceArn";
const DESTINATION: &str = "DestinationArn";

pub fn start(call: &Call<'_>, input: &Input<'_>) -> Result<Output, SqsError> {
    let arn = input
        .text(SOURCE)?
        .ok_or_else(|| SqsError::missing(SOURCE))?;
    let (name, source) = open(call, SOURCE, &arn)?;
    let rate = rate(input)?;
    let sources = source
        .dead_letter_sources(None, 1)
        .map_err(|error| call.store_error(error))?;
    if sources.queues.is_empty() {
        return Err(SqsError::invalid(
            "Source queue must be configured as a Dead Letter Queue.",
        ));
    }
    let destination = match input.text(DESTINATION)? {
        Some(arn) => Some(open(call, DESTINATION, &arn)?.0),
        None => None,
    };
    if destination.as_ref() == Some(&name) {
        return Err(SqsError::invalid(
            "Source queue arn and destination queue arn cannot be the same.",
        ));
    }
    let started = source.start_move(destination.as_deref(), rate);
    let task = started.map_err(|error| match error {
        StoreError::Exists => SqsError::invalid(
            "There is already a task running. Only one active task is allowed for a source queue arn at a given time.",
        ),
        StoreError::Missing => missing(DESTINATION),
        StoreError::Invalid(_) => SqsError::invalid(
            "The source queue and destination queue must be of the same queue type.",
        ),
        error => call.store_error(error),
    })?;
    Ok(Some(
        Record::default().text("TaskHandle", handle(&task, &call.arn(&name))),
    ))
}

fn rate(input: &Input<'_>) -> Result<Option<u32>, SqsError> {
    let name = "MaxNumberOfMessagesPerSecond";
    let Some(given) = input.number(name)? else {
        return Ok(None);
    };
    match u32::try_from(given) {
        Ok(rate) if limits::MOVE_RATE.contains(&u64::from(rate)) => Ok(Some(rate)),
        _ => Err(SqsError::invalid(format!(
            "Value for parameter {name} is invalid. Reason: You must enter a number that's between 1 and 500."
        ))),
    }
}

pub fn cancel(call: &Call<'_>, input: &Input<'_>) -> Result<Output, SqsError> {
    let given = input.required("TaskHandle")?;
    let (task, arn) = parse_handle(&given)
        .ok_or_else(|| SqsError::invalid("Value for parameter TaskHandle is invalid."))?;
    open(call, SOURCE, &arn)?;
    let cancelled = call.store().cancel_move(&task);
    let moved = cancelled.map_err(|error| match error {
        StoreError::Missing => SqsError::new(&error::RESOURCE_NOT_FOUND, "Task does not exist."),
        StoreError::Invalid(_) => SqsError::invalid("Only active tasks can be cancelled."),
        error => call.store_error(error),
    })?;
    Ok(Some(
        Record::default().number("ApproximateNumberOfMessagesMoved", moved),
    ))
}

pub fn list(call: &Call<'_>, input: &Input<'_>) -> Result<Output, SqsError> {
    let arn = input
        .text(SOURCE)?
        .ok_or_else(|| SqsError::missing(SOURCE))?;
    let (_, source) = open(call, SOURCE, &arn)?;
    let given = input.number("MaxResults")?.unwrap_or(1);
    let max = u32::try_from(given)
        .ok()
        .filter(|max| limits::MOVE_TASKS.contains(&u64::from(*max)))
        .ok_or_else(|| {
            SqsError::value(
                "MaxResults",
                given,
                "Must be between 1 and 10, if provided.",
            )
        })?;
    let moves = source.moves(max).map_err(|error| call.store_error(error))?;
    let results = moves
        .into_iter()
        .map(|task| Node::Record(render(call, task)))
        .collect();
    let name = "ListMessageMoveTasksResultEntry";
    Ok(Some(Record::default().list("Results", name, results)))
}

fn render(call: &Call<'_>, task: Move) -> Record {
    let source = call.arn(&task.source);
    let running = task.status == MoveStatus::Running;
    let status = match task.status {
        MoveStatus::Running => "RUNNING",
        MoveStatus::Completed => "COMPLETED",
        MoveStatus::Cancelling => "CANCELLING",
        MoveStatus::Cancelled => "CANCELLED",
        MoveStatus::Failed => "FAILED",
    };
    Record::default()
        .maybe_text("TaskHandle", running.then(|| handle(&task.handle, &source)))
        .text("Status", status)
        .text(SOURCE, source)
        .maybe_text(DESTINATION, task.destination.map(|name| call.arn(&name)))
        .maybe_number(
            "MaxNumberOfMessagesPerSecond",
            task.per_second.map(u64::from),
        )
        .number("ApproximateNumberOfMessagesMoved", task.moved)
        .number("ApproximateNumberOfMessagesToMove", task.expected)
        .maybe_text("FailureReason", task.failure_reason)
        .number("StartedTimestamp", task.started_at_ms)
}

/// Opens the queue with this ARN.
fn open(call: &Call<'_>, parameter: &str, arn: &str) -> Result<(String, Box<dyn Queue>), SqsError> {
    let parts = address::parse_arn(arn)
        .filter(|parts| parts.service == "sqs")
        .ok_or_else(|| {
            SqsError::invalid(format!(
                "You must use this format to specify the {parameter}: \
             arn:<partition>:<service>:<region>:<account-id>:<resource-id>"
            ))
        })?;
    if (parts.region, parts.account) != (call.context.region, call.context.account) {
        return Err(missing(parameter));
    }
    match call.store().open(parts.name) {
        Ok(queue) => Ok((parts.name.to_owned(), queue)),
        Err(StoreError::Missing) => Err(missing(parameter)),
        Err(error) => Err(call.store_error(error)),
    }
}

fn missing(parameter: &str) -> SqsError {
    SqsError::new(
        &error::RESOURCE_NOT_FOUND,
        format!("The resource that you specified for the {parameter} parameter doesn't exist."),
    )
}

fn handle(task: &str, source: &str) -> String {
    // Neither needs JSON escapes: the task is a UUID, the source the ARN of an existing queue.
    BASE64.encode(format!(r#"{{"taskId":"{task}","sourceArn":"{source}"}}"#))
}

fn parse_handle(handle: &str) -> Option<(String, String)> {
    let text = BASE64.decode(handle).ok()?;
    let object: Json = serde_json::from_slice(&text).ok()?;
    let part = |name: &str| object.get(name)?.as_str().map(str::to_owned);
    Some((part("taskId")?, part("sourceArn")?))
}
