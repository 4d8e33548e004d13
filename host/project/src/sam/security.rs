//! What routes require of their callers, in OpenAPI: `security` of methods, and its definitions.

use crate::file::Place;
use crate::value::{Kind, Map, Value};

use super::build::{At, child};

/// The name of IAM among authorizers.
pub(super) const IAM: &str = "AWS_IAM";

/// Stands for a route that needs no authorizer, until defaults are set.
pub(super) const NONE: &str = "NONE";

/// The requirement of an API key.
pub(super) const KEY: &str = "api_key";

/// Stands for a route that needs no API key, until defaults are set.
pub(super) const NO_KEY: &str = "api_key_false";

/// Adds a requirement to a method.
pub(super) fn require(method: &mut Map, place: Place, name: &str, scopes: Option<&Value>) {
    let requirement = requirement(At(place), name, scopes);
    let mut security = list(method);
    security.push(requirement);
    method.insert("security", place, Value::list(place, security));
}

fn requirement(at: At, name: &str, scopes: Option<&Value>) -> Value {
    let scopes = scopes.cloned().unwrap_or_else(|| at.list([]));
    at.map([(name, scopes)])
}

fn list(method: &Map) -> Vec<Value> {
    let security = method.get("security").and_then(Value::as_list);
    security.unwrap_or_default().to_vec()
}

fn names(requirement: &Value, name: &str) -> bool {
    requirement.as_map().is_some_and(|map| map.contains(name))
}

/// Requires the default authorizer of a method that says nothing about authorizers. The mark that it needs none is
/// dropped. Returns whether IAM comes first among the requirements, which then needs a definition.
pub(super) fn default_authorizer(
    method: &mut Map,
    at: At,
    name: &str,
    scopes: Option<&Value>,
    known: &[&str],
) -> bool {
    let is_authorizer =
        |item: &Value| names(item, IAM) || known.iter().any(|known| names(item, known));
    let (own, mut others): (Vec<_>, Vec<_>) = list(method).into_iter().partition(is_authorizer);
    if let Some(none) = others.iter().position(|item| names(item, NONE)) {
        others.remove(none);
    } else if own.is_empty() {
        others.push(requirement(at, name, scopes));
    } else {
        others.extend(own);
    }
    let is_iam = others.first().is_some_and(|item| names(item, IAM));
    if !others.is_empty() {
        method.insert("security", at.0, Value::list(at.0, others));
    }
    is_iam
}

/// Requires a key of a method that says nothing about keys, and drops the mark that it needs none. `is_exempt` methods
/// need none either way.
pub(super) fn default_key(method: &mut Map, at: At, is_exempt: bool) {
    let is_key = |item: &Value| names(item, KEY) || names(item, NO_KEY);
    let before = list(method);
    let (own, mut others): (Vec<_>, Vec<_>) = before.iter().cloned().partition(is_key);
    let is_free = own.iter().any(|item| names(item, NO_KEY));
    if !is_exempt && !is_free {
        others.push(requirement(at, KEY, None));
    }
    if others != before {
        method.insert("security", at.0, Value::list(at.0, others));
    }
}

/// The definitions of a body of version 2.
pub(super) fn definitions(body: &mut Map, place: Place) -> Option<&mut Map> {
    child(body, "securityDefinitions", place)
}

/// Defines IAM, unless it is defined.
pub(super) fn define_iam(body: &mut Map, at: At) {
    let definition = [
        ("x-amazon-apigateway-authtype", at.text("awsSigv4")),
        ("type", at.text("apiKey")),
        ("name", at.text("Authorization")),
        ("in", at.text("header")),
    ];
    define(body, at, IAM, at.map(definition));
}

/// Defines API keys, unless they are defined.
pub(super) fn define_key(body: &mut Map, at: At) {
    let definition = [
        ("type", at.text("apiKey")),
        ("name", at.text("x-api-key")),
        ("in", at.text("header")),
    ];
    define(body, at, KEY, at.map(definition));
}

fn define(body: &mut Map, at: At, name: &str, definition: Value) {
    if let Some(definitions) = definitions(body, at.0)
        && !definitions.contains(name)
    {
        definitions.insert(name, at.0, definition);
    }
}

