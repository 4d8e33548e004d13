//! The parameters of a request, independent of the protocol.
//!
//! In JSON they are the members of an object; in the query protocol they are a flat form in which lists and maps are
//! numbered: `SendMessageBatchRequestEntry.1.MessageAttribute.2.Name`. Each accessor returns AWS's error if the
//! parameter has another type.

use std::borrow::Cow;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::Value as Json;

use crate::service::error::{self, SqsError};
use crate::service::form::Form;

/// A structure in a request: the request itself, a batch entry or an attribute.
#[derive(Debug, Clone)]
pub enum Input<'a> {
    /// A JSON object.
    Json(&'a serde_json::Map<String, Json>),
    /// The form's parameters whose names start with the prefix.
    Query(&'a Form, String),
}

/// The name of a list or map in each protocol.
#[derive(Debug, Clone, Copy)]
pub struct Plural {
    pub json: &'static str,
    pub query: &'static str,
}

/// The name of a map of texts, and of its keys in the query protocol: `Name` or `Key`.
#[derive(Debug, Clone, Copy)]
pub struct Pairs {
    pub plural: Plural,
    pub key: &'static str,
}

impl<'a> Input<'a> {
    pub fn is_query(&self) -> bool {
        matches!(self, Self::Query(..))
    }

    /// A text; `None` if absent.
    pub fn text(&self, name: &str) -> Result<Option<Cow<'a, str>>, SqsError> {
        match self {
            Self::Json(members) => members.get(name).map_or(Ok(None), json_text),
            Self::Query(form, prefix) => Ok(form.get(&join(prefix, name)).map(Cow::Borrowed)),
        }
    }

    /// A text that must be present and not blank.
    pub fn required(&self, name: &str) -> Result<Cow<'a, str>, SqsError> {
        match self.text(name)? {
            Some(text) if !text.trim().is_empty() => Ok(text),
            _ => Err(SqsError::missing(name)),
        }
    }

    /// An integer; `None` if absent.
    pub fn number(&self, name: &str) -> Result<Option<i64>, SqsError> {
        match self {
            Self::Json(members) => members.get(name).map_or(Ok(None), json_number),
            Self::Query(form, prefix) => match form.get(&join(prefix, name)) {
                None | Some("") => Ok(None),
                Some(text) => i64::from_str(text)
                    .map(Some)
                    .map_err(|_| SqsError::value(name, text, "Must be an integer.")),
            },
        }
    }

    /// Bytes, decoded from base64; `None` if absent.
    pub fn bytes(&self, name: &str) -> Result<Option<Vec<u8>>, SqsError> {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        BASE64.decode(text.as_bytes()).map(Some).map_err(|_| {
            SqsError::new(
                &error::SERIALIZATION,
                format!("The value of {name} is not a valid base64 string"),
            )
        })
    }

    /// Whether the list or map is present, even if it is malformed.
    pub fn has(&self, name: Plural) -> bool {
        match self {
            Self::Json(members) => members.get(name.json).is_some_and(|value| !value.is_null()),
            Self::Query(form, prefix) => form.has(&join(prefix, name.query)),
        }
    }

    /// A list of texts; empty if absent.
    pub fn texts(&self, name: Plural) -> Result<Vec<Cow<'a, str>>, SqsError> {
        match self {
            Self::Json(members) => json_list(members.get(name.json))?
                .iter()
                .filter_map(|item| json_text(item).transpose())
                .collect(),
            Self::Query(form, prefix) => {
                let base = join(prefix, name.query);
                let numbered = form.numbers(&base).into_iter();
                let mut texts: Vec<_> = numbered
                    .filter_map(|number| form.get(&format!("{base}.{number}")))
                    .map(Cow::Borrowed)
                    .collect();
                texts.extend(form.get(&base).map(Cow::Borrowed));
                Ok(texts)
            }
        }
    }

    /// A list of structures; empty if absent.
    pub fn records(&self, name: Plural) -> Result<Vec<Input<'a>>, SqsError> {
        match self {
            Self::Json(members) => json_list(members.get(name.json))?
                .iter()
                .map(|item| json_record(item).map(Input::Json))
                .collect(),
            Self::Query(form, prefix) => {
                let base = join(prefix, name.query);
                let numbers = form.numbers(&base).into_iter();
                Ok(numbers
                    .map(|number| Input::Query(form, format!("{base}.{number}")))
                    .collect())
            }
        }
    }

    /// A map from names to structures; empty if absent.
    pub fn named_records(&self, name: Plural) -> Result<Vec<(Cow<'a, str>, Input<'a>)>, SqsError> {
        match self {
            Self::Json(members) => match members.get(name.json) {
                None | Some(Json::Null) => Ok(Vec::new()),
                Some(map) => json_record(map)?
                    .iter()
                    .filter(|(_, value)| !value.is_null())
                    .map(|(key, value)| {
                        Ok((
                            Cow::Borrowed(key.as_str()),
                            Input::Json(json_record(value)?),
                        ))
                    })
                    .collect(),
            },
            Self::Query(..) => self
                .records(name)?
                .into_iter()
                .map(|entry| {
                    let key = entry.text("Name")?.unwrap_or_default();
                    Ok((key, entry.inner("Value")))
                })
                .collect(),
        }
    }

    /// A map of texts; `None` if absent.
    pub fn pairs(&self, name: Pairs) -> Result<Option<Vec<(String, String)>>, SqsError> {
        if !self.has(name.plural) {
            return Ok(None);
        }
        match self {
            Self::Json(members) => match members.get(name.plural.json) {
                None => Ok(None),
                Some(map) => json_record(map)?
                    .iter()
                    .filter_map(|(key, value)| match json_value(value) {
                        Ok(text) => text.map(|text| Ok((key.clone(), text.into_owned()))),
                        Err(error) => Some(Err(error)),
                    })
                    .collect::<Result<_, _>>()
                    .map(Some),
            },
            Self::Query(..) => {
                let mut entries = self.records(name.plural)?;
                // AWS reads `Attribute.Name` as `Attribute.1.Name`.
                entries.push(self.inner(name.plural.query));
                let mut pairs = Vec::new();
                for entry in entries {
                    if let Some(key) = entry.text(name.key)? {
                        let value = entry.text("Value")?.unwrap_or_default();
                        pairs.push((key.into_owned(), value.into_owned()));
                    }
                }
                Ok(Some(pairs))
            }
        }
    }

    /// A structure inside this one. Only the query protocol has any outside lists and maps.
    fn inner(&self, name: &str) -> Input<'a> {
        match self {
            Self::Json(members) => Self::Json(members),
            Self::Query(form, prefix) => Self::Query(form, join(prefix, name)),
        }
    }
}

