//! What all batches have in common: rules about their entries, and results per entry.

use std::collections::HashSet;

use crate::service::answer::{Answer, Node, Record};
use crate::service::error::{self, Fault};
use crate::service::input::{Input, Plural};
use crate::service::limits;

/// An entry and its id.
pub struct Entry<'a> {
    pub id: String,
    pub input: Input<'a>,
}

/// The entries of a batch, once their number and their ids are found to be right.
pub fn entries<'a>(input: &Input<'a>, name: &'static str) -> Result<Vec<Entry<'a>>, Fault> {
    let records = input.records(Plural {
        json: "Entries",
        query: name,
    })?;
    if records.is_empty() {
        return Err(Fault::new(
            &error::EMPTY_BATCH_REQUEST,
            format!("There should be at least one {name} in the request."),
        ));
    }
    if records.len() > limits::BATCH_ENTRIES {
        return Err(Fault::new(
            &error::TOO_MANY_ENTRIES,
            format!(
                "Maximum number of entries per request are {}. You have sent {}.",
                limits::BATCH_ENTRIES,
                records.len()
            ),
        ));
    }
    let mut seen = HashSet::new();
    let mut entries = Vec::with_capacity(records.len());
    for record in records {
        let id = match record.text("Id")? {
            Some(id) => id.into_owned(),
            None => return Err(Fault::missing(&format!("{name}.{}.Id", entries.len() + 1))),
        };
        if !is_id(&id) {
            return Err(Fault::new(
                &error::INVALID_BATCH_ENTRY_ID,
                "A batch entry id can only contain alphanumeric characters, hyphens and underscores. \
                 It can be at most 80 letters long.",
            ));
        }
        if !seen.insert(id.clone()) {
            return Err(Fault::new(
                &error::BATCH_ENTRY_IDS_NOT_DISTINCT,
                format!("Id {id} repeated."),
            ));
        }
        entries.push(Entry { id, input: record });
    }
    Ok(entries)
}

fn is_id(id: &str) -> bool {
    (1..=limits::BATCH_ID).contains(&id.len())
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// A batch's answer: what was done, and what was not and why.
pub fn answer(name: &'static str, done: Vec<Record>, failed: Vec<(String, Fault)>) -> Answer {
    let failed = failed
        .into_iter()
        .map(|(id, fault)| {
            Node::Record(
                Record::default()
                    .text("Id", id)
                    .flag("SenderFault", fault.code.status < 500)
                    .text("Code", fault.code.query)
                    .text("Message", fault.message),
            )
        })
        .collect();
    let done = done.into_iter().map(Node::Record).collect();
    Some(Record::default().list("Successful", name, done).list(
        "Failed",
        "BatchResultErrorEntry",
        failed,
    ))
}

/// Whether an error of the framework's kind is about an entry, not about the request.
pub fn is_of_entry(fault: &Fault) -> bool {
    fault.code != &error::SERIALIZATION
}
