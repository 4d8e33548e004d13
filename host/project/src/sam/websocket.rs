//! `AWS::Serverless::WebSocketApi`: the API, its routes, and its stage.

use crate::value::{Kind, Map, Value};

use super::attributes::Attributes;
use super::build::{At, copy, copy_as};
use super::expansion::Expansion;
use super::rest_api;

/// The properties that an API of API Gateway has under the same names.
const SAME: [&str; 8] = [
    "ApiKeySelectionExpression",
    "Description",
    "DisableExecuteApiEndpoint",
    "DisableSchemaValidation",
    "IpAddressType",
    "Name",
    "RouteSelectionExpression",
    "Tags",
];

/// The properties that its stage has under the same names.
const OF_STAGE: [&str; 4] = [
    "StageVariables",
    "AccessLogSettings",
    "DefaultRouteSettings",
    "RouteSettings",
];

/// The keys of a route, apart from `FunctionArn` and `IntegrationTimeout`.
const OF_ROUTE: [&str; 6] = [
    "ApiKeyRequired",
    "ModelSelectionExpression",
    "OperationName",
    "RequestModels",
    "RequestParameters",
    "RouteResponseSelectionExpression",
];

/// Replaces an API, and adds its routes and its stage.
pub(super) fn expand(expansion: &mut Expansion<'_>, id: &str) {
    let Some((place, resource)) = expansion.resource(id) else {
        return;
    };
    let empty = Value::new(place, Kind::Map(Map::default()));
    let properties = resource.get("Properties").unwrap_or(&empty);
    let attributes = Attributes::of(&resource);
    let at = At(place);
    let mut api = Map::default();
    copy(properties, &mut api, &SAME);
    if !api.contains("Name") {
        api.insert("Name", place, at.text(id));
    }
    api.insert("ProtocolType", place, at.text("WEBSOCKET"));
    expansion.replace(id, "AWS::ApiGatewayV2::Api", api);

    let routes = properties.get("Routes").and_then(Value::as_map);
    for (key, member) in routes.into_iter().flatten() {
        route(expansion, id, key, &member.value, properties, &attributes);
    }
    let has_connect = routes.is_some_and(|routes| routes.contains("$connect"));
    if let Some(auth) = properties.get("Auth")
        && !has_connect
    {
        let text = format!("Auth of {id} is for the route $connect, which it does not have");
        expansion.refuse(auth.place, text);
    }

    let name = properties.get("StageName").cloned();
    let name = name.unwrap_or_else(|| at.text("default"));
    let stage = match name.as_str() {
        Some("default") => format!("{id}DefaultStage"),
        Some("$default") => {
            let text =
                format!("the stage of {id} cannot be $default, as its routes are WebSocket routes");
            return expansion.refuse(name.place, text);
        }
        Some(text) => format!("{id}{text}Stage"),
        None => format!("{id}Stage"),
    };
    let mut staged = Map::default();
    copy(properties, &mut staged, &OF_STAGE);
    staged.insert("ApiId", place, at.reference(id));
    staged.insert("StageName", name.place, name.clone());
    staged.insert("AutoDeploy", place, at.plain(true));
    let kind = "AWS::ApiGatewayV2::Stage";
    expansion.add(&stage, name.place, kind, staged, &attributes);
    expansion.refer(id, "Stage", &stage);
    let kind = "AWS::ApiGatewayV2::DomainName";
    rest_api::domain(expansion, id, kind, properties, &attributes);
}

