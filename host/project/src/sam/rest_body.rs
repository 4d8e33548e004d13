//! What an API says for all of its routes: CORS, authorizers, gateway responses, models, binary types.

use std::collections::BTreeSet;

use crate::value::{Kind, Map, Value};

use super::api_events::ANY;
use super::build::{At, child, is_intrinsic, is_no_value};
use super::definition::{is_openapi, is_version};
use super::expansion::Expansion;
use super::names::with_nearest;
use super::openapi::{self, INTEGRATION};
use super::security;

/// The body of an API that SAM writes itself.
pub(super) fn skeleton(at: At, api: &Value) -> Map {
    let mut body = Map::default();
    match api.get("OpenApiVersion").filter(|version| {
        let version = version.as_str();
        version.is_some_and(|version| version.starts_with('3'))
    }) {
        Some(version) => {
            let text = version.as_str().unwrap_or_default();
            body.insert("openapi", version.place, At(version.place).text(text));
        }
        None => drop(body.insert("swagger", at.0, at.text("2.0"))),
    }
    let title = at.reference("AWS::StackName");
    let info = at.map([("version", at.text("1.0")), ("title", title)]);
    body.insert("info", at.0, info);
    body.insert("paths", at.0, at.map([]));
    body
}

/// Adds what the properties of an API say to its body.
pub(super) fn complete(expansion: &Expansion<'_>, id: &str, body: &mut Map, api: &Value) {
    let parts = ["Cors", "Auth", "GatewayResponses", "Models"];
    if !is_openapi(body)
        && let Some(part) = parts.into_iter().find_map(|part| api.get(part))
    {
        let text = format!(
            "the definition of {id} must have `paths`, and `swagger: \"2.0\"` or `openapi: 3.…`, to be added to"
        );
        return expansion.refuse(part.place, text);
    }
    cors(expansion, id, body, api);
    authorizers(expansion, id, body, api);
    gateway_responses(expansion, id, body, api);
    if let Some(types) = api.get("BinaryMediaTypes") {
        let key = "x-amazon-apigateway-binary-media-types";
        body.insert(key, types.place, slashes(types));
    }
    models(expansion, id, body, api);
    if let Some(disabled) = api.get("DisableExecuteApiEndpoint") {
        let at = At(disabled.place);
        let configuration = at.map([("disableExecuteApiEndpoint", disabled.clone())]);
        let key = "x-amazon-apigateway-endpoint-configuration";
        if is_version(body, "openapi", "3") {
            let server = at.map([(key, configuration)]);
            body.insert("servers", at.0, at.list([server]));
        } else {
            body.insert(key, at.0, configuration);
        }
    }
    if body.get("swagger").is_none() && is_version(body, "openapi", "3") {
        as_version_3(body);
    }
}

/// Names of types with `/` for `~1`.
fn slashes(value: &Value) -> Value {
    let kind = match &value.kind {
        Kind::List(items) => Kind::List(items.iter().map(slashes).collect()),
        Kind::Plain(text) | Kind::Text(text) => Kind::Text(text.replace("~1", "/")),
        other => other.clone(),
    };
    Value::new(value.place, kind)
}

fn cors(expansion: &Expansion<'_>, id: &str, body: &mut Map, api: &Value) {
    let Some(cors) = api.get("Cors") else {
        return;
    };
    let at = At(cors.place);
    let is_map = cors.as_map().is_some() && !is_intrinsic(cors);
    let property = |key: &str| cors.get(key).filter(|_| is_map);
    let origin = match is_map {
        true => property("AllowOrigin").cloned(),
        false => Some(cors.clone()),
    };
    let origin = origin.unwrap_or_else(|| at.text("'*'"));
    let credentials = property("AllowCredentials").and_then(Value::as_bool) == Some(true);
    if credentials && origin.as_str() == Some("'*'") {
        let text = format!("Cors of {id}: AllowCredentials needs an AllowOrigin other than '*'");
        return expansion.refuse(cors.place, text);
    }
    let mut done = BTreeSet::new();
    for path in openapi::paths(body) {
        let short = path.trim_end_matches('/').to_owned();
        if !done.insert(short) {
            continue;
        }
        openapi::with_path(body, at.0, &path, &mut |item| {
            if item.contains("options") {
                return;
            }
            let methods = property("AllowMethods").cloned();
            let methods = methods.unwrap_or_else(|| at.text(methods_of(item)));
            let mut headers = vec![
                ("Access-Control-Allow-Origin", origin.clone(), "string"),
                ("Access-Control-Allow-Methods", methods, "string"),
            ];
            if let Some(allowed) = property("AllowHeaders") {
                headers.push(("Access-Control-Allow-Headers", allowed.clone(), "string"));
            }
            if let Some(age) = property("MaxAge") {
                headers.push(("Access-Control-Max-Age", age.clone(), "integer"));
            }
            if credentials {
                let name = "Access-Control-Allow-Credentials";
                headers.push((name, at.text("'true'"), "string"));
            }
            item.insert("options", at.0, preflight(at, headers));
        });
    }
}

