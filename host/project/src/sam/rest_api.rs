//! `AWS::Serverless::Api`.

use crate::value::{Kind, Map, Value};

use super::attributes::Attributes;
use super::build::{At, child};
use super::conditions;
use super::expansion::{Expansion, Route};
use super::openapi::{self, INTEGRATION};

/// Replaces an API, and adds its stage.
pub(super) fn expand(expansion: &mut Expansion<'_>, id: &str) {
    let Some((place, resource)) = expansion.resource(id) else {
        return;
    };
    let at = At(place);
    let empty = Value::new(place, Kind::Map(Map::default()));
    let properties = resource.get("Properties").unwrap_or(&empty);
    let attributes = Attributes::of(&resource);
    let mut body = openapi::rest_skeleton(at);
    let routes = expansion.routes.shift_remove(id).unwrap_or_default();
    for route in &routes {
        add_route(expansion, &mut body, route);
    }
    conditions::of_paths(expansion, id, &mut body, &routes);
    let mut api = Map::default();
    api.insert("Body", place, Value::new(place, Kind::Map(body)));
    expansion.replace(id, "AWS::ApiGateway::RestApi", api);
    let attributes = conditions::of_implicit(expansion, id, &attributes, &routes);

    let deployment = format!("{id}Deployment");
    let mut deployed = Map::default();
    deployed.insert("RestApiId", place, at.reference(id));
    let kind = "AWS::ApiGateway::Deployment";
    expansion.add(&deployment, place, kind, deployed, &attributes);
    expansion.refer(id, "Deployment", &deployment);

    let Some(name) = properties.get("StageName") else {
        return;
    };
    let stage = match expansion.literal(name) {
        Some(literal) if literal.chars().all(|char| char.is_ascii_alphanumeric()) => {
            format!("{id}{literal}Stage")
        }
        _ => format!("{id}Stage"),
    };
    let mut staged = Map::default();
    staged.insert("DeploymentId", place, at.reference(&deployment));
    staged.insert("RestApiId", place, at.reference(id));
    staged.insert("StageName", name.place, name.clone());
    let kind = "AWS::ApiGateway::Stage";
    expansion.add(&stage, name.place, kind, staged, &attributes);
    expansion.refer(id, "Stage", &stage);
}

fn add_route(expansion: &Expansion<'_>, body: &mut Map, route: &Route) {
    let at = At(route.place);
    let path = openapi_path(body, route);
    if path.is_some_and(|path| path.contains(INTEGRATION)) {
        let text = format!(
            "{}: another event has the method {} and the path {}",
            route.name, route.method, route.path
        );
        return expansion.refuse(route.place, text);
    }
    let condition = route.target.attributes.condition();
    let uri = at.sub(format!(
        "arn:aws:apigateway:${{AWS::Region}}:lambda:path/2015-03-31/functions/{}/invocations",
        route.target.arn_in_sub()
    ));
    openapi::with_path(body, route.place, &route.path, &mut |item| {
        let integration = at.map([
            ("type", at.text("aws_proxy")),
            ("httpMethod", at.text("POST")),
            ("uri", at.only_if(condition, uri.clone())),
        ]);
        let Some(method) = child(item, &route.method, route.place) else {
            return;
        };
        method.insert(INTEGRATION, route.place, integration);
        child(method, "responses", route.place);
        openapi::only_if(item, &route.method, at, condition);
    });
}

fn openapi_path<'b>(body: &'b Map, route: &Route) -> Option<&'b Map> {
    let paths = body.get("paths")?;
    paths.at(&[&route.path, &route.method])?.as_map()
}
