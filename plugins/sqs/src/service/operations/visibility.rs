//! ChangeMessageVisibility and its batch.

use crate::service::answer::{Answer, Record};
use crate::service::error::Fault;
use crate::service::input::Input;
use crate::service::limits;
use crate::service::operations::{batch, delete};
use crate::service::store::Settled;
use crate::service::{Context, Target};

/// A receipt handle and the seconds its message is to stay invisible.
struct Change {
    receipt: String,
    seconds: u64,
}

pub fn one(context: &Context<'_>, input: &Input<'_>) -> Result<Answer, Fault> {
    let target = context.target(input)?;
    let changes = [read(input)?];
    let settled = extend(context, &target, &changes)?;
    for (settled, change) in settled.into_iter().zip(&changes) {
        judge(&target, settled, change)?;
    }
    Ok(None)
}

pub fn batch(context: &Context<'_>, input: &Input<'_>) -> Result<Answer, Fault> {
    let target = context.target(input)?;
    let entries = batch::entries(input, "ChangeMessageVisibilityBatchRequestEntry")
        .map_err(Fault::without_detail)?;
    let mut failed = Vec::new();
    let mut asked = Vec::new();
    let mut changes = Vec::new();
    for entry in entries {
        match read(&entry.input) {
            Ok(change) => {
                changes.push(change);
                asked.push(entry.id);
            }
            Err(fault) if batch::is_of_entry(&fault) => failed.push((entry.id, fault)),
            Err(fault) => return Err(fault),
        }
    }
    let settled = extend(context, &target, &changes)?;
    let mut done = Vec::new();
    for ((id, change), settled) in asked.into_iter().zip(&changes).zip(settled) {
        match judge(&target, settled, change) {
            Ok(()) => done.push(Record::default().text("Id", id)),
            Err(fault) => failed.push((id, fault)),
        }
    }
    let name = "ChangeMessageVisibilityBatchResultEntry";
    Ok(batch::answer(name, done, failed))
}

fn read(input: &Input<'_>) -> Result<Change, Fault> {
    let receipt = input.required("ReceiptHandle")?.into_owned();
    let given = input.number("VisibilityTimeout")?;
    let given = given.ok_or_else(|| Fault::missing("VisibilityTimeout"))?;
    let seconds = u64::try_from(given)
        .ok()
        .filter(|seconds| limits::VISIBILITY_TIMEOUT.contains(seconds))
        .ok_or_else(|| {
            Fault::value(
                "VisibilityTimeout",
                given,
                "VisibilityTimeout must be an integer between 0 and 43200.",
            )
        })?;
    Ok(Change { receipt, seconds })
}

fn extend(
    context: &Context<'_>,
    target: &Target,
    changes: &[Change],
) -> Result<Vec<Settled>, Fault> {
    if changes.is_empty() {
        return Ok(Vec::new());
    }
    let changes: Vec<_> = changes
        .iter()
        .map(|change| (change.receipt.clone(), change.seconds * 1000))
        .collect();
    let settled = target.queue.extend(&changes);
    settled.map_err(|fault| context.fault(fault))
}

/// On a standard queue AWS accepts a receipt handle whose visibility timeout has expired and changes nothing.
fn judge(target: &Target, settled: Settled, change: &Change) -> Result<(), Fault> {
    let receipt = &change.receipt;
    match settled {
        Settled::Done => Ok(()),
        Settled::Malformed => Err(delete::malformed(receipt)),
        Settled::TooLong => Err(Fault::value(
            "VisibilityTimeout",
            change.seconds,
            "Total VisibilityTimeout for the message is beyond the limit [43200 seconds]",
        )),
        Settled::Stale | Settled::NotLeased if target.name.ends_with(".fifo") => {
            Err(delete::expired(receipt))
        }
        Settled::NotLeased => Ok(()),
        Settled::Gone | Settled::Stale => Err(Fault::value(
            "ReceiptHandle",
            receipt,
            "Message does not exist or is not available for visibility timeout change.",
        )),
    }
}
