//! A source that does what its configuration says.
//!
//! - An address: a queue whose only message is what the address returns.
//! - `refuse`, `spin`, `surroundings`: an error, an endless loop, and what `configure` receives, as a warning.
//! - `log…`: a log of two parts. Its messages have the position that they were polled at as body.
//! - `queue-with-cursors`: a queue that breaks the contract.
//! - A table `{ log = ADDRESS }`: the log at that address ([`log`]).

use crate::bindings::exports::lambkin::source::poller::{
    Error, Guest, Message, Part, Polled, Position, Problem, Progress, Setup, Surroundings, Verdict,
};
use crate::web::get;
use crate::{Probe, log};

impl Guest for Probe {
    fn configure(config: String, surroundings: Surroundings) -> Result<Setup, Vec<Problem>> {
        let state = log::state(&config);
        let config = state.as_deref().unwrap_or(config.trim_matches('"'));
        if config == "refuse" {
            return Err(vec![Problem {
                at: vec!["queue-url".into()],
                message: "refused".into(),
                extra: Vec::new(),
            }]);
        }
        let warning = (config == "surroundings").then(|| format!("{surroundings:?}"));
        Ok(Setup {
            state: config.into(),
            name: "outside".into(),
            ordered: true,
            region: None,
            account: Some("210987654321".into()),
            max_messages: if log::address(config).is_some() {
                100
            } else {
                3
            },
            progress: match config.starts_with("log") {
                true => Progress::Cursors,
                false => Progress::Receipts,
            },
            warnings: warning.into_iter().collect(),
            extra: Vec::new(),
        })
    }

    fn parts(state: String) -> Result<Vec<Part>, Error> {
        if let Some(address) = log::address(&state) {
            return log::parts(address);
        }
        let part = |id: &str, after: &[&str]| Part {
            id: id.into(),
            after: after.iter().map(|id| (*id).into()).collect(),
            extra: Vec::new(),
        };
        match &*state {
            "log-without-parts" => Err(Error::Transient("not now".into())),
            "log-of-one-part-twice" => Ok(vec![part("a", &[]), part("a", &[])]),
            "log-of-too-many-parts" => Ok((0..10_001).map(|n| part(&n.to_string(), &[])).collect()),
            "log" => Ok(vec![part("a", &[]), part("b", &["a", "gone"])]),
            _ => Ok(Vec::new()),
        }
    }

    fn poll(
        state: String,
        position: Position,
        max_messages: u32,
        wait_ms: u32,
    ) -> Result<Polled, Error> {
        if let Some(address) = log::address(&state) {
            return log::poll(address, &position, max_messages);
        }
        let (body, cursor) = match &*state {
            "spin" => loop {
                std::hint::black_box(0);
            },
            "log" => {
                let at = format!("{:?} {:?} {wait_ms}", position.part, position.cursor);
                (at.into_bytes(), Some("behind".to_owned()))
            }
            "log-with-long-cursors" => (Vec::new(), Some("x".repeat(4_097))),
            "log-without-cursors" => (Vec::new(), None),
            "queue-with-cursors" => (Vec::new(), Some("behind".to_owned())),
            address => {
                let (status, body) =
                    get(address).map_err(|error| Error::Transient(format!("{error:?}")))?;
                if status != 200 {
                    return Err(Error::Permanent(format!("{status}")));
                }
                (body, None)
            }
        };
        let is_log = state.starts_with("log");
        let message = Message {
            id: "id".into(),
            receipt: "receipt".into(),
            body,
            attributes: Vec::new(),
            group: Some("group".into()),
            deduplication: None,
            key: is_log.then(|| b"key".to_vec()),
            sequence: None,
            sent_at_ms: 1,
            first_received_at_ms: (!is_log).then_some(2),
            receive_count: (!is_log).then_some(3),
            dead_letter_source: None,
            extra: std::env::vars().collect(),
            cursor,
        };
        Ok(Polled {
            // One too many if none was asked for.
            messages: vec![message; max_messages.max(1) as usize],
            cursor: is_log.then(|| "behind all".into()),
            ended: is_log && position.cursor.is_some(),
            extra: Vec::new(),
        })
    }

    fn settle(state: String, verdicts: Vec<Verdict>) -> Result<(), Error> {
        let told: Vec<_> = verdicts.iter().map(|v| format!("{:?}", v.action)).collect();
        let (status, _) = get(&format!(
            "{state}/{}",
            told.join("-").replace(['(', ')', '"'], "_")
        ))
        .map_err(|error| Error::Transient(format!("{error:?}")))?;
        match status {
            200 => Ok(()),
            _ => Err(Error::Permanent(format!("{status}"))),
        }
    }
}
