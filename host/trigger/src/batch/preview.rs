//! The preview of a batch trigger: what the plugin makes of messages with the bodies and attributes that the user
//! typed. Everything else in a message is made up and always the same.

use lambkin_model::{Attribute, AttributeValue, Message};
use lambkin_plugin::BatchTrigger;

use crate::preview::{Output, Preview, PreviewError, SAMPLE_TIME_MS, Sample, sample_id};

/// Shapes one message for each body of the sample. `is_ordered`: they come from a FIFO queue.
pub(crate) async fn preview(
    trigger: &BatchTrigger,
    is_ordered: bool,
    sample: &Sample,
) -> Result<Preview, PreviewError> {
    let messages = messages(sample, is_ordered).map_err(PreviewError::Sample)?;
    let max = trigger.batching().max_messages;
    if messages.len() > max {
        return Err(PreviewError::Sample(format!(
            "{} messages do not fit into one batch: the trigger {} takes up to {max}",
            messages.len(),
            sample.trigger
        )));
    }
    let shaped = trigger.shape(&messages).await?;
    let skipped = messages
        .iter()
        .zip(1..)
        .filter(|(message, _)| shaped.skipped.contains(&message.id));
    let mut notes: Vec<String> = skipped
        .map(|(_, number)| format!("message {number} is filtered out, and would be deleted"))
        .collect();
    notes.push(match shaped.event {
        Some(_) => format!("invokes {} with", trigger.function()),
        None => "invokes no function".to_owned(),
    });
    Ok(Preview {
        notes,
        output: shaped.event.map(Output::Event),
    })
}

fn messages(sample: &Sample, is_ordered: bool) -> Result<Vec<Message>, String> {
    if sample.bodies.is_empty() || sample.action.is_some() {
        return Err(format!(
            "the trigger {0} takes messages: lambkin shape {0} --body '{{\"id\": 7}}'",
            sample.trigger
        ));
    }
    let attributes: Vec<Attribute> = sample
        .fields
        .iter()
        .map(|field| attribute(field))
        .collect::<Result<_, _>>()?;
    let bodies = sample.bodies.iter().zip(1..);
    Ok(bodies
        .map(|(body, number)| message(body.clone(), attributes.clone(), number, is_ordered))
        .collect())
}

fn attribute(field: &str) -> Result<Attribute, String> {
    let (name, value) = field
        .split_once(':')
        .ok_or_else(|| format!("the attribute {field:?} has no `:`"))?;
    Ok(Attribute {
        name: name.trim().to_owned(),
        data_type: "String".to_owned(),
        value: AttributeValue::Text(value.trim().to_owned()),
    })
}

fn message(body: Vec<u8>, attributes: Vec<Attribute>, number: usize, is_ordered: bool) -> Message {
    Message {
        id: sample_id(number),
        receipt: format!("made-up-receipt-{number}"),
        body: body.into(),
        attributes,
        group: is_ordered.then(|| "group".to_owned()),
        deduplication: is_ordered.then(|| format!("deduplication-{number}")),
        sequence: is_ordered.then(|| format!("{number:020}")),
        sent_at: SAMPLE_TIME_MS,
        first_received_at: SAMPLE_TIME_MS,
        receives: 1,
        source: None,
        extra: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(bodies: &[&str], fields: &[&str]) -> Sample {
        Sample {
            trigger: "orders".to_owned(),
            fields: fields.iter().map(|&field| field.to_owned()).collect(),
            bodies: bodies.iter().map(|&body| body.into()).collect(),
            ..Sample::default()
        }
    }

    #[test]
    fn each_body_is_a_message_and_the_rest_is_always_the_same() {
        let sample = sample(&["one", "two"], &["kind: new"]);
        let messages = messages(&sample, true).unwrap();
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
        assert_eq!(super::messages(&sample, true).unwrap(), messages);
    }

    #[test]
    fn without_a_body_an_example_is_shown() {
        let error = messages(&sample(&[], &[]), false).unwrap_err();
        assert!(error.contains("lambkin shape orders --body"), "{error}");
    }
}
