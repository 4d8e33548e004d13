//! A function's versions and aliases, and which of them a qualifier leads to.
//!
//! Each version is a [`Function`] of its own, with its own environments; an alias is another name for one of them, or
//! for several that share its calls by weight.

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use crate::function::Function;
use crate::name::{LATEST, LATEST_PUBLISHED};

/// Another name for a version of a function.
#[derive(Debug, Clone, PartialEq)]
pub struct Alias {
    /// The function's name.
    pub function: String,
    /// 1 to 128 letters, digits, `-` and `_`, and not a number.
    pub name: String,
    /// `$LATEST` or the number of a version.
    pub version: String,
    /// Further versions, each with its share of the calls, above 0 and up to 1 all together.
    pub weights: Vec<(String, f64)>,
}

impl Alias {
    /// The version for a call, `at` being evenly spread over 0 to 1.
    fn version_at(&self, at: f64) -> &str {
        let mut below = 0.0;
        for (version, weight) in &self.weights {
            below += weight;
            if at < below {
                return version;
            }
        }
        &self.version
    }
}

/// All of a function that can be invoked.
#[derive(Debug, Default)]
pub(crate) struct Versions {
    latest: Option<Arc<Function>>,
    published: BTreeMap<u64, Arc<Function>>,
    aliases: BTreeMap<String, Alias>,
}

impl Versions {
    pub(crate) fn add(&mut self, function: Arc<Function>) {
        match function.spec().version.parse() {
            Ok(number) => drop(self.published.insert(number, function)),
            Err(_latest) => self.latest = Some(function),
        }
    }

    pub(crate) fn add_alias(&mut self, alias: Alias) {
        self.aliases.insert(alias.name.clone(), alias);
    }

    /// `$LATEST`.
    pub(crate) fn latest(&self) -> Option<&Arc<Function>> {
        self.latest.as_ref()
    }

    /// `$LATEST` and then the published versions, oldest first.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Function>> {
        self.latest.iter().chain(self.published.values())
    }

    /// The aliases by name.
    pub(crate) fn aliases(&self) -> &BTreeMap<String, Alias> {
        &self.aliases
    }

    /// The version that a qualifier leads to. Of an alias with weights each call may get another one.
    pub(crate) fn find(&self, qualifier: Option<&str>) -> Option<&Arc<Function>> {
        match qualifier {
            None | Some(LATEST) => self.latest.as_ref(),
            Some(LATEST_PUBLISHED) => self.published.values().next_back(),
            Some(qualifier) => match self.aliases.get(qualifier) {
                Some(alias) if alias.weights.is_empty() => self.version(&alias.version),
                Some(alias) => self.version(alias.version_at(random_share())),
                None => self.version(qualifier),
            },
        }
    }

    fn version(&self, version: &str) -> Option<&Arc<Function>> {
        match version {
            LATEST => self.latest.as_ref(),
            // `01` is no spelling of version 1.
            number => self
                .published
                .get(&number.parse().ok()?)
                .filter(|function| function.spec().version == number),
        }
    }
}

/// A random number from 0 up to 1.
fn random_share() -> f64 {
    // The upper half of a random UUID holds four bits that are not random; the lower 32 bits are.
    f64::from(Uuid::new_v4().as_u128() as u32) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_share_the_calls() {
        let alias = Alias {
            function: "f".to_owned(),
            name: "live".to_owned(),
            version: "1".to_owned(),
            weights: vec![("2".to_owned(), 0.1), ("3".to_owned(), 0.2)],
        };
        for (at, version) in [
            (0.0, "2"),
            (0.099, "2"),
            (0.1, "3"),
            (0.29, "3"),
            (0.31, "1"),
        ] {
            assert_eq!(alias.version_at(at), version, "{at}");
        }
        assert!((0.0..1.0).contains(&random_share()));
    }
}
