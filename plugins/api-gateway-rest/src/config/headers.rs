//! Tables of headers: names and values.

use alloc::string::String;

use plugin_kit::settings::{Problems, Table, is_word};

use crate::state::ITEM;

/// Names and values, alternating, as the state has them.
pub fn read(table: &Table<'_>, problems: &mut Problems) -> String {
    let mut text = String::new();
    for name in table.keys() {
        if !is_word(name, "!#$%&'*+-.^_`|~") {
            let message = "a header is a name such as \"Access-Control-Allow-Origin\"";
            problems.add(table.path_of(name), message);
        }
        let is_legal = |value: &str| !value.chars().any(char::is_control);
        let rule = "the value of a header is text without control characters";
        if let Some(value) = table.text(name, is_legal, rule, problems) {
            push(&mut text, name, value);
        }
    }
    text
}

/// Adds a header.
pub fn push(text: &mut String, name: &str, value: &str) {
    if !text.is_empty() {
        text.push(ITEM);
    }
    text.push_str(name);
    text.push(ITEM);
    text.push_str(value);
}
