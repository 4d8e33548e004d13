//! Resources of a plan as resources of a CloudFormation template.
//!
//! Contract: attributes of other names are those of [`super::types`]; what is more than that is here: code, lists of
//! blocks, and resources that are parts of others in CloudFormation.

use std::collections::HashSet;

use crate::cfn::{self, Body, Compiled, set};
use crate::context::Context;
use crate::value::{Kind, Map, Value};

use super::plan::{Plan, Planned, dig};
use super::{code, gateway, intrinsic, parts, types};

/// Adds all resources of a plan.
pub fn compile(context: &Context, plan: &Plan, compiled: &mut Compiled) {
    let mut unknown: Vec<&str> = Vec::new();
    for resource in plan.resources.values() {
        let kind = resource.kind.as_str();
        if let Some(known) = types::of(kind) {
            compile_resource(context, plan, resource, known, compiled);
        } else if types::PARTS.contains(&kind) {
            // They are added to what they are parts of, once that is there.
        } else if types::WITHOUT_EFFECT
            .iter()
            .any(|known| kind.starts_with(known))
        {
            context.report.without_effect(kind);
        } else if !unknown.contains(&kind) {
            unknown.push(kind);
        }
    }
    for resource in plan.resources.values() {
        parts::compile(context, plan, resource, compiled);
    }
    gateway::compile(plan, compiled);
    add_versions(plan, compiled);
    for (place, text) in plan.guesses.take() {
        context.report.note(place, text);
    }
    if !unknown.is_empty() {
        let text = format!(
            "resources of these types are not served here: {}",
            unknown.join(", ")
        );
        context.report.note(None, text);
    }
}

fn compile_resource(
    context: &Context,
    plan: &Plan,
    resource: &Planned,
    known: &types::Type,
    compiled: &mut Compiled,
) {
    let place = resource.place;
    let mut properties = Map::default();
    for (attribute, property) in known.properties {
        let path: Vec<&str> = attribute.split('.').collect();
        if let Some(value) = plan.attribute(resource, &path) {
            set(&mut properties, property, value);
        }
    }
    match resource.kind.as_str() {
        "aws_lambda_function" => {
            set(&mut properties, "Code", code::of(plan, resource));
            let is_known = resource.known(&["environment", "variables"]).is_some();
            let has_some = dig(&resource.unknown, &["environment", "variables"])
                .is_some_and(|unknown| unknown.as_map().is_some());
            if properties.contains("Environment") && !is_known && !has_some {
                properties.remove("Environment");
                let text = format!(
                    "the environment variables of {} are known after terraform apply only, and are left out; make the plan after it",
                    resource.address
                );
                context.report.note(place, text);
            }
            let reserved = resource.known(&["reserved_concurrent_executions"]);
            if let Some(reserved) =
                reserved.filter(|reserved| reserved.as_integer().is_some_and(|number| number >= 0))
            {
                set(
                    &mut properties,
                    "ReservedConcurrentExecutions",
                    reserved.clone(),
                );
            }
            let systems = resource.blocks("file_system_config").iter().map(|system| {
                let keys = [("Arn", "arn"), ("LocalMountPath", "local_mount_path")];
                Body::new(place).take(system, &keys).done()
            });
            let systems: Vec<Value> = systems.collect();
            if !systems.is_empty() {
                set(
                    &mut properties,
                    "FileSystemConfigs",
                    Value::list(place, systems),
                );
            }
            for attribute in ["vpc_config", "tracing_config"] {
                if !resource.blocks(attribute).is_empty() {
                    let text = format!("{attribute} of {} has no effect here", resource.address);
                    context.report.note(place, text);
                }
            }
        }
        "aws_lambda_layer_version" => set(&mut properties, "Content", code::of(plan, resource)),
        "aws_lambda_alias" => {
            let weights = resource.known(&["routing_config", "additional_version_weights"]);
            let weights = weights
                .into_iter()
                .flat_map(Value::members)
                .map(|(version, weight)| {
                    Body::new(place)
                        .text("FunctionVersion", version)
                        .set("FunctionWeight", weight.clone())
                        .done()
                });
            let weights: Vec<Value> = weights.collect();
            if !weights.is_empty() {
                set(
                    &mut properties,
                    "RoutingConfig.AdditionalVersionWeights",
                    Value::list(place, weights),
                );
            }
        }
        "aws_lambda_function_event_invoke_config" => {
            let qualifier = plan.attribute(resource, &["qualifier"]);
            set(
                &mut properties,
                "Qualifier",
                qualifier.unwrap_or_else(|| Value::text(place, "$LATEST")),
            );
        }
        "aws_lambda_event_source_mapping" => mapping(plan, resource, &mut properties),
        "aws_sqs_queue" => {
            if let Some(policy) = parts::redrive_policy(context, plan, resource) {
                set(&mut properties, "RedrivePolicy", policy);
            }
        }
        "aws_cloudwatch_event_rule" if resource.text(&["is_enabled"]) == Some("false") => {
            set(&mut properties, "State", Value::text(place, "DISABLED"));
        }
        "aws_api_gateway_rest_api" | "aws_apigatewayv2_api" => {
            properties.remove("Body");
            if let Some(body) = body(context, resource, "body") {
                set(&mut properties, "Body", body);
            }
        }
        "aws_api_gateway_model" => {
            if let Some(schema) = body(context, resource, "schema") {
                set(&mut properties, "Schema", schema);
            }
        }
        "aws_api_gateway_usage_plan" => {
            let stages = (0..resource.blocks("api_stages").len()).map(|number| {
                let attribute =
                    |name: &str| plan.attribute_of(resource, "api_stages", number, &[name]);
                Body::new(place)
                    .set_some("ApiId", attribute("api_id"))
                    .set_some("Stage", attribute("stage"))
                    .done()
            });
            set(
                &mut properties,
                "ApiStages",
                Value::list(place, stages.collect()),
            );
        }
        "aws_apigatewayv2_route" => {
            if let Some(target) = gateway::target(plan, resource) {
                set(&mut properties, "Target", target);
            }
        }
        "aws_lb_listener" | "aws_alb_listener" => {
            let actions = gateway::actions(plan, resource, "default_action");
            set(&mut properties, "DefaultActions", actions);
        }
        "aws_lb_listener_rule" | "aws_alb_listener_rule" => {
            set(
                &mut properties,
                "Actions",
                gateway::actions(plan, resource, "action"),
            );
            set(&mut properties, "Conditions", gateway::conditions(resource));
        }
        "aws_lb_target_group" | "aws_alb_target_group" => {
            let multi_value =
                resource.text(&["lambda_multi_value_headers_enabled"]) == Some("true");
            let attribute = Body::new(place)
                .text("Key", "lambda.multi_value_headers.enabled")
                .plain("Value", multi_value)
                .done();
            set(
                &mut properties,
                "TargetGroupAttributes",
                Value::list(place, vec![attribute]),
            );
        }
        _ => {}
    }
    compiled.add(
        intrinsic::id(&resource.address),
        known.cfn,
        Body::from_map(place, properties),
    );
}

