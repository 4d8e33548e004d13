//! A custom batch trigger: it turns the messages of a queue into a feed of orders.
//!
//! - `configure` validates the trigger's keys in `lambkin.toml` and reports every mistake in them.
//! - `shape` turns a batch of messages into the event `{"feed":"orders","orders":[…]}`.
//! - `settle` reads the function's response, `{"rejected":[ids]}`, and moves rejected orders to the dead-letter queue at
//!   once. When the function fails, its orders are retried after `retry-seconds`, up to `attempts` times.
//!
//! The host does the rest: it collects batches, leases messages, limits concurrency and carries out the actions.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

wit_bindgen::generate!({
    world: "lambkin:batch-trigger/batch-trigger",
    path: ["../../wit/common", "../../wit/batch-trigger"],
    generate_all,
});

use exports::lambkin::batch_trigger::batch_shaper::{
    Action, Batching, Body, Ending, FunctionReference, Guest, Invocation, Message, Outcome,
    Problem, Settlement, Setup, Source, Surroundings, Verdict,
};

struct OrdersFeed;

export!(OrdersFeed);

/// The part of the configuration that `settle` needs.
#[derive(Serialize, Deserialize)]
struct State {
    retry_ms: u32,
    attempts: u32,
}

/// How often each message of a batch was received, by id.
type Token = BTreeMap<String, u32>;

#[derive(Serialize)]
struct Feed<'a> {
    feed: &'static str,
    orders: Vec<Order<'a>>,
}

#[derive(Serialize)]
struct Order<'a> {
    message: &'a str,
    attempt: u32,
    order: Box<RawValue>,
}

impl<'a> Order<'a> {
    /// The order as it was sent. A body that is not JSON becomes a JSON string, which the function can reject.
    fn of(message: &'a Message) -> Self {
        let body = match &message.body {
            Body::Text(text) => text.clone(),
            Body::Binary(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        };
        let order = serde_json::from_str(&body).unwrap_or_else(|_| raw(&body));
        Self {
            message: &message.id,
            attempt: attempt(message),
            order,
        }
    }
}

/// How often a message was received. Queues count that.
fn attempt(message: &Message) -> u32 {
    message.receive_count.unwrap_or(1)
}

/// The function's response.
#[derive(Deserialize)]
struct Answer {
    rejected: Vec<String>,
}

impl Guest for OrdersFeed {
    fn configure(config: String, _: Surroundings, source: Source) -> Result<Setup, Vec<Problem>> {
        let mut problems = Vec::new();
        let config: Map<String, Value> = serde_json::from_str(&config)
            .map_err(|error| vec![problem(&[], format!("no table: {error}"))])?;
        for key in config.keys() {
            if !["function", "most-orders", "retry-seconds", "attempts"].contains(&key.as_str()) {
                let known = "function, most-orders, retry-seconds and attempts";
                problems.push(problem(&[key], format!("unknown key; known are {known}")));
            }
        }
        let function = config.get("function").and_then(Value::as_str);
        if function.is_none() {
            let message = "needs `function`: the name of the function that receives the orders";
            problems.push(problem(&[], message.to_owned()));
        }
        let mut number = |key: &str, default: u32, most: u32| {
            let Some(value) = config.get(key) else {
                return default;
            };
            let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
            number
                .filter(|number| (1..=most).contains(number))
                .unwrap_or_else(|| {
                    let message =
                        format!("this must be a whole number from 1 to {most}, not {value}");
                    problems.push(problem(&[key], message));
                    default
                })
        };
        let most_orders = number("most-orders", 20, 1000);
        let retry_seconds = number("retry-seconds", 5, 3600);
        let attempts = number("attempts", 3, 100);
        let Some(function) = function.filter(|_| problems.is_empty()) else {
            return Err(problems);
        };
        let state = State {
            retry_ms: retry_seconds * 1000,
            attempts,
        };
        Ok(Setup {
            state: text(&state),
            function: FunctionReference {
                name: function.to_owned(),
                at: vec!["function".to_owned()],
            },
            batching: Batching {
                max_messages: most_orders,
                // A body that is not JSON can take twice its size in the event, which is limited to 6 MB.
                max_bytes: 2 * 1024 * 1024,
                window_ms: 0,
                max_concurrency: None,
            },
            reusable: true,
            summary: vec![
                format!(
                    "up to {most_orders} orders of queue {} to function {function}",
                    source.name
                ),
                format!(
                    "after a failure: again after {retry_seconds} s, up to {attempts} times in total"
                ),
            ],
            warnings: Vec::new(),
            extra: Vec::new(),
        })
    }