fn route(
    expansion: &mut Expansion<'_>,
    id: &str,
    key: &str,
    spec: &Value,
    properties: &Value,
    attributes: &Attributes,
) {
    let place = spec.place;
    let at = At(place);
    let Some(clean) = clean(key) else {
        let text = format!(
            "the route {key} of {id} must be a word of letters and digits, $connect, $disconnect or $default"
        );
        return expansion.refuse(place, text);
    };
    let Some(function) = spec.get("FunctionArn") else {
        let text = format!("the route {key} of {id} needs a FunctionArn");
        return expansion.refuse(place, text);
    };
    let integration = format!("{id}{clean}Integration");
    let mut routed = Map::default();
    copy(spec, &mut routed, &OF_ROUTE);
    routed.insert("RouteKey", place, at.text(key));
    routed.insert("ApiId", place, at.reference(id));
    let parts = at.list([at.text("integrations"), at.reference(&integration)]);
    let target = at.map([("Fn::Join", at.list([at.text("/"), parts]))]);
    routed.insert("Target", place, target);
    if key == "$connect"
        && let Some(auth) = properties.get("Auth")
    {
        authorize(expansion, id, auth, &mut routed, attributes);
    }
    let name = format!("{id}{clean}Route");
    let kind = "AWS::ApiGatewayV2::Route";
    expansion.add(&name, place, kind, routed, attributes);

    let mut integrated = Map::default();
    integrated.insert("ApiId", place, at.reference(id));
    integrated.insert("IntegrationType", place, at.text("AWS_PROXY"));
    let uri = invocation(at, "FunctionArn", function);
    integrated.insert("IntegrationUri", place, uri);
    copy_as(
        spec,
        "IntegrationTimeout",
        &mut integrated,
        "TimeoutInMillis",
    );
    let kind = "AWS::ApiGatewayV2::Integration";
    expansion.add(&integration, place, kind, integrated, attributes);
}

/// A key of a route as a part of ids.
fn clean(key: &str) -> Option<String> {
    let word = match key {
        "$connect" | "$disconnect" | "$default" => key.trim_start_matches('$'),
        _ => key,
    };
    let is_word = word.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let mut letters = word.chars();
    let first = letters.next().filter(|_| is_word)?;
    let rest = letters.as_str().to_lowercase();
    Some(format!("{}{rest}", first.to_ascii_uppercase()))
}

/// The URI of the invocation of a function.
fn invocation(at: At, variable: &str, function: &Value) -> Value {
    let uri = format!(
        "arn:${{AWS::Partition}}:apigateway:${{AWS::Region}}:lambda:path/2015-03-31/functions/\
         ${{{variable}}}/invocations"
    );
    let variables = at.map([(variable, function.clone())]);
    at.map([("Fn::Sub", at.list([at.text(uri), variables]))])
}

/// Sets what the route `$connect` requires of callers, and adds the authorizer.
fn authorize(
    expansion: &mut Expansion<'_>,
    id: &str,
    auth: &Value,
    route: &mut Map,
    attributes: &Attributes,
) {
    let place = auth.place;
    let at = At(place);
    match auth.text_of("AuthType").as_deref() {
        Some(kind @ ("NONE" | "AWS_IAM")) => {
            route.insert("AuthorizationType", place, at.text(kind));
        }
        Some("CUSTOM") => {
            let Some(function) = auth.get("AuthArn") else {
                let text = format!("Auth of {id} needs an AuthArn");
                return expansion.refuse(place, text);
            };
            let name = format!("{id}ConnectAuthorizer");
            route.insert("AuthorizationType", place, at.text("CUSTOM"));
            route.insert("AuthorizerId", place, at.reference(&name));
            let mut authorizer = Map::default();
            copy(auth, &mut authorizer, &["IdentitySource", "Name"]);
            copy_as(
                auth,
                "InvokeRole",
                &mut authorizer,
                "AuthorizerCredentialsArn",
            );
            if !authorizer.contains("Name") {
                authorizer.insert("Name", place, at.text(name.as_str()));
            }
            authorizer.insert("ApiId", place, at.reference(id));
            authorizer.insert("AuthorizerType", place, at.text("REQUEST"));
            let uri = invocation(at, "AuthArn", function);
            authorizer.insert("AuthorizerUri", place, uri);
            let kind = "AWS::ApiGatewayV2::Authorizer";
            expansion.add(&name, place, kind, authorizer, attributes);
        }
        _ => {
            let text = format!("Auth of {id} needs an AuthType: NONE, AWS_IAM or CUSTOM");
            expansion.refuse(place, text);
        }
    }
}
