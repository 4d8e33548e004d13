//! Conditions of APIs whose functions have conditions: a path is there if one of its functions is, and an API that
//! exists because of events is there if one of them is.

use std::collections::{BTreeMap, BTreeSet};

use crate::value::{Map, Value};

use super::attributes::Attributes;
use super::build::At;
use super::expansion::{Expansion, Route};
use super::openapi;

/// The APIs that exist because of events.
const IMPLICIT: [&str; 2] = ["ServerlessRestApi", "ServerlessHttpApi"];

/// Wraps paths all of whose functions have conditions.
pub(super) fn of_paths(expansion: &mut Expansion<'_>, id: &str, body: &mut Map, routes: &[Route]) {
    let mut paths: BTreeMap<&str, Vec<&Route>> = BTreeMap::new();
    for route in routes {
        paths.entry(&route.path).or_default().push(route);
    }
    for (path, of_path) in paths {
        let written = path
            .replace('/', "SLASH")
            .replace('{', "OB")
            .replace('}', "CB");
        let name = format!("{id}{written}PathCondition");
        let condition = any_of(expansion, &name, &of_path);
        let at = of_path.first().map(|route| At(route.place));
        let paths = body.get_mut("paths").and_then(Value::as_map_mut);
        if let Some((at, paths)) = at.zip(paths) {
            openapi::only_if(paths, path, at, condition.as_deref());
        }
    }
}

/// Sets the condition of an API that exists because of events, and returns its attributes.
pub(super) fn of_implicit(
    expansion: &mut Expansion<'_>,
    id: &str,
    attributes: &Attributes,
    routes: &[Route],
) -> Attributes {
    if !IMPLICIT.contains(&id) {
        return attributes.clone();
    }
    let routes: Vec<&Route> = routes.iter().collect();
    let name = format!("{id}Condition");
    let condition = any_of(expansion, &name, &routes);
    let Some((condition, first)) = condition.zip(routes.first()) else {
        return attributes.clone();
    };
    let condition = At(first.place).text(condition);
    let api = expansion.resources.get_mut(id).and_then(Value::as_map_mut);
    if let Some(api) = api {
        api.insert("Condition", condition.place, condition.clone());
    }
    attributes.with_condition(&condition)
}

/// The condition that one of the functions is there, if all have conditions. Several are combined under a name.
fn any_of(expansion: &mut Expansion<'_>, name: &str, routes: &[&Route]) -> Option<String> {
    let conditions: Option<BTreeSet<&str>> = routes
        .iter()
        .map(|route| route.target.attributes.condition())
        .collect();
    let conditions = conditions?;
    let first = conditions.first()?;
    if conditions.len() == 1 {
        return Some((*first).to_owned());
    }
    let at = At(routes.first()?.place);
    let each = conditions
        .iter()
        .map(|name| at.map([("Condition", at.text(*name))]));
    let any = at.map([("Fn::Or", at.list(each))]);
    expansion.add_condition(name, any);
    Some(name.to_owned())
}
