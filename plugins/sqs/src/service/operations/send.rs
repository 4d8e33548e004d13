//! SendMessage and SendMessageBatch.

use crate::md5;
use crate::service::call::{Call, Target};
use crate::service::error::{self, SqsError};
use crate::service::input::Input;
use crate::service::limits;
use crate::service::operations::message::{Draft, Rules};
use crate::service::operations::{attributes, batch};
use crate::service::output::{Output, Record};
use crate::service::store::Sent;

pub fn one(call: &Call<'_>, input: &Input<'_>) -> Result<Output, SqsError> {
    let target = call.target(input)?;
    let rules = rules(call, &target)?;
    let draft = Draft::read(input)?;
    draft.check(&rules)?;
    let sent = send(call, &target, &rules, vec![draft])?;
    Ok(Some(sent.into_iter().next().unwrap_or_default()))
}

pub fn batch(call: &Call<'_>, input: &Input<'_>) -> Result<Output, SqsError> {
    let target = call.target(input)?;
    let rules = rules(call, &target)?;
    let mut drafts = Vec::new();
    for entry in batch::entries(input, "SendMessageBatchRequestEntry")? {
        let draft = Draft::read(&entry.input);
        if let Ok(draft) = &draft {
            draft.check_fifo(&rules)?;
        }
        drafts.push((entry, draft));
    }
    check_size(drafts.iter().filter_map(|(_, draft)| draft.as_ref().ok()))?;
    let mut requested = Vec::new();
    for (entry, draft) in drafts {
        let checked = draft
            .and_then(|draft| draft.check(&rules).map(|()| draft))
            .map_err(|error| match error.code {
                code if code == &error::MISSING_PARAMETER => entry.missing("MessageBody"),
                _ => error,
            });
        // Leaving a message out would change the order of a FIFO queue.
        if rules.fifo() && checked.is_err() {
            return checked.map(|_| None);
        }
        requested.push((entry.id, checked.map_err(of_entry)));
    }
    batch::answer_entries("SendMessageBatchResultEntry", requested, |drafts| {
        let sent = send(call, &target, &rules, drafts)?;
        Ok(sent.into_iter().map(Ok).collect())
    })
}

/// Checks the total size of a batch: the limit is that of one message.
fn check_size<'a>(drafts: impl Iterator<Item = &'a Draft>) -> Result<(), SqsError> {
    let size: u64 = drafts.map(Draft::size).sum();
    if size <= limits::MESSAGE_SIZE {
        return Ok(());
    }
    Err(SqsError::new(
        &error::BATCH_REQUEST_TOO_LONG,
        format!(
            "Batch requests cannot be longer than {} bytes. You have sent {size} bytes.",
            limits::MESSAGE_SIZE
        ),
    ))
}

/// The rules of the target queue.
fn rules(call: &Call<'_>, target: &Target) -> Result<Rules, SqsError> {
    let settings = attributes::describe(call, target)?.settings;
    Ok(Rules::of(&settings))
}

/// Sends checked messages; returns the result for each.
fn send(
    call: &Call<'_>,
    target: &Target,
    rules: &Rules,
    drafts: Vec<Draft>,
) -> Result<Vec<Record>, SqsError> {
    let digests: Vec<_> = drafts.iter().map(Digests::of).collect();
    let entries = drafts
        .into_iter()
        .map(|draft| draft.into_entry(rules, call))
        .collect::<Vec<_>>();
    let sent = target
        .queue
        .send(&entries)
        .map_err(|error| call.store_error(error))?;
    let results = digests.into_iter().zip(sent);
    Ok(results
        .map(|(digests, sent)| digests.result(sent))
        .collect())
}

/// Rewrites the error for a message to the form that AWS uses in the result of a batch.
fn of_entry(error: SqsError) -> SqsError {
    if error.code == &error::MISSING_PARAMETER || error.code == &error::SERIALIZATION {
        return error;
    }
    let reason = error
        .message
        .strip_prefix("One or more parameters are invalid. Reason: ")
        .unwrap_or(&error.message);
    let message = format!("One or more parameters cannot be validated. Reason: {reason}");
    SqsError { message, ..error }
}

/// The digests with which the sender verifies that its message arrived unchanged.
struct Digests {
    body: String,
    attributes: Option<String>,
    system: Option<String>,
}

impl Digests {
    fn of(draft: &Draft) -> Self {
        Self {
            body: md5::of_body(draft.body().as_bytes()),
            attributes: md5::of_attributes(&draft.attributes),
            system: md5::of_attributes(&draft.system),
        }
    }

    fn result(self, sent: Sent) -> Record {
        Record::default()
            .text("MessageId", sent.id)
            .text("MD5OfMessageBody", self.body)
            .maybe_text("MD5OfMessageAttributes", self.attributes)
            .maybe_text("MD5OfMessageSystemAttributes", self.system)
            .maybe_text("SequenceNumber", sent.sequence)
    }
}
