//! `Globals`: properties that resources of a type share.
//!
//! Contract: a resource's own value wins over a global one of another kind, and over scalars and intrinsic functions.
//! Maps are merged, of lists the global items come first. `IgnoreGlobals` of a resource, `*` or a list of properties,
//! switches that off.
//!
//! On failure: unknown sections and properties are refused with the nearest name.

use crate::ProjectError;
use crate::value::{Kind, Map, Value};

use super::build::is_intrinsic;
use super::expansion::Expansion;
use super::names::with_nearest;
use super::{keys, schema};

/// Lists that replace the global ones.
const REPLACED: [&str; 2] = [
    "Function.Architectures",
    "CapacityProvider.InstanceRequirements.Architectures",
];

/// Maps of which only the resource's own keys remain.
const PRUNED: &str = "CapacityProvider.ManagedResourceTags";

/// Merges `Globals` into the resources.
pub(super) fn merge(expansion: &mut Expansion<'_>, globals: &Value) -> Result<(), ProjectError> {
    if globals.is_null() {
        return Ok(());
    }
    let Some(sections) = globals.as_map() else {
        let text = format!("Globals must be a map, not {}", globals.described());
        return Err(expansion.context.error(globals.place, &text));
    };
    for (section, member) in sections {
        let Some(known) = schema::globals_of(section) else {
            let text = with_nearest(
                format!("Globals has no section {section}"),
                section,
                &schema::global_sections(),
            );
            expansion.refuse(member.place, text);
            continue;
        };
        let Kind::Map(properties) = &member.value.kind else {
            let text = format!("Globals.{section} must be a map");
            expansion.refuse(member.value.place, text);
            continue;
        };
        for (name, property) in properties {
            if !known.contains(&name.as_str()) {
                let text = format!("Globals.{section} cannot have {name}");
                let text = with_nearest(text, name, &known);
                expansion.refuse(property.place, text);
            }
        }
        keys::check(
            expansion,
            section,
            &format!("Globals.{section}"),
            properties,
        );
        for id in expansion.ids_of(section) {
            apply(expansion, &id, section, properties, &known);
        }
    }
    Ok(())
}

fn apply(expansion: &mut Expansion<'_>, id: &str, section: &str, globals: &Map, known: &[&str]) {
    let ignored = expansion
        .resources
        .get(id)
        .and_then(|resource| resource.get("IgnoreGlobals"))
        .cloned();
    let ignores = |name: &str| {
        let items = ignored.as_ref().map(Value::items).unwrap_or_default();
        let mut names = items.iter().filter_map(Value::as_str);
        names.any(|ignored| ignored == name || ignored == "*")
    };
    if let Some(ignored) = &ignored {
        for item in ignored.items() {
            let name = item.as_str().unwrap_or_default();
            if name != "*" && !known.contains(&name) {
                let text = format!("IgnoreGlobals of {id}: Globals.{section} cannot have {name}");
                expansion.refuse(item.place, with_nearest(text, name, known));
            }
        }
    }
    let Some(properties) = expansion.properties_mut(id) else {
        return;
    };
    for (name, global) in globals {
        if !known.contains(&name.as_str()) || ignores(name) {
            continue;
        }
        let value = match properties.get(name) {
            Some(local) => merged(&global.value, local, &format!("{section}.{name}")),
            None => global.value.clone(),
        };
        let place = properties.place_of(name).unwrap_or(global.place);
        properties.insert(name, place, value);
    }
}

fn merged(global: &Value, local: &Value, path: &str) -> Value {
    if is_intrinsic(global) || is_intrinsic(local) || REPLACED.contains(&path) {
        return local.clone();
    }
    let kind = match (&global.kind, &local.kind) {
        (Kind::List(global), Kind::List(local)) => {
            Kind::List([global.clone(), local.clone()].concat())
        }
        (Kind::Map(global), Kind::Map(local)) => {
            let prunes = path == PRUNED && !local.is_empty();
            let mut map = if prunes {
                Map::default()
            } else {
                global.clone()
            };
            for (key, member) in local {
                let value = match global.get(key) {
                    Some(global) => merged(global, &member.value, &format!("{path}.{key}")),
                    None => member.value.clone(),
                };
                map.insert(key, member.place, value);
            }
            Kind::Map(map)
        }
        _ => return local.clone(),
    };
    Value::new(local.place, kind)
}
