//! The types of resources and events that SAM has, their properties, and what `Globals` may say of them.
//!
//! On failure: unknown types are refused, unknown properties noted, with the nearest names. Required properties that
//! are missing are refused.

use plugin_kit::nearest::nearest;

use crate::file::Place;
use crate::value::{Kind as ValueKind, Map, Value};

use super::build::PREFIX;
use super::expansion::Expansion;
use super::keys;
use super::names::{Name, names, with_nearest};
use super::tables::{EVENTS, GLOBALS, Kind, POLLING, RESOURCES};

/// The properties that a section of `Globals` may have. None if there is no such section.
pub(super) fn globals_of(section: &str) -> Option<Vec<&'static str>> {
    let found = GLOBALS.iter().find(|(name, _)| *name == section);
    found.map(|(_, properties)| properties.split_whitespace().collect())
}

/// The sections that `Globals` may have.
pub(super) fn global_sections() -> Vec<&'static str> {
    GLOBALS.iter().map(|(name, _)| *name).collect()
}

/// Checks the resources of SAM and their events.
pub(super) fn check(expansion: &Expansion<'_>) {
    for (id, member) in &expansion.resources {
        let kind = member.value.get("Type").and_then(Value::as_str);
        let Some(name) = kind.and_then(|kind| kind.strip_prefix(PREFIX)) else {
            continue;
        };
        let Some(kind) = RESOURCES.iter().find(|kind| kind.name == name) else {
            let names: Vec<&str> = RESOURCES.iter().map(|kind| kind.name).collect();
            let text = format!("{id}: SAM has no type {PREFIX}{name}");
            let text = match nearest(name, &names) {
                Some(known) => format!("{text}; did you mean {PREFIX}{known}?"),
                None => text,
            };
            let place = member
                .value
                .get("Type")
                .map_or(member.place, |kind| kind.place);
            expansion.refuse(place, text);
            continue;
        };
        connectors(expansion, &member.value);
        properties(
            expansion,
            id,
            member.place,
            kind,
            member.value.get("Properties"),
            false,
        );
        if name == "Function" {
            events(expansion, id, &member.value);
        }
    }
}

/// Connectors of a resource only give permissions.
fn connectors(expansion: &Expansion<'_>, resource: &Value) {
    for _ in resource
        .get("Connectors")
        .into_iter()
        .flat_map(Value::members)
    {
        let report = &expansion.context.report;
        report.without_effect("AWS::Serverless::Connector");
    }
}

fn properties(
    expansion: &Expansion<'_>,
    path: &str,
    place: Place,
    kind: &Kind,
    properties: Option<&Value>,
    is_event: bool,
) {
    let empty = Map::default();
    let properties = match properties.map(|properties| (&properties.kind, properties)) {
        None => &empty,
        Some((ValueKind::Map(properties), _)) => properties,
        Some((_, properties)) => {
            let text = format!("Properties of {path} must be a map");
            return expansion.refuse(properties.place, text);
        }
    };
    let polling = if kind.polls { POLLING } else { "" };
    let known: Vec<Name> = names(kind.properties).chain(names(polling)).collect();
    for (name, member) in properties {
        if let Some(known) = known.iter().find(|known| known.name == name) {
            known.check(expansion, &format!("{path}.{name}"), &member.value);
            continue;
        }
        let known: Vec<&str> = known.iter().map(|known| known.name).collect();
        let text = format!("{path} has an unknown property {name}");
        expansion.note(member.place, with_nearest(text, name, &known));
    }
    let at = if is_event { "Events." } else { "" };
    keys::check(expansion, &format!("{at}{}", kind.name), path, properties);
    for name in kind.required.split_whitespace() {
        if properties.get(name).is_none_or(Value::is_null) {
            expansion.refuse(place, format!("{path} needs the property {name}"));
        }
    }
}

fn events(expansion: &Expansion<'_>, id: &str, function: &Value) {
    let Some(events) = function.at(&["Properties", "Events"]) else {
        return;
    };
    let Some(events) = events.as_map() else {
        return;
    };
    for (event_id, member) in events {
        let path = format!("{id}.Events.{event_id}");
        let event = &member.value;
        if event.as_map().is_none() {
            continue;
        }
        let Some(name) = event.get("Type").and_then(Value::as_str) else {
            expansion.refuse(member.place, format!("{path} needs a Type"));
            continue;
        };
        let Some(kind) = EVENTS.iter().find(|kind| kind.name == name) else {
            let names: Vec<&str> = EVENTS.iter().map(|kind| kind.name).collect();
            let text = format!("{path}: SAM has no events of type {name}");
            let place = event.get("Type").map_or(member.place, |kind| kind.place);
            expansion.refuse(place, with_nearest(text, name, &names));
            continue;
        };
        properties(
            expansion,
            &path,
            member.place,
            kind,
            event.get("Properties"),
            true,
        );
    }
}
