//! From a function's result to what becomes of each message.

use std::collections::BTreeSet;

use serde_json::Value;

use super::contract::{Action, Outcome, Verdict};
use super::state::State;
use super::token::Token;

/// Decides what becomes of the messages of a batch.
///
/// A message that is not done stays invisible until its visibility timeout ends: nothing makes it visible early. A message
/// that did not fit into the event was never delivered; it is delivered at once.
///
/// # Errors
///
/// `state` or `token` are not from this plugin.
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

/// The messages that a function reports as failed: `batchItemFailures`. None if the report is not one, which fails the
/// whole batch.
fn failures(result: &str, delivered: &[String]) -> Option<BTreeSet<String>> {
    if result.trim().is_empty() {
        return Some(BTreeSet::new());
    }
    let report: Value = serde_json::from_str(result).ok()?;
    let items = match &report {
        Value::Null => None,
        Value::String(text) if text.is_empty() => None,
        Value::Object(report) => report
            .get("batchItemFailures")
            .filter(|items| !items.is_null()),
        _ => return None,
    };
    let Some(items) = items else {
        return Some(BTreeSet::new());
    };
    let delivered: BTreeSet<_> = delivered.iter().map(String::as_str).collect();
    let identifier = |item: &Value| {
        let id = item.as_object()?.get("itemIdentifier")?.as_str()?;
        delivered.contains(id).then(|| id.to_owned())
    };
    items.as_array()?.iter().map(identifier).collect()
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

    /// What becomes of `a` and `b`, which were delivered, and of `c`, which was left.
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
    fn results_settle_as_aws_settles_them() {
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
    fn foreign_texts_are_errors() {
        let error = settle("{}", "{}", &Outcome::TimedOut).unwrap_err();
        assert!(error.starts_with("the state is not one"), "{error}");
        let error = settle(&state(true), "", &Outcome::TimedOut).unwrap_err();
        assert!(error.starts_with("the token is not one"), "{error}");
    }
}
