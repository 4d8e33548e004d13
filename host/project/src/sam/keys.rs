//! The keys of maps inside of properties.
//!
//! On failure: unknown keys are noted, with the nearest known one.

use crate::value::{Map, Value};

use super::build::is_intrinsic;
use super::expansion::Expansion;
use super::names::{Name, names, with_nearest};

/// Paths from a type of resource, or of event, and the keys that the maps there may have, as in [`super::tables`]. `*`
/// stands for any name. Maps that become properties of CloudFormation as they are, are checked as those.
const KEYS: &[(&str, &str)] = &[
    (
        "Function.CapacityProviderConfig",
        "Arn PerExecutionEnvironmentMaxConcurrency ExecutionEnvironmentMemoryGiBPerVCpu",
    ),
    ("Function.DeadLetterQueue", "Type TargetArn"),
    ("Function.Environment", "Variables{}"),
    ("Function.EphemeralStorage", "Size"),
    (
        "Function.EventInvokeConfig",
        "DestinationConfig{!} MaximumEventAgeInSeconds MaximumRetryAttempts",
    ),
    (
        "Function.EventInvokeConfig.DestinationConfig",
        "OnSuccess{!} OnFailure{!}",
    ),
    (
        "Function.EventInvokeConfig.DestinationConfig.*",
        "Type Destination",
    ),
    ("Function.FunctionUrlConfig", "AuthType Cors{} InvokeMode"),
    (
        "Function.FunctionUrlConfig.Cors",
        "AllowCredentials AllowHeaders[] AllowMethods[] AllowOrigins[] ExposeHeaders[] MaxAge",
    ),
    (
        "Function.ProvisionedConcurrencyConfig",
        "ProvisionedConcurrentExecutions",
    ),
    ("SimpleTable.PrimaryKey", "Name Type"),
    (
        "Api.Auth",
        "Authorizers{!} DefaultAuthorizer InvokeRole AddDefaultAuthorizerToCorsPreflight \
         AddApiKeyRequiredToCorsPreflight ApiKeyRequired ResourcePolicy{} UsagePlan{!}",
    ),
    (
        "Api.Auth.Authorizers.*",
        "UserPoolArn FunctionArn FunctionInvokeRole FunctionPayloadType Identity{!} AuthorizationScopes[] \
         DisableFunctionDefaultPermissions",
    ),
    (
        "Api.Auth.Authorizers.*.Identity",
        "Header ValidationExpression ReauthorizeEvery Headers[!] QueryStrings[!] StageVariables[!] Context[!]",
    ),
    (
        "Api.Auth.UsagePlan",
        "CreateUsagePlan Description Quota Tags Throttle UsagePlanName",
    ),
    (
        "Api.Cors",
        "AllowMethods AllowHeaders AllowOrigin MaxAge AllowCredentials",
    ),
    (
        "Api.EndpointConfiguration",
        "Type VPCEndpointIds VpcEndpointIds IpAddressType",
    ),
    (
        "Api.GatewayResponses.*",
        "ResponseParameters{} ResponseTemplates{} StatusCode",
    ),
    (
        "HttpApi.Auth",
        "Authorizers{!} DefaultAuthorizer EnableIamAuthorizer",
    ),
    (
        "HttpApi.Auth.Authorizers.*",
        "AuthorizationScopes[] JwtConfiguration{!} IdentitySource FunctionArn FunctionInvokeRole Identity{!} \
         AuthorizerPayloadFormatVersion EnableSimpleResponses EnableFunctionDefaultPermissions",
    ),
    (
        "HttpApi.Auth.Authorizers.*.Identity",
        "Headers[!] QueryStrings[!] StageVariables[!] Context[!] ReauthorizeEvery",
    ),
    (
        "HttpApi.CorsConfiguration",
        "AllowOrigins AllowHeaders AllowMethods ExposeHeaders MaxAge AllowCredentials",
    ),
    (
        "WebSocketApi.Auth",
        "AuthArn AuthType InvokeRole IdentitySource Name",
    ),
    (
        "WebSocketApi.Routes.*",
        "FunctionArn IntegrationTimeout ApiKeyRequired ModelSelectionExpression OperationName RequestModels \
         RequestParameters RouteResponseSelectionExpression",
    ),
    (
        "Events.Api.Auth",
        "ApiKeyRequired AuthorizationScopes[] Authorizer InvokeRole OverrideApiAuth ResourcePolicy{}",
    ),
    (
        "Events.Api.RequestModel",
        "Model Required ValidateBody ValidateParameters",
    ),
    ("Events.HttpApi.Auth", "AuthorizationScopes[] Authorizer"),
    (
        "Events.SNS.SqsSubscription",
        "BatchSize Enabled QueueArn QueuePolicyLogicalId QueueUrl",
    ),
    ("Events.S3.Filter", "S3Key{}"),
    ("Events.S3.Filter.S3Key", "Rules[]"),
    ("Events.EventBridgeRule.Target", "Id"),
    ("Events.CloudWatchEvent.Target", "Id"),
    ("Events.Schedule.DeadLetterConfig", DEAD_LETTERS),
    ("Events.ScheduleV2.DeadLetterConfig", DEAD_LETTERS),
    ("Events.EventBridgeRule.DeadLetterConfig", DEAD_LETTERS),
    ("Events.CloudWatchEvent.DeadLetterConfig", DEAD_LETTERS),
];

