//! Matching of one alternative of a pattern: leaves that must all be matched, by one choice of an item for each list.
//!
//! The event is traversed once, bottom-up. The result for each part of it is a list of choices, each a [`LeafSet`] of
//! the leaves that it matches: a value matches its own leaves, the members of an object add up, and each item of a list
//! is a choice of its own. A choice that another one covers is dropped, so that few remain.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::matcher::Matcher;

/// One alternative of a pattern: leaves that must all be matched.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Branch {
    /// The matchers of each leaf, by its path with dots between names.
    leaves: BTreeMap<String, Vec<Matcher>>,
}

impl Branch {
    /// Adds a leaf; it replaces an earlier one with the same path.
    pub(crate) fn insert(&mut self, path: String, matchers: Vec<Matcher>) {
        self.leaves.insert(path, matchers);
    }

    /// The paths of all leaves, with dots between names.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.leaves.keys().map(String::as_str)
    }

    /// Whether an event matches every leaf.
    pub fn matches(&self, event: &Value) -> bool {
        let mut walk = Walk {
            leaves: self
                .leaves
                .iter()
                .enumerate()
                .map(|(index, (path, matchers))| (path.as_str(), (index, matchers.as_slice())))
                .collect(),
            seen: LeafSet::default(),
            path: String::new(),
        };
        let choices = walk.value(event);
        let absent = walk.absent();
        choices
            .iter()
            .chain([&LeafSet::default()])
            .any(|choice| choice.with(&absent).count() == self.leaves.len())
    }
}

/// A set of leaves: one bit per leaf, by its index.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct LeafSet(Vec<u64>);

impl LeafSet {
    fn insert(&mut self, index: usize) {
        let (word, bit) = (index / 64, index % 64);
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        if let Some(word) = self.0.get_mut(word) {
            *word |= 1 << bit;
        }
    }

    fn contains(&self, index: usize) -> bool {
        let word = self.0.get(index / 64).copied().unwrap_or_default();
        word >> (index % 64) & 1 == 1
    }

    fn with(&self, other: &Self) -> Self {
        let (long, short) = if self.0.len() < other.0.len() {
            (other, self)
        } else {
            (self, other)
        };
        let mut union = long.clone();
        for (word, more) in union.0.iter_mut().zip(&short.0) {
            *word |= more;
        }
        union
    }

    fn covers(&self, other: &Self) -> bool {
        let words = self.0.iter().copied().chain(std::iter::repeat(0));
        other
            .0
            .iter()
            .zip(words)
            .all(|(other, own)| other & !own == 0)
    }

    fn count(&self) -> usize {
        self.0
            .iter()
            .map(|word| usize::try_from(word.count_ones()).unwrap_or_default())
            .sum()
    }
}

/// The traversal of an event.
struct Walk<'b> {
    leaves: BTreeMap<&'b str, (usize, &'b [Matcher])>,
    /// The leaves at whose paths the event has values.
    seen: LeafSet,
    /// The current path.
    path: String,
}

impl Walk<'_> {
    /// The choices for a part of the event; empty if it matches no leaf.
    fn value(&mut self, value: &Value) -> Vec<LeafSet> {
        match value {
            Value::Object(members) => {
                let mut choices = Vec::new();
                for (name, value) in members {
                    let of_member = self.member(name, value);
                    choices = all_of(choices, of_member);
                }
                choices
            }
            Value::Array(items) => {
                let mut choices = Vec::new();
                for item in items {
                    for choice in self.value(item) {
                        add(&mut choices, choice);
                    }
                }
                choices
            }
            scalar => self.scalar(scalar),
        }
    }

    fn member(&mut self, name: &str, value: &Value) -> Vec<LeafSet> {
        let outside = self.path.len();
        if outside > 0 {
            self.path.push('.');
        }
        self.path.push_str(name);
        let choices = self.value(value);
        self.path.truncate(outside);
        choices
    }

    fn scalar(&mut self, value: &Value) -> Vec<LeafSet> {
        let Some((index, matchers)) = self.leaves.get(self.path.as_str()) else {
            return Vec::new();
        };
        self.seen.insert(*index);
        if !matchers.iter().any(|matcher| matcher.matches(value)) {
            return Vec::new();
        }
        let mut matched = LeafSet::default();
        matched.insert(*index);
        vec![matched]
    }

    /// The leaves that match because the event has no value at their path (`exists: false`).
    fn absent(&self) -> LeafSet {
        let mut absent = LeafSet::default();
        for (index, matchers) in self.leaves.values() {
            if !self.seen.contains(*index) && matchers.contains(&Matcher::Exists(false)) {
                absent.insert(*index);
            }
        }
        absent
    }
}

/// The choices for two parts that add up: each combination of their choices.
fn all_of(left: Vec<LeafSet>, right: Vec<LeafSet>) -> Vec<LeafSet> {
    if left.is_empty() {
        return right;
    }
    if right.is_empty() {
        return left;
    }
    let mut choices = Vec::new();
    for left in &left {
        for right in &right {
            add(&mut choices, left.with(right));
        }
    }
    choices
}

/// Adds a choice unless another one covers it; drops those that it covers.
fn add(choices: &mut Vec<LeafSet>, choice: LeafSet) {
    if !choices.iter().any(|known| known.covers(&choice)) {
        choices.retain(|known| !choice.covers(known));
        choices.push(choice);
    }
}
