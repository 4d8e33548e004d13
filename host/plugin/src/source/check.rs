//! Checks of the values that a source's plugin returned: sizes, and cursors, which the messages of a log have and those
//! of a queue do not. See [`crate::check`] for the checks that all roles share.

use std::collections::HashSet;

use super::types::{Part, Polled, Progress, Setup};
use crate::check::{self, named, size, within};
use crate::error::ContractError;
use crate::limits;
use crate::text::quote;

/// Checks sizes, names and numbers, and makes the lines for the operator displayable.
pub(super) fn setup(setup: Setup) -> Result<Setup, ContractError> {
    check::state(&setup.state)?;
    named("the source", &setup.origin.name, limits::SOURCE_NAME_BYTES)?;
    within(
        "max-messages",
        setup.max_messages.into(),
        1,
        limits::SOURCE_MESSAGES.into(),
    )?;
    let warnings = check::lines("the warnings", &setup.warnings)?;
    Ok(Setup { warnings, ..setup })
}

/// Checks the ids of a log's parts.
pub(super) fn parts(parts: Vec<Part>) -> Result<Vec<Part>, ContractError> {
    within(
        "the number of parts",
        parts.len() as u64,
        0,
        limits::PARTS as u64,
    )?;
    let mut ids = HashSet::new();
    for part in &parts {
        named("a part", &part.id, limits::PART_BYTES)?;
        if !ids.insert(part.id.as_str()) {
            return Err(format!("it lists part \"{}\" twice", quote(&part.id)).into());
        }
    }
    Ok(parts)
}

/// Checks the number of messages and their cursors.
pub(super) fn polled(
    polled: Polled,
    progress: Progress,
    max_messages: u32,
) -> Result<Polled, ContractError> {
    let count = polled.messages.len();
    if count > max_messages as usize {
        return Err(
            format!("it returns {count} messages, and was asked for {max_messages}").into(),
        );
    }
    let cursors = polled.messages.iter().map(|message| {
        let place = message.place.as_ref();
        place.map(|place| place.cursor.as_str())
    });
    for cursor in cursors {
        match (progress, cursor) {
            (Progress::Receipts, None) => {}
            (Progress::Receipts, Some(_)) => {
                return Err("a message has a cursor, though `progress` is `receipts`".into());
            }
            (Progress::Cursors, None) => {
                return Err("a message has no cursor, though `progress` is `cursors`".into());
            }
            (Progress::Cursors, Some(cursor)) => {
                size("a cursor", cursor.len(), limits::CURSOR_BYTES)?;
            }
        }
    }
    if let Some(cursor) = &polled.cursor {
        size("the cursor", cursor.len(), limits::CURSOR_BYTES)?;
    }
    Ok(polled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_listed_once() {
        let part = |id: &str| Part {
            id: id.to_owned(),
            after: Vec::new(),
        };
        assert!(parts(vec![part("a"), part("b")]).is_ok());
        assert_eq!(
            parts(vec![part("a"), part("a")]),
            Err("it lists part \"a\" twice".into())
        );
        assert!(parts(vec![part("")]).is_err());
    }
}
