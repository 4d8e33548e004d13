//! Routes of a REST API: events of type Api.

use crate::value::{Kind, Map, Value};

use super::build::{At, child, copy};
use super::definition::is_version;
use super::expansion::{Expansion, Route};
use super::names::with_nearest;
use super::openapi::{self, INTEGRATION};
use super::{rest_body, security};

/// Adds a route to a body.
pub(super) fn add(expansion: &Expansion<'_>, body: &mut Map, api: &Value, route: &Route) {
    let at = At(route.place);
    if openapi::has_route(body, &route.path, &route.method) {
        let text = format!(
            "{}: another event has the method {} and the path {}",
            route.name,
            openapi::shown_method(&route.method),
            route.path
        );
        return expansion.refuse(route.place, text);
    }
    let integration = integration(expansion, api, route);
    let condition = route.target.attributes.condition();
    openapi::with_path(body, route.place, &route.path, &mut |item| {
        if let Some(method) = child(item, &route.method, route.place) {
            method.insert(INTEGRATION, route.place, integration.clone());
            child(method, "responses", route.place);
        }
        openapi::only_if(item, &route.method, at, condition);
    });
    authorization(expansion, body, api, route);
    models(expansion, body, api, route);
    parameters(expansion, body, route);
}

/// Adds routes to a body that the user has written: with `MergeDefinitions`, what SAM makes of an event wins.
pub(super) fn merge(expansion: &Expansion<'_>, body: &mut Map, api: &Value, routes: &[Route]) {
    let merges = api.get("MergeDefinitions").and_then(Value::as_bool) == Some(true);
    for route in routes {
        let at = At(route.place);
        let auth = route.auth();
        if !merges {
            let overrides = auth.and_then(|auth| auth.get("OverrideApiAuth"));
            if overrides.and_then(Value::as_bool) == Some(true) {
                authorization(expansion, body, api, route);
            } else {
                let hint = match api.get("DefinitionUri") {
                    Some(_) => "leave DefinitionUri out",
                    None => "MergeDefinitions: true to the API",
                };
                openapi::check_serves(expansion, body, route, hint);
            }
            continue;
        }
        let mut made = rest_body::skeleton(at, api);
        add(expansion, &mut made, api, route);
        let made = made.get("paths").and_then(|paths| {
            let method = paths.at(&[&route.path, &route.method])?;
            method.as_map().cloned()
        });
        openapi::with_path(body, route.place, &route.path, &mut |item| {
            if let Some(method) = child(item, &route.method, route.place) {
                for (key, member) in made.iter().flatten() {
                    method.insert(key, member.place, member.value.clone());
                }
            }
        });
    }
}

fn integration(expansion: &Expansion<'_>, api: &Value, route: &Route) -> Value {
    let at = At(route.place);
    let streams =
        route.properties.text_of("ResponseTransferMode").as_deref() == Some("RESPONSE_STREAM");
    let (version, call) = match streams {
        true => ("2021-11-15", "response-streaming-invocations"),
        false => ("2015-03-31", "invocations"),
    };
    let arn = route.target.arn_in_sub();
    let uri = at.sub(format!(
        "arn:aws:apigateway:${{AWS::Region}}:lambda:path/{version}/functions/{arn}/{call}"
    ));
    let mut integration = Map::default();
    integration.insert("type", route.place, at.text("aws_proxy"));
    integration.insert("httpMethod", route.place, at.text("POST"));
    let uri = at.only_if(route.target.attributes.condition(), uri);
    integration.insert("uri", route.place, uri);
    if streams {
        integration.insert("responseTransferMode", route.place, at.text("STREAM"));
    }
    let auth = route.auth();
    let authorizer = auth.and_then(|auth| auth.get("Authorizer"));
    let default = api.at(&["Auth", "DefaultAuthorizer"]);
    let effective = if auth.is_some() { authorizer } else { default };
    if effective
        .and_then(|name| expansion.literal(name))
        .as_deref()
        == Some(security::IAM)
    {
        let role = auth
            .and_then(|auth| auth.get("InvokeRole"))
            .or_else(|| api.at(&["Auth", "InvokeRole"]));
        let credentials = match role.map(|role| (role.as_str(), role)) {
            Some((Some("NONE"), _)) => None,
            None | Some((Some("CALLER_CREDENTIALS"), _)) => Some(at.text("arn:aws:iam::*:user/*")),
            Some((_, role)) => Some(role.clone()),
        };
        if let Some(credentials) = credentials {
            integration.insert("credentials", route.place, credentials);
        }
    }
    if let Some(timeout) = route.properties.get("TimeoutInMillis") {
        integration.insert("timeoutInMillis", timeout.place, timeout.clone());
    }
    Value::new(route.place, Kind::Map(integration))
}

