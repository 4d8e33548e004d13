//! `AWS::Serverless::Api`: the API, its stage, and what its users need.

use crate::file::Place;
use crate::value::{Kind, Map, Value};

use super::attributes::Attributes;
use super::build::{At, copy, copy_as};
use super::conditions;
use super::definition::{self, Definition};
use super::expansion::Expansion;
use super::{rest_body, rest_route, usage_plan};

/// The properties that an API of API Gateway has under the same names.
const SAME: [&str; 9] = [
    "Name",
    "Description",
    "BinaryMediaTypes",
    "MinimumCompressionSize",
    "FailOnWarnings",
    "Mode",
    "ApiKeySourceType",
    "Policy",
    "SecurityPolicy",
];

/// The properties that its stage has under the same names.
const OF_STAGE: [&str; 8] = [
    "StageName",
    "CacheClusterEnabled",
    "CacheClusterSize",
    "Variables",
    "MethodSettings",
    "AccessLogSetting",
    "CanarySetting",
    "TracingEnabled",
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
    copy(properties, &mut api, &SAME);
    copy(properties, &mut api, &["EndpointAccessMode"]);
    endpoint(properties, &mut api);

    let routes = expansion.routes.shift_remove(id).unwrap_or_default();
    match definition::of(expansion, id, properties, place) {
        Some(Definition::Stored(location)) => {
            api.insert("BodyS3Location", location.place, location);
        }
        Some(Definition::Own(at, mut body) | Definition::File(at, mut body)) => {
            rest_route::merge(expansion, &mut body, properties, &routes);
            rest_body::complete(expansion, id, &mut body, properties);
            api.insert("Body", at, Value::new(at, Kind::Map(body)));
        }
        None => {
            let mut body = rest_body::skeleton(At(place), properties);
            for route in &routes {
                rest_route::add(expansion, &mut body, properties, route);
            }
            conditions::of_paths(expansion, id, &mut body, &routes);
            rest_body::complete(expansion, id, &mut body, properties);
            api.insert("Body", place, Value::new(place, Kind::Map(body)));
        }
    }
    expansion.replace(id, "AWS::ApiGateway::RestApi", api);
    let attributes = conditions::of_implicit(expansion, id, &attributes, &routes);
    if let Some(stage) = add_stage(expansion, id, place, properties, &attributes) {
        usage_plan::add(expansion, id, &stage, properties, &attributes);
    }
    domain(
        expansion,
        id,
        "AWS::ApiGateway::DomainName",
        properties,
        &attributes,
    );
}

/// Adds the deployment and the stage, whose id it returns.
fn add_stage(
    expansion: &mut Expansion<'_>,
    id: &str,
    place: Place,
    properties: &Value,
    attributes: &Attributes,
) -> Option<String> {
    let at = At(place);
    let deployment = format!("{id}Deployment");
    let mut deployed = Map::default();
    deployed.insert("RestApiId", place, at.reference(id));
    let kind = "AWS::ApiGateway::Deployment";
    expansion.add(&deployment, place, kind, deployed, attributes);
    expansion.refer(id, "Deployment", &deployment);

    let name = properties.get("StageName")?;
    let literal = name.as_str().filter(|name| {
        let is_word = name.chars().all(|char| char.is_ascii_alphanumeric());
        is_word && !name.is_empty()
    });
    let stage = format!("{id}{}Stage", literal.unwrap_or_default());
    let mut staged = Map::default();
    copy(properties, &mut staged, &OF_STAGE);
    staged.insert("DeploymentId", place, at.reference(&deployment));
    staged.insert("RestApiId", place, at.reference(id));
    if let Some(tags) = properties.get("Tags").and_then(super::function::tag_list) {
        staged.insert("Tags", tags.place, tags);
    }
    let kind = "AWS::ApiGateway::Stage";
    expansion.add(&stage, name.place, kind, staged, attributes);
    expansion.refer(id, "Stage", &stage);
    Some(stage)
}

/// Where the API is reached on AWS.
fn endpoint(properties: &Value, api: &mut Map) {
    let Some(configuration) = properties.get("EndpointConfiguration") else {
        return;
    };
    let at = At(configuration.place);
    let kind = configuration.get("Type").unwrap_or(configuration);
    let mut endpoint = Map::default();
    endpoint.insert("Types", at.0, at.list([kind.clone()]));
    copy(
        configuration,
        &mut endpoint,
        &["VpcEndpointIds", "IpAddressType"],
    );
    copy_as(
        configuration,
        "VPCEndpointIds",
        &mut endpoint,
        "VpcEndpointIds",
    );
    let endpoint = Value::new(at.0, Kind::Map(endpoint));
    api.insert("EndpointConfiguration", at.0, endpoint);
    let parameters = at.map([("endpointConfigurationTypes", kind.clone())]);
    api.insert("Parameters", at.0, parameters);
}

/// Adds the domain name, which the template may refer to. How paths are mapped to it has no effect here.
pub(super) fn domain(
    expansion: &mut Expansion<'_>,
    id: &str,
    kind: &str,
    properties: &Value,
    attributes: &Attributes,
) {
    let Some(domain) = properties.get("Domain") else {
        return;
    };
    let mut named = Map::default();
    copy(domain, &mut named, &["DomainName"]);
    let name = format!("{id}DomainName");
    expansion.add(&name, domain.place, kind, named, attributes);
    expansion.refer(id, "DomainName", &name);
    expansion.refer(id, "DomainNameV2", &name);
}
