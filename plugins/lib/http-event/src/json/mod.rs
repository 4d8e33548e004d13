//! JSON without a tree of values: it is written into one string, and read as spans of the text that contains it.
//!
//! On failure: [`JsonError`].

pub mod read;
pub mod write;

use alloc::string::String;

use serde_json::value::RawValue;

/// The text is not JSON, or it is not of the expected type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JsonError;

/// A JSON text without the spaces and line ends between its tokens; `None` if it is not JSON.
pub fn compact(json: &str) -> Option<String> {
    serde_json::from_str::<&RawValue>(json).ok()?;
    let mut text = String::with_capacity(json.len());
    let mut in_string = false;
    let mut after_backslash = false;
    for char in json.chars() {
        if in_string {
            in_string = after_backslash || char != '"';
            after_backslash = char == '\\' && !after_backslash;
        } else if char.is_ascii_whitespace() {
            continue;
        } else {
            in_string = char == '"';
        }
        text.push(char);
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compact_text_has_no_spaces_between_its_tokens() {
        for (json, expected) in [
            (
                " { \"a b\" : [ 1.50 , true ,\n null ] } ",
                "{\"a b\":[1.50,true,null]}",
            ),
            (r#" "a \" \\" "#, r#""a \" \\""#),
            (r#"{"a": "\\", "b": " c "}"#, r#"{"a":"\\","b":" c "}"#),
            ("3", "3"),
        ] {
            assert_eq!(compact(json).as_deref(), Some(expected));
        }
        for other in ["", "a", "{", "1 2"] {
            assert_eq!(compact(other), None, "{other}");
        }
    }
}
