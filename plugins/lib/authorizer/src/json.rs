//! JSON in policies and tokens: objects, and strings that may be lists.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use http_event::json::read;
use http_event::payload::kind_of;

/// The members of an object; `at` is its place in messages.
///
/// # Errors
///
/// It is something else.
pub fn object<'a>(json: &'a str, at: &str) -> Result<Vec<(Cow<'a, str>, &'a str)>, String> {
    read::object(json).map_err(|_| format!("`{at}` is {}, and has to be an object", kind_of(json)))
}

/// A string, or a list of strings. `None` if the value is neither.
pub fn one_or_more(value: &str) -> Option<Vec<Cow<'_, str>>> {
    match read::string(value) {
        Ok(text) => Some([text].into()),
        Err(_) => read::list(value)
            .ok()?
            .into_iter()
            .map(|item| read::string(item).ok())
            .collect(),
    }
}
