//! `settle`: derives a verdict for each message from the function's result.

use std::collections::BTreeSet;

use serde_json::Value;

use super::contract::{Action, Outcome, Verdict};
use super::state::State;
use super::token::Token;

/// Decides the verdict for each message of a batch.
///
/// As on AWS, a failed message stays invisible until its visibility timeout ends. A message that did not fit into the
/// event becomes visible at once, because the function has not seen it.
///
/// # Errors
///
/// Fails if this plugin did not write `state` or `token`.
pub fn settle(state: &str, token: &str, outcome: &Outcome) -> Result<Vec<Verdict>, String> {
    let state = State::read(state)?;
    let Token {
        delivered,
        deferred,
    } = Token::read(token)?;
    let failed = match outcome {
        Outcome::Completed(result) if state.reports_failures => failures(result, &delivered),
        Outcome::Completed(_) => Some(BTreeSet::new()),
        Outcome::Failed(_) | Outcome::TimedOut | Outcome::Throttled | Outcome::Unavailable(_) => {
            None
        }
    };
    let is_done = |id: &str| failed.as_ref().is_some_and(|failed| !failed.contains(id));
    let of_delivered = delivered.iter().map(|id| Verdict {
        id: id.clone(),
        action: if is_done(id) {
            Action::Ack
        } else {
            Action::Retry(None)
        },
    });
    let of_deferred = deferred.iter().map(|id| Verdict {
        id: id.clone(),
        action: Action::Retry(Some(0)),
    });
    Ok(of_delivered.chain(of_deferred).collect())
}

/// The ids of the messages that the function reports as failed, in `batchItemFailures`. `None` if the report is
/// malformed: as on AWS, the whole batch has then failed. What is wrong with it is printed, which the host logs.
fn failures(result: &str, delivered: &[String]) -> Option<BTreeSet<String>> {
    let found = read_failures(result, delivered);
    if let Err(what) = &found {
        eprintln!(
            "warning: {what}; as on AWS, the whole batch has therefore failed, and its messages are received again"
        );
    }
    found.ok()
}

