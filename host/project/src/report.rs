//! What is said about a project besides what it becomes: notes and refusals.
//!
//! Contract: everything in a template is served, noted, or refused; nothing is dropped in silence. *Noted* is what has no
//! effect on this machine, or what was decided for the user. *Refused* is what a user would wait for in vain: nothing
//! starts, unless the user accepts it (`--partial`), so a refusal says what does not happen and how to get on. Resources
//! without an effect are counted, in one line.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::file::{Files, Place};

/// Something to tell about a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// Where, if it is about a place.
    pub place: Option<Place>,
    /// What.
    pub text: String,
}

/// What there is to tell.
#[derive(Debug, Default)]
pub struct Report {
    parts: RefCell<Parts>,
}

#[derive(Debug, Default)]
struct Parts {
    notes: Vec<Remark>,
    refusals: Vec<Remark>,
    /// How many resources of each type have no effect here.
    without_effect: BTreeMap<String, usize>,
}

impl Report {
    /// Notes something without an effect here, or something that was decided. The same text is noted once.
    pub fn note(&self, place: impl Into<Option<Place>>, text: impl Into<String>) {
        let remark = Remark {
            place: place.into(),
            text: text.into(),
        };
        let notes = &mut self.parts.borrow_mut().notes;
        if !notes.contains(&remark) {
            notes.push(remark);
        }
    }

    /// Refuses something that would be waited for in vain: what does not happen, why, and a way out.
    pub fn refuse(&self, place: impl Into<Option<Place>>, text: impl Into<String>) {
        let remark = Remark {
            place: place.into(),
            text: text.into(),
        };
        let refusals = &mut self.parts.borrow_mut().refusals;
        if !refusals.contains(&remark) {
            refusals.push(remark);
        }
    }

    /// Counts a resource without an effect here.
    pub fn without_effect(&self, kind: &str) {
        let mut parts = self.parts.borrow_mut();
        *parts.without_effect.entry(kind.to_owned()).or_default() += 1;
    }

    /// The notes as lines, in the order of their places.
    #[must_use]
    pub fn notes(&self, files: &Files) -> Vec<String> {
        let parts = self.parts.borrow();
        let mut notes = parts.notes.clone();
        notes.sort_by_key(|remark| remark.place);
        let mut lines: Vec<String> = notes.iter().map(|remark| shown(remark, files)).collect();
        let counts = &parts.without_effect;
        if !counts.is_empty() {
            let total: usize = counts.values().sum();
            let kinds: Vec<String> = counts
                .iter()
                .map(|(kind, count)| format!("{count} {kind}"))
                .collect();
            let resources = if total == 1 { "resource" } else { "resources" };
            let kinds = kinds.join(", ");
            lines.push(format!(
                "{total} {resources} without an effect here: {kinds}"
            ));
        }
        lines
    }

    /// The refusals, in the order of their places, each with the line that it is about.
    #[must_use]
    pub fn refusals(&self, files: &Files) -> Vec<String> {
        let mut refusals = self.parts.borrow().refusals.clone();
        refusals.sort_by_key(|remark| remark.place);
        let explained = refusals.iter().map(|remark| match remark.place {
            Some(place) => files.explained(place, &remark.text).to_string(),
            None => remark.text.clone(),
        });
        explained.collect()
    }

    /// Whether something was refused.
    #[must_use]
    pub fn has_refusals(&self) -> bool {
        !self.parts.borrow().refusals.is_empty()
    }
}

fn shown(remark: &Remark, files: &Files) -> String {
    match remark.place {
        Some(place) => format!("{}: {}", files.shown(place), remark.text),
        None => remark.text.clone(),
    }
}
