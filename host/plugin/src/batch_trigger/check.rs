//! Checks of the values that a batch trigger's plugin returned: numbers for gathering, and message ids. A message
//! that is not in the batch cannot be skipped or settled, and a message cannot have two verdicts. See
//! [`crate::check`] for the checks that all roles share.

use std::collections::HashSet;

use lambkin_model::{Action, Verdict};

use super::types::{Batching, Setup, ShapedBatch};
use crate::check::{self, size, within};
use crate::error::ContractError;
use crate::limits;
use crate::text::quote;

/// Checks sizes, names and numbers, and makes the lines for the operator displayable.
pub(super) fn setup(setup: Setup) -> Result<Setup, ContractError> {
    check::state(&setup.state)?;
    let summary = check::lines("the summary", &setup.summary)?;
    check::function(&setup.function)?;
    batching(&setup.batching)?;
    let warnings = check::lines("the warnings", &setup.warnings)?;
    Ok(Setup {
        summary,
        warnings,
        ..setup
    })
}

fn batching(batching: &Batching) -> Result<(), ContractError> {
    let Batching {
        max_messages,
        max_bytes,
        window,
        max_concurrency,
    } = *batching;
    within(
        "max-messages",
        max_messages as u64,
        1,
        limits::BATCH_MESSAGES,
    )?;
    within(
        "max-bytes",
        max_bytes as u64,
        1,
        limits::BATCH_EVENT_BYTES as u64,
    )?;
    let longest = limits::BATCH_WINDOW.as_millis() as u64;
    within("window-ms", window.as_millis() as u64, 0, longest)?;
    match max_concurrency {
        Some(batches) => within("max-concurrency", batches as u64, 1, u32::MAX.into()),
        None => Ok(()),
    }
}

/// Checks the event, the token and the skipped ids. There must be an event if, and only if, not all messages are
/// skipped.
pub(super) fn shaped<'a>(
    shaped: ShapedBatch,
    batch: impl IntoIterator<Item = &'a str>,
) -> Result<ShapedBatch, ContractError> {
    let batch: HashSet<&str> = batch.into_iter().collect();
    let skipped = shaped.skipped.iter().map(String::as_str);
    let left = batch.len() - distinct("it skips", skipped, &batch)?;
    size("the token", shaped.token.len(), limits::BATCH_TOKEN_BYTES)?;
    match &shaped.event {
        Some(_) if left == 0 => {
            return Err("it returns an event though it skips all messages".into());
        }
        Some(event) => {
            size("the event", event.len(), limits::BATCH_EVENT_BYTES)?;
            check::event(event)?;
        }
        None if left > 0 => {
            return Err(
                format!("it returns no event, and does not skip {left} of the messages").into(),
            );
        }
        None => {}
    }
    Ok(shaped)
}

/// Checks that each verdict is on a message of the batch, and makes the reasons displayable.
pub(super) fn verdicts(
    verdicts: Vec<Verdict>,
    batch: &[&str],
) -> Result<Vec<Verdict>, ContractError> {
    let batch = batch.iter().copied().collect();
    let ids = verdicts.iter().map(|verdict| &*verdict.id);
    distinct("it has a verdict on", ids, &batch)?;
    let shown = |verdict| match verdict {
        Verdict {
            id,
            action: Action::DeadLetter(reason),
        } => Verdict {
            id,
            action: Action::DeadLetter(quote(&reason)),
        },
        other => other,
    };
    Ok(verdicts.into_iter().map(shown).collect())
}

/// Counts ids. Each must be in the batch, and none may be repeated.
fn distinct<'a>(
    what: &str,
    ids: impl Iterator<Item = &'a str>,
    batch: &HashSet<&str>,
) -> Result<usize, ContractError> {
    let mut seen = HashSet::new();
    for id in ids {
        if !batch.contains(id) {
            return Err(format!(
                "{what} message \"{}\", which is not in the batch",
                quote(id)
            )
            .into());
        }
        if !seen.insert(id) {
            return Err(format!("{what} message \"{}\" twice", quote(id)).into());
        }
    }
    Ok(seen.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn batching_out_of_range_is_refused() {
        let good = Batching {
            max_messages: 10_000,
            max_bytes: 6 << 20,
            window: Duration::from_secs(300),
            max_concurrency: Some(1),
        };
        assert_eq!(batching(&good), Ok(()));
        for (bad, reason) in [
            (
                Batching {
                    max_messages: 0,
                    ..good
                },
                "max-messages is 0, and may be 1 to 10000",
            ),
            (
                Batching {
                    max_messages: 10_001,
                    ..good
                },
                "max-messages is 10001, and may be 1 to 10000",
            ),
            (
                Batching {
                    max_bytes: 0,
                    ..good
                },
                "max-bytes is 0, and may be 1 to 6291456",
            ),
            (
                Batching {
                    window: Duration::from_millis(300_001),
                    ..good
                },
                "window-ms is 300001, and may be 0 to 300000",
            ),
            (
                Batching {
                    max_concurrency: Some(0),
                    ..good
                },
                "max-concurrency is 0, and may be 1 to 4294967295",
            ),
        ] {
            assert_eq!(batching(&bad), Err(reason.into()));
        }
    }

    #[test]
    fn a_message_has_at_most_one_verdict() {
        let verdict = |id: &str| Verdict {
            id: id.into(),
            action: Action::Ack,
        };
        let batch = ["a", "b"];
        assert!(verdicts(vec![verdict("b"), verdict("a")], &batch).is_ok());
        assert!(verdicts(vec![], &batch).is_ok());
        assert_eq!(
            verdicts(vec![verdict("c")], &batch),
            Err(r#"it has a verdict on message "c", which is not in the batch"#.into())
        );
        assert_eq!(
            verdicts(vec![verdict("a"), verdict("a")], &batch),
            Err(r#"it has a verdict on message "a" twice"#.into())
        );
    }

    #[test]
    fn there_is_an_event_if_and_only_if_a_message_is_left() {
        let result = |event: Option<&str>, skipped: &[&str]| {
            let batch = ShapedBatch {
                event: event.map(str::to_owned),
                skipped: skipped.iter().map(|id| (*id).to_owned()).collect(),
                token: String::new(),
            };
            shaped(batch, ["a", "b"]).map(drop)
        };
        assert_eq!(result(Some("{}"), &["a"]), Ok(()));
        assert_eq!(result(None, &["b", "a"]), Ok(()));
        assert_eq!(
            result(Some("{}"), &["a", "b"]),
            Err("it returns an event though it skips all messages".into())
        );
        assert_eq!(
            result(None, &["a"]),
            Err("it returns no event, and does not skip 1 of the messages".into())
        );
        let long = format!("\"{}\"", "x".repeat(limits::BATCH_EVENT_BYTES - 1));
        assert_eq!(
            result(Some(&long), &[]),
            Err("the event has 6291457 bytes, and may have 6291456".into())
        );
        assert_eq!(result(Some(&long.replacen('x', "", 1)), &[]), Ok(()));
    }
}
