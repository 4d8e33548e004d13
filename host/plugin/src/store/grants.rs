//! The parts of the store that a component has access to.
//!
//! The operator lists queues and buckets; `*` stands for any characters. A component may see, open and create what a
//! listed name matches. For the component, nothing else exists. Names are checked when a function receives them, so a
//! handle needs no further check.

use std::sync::Arc;

use lambkin_store::object::Objects;
use lambkin_store::queue::{QueueError, Queues};

/// The queues or the buckets that the operator grants, by name.
#[derive(Debug, Clone)]
pub struct Grant<T> {
    /// All queues, or all buckets.
    pub store: T,
    /// The granted names, in which `*` stands for any characters. A name that matches may also be created.
    pub names: Vec<String>,
}

/// What triggers can send events to.
#[derive(Debug, Clone)]
pub struct Targets {
    /// All functions, by each name that a trigger may use.
    pub functions: Arc<[String]>,
    /// All queues.
    pub queues: Queues,
}

impl Targets {
    /// Whether there is a function with this name.
    pub(super) fn has_function(&self, name: &str) -> bool {
        self.functions.iter().any(|known| known == name)
    }

    /// Whether there is a queue with this name.
    pub(super) async fn has_queue(&self, name: &str) -> Result<bool, QueueError> {
        match self.queues.describe(name).await {
            Ok(_) => Ok(true),
            Err(QueueError::Missing) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// Everything that the operator grants one component.
#[derive(Debug, Clone, Default)]
pub(crate) struct Grants {
    /// The queues, if any.
    pub queues: Option<Grant<Queues>>,
    /// The buckets, if any.
    pub buckets: Option<Grant<Objects>>,
    /// What the triggers of its buckets can send to; `None` if the host runs no triggers.
    pub targets: Option<Targets>,
}

impl<T> Grant<T> {
    /// The queues or buckets, if the grant allows this name.
    pub(super) fn get(&self, name: &str) -> Option<&T> {
        self.allows(name).then_some(&self.store)
    }

    /// Whether the grant allows a name.
    pub(super) fn allows(&self, name: &str) -> bool {
        allows(&self.names, name)
    }

    /// Whether the grant allows every name, so that lists need no filter.
    pub(super) fn allows_all(&self) -> bool {
        self.names.iter().any(|pattern| pattern == "*")
    }
}

/// Whether one of the patterns matches a name; `*` stands for any characters.
pub fn allows(patterns: &[String], name: &str) -> bool {
    patterns.iter().any(|pattern| matches(pattern, name))
}

/// Whether a pattern matches a name: the name contains the pieces between the `*` in this order, starts with the
/// first and ends with the last one.
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
    fn a_name_that_does_not_match_is_not_allowed() {
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
    fn one_of_several_patterns_is_enough_and_no_pattern_allows_nothing() {
        let grant = |names: &[&str]| Grant {
            store: (),
            names: names.iter().map(|name| (*name).to_owned()).collect(),
        };
        assert!(grant(&["a", "b*"]).get("bc").is_some());
        assert!(grant(&["a", "b*"]).get("c").is_none());
        assert!(grant(&[]).get("").is_none());
        assert!(grant(&["a", "*"]).allows_all());
    }
}
