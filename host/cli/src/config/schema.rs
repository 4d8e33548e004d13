//! The JSON Schema of `lambkin.toml`, with which editors complete and check it.
//!
//! It follows from the definitions of keys (see [`key`](super::key)) and from what the built-in plugins document of
//! their settings. Where a rule cannot be stated, such as that a folder has to exist, the schema accepts more than the
//! reader. It accepts less in one case: `from-file` only where a plugin's documentation of its settings mentions it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use toml::de::{DeTable, DeValue};

use super::file;
use super::key::{Entry, Key, Kind, Presence, Role, Table};
use super::value::to_json;

/// What decides which settings a table with a plugin has.
#[derive(Clone, Copy)]
enum Plugin<'a> {
    /// The key `plugin` of the table itself.
    Own,
    /// The key `plugin` of the table around it, which names this built-in.
    Inherited(&'a str),
    /// The key `plugin` of the table around it, which names a file.
    InheritedFile,
}

/// The schema as formatted JSON.
pub fn schema_text() -> String {
    format!("{:#}", schema())
}

/// The schema, in the dialect that editors for TOML support: draft 7.
pub fn schema() -> Value {
    let mut schema = table_schema(&file::TABLE, Plugin::Own);
    set(
        &mut schema,
        "",
        "$schema",
        json!("http://json-schema.org/draft-07/schema#"),
    );
    set(&mut schema, "", "title", json!("lambkin.toml"));
    schema
}

fn table_schema(table: &Table, plugin: Plugin<'_>) -> Value {
    if table.roles.is_empty() {
        return object(table.iter(), plugin, &[]);
    }
    json!({ "type": "object", "anyOf": variants(table, plugin) })
}

/// The forms of a table with a plugin: one for each built-in in each of its roles, and one for plugins of unknown
/// settings.
fn variants(table: &Table, plugin: Plugin<'_>) -> Vec<Value> {
    let mut variants = Vec::new();
    for name in lambkin_builtin::names() {
        if matches!(plugin, Plugin::InheritedFile)
            || matches!(plugin, Plugin::Inherited(inherited) if inherited != *name)
        {
            continue;
        }
        let is_inherited = matches!(plugin, Plugin::Inherited(_));
        for role in table.roles {
            let Some(settings) = plugin_keys(name, role.name) else {
                continue;
            };
            let keys = table.iter().filter(|key| {
                let is_unused = is_inherited && key.name == "plugin";
                !is_unused && !is_other_role(table, role, key)
            });
            let mut variant = object(keys, Plugin::Inherited(name), &settings);
            if !is_inherited {
                set(&mut variant, "/properties/plugin", "const", json!(name));
            }
            require(&mut variant, role.key);
            variants.push(variant);
        }
    }
    let mut file = object(table.iter(), Plugin::InheritedFile, &[]);
    if let Some(file) = file.as_object_mut() {
        file.remove("additionalProperties");
    }
    match plugin {
        Plugin::Own => set(
            &mut file,
            "/properties/plugin",
            "pattern",
            json!("/|[.]wasm$"),
        ),
        Plugin::Inherited(_) => require(&mut file, Some("plugin")),
        Plugin::InheritedFile => {}
    }
    let required_keys = table.roles.iter().filter_map(|role| role.key);
    let one_of: Vec<Value> = required_keys
        .map(|key| json!({ "required": [key] }))
        .collect();
    if !one_of.is_empty() {
        set(&mut file, "", "oneOf", json!(one_of));
    }
    variants.push(file);
    variants
}

/// Whether a key gives the plugin another role than `role`.
fn is_other_role(table: &Table, role: &Role, key: &Key) -> bool {
    let mut keys = table.roles.iter().filter_map(|role| role.key);
    role.key != Some(key.name) && keys.any(|other| other == key.name)
}

/// Adds a key to the required ones of a table.
fn require(object: &mut Value, key: Option<&str>) {
    let required = object.get_mut("required").and_then(Value::as_array_mut);
    if let (Some(required), Some(key)) = (required, key)
        && !required.contains(&json!(key))
    {
        required.push(json!(key));
    }
}

/// A table of these keys and these settings of a plugin, and of no others.
fn object(
    keys: impl Iterator<Item = &'static Key>,
    plugin: Plugin<'_>,
    settings: &[PluginKey],
) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for key in keys {
        if matches!(key.presence, Presence::Required) {
            required.push(key.name.to_owned());
        }
        properties.insert(key.name.to_owned(), key_schema(key, plugin));
    }
    for setting in settings {
        if setting.required {
            required.push(setting.name.clone());
        }
        properties.insert(setting.name.clone(), setting.schema.clone());
    }
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

fn key_schema(key: &Key, plugin: Plugin<'_>) -> Value {
    let mut schema = kind_schema(&key.kind, plugin);
    let description = with_unit(key.doc, key.kind.unit());
    set(&mut schema, "", "description", description.into());
    if let Presence::Default(default) = key.presence {
        set(&mut schema, "", "default", toml_value(default));
    }
    schema
}

