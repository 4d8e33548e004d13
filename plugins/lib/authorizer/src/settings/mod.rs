//! The tables `authorizers` of a trigger, and the keys `authorizer` and `authorization-scopes` of its routes.
//!
//! On failure: every mistake is recorded with the keys that lead to it, and the reader goes on.

mod issuer;
mod lambda;

use alloc::borrow::ToOwned as _;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use plugin_kit::nearest::nearest;
use plugin_kit::settings::{Problems, Table};

use crate::authorizer::{self, Authorizer, ENTRY, Guard, Kind, List, joined};
use crate::identity_source::{self, Style};

/// The name with which a route is open although the API has an authorizer.
pub const NONE: &str = "NONE";

/// What the authorizers of a kind of API may be.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// The API in messages: `an HTTP API`.
    pub api: &'static str,
    /// The types that it has, of `token`, `request`, `jwt`, `cognito` and `iam`.
    pub types: &'static [&'static str],
    /// How it writes identity sources.
    pub style: Style,
    /// Whether `request` has payload formats, and simple responses.
    pub has_formats: bool,
    /// How long results of functions are kept if the configuration does not say it, in milliseconds.
    pub default_ttl_ms: u32,
    /// How long it waits for a function, in milliseconds.
    pub max_wait_ms: u32,
}

/// What the reader has to know about the trigger.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings<'a> {
    /// The origins that the host fetches documents from, separated by spaces; `None` if the host does not say.
    pub network: Option<&'a str>,
}

/// The authorizers of a trigger.
#[derive(Debug, Default)]
pub struct Authorizers<'a> {
    all: Vec<Configured<'a>>,
    /// Names of tables with mistakes: a route that uses them is not to blame.
    names: Vec<&'a str>,
    /// The guard of routes that name none.
    default: Option<RouteGuard<'a>>,
}

/// An authorizer of the configuration.
#[derive(Debug)]
struct Configured<'a> {
    text: String,
    kind: &'a str,
    function: Option<(&'a str, Vec<String>)>,
    summary: String,
}

/// The guard of a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteGuard<'a> {
    authorizer: &'a str,
    scopes: String,
}

impl RouteGuard<'_> {
    /// The guard as a field of a state.
    pub fn write(&self) -> String {
        let guard = Guard {
            authorizer: self.authorizer,
            scopes: List(&self.scopes),
        };
        guard.write()
    }

    /// The name of the authorizer.
    pub fn name(&self) -> &str {
        self.authorizer
    }
}

impl<'a> Authorizers<'a> {
    /// Reads `authorizers`, and the key `authorizer` that applies to all routes.
    pub fn read(
        table: &Table<'a>,
        rules: Rules,
        surroundings: Surroundings<'_>,
        problems: &mut Problems,
    ) -> Self {
        let mut found = Self::default();
        let tables = table.table("authorizers", problems);
        for name in tables.iter().flat_map(Table::keys) {
            found.names.push(name);
            if !is_printable(name) || name == NONE {
                let message = format!("an authorizer needs another name than {name:?}");
                problems.add(table.path_of("authorizers"), message);
                continue;
            }
            let one = tables
                .as_ref()
                .and_then(|tables| tables.table(name, problems));
            let one = one.and_then(|table| read_one(name, &table, rules, surroundings, problems));
            found.all.extend(one);
        }
        found.default = found.guard(table, problems);
        found
    }

    /// Reads `authorizer` and `authorization-scopes` of a route, whose default is the trigger's. `None`: the route is
    /// open to everyone.
    pub fn guard(&self, table: &Table<'a>, problems: &mut Problems) -> Option<RouteGuard<'a>> {
        let is_legal = |scope: &str| is_printable(scope) && !scope.contains([' ', '"']);
        let rule = "a scope is a text without spaces";
        let scopes = table.texts("authorization-scopes", is_legal, rule, problems);
        let scopes = scopes.filter(|scopes| !scopes.is_empty());
        let scopes = scopes.map(|scopes| joined(scopes, ENTRY));
        let named = match table.text(
            "authorizer",
            |_| true,
            "this is the name of an authorizer",
            problems,
        ) {
            Some(NONE) => None,
            Some(name) => {
                if !self.names.contains(&name) {
                    let known = [self.names.as_slice(), &[NONE]].concat();
                    let hint = match nearest(name, &known) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None if self.names.is_empty() => {
                            format!("define it in `authorizers.{name}`")
                        }
                        None => format!("there are {}", self.names.join(", ")),
                    };
                    let message = format!("there is no authorizer `{name}`; {hint}");
                    problems.add(table.path_of("authorizer"), message);
                }
                Some(RouteGuard {
                    authorizer: name,
                    scopes: String::new(),
                })
            }
            None => self.default.clone(),
        };
        match (named, scopes) {
            (Some(guard), Some(scopes)) => {
                let kind = self.all.iter().find(|one| one.has_name(guard.authorizer));
                if kind.is_some_and(|one| !matches!(one.kind, "jwt" | "cognito")) {
                    let message = "only authorizers of the types `jwt` and `cognito` check scopes";
                    problems.add(table.path_of("authorization-scopes"), message);
                }
                Some(RouteGuard { scopes, ..guard })
            }
            (None, Some(_)) => {
                let message = "scopes are checked by an authorizer: set `authorizer`, too";
                problems.add(table.path_of("authorization-scopes"), message);
                None
            }
            (guard, None) => guard,
        }
    }

