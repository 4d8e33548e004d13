//! What an HTTP API says for its routes: authorizers, CORS, names.

use crate::value::{Kind, Map, Value};

use super::build::{At, child, is_intrinsic, is_no_value};
use super::definition::{is_openapi, is_version};
use super::expansion::{Expansion, Route};
use super::names::with_nearest;
use super::openapi;
use super::security::{self, IAM, NONE};

/// The keys of `CorsConfiguration`, and what they are in OpenAPI.
const CORS: [(&str, &str); 6] = [
    ("AllowOrigins", "allowOrigins"),
    ("AllowHeaders", "allowHeaders"),
    ("AllowMethods", "allowMethods"),
    ("ExposeHeaders", "exposeHeaders"),
    ("MaxAge", "maxAge"),
    ("AllowCredentials", "allowCredentials"),
];

/// The body of an API that SAM writes itself.
pub(super) fn skeleton(at: At) -> Map {
    let title = at.reference("AWS::StackName");
    let mut body = Map::default();
    body.insert("openapi", at.0, at.text("3.0.1"));
    let info = at.map([("version", at.text("1.0")), ("title", title)]);
    body.insert("info", at.0, info);
    body.insert("paths", at.0, at.map([]));
    body
}

/// Sets what the event's `Auth` requires of callers.
pub(super) fn authorization(expansion: &Expansion<'_>, body: &mut Map, api: &Value, route: &Route) {
    let Some(auth) = route.auth() else {
        return;
    };
    let place = auth.place;
    let default = api.at(&["Auth", "DefaultAuthorizer"]);
    let authorizer = auth.get("Authorizer").or(default);
    let Some(authorizer) = authorizer else {
        let text = format!(
            "{}: Auth needs an Authorizer, as its API has no DefaultAuthorizer",
            route.name
        );
        return expansion.refuse(place, text);
    };
    let place = authorizer.place;
    let Some(name) = expansion.literal(authorizer) else {
        let text = format!("{}: Authorizer must be a name", route.name);
        return expansion.refuse(place, text);
    };
    let config = api.at(&["Auth", "Authorizers", &name]);
    let enables = api.at(&["Auth", "EnableIamAuthorizer"]);
    let has_iam = enables.and_then(Value::as_bool) == Some(true);
    if name == NONE {
        if default.is_none() {
            let text = format!(
                "{}: Authorizer: NONE is for APIs with a DefaultAuthorizer; leave it out",
                route.name
            );
            return expansion.refuse(place, text);
        }
    } else if config.is_none() && !(name == IAM && has_iam) {
        let names = names_of(api);
        let text = format!("{}: its API has no authorizer {name}", route.name);
        let text = match name == IAM {
            true => format!("{text}; write EnableIamAuthorizer: true into its Auth"),
            false => with_nearest(text, &name, &names),
        };
        return expansion.refuse(place, text);
    }
    let is_named = name != NONE && name != IAM;
    let scopes = auth
        .get("AuthorizationScopes")
        .filter(|scopes| scopes.as_list().is_none_or(|scopes| !scopes.is_empty()))
        .or_else(|| config.and_then(|config| config.get("AuthorizationScopes")))
        .filter(|_| is_named);
    openapi::with_method(body, place, &route.path, &route.method, &mut |method| {
        security::require(method, place, &name, scopes);
    });
}

fn names_of(api: &Value) -> Vec<&str> {
    let authorizers = api.at(&["Auth", "Authorizers"]);
    let members = authorizers.into_iter().flat_map(Value::members);
    members.map(|(name, _)| name).collect()
}

