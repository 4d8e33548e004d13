//! `resources`: what a service adds to, and changes in, the resources of its functions.
//!
//! Contract: maps are merged over what was compiled, `extensions` sets properties as a whole, as the framework does.
//!
//! On failure: a [`ProjectError`] for an extension of what is not there, with its place.

use super::service::{self, Service};
use crate::ProjectError;
use crate::value::{Kind, Map, Value};

/// Lays `resources` over a template.
pub fn merge(service: &Service<'_>, root: &mut Map) -> Result<(), ProjectError> {
    let Some(sections) = service.resources.as_map() else {
        return Ok(());
    };
    for (key, member) in sections {
        if key == "extensions" || member.value.is_null() {
            continue;
        }
        if let Some(why) = member.value.as_unknown() {
            let message = format!("resources.{key} is not known: {why}");
            return Err(service.context.error(member.value.place, &message));
        }
        match root.get_mut(key) {
            Some(section) => service::merge(section, &member.value),
            None => {
                root.insert(key, member.place, member.value.clone());
            }
        }
    }
    let extensions = service.resources.get("extensions");
    for (id, member) in extensions
        .and_then(Value::as_map)
        .into_iter()
        .flat_map(Map::iter)
    {
        let resources = root.get_mut("Resources").and_then(Value::as_map_mut);
        let resource = resources.and_then(|resources| resources.get_mut(id));
        let Some(resource) = resource.and_then(Value::as_map_mut) else {
            let message = format!(
                "the extension {id} changes nothing: the functions have no resource of this name"
            );
            return Err(service.context.error(member.place, &message));
        };
        for (key, extension) in member.value.as_map().into_iter().flat_map(Map::iter) {
            extend(resource, key, &extension.value);
        }
    }
    Ok(())
}

fn extend(resource: &mut Map, key: &str, extension: &Value) {
    let (Some(members), "Properties" | "Metadata") = (extension.as_map(), key) else {
        resource.insert(key, extension.place, extension.clone());
        return;
    };
    if resource.get(key).and_then(Value::as_map).is_none() {
        resource.insert(
            key,
            extension.place,
            Value::new(extension.place, Kind::Map(Map::default())),
        );
    }
    if let Some(map) = resource.get_mut(key).and_then(Value::as_map_mut) {
        for (key, member) in members {
            map.insert(key, member.place, member.value.clone());
        }
    }
}
