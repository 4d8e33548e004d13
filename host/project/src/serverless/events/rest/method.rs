//! Methods of `http` events, with their integrations.

use super::super::super::service::Service;
use super::event::{Http, Integration};
use super::ids::{API, method_id, resource};
use super::{authorizer, templates};
use crate::cfn::{self, Body, Compiled};
use crate::value::{Kind, Map, Value};

/// What the errors of a function match if an event with `integration: lambda` does not say which statuses it has.
const STATUSES: [(&str, &str); 9] = [
    ("200", ""),
    ("400", r"[\s\S]*\[400\][\s\S]*"),
    ("401", r"[\s\S]*\[401\][\s\S]*"),
    ("403", r"[\s\S]*\[403\][\s\S]*"),
    ("404", r"[\s\S]*\[404\][\s\S]*"),
    ("422", r"[\s\S]*\[422\][\s\S]*"),
    (
        "500",
        r"[\s\S]*(Process\s?exited\s?before\s?completing\s?request|\[500\])[\s\S]*",
    ),
    ("502", r"[\s\S]*\[502\][\s\S]*"),
    (
        "504",
        r"([\s\S]*\[504\][\s\S]*)|(.*Task timed out after \d+\.\d+ seconds$)",
    ),
];

/// Adds the method of an event.
pub fn compile(service: &Service<'_>, event: &Http<'_>, compiled: &mut Compiled) {
    let place = event.place;
    let id = method_id(&event.path, &event.method);
    let what = format!("{} /{}", event.method.to_uppercase(), event.path);
    if compiled.has(&id) {
        service.refuse(
            place,
            format!(
                "the route {what} occurs twice: {} has it, too",
                event.function.key
            ),
        );
        return;
    }
    let needs_uri = matches!(
        event.integration,
        Integration::Http | Integration::HttpProxy
    );
    if needs_uri && event.value.at(&["request", "uri"]).is_none() {
        service.refuse(
            place,
            format!(
                "{what} has an integration with a server, but no URL: add `request: {{uri: …}}`"
            ),
        );
        return;
    }
    let parameters = event.parameters().into_iter().map(|(name, value)| {
        let required = match value.as_map() {
            Some(_) => value
                .get("required")
                .cloned()
                .unwrap_or_else(|| Value::plain(value.place, true)),
            None => value.clone(),
        };
        (name, required)
    });
    let is_private = event.get("private").and_then(Value::as_bool) == Some(true);
    let mut body = Body::new(place)
        .text("HttpMethod", event.method.to_uppercase())
        .set("RequestParameters", Value::map(place, parameters))
        .set("ResourceId", resource(place, &event.path))
        .set("RestApiId", cfn::reference(place, API))
        .take(event.value, &[("OperationName", "operationId")])
        .plain("ApiKeyRequired", is_private);
    body = authorizer::authorize(body, event.authorizer.as_ref());
    let responses = Responses::read(event);
    body = body
        .set("Integration", integration(service, event, &responses))
        .set("MethodResponses", responses.of_method(event));
    compiled.add(id, "AWS::ApiGateway::Method", body);
}

