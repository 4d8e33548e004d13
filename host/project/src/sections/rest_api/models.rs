//! The models of a REST API: JSON schemas, in the words of draft 4.
//!
//! Contract: [`Models::into_table`] has the models that methods use, and those that these refer to.
//!
//! On failure: what a schema of OpenAPI has beyond draft 4 stays, so that [`json_schema::check`] finds it.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::document::{Item, Table};
use crate::file::Place;

/// How deep a schema may be.
const DEPTH: usize = 100;

/// Members of OpenAPI's schemas that describe them for people.
const ANNOTATIONS: [&str; 4] = ["discriminator", "externalDocs", "writeOnly", "xml"];

/// The models of an API.
#[derive(Debug, Default)]
pub struct Models {
    /// The schemas, by the names that they have in lambkin.toml.
    pub schemas: BTreeMap<String, (Place, Json)>,
    /// Those that a method uses.
    pub used: Vec<String>,
}

impl Models {
    /// The table `models`, with the models that are used, and those that they refer to.
    pub fn into_table(self) -> Table {
        let mut used = self.used;
        let mut index = 0;
        while let Some(name) = used.get(index).cloned() {
            if let Some((_, schema)) = self.schemas.get(&name) {
                let mut found = Vec::new();
                references(schema, &mut found);
                for name in found {
                    if !used.contains(&name) {
                        used.push(name);
                    }
                }
            }
            index += 1;
        }
        let mut table = Table::default();
        for (name, (place, schema)) in self.schemas {
            if used.contains(&name)
                && let Some(item) = as_item(&schema)
            {
                table.set(name, item, place);
            }
        }
        table
    }
}

/// The name of a model, which consists of letters and digits.
pub fn word(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect()
}

/// A schema of OpenAPI in the words of JSON Schema draft 4.
pub fn of_openapi(schema: &Json) -> Json {
    draft4(schema, DEPTH)
}

/// At most so deep.
fn draft4(schema: &Json, depth: usize) -> Json {
    let Some(depth) = depth.checked_sub(1) else {
        return Json::Null;
    };
    match schema {
        Json::Object(members) => {
            let is_nullable = members.get("nullable") == Some(&Json::Bool(true));
            let mut converted = serde_json::Map::new();
            for (key, value) in members {
                let value = match (key.as_str(), value) {
                    ("nullable", Json::Bool(_)) => continue,
                    (key, _) if ANNOTATIONS.contains(&key) || key.starts_with("x-") => continue,
                    ("$ref", Json::String(pointer)) => {
                        let name = word(pointer.rsplit('/').next().unwrap_or_default());
                        format!("https://apigateway.amazonaws.com/restapis/api/models/{name}")
                            .into()
                    }
                    ("type", Json::String(kind)) if is_nullable => {
                        vec![Json::from(kind.as_str()), "null".into()].into()
                    }
                    (_, value) => draft4(value, depth),
                };
                converted.insert(key.clone(), value);
            }
            converted.into()
        }
        Json::Array(items) => items.iter().map(|item| draft4(item, depth)).collect(),
        other => other.clone(),
    }
}

/// The names of the models that a schema refers to.
fn references(schema: &Json, found: &mut Vec<String>) {
    match schema {
        Json::Object(members) => {
            for (key, value) in members {
                match value {
                    Json::String(text) if key == "$ref" => {
                        let name = text.split_once("/models/").map(|(_, name)| name);
                        found.extend(name.map(str::to_owned));
                    }
                    value => references(value, found),
                }
            }
        }
        Json::Array(items) => {
            for item in items {
                references(item, found);
            }
        }
        _ => {}
    }
}

/// A schema as a table; as text if it has a null, which TOML does not.
fn as_item(schema: &Json) -> Option<Item> {
    match has_null(schema) {
        true => Some(Item::Text(schema.to_string())),
        false => Item::from_json(schema),
    }
}

fn has_null(json: &Json) -> bool {
    match json {
        Json::Null => true,
        Json::Object(members) => members.values().any(has_null),
        Json::Array(items) => items.iter().any(has_null),
        _ => false,
    }
}
