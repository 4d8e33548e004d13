//! `http` events: methods of a REST API.
//!
//! Contract: the API `ApiGatewayRestApi`, a resource for each segment of the paths, a method for each event and those that
//! answer CORS preflight requests, authorizers, models, keys and usage plans, and a deployment that names the stage.

mod authorizer;
mod cors;
mod event;
mod ids;
mod method;
mod models;
mod templates;
mod usage;

use indexmap::IndexMap;

use super::super::service::Service;
use crate::cfn::{self, Body, Compiled};
use crate::file::Place;
use crate::value::Value;
use cors::Cors;
use event::Http;
use ids::{API, resource, resource_id};

/// Adds the REST API of a service, if an event asks for it.
pub fn compile(service: &Service<'_>, compiled: &mut Compiled) {
    let mut events = Vec::new();
    for function in service.functions.values() {
        for (place, event) in function.events_of("http") {
            events.extend(Http::read(service, function, place, event));
        }
    }
    let Some(first) = events.first().map(|event| event.place) else {
        return;
    };
    compile_api(service, first, compiled);
    let mut preflight: IndexMap<String, Cors> = IndexMap::new();
    for event in &events {
        compile_resources(event, compiled);
        authorizer::compile(event.authorizer.as_ref(), compiled);
        method::compile(service, event, compiled);
        models::compile(service, event, compiled);
        if let Some(cors) = &event.cors {
            match preflight.get_mut(&event.path) {
                Some(all) => all.add(cors),
                None => {
                    preflight.insert(event.path.clone(), cors.clone());
                }
            }
        }
    }
    for (path, cors) in &preflight {
        cors::compile(path, cors, compiled);
    }
    usage::compile(service, first, compiled);
    let body = Body::new(first)
        .set("RestApiId", cfn::reference(first, API))
        .text("StageName", &service.stage)
        .set_some(
            "Description",
            service.provider.at(&["apiGateway", "description"]).cloned(),
        );
    compiled.add("ApiGatewayDeployment", "AWS::ApiGateway::Deployment", body);
    let path = format!("/{}", service.stage);
    let url = cfn::execute_api_url(first, cfn::reference(first, API), "https", &path);
    compiled.output("ServiceEndpoint", "URL of the service endpoint", url);
}

fn compile_api(service: &Service<'_>, place: Place, compiled: &mut Compiled) {
    let provider = &service.provider;
    let settings = provider
        .get("apiGateway")
        .cloned()
        .unwrap_or_else(|| Value::null(place));
    let service_first = settings
        .get("shouldStartNameWithService")
        .and_then(Value::as_bool)
        == Some(true);
    let name = match provider.get("apiName") {
        Some(name) => name.clone(),
        None if service_first => Value::text(place, format!("{}-{}", service.name, service.stage)),
        None => Value::text(place, format!("{}-{}", service.stage, service.name)),
    };
    if let Some(id) = settings.get("restApiId") {
        let text = "the REST API of provider.apiGateway.restApiId belongs to another service: the routes are served by an API \
                    of their own";
        service.context.report.note(id.place, text);
    }
    let endpoint = provider
        .text_of("endpointType")
        .map_or_else(|| "EDGE".to_owned(), |kind| kind.to_uppercase());
    let types = Value::list(place, vec![Value::text(place, endpoint)]);
    let mut body = Body::new(place)
        .set("Name", name)
        .take(
            &settings,
            &[
                ("BinaryMediaTypes", "binaryMediaTypes"),
                ("DisableExecuteApiEndpoint", "disableDefaultEndpoint"),
                ("MinimumCompressionSize", "minimumCompressionSize"),
                ("Description", "description"),
            ],
        )
        .set(
            "EndpointConfiguration",
            Body::new(place).set("Types", types).done(),
        );
    if let Some(tags) = provider.get("tags") {
        body = body.set("Tags", cfn::tags(place, tags));
    }
    if let Some(source) = settings.text_of("apiKeySourceType") {
        body = body.text("ApiKeySourceType", source.to_uppercase());
    }
    if let Some(policy) = settings.get("resourcePolicy") {
        let policy = Body::new(policy.place)
            .text("Version", "2012-10-17")
            .set("Statement", policy.clone());
        body = body.set("Policy", policy.done());
    }
    compiled.add(API, "AWS::ApiGateway::RestApi", body);
}

fn compile_resources(event: &Http<'_>, compiled: &mut Compiled) {
    let place = event.place;
    let mut parent = String::new();
    for part in event.path.split('/').filter(|part| !part.is_empty()) {
        let path = if parent.is_empty() {
            part.to_owned()
        } else {
            format!("{parent}/{part}")
        };
        let id = resource_id(&path);
        if !compiled.has(&id) {
            let body = Body::new(place)
                .set("ParentId", resource(place, &parent))
                .text("PathPart", part)
                .set("RestApiId", cfn::reference(place, API));
            compiled.add(id, "AWS::ApiGateway::Resource", body);
        }
        parent = path;
    }
}