fn integration(service: &Service<'_>, event: &Http<'_>, responses: &Responses) -> Value {
    let place = event.place;
    let request = event.get("request");
    let timeout = event
        .get("timeoutInMillis")
        .or_else(|| service.provider.at(&["apiGateway", "timeoutInMillis"]));
    let mode = event
        .value
        .at(&["response", "transferMode"])
        .and_then(Value::as_str)
        .map(str::to_uppercase);
    let mut body = Body::new(place)
        .text("IntegrationHttpMethod", "POST")
        .text("Type", event.integration.kind())
        .set_some("TimeoutInMillis", timeout.cloned());
    match event.integration {
        Integration::LambdaProxy | Integration::Lambda => {
            let is_streaming =
                event.integration == Integration::LambdaProxy && mode.as_deref() == Some("STREAM");
            let uri = cfn::invocation_uri(place, event.function.target_parts(place), is_streaming);
            body = body.set("Uri", uri);
        }
        Integration::Http | Integration::HttpProxy => {
            let method = request.and_then(|request| request.text_of("method"));
            let method = method.map_or_else(|| event.method.clone(), |method| method.into_owned());
            body = body
                .text("IntegrationHttpMethod", method.to_uppercase())
                .set_some(
                    "Uri",
                    request.and_then(|request| request.get("uri")).cloned(),
                );
            if let Some(kind) = event.get("connectionType").and_then(Value::as_str) {
                body = body
                    .text("ConnectionType", kind.to_uppercase().replace('-', "_"))
                    .set_some("ConnectionId", event.get("connectionId").cloned());
            }
        }
        Integration::Mock => {}
    }
    if event.integration.has_templates() {
        let passthrough = request
            .and_then(|request| request.get("passThrough"))
            .cloned();
        let default =
            || (event.integration == Integration::Lambda).then(|| Value::text(place, "NEVER"));
        body = body
            .set_some("PassthroughBehavior", passthrough.or_else(default))
            .set_some(
                "ContentHandling",
                request
                    .and_then(|request| request.get("contentHandling"))
                    .cloned(),
            )
            .set_some("RequestTemplates", request_templates(event))
            .set("IntegrationResponses", responses.of_integration(event));
    }
    let parameters = request_parameters(event);
    if !parameters.is_empty() {
        body = body.set("RequestParameters", Value::map(place, parameters));
    }
    let can_stream = matches!(
        event.integration,
        Integration::LambdaProxy | Integration::HttpProxy
    );
    match mode.filter(|_| can_stream) {
        Some(mode) => body.text("ResponseTransferMode", mode),
        None => body,
    }
    .done()
}

fn request_parameters(event: &Http<'_>) -> Vec<(String, Value)> {
    let mut parameters = Vec::new();
    if event.integration != Integration::LambdaProxy && event.integration != Integration::Mock
        || event.is_asynchronous()
    {
        for (name, value) in event.parameters() {
            let mapped = value.get("mappedValue").cloned();
            let mapped = mapped.unwrap_or_else(|| Value::text(value.place, &name));
            parameters.push((name.replacen("method.", "integration.", 1), mapped));
        }
    }
    if event.is_asynchronous() {
        let name = "integration.request.header.X-Amz-Invocation-Type".to_owned();
        parameters.push((name, Value::text(event.place, "'Event'")));
    }
    parameters
}

fn request_templates(event: &Http<'_>) -> Option<Value> {
    let place = event.place;
    let mut all = Map::default();
    if event.integration == Integration::Lambda {
        let claims = event
            .authorizer
            .as_ref()
            .map(|authorizer| authorizer.claims.as_slice())
            .unwrap_or_default();
        for (kind, template) in templates::requests(claims) {
            all.insert(kind, place, Value::text(place, template));
        }
    }
    let own = event
        .value
        .at(&["request", "template"])
        .and_then(Value::as_map);
    for (kind, member) in own.into_iter().flat_map(Map::iter) {
        match member.value.kind {
            // `null` takes a default away.
            Kind::Null => {
                all.remove(kind);
            }
            _ => {
                all.insert(kind, member.place, member.value.clone());
            }
        }
    }
    (!all.is_empty()).then(|| Value::new(place, Kind::Map(all)))
}

/// The responses of an integration with templates.
struct Responses {
    /// Headers of all of them.
    headers: Vec<(String, Value)>,
    /// Their statuses with what is said about each.
    statuses: Vec<(String, Value)>,
}

