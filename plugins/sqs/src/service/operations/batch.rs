//! Batches: rules that apply to the entries of all batch operations, and the result for each entry.

use std::collections::HashSet;

use crate::service::error::{self, SqsError};
use crate::service::input::{Input, Plural};
use crate::service::limits;
use crate::service::output::{Node, Output, Record};

/// An entry of a batch request.
pub struct Entry<'a> {
    pub id: String,
    pub input: Input<'a>,
    /// The entry's name in AWS's messages, such as `SendMessageBatchRequestEntry.2`.
    place: String,
}

impl Entry<'_> {
    /// The error for a parameter that the entry lacks.
    pub fn missing(&self, parameter: &str) -> SqsError {
        SqsError::missing(&format!("{}.{parameter}", self.place))
    }
}

/// An entry's id and its parameters, or the error in them.
pub type Requested<T> = (String, Result<T, SqsError>);

/// The entries of a batch.
///
/// # Errors
///
/// Fails if their number or one of their ids breaks AWS's rules.
pub fn entries<'a>(input: &Input<'a>, name: &'static str) -> Result<Vec<Entry<'a>>, SqsError> {
    let plural = Plural {
        json: "Entries",
        query: name,
    };
    // In a form, a missing list cannot be told from an empty one.
    if !input.is_query() && !input.has(plural) {
        return Err(SqsError::missing(plural.json));
    }
    let records = input.records(plural)?;
    check_count(records.len(), name)?;
    let mut seen = HashSet::new();
    let mut entries = Vec::with_capacity(records.len());
    for (index, record) in records.into_iter().enumerate() {
        let mut entry = Entry {
            id: String::new(),
            place: format!("{name}.{}", index + 1),
            input: record,
        };
        let id = entry.input.text("Id")?;
        entry.id = id.ok_or_else(|| entry.missing("Id"))?.into_owned();
        check_id(&entry.id)?;
        if !seen.insert(entry.id.clone()) {
            return Err(SqsError::new(
                &error::BATCH_ENTRY_IDS_NOT_DISTINCT,
                format!("Id {} repeated.", entry.id),
            ));
        }
        entries.push(entry);
    }
    Ok(entries)
}

fn check_count(count: usize, name: &str) -> Result<(), SqsError> {
    match count {
        0 => Err(SqsError::new(
            &error::EMPTY_BATCH_REQUEST,
            format!("There should be at least one {name} in the request."),
        )),
        1..=limits::BATCH_ENTRIES => Ok(()),
        _ => Err(SqsError::new(
            &error::TOO_MANY_ENTRIES,
            format!(
                "Maximum number of entries per request are {}. You have sent {count}.",
                limits::BATCH_ENTRIES
            ),
        )),
    }
}

fn check_id(id: &str) -> Result<(), SqsError> {
    let right = (1..=limits::BATCH_ID).contains(&id.len())
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    if right {
        return Ok(());
    }
    Err(SqsError::new(
        &error::INVALID_BATCH_ENTRY_ID,
        "A batch entry id can only contain alphanumeric characters, hyphens and underscores. \
         It can be at most 80 letters long.",
    ))
}

/// Passes all valid entries to `act` at once and answers for each entry, in the request's order. `act` returns its
/// results in the order of its arguments.
///
/// # Errors
///
/// Fails as a whole if `act` does, or if an entry has a parameter of the wrong JSON type.
pub fn answer_entries<T>(
    name: &'static str,
    requested: Vec<Requested<T>>,
    act: impl FnOnce(Vec<T>) -> Result<Vec<Result<Record, SqsError>>, SqsError>,
) -> Result<Output, SqsError> {
    let mut valid = Vec::new();
    let mut entries = Vec::new();
    for (id, item) in requested {
        match item {
            Ok(item) => {
                valid.push(item);
                entries.push((id, None));
            }
            Err(error) if error.code == &error::SERIALIZATION => return Err(error),
            Err(error) => entries.push((id, Some(error))),
        }
    }
    let mut results = if valid.is_empty() {
        Vec::new().into_iter()
    } else {
        act(valid)?.into_iter()
    };
    let mut done = Vec::new();
    let mut failed = Vec::new();
    for (id, error) in entries {
        match error.map(Err).or_else(|| results.next()) {
            Some(Ok(result)) => {
                done.push(Node::Record(Record::default().text("Id", id).and(result)))
            }
            Some(Err(error)) => failed.push(failure(id, error)),
            None => {}
        }
    }
    let answer = Record::default().list("Successful", name, done);
    Ok(Some(answer.list("Failed", "BatchResultErrorEntry", failed)))
}

fn failure(id: String, error: SqsError) -> Node {
    Node::Record(
        Record::default()
            .text("Id", id)
            .flag("SenderFault", error.code.status < 500)
            .text("Code", error.code.query)
            .text("Message", error.message),
    )
}
