//! `settle`: derives what happens to the messages from the function's result.

use std::collections::BTreeSet;

use serde_json::Value;

use super::contract::{Action, Ending, Settlement, Verdict};
use super::state::State;
use super::token::Token;

/// Decides what happens to the messages of a batch. `ids` are those that no filter has removed.
///
/// As on AWS, a failed message stays invisible until its visibility timeout ends. A message that did not fit into the
/// event becomes visible at once, because the function has not seen it.
///
/// # Errors
///
/// Fails if this plugin did not write `state` or `token`.
pub fn settle(
    state: &str,
    token: &str,
    ids: &[String],
    ending: &Ending,
) -> Result<Settlement, String> {
    let state = State::read(state)?;
    let Token { deferred } = Token::read(token)?;
    let delivered: Vec<&str> = {
        let deferred: BTreeSet<_> = deferred.iter().collect();
        let delivered = ids.iter().filter(|id| !deferred.contains(id));
        delivered.map(String::as_str).collect()
    };
    let failed = match ending {
        Ending::Completed(result) if state.reports_failures => failures(result, &delivered),
        Ending::Completed(_) => Some(BTreeSet::new()),
        Ending::Failed(_) | Ending::TimedOut | Ending::Throttled | Ending::Unavailable(_) => None,
    };
    let again_at_once = deferred.into_iter().map(|id| Verdict {
        id,
        action: Action::Retry(Some(0)),
    });
    let otherwise = match failed {
        Some(_) => Action::Ack,
        None => Action::Retry(None),
    };
    let again = failed.into_iter().flatten().map(|id| Verdict {
        id,
        action: Action::Retry(None),
    });
    Ok(Settlement {
        otherwise,
        but: again.chain(again_at_once).collect(),
        extra: Vec::new(),
    })
}

/// The ids of the messages that the function reports as failed, in `batchItemFailures`. `None` if the report is
/// malformed: as on AWS, the whole batch has then failed. What is wrong with it is printed, which the host logs.
fn failures(result: &str, delivered: &[&str]) -> Option<BTreeSet<String>> {
    let found = read_failures(result, delivered);
    if let Err(what) = &found {
        eprintln!(
            "warning: {what}; as on AWS, the whole batch has therefore failed, and its messages are received again"
        );
    }
    found.ok()
}

/// Like [`failures`]; the error names the field and says what it has to be.
fn read_failures(result: &str, delivered: &[&str]) -> Result<BTreeSet<String>, String> {
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
    let delivered: BTreeSet<_> = delivered.iter().copied().collect();
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

    /// What happens to `a` and `b`, which were delivered, and to `c`, which was deferred.
    fn settled(reports: bool, ending: &Ending) -> String {
        let token = Token {
            deferred: vec!["c".to_owned()],
        };
        let ids = ["a", "b", "c"].map(str::to_owned);
        let settlement = settle(&state(reports), &token.write(), &ids, ending).unwrap();
        ids.iter()
            .map(|id| {
                let verdict = settlement.but.iter().find(|verdict| verdict.id == *id);
                match verdict.map_or(&settlement.otherwise, |verdict| &verdict.action) {
                    Action::Ack => format!("{id} done "),
                    Action::Retry(None) => format!("{id} later "),
                    Action::Retry(Some(ms)) => format!("{id} in {ms} "),
                    Action::DeadLetter(reason) => panic!("dead letter: {reason}"),
                }
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
            let ending = Ending::Completed(result.to_owned());
            assert_eq!(settled(true, &ending), expected, "{result}");
            assert_eq!(settled(false, &ending), done, "{result}");
        }
    }

    #[test]
    fn a_failure_leaves_every_message_to_its_visibility_timeout() {
        for reports in [true, false] {
            assert_eq!(
                settled(reports, &Ending::TimedOut),
                "a later b later c in 0 "
            );
        }
    }

    #[test]
    fn a_state_or_token_of_another_plugin_is_an_error() {
        let error = settle("{}", "{}", &[], &Ending::TimedOut).unwrap_err();
        assert!(error.starts_with("the state was not written"), "{error}");
        let error = settle(&state(true), "", &[], &Ending::TimedOut).unwrap_err();
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
            let error = read_failures(result, &["a", "b"]).unwrap_err();
            assert!(error.starts_with(expected), "{result}: {error}");
        }
    }
}
