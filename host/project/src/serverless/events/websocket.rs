//! `websocket` events: routes of a WebSocket API.

use super::super::names;
use super::super::service::{Function, Service};
use crate::cfn::{self, Body, Compiled};
use crate::file::Place;
use crate::value::Value;

const API: &str = "WebsocketsApi";

const DESCRIPTION: &str = "Serverless Websockets";

/// What identifies a caller unless it is said.
const IDENTITY_SOURCE: &str = "route.request.header.Auth";

/// Adds the WebSocket API of a service, if an event asks for it.
pub fn compile(service: &Service<'_>, compiled: &mut Compiled) {
    let mut first = None;
    for function in service.functions.values() {
        for (place, event) in function.events_of("websocket") {
            let what = format!("the route of a websocket event of {}", function.key);
            let route = event.get("route").unwrap_or(event);
            let Some(route) = service.needed_text(route, &what) else {
                continue;
            };
            first = first.or(Some(place));
            compile_route(service, function, place, event, &route, compiled);
        }
    }
    if let Some(place) = first {
        compile_api(service, place, compiled);
    }
}

fn compile_api(service: &Service<'_>, place: Place, compiled: &mut Compiled) {
    let provider = &service.provider;
    let text = |key: &str, default: &str| {
        provider
            .get(key)
            .cloned()
            .unwrap_or_else(|| Value::text(place, default))
    };
    let name = format!("{}-{}-websockets", service.stage, service.name);
    let description = text("websocketsDescription", DESCRIPTION);
    if let Some(id) = provider.at(&["apiGateway", "websocketApiId"]) {
        let note = "the WebSocket API of provider.apiGateway.websocketApiId belongs to another service: the routes are served by \
                    an API of their own";
        service.context.report.note(id.place, note);
    }
    let body = Body::new(place)
        .set("Name", text("websocketsApiName", &name))
        .set(
            "RouteSelectionExpression",
            text(
                "websocketsApiRouteSelectionExpression",
                "$request.body.action",
            ),
        )
        .set("Description", description.clone())
        .text("ProtocolType", "WEBSOCKET")
        .set_some("Tags", provider.get("tags").cloned());
    compiled.add(API, "AWS::ApiGatewayV2::Api", body);
    let deployment = "WebsocketsDeployment";
    let body = Body::new(place)
        .set("ApiId", cfn::reference(place, API))
        .set("Description", description.clone());
    compiled.add(deployment, "AWS::ApiGatewayV2::Deployment", body);
    let body = Body::new(place)
        .set("ApiId", cfn::reference(place, API))
        .text("StageName", &service.stage)
        .set("Description", description)
        .set("DeploymentId", cfn::reference(place, deployment));
    compiled.add(
        "WebsocketsDeploymentStage",
        "AWS::ApiGatewayV2::Stage",
        body,
    );
    let path = format!("/{}", service.stage);
    let url = cfn::execute_api_url(place, cfn::reference(place, API), "wss", &path);
    compiled.output(
        "ServiceEndpointWebsocket",
        "URL of the service endpoint",
        url,
    );
}

fn compile_route(
    service: &Service<'_>,
    function: &Function,
    place: Place,
    event: &Value,
    route: &str,
    compiled: &mut Compiled,
) {
    let id = format!("{}WebsocketsRoute", normalized_route(route));
    if compiled.has(&id) {
        service.refuse(
            place,
            format!(
                "the route {route} occurs twice: {} has it, too",
                function.key
            ),
        );
        return;
    }
    let integration = format!("{}WebsocketsIntegration", function.prefix());
    let body = Body::new(place)
        .set("ApiId", cfn::reference(place, API))
        .text("IntegrationType", "AWS_PROXY")
        .set(
            "IntegrationUri",
            cfn::invocation_uri(place, vec![function.target(place)], false),
        );
    compiled.add(&integration, "AWS::ApiGatewayV2::Integration", body);
    let target = vec![
        Value::text(place, "integrations"),
        cfn::reference(place, &integration),
    ];
    let mut body = Body::new(place)
        .set("ApiId", cfn::reference(place, API))
        .text("RouteKey", route)
        .set("Target", cfn::join(place, "/", target));
    let expression = event.get("routeResponseSelectionExpression");
    if let Some(expression) = expression {
        body = body.set("RouteResponseSelectionExpression", expression.clone());
    }
    let authorizer = event
        .get("authorizer")
        .filter(|_| service.has_authorizers())
        .and_then(|authorizer| compile_authorizer(service, authorizer, compiled));
    body = match authorizer {
        Some(authorizer) => body
            .text("AuthorizationType", "CUSTOM")
            .set("AuthorizerId", cfn::reference(place, &authorizer)),
        None => body.text("AuthorizationType", "NONE"),
    };
    compiled.add(&id, "AWS::ApiGatewayV2::Route", body);
    if expression.is_some() {
        let body = Body::new(place)
            .set("ApiId", cfn::reference(place, API))
            .set("RouteId", cfn::reference(place, &id))
            .text("RouteResponseKey", "$default");
        compiled.add(
            format!("{id}Response"),
            "AWS::ApiGatewayV2::RouteResponse",
            body,
        );
    }
}

/// Adds the authorizer of an event, and says its logical id.
fn compile_authorizer(
    service: &Service<'_>,
    authorizer: &Value,
    compiled: &mut Compiled,
) -> Option<String> {
    let place = authorizer.place;
    let arn = authorizer.get("arn").or_else(|| {
        authorizer
            .as_str()
            .filter(|name| name.contains(':'))
            .map(|_| authorizer)
    });
    let given = authorizer
        .get("name")
        .or_else(|| authorizer.as_str().map(|_| authorizer))
        .and_then(Value::as_str);
    let (name, arn) = match (arn, given) {
        (Some(arn), given) => {
            let last = arn.as_str().and_then(|arn| arn.rsplit(':').next());
            let Some(name) = last.or(given) else {
                service.refuse(
                    place,
                    "an authorizer whose ARN is not a text needs a `name`: add it",
                );
                return None;
            };
            (name.to_owned(), arn.clone())
        }
        (None, Some(name)) => match service.functions.get(name) {
            Some(function) => (name.to_owned(), function.target(place)),
            None => {
                service.refuse(place, format!("the authorizer {name} is not a function of the service: add it, or give an ARN"));
                return None;
            }
        },
        (None, None) => {
            service.refuse(
                place,
                "an authorizer has neither `name` nor `arn`: add one of them",
            );
            return None;
        }
    };
    let source = authorizer.get("identitySource").cloned();
    let source =
        source.unwrap_or_else(|| Value::list(place, vec![Value::text(place, IDENTITY_SOURCE)]));
    let body = Body::new(place)
        .set("ApiId", cfn::reference(place, API))
        .text("Name", &name)
        .text("AuthorizerType", "REQUEST")
        .set(
            "AuthorizerUri",
            cfn::invocation_uri(place, vec![arn], false),
        )
        .set("IdentitySource", source);
    let id = format!("{}WebsocketsAuthorizer", names::normalized(&name));
    compiled.add(&id, "AWS::ApiGatewayV2::Authorizer", body);
    Some(id)
}

fn normalized_route(route: &str) -> String {
    let mut id = String::new();
    for letter in route.chars() {
        match letter {
            '$' => id.push('S'),
            '/' => id.push_str("Slash"),
            '-' => id.push_str("Dash"),
            '_' => id.push_str("Underscore"),
            '.' => id.push_str("Period"),
            other => id.push(other),
        }
    }
    id
}
