//! `aliases` of a function: names for its versions.
//!
//! An alias leads to one version or, in its long form, divides its calls between versions by weight.

use lambkin_lambda::{Alias, is_alias_name};

use super::key::{Entry, Key, Kind, Table};
use super::reader::{Diagnostics, Reader, Spanned, TextOrTable};
use super::suggest::nearest;
use super::version::LATEST;

/// `[functions.NAME.aliases.ALIAS]`
pub const TABLE: Table = Table::new(&[&[
    Key::required(
        "version",
        Kind::Text,
        "The version that the alias leads to.",
    ),
    Key::optional(
        "weights",
        Kind::Entries {
            name: "N",
            pattern: "^[0-9]+$",
            entry: Entry::Number { max: 1.0 },
        },
        "The shares of calls that go to other versions. All weights together are at most 1.",
    ),
]]);

/// Tolerance for the sum of weights: tenths do not add up to exactly 1.
const ROUNDING: f64 = 1e-9;

/// Reads the aliases of `function`, whose published versions are `versions`.
pub fn read(
    table: &mut Reader<'_>,
    function: &str,
    versions: &[&str],
    diagnostics: &Diagnostics,
) -> Vec<Alias> {
    let reader = AliasReader {
        function,
        versions,
        diagnostics,
    };
    let aliases = table.texts_or_tables("aliases").into_iter();
    aliases
        .filter_map(|(name, target)| reader.read(name, target))
        .collect()
}

struct AliasReader<'a> {
    function: &'a str,
    /// The published versions.
    versions: &'a [&'a str],
    diagnostics: &'a Diagnostics,
}

/// The versions that an alias leads to.
struct Target {
    version: Spanned<String>,
    weights: Vec<(String, f64)>,
}

impl AliasReader<'_> {
    fn read(&self, name: Spanned<String>, target: TextOrTable<'_>) -> Option<Alias> {
        if !is_alias_name(&name.value) {
            let message = "the name of an alias has 1 to 128 letters, digits, `-` and `_`, and is not a number";
            self.diagnostics.add(name.span, &name.key, message);
            return None;
        }
        let Target { version, weights } = match target {
            TextOrTable::Text(version) => Target {
                version,
                weights: Vec::new(),
            },
            TextOrTable::Table(table) => self.read_table(table)?,
        };
        match version.value.as_str() {
            LATEST if weights.is_empty() => {}
            LATEST => {
                let message =
                    "an alias with weights can lead to published versions only, as on AWS";
                self.diagnostics.add(version.span, &version.key, message);
                return None;
            }
            _ if self.check(&version) => {}
            _ => return None,
        }
        Some(Alias {
            function: self.function.to_owned(),
            name: name.value,
            version: version.value,
            weights,
        })
    }

    /// `{ version = "2", weights = { "3" = 0.1 } }`
    fn read_table(&self, mut table: Reader<'_>) -> Option<Target> {
        let (span, path) = (table.span(), table.path().to_owned());
        if !table.has("version") {
            let message = "needs `version`: the version it leads to";
            self.diagnostics.add(span.clone(), &path, message);
        }
        let version = table.text("version");
        let weights = table.numbers("weights");
        table.finish();
        let sum: f64 = weights.iter().map(|(_, weight)| weight).sum();
        if sum > 1.0 + ROUNDING {
            let message = format!("the weights add up to {sum}; together they can be at most 1");
            self.diagnostics.add(span, &path, message);
        }
        let weights = weights
            .into_iter()
            .filter(|(version, _)| self.check(version))
            .map(|(version, weight)| (version.value, weight))
            .collect();
        Some(Target {
            version: version?,
            weights,
        })
    }

    /// Whether a published version exists. Reports it if not.
    fn check(&self, version: &Spanned<String>) -> bool {
        let known = self.versions.contains(&version.value.as_str());
        if !known {
            let all = || self.versions.iter().copied().chain([LATEST]);
            let hint = match nearest(&version.value, all()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("defined are: {}", all().collect::<Vec<_>>().join(", ")),
            };
            let message = format!(
                "{} has no version {:?}; {hint}",
                self.function, version.value
            );
            self.diagnostics
                .add(version.span.clone(), &version.key, message);
        }
        known
    }
}
