//! The message attributes and extra facts of a message, in one column: JSON, or NULL if there are none.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lambkin_model::{Attribute, AttributeValue};
use serde::{Deserialize, Serialize};
use serde_json::{Map, json};

#[derive(Serialize, Deserialize)]
struct Details {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    attributes: Vec<(String, String, Value)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    extra: Pairs,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Value {
    Text(String),
    Binary { base64: String },
}

type Pairs = Vec<(String, String)>;

/// The value of the column.
pub(crate) fn write(attributes: &[Attribute], extra: &[(String, String)]) -> Option<String> {
    if attributes.is_empty() && extra.is_empty() {
        return None;
    }
    let attribute = |attribute: &Attribute| {
        let value = match &attribute.value {
            AttributeValue::Text(text) => Value::Text(text.clone()),
            AttributeValue::Binary(bytes) => Value::Binary {
                base64: STANDARD.encode(bytes),
            },
        };
        (attribute.name.clone(), attribute.data_type.clone(), value)
    };
    let details = Details {
        attributes: attributes.iter().map(attribute).collect(),
        extra: extra.to_vec(),
    };
    // Strings always serialize.
    serde_json::to_string(&details).ok()
}

/// Reads the column. If it is damaged, the message is delivered without attributes.
pub(crate) fn read(column: Option<&str>) -> (Vec<Attribute>, Pairs) {
    let Some(details) = parsed(column) else {
        return (Vec::new(), Vec::new());
    };
    let attribute = |(name, data_type, value)| Attribute {
        name,
        data_type,
        value: match value {
            Value::Text(text) => AttributeValue::Text(text),
            Value::Binary { base64 } => {
                AttributeValue::Binary(STANDARD.decode(base64).unwrap_or_default().into())
            }
        },
    };
    let attributes = details.attributes.into_iter().map(attribute).collect();
    (attributes, details.extra)
}

/// The attributes as the JSON that SQS shows, for a person to read.
pub(crate) fn attributes_as_json(column: Option<&str>) -> String {
    let mut object = Map::new();
    for (name, data_type, value) in parsed(column)
        .map(|details| details.attributes)
        .unwrap_or_default()
    {
        let value = match value {
            Value::Text(text) => json!({ "DataType": data_type, "StringValue": text }),
            Value::Binary { base64 } => json!({ "DataType": data_type, "BinaryValue": base64 }),
        };
        object.insert(name, value);
    }
    serde_json::Value::Object(object).to_string()
}

fn parsed(column: Option<&str>) -> Option<Details> {
    serde_json::from_str(column?).ok()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn attribute(name: &str, data_type: &str, value: AttributeValue) -> Attribute {
        Attribute {
            name: name.to_owned(),
            data_type: data_type.to_owned(),
            value,
        }
    }

    #[test]
    fn attributes_and_extra_are_read_as_they_were_written() {
        let attributes = vec![
            attribute(
                "b",
                "Binary.png",
                AttributeValue::Binary(Bytes::from_static(&[0, 255])),
            ),
            attribute("a", "Number.float", AttributeValue::Text("1.50".to_owned())),
        ];
        let extra = vec![("SenderId".to_owned(), "\"x\"".to_owned())];
        let column = write(&attributes, &extra);
        assert_eq!(read(column.as_deref()), (attributes.clone(), extra.clone()));
        let column = write(&[], &extra);
        assert_eq!(read(column.as_deref()), (Vec::new(), extra));
        let column = write(&attributes, &[]);
        assert_eq!(read(column.as_deref()), (attributes, Vec::new()));
        assert_eq!(
            attributes_as_json(column.as_deref()),
            r#"{"a":{"DataType":"Number.float","StringValue":"1.50"},"b":{"BinaryValue":"AP8=","DataType":"Binary.png"}}"#
        );
    }

    #[test]
    fn a_message_without_attributes_has_no_column_and_a_damaged_column_reads_as_none() {
        assert_eq!(write(&[], &[]), None);
        assert_eq!(read(None), (Vec::new(), Vec::new()));
        assert_eq!(read(Some("{\"attributes\":7}")), (Vec::new(), Vec::new()));
        assert_eq!(attributes_as_json(None), "{}");
    }
}
