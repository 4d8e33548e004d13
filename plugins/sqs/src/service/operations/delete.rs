//! DeleteMessage and DeleteMessageBatch.

use std::borrow::Cow;

use crate::service::answer::{Answer, Record};
use crate::service::error::{self, Fault};
use crate::service::input::Input;
use crate::service::operations::batch;
use crate::service::store::ReceiptResult;
use crate::service::{Call, Target};

pub fn one(call: &Call<'_>, input: &Input<'_>) -> Result<Answer, Fault> {
    let target = call.target(input)?;
    let receipt = receipt(input)?;
    let removed = remove(call, &target, &[receipt])?;
    removed.into_iter().collect::<Result<(), _>>()?;
    Ok(None)
}

pub fn batch(call: &Call<'_>, input: &Input<'_>) -> Result<Answer, Fault> {
    let target = call.target(input)?;
    let entries =
        batch::entries(input, "DeleteMessageBatchRequestEntry").map_err(Fault::without_detail)?;
    let asked = entries
        .into_iter()
        .map(|entry| {
            let receipt = receipt(&entry.input);
            (entry.id, receipt)
        })
        .collect();
    batch::run("DeleteMessageBatchResultEntry", asked, |receipts| {
        let removed = remove(call, &target, &receipts)?.into_iter();
        Ok(removed
            .map(|removed| removed.map(|()| Record::default()))
            .collect())
    })
}

pub fn receipt(input: &Input<'_>) -> Result<String, Fault> {
    input.required("ReceiptHandle").map(Cow::into_owned)
}

fn remove(
    call: &Call<'_>,
    target: &Target,
    receipts: &[String],
) -> Result<Vec<Result<(), Fault>>, Fault> {
    let settled = target.queue.remove(receipts);
    let settled = settled.map_err(|fault| call.fault(fault))?;
    let judged = settled.into_iter().zip(receipts);
    Ok(judged
        .map(|(settled, receipt)| judge(target, settled, receipt))
        .collect())
}

/// A standard queue takes every receipt handle it ever gave; a FIFO queue only that of a message in flight.
fn judge(target: &Target, settled: ReceiptResult, receipt: &str) -> Result<(), Fault> {
    match settled {
        ReceiptResult::Malformed => Err(malformed(receipt)),
        ReceiptResult::Stale | ReceiptResult::NotLeased if target.name.ends_with(".fifo") => {
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
