//! Terraform's resources that are parts of other resources in CloudFormation.

use crate::cfn::{self, Body, Compiled, set};
use crate::context::Context;
use crate::value::{Kind, Map, Value};

use super::intrinsic;
use super::plan::{Plan, Planned};

/// How often a message is received before it is moved, where the plan does not say.
const RECEIVE_COUNT: u32 = 10;

/// Adds a resource to what it is a part of.
pub fn compile(context: &Context, plan: &Plan, resource: &Planned, compiled: &mut Compiled) {
    let place = resource.place;
    match resource.kind.as_str() {
        "aws_cloudwatch_event_target" => {
            let target = Body::new(place)
                .set_some("Arn", plan.attribute(resource, &["arn"]))
                .set_some(
                    "Id",
                    resource
                        .known(&["target_id"])
                        .cloned()
                        .or_else(|| Some(Value::text(place, "target"))),
                )
                .set_some("Input", resource.known(&["input"]).cloned())
                .set_some("InputPath", resource.known(&["input_path"]).cloned())
                .done();
            match owner(plan, resource, "rule", "name", "aws_cloudwatch_event_rule") {
                Some(rule) => push(compiled, &rule, "Targets", target),
                None => refuse(context, resource, "rule"),
            }
        }
        "aws_lb_target_group_attachment" | "aws_alb_target_group_attachment" => {
            let target = Body::new(place)
                .set_some("Id", plan.attribute(resource, &["target_id"]))
                .done();
            let group = owner(
                plan,
                resource,
                "target_group_arn",
                "arn",
                "aws_lb_target_group",
            )
            .or_else(|| {
                owner(
                    plan,
                    resource,
                    "target_group_arn",
                    "arn",
                    "aws_alb_target_group",
                )
            });
            match group {
                Some(group) => push(compiled, &group, "Targets", target),
                None => refuse(context, resource, "target_group_arn"),
            }
        }
        "aws_s3_bucket_versioning" => {
            let status = resource
                .known(&["versioning_configuration", "status"])
                .cloned();
            if let (Some(bucket), Some(status)) = (bucket(plan, resource), status) {
                change(compiled, &bucket, "VersioningConfiguration.Status", status);
            }
        }
        "aws_s3_bucket_cors_configuration" => {
            let rules = resource.blocks("cors_rule").iter().map(|rule| {
                let keys = [
                    ("AllowedHeaders", "allowed_headers"),
                    ("AllowedMethods", "allowed_methods"),
                    ("AllowedOrigins", "allowed_origins"),
                    ("ExposedHeaders", "expose_headers"),
                    ("MaxAge", "max_age_seconds"),
                ];
                Body::new(place).take(rule, &keys).done()
            });
            let rules = Value::list(place, rules.collect());
            if let Some(bucket) = bucket(plan, resource) {
                change(compiled, &bucket, "CorsConfiguration.CorsRules", rules);
            }
        }
        "aws_s3_bucket_notification" => notification(plan, resource, compiled),
        "aws_sqs_queue_redrive_policy" => {
            let queue = owner(plan, resource, "queue_url", "url", "aws_sqs_queue");
            if let (Some(queue), Some(policy)) = (queue, redrive_policy(context, plan, resource)) {
                change(compiled, &queue, "RedrivePolicy", policy);
            }
        }
        "aws_lambda_provisioned_concurrency_config" => {
            let executions = resource
                .known(&["provisioned_concurrent_executions"])
                .cloned();
            let qualifier = resource.text(&["qualifier"]).unwrap_or_default();
            let function = plan
                .attribute(resource, &["function_name"])
                .map(|function| cfn::json(&function));
            let mut aliases = plan
                .resources
                .values()
                .filter(|alias| alias.kind == "aws_lambda_alias");
            let alias = aliases.find(|alias| {
                let own = plan
                    .attribute(alias, &["function_name"])
                    .map(|function| cfn::json(&function));
                alias.text(&["name"]) == Some(qualifier) && (own == function || own.is_none())
            });
            let id = match alias {
                Some(alias) => Some(intrinsic::id(&alias.address)),
                None => owner(
                    plan,
                    resource,
                    "qualifier",
                    "version",
                    "aws_lambda_function",
                )
                .map(|id| format!("{id}.version")),
            };
            if let (Some(id), Some(executions)) = (id, executions) {
                change(
                    compiled,
                    &id,
                    "ProvisionedConcurrencyConfig.ProvisionedConcurrentExecutions",
                    executions,
                );
            }
        }
        _ => {}
    }
}