/// The methods of a path, as a header has them.
fn methods_of(item: &Map) -> String {
    let mut methods: Vec<String> = if item.contains(ANY) {
        let all = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];
        all.map(str::to_owned).to_vec()
    } else {
        let keys = item.iter().map(|(key, _)| key.to_uppercase());
        keys.chain(["OPTIONS".to_owned()]).collect()
    };
    methods.sort();
    methods.dedup();
    format!("'{}'", methods.join(","))
}

/// The method OPTIONS, which responds with headers.
fn preflight(at: At, headers: Vec<(&str, Value, &str)>) -> Value {
    let mut parameters = Map::default();
    let mut described = Map::default();
    for (name, value, kind) in headers {
        let parameter = format!("method.response.header.{name}");
        parameters.insert(parameter, at.0, value);
        described.insert(name, at.0, at.map([("type", at.text(kind))]));
    }
    let json = |text: &str| at.map([("application/json", at.text(text))]);
    let default = at.map([
        ("statusCode", at.text("200")),
        (
            "responseParameters",
            Value::new(at.0, Kind::Map(parameters)),
        ),
        ("responseTemplates", json("{}\n")),
    ]);
    let integration = at.map([
        ("type", at.text("mock")),
        ("requestTemplates", json("{\n  \"statusCode\" : 200\n}\n")),
        ("responses", at.map([("default", default)])),
    ]);
    let response = at.map([
        ("description", at.text("Default response for CORS method")),
        ("headers", Value::new(at.0, Kind::Map(described))),
    ]);
    at.map([
        ("summary", at.text("CORS support")),
        ("consumes", at.list([at.text("application/json")])),
        ("produces", at.list([at.text("application/json")])),
        (INTEGRATION, integration),
        ("responses", at.map([("200", response)])),
    ])
}

fn authorizers(expansion: &Expansion<'_>, id: &str, body: &mut Map, api: &Value) {
    let Some(auth) = api.get("Auth") else {
        return;
    };
    let at = At(auth.place);
    let default = auth.get("DefaultAuthorizer");
    let default = default.filter(|default| !is_no_value(default));
    let default_name = default.and_then(|name| expansion.literal(name));
    if let Some(default) = default
        && default_name.is_none()
    {
        let text = format!("DefaultAuthorizer of {id} must be a name");
        expansion.refuse(default.place, text);
    }
    let authorizers = auth.get("Authorizers");
    let mut known: Vec<&str> = Vec::new();
    for (name, config) in authorizers.into_iter().flat_map(Value::members) {
        known.push(name);
        match security::authorizer(name, config) {
            Ok(definition) => {
                if let Some(definitions) = security::definitions(body, config.place) {
                    definitions.insert(name, config.place, definition);
                }
            }
            Err(text) => expansion.refuse(config.place, format!("{id}: {text}")),
        }
    }
    if let Some((default, name)) = default.zip(default_name) {
        let at = At(default.place);
        if name == security::IAM {
            if let Some(definitions) = security::definitions(body, at.0) {
                definitions.insert(security::IAM, at.0, security::iam_authorizer(at));
            }
        } else if !known.contains(&name.as_str()) {
            let text = format!("{id} has no authorizer {name}, its DefaultAuthorizer");
            return expansion.refuse(at.0, with_nearest(text, &name, &known));
        }
        let preflight = auth.get("AddDefaultAuthorizerToCorsPreflight");
        let with_preflight = preflight.and_then(Value::as_bool) != Some(false);
        let scopes = auth.at(&["Authorizers", &name, "AuthorizationScopes"]);
        let mut needs_iam = false;
        openapi::with_methods(body, at.0, &mut |key, method| {
            if with_preflight || key != "options" {
                needs_iam |= security::default_authorizer(method, at, &name, scopes, &known);
            }
        });
        if needs_iam {
            security::define_iam(body, at);
        }
    }
    if let Some(required) = auth.get("ApiKeyRequired")
        && required.as_bool() == Some(true)
    {
        let at = At(required.place);
        security::define_key(body, at);
        let preflight = auth.get("AddApiKeyRequiredToCorsPreflight");
        let with_preflight = preflight.and_then(Value::as_bool) != Some(false);
        openapi::with_methods(body, at.0, &mut |key, method| {
            security::default_key(method, at, key == "options" && !with_preflight);
        });
    }
    if auth.get("ResourcePolicy").is_some() {
        expansion.note(
            at.0,
            format!("Auth.ResourcePolicy of {id} has no effect here"),
        );
    }
}

