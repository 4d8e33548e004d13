//! CreateQueue, GetQueueUrl, ListQueues, DeleteQueue and PurgeQueue.

use std::borrow::Cow;

use crate::service::address;
use crate::service::call::{Call, Target};
use crate::service::error::{self, SqsError};
use crate::service::input::{Input, Pairs, Plural};
use crate::service::operations::page::{self, PageRequest};
use crate::service::operations::{attributes, tags};
use crate::service::output::{Output, Record};
use crate::service::store::{Settings, StoreError};

pub fn create(call: &Call<'_>, input: &Input<'_>) -> Result<Output, SqsError> {
    let name = queue_name(input)?.ok_or_else(no_name)?;
    if name.is_empty() {
        return Err(SqsError::invalid("Queue name cannot be empty"));
    }
    let changes = input.pairs(attributes::ATTRIBUTES)?.unwrap_or_default();
    let fifo = changes
        .iter()
        .any(|(name, value)| name == "FifoQueue" && value.eq_ignore_ascii_case("true"));
    check_name(&name, fifo)?;
    let mut settings = attributes::initial(fifo);
    attributes::apply(call, &name, &mut settings, &changes)?;
    tags::add(&name, &mut settings, tags_of(input)?)?;

    if let Ok(queue) = call.store().open(&name) {
        let target = Target { name, queue };
        return confirm(call, &target, &settings, &changes);
    }
    check_recreate_delay(call, &name)?;
    match call.store().create(&name, &settings) {
        Ok(_) => Ok(url(call, &name)),
        // Another request has created it in the meantime.
        Err(StoreError::Exists) => {
            let queue = call.open(&name)?;
            let target = Target { name, queue };
            confirm(call, &target, &settings, &changes)
        }
        Err(error) => Err(call.store_error(error)),
    }
}

fn tags_of(input: &Input<'_>) -> Result<Vec<(String, String)>, SqsError> {
    let tags = input.pairs(Pairs {
        plural: Plural {
            json: "tags",
            query: "Tag",
        },
        key: "Key",
    })?;
    Ok(tags.unwrap_or_default())
}

fn check_name(name: &str, fifo: bool) -> Result<(), SqsError> {
    if address::is_name(name) && name.ends_with(".fifo") == fifo {
        return Ok(());
    }
    Err(SqsError::invalid(if fifo {
        "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, \
         must end with .fifo suffix and be 1 to 80 in length."
    } else {
        "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
    }))
}

/// Answers CreateQueue for an existing queue: an error unless it has the requested attributes.
fn confirm(
    call: &Call<'_>,
    target: &Target,
    asked: &Settings,
    changes: &[(String, String)],
) -> Result<Output, SqsError> {
    let settings = attributes::describe(call, target)?.settings;
    let differing = changes.iter().find(|(name, _)| {
        attributes::value(call, &settings, name) != attributes::value(call, asked, name)
    });
    match differing {
        None => Ok(url(call, &target.name)),
        Some((name, _)) => Err(SqsError::new(
            &error::QUEUE_NAME_EXISTS,
            format!(
                "A queue already exists with the same name and a different value for attribute {name}"
            ),
        )),
    }
}

/// Fails if a queue with this name was deleted too recently (`recreate-delay`).
fn check_recreate_delay(call: &Call<'_>, name: &str) -> Result<(), SqsError> {
    let delay_ms = u64::from(call.context.settings.recreate_delay) * 1000;
    let deleted = call.store().deleted_at(name);
    if deleted.is_none_or(|deleted| deleted.saturating_add(delay_ms) <= call.context.now_ms) {
        return Ok(());
    }
    Err(SqsError::new(
        &error::QUEUE_DELETED_RECENTLY,
        "You must wait 60 seconds after deleting a queue before you can create another with the same name.",
    ))
}

fn url(call: &Call<'_>, name: &str) -> Output {
    Some(Record::default().text("QueueUrl", call.url(name)))
}

fn queue_name(input: &Input<'_>) -> Result<Option<String>, SqsError> {
    Ok(input.text("QueueName")?.map(Cow::into_owned))
}

fn no_name() -> SqsError {
    SqsError::invalid(
        "Value for parameter QueueName is invalid. Reason: Must specify a queue name.",
    )
}

pub fn get_url(call: &Call<'_>, input: &Input<'_>) -> Result<Output, SqsError> {
    let name = queue_name(input)?
        .filter(|name| !name.is_empty())
        .ok_or_else(no_name)?;
    // There are no queues of other accounts, and AWS returns the same error for those that are forbidden.
    if let Some(owner) = input.text("QueueOwnerAWSAccountId")?
        && owner != call.context.account
    {
        return Err(call.missing_queue());
    }
    if !address::is_name(&name) {
        return Err(call.missing_queue());
    }
    call.open(&name)?;
    Ok(url(call, &name))
}

pub fn delete(call: &Call<'_>, input: &Input<'_>) -> Result<Output, SqsError> {
    let target = call.target(input)?;
    let deleted = call.store().delete(&target.name);
    deleted.map_err(|error| call.store_error(error))?;
    Ok(None)
}

pub fn purge(call: &Call<'_>, input: &Input<'_>) -> Result<Output, SqsError> {
    let target = call.target(input)?;
    let purged = attributes::describe(call, &target)?.purged_at_ms;
    let delay_ms = u64::from(call.context.settings.purge_delay) * 1000;
    if purged.is_some_and(|purged| purged.saturating_add(delay_ms) > call.context.now_ms) {
        return Err(SqsError::new(
            &error::PURGE_QUEUE_IN_PROGRESS,
            format!(
                "Only one PurgeQueue operation on {} is allowed every 60 seconds.",
                target.name
            ),
        ));
    }
    target
        .queue
        .purge()
        .map_err(|error| call.store_error(error))?;
    Ok(None)
}

pub fn list(call: &Call<'_>, input: &Input<'_>) -> Result<Output, SqsError> {
    let range = PageRequest::read(input)?;
    let prefix = input.text("QueueNamePrefix")?.unwrap_or_default();
    let page = call
        .store()
        .queues(&prefix, range.after.as_deref(), range.max)
        .map_err(|error| call.store_error(error))?;
    Ok(page::urls(call, "QueueUrls", &range, page))
}
