//! Writes names that may have several values, such as headers and parameters, in the forms of AWS's events.
//!
//! The pairs are sorted by name, so that the values of a name follow each other.

use alloc::borrow::Cow;

use crate::json::write::Object;

/// Adds an object in which the values of each name are joined with commas, as in payload format 2.0.
pub fn write_joined<N: AsRef<str> + PartialEq>(
    event: &mut Object<'_>,
    key: &str,
    pairs: &[(N, Cow<'_, str>)],
) {
    event.object(key, |object| {
        for same in pairs.chunk_by(|left, right| left.0 == right.0) {
            if let Some((name, _)) = same.first() {
                object.joined(name.as_ref(), same.iter().map(|(_, value)| &**value), ",");
            }
        }
    });
}

/// Adds an object with the last value of each name, as in payload format 1.0.
pub fn write_last<N: AsRef<str> + PartialEq>(
    event: &mut Object<'_>,
    key: &str,
    pairs: &[(N, Cow<'_, str>)],
) {
    event.object(key, |object| {
        for same in pairs.chunk_by(|left, right| left.0 == right.0) {
            if let Some((name, value)) = same.last() {
                object.string(name.as_ref(), value);
            }
        }
    });
}

/// Adds an object with the list of all values of each name, as in the multi-value maps of payload format 1.0.
pub fn write_all<N: AsRef<str> + PartialEq>(
    event: &mut Object<'_>,
    key: &str,
    pairs: &[(N, Cow<'_, str>)],
) {
    event.object(key, |object| {
        for same in pairs.chunk_by(|left, right| left.0 == right.0) {
            if let Some((name, _)) = same.first() {
                object.strings(name.as_ref(), same.iter().map(|(_, value)| &**value));
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::write::object;

    #[test]
    fn repeated_names_are_written_in_each_form() {
        let pairs = [("a", "1"), ("a", "2"), ("b", "3")].map(|(name, value)| (name, value.into()));
        let text = object(0, |event| {
            write_joined(event, "joined", &pairs);
            write_last(event, "last", &pairs);
            write_all(event, "all", &pairs);
        });
        assert_eq!(
            text,
            r#"{"joined":{"a":"1,2","b":"3"},"last":{"a":"2","b":"3"},"all":{"a":["1","2"],"b":["3"]}}"#
        );
    }
}