/// Adds what the properties of an API say to its body.
pub(super) fn complete(expansion: &Expansion<'_>, id: &str, body: &mut Map, api: &Value) {
    let parts = ["CorsConfiguration", "Auth", "Name", "Description"];
    let is_valid = is_openapi(body) && is_version(body, "openapi", "3");
    if !is_valid && let Some(part) = parts.into_iter().find_map(|part| api.get(part)) {
        let text =
            format!("the definition of {id} must have `paths` and `openapi: 3.…`, to be added to");
        return expansion.refuse(part.place, text);
    }
    cors(expansion, id, body, api);
    authorizers(expansion, id, body, api);
    for (name, value) in api.get("Tags").into_iter().flat_map(Value::members) {
        let at = At(value.place);
        let tag = [
            ("name", at.text(name)),
            ("x-amazon-apigateway-tag-value", value.clone()),
        ];
        openapi::append(body, "tags", value.place, at.map(tag));
    }
    if let Some(disabled) = api.get("DisableExecuteApiEndpoint") {
        let at = At(disabled.place);
        let configuration = at.map([("disableExecuteApiEndpoint", disabled.clone())]);
        let key = "x-amazon-apigateway-endpoint-configuration";
        let server = at.map([(key, configuration)]);
        body.insert("servers", at.0, at.list([server]));
    }
    for (property, key) in [("Name", "title"), ("Description", "description")] {
        if let Some(value) = api.get(property)
            && let Some(info) = child(body, "info", value.place)
        {
            info.insert(key, value.place, value.clone());
        }
    }
    let fails = api.get("FailOnWarnings").and_then(Value::as_bool);
    let paths = body.get_mut("paths").and_then(Value::as_map_mut);
    if let Some(paths) = paths
        && fails == Some(true)
        && let Some(place) = paths.place_of("$default")
        && let Some(default) = paths.remove("$default")
    {
        paths.insert("/$default", place, default);
    }
}

fn cors(expansion: &Expansion<'_>, id: &str, body: &mut Map, api: &Value) {
    let key = "x-amazon-apigateway-cors";
    let Some(cors) = api.get("CorsConfiguration") else {
        return;
    };
    let at = At(cors.place);
    let literal = cors
        .as_bool()
        .or_else(|| match expansion.literal(cors)?.as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        });
    let mut written = match body.get(key) {
        Some(written) => written.as_map().cloned().unwrap_or_default(),
        None => Map::default(),
    };
    match (literal, &cors.kind) {
        (Some(true), _) => {
            written.insert("allowOrigins", at.0, at.list([at.text("*")]));
        }
        (Some(false), _) => return,
        (None, Kind::Map(map)) if is_intrinsic(cors) => {
            for (key, member) in map {
                written.insert(key, member.place, in_openapi(&member.value));
            }
        }
        (None, Kind::Map(map)) => {
            for (name, member) in map {
                let Some((_, key)) = CORS.iter().find(|(known, _)| known == name) else {
                    continue;
                };
                let is_off = *key == "allowCredentials" && member.value.as_bool() != Some(true);
                if !member.value.is_null() && !is_off {
                    written.insert(*key, member.place, member.value.clone());
                }
            }
        }
        _ => {
            let text = format!("CorsConfiguration of {id} must be true or a map");
            return expansion.refuse(cors.place, text);
        }
    }
    body.insert(key, at.0, Value::new(at.0, Kind::Map(written)));
}

/// A value with the names of CORS as OpenAPI has them.
fn in_openapi(value: &Value) -> Value {
    let kind = match &value.kind {
        Kind::List(items) => Kind::List(items.iter().map(in_openapi).collect()),
        Kind::Map(map) => {
            let mut renamed = Map::default();
            for (key, member) in map {
                let known = CORS.iter().find(|(name, _)| name == key);
                let key = known.map_or(key.as_str(), |(_, key)| key);
                renamed.insert(key, member.place, in_openapi(&member.value));
            }
            Kind::Map(renamed)
        }
        other => other.clone(),
    };
    Value::new(value.place, kind)
}

fn authorizers(expansion: &Expansion<'_>, id: &str, body: &mut Map, api: &Value) {
    let Some(auth) = api.get("Auth") else {
        return;
    };
    let mut schemes = Map::default();
    if let Some(enabled) = auth.get("EnableIamAuthorizer")
        && enabled.as_bool() == Some(true)
    {
        let iam = security::iam_authorizer(At(enabled.place));
        schemes.insert(IAM, enabled.place, iam);
    }
    let authorizers = auth.get("Authorizers");
    for (name, config) in authorizers.into_iter().flat_map(Value::members) {
        match authorizer(name, config) {
            Ok(scheme) => drop(schemes.insert(name, config.place, scheme)),
            Err(text) => expansion.refuse(config.place, format!("{id}: {text}")),
        }
    }
    let default = auth.get("DefaultAuthorizer");
    let default = default.filter(|default| !is_no_value(default));
    if let Some(default) = default {
        let at = At(default.place);
        let Some(name) = expansion.literal(default) else {
            let text = format!("DefaultAuthorizer of {id} must be a name");
            return expansion.refuse(at.0, text);
        };
        if schemes.contains(&name) {
            let scopes = auth.at(&["Authorizers", &name, "AuthorizationScopes"]);
            openapi::with_methods(body, at.0, &mut |key, method| {
                let has_own = method
                    .get("security")
                    .is_some_and(|own| !own.items().is_empty());
                if key != "options" && !has_own {
                    security::require(method, at.0, &name, scopes);
                }
            });
        } else if auth.at(&["Authorizers", &name]).is_none() {
            let text = format!("{id} has no authorizer {name}, its DefaultAuthorizer");
            expansion.refuse(at.0, with_nearest(text, &name, &names_of(api)));
        }
    }
    if schemes.is_empty() {
        return;
    }
    let written = child(body, "components", auth.place)
        .and_then(|components| child(components, "securitySchemes", auth.place));
    if let Some(written) = written {
        for (name, member) in schemes {
            written.insert(name, member.place, member.value);
        }
    }
}

