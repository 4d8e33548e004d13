//! `FilterCriteria`: selects the messages that the function receives. Other messages are removed from the queue.
//!
//! A pattern is matched against the record as it appears in the event. Only `body` is treated differently:
//!
//! | | the pattern's `body` is a pattern | the pattern's `body` is a list of strings | the pattern has no `body` |
//! |---|---|---|---|
//! | the message's body is a JSON object or list | matches its content | does not match | matches other keys |
//! | the message's body is any other text | does not match | matches the text | matches other keys |

use event_pattern::{Branch, Pattern, PatternError};
use serde_json::Value;

use super::event::Record;

/// The key of a record that is matched as JSON or as text.
const BODY: &str = "body";

/// The filters of an event source mapping.
pub struct Filters(Vec<Pattern>);

impl Filters {
    /// Parses the patterns of all filters.
    ///
    /// # Errors
    ///
    /// Fails at the first malformed pattern.
    pub fn parse(patterns: &[String]) -> Result<Self, PatternError> {
        let patterns = patterns.iter().map(|pattern| Pattern::parse(pattern));
        Ok(Self(patterns.collect::<Result<_, _>>()?))
    }

    /// Whether the function receives a message: one of the filters matches it, or there are none.
    pub fn matches(&self, record: &Record<'_>) -> bool {
        if self.0.is_empty() {
            return true;
        }
        let Ok(mut event) = serde_json::to_value(record) else {
            return false;
        };
        let json = serde_json::from_str::<Value>(record.body())
            .ok()
            .filter(|body| body.is_object() || body.is_array());
        let is_json = json.is_some();
        if let (Some(json), Some(record)) = (json, event.as_object_mut()) {
            record.insert(BODY.to_owned(), json);
        }
        self.0
            .iter()
            .flat_map(Pattern::branches)
            .any(|branch| suits(branch, is_json) && branch.matches(&event))
    }
}

/// Whether a branch matches `body` as JSON, if `body_is_json`, or as text otherwise.
fn suits(branch: &Branch, body_is_json: bool) -> bool {
    branch.paths().all(|path| {
        let inside = path.strip_prefix(BODY).map(|rest| rest.starts_with('.'));
        match inside {
            Some(true) => body_is_json,
            Some(false) => path != BODY || !body_is_json,
            None => true,
        }
    })
}

/// The keys of a record, other than `body`, that a pattern uses.
pub fn metadata_of(pattern: &Pattern) -> Vec<&str> {
    let mut keys: Vec<_> = pattern
        .branches()
        .iter()
        .flat_map(Branch::paths)
        .map(|path| path.split_once('.').map_or(path, |(key, _)| key))
        .filter(|key| *key != BODY)
        .collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}
