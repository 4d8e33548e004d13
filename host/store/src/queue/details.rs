//! What a message carries besides its body, in one column: JSON, or nothing at all where there is nothing.

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

/// The column.
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
    // Strings do not fail to be JSON.
    serde_json::to_string(&details).ok()
}

/// What the column says. What can not be read costs a message its attributes, not its delivery.
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

/// The attributes as SQS writes them: JSON, for a person to read.
pub(crate) fn attributes_as_json(column: Option<&str>) -> String {
    let mut shown = Map::new();
    for (name, data_type, value) in parsed(column)
        .map(|details| details.attributes)
        .unwrap_or_default()
    {
        let value = match value {
            Value::Text(text) => json!({ "DataType": data_type, "StringValue": text }),
            Value::Binary { base64 } => json!({ "DataType": data_type, "BinaryValue": base64 }),
        };
        shown.insert(name, value);
    }
    serde_json::Value::Object(shown).to_string()
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
    fn attributes_and_extra_come_back_as_they_were() {
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
    fn nothing_takes_no_room_and_what_is_damaged_reads_as_nothing() {
        assert_eq!(write(&[], &[]), None);
        assert_eq!(read(None), (Vec::new(), Vec::new()));
        assert_eq!(read(Some("{\"attributes\":7}")), (Vec::new(), Vec::new()));
        assert_eq!(attributes_as_json(None), "{}");
    }
}
