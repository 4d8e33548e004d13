//! A source whose only message is what it gets from an address: its configuration.

use crate::Probe;
use crate::bindings::exports::lambkin::source::poller::{
    Error, Guest, Message, Problem, Setup, Verdict,
};
use crate::web::get;

impl Guest for Probe {
    fn configure(config: String) -> Result<Setup, Vec<Problem>> {
        let config = config.trim_matches('"');
        if config == "refuse" {
            return Err(vec![Problem {
                at: vec!["queue-url".into()],
                message: "refused".into(),
                extra: Vec::new(),
            }]);
        }
        Ok(Setup {
            state: config.into(),
            name: "outside".into(),
            ordered: true,
            region: None,
            account: Some("210987654321".into()),
            max_messages: 3,
            extra: Vec::new(),
        })
    }

    fn poll(state: String, max_messages: u32, _wait_ms: u32) -> Result<Vec<Message>, Error> {
        if state == "spin" {
            loop {
                std::hint::black_box(0);
            }
        }
        let (status, body) =
            get(&state).map_err(|error| Error::Transient(format!("{error:?}")))?;
        if status != 200 {
            return Err(Error::Permanent(format!("{status}")));
        }
        let secret = std::env::vars()
            .map(|(name, value)| (name, value))
            .collect();
        let message = Message {
            id: "id".into(),
            receipt: "receipt".into(),
            body,
            attributes: Vec::new(),
            group: Some("group".into()),
            deduplication: None,
            sequence: None,
            sent_at_ms: 1,
            first_received_at_ms: 2,
            receive_count: 3,
            dead_letter_source: None,
            extra: secret,
        };
        // One too many if none was asked for.
        Ok(vec![message; max_messages.max(1) as usize])
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
