//! The key `models`, and the key `request-models` of a route.
//!
//! A model is a schema in JSON Schema draft 4, as a table or as JSON text. `Empty` exists without being defined, as on
//! AWS, and accepts everything.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use plugin_kit::nearest::nearest;
use plugin_kit::settings::{Problems, Table, is_word};
use serde_json::{Map, Value};

/// The model that every API has.
const EMPTY: &str = "Empty";

/// The models of the API.
#[derive(Debug, Default)]
pub struct Models<'a>(Vec<(&'a str, Cow<'a, Value>)>);

/// Reads the models.
pub fn read<'a>(table: &Table<'a>, problems: &mut Problems) -> Models<'a> {
    let Some(table) = table.table("models", problems) else {
        return Models::default();
    };
    let mut models = Vec::new();
    for name in table.keys() {
        let at = table.path_of(name);
        if !is_word(name, "") {
            problems.add(at.clone(), "a model's name consists of letters and digits");
        }
        match table.get(name) {
            Some(schema @ Value::Object(_)) => models.push((name, Cow::Borrowed(schema))),
            Some(Value::String(text)) => match serde_json::from_str(text) {
                Ok(schema) => models.push((name, Cow::Owned(schema))),
                Err(error) => problems.add(at, format!("the schema is not JSON: {error}")),
            },
            _ => problems.add(at, "a model is a JSON schema: a table, or JSON text"),
        }
    }
    let models = Models(models);
    for (name, schema) in &models.0 {
        for fault in json_schema::check(schema, &|name| models.has(name)) {
            let mut at = table.path_of(name);
            let mut message = fault.message;
            // Within a text, only the text has a place in the file.
            match schema {
                Cow::Borrowed(_) => at.extend(fault.at),
                Cow::Owned(_) if fault.at.is_empty() => {}
                Cow::Owned(_) => message = format!("{}: {message}", fault.at.join(".")),
            }
            problems.add(at, message);
        }
    }
    models
}

impl Models<'_> {
    fn has(&self, name: &str) -> bool {
        name == EMPTY || self.0.iter().any(|(own, _)| *own == name)
    }

    /// The models for the state: a JSON object; empty without any.
    pub fn as_state(&self) -> String {
        if self.0.is_empty() {
            return String::new();
        }
        let member =
            |(name, schema): &(&str, Cow<'_, Value>)| ((*name).to_string(), Value::clone(schema));
        Value::Object(self.0.iter().map(member).collect()).to_string()
    }

    /// The key `request-models` of a route: the names of models by content type. `None` without the key.
    pub fn of_route(
        &self,
        route: &Table<'_>,
        problems: &mut Problems,
    ) -> Option<Map<String, Value>> {
        let table = route.table("request-models", problems)?;
        let mut found = Map::new();
        for content_type in table.keys() {
            let is_type = content_type == "$default" || content_type.contains('/');
            if !is_type {
                let message = "a content type looks like \"application/json\"; \"$default\" stands for all others";
                problems.add(table.path_of(content_type), message);
            }
            let rule = "this must be the name of a model";
            let Some(name) = table.text(content_type, |_| true, rule, problems) else {
                continue;
            };
            if !self.has(name) {
                let names: Vec<&str> = self.0.iter().map(|(name, _)| *name).collect();
                let message = match nearest(name, &names) {
                    Some(near) => format!("there is no model `{name}`; did you mean `{near}`?"),
                    None => format!("there is no model `{name}`; define it in `models`"),
                };
                problems.add(table.path_of(content_type), message);
            }
            found.insert(content_type.to_ascii_lowercase(), Value::from(name));
        }
        Some(found)
    }
}