/// Sets what the event's `Auth` requires of callers.
fn authorization(expansion: &Expansion<'_>, body: &mut Map, api: &Value, route: &Route) {
    let Some(auth) = route.auth() else {
        return;
    };
    let (path, method) = (route.path.as_str(), route.method.as_str());
    if let Some(authorizer) = auth.get("Authorizer") {
        let place = authorizer.place;
        let Some(name) = expansion.literal(authorizer) else {
            let text = format!("{}: Authorizer must be a name", route.name);
            return expansion.refuse(place, text);
        };
        let config = api.at(&["Auth", "Authorizers", &name]);
        if !is_authorizer(expansion, api, route, place, &name) {
            return;
        }
        let scopes = auth
            .get("AuthorizationScopes")
            .or_else(|| config.and_then(|config| config.get("AuthorizationScopes")));
        openapi::with_method(body, place, path, method, &mut |method| {
            security::require(method, place, &name, scopes);
        });
        if name == security::IAM {
            security::define_iam(body, At(place));
        }
    }
    if let Some(required) = auth.get("ApiKeyRequired") {
        let place = required.place;
        let is_required = required.as_bool() == Some(true);
        let name = if is_required {
            security::KEY
        } else {
            security::NO_KEY
        };
        openapi::with_method(body, place, path, method, &mut |method| {
            security::require(method, place, name, None);
        });
        if is_required {
            security::define_key(body, At(place));
        }
    }
    if auth.get("ResourcePolicy").is_some() {
        let text = format!("{}: ResourcePolicy has no effect here", route.name);
        expansion.note(auth.place, text);
    }
}

/// Whether a route can name an authorizer. What it cannot is refused.
fn is_authorizer(
    expansion: &Expansion<'_>,
    api: &Value,
    route: &Route,
    place: crate::file::Place,
    name: &str,
) -> bool {
    let authorizers = api.at(&["Auth", "Authorizers"]);
    let names: Vec<&str> = authorizers
        .into_iter()
        .flat_map(Value::members)
        .map(|(name, _)| name)
        .collect();
    if name == security::NONE {
        let has_default = api.at(&["Auth", "DefaultAuthorizer"]).is_some();
        if !has_default {
            let text = format!(
                "{}: Authorizer: NONE is for APIs with a DefaultAuthorizer; leave it out",
                route.name
            );
            expansion.refuse(place, text);
        }
        return has_default;
    }
    let is_known = name == security::IAM || names.contains(&name);
    if !is_known {
        let text = format!("{}: its API has no authorizer {name}", route.name);
        expansion.refuse(place, with_nearest(text, name, &names));
    }
    is_known
}

