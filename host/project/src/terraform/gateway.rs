//! APIs and load balancers: methods with their integrations and responses, targets of routes, actions and conditions of rules.

use std::collections::HashMap;

use crate::cfn::{self, Body, Compiled, set};
use crate::value::{Kind, Value};

use super::intrinsic;
use super::plan::{Plan, Planned};

/// Adds integrations and responses to the methods of REST APIs.
pub fn compile(plan: &Plan, compiled: &mut Compiled) {
    let mut methods: HashMap<(String, String), String> = HashMap::new();
    for method in of_kind(plan, "aws_api_gateway_method") {
        methods.insert(key(plan, method), intrinsic::id(&method.address));
    }
    for (kind, list) in [
        ("aws_api_gateway_integration", None),
        (
            "aws_api_gateway_integration_response",
            Some("Integration.IntegrationResponses"),
        ),
        ("aws_api_gateway_method_response", Some("MethodResponses")),
    ] {
        for resource in of_kind(plan, kind) {
            let Some(properties) = methods
                .get(&key(plan, resource))
                .and_then(|id| compiled.properties(id))
            else {
                continue;
            };
            let Some(path) = list else {
                set(properties, "Integration", integration(plan, resource));
                continue;
            };
            let response = response(plan, resource);
            let (first, last) = path.split_once('.').unwrap_or((path, ""));
            let mut known = match (properties.get(first), last) {
                (Some(list), "") => list.items().to_vec(),
                (Some(map), last) => map.get(last).map(Value::items).unwrap_or_default().to_vec(),
                (None, _) => Vec::new(),
            };
            known.push(response);
            set(properties, path, Value::list(resource.place, known));
        }
    }
}

fn of_kind<'p>(plan: &'p Plan, kind: &'p str) -> impl Iterator<Item = &'p Planned> {
    plan.resources
        .values()
        .filter(move |resource| resource.kind == kind)
}

/// What a method has in common with its parts: the resource, and the HTTP method.
fn key(plan: &Plan, resource: &Planned) -> (String, String) {
    let id = plan
        .attribute(resource, &["resource_id"])
        .map(|id| cfn::json(&id));
    let method = plan.attribute(resource, &["http_method"]);
    let method = method
        .as_ref()
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_uppercase();
    (id.unwrap_or_default(), method)
}

fn integration(plan: &Plan, resource: &Planned) -> Value {
    attributes(
        plan,
        resource,
        &[
            ("type", "Type"),
            ("uri", "Uri"),
            ("integration_http_method", "IntegrationHttpMethod"),
            ("request_templates", "RequestTemplates"),
            ("request_parameters", "RequestParameters"),
            ("passthrough_behavior", "PassthroughBehavior"),
            ("content_handling", "ContentHandling"),
            ("timeout_milliseconds", "TimeoutInMillis"),
            ("connection_type", "ConnectionType"),
            ("response_transfer_mode", "ResponseTransferMode"),
        ],
    )
}

fn response(plan: &Plan, resource: &Planned) -> Value {
    attributes(
        plan,
        resource,
        &[
            ("status_code", "StatusCode"),
            ("selection_pattern", "SelectionPattern"),
            ("response_parameters", "ResponseParameters"),
            ("response_templates", "ResponseTemplates"),
            ("response_models", "ResponseModels"),
            ("content_handling", "ContentHandling"),
        ],
    )
}

fn attributes(plan: &Plan, resource: &Planned, names: &[(&str, &str)]) -> Value {
    let mut body = Body::new(resource.place);
    for (attribute, property) in names {
        body = body.set_some(property, plan.attribute(resource, &[attribute]));
    }
    body.done()
}

