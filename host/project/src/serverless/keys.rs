//! Keys of a serverless.yml that are probably mistyped.
//!
//! Contract: keys that are not known, but are like one that is, are noted. All others may be those of plugins, which is
//! noted of sections.

use crate::context::Context;
use crate::value::{Map, Value};

/// Sections of the file.
const SECTIONS: [&str; 28] = [
    "app",
    "build",
    "configValidationMode",
    "constructs",
    "custom",
    "dashboard",
    "deprecationNotificationMode",
    "disabledDeprecations",
    "frameworkVersion",
    "functions",
    "layers",
    "licenseKey",
    "org",
    "outputs",
    "package",
    "params",
    "resolvers",
    "plugins",
    "projectDir",
    "provider",
    "resources",
    "service",
    "stages",
    "state",
    "stepFunctions",
    "tenant",
    "useDotenv",
    "variablesResolutionMode",
];

/// Settings of the provider.
const PROVIDER: [&str; 49] = [
    "alb",
    "apiGateway",
    "apiName",
    "architecture",
    "cloudFront",
    "deploymentBucket",
    "deploymentMethod",
    "disableRollback",
    "ecr",
    "endpointType",
    "environment",
    "eventBridge",
    "httpApi",
    "iam",
    "iamRoleStatements",
    "kinesis",
    "kmsKeyArn",
    "layers",
    "logDataProtectionPolicy",
    "logRetentionInDays",
    "logs",
    "memorySize",
    "name",
    "notificationArns",
    "profile",
    "region",
    "role",
    "rollbackConfiguration",
    "runtime",
    "runtimeManagement",
    "s3",
    "snapStart",
    "stackName",
    "stackParameters",
    "stackPolicy",
    "stackTags",
    "stage",
    "tags",
    "timeout",
    "tracing",
    "tracingConfig",
    "versionFunctions",
    "vpc",
    "vpcEndpointIds",
    "websocket",
    "websocketsApiName",
    "websocketsApiRouteSelectionExpression",
    "websocketsDescription",
    "lambdaHashingVersion",
];

/// Settings of functions.
const FUNCTION: [&str; 39] = [
    "architecture",
    "build",
    "condition",
    "dependsOn",
    "description",
    "destinations",
    "disableLogs",
    "durableConfig",
    "environment",
    "ephemeralStorageSize",
    "events",
    "fileSystemConfig",
    "handler",
    "httpApi",
    "iam",
    "image",
    "kmsKeyArn",
    "layers",
    "logDataProtectionPolicy",
    "logRetentionInDays",
    "logs",
    "maximumEventAge",
    "maximumRetryAttempts",
    "memorySize",
    "module",
    "name",
    "onError",
    "package",
    "provisionedConcurrency",
    "recursiveLoop",
    "reservedConcurrency",
    "role",
    "runtime",
    "runtimeManagement",
    "snapStart",
    "tags",
    "timeout",
    "tracing",
    "url",
];

/// More of them, to which nothing else is near.
const FUNCTION_TOO: [&str; 3] = ["skipEsbuild", "versionFunction", "vpc"];

/// Notes mistyped sections.
pub fn check_sections(context: &Context, root: &Value) {
    check(context, root, &SECTIONS, "");
    for (key, member) in root.as_map().into_iter().flat_map(Map::iter) {
        let is_mistyped = plugin_kit::nearest::nearest(key, &SECTIONS).is_some();
        // Those for anchors begin so.
        let is_own = key.starts_with("x-") || key.starts_with('.');
        if !SECTIONS.contains(&key.as_str()) && !is_mistyped && !is_own {
            let text =
                format!("the section {key} is not read: what it adds to the service is missing");
            context.report.note(member.place, text);
        }
    }
}

/// Notes mistyped settings of the provider.
pub fn check_provider(context: &Context, provider: &Value) {
    check(context, provider, &PROVIDER, "provider.");
}

/// Notes mistyped settings of a function.
pub fn check_function(context: &Context, key: &str, function: &Value) {
    let known: Vec<&str> = FUNCTION.iter().chain(&FUNCTION_TOO).copied().collect();
    check(context, function, &known, &format!("functions.{key}."));
}

fn check(context: &Context, value: &Value, known: &[&str], prefix: &str) {
    for (key, member) in value.as_map().into_iter().flat_map(Map::iter) {
        if known.contains(&key.as_str()) {
            continue;
        }
        if let Some(nearest) = plugin_kit::nearest::nearest(key, known) {
            let text = format!(
                "{prefix}{key} is not a setting of the Serverless Framework; `{nearest}` may be meant"
            );
            context.report.note(member.place, text);
        }
    }
}
