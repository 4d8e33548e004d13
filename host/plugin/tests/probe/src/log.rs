//! A log that an HTTP server keeps: its parts at `/parts`, and the messages of a part at `/poll`, both as JSON.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::bindings::exports::lambkin::source::poller::{Error, Message, Part, Polled, Position};
use crate::web::get;

const STATE: &str = "log at ";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    log: String,
}

#[derive(Deserialize)]
struct ListedPart {
    id: String,
    #[serde(default)]
    after: Vec<String>,
}

#[derive(Deserialize)]
struct Page {
    messages: Vec<Entry>,
    cursor: Option<String>,
    #[serde(default)]
    ended: bool,
}

#[derive(Deserialize)]
struct Entry {
    id: String,
    cursor: String,
    body: String,
    key: Option<String>,
    receives: Option<u32>,
}

/// The state of a source with this configuration, if it names a log.
pub fn state(config: &str) -> Option<String> {
    let config: Config = serde_json::from_str(config).ok()?;
    Some(format!("{STATE}{}", config.log))
}

/// The address of the log.
pub fn address(state: &str) -> Option<&str> {
    state.strip_prefix(STATE)
}

pub fn parts(address: &str) -> Result<Vec<Part>, Error> {
    let listed: Vec<ListedPart> = fetch(&format!("{address}/parts"))?;
    let part = |listed: ListedPart| Part {
        id: listed.id,
        after: listed.after,
        extra: Vec::new(),
    };
    Ok(listed.into_iter().map(part).collect())
}

pub fn poll(address: &str, position: &Position, max: u32) -> Result<Polled, Error> {
    let part = position.part.as_deref().unwrap_or_default();
    let cursor = position.cursor.as_deref().unwrap_or_default();
    let url = format!("{address}/poll?part={part}&cursor={cursor}&max={max}");
    let page: Page = fetch(&url)?;
    Ok(Polled {
        messages: page.messages.into_iter().map(message).collect(),
        cursor: page.cursor,
        ended: page.ended,
        extra: Vec::new(),
    })
}

fn message(entry: Entry) -> Message {
    Message {
        id: entry.id,
        receipt: String::new(),
        cursor: Some(entry.cursor),
        body: entry.body.into_bytes(),
        attributes: Vec::new(),
        group: None,
        deduplication: None,
        key: entry.key.map(String::into_bytes),
        sequence: None,
        sent_at_ms: 1,
        first_received_at_ms: None,
        receive_count: entry.receives,
        dead_letter_source: None,
        extra: Vec::new(),
    }
}

fn fetch<T: DeserializeOwned>(url: &str) -> Result<T, Error> {
    let (status, body) = get(url).map_err(|error| Error::Transient(format!("{error:?}")))?;
    if status != 200 {
        return Err(Error::Transient(format!("{url}: status {status}")));
    }
    serde_json::from_slice(&body).map_err(|error| Error::Permanent(format!("{url}: {error}")))
}