impl Responses {
    fn read(event: &Http<'_>) -> Self {
        let place = event.place;
        let default = |status: &str, pattern: &str| {
            (
                status.to_owned(),
                Body::new(place).text("pattern", pattern).done(),
            )
        };
        let defaults = || {
            STATUSES
                .iter()
                .map(|(status, pattern)| default(status, pattern))
        };
        let response = event.get("response");
        if !event.integration.has_templates()
            || (response.is_none() && event.integration != Integration::Lambda)
        {
            return Self {
                headers: Vec::new(),
                statuses: Vec::new(),
            };
        }
        let statuses = match response.and_then(|response| response.get("statusCodes")) {
            Some(own) => {
                let mut statuses: Vec<(String, Value)> = own
                    .members()
                    .map(|(status, value)| (status.to_owned(), value.clone()))
                    .collect();
                let is_success =
                    |value: &Value| value.get("pattern").and_then(Value::as_str) == Some("");
                if !statuses.iter().any(|(_, value)| is_success(value)) {
                    statuses.retain(|(status, _)| status != "200");
                    statuses.push(default("200", ""));
                }
                statuses
            }
            None => defaults().collect(),
        };
        let mut headers = Vec::new();
        if let Some(cors) = &event.cors {
            let origin = format!("'{}'", cors.origin_of_responses());
            headers.push((
                "Access-Control-Allow-Origin".to_owned(),
                Value::text(place, origin),
            ));
            if cors.allows_credentials() {
                headers.push((
                    "Access-Control-Allow-Credentials".to_owned(),
                    Value::text(place, "true"),
                ));
            }
        }
        let own = response.and_then(|response| response.get("headers"));
        for (name, value) in own.into_iter().flat_map(Value::members) {
            headers.retain(|(known, _)| known != name);
            headers.push((name.to_owned(), value.clone()));
        }
        Self { headers, statuses }
    }

    fn headers_of<'r>(&'r self, status: &'r Value) -> impl Iterator<Item = (String, &'r Value)> {
        let own = status.get("headers").into_iter().flat_map(Value::members);
        let all = self
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value))
            .chain(own);
        all.map(|(name, value)| (format!("method.response.header.{name}"), value))
    }

    fn of_integration(&self, event: &Http<'_>) -> Value {
        let place = event.place;
        let response = event.get("response");
        let responses = self.statuses.iter().map(|(code, status)| {
            let mut templates = Map::default();
            if let Some(template) = response.and_then(|response| response.get("template")) {
                templates.insert("application/json", template.place, template.clone());
            }
            match status.get("template") {
                Some(template) if template.as_map().is_none() => {
                    templates.insert("application/json", template.place, template.clone());
                }
                Some(own) => {
                    for (kind, member) in own.as_map().into_iter().flat_map(Map::iter) {
                        templates.insert(kind, member.place, member.value.clone());
                    }
                }
                None => {}
            }
            let handling = response.and_then(|response| response.get("contentHandling"));
            let headers = self
                .headers_of(status)
                .map(|(name, value)| (name, value.clone()));
            Body::new(place)
                .text("StatusCode", code)
                .set(
                    "SelectionPattern",
                    status
                        .get("pattern")
                        .cloned()
                        .unwrap_or_else(|| Value::text(place, "")),
                )
                .set("ResponseParameters", Value::map(place, headers))
                .set("ResponseTemplates", Value::new(place, Kind::Map(templates)))
                .set_some(
                    "ContentHandling",
                    handling.filter(|_| code.starts_with('2')).cloned(),
                )
                .done()
        });
        Value::list(place, responses.collect())
    }

    fn of_method(&self, event: &Http<'_>) -> Value {
        let place = event.place;
        let responses = self.statuses.iter().map(|(code, status)| {
            let flags = self
                .headers_of(status)
                .map(|(name, _)| (name, Value::plain(place, true)));
            Body::new(place)
                .set("ResponseParameters", Value::map(place, flags))
                .set("ResponseModels", Body::new(place).done())
                .text("StatusCode", code)
                .done()
        });
        Value::list(place, responses.collect())
    }
}