    fn shape(_: String, messages: Vec<Message>) -> Result<Invocation, String> {
        let feed = Feed {
            feed: "orders",
            orders: messages.iter().map(Order::of).collect(),
        };
        let token: Token = messages
            .iter()
            .map(|message| (message.id.clone(), attempt(message)))
            .collect();
        Ok(Invocation {
            event: Some(text(&feed)),
            skipped: Vec::new(),
            token: text(&token),
            extra: Vec::new(),
        })
    }

    fn settle(
        state: String,
        token: String,
        _: Vec<String>,
        outcome: Outcome,
    ) -> Result<Settlement, String> {
        let state: State = serde_json::from_str(&state).map_err(|error| error.to_string())?;
        let token: Token = serde_json::from_str(&token).map_err(|error| error.to_string())?;
        let verdicts = token.into_iter().map(|(id, attempt)| {
            let action = action(&state, &outcome.ending, &id, attempt);
            Verdict { id, action }
        });
        Ok(Settlement {
            // Each order has a verdict.
            otherwise: Action::Retry(None),
            but: verdicts.collect(),
            extra: Vec::new(),
        })
    }
}

/// The verdict on one order.
fn action(state: &State, ending: &Ending, id: &str, attempt: u32) -> Action {
    let why = match ending {
        Ending::Completed(result) => match serde_json::from_str::<Answer>(result) {
            Ok(answer) if answer.rejected.iter().any(|rejected| rejected == id) => {
                return Action::DeadLetter("rejected by the function".to_owned());
            }
            Ok(_) => return Action::Ack,
            Err(error) => format!("the function's response has no list `rejected`: {error}"),
        },
        // The order is not to blame, so the attempt does not count.
        Ending::Throttled => return Action::Retry(Some(state.retry_ms)),
        Ending::Failed(error) => format!("the function failed: {}", error.kind),
        Ending::TimedOut => "the function timed out".to_owned(),
        Ending::Unavailable(why) => format!("the function cannot be invoked: {why}"),
    };
    if attempt < state.attempts {
        Action::Retry(Some(state.retry_ms))
    } else {
        Action::DeadLetter(why)
    }
}

fn raw(value: &impl Serialize) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).unwrap_or_default()
}

fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn problem(at: &[&str], message: String) -> Problem {
    Problem {
        at: at.iter().map(|key| (*key).to_owned()).collect(),
        message,
        extra: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> String {
        let source = Source {
            name: "orders".to_owned(),
            ordered: false,
            lease_ms: None,
            region: "us-east-1".to_owned(),
            account: "000000000000".to_owned(),
            extra: Vec::new(),
        };
        let config = r#"{"function":"f","attempts":2}"#.to_owned();
        let surroundings = Surroundings {
            name: "orders".to_owned(),
            address: None,
            region: source.region.clone(),
            account: source.account.clone(),
            environment: Vec::new(),
            functions: Vec::new(),
            extra: Vec::new(),
        };
        OrdersFeed::configure(config, surroundings, source)
            .unwrap()
            .state
    }

    fn message(id: &str, body: &str, receives: u32) -> Message {
        Message {
            id: id.to_owned(),
            receipt: String::new(),
            body: Body::Text(body.to_owned()),
            attributes: Vec::new(),
            group: None,
            deduplication: None,
            key: None,
            part: None,
            sequence: None,
            sent_at_ms: 0,
            first_received_at_ms: Some(0),
            receive_count: Some(receives),
            dead_letter_source: None,
            extra: Vec::new(),
        }
    }

    #[test]
    fn orders_are_told_and_settled() {
        let messages = vec![
            message("a", r#"{"quantity": 1}"#, 1),
            message("b", "tea", 2),
        ];
        let invocation = OrdersFeed::shape(state(), messages).unwrap();
        assert_eq!(
            invocation.event.unwrap(),
            r#"{"feed":"orders","orders":[{"message":"a","attempt":1,"order":{"quantity": 1}},{"message":"b","attempt":2,"order":"tea"}]}"#
        );
        let settle = |ending| {
            let outcome = Outcome {
                ending,
                at_ms: 0,
                extra: Vec::new(),
            };
            let token = invocation.token.clone();
            let settlement = OrdersFeed::settle(state(), token, Vec::new(), outcome).unwrap();
            settlement
                .but
                .into_iter()
                .map(|verdict| verdict.action)
                .collect::<Vec<_>>()
        };
        let rejected = settle(Ending::Completed(r#"{"rejected":["b"]}"#.to_owned()));
        assert!(matches!(rejected[..], [Action::Ack, Action::DeadLetter(_)]));
        let failed = settle(Ending::TimedOut);
        assert!(matches!(
            failed[..],
            [Action::Retry(Some(5000)), Action::DeadLetter(_)]
        ));
        let throttled = settle(Ending::Throttled);
        assert!(matches!(
            throttled[..],
            [Action::Retry(Some(5000)), Action::Retry(Some(5000))]
        ));
    }
}