/// The definition of an authorizer of a REST API.
pub(super) fn authorizer(name: &str, config: &Value) -> Result<Value, String> {
    let at = At(config.place);
    let identity = |key: &str| config.at(&["Identity", key]);
    let payload = config.get("FunctionPayloadType");
    if payload.is_some_and(|payload| payload.as_str().is_none()) {
        return Err(format!(
            "FunctionPayloadType of the authorizer {name} must be TOKEN or REQUEST"
        ));
    }
    let header = identity("Header").cloned();
    let header = header.unwrap_or_else(|| at.text("Authorization"));
    let mut authorizer = Map::default();
    let (header, kind) = if let Some(pool) = config.get("UserPoolArn") {
        let pools = match &pool.kind {
            Kind::List(_) => pool.clone(),
            _ => At(pool.place).list([pool.clone()]),
        };
        authorizer.insert("type", at.0, at.text("cognito_user_pools"));
        authorizer.insert("providerARNs", at.0, pools);
        (header, "cognito_user_pools")
    } else {
        let Some(function) = config.get("FunctionArn") else {
            return Err(format!(
                "the authorizer {name} needs a UserPoolArn or a FunctionArn"
            ));
        };
        let uri = "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${__FunctionArn__}/invocations";
        let variables = at.map([("__FunctionArn__", function.clone())]);
        let parts = at.list([at.text(uri), variables]);
        authorizer.insert("authorizerUri", at.0, at.map([("Fn::Sub", parts)]));
        if let Some(ttl) = identity("ReauthorizeEvery") {
            authorizer.insert("authorizerResultTtlInSeconds", ttl.place, ttl.clone());
        }
        if let Some(role) = config.get("FunctionInvokeRole")
            && role.as_str() != Some("NONE")
        {
            authorizer.insert("authorizerCredentials", role.place, role.clone());
        }
        match config.text_of("FunctionPayloadType").as_deref() {
            None | Some("TOKEN") => {
                authorizer.insert("type", at.0, at.text("token"));
                (header, "custom")
            }
            Some("REQUEST") => {
                authorizer.insert("type", at.0, at.text("request"));
                let sources = sources(config);
                let ttl = identity("ReauthorizeEvery").and_then(Value::as_integer);
                if sources.is_empty() && ttl != Some(0) {
                    return Err(format!(
                        "the authorizer {name} of type REQUEST needs an Identity with Headers, QueryStrings, \
                         StageVariables or Context"
                    ));
                }
                if !sources.is_empty() {
                    authorizer.insert("identitySource", at.0, at.text(sources.join(", ")));
                }
                (at.text("Unused"), "custom")
            }
            Some(other) => {
                return Err(format!(
                    "the authorizer {name} has the FunctionPayloadType {other}; it can be TOKEN or REQUEST"
                ));
            }
        }
    };
    let is_request = config.text_of("FunctionPayloadType").as_deref() == Some("REQUEST");
    if let Some(expression) = identity("ValidationExpression")
        && (!is_request || kind != "custom")
    {
        authorizer.insert(
            "identityValidationExpression",
            expression.place,
            expression.clone(),
        );
    }
    Ok(at.map([
        ("type", at.text("apiKey")),
        ("name", header),
        ("in", at.text("header")),
        ("x-amazon-apigateway-authtype", at.text(kind)),
        (
            "x-amazon-apigateway-authorizer",
            Value::new(at.0, Kind::Map(authorizer)),
        ),
    ]))
}

/// Where an authorizer of type REQUEST finds out who calls.
fn sources(config: &Value) -> Vec<String> {
    const PREFIXES: [(&str, &str); 4] = [
        ("Headers", "method.request.header."),
        ("QueryStrings", "method.request.querystring."),
        ("StageVariables", "stageVariables."),
        ("Context", "context."),
    ];
    let of = |(key, prefix): (&str, &str)| -> Vec<String> {
        let names = config.at(&["Identity", key]).map(Value::items);
        let names = names.unwrap_or_default().iter().filter_map(Value::as_str);
        names.map(|name| format!("{prefix}{name}")).collect()
    };
    PREFIXES.into_iter().flat_map(of).collect()
}

/// The definition of IAM as an authorizer of an API all of whose routes require it.
pub(super) fn iam_authorizer(at: At) -> Value {
    at.map([
        ("type", at.text("apiKey")),
        ("name", at.text("Authorization")),
        ("in", at.text("header")),
        ("x-amazon-apigateway-authtype", at.text("awsSigv4")),
    ])
}
