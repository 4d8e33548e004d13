//! The keys `stage-variables` and `canary`, and functions that are named by stage variables.
//!
//! | key of `canary` | meaning |
//! |---|---|
//! | `percent-traffic` | the share of the requests, 0 to 100 |
//! | `stage-variable-overrides` | stage variables that are added, or have other values |
//!
//! On AWS, a canary is also another deployment, with other methods; here there is one configuration. What usually
//! differs is the alias of a function: `function = "orders:${stageVariables.alias}"`.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use http_event::api_settings::{variables, variables_as_json};
use plugin_kit::settings::{Problems, Table, is_function};
use serde_json::Value;

use crate::state::Canary;

/// A stage's variables, and those of its canary.
#[derive(Debug)]
pub struct Stage<'a> {
    variables: Variables<'a>,
    canary: Option<(String, Variables<'a>)>,
    /// The variables of the canary, by their names, and the keys that lead to each.
    overrides: Vec<(&'a str, Vec<String>)>,
}

/// Names and values, and the same as JSON.
#[derive(Debug)]
struct Variables<'a> {
    all: Vec<(&'a str, &'a str)>,
    json: String,
}

/// The function that a method invokes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invoked {
    /// The name.
    pub name: String,
    /// The function of the canary, if that is another one.
    pub canary: Option<String>,
    /// The keys that lead to the name.
    pub at: Vec<String>,
    /// The keys that lead to the canary's variable by which its function differs.
    pub canary_at: Vec<String>,
}

impl<'a> Stage<'a> {
    /// Reads the keys.
    pub fn read(table: &Table<'a>, problems: &mut Problems) -> Self {
        let own = variables("stage-variables", table, problems);
        let canary = table.table("canary", problems);
        let mut places = Vec::new();
        let canary = canary.map(|canary| {
            let explained = [(
                "use-stage-cache",
                "API Gateway's caches are not imitated here",
            )];
            let known = ["percent-traffic", "stage-variable-overrides"];
            canary.refuse_unknown(&known, &explained, problems);
            let percent = percent(&canary, problems);
            let overrides = variables("stage-variable-overrides", &canary, problems);
            let at = canary.path_of("stage-variable-overrides");
            places.extend(overrides.iter().map(|(name, _)| {
                let mut at = at.clone();
                at.push(String::from(*name));
                (*name, at)
            }));
            let kept = own.iter().filter(|(name, _)| {
                let mut overridden = overrides.iter();
                overridden.all(|(other, _)| other != name)
            });
            let all = kept.chain(&overrides).copied().collect();
            (percent, Variables::new(all))
        });
        Self {
            variables: Variables::new(own),
            canary,
            overrides: places,
        }
    }

    /// The stage variables as a JSON object; empty without any.
    pub fn variables(&self) -> &str {
        &self.variables.json
    }

    /// The canary for the state.
    pub fn canary(&self) -> Option<Canary<'_>> {
        let (percent, variables) = self.canary.as_ref()?;
        Some(Canary {
            percent,
            stage_variables: &variables.json,
        })
    }

    /// Reads the name of a function, which may have stage variables. `rule` says what it has to be.
    pub fn function(
        &self,
        key: &str,
        rule: &str,
        table: &Table<'_>,
        problems: &mut Problems,
    ) -> Option<Invoked> {
        let is_legal = |text: &str| is_function(text) || text.contains("${");
        let text = table.text(key, is_legal, rule, problems)?;
        let canary = self.canary.as_ref().map(|(_, variables)| variables);
        let named = |variables: &Variables<'_>| variables.function(text);
        match (named(&self.variables), canary.map(named).transpose()) {
            (Ok(name), Ok(canary)) => Some(Invoked {
                canary: canary.filter(|canary| *canary != name),
                name,
                canary_at: self
                    .place_of_canary(text)
                    .unwrap_or_else(|| table.path_of(key)),
                at: table.path_of(key),
            }),
            (Err(message), _) | (_, Err(message)) => {
                problems.add(table.path_of(key), message);
                None
            }
        }
    }
}

impl Stage<'_> {
    /// Where the canary sets the first variable of a text that it sets.
    fn place_of_canary(&self, text: &str) -> Option<Vec<String>> {
        let mut overrides = self.overrides.iter();
        let is_in = |name: &str| text.contains(&format!("${{stageVariables.{name}}}"));
        let found = overrides.find(|(name, _)| is_in(name));
        found.map(|(_, at)| at.clone())
    }
}