fn join(prefix: &str, name: &str) -> String {
    if prefix.is_empty() {
        return name.to_owned();
    }
    format!("{prefix}.{name}")
}

fn serialization(message: &str) -> SqsError {
    SqsError::new(&error::SERIALIZATION, message)
}

fn misplaced_list() -> SqsError {
    serialization("Start of list found where not expected")
}

fn misplaced_map() -> SqsError {
    serialization("Start of structure or map found where not expected.")
}

/// A JSON value as text: AWS also accepts numbers and booleans.
fn json_text(value: &Json) -> Result<Option<Cow<'_, str>>, SqsError> {
    match value {
        Json::Null => Ok(None),
        Json::String(text) => Ok(Some(Cow::Borrowed(text))),
        Json::Number(number) => Ok(Some(Cow::Owned(number.to_string()))),
        Json::Bool(flag) => Ok(Some(Cow::Borrowed(if *flag { "true" } else { "false" }))),
        Json::Array(_) => Err(misplaced_list()),
        Json::Object(_) => Err(misplaced_map()),
    }
}

/// A JSON value in a map as text: AWS has a different message for lists there.
fn json_value(value: &Json) -> Result<Option<Cow<'_, str>>, SqsError> {
    match value {
        Json::Array(_) => Err(serialization(
            "Unrecognized collection type class java.lang.String",
        )),
        value => json_text(value),
    }
}

fn json_number(value: &Json) -> Result<Option<i64>, SqsError> {
    let kind = match value {
        Json::Null => return Ok(None),
        Json::Number(number) => {
            return match number.as_i64() {
                Some(number) => Ok(Some(number)),
                // AWS truncates fractions.
                None => Ok(number.as_f64().map(|number| number as i64)),
            };
        }
        Json::String(_) => "STRING_VALUE",
        Json::Bool(true) => "TRUE_VALUE",
        Json::Bool(false) => "FALSE_VALUE",
        Json::Array(_) => return Err(misplaced_list()),
        Json::Object(_) => return Err(misplaced_map()),
    };
    Err(serialization(&format!(
        "{kind} can not be converted to an Integer"
    )))
}

fn json_list(value: Option<&Json>) -> Result<&[Json], SqsError> {
    match value {
        None | Some(Json::Null) => Ok(&[]),
        Some(Json::Array(items)) => Ok(items),
        Some(Json::Object(_)) => Err(misplaced_map()),
        Some(_) => Err(serialization("Expected list or null")),
    }
}

fn json_record(value: &Json) -> Result<&serde_json::Map<String, Json>, SqsError> {
    match value {
        Json::Object(members) => Ok(members),
        Json::Array(_) => Err(misplaced_list()),
        _ => Err(serialization("Expected null or structure")),
    }
}
