//! `httpApi` events: routes of an HTTP API.
//!
//! Contract: the API `HttpApi`, its stage `$default`, an integration for each function, a route for each event, and the
//! authorizers of `provider.httpApi.authorizers`.

use indexmap::IndexSet;

use super::super::names;
use super::super::service::{Function, Service};
use crate::cfn::{self, Body, Compiled};
use crate::file::Place;
use crate::value::Value;

const API: &str = "HttpApi";

const METHODS: [&str; 8] = [
    "ANY", "GET", "POST", "PUT", "PATCH", "OPTIONS", "HEAD", "DELETE",
];

/// What CORS allows unless it says.
const CORS_HEADERS: [&str; 7] = [
    "Content-Type",
    "X-Amz-Date",
    "Authorization",
    "X-Api-Key",
    "X-Amz-Security-Token",
    "X-Amz-User-Agent",
    "X-Amzn-Trace-Id",
];

/// How long a function may take, in milliseconds.
const TIMEOUT: u32 = 30_000;

/// Adds the HTTP API of a service, if an event asks for it.
pub fn compile(service: &Service<'_>, compiled: &mut Compiled) {
    let mut first = None;
    let mut methods = IndexSet::from(["OPTIONS".to_owned()]);
    for function in service.functions.values() {
        let mut has_integration = false;
        for (place, event) in function.events_of("httpApi") {
            let Some(route) = Route::read(service, function, place, event) else {
                continue;
            };
            first = first.or(Some(place));
            match route.method() {
                Some("ANY") | None => {
                    methods.extend(METHODS.iter().skip(1).map(|method| (*method).to_owned()))
                }
                Some(method) => {
                    methods.insert(method.to_owned());
                }
            }
            if !std::mem::replace(&mut has_integration, true) {
                compile_integration(service, function, place, compiled);
            }
            compile_route(service, function, &route, compiled);
        }
    }
    let Some(place) = first else {
        return;
    };
    compile_api(service, place, methods, compiled);
    compile_authorizers(service, compiled);
}

/// An event.
struct Route<'e> {
    place: Place,
    /// `$default`, or a method and a path.
    key: String,
    authorizer: Option<&'e Value>,
}

impl<'e> Route<'e> {
    fn read(
        service: &Service<'_>,
        function: &Function,
        place: Place,
        event: &'e Value,
    ) -> Option<Self> {
        let what = format!("the route of an httpApi event of {}", function.key);
        let (method, path) = if event.as_map().is_some() {
            let Some(path) = event.get("path") else {
                service.refuse(
                    place,
                    format!("{what} has no path: write `path: /PATH`, or `path: '*'`"),
                );
                return None;
            };
            let method = match event.get("method") {
                Some(method) => Some(service.needed_text(method, &what)?),
                None => None,
            };
            (method, service.needed_text(path, &what)?)
        } else {
            let text = service.needed_text(event, &what)?;
            match text.split_once(' ') {
                Some((method, path)) => (Some(method.to_owned()), path.trim().to_owned()),
                None => (None, text),
            }
        };
        let method = method.map(|method| match method.as_str() {
            "*" => "ANY".to_owned(),
            method => method.to_uppercase(),
        });
        let key = match method {
            None if path == "*" => "$default".to_owned(),
            Some(method) if path == "*" && method == "ANY" => "$default".to_owned(),
            Some(method) if METHODS.contains(&method.as_str()) && path.starts_with('/') => {
                format!("{method} {path}")
            }
            _ => {
                let text = format!(
                    "{what} is not a method and a path, such as `GET /orders/{{id}}`, nor `*`"
                );
                service.refuse(place, text);
                return None;
            }
        };
        Some(Self {
            place,
            key,
            authorizer: event
                .get("authorizer")
                .filter(|_| service.has_authorizers()),
        })
    }

    fn method(&self) -> Option<&str> {
        self.key.split_once(' ').map(|(method, _)| method)
    }

    fn id(&self) -> String {
        match self.key.as_str() {
            "$default" => "HttpApiRouteDefault".to_owned(),
            key => format!("HttpApiRoute{}", names::path(key)),
        }
    }
}

fn integration(function: &Function) -> String {
    format!("HttpApiIntegration{}", function.prefix())
}

