//! Matching: leaves that must all be satisfied, by an event in which each list stands for one of its items.
//!
//! An event is walked once, from its leaves up. What a part of it can satisfy is a list of [`Satisfied`]: a value satisfies
//! the leaves it fits; of an object's members all count together; of a list's items any one does, so each of them is a
//! choice. A choice that another one covers is dropped, so few are ever left.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::matcher::Matcher;

/// Leaves that must all be satisfied.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Branch {
    /// By place: its names joined by dots.
    leaves: BTreeMap<String, Vec<Matcher>>,
}

impl Branch {
    /// Adds a leaf, in place of an earlier one at the same place.
    pub(crate) fn insert(&mut self, place: String, matchers: Vec<Matcher>) {
        self.leaves.insert(place, matchers);
    }

    /// The places of the leaves, the names of each joined by dots.
    pub fn places(&self) -> impl Iterator<Item = &str> {
        self.leaves.keys().map(String::as_str)
    }

    /// Whether an event satisfies every leaf.
    pub fn matches(&self, event: &Value) -> bool {
        let mut walk = Walk {
            leaves: self
                .leaves
                .iter()
                .enumerate()
                .map(|(index, (place, matchers))| (place.as_str(), (index, matchers.as_slice())))
                .collect(),
            seen: Satisfied::default(),
            place: String::new(),
        };
        let choices = walk.value(event);
        let absent = walk.absent();
        choices
            .iter()
            .chain([&Satisfied::default()])
            .any(|choice| choice.with(&absent).count() == self.leaves.len())
    }
}

/// A set of leaves, as bits by their index.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Satisfied(Vec<u64>);

impl Satisfied {
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

/// One pass over an event.
struct Walk<'b> {
    leaves: BTreeMap<&'b str, (usize, &'b [Matcher])>,
    /// The leaves at whose places the event has values.
    seen: Satisfied,
    /// Where the pass is.
    place: String,
}

impl Walk<'_> {
    /// The choices of what a part of the event satisfies; none if it satisfies nothing.
    fn value(&mut self, value: &Value) -> Vec<Satisfied> {
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

    fn member(&mut self, name: &str, value: &Value) -> Vec<Satisfied> {
        let outside = self.place.len();
        if outside > 0 {
            self.place.push('.');
        }
        self.place.push_str(name);
        let choices = self.value(value);
        self.place.truncate(outside);
        choices
    }

    fn scalar(&mut self, value: &Value) -> Vec<Satisfied> {
        let Some((index, matchers)) = self.leaves.get(self.place.as_str()) else {
            return Vec::new();
        };
        self.seen.insert(*index);
        if !matchers.iter().any(|matcher| matcher.fits(value)) {
            return Vec::new();
        }
        let mut satisfied = Satisfied::default();
        satisfied.insert(*index);
        vec![satisfied]
    }

    /// The leaves that are satisfied by the event's having no value there.
    fn absent(&self) -> Satisfied {
        let mut absent = Satisfied::default();
        for (index, matchers) in self.leaves.values() {
            if !self.seen.contains(*index) && matchers.contains(&Matcher::Exists(false)) {
                absent.insert(*index);
            }
        }
        absent
    }
}

/// The choices of two parts that count together.
fn all_of(left: Vec<Satisfied>, right: Vec<Satisfied>) -> Vec<Satisfied> {
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

/// Adds a choice, unless there is one as good; drops those it is better than.
fn add(choices: &mut Vec<Satisfied>, choice: Satisfied) {
    if !choices.iter().any(|known| known.covers(&choice)) {
        choices.retain(|known| !choice.covers(known));
        choices.push(choice);
    }
}
