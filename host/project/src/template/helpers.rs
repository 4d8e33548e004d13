//! What references between resources tell: functions that are not the user's, and variables with names of what exists
//! on AWS only.

use std::collections::{HashMap, HashSet};

use crate::context::Context;
use crate::resource::Stack;

/// Types that refer to a function without invoking it.
const BYSTANDERS: [&str; 4] = [
    "AWS::IAM::",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::Permission",
    "AWS::Logs::",
];

/// Types that exist here, or of which nothing but a name is needed.
const HERE: [&str; 12] = [
    "AWS::ApiGateway",
    "AWS::CloudFormation::",
    "AWS::CloudWatch::",
    "AWS::EC2::",
    "AWS::IAM::",
    "AWS::Lambda::",
    "AWS::Logs::",
    "AWS::S3::Bucket",
    "AWS::SQS::Queue",
    "AWS::Serverless::",
    "AWS::SNS::Topic",
    "AWS::Scheduler::",
];

/// Marks functions that only custom resources call.
pub(super) fn mark(stack: &mut Stack) {
    let mut tokens = HashSet::new();
    let mut others = HashSet::new();
    for resource in stack.resources.values() {
        if BYSTANDERS
            .iter()
            .any(|kind| resource.kind.starts_with(kind))
        {
            continue;
        }
        for reference in resource
            .references
            .iter()
            .filter(|reference| reference.target != resource.path)
        {
            let set = match reference.property.as_str() {
                "ServiceToken" => &mut tokens,
                _ => &mut others,
            };
            set.insert(reference.target.clone());
        }
    }
    for (path, resource) in &mut stack.resources {
        let is_token = tokens.contains(path) && !others.contains(path);
        let description = resource
            .properties
            .text_of("Description")
            .unwrap_or_default();
        let is_framework = description.starts_with("AWS CDK resource provider framework");
        resource.is_helper = resource.kind == "AWS::Lambda::Function" && (is_token || is_framework);
    }
}

/// Notes variables of functions that refer to what exists on AWS only.
pub(super) fn note_variables(context: &Context, stack: &Stack) {
    let kinds: HashMap<&str, (&str, &str)> = stack
        .resources
        .values()
        .map(|resource| {
            (
                resource.path.as_str(),
                (resource.kind.as_str(), resource.id.as_str()),
            )
        })
        .collect();
    for function in stack
        .of_kind("AWS::Lambda::Function")
        .filter(|function| !function.is_helper)
    {
        let variables = function.properties.at(&["Environment", "Variables"]);
        for reference in function
            .references
            .iter()
            .filter(|one| one.property == "Environment")
        {
            let Some((kind, id)) = kinds.get(reference.target.as_str()) else {
                continue;
            };
            if HERE.iter().any(|here| kind.starts_with(here)) {
                continue;
            }
            let name = variables
                .into_iter()
                .flat_map(crate::value::Value::members)
                .find(|(_, value)| value.place == reference.place)
                .map_or("a variable", |(name, _)| name);
            let note = format!(
                "{name} of {} refers to the {kind} {id}, which exists only on AWS",
                function.name
            );
            context.report.note(reference.place, note);
        }
    }
}
