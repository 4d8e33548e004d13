//! `alb` events: rules of a load balancer's listener.
//!
//! Contract: a target group and a rule for each event.

use super::super::service::{Function, Service};
use crate::cfn::{self, Body, Compiled};
use crate::file::Place;
use crate::value::Value;

/// Adds the rule of an event.
pub fn compile(
    service: &Service<'_>,
    function: &Function,
    place: Place,
    event: &Value,
    compiled: &mut Compiled,
) {
    let what = format!("an alb event of {}", function.key);
    let (Some(listener), Some(priority), Some(conditions)) = (
        event.get("listenerArn"),
        event.get("priority"),
        event.get("conditions"),
    ) else {
        service.refuse(
            place,
            format!("{what} needs `listenerArn`, `priority` and `conditions`"),
        );
        return;
    };
    let (balancer, listener) = match listener.get("Ref").and_then(Value::as_str) {
        Some(id) => (id.to_owned(), listener.clone()),
        None => match listener.as_str() {
            Some(arn) => {
                // …:listener/app/NAME/LOAD BALANCER/LISTENER
                let mut parts = arn.rsplit('/');
                let balancer = parts.nth(1).unwrap_or_default();
                (balancer.to_owned(), listener.clone())
            }
            None => {
                let why = listener
                    .as_unknown()
                    .unwrap_or("write an ARN, or `{Ref: LISTENER}`");
                service.refuse(place, format!("the listener of {what} is not known: {why}"));
                return;
            }
        },
    };
    let is_multi_value = event.get("multiValueHeaders").and_then(Value::as_bool) == Some(true);
    let word = if is_multi_value { "MultiValue" } else { "" };
    let group = format!("{}Alb{word}TargetGroup{balancer}", function.prefix());
    compile_target_group(service, function, place, event, &balancer, &group, compiled);
    let mut actions = authentications(service, event);
    let mut forward = Body::new(place)
        .text("Type", "forward")
        .set("TargetGroupArn", cfn::reference(place, &group));
    if !actions.is_empty() {
        forward = forward.plain("Order", actions.len() + 1);
    }
    actions.push(forward.done());
    let body = Body::new(place)
        .set("Actions", Value::list(place, actions))
        .set(
            "Conditions",
            Value::list(place, conditions_of(place, conditions)),
        )
        .set("ListenerArn", listener)
        .set("Priority", priority.clone());
    let number = priority.as_str().unwrap_or_default();
    let id = format!("{}AlbListenerRule{number}", function.prefix());
    compiled.add(id, "AWS::ElasticLoadBalancingV2::ListenerRule", body);
}

fn compile_target_group(
    service: &Service<'_>,
    function: &Function,
    place: Place,
    event: &Value,
    balancer: &str,
    id: &str,
    compiled: &mut Compiled,
) {
    let tag = format!(
        "{}-{}-{balancer}-{}",
        service.name, function.key, service.stage
    );
    let name = event
        .get("targetGroupName")
        .cloned()
        .unwrap_or_else(|| Value::text(place, &tag));
    let target = Body::new(place).set("Id", function.target(place)).done();
    let multi_value = event
        .get("multiValueHeaders")
        .cloned()
        .unwrap_or_else(|| Value::plain(place, false));
    let pair = |key: &str, value: Value| {
        let pair = Body::new(place).text("Key", key).set("Value", value);
        Value::list(place, vec![pair.done()])
    };
    let mut body = Body::new(place)
        .text("TargetType", "lambda")
        .set("Targets", Value::list(place, vec![target]))
        .set("Name", name)
        .set("Tags", pair("Name", Value::text(place, tag)))
        .set(
            "TargetGroupAttributes",
            pair("lambda.multi_value_headers.enabled", multi_value),
        );
    match event
        .get("healthCheck")
        .filter(|check| check.as_bool() != Some(false))
    {
        None => body = body.plain("HealthCheckEnabled", false),
        Some(check) => {
            let or = |key: &str, default: Value| check.get(key).cloned().unwrap_or(default);
            let code = check
                .at(&["matcher", "httpCode"])
                .cloned()
                .unwrap_or_else(|| Value::text(place, "200"));
            body = body
                .set(
                    "HealthCheckEnabled",
                    or("enabled", Value::plain(place, true)),
                )
                .set("HealthCheckPath", or("path", Value::text(place, "/")))
                .set(
                    "HealthCheckIntervalSeconds",
                    or("intervalSeconds", Value::plain(place, 35)),
                )
                .set(
                    "HealthCheckTimeoutSeconds",
                    or("timeoutSeconds", Value::plain(place, 30)),
                )
                .set(
                    "HealthyThresholdCount",
                    or("healthyThresholdCount", Value::plain(place, 5)),
                )
                .set(
                    "UnhealthyThresholdCount",
                    or("unhealthyThresholdCount", Value::plain(place, 5)),
                )
                .set("Matcher", Body::new(place).set("HttpCode", code).done());
        }
    }
    compiled.add(id, "AWS::ElasticLoadBalancingV2::TargetGroup", body);
}

