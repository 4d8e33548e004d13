//! Functions that are not the user's: CDK adds some that only custom resources call, while a stack is deployed.

use std::collections::HashSet;

use crate::resource::Stack;

/// Types that refer to a function without invoking it.
const BYSTANDERS: [&str; 4] = [
    "AWS::IAM::",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::Permission",
    "AWS::Logs::",
];

/// Marks functions that only custom resources call, if their templates are from CDK: in others, people write such functions
/// themselves, and want to invoke them.
pub(super) fn mark(stack: &mut Stack, is_from_cdk: bool) {
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
        let is_from_cdk = is_from_cdk || resource.metadata.get("aws:cdk:path").is_some();
        resource.is_helper =
            resource.kind == "AWS::Lambda::Function" && is_from_cdk && (is_token || is_framework);
    }
}
