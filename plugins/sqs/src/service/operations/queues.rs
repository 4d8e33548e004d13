//! Queues as such: CreateQueue, GetQueueUrl, ListQueues, DeleteQueue, PurgeQueue.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::service::answer::{self, Answer, Record};
use crate::service::error::{self, Fault};
use crate::service::input::{Input, Pairs, Plural};
use crate::service::limits;
use crate::service::operations::{attributes, tags};
use crate::service::store::{Page, Settings, StoreError};
use crate::service::{Context, Target, address};

pub fn create(context: &Context<'_>, input: &Input<'_>) -> Result<Answer, Fault> {
    let name = queue_name(input)?.ok_or_else(no_name)?;
    if name.is_empty() {
        return Err(Fault::invalid("Queue name cannot be empty"));
    }
    let changes = input.pairs(attributes::ATTRIBUTES)?.unwrap_or_default();
    let fifo = changes
        .iter()
        .any(|(name, value)| name == "FifoQueue" && value.eq_ignore_ascii_case("true"));
    check_name(&name, fifo)?;
    let mut settings = attributes::initial(fifo);
    attributes::apply(context, &name, &mut settings, &changes)?;
    tags::add(&name, &mut settings, tags_of(input)?)?;

    if let Ok(queue) = context.store().open(&name) {
        let target = Target { name, queue };
        return confirm(context, &target, &settings, &changes);
    }
    check_rest(context, &name)?;
    match context.store().create(&name, &settings) {
        Ok(_) => Ok(url(context, &name)),
        // Somebody else was quicker.
        Err(StoreError::Exists) => {
            let queue = context.open(&name)?;
            let target = Target { name, queue };
            confirm(context, &target, &settings, &changes)
        }
        Err(fault) => Err(context.fault(fault)),
    }
}

fn tags_of(input: &Input<'_>) -> Result<Vec<(String, String)>, Fault> {
    let tags = input.pairs(Pairs {
        plural: Plural {
            json: "tags",
            query: "Tag",
        },
        key: "Key",
    })?;
    Ok(tags.unwrap_or_default())
}

fn check_name(name: &str, fifo: bool) -> Result<(), Fault> {
    if address::is_name(name) && name.ends_with(".fifo") == fifo {
        return Ok(());
    }
    Err(Fault::invalid(if fifo {
        "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, \
         must end with .fifo suffix and be 1 to 80 in length."
    } else {
        "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
    }))
}

/// Creating a queue again is no error if it is asked for as it is.
fn confirm(
    context: &Context<'_>,
    target: &Target,
    asked: &Settings,
    changes: &[(String, String)],
) -> Result<Answer, Fault> {
    let settings = attributes::describe(context, target)?.settings;
    let differing = changes.iter().find(|(name, _)| {
        attributes::value(context, &settings, name) != attributes::value(context, asked, name)
    });
    match differing {
        None => Ok(url(context, &target.name)),
        Some((name, _)) => Err(Fault::new(
            &error::QUEUE_NAME_EXISTS,
            format!(
                "A queue already exists with the same name and a different value for attribute {name}"
            ),
        )),
    }
}

/// A name rests for a while after its queue was deleted.
fn check_rest(context: &Context<'_>, name: &str) -> Result<(), Fault> {
    let rest_ms = u64::from(context.world.settings.recreate_delay) * 1000;
    let deleted = context.store().deleted_at(name);
    if deleted.is_none_or(|deleted| deleted.saturating_add(rest_ms) <= context.world.now_ms) {
        return Ok(());
    }
    Err(Fault::new(
        &error::QUEUE_DELETED_RECENTLY,
        "You must wait 60 seconds after deleting a queue before you can create another with the same name.",
    ))
}

fn url(context: &Context<'_>, name: &str) -> Answer {
    Some(Record::default().text("QueueUrl", context.url(name)))
}

fn queue_name(input: &Input<'_>) -> Result<Option<String>, Fault> {
    Ok(input.text("QueueName")?.map(Cow::into_owned))
}

