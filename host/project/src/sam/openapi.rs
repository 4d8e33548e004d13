//! Bodies of APIs: OpenAPI documents whose routes are changed in place.

use crate::file::Place;
use crate::value::{Kind, Map, Value};

use super::build::{At, child, for_each_alternative};
use super::expansion::{Expansion, Route};

/// What a route calls.
pub(super) const INTEGRATION: &str = "x-amazon-apigateway-integration";

/// The part of a path that describes something other than a method.
const NOT_METHODS: [&str; 4] = ["summary", "description", "parameters", "servers"];

/// Whether a key of a path stands for a method.
pub(super) fn is_method(key: &str) -> bool {
    let is_extension = key.starts_with("x-") && key != super::api_events::ANY;
    !is_extension && !NOT_METHODS.contains(&key)
}

/// Calls a function with each alternative of a path, which is added if it is not there.
pub(super) fn with_path(body: &mut Map, place: Place, path: &str, each: &mut dyn FnMut(&mut Map)) {
    let Some(paths) = child(body, "paths", place) else {
        return;
    };
    if paths.get(path).is_none_or(Value::is_null) {
        paths.insert(path, place, Value::new(place, Kind::Map(Map::default())));
    }
    if let Some(item) = paths.get_mut(path) {
        for_each_alternative(item, &mut |item| {
            if let Some(item) = item.as_map_mut() {
                each(item);
            }
        });
    }
}

/// Calls a function with each definition of a method that calls something.
pub(super) fn with_method(
    body: &mut Map,
    place: Place,
    path: &str,
    method: &str,
    each: &mut dyn FnMut(&mut Map),
) {
    with_path(body, place, path, &mut |item| {
        let Some(definition) = item.get_mut(method) else {
            return;
        };
        for_each_alternative(definition, &mut |definition| {
            if let Some(definition) = definition.as_map_mut()
                && definition.contains(INTEGRATION)
            {
                each(definition);
            }
        });
    });
}

/// Lets a member be there only if a condition holds.
pub(super) fn only_if(map: &mut Map, key: &str, at: At, condition: Option<&str>) {
    if condition.is_some()
        && let Some(value) = map.get_mut(key)
    {
        let whole = std::mem::replace(value, Value::null(at.0));
        *value = at.only_if(condition, whole);
    }
}

/// Whether a body has a route that calls something.
pub(super) fn has_route(body: &mut Map, path: &str, method: &str) -> bool {
    let paths = body.get("paths").and_then(Value::as_map);
    let Some(place) = paths.and_then(|paths| paths.place_of(path)) else {
        return false;
    };
    let mut found = false;
    with_method(body, place, path, method, &mut |_| found = true);
    found
}

/// The paths of a body.
pub(super) fn paths(body: &Map) -> Vec<String> {
    let paths = body.get("paths").and_then(Value::as_map);
    let keys = paths.into_iter().flatten().map(|(path, _)| path.clone());
    keys.collect()
}

/// Calls a function with each method of each path that calls something.
pub(super) fn with_methods(body: &mut Map, place: Place, each: &mut dyn FnMut(&str, &mut Map)) {
    for path in paths(body) {
        with_path(body, place, &path, &mut |item| {
            let keys: Vec<String> = item.iter().map(|(key, _)| key.clone()).collect();
            for key in keys.iter().filter(|key| is_method(key)) {
                let Some(definition) = item.get_mut(key) else {
                    continue;
                };
                for_each_alternative(definition, &mut |definition| {
                    if let Some(definition) = definition.as_map_mut()
                        && definition.contains(INTEGRATION)
                    {
                        each(key, definition);
                    }
                });
            }
        });
    }
}

/// Adds an item to a list, which is made if there is none.
pub(super) fn append(map: &mut Map, key: &str, place: Place, item: Value) {
    let list = map.get(key).and_then(Value::as_list);
    let mut items = list.unwrap_or_default().to_vec();
    items.push(item);
    map.insert(key, place, Value::list(place, items));
}

/// A method as users write it.
pub(super) fn shown_method(method: &str) -> String {
    match method {
        super::api_events::ANY => "ANY".to_owned(),
        method => method.to_uppercase(),
    }
}

/// Refuses a route to which no request gets, as a body that the user has written does not have it.
pub(super) fn check_serves(expansion: &Expansion<'_>, body: &Map, route: &Route, hint: &str) {
    if serves(body, &route.path, &route.method) {
        return;
    }
    let text = format!(
        "{}: the definition of its API has no {} {}, so that nothing calls the function; add it there, or {hint}",
        route.name,
        shown_method(&route.method),
        route.path
    );
    expansion.refuse(route.place, text);
}

/// Whether a request with this method for this path, in which names in braces may stand, gets to a method of a body.
fn serves(body: &Map, path: &str, method: &str) -> bool {
    let paths = body.get("paths").into_iter().flat_map(Value::members);
    let mut matching = paths.filter(|(pattern, _)| matches(pattern, path));
    matching.any(|(_, item)| {
        // Which of the alternatives of a path is there is not known yet.
        let has = |key: &str| item.get(key).is_some();
        has("Fn::If") || has(method) || has(super::api_events::ANY)
    })
}

/// Whether a path of a definition is for the requests that another path is for.
fn matches(pattern: &str, path: &str) -> bool {
    let mut segments = path.trim_matches('/').split('/');
    for part in pattern.trim_matches('/').split('/') {
        let name = part
            .strip_prefix('{')
            .and_then(|part| part.strip_suffix('}'));
        match (name, segments.next()) {
            (Some(name), Some(segment)) if name.ends_with('+') => return !segment.is_empty(),
            (Some(_), Some(segment)) if !segment.is_empty() => {}
            (None, Some(segment)) if part == segment => {}
            _ => return false,
        }
    }
    segments.next().is_none()
}
