//! `versions` and `aliases` of a function: what is published, and under which names.
//!
//! A version is the function with some of its keys overridden; what it leaves out it has from the function. An alias
//! is a name for a version, in its long form with shares of its calls for others.

use std::path::Path;

use lambkin_lambda::{Alias, FunctionSpec, is_alias_name, is_version_number};

use super::function::{LATEST, Version, read_version_keys};
use super::reader::{Diagnostics, Reader, Spanned, TextOrTable, nearest};

/// Tenths do not add up to exactly 1.
const ROUNDING: f64 = 1e-9;

/// Reads the published versions and the aliases of a function.
pub fn read(
    table: &mut Reader<'_>,
    latest: &Version,
    project: &Path,
    diagnostics: &Diagnostics,
) -> (Vec<Version>, Vec<Alias>) {
    let versions: Vec<Version> = table
        .tables("versions")
        .into_iter()
        .filter_map(|(number, table)| read_version(&number, table, latest, project, diagnostics))
        .collect();
    let known: Vec<&str> = versions
        .iter()
        .map(|one| one.spec.version.as_str())
        .collect();
    let aliases = AliasReader {
        function: &latest.spec.name,
        versions: &known,
        diagnostics,
    };
    let aliases = table
        .texts_or_tables("aliases")
        .into_iter()
        .filter_map(|(name, target)| aliases.read(name, target))
        .collect();
    (versions, aliases)
}

fn read_version(
    number: &Spanned<String>,
    mut table: Reader<'_>,
    latest: &Version,
    project: &Path,
    diagnostics: &Diagnostics,
) -> Option<Version> {
    if !is_version_number(&number.value) {
        let message = "a version is a number: 1, 2, 3, …";
        diagnostics.add(number.span.clone(), &number.key, message);
        return None;
    }
    let spec = FunctionSpec {
        version: number.value.clone(),
        log_prefix: format!("{}:{} | ", latest.spec.name, number.value),
        ..latest.spec.clone()
    };
    let base = Version {
        spec,
        origin: latest.origin.clone(),
    };
    let version = read_version_keys(&mut table, base, project, diagnostics);
    table.finish();
    Some(version)
}

/// Reads the aliases of one function.
struct AliasReader<'a> {
    function: &'a str,
    /// The published ones.
    versions: &'a [&'a str],
    diagnostics: &'a Diagnostics,
}

/// Where an alias leads.
struct Target {
    version: Spanned<String>,
    weights: Vec<(String, f64)>,
}

impl AliasReader<'_> {
    fn read(&self, name: Spanned<String>, target: TextOrTable<'_>) -> Option<Alias> {
        if !is_alias_name(&name.value) {
            let message =
                "an alias is 1 to 128 letters, digits, `-` and `_`, and not a number alone";
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
                let message = "an alias with weights leads to published versions only, as on AWS";
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
        let weights = table
            .table("weights")
            .map_or_else(Vec::new, |weights| weights.remaining_numbers(1.0));
        table.finish();
        let sum: f64 = weights.iter().map(|(_, weight)| weight).sum();
        if sum > 1.0 + ROUNDING {
            let message = format!("the weights are {sum} together, and 1 is all calls");
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

    /// Whether there is such a published version; if not, that is noted.
    fn check(&self, version: &Spanned<String>) -> bool {
        let known = self.versions.contains(&version.value.as_str());
        if !known {
            let all = || self.versions.iter().copied().chain([LATEST]);
            let hint = match nearest(&version.value, all()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are: {}", all().collect::<Vec<_>>().join(", ")),
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