fn compile_api(
    service: &Service<'_>,
    place: Place,
    methods: IndexSet<String>,
    compiled: &mut Compiled,
) {
    let settings = service
        .provider
        .get("httpApi")
        .cloned()
        .unwrap_or_else(|| Value::null(place));
    if let Some(id) = settings.get("id") {
        let text = "the HTTP API of provider.httpApi.id belongs to another service: the routes are served by an API of their own";
        service.context.report.note(id.place, text);
    }
    let name = match settings.get("name") {
        Some(name) => name.clone(),
        None if settings
            .get("shouldStartNameWithService")
            .and_then(Value::as_bool)
            == Some(true) =>
        {
            Value::text(place, format!("{}-{}", service.name, service.stage))
        }
        None => Value::text(place, format!("{}-{}", service.stage, service.name)),
    };
    let mut body = Body::new(place)
        .set("Name", name)
        .text("ProtocolType", "HTTP")
        .take(
            &settings,
            &[
                ("Description", "description"),
                ("DisableExecuteApiEndpoint", "disableDefaultEndpoint"),
            ],
        )
        .set_some("Tags", service.provider.get("tags").cloned());
    if let Some(cors) = settings
        .get("cors")
        .filter(|cors| cors.as_bool() != Some(false))
    {
        body = body.set("CorsConfiguration", cors_configuration(cors, methods));
    }
    compiled.add(API, "AWS::ApiGatewayV2::Api", body);
    let metrics = settings
        .get("metrics")
        .cloned()
        .unwrap_or_else(|| Value::plain(place, false));
    let body = Body::new(place)
        .set("ApiId", cfn::reference(place, API))
        .text("StageName", "$default")
        .plain("AutoDeploy", true)
        .set(
            "DefaultRouteSettings",
            Body::new(place)
                .set("DetailedMetricsEnabled", metrics)
                .done(),
        )
        .set_some("Tags", service.provider.get("tags").cloned());
    compiled.add("HttpApiStage", "AWS::ApiGatewayV2::Stage", body);
    compiled.output(
        "HttpApiId",
        "Id of the HTTP API",
        cfn::reference(place, API),
    );
    compiled.output(
        "HttpApiUrl",
        "URL of the HTTP API",
        cfn::execute_api_url(place, cfn::reference(place, API), "https", ""),
    );
}

fn cors_configuration(cors: &Value, methods: IndexSet<String>) -> Value {
    let place = cors.place;
    let texts = |texts: Vec<String>| {
        Value::list(
            place,
            texts
                .into_iter()
                .map(|text| Value::text(place, text))
                .collect(),
        )
    };
    let list = |key: &str| {
        cors.get(key)
            .map(|value| Value::list(value.place, value.items().to_vec()))
    };
    let mut body = Body::new(place);
    if cors.get("allowCredentials").and_then(Value::as_bool) == Some(true) {
        body = body.plain("AllowCredentials", true);
    }
    let headers = || texts(CORS_HEADERS.map(str::to_owned).to_vec());
    body.set(
        "AllowHeaders",
        list("allowedHeaders").unwrap_or_else(headers),
    )
    .set(
        "AllowMethods",
        list("allowedMethods").unwrap_or_else(|| texts(methods.into_iter().collect())),
    )
    .set(
        "AllowOrigins",
        list("allowedOrigins").unwrap_or_else(|| texts(vec!["*".to_owned()])),
    )
    .set_some("ExposeHeaders", list("exposedResponseHeaders"))
    .take(cors, &[("MaxAge", "maxAge")])
    .done()
}

fn compile_integration(
    service: &Service<'_>,
    function: &Function,
    place: Place,
    compiled: &mut Compiled,
) {
    let payload = function
        .value
        .at(&["httpApi", "payload"])
        .or_else(|| service.provider.at(&["httpApi", "payload"]));
    let payload = match payload {
        // A number in YAML.
        Some(payload) => match payload.as_number() {
            Some(number) => Value::text(payload.place, format!("{number:.1}")),
            None => payload.clone(),
        },
        None => Value::text(place, "2.0"),
    };
    let body = Body::new(place)
        .set("ApiId", cfn::reference(place, API))
        .text("IntegrationType", "AWS_PROXY")
        .set("IntegrationUri", function.target(place))
        .set("PayloadFormatVersion", payload)
        .plain("TimeoutInMillis", TIMEOUT);
    compiled.add(
        integration(function),
        "AWS::ApiGatewayV2::Integration",
        body,
    );
}

fn compile_route(
    service: &Service<'_>,
    function: &Function,
    route: &Route<'_>,
    compiled: &mut Compiled,
) {
    let place = route.place;
    let id = route.id();
    if compiled.has(&id) {
        service.refuse(
            place,
            format!(
                "the route {} occurs twice: {} has it, too",
                route.key, function.key
            ),
        );
        return;
    }
    let target = vec![
        Value::text(place, "integrations"),
        cfn::reference(place, &integration(function)),
    ];
    let mut body = Body::new(place)
        .set("ApiId", cfn::reference(place, API))
        .text("RouteKey", &route.key)
        .set("Target", cfn::join(place, "/", target));
    if let Some(authorizer) = route.authorizer {
        body = with_authorizer(service, body, authorizer);
    }
    compiled.add(id, "AWS::ApiGatewayV2::Route", body);
}

