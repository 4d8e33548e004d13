//! The keys of maps inside of properties.
//!
//! On failure: unknown keys are noted, with the nearest known one.

use crate::value::{Map, Value};

use super::build::is_intrinsic;
use super::expansion::Expansion;
use super::names::with_nearest;

/// Paths from a type of resource, or of event, and the keys that the maps there may have, separated by spaces. `*` stands
/// for any name. Maps that become properties of CloudFormation as they are, are checked as those.
const KEYS: &[(&str, &str)] = &[
    (
        "Function.CapacityProviderConfig",
        "Arn PerExecutionEnvironmentMaxConcurrency ExecutionEnvironmentMemoryGiBPerVCpu",
    ),
    ("Function.DeadLetterQueue", "Type TargetArn"),
    ("Function.Environment", "Variables"),
    ("Function.EphemeralStorage", "Size"),
    (
        "Function.EventInvokeConfig",
        "DestinationConfig MaximumEventAgeInSeconds MaximumRetryAttempts",
    ),
    (
        "Function.EventInvokeConfig.DestinationConfig",
        "OnSuccess OnFailure",
    ),
    (
        "Function.EventInvokeConfig.DestinationConfig.*",
        "Type Destination",
    ),
    ("Function.FunctionUrlConfig", "AuthType Cors InvokeMode"),
    (
        "Function.FunctionUrlConfig.Cors",
        "AllowCredentials AllowHeaders AllowMethods AllowOrigins ExposeHeaders MaxAge",
    ),
    (
        "Function.ProvisionedConcurrencyConfig",
        "ProvisionedConcurrentExecutions",
    ),
    ("SimpleTable.PrimaryKey", "Name Type"),
    (
        "Api.Auth",
        "Authorizers DefaultAuthorizer InvokeRole AddDefaultAuthorizerToCorsPreflight \
         AddApiKeyRequiredToCorsPreflight ApiKeyRequired ResourcePolicy UsagePlan",
    ),
    (
        "Api.Auth.Authorizers.*",
        "UserPoolArn FunctionArn FunctionInvokeRole FunctionPayloadType Identity AuthorizationScopes \
         DisableFunctionDefaultPermissions",
    ),
    (
        "Api.Auth.Authorizers.*.Identity",
        "Header ValidationExpression ReauthorizeEvery Headers QueryStrings StageVariables Context",
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
        "ResponseParameters ResponseTemplates StatusCode",
    ),
    (
        "HttpApi.Auth",
        "Authorizers DefaultAuthorizer EnableIamAuthorizer",
    ),
    (
        "HttpApi.Auth.Authorizers.*",
        "AuthorizationScopes JwtConfiguration IdentitySource FunctionArn FunctionInvokeRole Identity \
         AuthorizerPayloadFormatVersion EnableSimpleResponses EnableFunctionDefaultPermissions",
    ),
    (
        "HttpApi.Auth.Authorizers.*.Identity",
        "Headers QueryStrings StageVariables Context ReauthorizeEvery",
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
        "ApiKeyRequired AuthorizationScopes Authorizer InvokeRole OverrideApiAuth ResourcePolicy",
    ),
    (
        "Events.Api.RequestModel",
        "Model Required ValidateBody ValidateParameters",
    ),
    ("Events.HttpApi.Auth", "AuthorizationScopes Authorizer"),
    (
        "Events.SNS.SqsSubscription",
        "BatchSize Enabled QueueArn QueuePolicyLogicalId QueueUrl",
    ),
    ("Events.S3.Filter", "S3Key"),
    ("Events.S3.Filter.S3Key", "Rules"),
    ("Events.EventBridgeRule.Target", "Id"),
    ("Events.CloudWatchEvent.Target", "Id"),
    ("Events.Schedule.DeadLetterConfig", DEAD_LETTERS),
    ("Events.ScheduleV2.DeadLetterConfig", DEAD_LETTERS),
    ("Events.EventBridgeRule.DeadLetterConfig", DEAD_LETTERS),
    ("Events.CloudWatchEvent.DeadLetterConfig", DEAD_LETTERS),
];

const DEAD_LETTERS: &str = "Arn Type QueueLogicalId";

/// Checks the maps inside of the properties of a type. `path` is what the properties are called in messages.
pub(super) fn check(expansion: &Expansion<'_>, kind: &str, path: &str, properties: &Map) {
    for (at, keys) in KEYS {
        let rest = at
            .strip_prefix(kind)
            .and_then(|rest| rest.strip_prefix('.'));
        let Some(rest) = rest else {
            continue;
        };
        let keys: Vec<&str> = keys.split(' ').collect();
        let (first, rest) = rest.split_once('.').unwrap_or((rest, ""));
        if let Some(value) = properties.get(first) {
            follow(expansion, value, rest, &format!("{path}.{first}"), &keys);
        }
    }
}

/// Follows a path to the maps that it leads to.
fn follow(expansion: &Expansion<'_>, value: &Value, rest: &str, path: &str, known: &[&str]) {
    if is_intrinsic(value) {
        return;
    }
    if rest.is_empty() {
        for (key, member) in value.as_map().into_iter().flatten() {
            if !known.contains(&key.as_str()) {
                let text = format!("{path} has an unknown key {key}");
                expansion.note(member.place, with_nearest(text, key, known));
            }
        }
        return;
    }
    let (first, rest) = rest.split_once('.').unwrap_or((rest, ""));
    for (key, value) in value.members() {
        if first == "*" || first == key {
            follow(expansion, value, rest, &format!("{path}.{key}"), known);
        }
    }
}
