//! Bodies of APIs: OpenAPI documents whose routes are changed in place.

use crate::file::Place;
use crate::value::{Kind, Map, Value};

use super::build::{At, child, for_each_alternative};

/// What a route calls.
pub(super) const INTEGRATION: &str = "x-amazon-apigateway-integration";

/// The part of a path that describes something other than a method.
const NOT_METHODS: [&str; 4] = ["summary", "description", "parameters", "servers"];

/// The body of an API that SAM writes itself.
pub(super) fn rest_skeleton(at: At) -> Map {
    let title = at.reference("AWS::StackName");
    let mut body = Map::default();
    body.insert("swagger", at.0, at.text("2.0"));
    let info = at.map([("version", at.text("1.0")), ("title", title)]);
    body.insert("info", at.0, info);
    body.insert("paths", at.0, at.map([]));
    body
}

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