fn no_name() -> Fault {
    Fault::invalid("Value for parameter QueueName is invalid. Reason: Must specify a queue name.")
}

pub fn get_url(context: &Context<'_>, input: &Input<'_>) -> Result<Answer, Fault> {
    let name = queue_name(input)?.filter(|name| !name.is_empty());
    let name = name.ok_or_else(no_name)?;
    // The queues of other accounts do not exist here, and AWS does not tell that from being forbidden.
    if let Some(owner) = input.text("QueueOwnerAWSAccountId")?
        && owner != context.world.account
    {
        return Err(context.missing_queue());
    }
    if !address::is_name(&name) {
        return Err(context.missing_queue());
    }
    context.open(&name)?;
    Ok(url(context, &name))
}

pub fn delete(context: &Context<'_>, input: &Input<'_>) -> Result<Answer, Fault> {
    let target = context.target(input)?;
    let deleted = context.store().delete(&target.name);
    deleted.map_err(|fault| context.fault(fault))?;
    Ok(None)
}

pub fn purge(context: &Context<'_>, input: &Input<'_>) -> Result<Answer, Fault> {
    let target = context.target(input)?;
    let purged = attributes::describe(context, &target)?.purged_at_ms;
    let rest_ms = u64::from(context.world.settings.purge_delay) * 1000;
    if purged.is_some_and(|purged| purged.saturating_add(rest_ms) > context.world.now_ms) {
        return Err(Fault::new(
            &error::PURGE_QUEUE_IN_PROGRESS,
            format!(
                "Only one PurgeQueue operation on {} is allowed every 60 seconds.",
                target.name
            ),
        ));
    }
    let purged = target.queue.purge();
    purged.map_err(|fault| context.fault(fault))?;
    Ok(None)
}

pub fn list(context: &Context<'_>, input: &Input<'_>) -> Result<Answer, Fault> {
    let range = Range::read(input)?;
    let prefix = input.text("QueueNamePrefix")?.unwrap_or_default();
    let page = context
        .store()
        .queues(&prefix, range.after.as_deref(), range.most);
    let page = page.map_err(|fault| context.fault(fault))?;
    Ok(urls(context, "QueueUrls", &range, page))
}

/// Which part of a list is asked for.
pub struct Range {
    /// The last name of the part before.
    pub after: Option<String>,
    pub most: u32,
    /// AWS gives tokens to those only who limit the number of results.
    tokens: bool,
}

impl Range {
    pub fn read(input: &Input<'_>) -> Result<Self, Fault> {
        // AWS takes 0 for nothing said.
        let given = input.number("MaxResults")?.filter(|most| *most != 0);
        let most = given.unwrap_or(1000);
        let in_range = u64::try_from(most).is_ok_and(|most| limits::PAGE.contains(&most));
        if !in_range {
            return Err(Fault::invalid(
                "Value for parameter MaxResults is invalid. \
                 Reason: MaxResults must be an integer between 1 and 1000.",
            ));
        }
        let after = input
            .text("NextToken")?
            .filter(|token| !token.is_empty())
            .map(|token| {
                let name = BASE64.decode(token.as_bytes()).ok();
                name.and_then(|name| String::from_utf8(name).ok())
                    .ok_or_else(|| Fault::invalid("Invalid or expired next token."))
            })
            .transpose()?;
        Ok(Self {
            after,
            most: u32::try_from(most).unwrap_or(1000),
            tokens: given.is_some(),
        })
    }
}

/// A part of a list of queues, and where to go on.
pub fn urls(context: &Context<'_>, name: &'static str, range: &Range, page: Page) -> Answer {
    let last = page.queues.last().filter(|_| page.more && range.tokens);
    let token = last.map(|queue| BASE64.encode(&queue.name));
    let urls = page.queues.iter().map(|queue| context.url(&queue.name));
    Some(
        Record::default()
            .list(name, "QueueUrl", answer::texts(urls))
            .maybe_text("NextToken", token),
    )
}