    /// The guard of routes that name none.
    pub fn default_guard(&self) -> Option<RouteGuard<'a>> {
        self.default.clone()
    }

    /// The line of a plugin's state.
    pub fn write(&self) -> String {
        authorizer::join(self.all.iter().map(|one| one.text.as_str()))
    }

    /// The functions, with the keys that lead to their names.
    pub fn functions(&self) -> impl Iterator<Item = (&'a str, &[String])> {
        let functions = self.all.iter().filter_map(|one| one.function.as_ref());
        functions.map(|(name, at)| (*name, at.as_slice()))
    }

    /// A line about each for `lambkin check`.
    pub fn summary(&self) -> impl Iterator<Item = String> {
        self.all.iter().map(|one| one.summary.clone())
    }
}

impl Configured<'_> {
    fn has_name(&self, name: &str) -> bool {
        authorizer::find(&self.text, name).is_some()
    }
}

fn read_one<'a>(
    name: &'a str,
    table: &Table<'a>,
    rules: Rules,
    surroundings: Surroundings<'_>,
    problems: &mut Problems,
) -> Option<Configured<'a>> {
    let Some(kind) = table.get("type") else {
        let message = format!("`type` is missing: {}", rules.types.join(", "));
        problems.add(table.at().to_vec(), message);
        return None;
    };
    let kind = kind.as_str().unwrap_or_default();
    if !rules.types.contains(&kind) {
        let near = nearest(kind, rules.types).map(|near| format!("; did you mean `{near}`?"));
        let near = near.unwrap_or_default();
        let types = rules.types.join(", ");
        let message = format!(
            "the authorizers of {} have the types {types}{near}",
            rules.api
        );
        problems.add(table.path_of("type"), message);
        return None;
    }
    match kind {
        "iam" => {
            table.refuse_unknown(&["type"], &[], problems);
            let kind = Kind::Iam;
            Some(Configured {
                text: Authorizer { name, kind }.write(),
                kind: "iam",
                function: None,
                summary: format!("authorizer {name}: requests signed with AWS credentials"),
            })
        }
        "jwt" | "cognito" => issuer::read(
            name,
            table,
            kind == "cognito",
            rules,
            surroundings,
            problems,
        ),
        _ => lambda::read(name, table, kind == "token", rules, problems),
    }
}

/// Identity sources, one or several, in the form of a state. `max` is how many there may be.
fn identity_sources(
    table: &Table<'_>,
    rules: Rules,
    max: usize,
    problems: &mut Problems,
) -> Option<Vec<String>> {
    const KEY: &str = "identity-source";
    let given = match table.get(KEY)?.as_str() {
        Some(one) => [one].into(),
        None => table.texts(KEY, |_| true, "an identity source is a text", problems)?,
    };
    if given.len() > max {
        problems.add(
            table.path_of(KEY),
            format!("there may be {max} of them here"),
        );
    }
    let mut sources = Vec::new();
    for source in given {
        match identity_source::parse(source, rules.style) {
            Ok(source) if is_printable(&source) => sources.push(source),
            Ok(_) => {}
            Err(message) => {
                problems.add(table.path_of(KEY), format!("{message}, not {source:?}"));
            }
        }
    }
    Some(sources)
}

fn is_printable(text: &str) -> bool {
    !text.is_empty() && !text.chars().any(char::is_control)
}

/// The source of the header `Authorization`, in the form of a state.
fn authorization() -> String {
    "h:Authorization".to_owned()
}

#[cfg(test)]
mod tests;
