//! The attributes of a message to be sent, and AWS's rules for their names, types and values.

use std::borrow::Cow;

use crate::service::error::SqsError;
use crate::service::input::{Input, Plural};
use crate::service::limits;
use crate::service::store::{Attribute, Value};

/// The only system attribute that AWS accepts from senders.
pub const TRACE_HEADER: &str = "AWSTraceHeader";

/// User or system attributes.
pub struct Kind {
    plural: Plural,
    /// The name in AWS's messages.
    noun: &'static str,
    system: bool,
}

/// Attributes that a sender defines.
pub const USER: Kind = Kind {
    plural: Plural {
        json: "MessageAttributes",
        query: "MessageAttribute",
    },
    noun: "message (user) attribute",
    system: false,
};

/// Attributes that SQS defines.
pub const SYSTEM: Kind = Kind {
    plural: Plural {
        json: "MessageSystemAttributes",
        query: "MessageSystemAttribute",
    },
    noun: "message system attribute",
    system: true,
};

/// Reads and checks the attributes of a message.
pub fn read(input: &Input<'_>, kind: &Kind) -> Result<Vec<Attribute>, SqsError> {
    let records = input.named_records(kind.plural)?;
    if records.len() > limits::MESSAGE_ATTRIBUTES {
        return Err(SqsError::invalid(format!(
            "Number of message attributes [{}] exceeds the allowed maximum [{}].",
            records.len(),
            limits::MESSAGE_ATTRIBUTES
        )));
    }
    let mut attributes: Vec<Attribute> = Vec::with_capacity(records.len());
    for (name, record) in records {
        check_name(&name, kind)?;
        if attributes.iter().any(|other| other.name == name) {
            return Err(SqsError::invalid(format!(
                "Message attribute name '{name}' already exists."
            )));
        }
        attributes.push(attribute(&name, &record, kind)?);
    }
    Ok(attributes)
}

fn check_name(name: &str, kind: &Kind) -> Result<(), SqsError> {
    if name.is_empty() {
        return Err(SqsError::invalid(format!(
            "The request must contain non-empty {} names.",
            kind.noun
        )));
    }
    if kind.system {
        if name == TRACE_HEADER {
            return Ok(());
        }
        return Err(SqsError::invalid(format!(
            "Message system attribute name '{name}' is invalid."
        )));
    }
    if name.len() > limits::ATTRIBUTE_NAME {
        return Err(SqsError::invalid(
            "Message (user) attribute name must be shorter than 256 bytes.",
        ));
    }
    if is_reserved(name) {
        return Err(SqsError::invalid(
            "You can't use message attribute names beginning with 'AWS.' or 'Amazon'. \
             These strings are reserved for internal use.",
        ));
    }
    if !is_well_formed(name) {
        return Err(SqsError::invalid(format!(
            "The message attribute name '{name}' is invalid. Attribute name can contain A-Z, a-z, 0-9, \
             underscore (_), hyphen (-), and period (.) characters."
        )));
    }
    Ok(())
}

fn is_reserved(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    lower.starts_with("aws.") || lower.starts_with("amazon.")
}

/// Whether a name has allowed characters. AWS accepts letters of all languages, although its message lists ASCII only.
fn is_well_formed(name: &str) -> bool {
    let right =
        |character: char| character.is_alphanumeric() || matches!(character, '_' | '-' | '.');
    let dots = name.starts_with('.') || name.ends_with('.') || name.contains("..");
    !dots && name.chars().all(right)
}

fn attribute(name: &str, record: &Input<'_>, kind: &Kind) -> Result<Attribute, SqsError> {
    refuse_lists(record)?;
    let data_type = record.text("DataType")?.unwrap_or_default();
    let text = record.text("StringValue")?;
    let bytes = record.bytes("BinaryValue")?;
    if data_type.is_empty() {
        let lacking = match (&text, &bytes) {
            (None, None) => "value",
            _ => "type",
        };
        return Err(SqsError::invalid(format!(
            "The {} '{name}' must contain a non-empty message attribute {lacking}.",
            kind.noun
        )));
    }
    let base = base(name, &data_type, kind)?;
    Ok(Attribute {
        name: name.to_owned(),
        value: value(name, base, text.map(Cow::into_owned), bytes, kind)?,
        data_type: data_type.into_owned(),
    })
}

/// Rejects lists of values: AWS's model has them, but the service does not support them.
fn refuse_lists(record: &Input<'_>) -> Result<(), SqsError> {
    for (json, query) in [
        ("StringListValues", "StringListValue"),
        ("BinaryListValues", "BinaryListValue"),
    ] {
        if !record.texts(Plural { json, query })?.is_empty() {
            return Err(SqsError::invalid(
                "Message attribute list values in SendMessage operation are not supported.",
            ));
        }
    }
    Ok(())
}

/// The base of a data type, without its custom label: `Number` for `Number.float`.
fn base<'a>(name: &str, data_type: &'a str, kind: &Kind) -> Result<&'a str, SqsError> {
    if data_type.len() > limits::ATTRIBUTE_NAME {
        return Err(SqsError::invalid(
            "Message (user) attribute type must be shorter than 256 bytes.",
        ));
    }
    let base = data_type.split('.').next().unwrap_or_default();
    let (known, types) = if kind.system {
        (data_type == "String", "String")
    } else {
        let known = matches!(base, "String" | "Number" | "Binary");
        (known, "Binary, Number, String")
    };
    if known {
        return Ok(base);
    }
    Err(SqsError::invalid(format!(
        "The type of {} '{name}' is invalid. You must use only the following supported type prefixes: {types}.",
        kind.noun
    )))
}

fn value(
    name: &str,
    base: &str,
    text: Option<String>,
    bytes: Option<Vec<u8>>,
    kind: &Kind,
) -> Result<Value, SqsError> {
    let value = match base {
        "Binary" => bytes.filter(|bytes| !bytes.is_empty()).map(Value::Binary),
        _ => text.filter(|text| !text.is_empty()).map(Value::Text),
    };
    let value = value.ok_or_else(|| {
        let noun = kind.noun.replacen('m', "M", 1);
        SqsError::invalid(format!(
            "{noun} '{name}' must contain a non-empty value of type '{base}'."
        ))
    })?;
    match &value {
        Value::Text(text) if base == "Number" && !is_number(text) => Err(SqsError::invalid(
            format!("Can't cast the value of message (user) attribute '{name}' to a number."),
        )),
        _ => Ok(value),
    }
}

/// Whether a text is a decimal number, optionally with an exponent.
fn is_number(text: &str) -> bool {
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent_right = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !exponent.is_empty() && digits(exponent)
    });
    digits(whole)
        && digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent_right
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_distinguished_from_other_texts() {
        for text in [
            "0",
            "-1",
            "+1.5",
            ".5",
            "1.",
            "1e10",
            "1.5E-3",
            "1234567890123456789012",
        ] {
            assert!(is_number(text), "{text}");
        }
        for text in ["", "-", ".", "1e", "e1", "one", "1 ", "0x1", "1.2.3", "NaN"] {
            assert!(!is_number(text), "{text}");
        }
    }
}