fn gateway_responses(expansion: &Expansion<'_>, id: &str, body: &mut Map, api: &Value) {
    let Some(responses) = api.get("GatewayResponses") else {
        return;
    };
    let place = responses.place;
    let Some(written) = child(body, "x-amazon-apigateway-gateway-responses", place) else {
        return;
    };
    for (name, response) in responses.members() {
        let at = At(response.place);
        let mut parameters = Map::default();
        let given = response.get("ResponseParameters");
        for (kind, members) in given.into_iter().flat_map(Value::members) {
            let prefix = match kind {
                "Headers" => "header",
                "Paths" => "path",
                "QueryStrings" => "querystring",
                _ => {
                    let text = format!("GatewayResponses of {id} have unknown parameters {kind}");
                    let known = ["Headers", "Paths", "QueryStrings"];
                    expansion.refuse(members.place, with_nearest(text, kind, &known));
                    continue;
                }
            };
            for (key, value) in members.members() {
                let key = format!("gatewayresponse.{prefix}.{key}");
                parameters.insert(key, value.place, value.clone());
            }
        }
        let mut described = Map::default();
        let parameters = Value::new(at.0, Kind::Map(parameters));
        described.insert("responseParameters", at.0, parameters);
        let templates = response.get("ResponseTemplates").cloned();
        let templates = templates.unwrap_or_else(|| at.map([]));
        described.insert("responseTemplates", at.0, templates);
        if let Some(status) = response.get("StatusCode") {
            let status = match status.as_str() {
                Some(text) => Value::text(status.place, text),
                None => status.clone(),
            };
            described.insert("statusCode", at.0, status);
        }
        written.insert(name, at.0, Value::new(at.0, Kind::Map(described)));
    }
}

fn models(expansion: &Expansion<'_>, id: &str, body: &mut Map, api: &Value) {
    let Some(models) = api.get("Models") else {
        return;
    };
    for (name, model) in models.members() {
        if model.as_map().is_some() && model.get("type").is_none() {
            let text = format!("the model {name} of {id} needs a type");
            expansion.refuse(model.place, text);
            continue;
        }
        if let Some(definitions) = child(body, "definitions", model.place) {
            definitions.insert(name.to_lowercase(), model.place, model.clone());
        }
    }
}

/// Moves what version 3 has elsewhere than version 2.
fn as_version_3(body: &mut Map) {
    for (from, to) in [
        ("securityDefinitions", "securitySchemes"),
        ("definitions", "schemas"),
    ] {
        if let Some(moved) = body.remove(from)
            && let Some(components) = child(body, "components", moved.place)
        {
            components.insert(to, moved.place, moved);
        }
    }
    let paths = body.get_mut("paths").and_then(Value::as_map_mut);
    let Some(paths) = paths else {
        return;
    };
    let keys: Vec<String> = paths.iter().map(|(key, _)| key.clone()).collect();
    for key in keys {
        let options = paths
            .get_mut(&key)
            .and_then(Value::as_map_mut)
            .and_then(|item| item.get_mut("options"))
            .and_then(Value::as_map_mut);
        let Some(options) = options else {
            continue;
        };
        options.remove("consumes");
        options.remove("produces");
        let headers = ["responses", "200", "headers"];
        let mut inner = Some(options);
        for part in headers {
            inner = inner
                .and_then(|map| map.get_mut(part))
                .and_then(Value::as_map_mut);
        }
        let Some(headers) = inner else {
            continue;
        };
        let names: Vec<String> = headers.iter().map(|(name, _)| name.clone()).collect();
        for name in names {
            if let Some(header) = headers.get_mut(&name) {
                let place = header.place;
                let schema = std::mem::replace(header, Value::null(place));
                *header = Value::map(place, [("schema", schema)]);
            }
        }
    }
}