fn percent(canary: &Table<'_>, problems: &mut Problems) -> String {
    const KEY: &str = "percent-traffic";

    let percent = canary.get(KEY).and_then(Value::as_number);
    let percent = percent.filter(|it| {
        it.as_f64()
            .is_some_and(|percent| (0.0..=100.0).contains(&percent))
    });
    match percent {
        Some(percent) => percent.to_string(),
        None => {
            let message =
                "a canary needs its share of the requests in percent, a number from 0 to 100";
            problems.add(canary.path_of(KEY), message);
            String::from("0")
        }
    }
}

impl<'a> Variables<'a> {
    fn new(all: Vec<(&'a str, &'a str)>) -> Self {
        let json = variables_as_json(&all);
        Self { all, json }
    }

    /// The function with this name, in which `${stageVariables.NAME}` stands for a variable.
    fn function(&self, text: &str) -> Result<String, String> {
        const START: &str = "${stageVariables.";

        let mut name = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once(START) {
            name.push_str(before);
            let (variable, after) = after
                .split_once('}')
                .ok_or_else(|| format!("`{START}` needs a `}}` behind the variable's name"))?;
            let mut all = self.all.iter();
            let found = all.find(|(other, _)| *other == variable);
            let (_, value) = found.ok_or_else(|| {
                format!("there is no stage variable `{variable}`; add it to `stage-variables`")
            })?;
            name.push_str(value);
            rest = after;
        }
        name.push_str(rest);
        match is_function(&name) {
            true => Ok(name),
            false => Err(format!(
                "with the stage variables, this is {name:?}, which cannot be the name of a function"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read<T>(
        config: &Value,
        check: impl FnOnce(&Stage<'_>, &Table<'_>, &mut Problems) -> T,
    ) -> T {
        let members = config.as_object().unwrap();
        let table = Table::root(members);
        let mut problems = Problems::default();
        let stage = Stage::read(&table, &mut problems);
        check(&stage, &table, &mut problems)
    }

    fn problems(config: &Value) -> Vec<String> {
        read(config, |stage, table, problems| {
            stage.function("function", "a function", table, problems);
            let problems = std::mem::take(problems).into_result(None::<()>);
            let problems = problems.unwrap_err().into_iter();
            problems
                .map(|it| format!("{:?} {}", it.at, it.message))
                .collect()
        })
    }

    #[test]
    fn a_canary_has_the_variables_of_the_stage_and_its_own() {
        let config = json!({
            "stage-variables": {"alias": "live", "color": "blue"},
            "canary": {"percent-traffic": 12.5, "stage-variable-overrides": {"alias": "next", "new": "1"}},
            "function": "orders:${stageVariables.alias}",
            "plain": "orders",
        });
        read(&config, |stage, table, problems| {
            let canary = stage.canary().unwrap();
            assert_eq!(canary.percent, "12.5");
            let variables: Value = serde_json::from_str(canary.stage_variables).unwrap();
            assert_eq!(
                variables,
                json!({"alias": "next", "color": "blue", "new": "1"})
            );
            let invoked = stage.function("function", "", table, problems).unwrap();
            assert_eq!(invoked.name, "orders:live");
            assert_eq!(invoked.canary.as_deref(), Some("orders:next"));
            assert_eq!(invoked.at, ["function"]);
            let place = ["canary", "stage-variable-overrides", "alias"];
            assert_eq!(invoked.canary_at, place);
            let plain = stage.function("plain", "", table, problems).unwrap();
            assert_eq!((plain.name.as_str(), plain.canary), ("orders", None));
            assert!(problems.is_empty(), "{problems:?}");
        });
    }

    #[test]
    fn mistakes_are_named() {
        for (config, expected) in [
            (
                json!({"canary": {}}),
                r#"["canary", "percent-traffic"] a canary needs its share"#,
            ),
            (
                json!({"canary": {"percent-traffic": 100.5}}),
                r#"["canary", "percent-traffic"] a canary needs its share"#,
            ),
            (
                json!({"canary": {"percent-traffic": 1, "use-stage-cache": true}}),
                r#"["canary", "use-stage-cache"] API Gateway's caches"#,
            ),
            (
                json!({"function": "f:${stageVariables.alias}"}),
                r#"["function"] there is no stage variable `alias`; add it"#,
            ),
            (
                json!({"function": "f:${stageVariables.alias"}),
                r#"["function"] `${stageVariables.` needs a `}`"#,
            ),
            (
                json!({"function": "f:${alias}"}),
                r#"["function"] with the stage variables, this is "f:${alias}""#,
            ),
            (
                json!({"function": "f:${stageVariables.a}", "stage-variables": {"a": "b/c"}}),
                r#"["function"] with the stage variables, this is "f:b/c""#,
            ),
        ] {
            let found = problems(&config);
            assert_eq!(found.len(), 1, "{config} {found:?}");
            assert!(found[0].starts_with(expected), "{found:?}");
        }
    }
}
