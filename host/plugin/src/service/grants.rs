//! Which parts of the store a service sees.
//!
//! The operator names queues and buckets; `*` stands for any characters. A name that matches may be seen, opened and
//! created; any other does not exist as far as the service can tell. The check is made where a name comes in, so
//! a handle that was given out needs no further one.

use lambkin_store::object::Objects;
use lambkin_store::queue::Queues;

use super::Grant;

/// What one service was granted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Grants {
    /// The queues, if any.
    pub queues: Option<Grant<Queues>>,
    /// The buckets, if any.
    pub buckets: Option<Grant<Objects>>,
}

impl<T> Grant<T> {
    /// The store's part, if this name of it was granted.
    pub(super) fn get(&self, name: &str) -> Option<&T> {
        self.allows(name).then_some(&self.store)
    }

    /// Whether this name was granted.
    pub(super) fn allows(&self, name: &str) -> bool {
        allows(&self.names, name)
    }

    /// Whether every name was granted, so that lists need no filter.
    pub(super) fn allows_all(&self) -> bool {
        self.names.iter().any(|pattern| pattern == "*")
    }
}

/// Whether one of an operator's `patterns` stands for this name; `*` stands for any characters.
pub fn allows(patterns: &[String], name: &str) -> bool {
    patterns.iter().any(|pattern| matches(pattern, name))
}

/// Whether a name is what a pattern says: the pieces between its `*`, in this order, the first at the start and the last
/// at the end.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((first, pieces)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(mut rest) = name.strip_prefix(first) else {
        return false;
    };
    let (middle, last) = pieces.rsplit_once('*').unwrap_or(("", pieces));
    for piece in middle.split('*') {
        let Some((_, after)) = rest.split_once(piece) else {
            return false;
        };
        rest = after;
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_characters() {
        for (pattern, name) in [
            ("orders", "orders"),
            ("*", ""),
            ("*", "orders.fifo"),
            ("test-*", "test-"),
            ("test-*", "test-a"),
            ("*.fifo", "a.fifo"),
            ("a*b*c", "abc"),
            ("a*b*c", "a-b-b-c"),
            ("a**c", "ac"),
            ("ab*ba", "abba"),
            ("*a*", "banana"),
            ("*ab", "aab"),
        ] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn what_does_not_match_is_not_granted() {
        for (pattern, name) in [
            ("orders", "order"),
            ("orders", "orders2"),
            ("", "a"),
            ("test-*", "tests-a"),
            ("test-*", "tes"),
            ("*.fifo", "a.fifo2"),
            ("a*b*c", "acb"),
            ("a*b*c", "a-c"),
            // The ends do not overlap.
            ("ab*ba", "aba"),
            ("a?", "ab"),
        ] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn one_of_several_patterns_is_enough_and_none_grants_nothing() {
        let granted = |names: &[&str]| Grant {
            store: (),
            names: names.iter().map(|name| (*name).to_owned()).collect(),
        };
        assert!(granted(&["a", "b*"]).get("bc").is_some());
        assert!(granted(&["a", "b*"]).get("c").is_none());
        assert!(granted(&[]).get("").is_none());
        assert!(granted(&["a", "*"]).allows_all());
    }
}