/// Sets the model that the body of requests must have.
fn models(expansion: &Expansion<'_>, body: &mut Map, api: &Value, route: &Route) {
    let Some(request) = route.properties.get("RequestModel") else {
        return;
    };
    let place = request.place;
    let at = At(place);
    let Some(model) = request.text_of("Model") else {
        return;
    };
    if api.at(&["Models", &model]).is_none() {
        let models = api.get("Models");
        let names: Vec<&str> = models
            .into_iter()
            .flat_map(Value::members)
            .map(|(name, _)| name)
            .collect();
        let text = format!("{}: its API has no model {model}", route.name);
        return expansion.refuse(place, with_nearest(text, &model, &names));
    }
    let name = model.to_lowercase();
    let is_swagger = is_version(body, "swagger", "2");
    let validator = validator(request);
    openapi::with_method(body, place, &route.path, &route.method, &mut |method| {
        let required = request.get("Required");
        if is_swagger {
            let schema = at.map([("$ref", at.text(format!("#/definitions/{name}")))]);
            let mut parameter = Map::default();
            parameter.insert("in", place, at.text("body"));
            parameter.insert("name", place, at.text(&*name));
            parameter.insert("schema", place, schema);
            if let Some(required) = required {
                parameter.insert("required", required.place, required.clone());
            }
            openapi::append(
                method,
                "parameters",
                place,
                Value::new(place, Kind::Map(parameter)),
            );
        } else {
            let schema = at.map([("$ref", at.text(format!("#/components/schemas/{name}")))]);
            let json = at.map([("application/json", at.map([("schema", schema)]))]);
            let mut described = Map::default();
            described.insert("content", place, json);
            if let Some(required) = required {
                described.insert("required", required.place, required.clone());
            }
            method.insert(
                "requestBody",
                place,
                Value::new(place, Kind::Map(described)),
            );
        }
        if let Some((name, ..)) = validator {
            method.insert(
                "x-amazon-apigateway-request-validator",
                place,
                at.text(name),
            );
        }
    });
    if let Some((name, validates_body, validates_parameters)) = validator
        && let Some(validators) = child(body, "x-amazon-apigateway-request-validators", place)
    {
        let validator = at.map([
            ("validateRequestBody", at.plain(validates_body)),
            ("validateRequestParameters", at.plain(validates_parameters)),
        ]);
        validators.insert(name, place, validator);
    }
}

/// The name of a validator, and what it validates: the body, and the parameters.
fn validator(request: &Value) -> Option<(&'static str, bool, bool)> {
    let body = request.get("ValidateBody");
    let parameters = request.get("ValidateParameters");
    if body.is_none() && parameters.is_none() {
        return None;
    }
    let is_on = |value: Option<&Value>| value.and_then(Value::as_bool) == Some(true);
    Some(match (is_on(body), is_on(parameters)) {
        (true, true) => ("body-and-params", true, true),
        (true, false) => ("body-only", true, false),
        (false, true) => ("params-only", false, true),
        (false, false) => ("no-validation", false, false),
    })
}

/// Adds the parameters that requests may or must have.
fn parameters(expansion: &Expansion<'_>, body: &mut Map, route: &Route) {
    let Some(parameters) = route.properties.get("RequestParameters") else {
        return;
    };
    for parameter in parameters.items() {
        let place = parameter.place;
        let at = At(place);
        let mut settings = Map::default();
        settings.insert("Required", place, at.plain(false));
        let name = match parameter.as_map().and_then(Map::only) {
            Some((name, given)) => {
                copy(given, &mut settings, &["Required", "Caching"]);
                name
            }
            None => parameter.as_str().unwrap_or_default(),
        };
        let found = name
            .strip_prefix("method.request.")
            .and_then(|rest| rest.split_once('.'));
        let place_and_name = found.and_then(|(location, key)| match location {
            "querystring" => Some(("query", key)),
            "path" | "header" => Some((location, key)),
            _ => None,
        });
        let Some((location, key)) = place_and_name else {
            let text = format!(
                "{}: RequestParameters are method.request.querystring.NAME, method.request.path.NAME or \
                 method.request.header.NAME",
                route.name
            );
            expansion.refuse(place, text);
            continue;
        };
        let is_cached = settings.get("Caching").and_then(Value::as_bool) == Some(true);
        let required = settings
            .remove("Required")
            .unwrap_or_else(|| at.plain(false));
        let described = at.map([
            ("in", at.text(location)),
            ("name", at.text(key)),
            ("required", required),
            ("type", at.text("string")),
        ]);
        openapi::with_method(body, place, &route.path, &route.method, &mut |method| {
            openapi::append(method, "parameters", place, described.clone());
            if is_cached && let Some(integration) = child(method, INTEGRATION, place) {
                openapi::append(integration, "cacheKeyParameters", place, at.text(name));
            }
        });
    }
}
