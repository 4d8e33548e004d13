//! DeleteMessage and DeleteMessageBatch.

use std::borrow::Cow;

use crate::service::call::{Call, Target};
use crate::service::error::{self, SqsError};
use crate::service::input::Input;
use crate::service::operations::batch;
use crate::service::output::{Output, Record};
use crate::service::store::ReceiptResult;

pub fn one(call: &Call<'_>, input: &Input<'_>) -> Result<Output, SqsError> {
    let target = call.target(input)?;
    let receipt = receipt(input)?;
    let removed = remove(call, &target, &[receipt])?;
    removed.into_iter().collect::<Result<(), _>>()?;
    Ok(None)
}

pub fn batch(call: &Call<'_>, input: &Input<'_>) -> Result<Output, SqsError> {
    let target = call.target(input)?;
    let entries = batch::entries(input, "DeleteMessageBatchRequestEntry")
        .map_err(SqsError::without_detail)?;
    let requested = entries
        .into_iter()
        .map(|entry| {
            let receipt = receipt(&entry.input);
            (entry.id, receipt)
        })
        .collect();
    batch::answer_entries("DeleteMessageBatchResultEntry", requested, |receipts| {
        let removed = remove(call, &target, &receipts)?.into_iter();
        Ok(removed
            .map(|removed| removed.map(|()| Record::default()))
            .collect())
    })
}

pub fn receipt(input: &Input<'_>) -> Result<String, SqsError> {
    input.required("ReceiptHandle").map(Cow::into_owned)
}

fn remove(
    call: &Call<'_>,
    target: &Target,
    receipts: &[String],
) -> Result<Vec<Result<(), SqsError>>, SqsError> {
    let outcomes = target
        .queue
        .remove(receipts)
        .map_err(|error| call.store_error(error))?;
    let results = outcomes.into_iter().zip(receipts);
    Ok(results
        .map(|(outcome, receipt)| result_of(target, outcome, receipt))
        .collect())
}

/// The result for one receipt handle. A standard queue accepts every handle it has returned; a FIFO queue only that of
/// a message in flight.
fn result_of(target: &Target, outcome: ReceiptResult, receipt: &str) -> Result<(), SqsError> {
    match outcome {
        ReceiptResult::Malformed => Err(malformed(receipt)),
        ReceiptResult::Stale | ReceiptResult::NotLeased if target.name.ends_with(".fifo") => {
            Err(expired(receipt))
        }
        _ => Ok(()),
    }
}

pub fn malformed(receipt: &str) -> SqsError {
    SqsError::new(
        &error::RECEIPT_HANDLE_IS_INVALID,
        format!("The input receipt handle \"{receipt}\" is not a valid receipt handle."),
    )
}

pub fn expired(receipt: &str) -> SqsError {
    SqsError::value("ReceiptHandle", receipt, "The receipt handle has expired.")
}