const DEAD_LETTERS: &str = "Arn Type QueueLogicalId";

/// Maps whose members are maps.
const OF_MAPS: [&str; 6] = [
    "Function.EventInvokeConfig.DestinationConfig",
    "Function.Events",
    "Api.Auth.Authorizers",
    "Api.GatewayResponses",
    "Api.Models",
    "HttpApi.Auth.Authorizers",
];

/// Checks the maps inside of the properties of a type. `path` is what the properties are called in messages.
pub(super) fn check(expansion: &Expansion<'_>, kind: &str, path: &str, properties: &Map) {
    for at in OF_MAPS {
        visit(kind, path, properties, at, &mut |value, path| {
            for (key, value) in value.members() {
                for name in names("*{!}") {
                    name.check(expansion, &format!("{path}.{key}"), value);
                }
            }
        });
    }
    for (at, keys) in KEYS {
        visit(kind, path, properties, at, &mut |value, path| {
            keys_of(expansion, value, path, keys);
        });
    }
}

/// Checks the keys of a map.
fn keys_of(expansion: &Expansion<'_>, value: &Value, path: &str, keys: &'static str) {
    let known: Vec<Name> = names(keys).collect();
    for (key, member) in value.as_map().into_iter().flatten() {
        if let Some(name) = known.iter().find(|known| known.name == key) {
            name.check(expansion, &format!("{path}.{key}"), &member.value);
            continue;
        }
        let known: Vec<&str> = known.iter().map(|known| known.name).collect();
        let text = format!("{path} has an unknown key {key}");
        expansion.note(member.place, with_nearest(text, key, &known));
    }
}

/// Calls a function with what there is at a path that starts with the type, and with what that is called.
fn visit(kind: &str, path: &str, properties: &Map, at: &str, each: &mut dyn FnMut(&Value, &str)) {
    let rest = at
        .strip_prefix(kind)
        .and_then(|rest| rest.strip_prefix('.'));
    let Some(rest) = rest else {
        return;
    };
    let (first, rest) = rest.split_once('.').unwrap_or((rest, ""));
    if let Some(value) = properties.get(first) {
        follow(value, rest, &format!("{path}.{first}"), each);
    }
}

fn follow(value: &Value, rest: &str, path: &str, each: &mut dyn FnMut(&Value, &str)) {
    if is_intrinsic(value) {
        return;
    }
    if rest.is_empty() {
        return each(value, path);
    }
    let (first, rest) = rest.split_once('.').unwrap_or((rest, ""));
    for (key, value) in value.members() {
        if first == "*" || first == key {
            follow(value, rest, &format!("{path}.{key}"), each);
        }
    }
}
