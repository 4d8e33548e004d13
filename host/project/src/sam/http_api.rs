//! `AWS::Serverless::HttpApi`: the API, its routes, and its stage.

use crate::file::Place;
use crate::value::{Kind, Map, Value};

use super::api_events::ANY;
use super::attributes::Attributes;
use super::build::{At, child, copy, copy_as};
use super::definition::{self, Definition};
use super::expansion::{Expansion, Route};
use super::openapi::{self, INTEGRATION};
use super::{conditions, http_body, rest_api};

/// The properties that its stage has under the same names.
const OF_STAGE: [&str; 5] = [
    "StageVariables",
    "AccessLogSettings",
    "DefaultRouteSettings",
    "RouteSettings",
    "Tags",
];

/// Replaces an API, and adds its stage.
pub(super) fn expand(expansion: &mut Expansion<'_>, id: &str) {
    let Some((place, resource)) = expansion.resource(id) else {
        return;
    };
    let empty = Value::new(place, Kind::Map(Map::default()));
    let properties = resource.get("Properties").unwrap_or(&empty);
    let attributes = Attributes::of(&resource);
    let mut api = Map::default();
    copy(properties, &mut api, &["FailOnWarnings"]);

    let routes = expansion.routes.shift_remove(id).unwrap_or_default();
    match definition::of(expansion, id, properties, place) {
        Some(Definition::Stored(location)) => {
            api.insert("BodyS3Location", location.place, location);
        }
        Some(Definition::File(at, mut body)) => {
            for route in &routes {
                let hint = "leave DefinitionUri out";
                openapi::check_serves(expansion, &body, route, hint);
            }
            http_body::complete(expansion, id, &mut body, properties);
            api.insert("Body", at, Value::new(at, Kind::Map(body)));
        }
        Some(Definition::Own(at, mut body)) => {
            for route in &routes {
                // A route that the user has written stays.
                if !openapi::has_route(&mut body, &route.path, &route.method) {
                    add_route(&mut body, route);
                }
                set_route(&mut body, route);
                http_body::authorization(expansion, &mut body, properties, route);
            }
            http_body::complete(expansion, id, &mut body, properties);
            api.insert("Body", at, Value::new(at, Kind::Map(body)));
        }
        None => {
            let mut body = http_body::skeleton(At(place));
            for route in &routes {
                if openapi::has_route(&mut body, &route.path, &route.method) {
                    let text = format!(
                        "{}: another event has the method {} and the path {}",
                        route.name,
                        openapi::shown_method(&route.method),
                        route.path
                    );
                    expansion.refuse(route.place, text);
                    continue;
                }
                add_route(&mut body, route);
                set_route(&mut body, route);
                http_body::authorization(expansion, &mut body, properties, route);
            }
            conditions::of_paths(expansion, id, &mut body, &routes);
            http_body::complete(expansion, id, &mut body, properties);
            api.insert("Body", place, Value::new(place, Kind::Map(body)));
        }
    }
    expansion.replace(id, "AWS::ApiGatewayV2::Api", api);
    let attributes = conditions::of_implicit(expansion, id, &attributes, &routes);
    add_stage(expansion, id, place, properties, &attributes, &routes);
    let kind = "AWS::ApiGatewayV2::DomainName";
    rest_api::domain(expansion, id, kind, properties, &attributes);
}

fn add_stage(
    expansion: &mut Expansion<'_>,
    id: &str,
    place: Place,
    properties: &Value,
    attributes: &Attributes,
    routes: &[Route],
) {
    let at = At(place);
    let name = properties.get("StageName").cloned();
    let name = name.unwrap_or_else(|| at.text("$default"));
    let stage = match name.as_str() {
        Some("$default") => format!("{id}ApiGatewayDefaultStage"),
        Some(text) if text.chars().all(|char| char.is_ascii_alphanumeric()) => {
            format!("{id}{text}Stage")
        }
        _ => format!("{id}Stage"),
    };
    let mut staged = Map::default();
    copy(properties, &mut staged, &OF_STAGE);
    staged.insert("ApiId", place, at.reference(id));
    staged.insert("StageName", name.place, name.clone());
    staged.insert("AutoDeploy", place, at.plain(true));
    for route in routes {
        route_settings(&mut staged, route);
    }
    let kind = "AWS::ApiGatewayV2::Stage";
    expansion.add(&stage, name.place, kind, staged, attributes);
    expansion.refer(id, "Stage", &stage);
}

