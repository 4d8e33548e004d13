//! A message to be sent: its body, attributes and FIFO ids, and AWS's rules for them.

use std::borrow::Cow;

use plugin_kit::hex;
use sha2::{Digest as _, Sha256};

use crate::service::call::Call;
use crate::service::error::{self, SqsError};
use crate::service::input::Input;
use crate::service::limits;
use crate::service::operations::kept;
use crate::service::operations::message_attributes::{self, SYSTEM, TRACE_HEADER, USER};
use crate::service::store::{Attribute, Entry, Settings, Value};

/// The `SenderId` of every message, in the form of an AWS user id: credentials are not looked up.
const SENDER: &str = "AIDAIENQZJOLO23YVJ4VO";

/// The settings of a queue that decide which messages it accepts.
pub struct Rules {
    fifo: bool,
    content_based: bool,
    max_size: u64,
}

impl Rules {
    /// Whether the queue is a FIFO queue.
    pub fn fifo(&self) -> bool {
        self.fifo
    }

    /// The rules of a queue with these settings.
    pub fn of(settings: &Settings) -> Self {
        let kept = |name: &str| kept::get(settings, name);
        Self {
            fifo: settings.ordered,
            content_based: kept("ContentBasedDeduplication") == Some("true"),
            max_size: kept("MaximumMessageSize")
                .and_then(|size| size.parse().ok())
                .unwrap_or(limits::MESSAGE_SIZE),
        }
    }
}

/// A message as it is in the request.
pub struct Draft {
    body: String,
    delay: Option<i64>,
    pub attributes: Vec<Attribute>,
    pub system: Vec<Attribute>,
    group: Option<String>,
    deduplication: Option<String>,
}

impl Draft {
    /// Reads a message from a request.
    ///
    /// # Errors
    ///
    /// Fails if a parameter has the wrong type or an attribute is invalid.
    pub fn read(input: &Input<'_>) -> Result<Self, SqsError> {
        let own = |name: &str| Ok(input.text(name)?.map(Cow::into_owned));
        Ok(Self {
            body: input.text("MessageBody")?.unwrap_or_default().into_owned(),
            delay: input.number("DelaySeconds")?,
            attributes: message_attributes::read(input, &USER)?,
            system: message_attributes::read(input, &SYSTEM)?,
            group: own("MessageGroupId")?,
            deduplication: own("MessageDeduplicationId")?,
        })
    }

    /// The message's body.
    pub fn body(&self) -> &str {
        &self.body
    }

    /// The size in bytes as AWS counts it: the body, and the names, types and values of user attributes.
    pub fn size(&self) -> u64 {
        let attributes = self.attributes.iter().map(|attribute| {
            let value = match &attribute.value {
                Value::Text(text) => text.len(),
                Value::Binary(bytes) => bytes.len(),
            };
            attribute.name.len() + attribute.data_type.len() + value
        });
        (self.body.len() + attributes.sum::<usize>()) as u64
    }

    /// Checks the ids that every message of a FIFO queue needs. AWS rejects a whole batch if one entry lacks them.
    pub fn check_fifo(&self, rules: &Rules) -> Result<(), SqsError> {
        if !rules.fifo {
            return Ok(());
        }
        if self.deduplication.is_none() && !rules.content_based {
            return Err(no_deduplication());
        }
        if self.group.is_none() {
            return Err(SqsError::invalid(
                SqsError::missing("MessageGroupId").message,
            ));
        }
        Ok(())
    }

    /// Checks the message against the rules of its queue.
    pub fn check(&self, rules: &Rules) -> Result<(), SqsError> {
        if self.body.is_empty() {
            return Err(SqsError::missing("MessageBody"));
        }
        if self.size() > rules.max_size {
            return Err(SqsError::invalid(format!(
                "One or more parameters are invalid. Reason: Message must be shorter than {} bytes.",
                rules.max_size
            )));
        }
        check_characters(&self.body)
            .map_err(|text| SqsError::new(&error::INVALID_MESSAGE_CONTENTS, text))?;
        for attribute in &self.attributes {
            if let Value::Text(text) = &attribute.value {
                check_characters(text).map_err(SqsError::invalid)?;
            }
        }
        self.check_ids(rules)?;
        self.check_delay(rules)
    }

