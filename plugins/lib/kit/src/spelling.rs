//! The spelling of header names, which `wasi:http` does not keep.

use alloc::borrow::ToOwned;
use alloc::string::String;

/// The header in which a service lists the names that the host is not to write in lower case.
const NAME: &str = "x-lambkin-header-names";

/// The header for a response that has headers with these names. `None` if all are in lower case.
pub fn header<'a>(names: impl Iterator<Item = &'a str>) -> Option<(String, String)> {
    let mut listed = String::new();
    for name in names {
        if !name.bytes().any(|byte| byte.is_ascii_uppercase()) {
            continue;
        }
        if !listed.is_empty() {
            listed.push_str(", ");
        }
        listed.push_str(name);
    }
    (!listed.is_empty()).then(|| (NAME.to_owned(), listed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_upper_case_letters_are_listed() {
        let listed = |names: &[&str]| header(names.iter().copied()).map(|(_, value)| value);
        assert_eq!(listed(&["x-amz-id-2", "etag"]), None);
        let names = ["ETag", "x-amz-id-2", "Last-Modified"];
        assert_eq!(listed(&names).as_deref(), Some("ETag, Last-Modified"));
    }
}
