//! Checks of the values that a batch trigger's plugin returned: numbers for gathering, and message ids. A message
//! that is not in the batch cannot be skipped or settled, and a message cannot have two verdicts. See
//! [`crate::check`] for the checks that all roles share.

use std::collections::HashSet;

use lambkin_model::{Action, Settlement, Verdict};

use super::types::{Batching, Setup, ShapedBatch};
use crate::check::{self, size, within};
use crate::error::ContractError;
use crate::limits;
use crate::text::quote;

/// Checks sizes, names and numbers, and makes the lines for the operator displayable.
pub(super) fn setup(setup: Setup) -> Result<Setup, ContractError> {
    check::state(&setup.state)?;
    let summary = check::lines("the summary", &setup.summary)?;
    let function = check::function(setup.function)?;
    batching(&setup.batching)?;
    let warnings = check::lines("the warnings", &setup.warnings)?;
    Ok(Setup {
        function,
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

/// Checks that each verdict is on a message of the batch, and every action.
pub(super) fn settlement(
    settlement: Settlement,
    batch: &[&str],
) -> Result<Settlement, ContractError> {
    let batch = batch.iter().copied().collect();
    let ids = settlement.but.iter().map(|verdict| &*verdict.id);
    distinct("it has a verdict on", ids, &batch)?;
    let but = settlement.but.into_iter().map(|Verdict { id, action }| {
        let action = checked_action(&format!("message \"{}\"", quote(&id)), action)?;
        Ok(Verdict { id, action })
    });
    Ok(Settlement {
        but: but.collect::<Result<_, ContractError>>()?,
        otherwise: checked_action("the messages without a verdict", settlement.otherwise)?,
    })
}

/// Checks the delay of a retry, and makes a reason displayable.
fn checked_action(what: &str, action: Action) -> Result<Action, ContractError> {
    match action {
        Action::Retry(Some(after)) if after > limits::RETRY_MS => Err(format!(
            "it delivers {what} again after {after} ms, and may do so after up to {} ms (12 hours)",
            limits::RETRY_MS
        )
        .into()),
        Action::DeadLetter(reason) => Ok(Action::DeadLetter(quote(&reason))),
        action => Ok(action),
    }
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

    fn settled(but: &[(&str, Action)]) -> Result<Settlement, ContractError> {
        let but = but.iter().map(|(id, action)| Verdict {
            id: (*id).to_owned(),
            action: action.clone(),
        });
        let given = Settlement {
            otherwise: Action::Ack,
            but: but.collect(),
        };
        settlement(given, &["a", "b"])
    }

    #[test]
    fn a_message_has_at_most_one_verdict() {
        assert!(settled(&[("b", Action::Ack), ("a", Action::Ack)]).is_ok());
        assert!(settled(&[]).is_ok());
        assert_eq!(
            settled(&[("c", Action::Ack)]),
            Err(r#"it has a verdict on message "c", which is not in the batch"#.into())
        );
        assert_eq!(
            settled(&[("a", Action::Ack), ("a", Action::Ack)]),
            Err(r#"it has a verdict on message "a" twice"#.into())
        );
    }

    #[test]
    fn a_message_is_delivered_again_within_12_hours() {
        let longest = Action::Retry(Some(43_200_000));
        assert!(settled(&[("a", longest), ("b", Action::Retry(None))]).is_ok());
        assert_eq!(
            settled(&[("a", Action::Retry(Some(u32::MAX)))]),
            Err(
                "it delivers message \"a\" again after 4294967295 ms, and may do so after up to 43200000 ms (12 hours)"
                    .into()
            )
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
