//! `FilterCriteria`: which messages the function is to see. The others are done without it.
//!
//! A pattern looks at the record as it is in the event, but for `body`, which is looked at in one of two ways:
//!
//! | | the pattern's `body` is a pattern | the pattern's `body` is a list of texts | the pattern has no `body` |
//! |---|---|---|---|
//! | the body is a JSON object or list | looks into it | does not match | looks at the rest |
//! | the body is any other text | does not match | looks at the text | looks at the rest |

use event_pattern::{Branch, Malformed, Pattern};
use serde_json::Value;

use super::event::Record;

/// The key that is looked at in two ways.
const BODY: &str = "body";

/// A mapping's filters.
pub struct Filters(Vec<Pattern>);

impl Filters {
    /// The filters of these patterns.
    pub fn parse(patterns: &[String]) -> Result<Self, Malformed> {
        let patterns = patterns.iter().map(|pattern| Pattern::parse(pattern));
        Ok(Self(patterns.collect::<Result<_, _>>()?))
    }

    /// Whether the function is to see a message.
    pub fn match_message(&self, record: &Record<'_>) -> bool {
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
            .any(|branch| is_for(branch, is_json) && branch.matches(&event))
    }
}

/// Whether a branch looks at bodies in the way that suits this one.
fn is_for(branch: &Branch, body_is_json: bool) -> bool {
    branch.places().all(|place| {
        let inside = place.strip_prefix(BODY).map(|rest| rest.starts_with('.'));
        match inside {
            Some(true) => body_is_json,
            Some(false) => place != BODY || !body_is_json,
            None => true,
        }
    })
}

/// The keys beside `body` that a pattern looks at.
pub fn metadata_of(pattern: &Pattern) -> Vec<&str> {
    let mut keys: Vec<_> = pattern
        .branches()
        .iter()
        .flat_map(Branch::places)
        .map(|place| place.split_once('.').map_or(place, |(key, _)| key))
        .filter(|key| *key != BODY)
        .collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}