/// Sets a member of the object at a JSON pointer.
fn set(schema: &mut Value, pointer: &str, member: &str, value: Value) {
    if let Some(Value::Object(object)) = schema.pointer_mut(pointer) {
        object.insert(member.to_owned(), value);
    }
}

/// Appends a unit of measurement to a description. Units that name what is counted are in the description already.
fn with_unit(description: &str, unit: Option<&str>) -> String {
    match unit {
        Some(unit @ ("seconds" | "bytes" | "MB")) => format!("{description} In {unit}."),
        _ => description.to_owned(),
    }
}

fn kind_schema(kind: &Kind, plugin: Plugin<'_>) -> Value {
    let texts = || json!({ "type": "array", "items": { "type": "string" } });
    match kind {
        Kind::Text => json!({ "type": "string" }),
        Kind::Choice(choices) => json!({ "enum": choices }),
        Kind::ChoiceInAnyCase(choices) => {
            let patterns: Vec<String> = choices.iter().map(|choice| in_any_case(choice)).collect();
            let pattern = format!("^({})$", patterns.join("|"));
            json!({ "anyOf": [{ "enum": choices }, { "type": "string", "pattern": pattern }] })
        }
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Integer { min, max, .. } => {
            json!({ "type": "integer", "minimum": min, "maximum": max })
        }
        Kind::Number { max, .. } => {
            json!({ "type": "number", "exclusiveMinimum": 0, "maximum": max })
        }
        Kind::Texts => texts(),
        Kind::TextOrTexts => json!({ "anyOf": [{ "type": "string" }, texts()] }),
        Kind::Table(table) => table_schema(table, plugin),
        Kind::FlagOrTable(table) => {
            json!({ "anyOf": [{ "type": "boolean" }, table_schema(table, plugin)] })
        }
        Kind::Entries { pattern, entry, .. } => {
            let entry = match entry {
                Entry::Table(table) => table_schema(table, plugin),
                Entry::TextOrTable(table) => {
                    json!({ "anyOf": [{ "type": "string" }, table_schema(table, plugin)] })
                }
                Entry::Text => json!({ "type": ["string", "integer", "boolean"] }),
                Entry::Number { max } => {
                    json!({ "type": "number", "exclusiveMinimum": 0, "maximum": max })
                }
            };
            json!({
                "type": "object",
                "patternProperties": { *pattern: entry },
                "additionalProperties": false,
            })
        }
    }
}

/// A regular expression that matches a text of letters in upper and lower case: `[Tt][Ee][Xx][Tt]`.
fn in_any_case(text: &str) -> String {
    text.chars()
        .map(|letter| {
            format!(
                "[{}{}]",
                letter.to_ascii_uppercase(),
                letter.to_ascii_lowercase()
            )
        })
        .collect()
}

/// A value in TOML's notation as JSON.
fn toml_value(text: &str) -> Value {
    let document = toml_document(&format!("value = {text}"));
    let value = document.as_ref().and_then(|document| document.get("value"));
    value.cloned().unwrap_or_default()
}

/// A document in TOML as JSON.
pub fn toml_document(text: &str) -> Option<Value> {
    let table = DeTable::parse(text).ok()?.into_inner();
    Some(to_json(&DeValue::Table(table), &[], &mut BTreeMap::new()))
}

/// A setting of a built-in plugin.
pub struct PluginKey {
    pub name: String,
    pub required: bool,
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "for the reference, which tests generate")
    )]
    pub unit: Option<String>,
    /// The schema, with the description.
    pub schema: Value,
}

/// The settings of a built-in plugin in a role, in the order of their documentation; `None` if it does not have the
/// role.
pub fn plugin_keys(plugin: &str, role: &str) -> Option<Vec<PluginKey>> {
    let roles: Value = serde_json::from_str(lambkin_builtin::settings(plugin)?).ok()?;
    let keys = roles.get(role)?.as_array()?.iter();
    keys.map(plugin_key).collect()
}

fn plugin_key(documented: &Value) -> Option<PluginKey> {
    let mut schema = documented.as_object()?.clone();
    let name = schema.remove("key")?.as_str()?.to_owned();
    let required = schema.remove("required");
    // A table has a list there: the keys that are required in it.
    let is_flag = required.as_ref().is_some_and(Value::is_boolean);
    if let Some(required) = required.clone().filter(|_| !is_flag) {
        schema.insert("required".to_owned(), required);
    }
    let unit = schema.remove("unit");
    let unit = unit.and_then(|unit| Some(unit.as_str()?.to_owned()));
    let description = documented.get("description")?.as_str()?;
    let description = with_unit(description, unit.as_deref());
    schema.insert("description".to_owned(), description.into());
    Some(PluginKey {
        name,
        required: required == Some(Value::Bool(true)),
        unit,
        schema: Value::Object(schema),
    })
}
