//! A function's versions and aliases, and the version to which a qualifier resolves.
//!
//! Each version is a [`Function`] with its own environments. An alias is a name for one version, or for several among
//! which its calls are divided by weight.

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use crate::function::Function;
use crate::name::{LATEST, LATEST_PUBLISHED};

/// A name for one or more versions of a function.
#[derive(Debug, Clone, PartialEq)]
pub struct Alias {
    /// The function's name.
    pub function: String,
    /// The alias's name: 1 to 128 letters, digits, `-` and `_`, and not a number.
    pub name: String,
    /// The version: `$LATEST` or a number.
    pub version: String,
    /// Further versions with their shares of the calls. Each share is greater than 0, and their sum is at most 1.
    pub weights: Vec<(String, f64)>,
}

impl Alias {
    /// The version that serves a call; `at` is a random number from 0 up to 1.
    fn version_at(&self, at: f64) -> &str {
        let mut sum = 0.0;
        for (version, weight) in &self.weights {
            sum += weight;
            if at < sum {
                return version;
            }
        }
        &self.version
    }
}

/// All versions and aliases of a function.
#[derive(Debug, Default)]
pub struct Versions {
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

    /// The version `$LATEST`.
    pub fn latest(&self) -> Option<&Arc<Function>> {
        self.latest.as_ref()
    }

    /// The version `$LATEST`, then the published versions, oldest first.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Function>> {
        self.latest.iter().chain(self.published.values())
    }

    /// The aliases by name.
    pub fn aliases(&self) -> &BTreeMap<String, Alias> {
        &self.aliases
    }

    /// The version to which a qualifier resolves. For an alias with weights, the result varies from call to call.
    pub fn find(&self, qualifier: Option<&str>) -> Option<&Arc<Function>> {
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
            // `01` is not version 1.
            number => self
                .published
                .get(&number.parse().ok()?)
                .filter(|function| function.spec().version == number),
        }
    }
}

/// A random number from 0 up to 1.
fn random_share() -> f64 {
    // Six bits of a random UUID are fixed, but none of the lower 32.
    f64::from(Uuid::new_v4().as_u128() as u32) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_divide_the_calls() {
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