fn mapping(plan: &Plan, resource: &Planned, properties: &mut Map) {
    let place = resource.place;
    let filters = resource
        .known(&["filter_criteria", "filter"])
        .map(Value::items)
        .unwrap_or_default();
    let filters: Vec<Value> = filters
        .iter()
        .map(|filter| {
            Body::new(place)
                .take(filter, &[("Pattern", "pattern")])
                .done()
        })
        .collect();
    if !filters.is_empty() {
        set(
            properties,
            "FilterCriteria.Filters",
            Value::list(place, filters),
        );
    }
    let accesses = resource.blocks("source_access_configuration").iter();
    let accesses: Vec<Value> = accesses
        .map(|access| {
            Body::new(place)
                .take(access, &[("Type", "type"), ("URI", "uri")])
                .done()
        })
        .collect();
    if !accesses.is_empty() {
        set(
            properties,
            "SourceAccessConfigurations",
            Value::list(place, accesses),
        );
    }
    if !resource.blocks("self_managed_event_source").is_empty() {
        let servers = resource
            .text(&[
                "self_managed_event_source",
                "endpoints",
                "KAFKA_BOOTSTRAP_SERVERS",
            ])
            .unwrap_or_default();
        let servers = servers
            .split(',')
            .map(|server| Value::text(place, server.trim()))
            .collect();
        set(
            properties,
            "SelfManagedEventSource.Endpoints.KafkaBootstrapServers",
            Value::list(place, servers),
        );
    }
    // It is a name or an ARN.
    if let Some(function) = plan.attribute(resource, &["function_name"]) {
        set(properties, "FunctionName", function);
    }
}

/// A text of JSON or YAML as a value. If it is not known before the resources are made, its value is not known.
fn body(context: &Context, resource: &Planned, attribute: &str) -> Option<Value> {
    let place = resource.place;
    let address = format!("{}.{attribute}", resource.address);
    match resource.known(&[attribute]) {
        Some(text) => {
            let loaded = context.load_text(
                std::path::Path::new(&address),
                text.as_str().unwrap_or_default(),
            );
            Some(loaded.unwrap_or_else(|_| text.clone()))
        }
        None if resource.unknown.get(attribute).is_some() => {
            let why = format!(
                "{address} depends on what exists on AWS only, and is not in the plan; after terraform apply, it is"
            );
            Some(Value::new(place, Kind::Unknown(why)))
        }
        None => None,
    }
}

/// The versions of functions that something refers to.
fn add_versions(plan: &Plan, compiled: &mut Compiled) {
    let mut used = HashSet::new();
    for (_, member) in &compiled.resources {
        collect(&member.value, &mut used);
    }
    for resource in plan
        .resources
        .values()
        .filter(|resource| resource.kind == "aws_lambda_function")
    {
        let id = intrinsic::version_id(&resource.address);
        let is_published = resource.text(&["publish"]) == Some("true");
        if is_published || used.contains(&id) {
            let function = cfn::reference(resource.place, &intrinsic::id(&resource.address));
            compiled.add(
                &id,
                "AWS::Lambda::Version",
                Body::new(resource.place).set("FunctionName", function),
            );
        }
    }
}

/// The texts in a value.
fn collect(value: &Value, texts: &mut HashSet<String>) {
    match &value.kind {
        Kind::Text(text) => {
            texts.insert(text.clone());
        }
        Kind::List(items) => items.iter().for_each(|item| collect(item, texts)),
        Kind::Map(map) => map
            .iter()
            .for_each(|(_, member)| collect(&member.value, texts)),
        Kind::Null | Kind::Plain(_) | Kind::Unknown(_) => {}
    }
}