/// Like [`failures`]; the error names the field and says what it has to be.
fn read_failures(result: &str, delivered: &[String]) -> Result<BTreeSet<String>, String> {
    if result.trim().is_empty() {
        return Ok(BTreeSet::new());
    }
    let report: Value = serde_json::from_str(result)
        .map_err(|error| format!("the function's result is not JSON: {error}"))?;
    let items = match &report {
        Value::Null => None,
        Value::String(text) if text.is_empty() => None,
        Value::Object(report) => report
            .get("batchItemFailures")
            .filter(|items| !items.is_null()),
        other => {
            let kind = kind(other);
            return Err(format!(
                "the function's result is {kind}, and has to be an object with `batchItemFailures`, or null"
            ));
        }
    };
    let Some(items) = items else {
        return Ok(BTreeSet::new());
    };
    let Value::Array(items) = items else {
        let kind = kind(items);
        return Err(format!(
            "`batchItemFailures` is {kind}, and has to be a list"
        ));
    };
    let delivered: BTreeSet<_> = delivered.iter().map(String::as_str).collect();
    let identifier = |(index, item): (usize, &Value)| {
        let at = format!("batchItemFailures[{index}]");
        let Value::Object(members) = item else {
            let kind = kind(item);
            return Err(format!(
                "`{at}` is {kind}, and has to be an object with `itemIdentifier`"
            ));
        };
        match members.get("itemIdentifier") {
            Some(Value::String(id)) if delivered.contains(id.as_str()) => Ok(id.clone()),
            Some(Value::String(id)) if id.is_empty() => {
                Err(format!("`{at}.itemIdentifier` is empty"))
            }
            Some(Value::String(_)) => Err(format!(
                "`{at}.itemIdentifier` is no `messageId` of the event"
            )),
            Some(other) => Err(format!(
                "`{at}.itemIdentifier` is {}, and has to be a string",
                kind(other)
            )),
            None => Err(format!("`{at}` has no `itemIdentifier`")),
        }
    };
    items.iter().enumerate().map(identifier).collect()
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivered() -> Vec<String> {
        vec!["a".to_owned(), "b".to_owned()]
    }

    fn state(reports: bool) -> String {
        let state = State {
            arn: String::new(),
            region: String::new(),
            account: String::new(),
            reports_failures: reports,
            patterns: Vec::new(),
        };
        state.write()
    }

    /// The verdicts for `a` and `b`, which were delivered, and for `c`, which was deferred.
    fn settled(reports: bool, outcome: &Outcome) -> String {
        let deferred = vec!["c".to_owned()];
        let token = Token {
            delivered: delivered(),
            deferred,
        }
        .write();
        settle(&state(reports), &token, outcome)
            .unwrap()
            .into_iter()
            .map(|verdict| match verdict.action {
                Action::Ack => format!("{} done ", verdict.id),
                Action::Retry(None) => format!("{} later ", verdict.id),
                Action::Retry(Some(ms)) => format!("{} in {ms} ", verdict.id),
                Action::DeadLetter(reason) => panic!("dead letter: {reason}"),
            })
            .collect()
    }

    #[test]
    fn results_lead_to_the_same_verdicts_as_on_aws() {
        let (done, failed) = ("a done b done c in 0 ", "a later b later c in 0 ");
        for (result, expected) in [
            ("", done),
            ("null", done),
            ("{}", done),
            ("\"\"", done),
            (r#"{"batchItemFailures":null}"#, done),
            (r#"{"batchItemFailures":[]}"#, done),
            (r#"{"other":1}"#, done),
            (
                r#"{"batchItemFailures":[{"itemIdentifier":"b"}]}"#,
                "a done b later c in 0 ",
            ),
            (
                r#"{"batchItemFailures":[{"itemIdentifier":"b","x":1},{"itemIdentifier":"b"}]}"#,
                "a done b later c in 0 ",
            ),
            (r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#, failed),
            (r#"{"batchItemFailures":[{"itemIdentifier":null}]}"#, failed),
            (r#"{"batchItemFailures":[{"itemIdentifier":1}]}"#, failed),
            (r#"{"batchItemFailures":[{"ItemIdentifier":"b"}]}"#, failed),
            (r#"{"batchItemFailures":[{}]}"#, failed),
            (r#"{"batchItemFailures":["b"]}"#, failed),
            (
                r#"{"batchItemFailures":[{"itemIdentifier":"b"},{"itemIdentifier":"c"}]}"#,
                failed,
            ),
            (r#"{"batchItemFailures":[{"itemIdentifier":"z"}]}"#, failed),
            (r#"{"batchItemFailures":{}}"#, failed),
            (r#"{"batchItemFailures":"b"}"#, failed),
            ("{", failed),
            ("[]", failed),
            ("\"done\"", failed),
            ("1", failed),
            ("true", failed),
        ] {
            let outcome = Outcome::Completed(result.to_owned());
            assert_eq!(settled(true, &outcome), expected, "{result}");
            assert_eq!(settled(false, &outcome), done, "{result}");
        }
    }

    #[test]
    fn a_failure_leaves_every_message_to_its_visibility_timeout() {
        for reports in [true, false] {
            assert_eq!(
                settled(reports, &Outcome::TimedOut),
                "a later b later c in 0 "
            );
        }
    }

    #[test]
    fn a_state_or_token_of_another_plugin_is_an_error() {
        let error = settle("{}", "{}", &Outcome::TimedOut).unwrap_err();
        assert!(error.starts_with("the state was not written"), "{error}");
        let error = settle(&state(true), "", &Outcome::TimedOut).unwrap_err();
        assert!(error.starts_with("the token was not written"), "{error}");
    }

    #[test]
    fn a_malformed_report_is_explained_with_its_place() {
        for (result, expected) in [
            ("[", "the function's result is not JSON: "),
            (
                "[]",
                "the function's result is a list, and has to be an object",
            ),
            (
                r#"{"batchItemFailures":{}}"#,
                "`batchItemFailures` is an object, and has to be a list",
            ),
            (
                r#"{"batchItemFailures":["b"]}"#,
                "`batchItemFailures[0]` is a string, and has to be an object",
            ),
            (
                r#"{"batchItemFailures":[{"itemIdentifier":"b"},{"itemIdentifier":"z"}]}"#,
                "`batchItemFailures[1].itemIdentifier` is no `messageId` of the event",
            ),
            (
                r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#,
                "`batchItemFailures[0].itemIdentifier` is empty",
            ),
            (
                r#"{"batchItemFailures":[{"itemIdentifier":1}]}"#,
                "`batchItemFailures[0].itemIdentifier` is a number, and has to be a string",
            ),
            (
                r#"{"batchItemFailures":[{"ItemIdentifier":"b"}]}"#,
                "`batchItemFailures[0]` has no `itemIdentifier`",
            ),
        ] {
            let error = read_failures(result, &delivered()).unwrap_err();
            assert!(error.starts_with(expected), "{result}: {error}");
        }
    }
}
