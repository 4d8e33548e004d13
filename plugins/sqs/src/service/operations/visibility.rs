//! ChangeMessageVisibility and ChangeMessageVisibilityBatch.

use crate::service::call::{Call, Target};
use crate::service::error::SqsError;
use crate::service::input::Input;
use crate::service::limits;
use crate::service::operations::{batch, delete};
use crate::service::output::{Output, Record};
use crate::service::store::ReceiptResult;

const TIMEOUT: &str = "VisibilityTimeout";

/// A new visibility timeout for the message of a receipt handle.
struct Change {
    receipt: String,
    seconds: u64,
}

pub fn one(call: &Call<'_>, input: &Input<'_>) -> Result<Output, SqsError> {
    let target = call.target(input)?;
    let change = read(input, || SqsError::missing(TIMEOUT))?;
    let extended = extend(call, &target, &[change])?;
    extended.into_iter().collect::<Result<(), _>>()?;
    Ok(None)
}

pub fn batch(call: &Call<'_>, input: &Input<'_>) -> Result<Output, SqsError> {
    let target = call.target(input)?;
    let entries = batch::entries(input, "ChangeMessageVisibilityBatchRequestEntry")
        .map_err(SqsError::without_detail)?;
    let requested = entries
        .into_iter()
        .map(|entry| {
            let change = read(&entry.input, || entry.missing(TIMEOUT));
            (entry.id, change)
        })
        .collect();
    let name = "ChangeMessageVisibilityBatchResultEntry";
    batch::answer_entries(name, requested, |changes| {
        let extended = extend(call, &target, &changes)?.into_iter();
        Ok(extended
            .map(|extended| extended.map(|()| Record::default()))
            .collect())
    })
}

fn read(input: &Input<'_>, missing: impl FnOnce() -> SqsError) -> Result<Change, SqsError> {
    let receipt = delete::receipt(input)?;
    let given = input.number(TIMEOUT)?.ok_or_else(missing)?;
    let seconds = u64::try_from(given)
        .ok()
        .filter(|seconds| limits::VISIBILITY_TIMEOUT.contains(seconds))
        .ok_or_else(|| {
            let reason = "VisibilityTimeout must be an integer between 0 and 43200";
            SqsError::value(TIMEOUT, given, reason)
        })?;
    Ok(Change { receipt, seconds })
}

fn extend(
    call: &Call<'_>,
    target: &Target,
    changes: &[Change],
) -> Result<Vec<Result<(), SqsError>>, SqsError> {
    let leases: Vec<_> = changes
        .iter()
        .map(|change| (change.receipt.clone(), change.seconds * 1000))
        .collect();
    let outcomes = target
        .queue
        .change_leases(&leases)
        .map_err(|error| call.store_error(error))?;
    let results = outcomes.into_iter().zip(changes);
    Ok(results
        .map(|(outcome, change)| result_of(target, outcome, change))
        .collect())
}

/// The result for one receipt handle. For a standard queue, AWS reports success for a handle whose visibility timeout
/// has expired, and changes nothing.
fn result_of(target: &Target, outcome: ReceiptResult, change: &Change) -> Result<(), SqsError> {
    let receipt = &change.receipt;
    match outcome {
        ReceiptResult::Done => Ok(()),
        ReceiptResult::Malformed => Err(delete::malformed(receipt)),
        ReceiptResult::TooLong => Err(SqsError::value(
            TIMEOUT,
            change.seconds,
            "Total VisibilityTimeout for the message is beyond the limit [43200 seconds]",
        )),
        ReceiptResult::Stale | ReceiptResult::NotLeased if target.name.ends_with(".fifo") => {
            Err(delete::expired(receipt))
        }
        ReceiptResult::NotLeased => Ok(()),
        ReceiptResult::Gone | ReceiptResult::Stale => Err(SqsError::value(
            "ReceiptHandle",
            receipt,
            "Message does not exist or is not available for visibility timeout change.",
        )),
    }
}