    fn check_ids(&self, rules: &Rules) -> Result<(), SqsError> {
        check_fifo_id("MessageDeduplicationId", self.deduplication.as_deref())?;
        check_fifo_id("MessageGroupId", self.group.as_deref())?;
        if !rules.fifo {
            return match &self.deduplication {
                Some(id) => Err(not_for_this_queue("MessageDeduplicationId", id)),
                None => Ok(()),
            };
        }
        if self.group.is_none() {
            return Err(SqsError::missing("MessageGroupId"));
        }
        if self.deduplication.is_none() && !rules.content_based {
            return Err(no_deduplication());
        }
        Ok(())
    }

    fn check_delay(&self, rules: &Rules) -> Result<(), SqsError> {
        let Some(delay) = self.delay else {
            return Ok(());
        };
        // FIFO queues accept 0 only; the delay is then the queue's.
        if rules.fifo && delay != 0 {
            return Err(not_for_this_queue("DelaySeconds", delay));
        }
        let in_range =
            u64::try_from(delay).is_ok_and(|delay| limits::DELAY_SECONDS.contains(&delay));
        if in_range {
            return Ok(());
        }
        Err(SqsError::value(
            "DelaySeconds",
            delay,
            "DelaySeconds must be >= 0 and <= 900.",
        ))
    }

    /// Converts a checked message for the store.
    pub fn into_entry(self, rules: &Rules, call: &Call<'_>) -> Entry {
        let trace = self.system.into_iter().find_map(|attribute| {
            let Value::Text(text) = attribute.value else {
                return None;
            };
            (attribute.name == TRACE_HEADER).then_some(text)
        });
        let mut extra = vec![("SenderId".to_owned(), SENDER.to_owned())];
        if let Some(trace) = trace.or_else(|| call.trace.map(str::to_owned)) {
            extra.push((TRACE_HEADER.to_owned(), trace));
        }
        let deduplication = match self.deduplication {
            None if rules.fifo => Some(content_digest(&self.body)),
            id => id,
        };
        let delay = self.delay.and_then(|delay| u64::try_from(delay).ok());
        Entry {
            body: self.body.into_bytes(),
            attributes: self.attributes,
            extra,
            delay_ms: delay.filter(|_| !rules.fifo).map(|delay| delay * 1000),
            group: self.group,
            deduplication,
        }
    }
}

fn content_digest(body: &str) -> String {
    hex::encode(&Sha256::digest(body.as_bytes()))
}

fn not_for_this_queue(parameter: &str, value: impl std::fmt::Display) -> SqsError {
    SqsError::value(
        parameter,
        value,
        "The request include parameter that is not valid for this queue type.",
    )
}

fn no_deduplication() -> SqsError {
    SqsError::invalid(
        "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly",
    )
}

/// Checks a message group id, deduplication id or receive request attempt id.
pub fn check_fifo_id(parameter: &str, id: Option<&str>) -> Result<(), SqsError> {
    let Some(id) = id else {
        return Ok(());
    };
    let right =
        (1..=limits::FIFO_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
    if right {
        return Ok(());
    }
    let reason = format!(
        "{parameter} can only include alphanumeric and punctuation characters. 1 to 128 in length."
    );
    Err(SqsError::value(parameter, id, &reason))
}

/// Checks that a text has only characters that XML 1.0 allows.
fn check_characters(text: &str) -> Result<(), String> {
    let wrong = text.chars().find(|character| {
        !matches!(character, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
    });
    match wrong {
        None => Ok(()),
        Some(character) => Err(format!(
            "Invalid binary character '#x{:X}' was found in the message body, the set of allowed characters is \
             #x9 | #xA | #xD | [#x20-#xD7FF] | [#xE000-#xFFFD] | [#x10000-#x10FFFF]",
            u32::from(character)
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_xml_allows_are_accepted() {
        assert_eq!(
            check_characters("\t\n\r aü\u{d7ff}\u{e000}\u{fffd}\u{10000}\u{10ffff}"),
            Ok(())
        );
        for text in ["\0", "\u{8}", "\u{b}", "\u{1f}", "\u{fffe}", "\u{ffff}"] {
            assert!(check_characters(text).is_err(), "{text:?}");
        }
    }
}
