//! Names of sections: of triggers, which the template has no names for.

use crate::document::{Document, Item};
use crate::resource::Resource;

/// A name for the trigger of a resource, in lower case with dashes: `orders-queue-event`. One that another trigger has gets
/// a number.
#[must_use]
pub fn trigger(document: &Document, resource: &Resource) -> String {
    unused(document, &kebab(&resource.path))
}

/// A name that no trigger has: the wanted one, or the wanted one and a number.
#[must_use]
pub fn unused(document: &Document, wanted: &str) -> String {
    let triggers = document.root.get("triggers").and_then(Item::as_table);
    let is_free = |name: &String| triggers.is_none_or(|triggers| triggers.get(name).is_none());
    let numbered = (2_u32..).map(|number| format!("{wanted}-{number}"));
    let mut names = std::iter::once(wanted.to_owned()).chain(numbered);
    names.find(is_free).unwrap_or_default()
}

/// The words of a logical id in lower case with dashes: `OrdersSQSQueue` is `orders-sqs-queue`.
#[must_use]
pub fn kebab(id: &str) -> String {
    let letters: Vec<char> = id.chars().collect();
    let mut kebab = String::new();
    for (index, letter) in letters.iter().enumerate() {
        if !letter.is_ascii_alphanumeric() {
            if !kebab.ends_with('-') && !kebab.is_empty() {
                kebab.push('-');
            }
            continue;
        }
        let before = index.checked_sub(1).and_then(|before| letters.get(before));
        let after = letters.get(index + 1);
        let begins_word = letter.is_ascii_uppercase()
            && (before
                .is_some_and(|before| before.is_ascii_lowercase() || before.is_ascii_digit())
                || before.is_some_and(char::is_ascii_uppercase)
                    && after.is_some_and(char::is_ascii_lowercase));
        if begins_word && !kebab.ends_with('-') {
            kebab.push('-');
        }
        kebab.push(letter.to_ascii_lowercase());
    }
    kebab.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_become_words() {
        for (id, name) in [
            ("OrdersQueueEvent", "orders-queue-event"),
            ("HTTPApiHandler", "http-api-handler"),
            ("Stack/Fn2Job", "stack-fn2-job"),
            ("a_b", "a-b"),
        ] {
            assert_eq!(kebab(id), name);
        }
    }

    #[test]
    fn a_name_is_used_once() {
        let mut document = Document::default();
        document.root.table("triggers").table("a");
        document.root.table("triggers").table("a-2");
        assert_eq!(unused(&document, "a"), "a-3");
        assert_eq!(unused(&document, "b"), "b");
    }
}