/// The definition of an authorizer.
fn authorizer(name: &str, config: &Value) -> Result<Value, String> {
    let at = At(config.place);
    let key = "x-amazon-apigateway-authorizer";
    if let Some(jwt) = config.get("JwtConfiguration") {
        let Some(source) = config.get("IdentitySource") else {
            return Err(format!("the authorizer {name} needs an IdentitySource"));
        };
        let mut lower = Map::default();
        for (key, member) in jwt.as_map().into_iter().flatten() {
            lower.insert(key.to_lowercase(), member.place, member.value.clone());
        }
        let authorizer = at.map([
            ("jwtConfiguration", Value::new(jwt.place, Kind::Map(lower))),
            ("identitySource", source.clone()),
            ("type", at.text("jwt")),
        ]);
        return Ok(at.map([("type", at.text("oauth2")), (key, authorizer)]));
    }
    let Some(function) = config.get("FunctionArn") else {
        return Err(format!(
            "the authorizer {name} needs a JwtConfiguration or a FunctionArn"
        ));
    };
    let Some(version) = config.get("AuthorizerPayloadFormatVersion") else {
        return Err(format!(
            "the authorizer {name} needs an AuthorizerPayloadFormatVersion"
        ));
    };
    let uri = "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${__FunctionArn__}/invocations";
    let variables = at.map([("__FunctionArn__", function.clone())]);
    let parts = at.list([at.text(uri), variables]);
    let mut authorizer = Map::default();
    authorizer.insert("type", at.0, at.text("request"));
    authorizer.insert("authorizerUri", at.0, at.map([("Fn::Sub", parts)]));
    if let Some(role) = config.get("FunctionInvokeRole")
        && role.as_str() != Some(NONE)
    {
        authorizer.insert("authorizerCredentials", role.place, role.clone());
    }
    if let Some(identity) = config.get("Identity") {
        if let Some(ttl) = identity.get("ReauthorizeEvery") {
            authorizer.insert("authorizerResultTtlInSeconds", ttl.place, ttl.clone());
        }
        authorizer.insert("identitySource", identity.place, sources(identity));
    }
    authorizer.insert(
        "authorizerPayloadFormatVersion",
        version.place,
        version.clone(),
    );
    if let Some(simple) = config.get("EnableSimpleResponses")
        && simple.as_bool() != Some(false)
    {
        authorizer.insert("enableSimpleResponses", simple.place, simple.clone());
    }
    Ok(at.map([
        ("type", at.text("apiKey")),
        ("name", at.text("Unused")),
        ("in", at.text("header")),
        (key, Value::new(at.0, Kind::Map(authorizer))),
    ]))
}

/// Where an authorizer finds out who calls.
fn sources(identity: &Value) -> Value {
    const PREFIXES: [(&str, &str); 4] = [
        ("Headers", "$request.header."),
        ("QueryStrings", "$request.querystring."),
        ("StageVariables", "$stageVariables."),
        ("Context", "$context."),
    ];
    let at = At(identity.place);
    let mut sources = Vec::new();
    for (key, prefix) in PREFIXES {
        let names = identity.get(key).map(Value::items).unwrap_or_default();
        let names = names.iter().filter_map(Value::as_str);
        sources.extend(names.map(|name| at.text(format!("{prefix}{name}"))));
    }
    at.list(sources)
}
