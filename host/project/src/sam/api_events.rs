//! Events of type Api and HttpApi, and the APIs that exist because of them: `ServerlessRestApi` and
//! `ServerlessHttpApi`.

use crate::value::{Kind, Map, Value};

use super::build::{At, PREFIX, referred};
use super::event::Event;
use super::expansion::{Expansion, Route};

/// A type of event, and the type of API that it is a route of.
struct Door {
    /// The type of the event.
    event: &'static str,
    /// The type of the API, without its first part.
    api: &'static str,
    /// The property that refers to the API.
    property: &'static str,
    /// The API that events without that property are of.
    implicit: &'static str,
}

const DOORS: [Door; 2] = [
    Door {
        event: "Api",
        api: "Api",
        property: "RestApiId",
        implicit: "ServerlessRestApi",
    },
    Door {
        event: "HttpApi",
        api: "HttpApi",
        property: "ApiId",
        implicit: "ServerlessHttpApi",
    },
];

/// The path of the route for all requests that no other route is for.
const DEFAULT_PATH: &str = "$default";

/// The method in OpenAPI that stands for all methods.
pub(super) const ANY: &str = "x-amazon-apigateway-any-method";

/// Adds the APIs of events that do not refer to one.
pub(super) fn add_implicit(expansion: &mut Expansion<'_>) {
    for door in DOORS {
        let mut place = None;
        for id in expansion.ids_of("Function") {
            let events = expansion
                .resources
                .get(&id)
                .and_then(|function| function.at(&["Properties", "Events"]))
                .and_then(Value::as_map);
            let mut implicit = events.into_iter().flatten().filter(|(_, member)| {
                member.value.text_of("Type").as_deref() == Some(door.event)
                    && member.value.at(&["Properties", door.property]).is_none()
            });
            place = place.or_else(|| implicit.next().map(|(_, member)| member.place));
        }
        let Some(place) = place else {
            continue;
        };
        // One of the user's under the same id is replaced, as AWS's translator does.
        let at = At(place);
        let mut properties = Map::default();
        if door.api == "Api" {
            properties.insert("StageName", place, at.text("Prod"));
        }
        let properties = Value::new(place, Kind::Map(properties));
        let kind = at.text(format!("{}{}", PREFIX, door.api));
        let resource = at.map([("Type", kind), ("Properties", properties)]);
        expansion.resources.insert(door.implicit, place, resource);
    }
}

/// Keeps an event for the API that it is a route of.
pub(super) fn collect(expansion: &mut Expansion<'_>, event: &Event<'_>) {
    let Some(door) = DOORS.iter().find(|door| door.event == event.kind) else {
        return;
    };
    let Event {
        name,
        kind,
        place,
        properties,
        target,
        ..
    } = event;
    let api = match properties.get(door.property) {
        None => door.implicit.to_owned(),
        Some(value) => {
            let id = referred(value)
                .or_else(|| value.as_str())
                .unwrap_or_default();
            let wanted = format!("{}{}", PREFIX, door.api);
            if expansion.type_of(id) != Some(&wanted) {
                let text = format!(
                    "{name}: {} must refer to an {wanted} in the same template",
                    door.property
                );
                return expansion.refuse(value.place, text);
            }
            id.to_owned()
        }
    };
    let text = |key: &str| expansion.literal(properties.get(key)?);
    for key in ["Path", "Method"] {
        if let Some(value) = properties.get(key)
            && text(key).is_none()
        {
            let message = format!("{name}: {key} must be a text, or a parameter");
            return expansion.refuse(value.place, message);
        }
    }
    let (path, method) = match (text("Path"), text("Method")) {
        (None, None) if *kind == "HttpApi" => (DEFAULT_PATH.to_owned(), ANY.to_owned()),
        (Some(path), Some(method)) => (path, normalized(&method)),
        (path, _) => {
            let missing = if path.is_some() { "Method" } else { "Path" };
            // What is missing in an event of type Api has been refused already.
            if *kind == "HttpApi" {
                expansion.refuse(*place, format!("{name} needs the property {missing}"));
            }
            return;
        }
    };
    let route = Route {
        place: *place,
        name: name.clone(),
        target: (*target).clone(),
        path,
        method,
        properties: (*properties).clone(),
    };
    expansion.routes.entry(api).or_default().push(route);
}

/// A method as it is in OpenAPI.
pub(super) fn normalized(method: &str) -> String {
    match method.to_ascii_lowercase().as_str() {
        "any" => ANY.to_owned(),
        method => method.to_owned(),
    }
}