/// The actions of `provider.alb.authorizers`, which are listed in an event.
fn authentications(service: &Service<'_>, event: &Value) -> Vec<Value> {
    let mut actions = Vec::new();
    for name in event
        .get("authorizer")
        .map(Value::items)
        .unwrap_or_default()
    {
        let key = name.as_str().unwrap_or_default();
        let Some(settings) = service.provider.at(&["alb", "authorizers", key]) else {
            service.refuse(
                name.place,
                format!(
                    "the authorizer {key} is not one of provider.alb.authorizers: add it there"
                ),
            );
            continue;
        };
        let place = settings.place;
        let order = actions.len() + 1;
        let unauthenticated = settings
            .get("onUnauthenticatedRequest")
            .cloned()
            .unwrap_or_else(|| Value::text(place, "deny"));
        let config = |own: &[(&str, &str)]| {
            Body::new(place)
                .take(settings, own)
                .set("OnUnauthenticatedRequest", unauthenticated.clone())
                .take(
                    settings,
                    &[
                        ("AuthenticationRequestExtraParams", "requestExtraParams"),
                        ("Scope", "scope"),
                        ("SessionCookieName", "sessionCookieName"),
                        ("SessionTimeout", "sessionTimeout"),
                    ],
                )
        };
        let (kind, property, config) = match settings.text_of("type").as_deref() {
            Some("cognito") => {
                let own = [
                    ("UserPoolArn", "userPoolArn"),
                    ("UserPoolClientId", "userPoolClientId"),
                    ("UserPoolDomain", "userPoolDomain"),
                ];
                (
                    "authenticate-cognito",
                    "AuthenticateCognitoConfig",
                    config(&own),
                )
            }
            _ => {
                let own = [
                    ("AuthorizationEndpoint", "authorizationEndpoint"),
                    ("ClientId", "clientId"),
                    ("ClientSecret", "clientSecret"),
                    ("Issuer", "issuer"),
                    ("TokenEndpoint", "tokenEndpoint"),
                    ("UserInfoEndpoint", "userInfoEndpoint"),
                ];
                let config = config(&own);
                let config = match settings.get("clientSecret") {
                    Some(_) => config,
                    None => config.plain("UseExistingClientSecret", true),
                };
                ("authenticate-oidc", "AuthenticateOidcConfig", config)
            }
        };
        let action = Body::new(place)
            .text("Type", kind)
            .plain("Order", order)
            .set(property, config.done());
        actions.push(action.done());
    }
    actions
}

fn conditions_of(place: Place, conditions: &Value) -> Vec<Value> {
    let list = |value: &Value| Value::list(value.place, value.items().to_vec());
    let field = |name: &str| Body::new(place).text("Field", name);
    let values = |value: Value| Body::new(place).set("Values", value).done();
    let mut all = Vec::new();
    if let Some(path) = conditions.get("path") {
        all.push(field("path-pattern").set("Values", list(path)).done());
    }
    if let Some(host) = conditions.get("host") {
        all.push(
            field("host-header")
                .set("HostHeaderConfig", values(list(host)))
                .done(),
        );
    }
    if let Some(method) = conditions.get("method") {
        all.push(
            field("http-request-method")
                .set("HttpRequestMethodConfig", values(list(method)))
                .done(),
        );
    }
    for header in conditions
        .get("header")
        .map(Value::items)
        .unwrap_or_default()
    {
        let config =
            Body::new(place).take(header, &[("HttpHeaderName", "name"), ("Values", "values")]);
        all.push(
            field("http-header")
                .set("HttpHeaderConfig", config.done())
                .done(),
        );
    }
    if let Some(query) = conditions.get("query") {
        let pairs = query.members().map(|(key, value)| {
            Body::new(place)
                .text("Key", key)
                .set("Value", value.clone())
                .done()
        });
        let config = values(Value::list(place, pairs.collect()));
        all.push(
            field("query-string")
                .set("QueryStringConfig", config)
                .done(),
        );
    }
    if let Some(ip) = conditions.get("ip") {
        all.push(
            field("source-ip")
                .set("SourceIpConfig", values(list(ip)))
                .done(),
        );
    }
    all
}
