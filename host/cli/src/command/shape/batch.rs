//! Messages as a batch trigger gets them: their bodies are given, the rest is made up.

use anyhow::{Context, bail};
use lambkin_model::{Attribute, AttributeValue, Message};

use super::{AT_MS, id, read_body};
use crate::args::Shape;

/// The messages that were typed.
pub fn messages(args: &Shape, ordered: bool) -> anyhow::Result<Vec<Message>> {
    if args.data.is_empty() || args.what.is_some() {
        bail!(
            "the trigger {0} takes messages: lambkin shape {0} --body '{{\"id\": 7}}'",
            args.trigger
        );
    }
    let attributes: Vec<Attribute> = args
        .headers
        .iter()
        .map(|typed| attribute(typed))
        .collect::<anyhow::Result<_>>()?;
    let bodies = args.data.iter().map(|data| read_body(data));
    bodies
        .zip(1..)
        .map(|(body, number)| Ok(message(body?, attributes.clone(), number, ordered)))
        .collect()
}

fn attribute(typed: &str) -> anyhow::Result<Attribute> {
    let (name, value) = typed
        .split_once(':')
        .with_context(|| format!("the attribute {typed:?} has no `:`"))?;
    Ok(Attribute {
        name: name.trim().to_owned(),
        data_type: "String".to_owned(),
        value: AttributeValue::Text(value.trim().to_owned()),
    })
}

fn message(body: Vec<u8>, attributes: Vec<Attribute>, number: usize, ordered: bool) -> Message {
    Message {
        id: id(number),
        receipt: format!("made-up-receipt-{number}"),
        body: body.into(),
        attributes,
        group: ordered.then(|| "group".to_owned()),
        deduplication: ordered.then(|| format!("deduplication-{number}")),
        sequence: ordered.then(|| format!("{number:020}")),
        sent_at: AT_MS,
        first_received_at: AT_MS,
        receives: 1,
        source: None,
        extra: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(data: &[&str], headers: &[&str]) -> Shape {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Shape {
            trigger: "orders".to_owned(),
            what: None,
            on: None,
            headers: owned(headers),
            data: owned(data),
        }
    }

    #[test]
    fn each_body_is_a_message_and_the_rest_is_always_the_same() {
        let args = args(&["one", "two"], &["kind: new"]);
        let messages = messages(&args, true).unwrap();
        let ids: Vec<_> = messages.iter().map(|message| message.id.as_str()).collect();
        assert_eq!(
            ids,
            [
                "00000000-0000-4000-8000-000000000001",
                "00000000-0000-4000-8000-000000000002"
            ]
        );
        assert_eq!(messages[1].body, "two");
        assert_eq!(
            messages[1].sequence.as_deref(),
            Some("00000000000000000002")
        );
        assert_eq!(
            messages[0].attributes[0].value,
            AttributeValue::Text("new".to_owned())
        );
        assert_eq!(super::messages(&args, true).unwrap(), messages);
    }

    #[test]
    fn without_a_body_an_example_is_shown() {
        let error = messages(&args(&[], &[]), false).unwrap_err().to_string();
        assert!(error.contains("lambkin shape orders --body"), "{error}");
    }
}
