//! The preview of a batch trigger: what the plugin makes of messages with the bodies and attributes that the user
//! typed. Everything else in a message is made up and always the same.

use lambkin_model::{Action, Attribute, AttributeValue, Message};
use lambkin_plugin::{BatchTrigger, ShapedBatch};

use crate::preview::{
    Outcomes, Preview, PreviewError, SAMPLE_TIME_MS, Sample, Shown, sample_id, sample_outcome,
};

/// Shapes one message for each body of the sample, and shows what happens to them after the outcome. `is_ordered`: they
/// come from a FIFO queue.
pub(crate) async fn preview(
    trigger: &BatchTrigger,
    is_ordered: bool,
    sample: &Sample,
    outcomes: &mut Outcomes,
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
    let ShapedBatch {
        event,
        skipped,
        token,
    } = trigger.shape(&messages).await?;
    let mut preview = Preview::default();
    let mut left = Vec::new();
    for (message, number) in messages.iter().zip(1_usize..) {
        if skipped.contains(&message.id) {
            preview.note(format!(
                "message {number} is filtered out, and would be deleted"
            ));
        } else {
            left.push((message.id.as_str(), number));
        }
    }
    let Some(event) = event else {
        preview.note("invokes no function");
        return Ok(preview);
    };
    let function = &trigger.function().name;
    if !token.is_empty() {
        preview.note(format!("remembers the token {token:?}"));
    }
    preview.note(format!("invokes {function} with"));
    let ending = outcomes.of_invocation(function, &event).await;
    preview.push(Shown::Event(event));
    let Some(ending) = ending else {
        return Ok(preview);
    };
    let ids: Vec<&str> = left.iter().map(|(id, _)| *id).collect();
    let settlement = trigger
        .settle(&token, &ids, &sample_outcome(ending))
        .await?;
    for (id, number) in left {
        let verdict = settlement.but.iter().find(|verdict| verdict.id == id);
        let action = verdict.map_or(&settlement.otherwise, |verdict| &verdict.action);
        let what = match action {
            Action::Ack => "is deleted".to_owned(),
            Action::Retry(None) => "is delivered again when its lease ends".to_owned(),
            Action::Retry(Some(ms)) => {
                format!("is delivered again after {} s", f64::from(*ms) / 1000.0)
            }
            Action::DeadLetter(reason) => {
                format!("is moved to the dead-letter queue: {reason}")
            }
        };
        preview.push(Shown::Action(format!("message {number} {what}")));
    }
    Ok(preview)
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
        .map(|(body, number)| Message {
            group: sample
                .group
                .clone()
                .or(is_ordered.then(|| "group".to_owned())),
            ..message(body.clone(), attributes.clone(), number, is_ordered)
        })
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
        group: None,
        deduplication: is_ordered.then(|| format!("deduplication-{number}")),
        key: None,
        place: None,
        sequence: is_ordered.then(|| format!("{number:020}")),
        sent_at: SAMPLE_TIME_MS,
        first_received_at: Some(SAMPLE_TIME_MS),
        receives: Some(1),
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