fn with_authorizer(service: &Service<'_>, body: Body, authorizer: &Value) -> Body {
    let place = authorizer.place;
    let kind = authorizer.text_of("type");
    if kind.as_deref() == Some("aws_iam") {
        return body.text("AuthorizationType", "AWS_IAM");
    }
    let name = authorizer
        .get("name")
        .or_else(|| authorizer.as_str().map(|_| authorizer));
    let (kind, id) = match (authorizer.get("id"), name.and_then(Value::as_str)) {
        (Some(id), _) => (kind.map(|kind| kind.into_owned()), id.clone()),
        (None, Some(name)) => {
            let Some(known) = service.provider.at(&["httpApi", "authorizers", name]) else {
                service.refuse(place, format!("the authorizer {name} is not one of provider.httpApi.authorizers: add it there"));
                return body;
            };
            let id = authorizer_id(known, name);
            (
                known.text_of("type").map(|kind| kind.into_owned()),
                cfn::reference(place, &id),
            )
        }
        (None, None) => {
            service.refuse(
                place,
                "an authorizer of an httpApi event has neither `name` nor `id`: add one of them",
            );
            return body;
        }
    };
    let kind = if kind.as_deref() == Some("request") {
        "CUSTOM"
    } else {
        "JWT"
    };
    let body = body.text("AuthorizationType", kind).set("AuthorizerId", id);
    match authorizer.get("scopes") {
        Some(scopes) => body.set(
            "AuthorizationScopes",
            Value::list(scopes.place, scopes.items().to_vec()),
        ),
        None => body,
    }
}

fn authorizer_id(authorizer: &Value, key: &str) -> String {
    let name = authorizer.text_of("name").unwrap_or_else(|| key.into());
    format!("HttpApiAuthorizer{}", names::normalized(&name))
}

fn compile_authorizers(service: &Service<'_>, compiled: &mut Compiled) {
    let Some(authorizers) = service
        .provider
        .at(&["httpApi", "authorizers"])
        .and_then(Value::as_map)
    else {
        return;
    };
    for (key, member) in authorizers {
        let (place, authorizer) = (member.place, &member.value);
        let sources = authorizer
            .get("identitySource")
            .map(Value::items)
            .unwrap_or_default();
        let name = authorizer
            .get("name")
            .cloned()
            .unwrap_or_else(|| Value::text(place, key));
        let mut body = Body::new(place)
            .set("ApiId", cfn::reference(place, API))
            .set("Name", name)
            .set("IdentitySource", Value::list(place, sources.to_vec()));
        if authorizer.text_of("type").as_deref() == Some("request") {
            let arn = match (
                authorizer.get("functionArn"),
                authorizer.text_of("functionName"),
            ) {
                (Some(arn), _) => vec![arn.clone()],
                (None, Some(name)) => match service.functions.get(name.as_ref()) {
                    Some(function) => vec![function.target(place)],
                    None => {
                        service.refuse(place, format!("the authorizer {key} has the function {name}, which is not one of the service"));
                        continue;
                    }
                },
                (None, None) => {
                    service.refuse(place, format!("the authorizer {key} has neither `functionName` nor `functionArn`: add one of them"));
                    continue;
                }
            };
            let version = authorizer.get("payloadVersion").cloned();
            body = body
                .text("AuthorizerType", "REQUEST")
                .take(
                    authorizer,
                    &[
                        ("EnableSimpleResponses", "enableSimpleResponses"),
                        ("AuthorizerResultTtlInSeconds", "resultTtlInSeconds"),
                    ],
                )
                .set(
                    "AuthorizerPayloadFormatVersion",
                    version.unwrap_or_else(|| Value::text(place, "2.0")),
                )
                .set("AuthorizerUri", cfn::invocation_uri(place, arn, false));
        } else {
            let audience = authorizer
                .get("audience")
                .map(Value::items)
                .unwrap_or_default();
            let configuration = Body::new(place)
                .set("Audience", Value::list(place, audience.to_vec()))
                .take(authorizer, &[("Issuer", "issuerUrl")]);
            body = body
                .text("AuthorizerType", "JWT")
                .set("JwtConfiguration", configuration.done());
        }
        compiled.add(
            authorizer_id(authorizer, key),
            "AWS::ApiGatewayV2::Authorizer",
            body,
        );
    }
}