/// The target of a route: its integration.
pub fn target(plan: &Plan, resource: &Planned) -> Option<Value> {
    let place = resource.place;
    let referred = plan.referred(resource, &["target"]);
    let integration = referred
        .into_iter()
        .find(|other| other.kind == "aws_apigatewayv2_integration");
    match integration {
        Some(integration) => {
            let id = cfn::reference(place, &intrinsic::id(&integration.address));
            Some(cfn::join(
                place,
                "/",
                vec![Value::text(place, "integrations"), id],
            ))
        }
        None => {
            // An integration that has been made already.
            let id = resource.text(&["target"])?.rsplit('/').next()?;
            let mut all = of_kind(plan, "aws_apigatewayv2_integration");
            let integration = all.find(|integration| integration.text(&["id"]) == Some(id))?;
            let id = cfn::reference(place, &intrinsic::id(&integration.address));
            Some(cfn::join(
                place,
                "/",
                vec![Value::text(place, "integrations"), id],
            ))
        }
    }
}

/// The actions of a listener, or of a rule.
pub fn actions(plan: &Plan, resource: &Planned, block: &str) -> Value {
    let place = resource.place;
    let actions = resource
        .blocks(block)
        .iter()
        .enumerate()
        .map(|(number, action)| {
            let attribute = |path: &[&str]| plan.attribute_of(resource, block, number, path);
            let group = attribute(&["target_group_arn"])
                .or_else(|| attribute(&["forward", "target_group", "arn"]));
            let mut body = Body::new(place)
                .take(action, &[("Type", "type"), ("Order", "order")])
                .set_some("TargetGroupArn", group);
            let first = |name: &str| action.get(name).and_then(|blocks| blocks.items().first());
            if let Some(response) = first("fixed_response") {
                let keys = [
                    ("ContentType", "content_type"),
                    ("MessageBody", "message_body"),
                    ("StatusCode", "status_code"),
                ];
                body = body.set(
                    "FixedResponseConfig",
                    Body::new(place).take(response, &keys).done(),
                );
            }
            if let Some(redirect) = first("redirect") {
                let keys = [
                    ("Host", "host"),
                    ("Path", "path"),
                    ("Port", "port"),
                    ("Protocol", "protocol"),
                    ("Query", "query"),
                    ("StatusCode", "status_code"),
                ];
                body = body.set(
                    "RedirectConfig",
                    Body::new(place).take(redirect, &keys).done(),
                );
            }
            body.done()
        });
    Value::list(place, actions.collect())
}

/// The conditions of a rule.
pub fn conditions(resource: &Planned) -> Value {
    let place = resource.place;
    let mut all = Vec::new();
    for condition in resource.blocks("condition") {
        for (name, field, property) in [
            ("path_pattern", "path-pattern", "PathPatternConfig"),
            ("host_header", "host-header", "HostHeaderConfig"),
            (
                "http_request_method",
                "http-request-method",
                "HttpRequestMethodConfig",
            ),
            ("source_ip", "source-ip", "SourceIpConfig"),
            ("http_header", "http-header", "HttpHeaderConfig"),
        ] {
            if let Some(config) = condition
                .get(name)
                .and_then(|blocks| blocks.items().first())
            {
                let keys = [("Values", "values"), ("HttpHeaderName", "http_header_name")];
                let config = Body::new(place).take(config, &keys).done();
                all.push(
                    Body::new(place)
                        .text("Field", field)
                        .set(property, config)
                        .done(),
                );
            }
        }
        let queries = condition
            .get("query_string")
            .map(Value::items)
            .unwrap_or_default();
        let pairs: Vec<Value> = queries
            .iter()
            .map(|query| {
                Body::new(place)
                    .take(query, &[("Key", "key"), ("Value", "value")])
                    .done()
            })
            .collect();
        if !pairs.is_empty() {
            let config = Body::new(place)
                .set("Values", Value::list(place, pairs))
                .done();
            all.push(
                Body::new(place)
                    .text("Field", "query-string")
                    .set("QueryStringConfig", config)
                    .done(),
            );
        }
    }
    Value::new(place, Kind::List(all))
}
