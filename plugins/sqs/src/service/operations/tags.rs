//! TagQueue, UntagQueue and ListQueueTags. The store keeps tags as attributes named `tag:KEY`.

use crate::service::call::Call;
use crate::service::error::SqsError;
use crate::service::input::{Input, Pairs, Plural};
use crate::service::limits;
use crate::service::operations::attributes;
use crate::service::output::{self, Output, Record};
use crate::service::store::Settings;

const PREFIX: &str = "tag:";

pub fn tag(call: &Call<'_>, input: &Input<'_>) -> Result<Output, SqsError> {
    let target = call.target(input)?;
    let tags = read(input)?;
    if tags.is_empty() {
        return Err(SqsError::missing("Tags"));
    }
    let mut settings = attributes::describe(call, &target)?.settings;
    add(&target.name, &mut settings, tags)?;
    attributes::change(call, &target, &settings)?;
    Ok(None)
}

/// The tags of a request. In the query protocol, some SDKs send `Tag.1.Key` and others `Tags.1.Key`.
fn read(input: &Input<'_>) -> Result<Vec<(String, String)>, SqsError> {
    let mut tags = Vec::new();
    for query in ["Tag", "Tags"] {
        let plural = Plural {
            json: "Tags",
            query,
        };
        tags.extend(
            input
                .pairs(Pairs { plural, key: "Key" })?
                .unwrap_or_default(),
        );
    }
    Ok(tags)
}

pub fn untag(call: &Call<'_>, input: &Input<'_>) -> Result<Output, SqsError> {
    let target = call.target(input)?;
    let keys = input.texts(Plural {
        json: "TagKeys",
        query: "TagKey",
    })?;
    if keys.is_empty() {
        return Err(SqsError::missing("TagKeys"));
    }
    for key in &keys {
        check_key(key)?;
    }
    let mut settings = attributes::describe(call, &target)?.settings;
    settings.attributes.retain(|(name, _)| {
        let key = name.strip_prefix(PREFIX);
        key.is_none_or(|key| !keys.iter().any(|other| other == key))
    });
    attributes::change(call, &target, &settings)?;
    Ok(None)
}

pub fn list(call: &Call<'_>, input: &Input<'_>) -> Result<Output, SqsError> {
    let target = call.target(input)?;
    let settings = attributes::describe(call, &target)?.settings;
    let tags = settings.attributes.into_iter().filter_map(|(name, value)| {
        let key = name.strip_prefix(PREFIX)?;
        Some((key.to_owned(), value))
    });
    Ok(Some(Record::default().map(
        "Tags",
        "Tag",
        "Key",
        output::pairs(tags),
    )))
}

/// Adds tags to a queue's settings. A tag's value may be empty.
pub fn add(
    queue: &str,
    settings: &mut Settings,
    tags: Vec<(String, String)>,
) -> Result<(), SqsError> {
    for (key, value) in tags {
        check_key(&key)?;
        if value.chars().count() > limits::TAG_VALUE {
            return Err(SqsError::invalid(
                "Tag values must be between 0 and 256 characters in length.",
            ));
        }
        let name = format!("{PREFIX}{key}");
        let found = settings
            .attributes
            .iter_mut()
            .find(|(other, _)| *other == name);
        match found {
            Some((_, old)) => *old = value,
            None => settings.attributes.push((name, value)),
        }
    }
    let names = settings.attributes.iter();
    if names.filter(|(name, _)| name.starts_with(PREFIX)).count() > limits::TAGS {
        return Err(SqsError::invalid(format!(
            "Too many tags added for queue {queue}."
        )));
    }
    Ok(())
}

fn check_key(key: &str) -> Result<(), SqsError> {
    if !(1..=limits::TAG_KEY).contains(&key.chars().count()) {
        return Err(SqsError::invalid(
            "Tag keys must be between 1 and 128 characters in length.",
        ));
    }
    if key.to_ascii_lowercase().starts_with("aws:") {
        return Err(SqsError::invalid(
            "Tag keys can't start with 'aws:'. This prefix is reserved for AWS use.",
        ));
    }
    Ok(())
}
