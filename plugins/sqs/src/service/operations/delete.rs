//! DeleteMessage and DeleteMessageBatch.

use crate::service::answer::{Answer, Record};
use crate::service::error::{self, Fault};
use crate::service::input::Input;
use crate::service::operations::batch;
use crate::service::store::Settled;
use crate::service::{Context, Target};

pub fn one(context: &Context<'_>, input: &Input<'_>) -> Result<Answer, Fault> {
    let target = context.target(input)?;
    let receipt = input.required("ReceiptHandle")?.into_owned();
    let receipts = [receipt];
    let settled = remove(context, &target, &receipts)?;
    for (settled, receipt) in settled.into_iter().zip(&receipts) {
        judge(&target, settled, receipt)?;
    }
    Ok(None)
}

pub fn batch(context: &Context<'_>, input: &Input<'_>) -> Result<Answer, Fault> {
    let target = context.target(input)?;
    let entries =
        batch::entries(input, "DeleteMessageBatchRequestEntry").map_err(Fault::without_detail)?;
    let mut failed = Vec::new();
    let mut asked = Vec::new();
    let mut receipts = Vec::new();
    for entry in entries {
        match entry.input.required("ReceiptHandle") {
            Ok(receipt) => {
                receipts.push(receipt.into_owned());
                asked.push(entry.id);
            }
            Err(fault) if batch::is_of_entry(&fault) => failed.push((entry.id, fault)),
            Err(fault) => return Err(fault),
        }
    }
    let settled = remove(context, &target, &receipts)?;
    let mut done = Vec::new();
    for ((id, receipt), settled) in asked.into_iter().zip(&receipts).zip(settled) {
        match judge(&target, settled, receipt) {
            Ok(()) => done.push(Record::default().text("Id", id)),
            Err(fault) => failed.push((id, fault)),
        }
    }
    Ok(batch::answer("DeleteMessageBatchResultEntry", done, failed))
}

fn remove(
    context: &Context<'_>,
    target: &Target,
    receipts: &[String],
) -> Result<Vec<Settled>, Fault> {
    if receipts.is_empty() {
        return Ok(Vec::new());
    }
    let settled = target.queue.remove(receipts);
    settled.map_err(|fault| context.fault(fault))
}

/// A standard queue takes every receipt handle it ever gave; a FIFO queue only that of a message in flight.
fn judge(target: &Target, settled: Settled, receipt: &str) -> Result<(), Fault> {
    match settled {
        Settled::Malformed => Err(malformed(receipt)),
        Settled::Stale | Settled::NotLeased if target.name.ends_with(".fifo") => {
            Err(expired(receipt))
        }
        _ => Ok(()),
    }
}

pub fn malformed(receipt: &str) -> Fault {
    Fault::new(
        &error::RECEIPT_HANDLE_IS_INVALID,
        format!("The input receipt handle \"{receipt}\" is not a valid receipt handle."),
    )
}

pub fn expired(receipt: &str) -> Fault {
    Fault::value("ReceiptHandle", receipt, "The receipt handle has expired.")
}
