//! SendMessage and SendMessageBatch.

use crate::service::answer::{Answer, Record};
use crate::service::error::{self, Fault};
use crate::service::input::Input;
use crate::service::limits;
use crate::service::operations::batch;
use crate::service::operations::message::{Draft, Rules};
use crate::service::store::{Entry, Sent};
use crate::md5;
use crate::service::{Context, Target};

pub fn one(context: &Context<'_>, input: &Input<'_>) -> Result<Answer, Fault> {
    let target = context.target(input)?;
    let rules = rules(context, &target)?;
    let draft = Draft::read(input)?;
    draft.check(&rules)?;
    let digests = Digests::of(&draft);
    let sent = send(context, &target, vec![draft.into_entry(&rules, context)])?;
    let sent = sent.into_iter().next();
    Ok(Some(digests.result(Record::default(), sent)))
}

pub fn batch(context: &Context<'_>, input: &Input<'_>) -> Result<Answer, Fault> {
    let target = context.target(input)?;
    let rules = rules(context, &target)?;
    let mut size = 0;
    let mut drafts = Vec::new();
    for entry in batch::entries(input, "SendMessageBatchRequestEntry")? {
        let draft = match Draft::read(&entry.input) {
            Err(fault) if !batch::is_of_entry(&fault) => return Err(fault),
            draft => draft,
        };
        if let Ok(draft) = &draft {
            draft.check_fifo(&rules)?;
            size += draft.size();
        }
        drafts.push((entry.id, draft));
    }
    if size > limits::MESSAGE_SIZE {
        return Err(Fault::new(
            &error::BATCH_REQUEST_TOO_LONG,
            format!(
                "Batch requests cannot be longer than {} bytes. You have sent {size} bytes.",
                limits::MESSAGE_SIZE
            ),
        ));
    }
    let mut failed = Vec::new();
    let mut digests = Vec::new();
    let mut entries = Vec::new();
    for (id, draft) in drafts {
        match draft.and_then(|draft| draft.check(&rules).map(|()| draft)) {
            Ok(draft) => {
                digests.push((id, Digests::of(&draft)));
                entries.push(draft.into_entry(&rules, context));
            }
            Err(fault) => failed.push((id, of_entry(fault))),
        }
    }
    let sent = send(context, &target, entries)?;
    let done = digests
        .into_iter()
        .zip(sent)
        .map(|((id, digests), sent)| digests.result(Record::default().text("Id", id), Some(sent)))
        .collect();
    Ok(batch::answer("SendMessageBatchResultEntry", done, failed))
}

/// The rules of the queue a message is for.
fn rules(context: &Context<'_>, target: &Target) -> Result<Rules, Fault> {
    let description = target.queue.describe();
    let description = description.map_err(|fault| context.fault(fault))?;
    Ok(Rules::of(&description.settings))
}

fn send(context: &Context<'_>, target: &Target, entries: Vec<Entry>) -> Result<Vec<Sent>, Fault> {
    if entries.is_empty() {
        return Ok(Vec::new());
    }
    let sent = target.queue.send(entries);
    sent.map_err(|fault| context.fault(fault))
}

/// A message's fault as the result of a batch has it.
fn of_entry(fault: Fault) -> Fault {
    let reason = fault
        .message
        .strip_prefix("One or more parameters are invalid. Reason: ")
        .unwrap_or(&fault.message);
    let message = format!("One or more parameters cannot be validated. Reason: {reason}");
    Fault { message, ..fault }
}

/// The digests by which the sender sees that what arrived is what it sent.
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

    fn result(self, record: Record, sent: Option<Sent>) -> Record {
        let (id, sequence) = match sent {
            Some(Sent { id, sequence }) => (Some(id), sequence),
            None => (None, None),
        };
        record
            .maybe_text("MessageId", id)
            .text("MD5OfMessageBody", self.body)
            .maybe_text("MD5OfMessageAttributes", self.attributes)
            .maybe_text("MD5OfMessageSystemAttributes", self.system)
            .maybe_text("SequenceNumber", sequence)
    }
}