/// Adds what an event says about its route to the settings of the stage.
fn route_settings(stage: &mut Map, route: &Route) {
    let Some(settings) = route.properties.get("RouteSettings") else {
        return;
    };
    let named = route.properties.text_of("Method");
    let key = match named {
        Some(method) if route.method != ANY || !method.starts_with("x-") => {
            format!("{} {}", method.to_uppercase(), route.path)
        }
        _ => route.path.clone(),
    };
    let at = At(settings.place);
    let condition = route.target.attributes.condition();
    let settings = at.only_if(condition, settings.clone());
    let all = child(stage, "RouteSettings", settings.place);
    if let Some(own) = all.and_then(|all| child(all, &key, settings.place)) {
        for (key, member) in settings.as_map().into_iter().flatten() {
            own.insert(key, member.place, member.value.clone());
        }
    }
}

fn add_route(body: &mut Map, route: &Route) {
    let at = At(route.place);
    let arn = route.target.arn_in_sub();
    let uri = at.sub(format!(
        "arn:${{AWS::Partition}}:apigateway:${{AWS::Region}}:lambda:path/2015-03-31/functions/{arn}/invocations"
    ));
    let condition = route.target.attributes.condition();
    let integration = at.map([
        ("type", at.text("aws_proxy")),
        ("httpMethod", at.text("POST")),
        ("uri", at.only_if(condition, uri)),
        ("payloadFormatVersion", at.text("2.0")),
    ]);
    openapi::with_path(body, route.place, &route.path, &mut |item| {
        let Some(method) = child(item, &route.method, route.place) else {
            return;
        };
        method.insert(INTEGRATION, route.place, integration.clone());
        if route.path == "$default" && route.method == ANY {
            method.insert("isDefaultRoute", route.place, at.plain(true));
        }
        child(method, "responses", route.place);
        openapi::only_if(item, &route.method, at, condition);
    });
}

/// Sets what an event says about its route, whether the route is SAM's or the user's.
fn set_route(body: &mut Map, route: &Route) {
    let at = At(route.place);
    let parameters = parameters_of(&route.path);
    openapi::with_method(
        body,
        route.place,
        &route.path,
        &route.method,
        &mut |method| {
            if let Some(integration) = method.get_mut(INTEGRATION).and_then(Value::as_map_mut) {
                let properties = &route.properties;
                copy_as(
                    properties,
                    "TimeoutInMillis",
                    integration,
                    "timeoutInMillis",
                );
                copy_as(
                    properties,
                    "PayloadFormatVersion",
                    integration,
                    "payloadFormatVersion",
                );
            }
            for name in &parameters {
                let parameter = [
                    ("name", at.text(*name)),
                    ("in", at.text("path")),
                    ("required", at.plain(true)),
                ];
                let own = method.get_mut("parameters").map(|list| &mut list.kind);
                let own = match own {
                    Some(Kind::List(items)) => items
                        .iter_mut()
                        .find(|item| item.text_of("name").as_deref() == Some(name)),
                    _ => None,
                };
                match own.and_then(Value::as_map_mut) {
                    Some(own) => {
                        for (key, value) in parameter {
                            own.insert(key, route.place, value);
                        }
                    }
                    None => openapi::append(method, "parameters", route.place, at.map(parameter)),
                }
            }
        },
    );
}

/// The names in braces in a path.
fn parameters_of(path: &str) -> Vec<&str> {
    let parts = path.split('{').skip(1);
    let names = parts.filter_map(|part| part.split_once('}'));
    names.map(|(name, _)| name).collect()
}