/// The redrive policy of a queue. The number in it is not in the plan if the ARN in it is known on AWS only.
pub fn redrive_policy(context: &Context, plan: &Plan, resource: &Planned) -> Option<Value> {
    let place = resource.place;
    let dead = plan.referred(resource, &["redrive_policy"]);
    let dead = dead.into_iter().find(|other| other.kind == "aws_sqs_queue");
    let known = resource.known(&["redrive_policy"]);
    let loaded = known.and_then(|text| {
        let text = text.as_str()?;
        context
            .load_text(std::path::Path::new(&resource.address), text)
            .ok()
    });
    let count = loaded
        .as_ref()
        .and_then(|policy| policy.get("maxReceiveCount"))
        .cloned();
    let arn = match dead {
        Some(dead) => cfn::attribute(place, &intrinsic::id(&dead.address), "Arn"),
        None => loaded.as_ref()?.get("deadLetterTargetArn")?.clone(),
    };
    let count = count.unwrap_or_else(|| {
        let text = format!(
            "maxReceiveCount of {} is not in the plan, as the policy has an ARN in it that is known on AWS only: it is \
             {RECEIVE_COUNT} here",
            resource.address
        );
        context.report.note(place, text);
        Value::plain(place, RECEIVE_COUNT)
    });
    let policy = Body::new(place)
        .set("deadLetterTargetArn", arn)
        .set("maxReceiveCount", count);
    Some(policy.done())
}

fn notification(plan: &Plan, resource: &Planned, compiled: &mut Compiled) {
    let place = resource.place;
    let mut notifications = Body::new(place);
    for (block, list, attribute, property) in [
        (
            "lambda_function",
            "LambdaFunctionConfigurations",
            "lambda_function_arn",
            "LambdaFunctionArn",
        ),
        ("queue", "QueueConfigurations", "queue_arn", "QueueArn"),
        ("topic", "TopicConfigurations", "topic_arn", "TopicArn"),
    ] {
        let configurations =
            resource
                .blocks(block)
                .iter()
                .enumerate()
                .map(|(number, configuration)| {
                    let text = |key: &str| {
                        configuration
                            .get(key)
                            .filter(|text| text.as_str() != Some(""))
                    };
                    let rules = [("prefix", "filter_prefix"), ("suffix", "filter_suffix")]
                        .into_iter()
                        .filter_map(|(name, key)| {
                            let value = text(key)?.clone();
                            Some(
                                Body::new(place)
                                    .text("Name", name)
                                    .set("Value", value)
                                    .done(),
                            )
                        });
                    let rules: Vec<Value> = rules.collect();
                    let mut body = Body::new(place)
                        .set_some("Id", text("id").cloned())
                        .set_some(
                            property,
                            plan.attribute_of(resource, block, number, &[attribute]),
                        )
                        .take(configuration, &[("Events", "events")]);
                    if !rules.is_empty() {
                        let key = Body::new(place)
                            .set("FilterRules", Value::list(place, rules))
                            .done();
                        body = body.set("Filter", Body::new(place).set("Key", key).done());
                    }
                    body.done()
                });
        let configurations: Vec<Value> = configurations.collect();
        if !configurations.is_empty() {
            notifications = notifications.set(list, Value::list(place, configurations));
        }
    }
    if resource.text(&["eventbridge"]) == Some("true") {
        notifications = notifications.set("EventBridgeConfiguration", Body::new(place).done());
    }
    let body = Body::new(place)
        .set_some("BucketName", plan.attribute(resource, &["bucket"]))
        .set("NotificationConfiguration", notifications.done());
    compiled.add(
        intrinsic::id(&resource.address),
        "Custom::S3BucketNotifications",
        body,
    );
}

fn bucket(plan: &Plan, resource: &Planned) -> Option<String> {
    owner(plan, resource, "bucket", "bucket", "aws_s3_bucket")
}

/// The id of the resource that an attribute refers to, or whose own attribute has the same value.
fn owner(
    plan: &Plan,
    resource: &Planned,
    attribute: &str,
    own: &str,
    kind: &str,
) -> Option<String> {
    let referred = plan
        .referred(resource, &[attribute])
        .into_iter()
        .find(|other| other.kind == kind);
    let found = referred.or_else(|| {
        let text = resource.text(&[attribute])?;
        plan.resources
            .values()
            .find(|other| other.kind == kind && other.text(&[own]) == Some(text))
    });
    found.map(|found| intrinsic::id(&found.address))
}

fn refuse(context: &Context, resource: &Planned, attribute: &str) {
    let text = format!(
        "{}: its {attribute} is not in the plan, so nothing calls its target",
        resource.address
    );
    context.report.refuse(resource.place, text);
}

/// Adds an item to a list of a resource.
fn push(compiled: &mut Compiled, id: &str, property: &str, item: Value) {
    let Some(properties) = compiled.properties(id) else {
        return;
    };
    if properties.get(property).and_then(Value::as_list).is_none() {
        properties.insert(property, item.place, Value::list(item.place, Vec::new()));
    }
    if let Some(Kind::List(items)) = properties.get_mut(property).map(|list| &mut list.kind) {
        items.push(item);
    }
}

fn change(compiled: &mut Compiled, id: &str, path: &str, value: Value) {
    let properties: Option<&mut Map> = compiled.properties(id);
    if let Some(properties) = properties {
        set(properties, path, value);
    }
}
