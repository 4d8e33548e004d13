//! The properties of resources: which ones there are, and which ones have no effect here.
//!
//! Contract: a property that a type does not have on AWS is noted with the nearest one that it has, and one that has no
//! effect here with the number of resources that have it.

use std::collections::BTreeMap;

use crate::context::Context;
use crate::resource::Stack;

/// A type, the properties that are read, and those without an effect. Those that nobody would miss are not told about:
/// `Description`, `Tags`, and roles.
struct Type {
    kind: &'static str,
    read: &'static str,
    without_effect: &'static str,
    untold: &'static str,
}

const TYPES: &[Type] = &[
    Type {
        kind: "AWS::Lambda::Function",
        read: "Code DeadLetterConfig DurableConfig Environment EphemeralStorage FileSystemConfigs FunctionName Handler \
               ImageConfig Layers LoggingConfig MemorySize PackageType RecursiveLoop ReservedConcurrentExecutions Runtime \
               SnapStart TenancyConfig Timeout CapacityProviderConfig Architectures",
        without_effect: "CodeSigningConfigArn FunctionScalingConfig KmsKeyArn PublishToLatestPublished \
                         RuntimeManagementConfig TracingConfig VpcConfig",
        untold: "Description Role Tags",
    },
    Type {
        kind: "AWS::Lambda::Version",
        read: "FunctionName ProvisionedConcurrencyConfig",
        without_effect: "FunctionScalingConfig RuntimePolicy",
        untold: "CodeSha256 Description",
    },
    Type {
        kind: "AWS::Lambda::Alias",
        read: "FunctionName FunctionVersion Name ProvisionedConcurrencyConfig RoutingConfig",
        without_effect: "",
        untold: "Description",
    },
    Type {
        kind: "AWS::Lambda::Url",
        read: "AuthType Cors InvokeMode Qualifier TargetFunctionArn",
        without_effect: "",
        untold: "",
    },
    Type {
        kind: "AWS::Lambda::EventSourceMapping",
        read: "BatchSize Enabled EventSourceArn FilterCriteria FunctionName FunctionResponseTypes \
               MaximumBatchingWindowInSeconds ScalingConfig SelfManagedEventSource",
        without_effect: "KmsKeyArn LoggingConfig MetricsConfig ProvisionedPollerConfig",
        untold: "AmazonManagedKafkaEventSourceConfig BisectBatchOnFunctionError DestinationConfig \
                 DocumentDBEventSourceConfig MaximumRecordAgeInSeconds MaximumRetryAttempts ParallelizationFactor Queues \
                 SelfManagedKafkaEventSourceConfig SourceAccessConfigurations StartingPosition StartingPositionTimestamp \
                 Tags Topics TumblingWindowInSeconds",
    },
    Type {
        kind: "AWS::Lambda::EventInvokeConfig",
        read: "DestinationConfig FunctionName MaximumEventAgeInSeconds MaximumRetryAttempts Qualifier",
        without_effect: "",
        untold: "",
    },
    Type {
        kind: "AWS::Lambda::LayerVersion",
        read: "Content LayerName",
        without_effect: "",
        untold: "CompatibleArchitectures CompatibleRuntimes Description LicenseInfo",
    },
    Type {
        kind: "AWS::SQS::Queue",
        read: "ContentBasedDeduplication DeduplicationScope DelaySeconds FifoQueue FifoThroughputLimit \
               KmsDataKeyReusePeriodSeconds KmsMasterKeyId MaximumMessageSize MessageRetentionPeriod QueueName \
               ReceiveMessageWaitTimeSeconds RedriveAllowPolicy RedrivePolicy SqsManagedSseEnabled Tags VisibilityTimeout",
        without_effect: "",
        untold: "",
    },
    Type {
        kind: "AWS::S3::Bucket",
        read: "BucketName CorsConfiguration NotificationConfiguration VersioningConfiguration",
        without_effect: "AbacStatus AccelerateConfiguration AnalyticsConfigurations BucketNamePrefix BucketNamespace \
                         IntelligentTieringConfigurations InventoryConfigurations LifecycleConfiguration \
                         LoggingConfiguration MetadataConfiguration MetadataTableConfiguration MetricsConfigurations \
                         ObjectLockConfiguration ObjectLockEnabled ReplicationConfiguration WebsiteConfiguration",
        untold: "AccessControl BucketEncryption OwnershipControls PublicAccessBlockConfiguration Tags",
    },
    Type {
        kind: "AWS::ApiGateway::RestApi",
        read: "ApiKeySourceType BinaryMediaTypes Body BodyS3Location Parameters Policy",
        without_effect: "CloneFrom MinimumCompressionSize",
        untold: "Description DisableExecuteApiEndpoint EndpointAccessMode EndpointConfiguration \
                FailOnWarnings Mode Name SecurityPolicy Tags",
    },
    Type {
        kind: "AWS::ApiGateway::Resource",
        read: "ParentId PathPart RestApiId",
        without_effect: "",
        untold: "",
    },
    Type {
        kind: "AWS::ApiGateway::Method",
        read: "ApiKeyRequired AuthorizationScopes AuthorizationType AuthorizerId HttpMethod Integration \
                OperationName RequestModels RequestParameters RequestValidatorId ResourceId RestApiId",
        without_effect: "",
        untold: "MethodResponses",
    },
    Type {
        kind: "AWS::ApiGateway::Authorizer",
        read: "AuthorizerResultTtlInSeconds AuthorizerUri IdentitySource IdentityValidationExpression \
                ProviderARNs RestApiId Type",
        without_effect: "",
        untold: "AuthType AuthorizerCredentials Name",
    },
    Type {
        kind: "AWS::ApiGateway::Stage",
        read: "CanarySetting MethodSettings RestApiId StageName Variables",
        without_effect: "CacheClusterEnabled CacheClusterSize ClientCertificateId",
        untold: "AccessLogSetting DeploymentId Description DocumentationVersion Tags TracingEnabled",
    },
    Type {
        kind: "AWS::ApiGateway::Deployment",
        read: "DeploymentCanarySettings RestApiId StageDescription StageName",
        without_effect: "",
        untold: "Description",
    },
    Type {
        kind: "AWS::ApiGateway::GatewayResponse",
        read: "ResponseParameters ResponseTemplates ResponseType RestApiId StatusCode",
        without_effect: "",
        untold: "",
    },
    Type {
        kind: "AWS::ApiGateway::Model",
        read: "Name RestApiId Schema",
        without_effect: "",
        untold: "ContentType Description",
    },
    Type {
        kind: "AWS::ApiGateway::RequestValidator",
        read: "RestApiId ValidateRequestBody ValidateRequestParameters",
        without_effect: "",
        untold: "Name",
    },
    Type {
        kind: "AWS::ApiGateway::ApiKey",
        read: "Enabled StageKeys Value",
        without_effect: "",
        untold: "CustomerId Description GenerateDistinctId Name Tags",
    },
    Type {
        kind: "AWS::ApiGateway::UsagePlan",
        read: "ApiStages Quota Throttle",
        without_effect: "",
        untold: "Description Tags UsagePlanName",
    },
    Type {
        kind: "AWS::ApiGateway::UsagePlanKey",
        read: "KeyId UsagePlanId",
        without_effect: "",
        untold: "KeyType",
    },
    Type {
        kind: "AWS::ApiGatewayV2::Api",
        read: "Body BodyS3Location CorsConfiguration ProtocolType RouteKey RouteSelectionExpression \
                Target",
        without_effect: "ApiKeySelectionExpression BasePath",
        untold: "CredentialsArn Description DisableExecuteApiEndpoint DisableSchemaValidation \
                FailOnWarnings IpAddressType Name Tags Version",
    },
    Type {
        kind: "AWS::ApiGatewayV2::Route",
        read: "ApiId AuthorizationScopes AuthorizationType AuthorizerId RouteKey \
                RouteResponseSelectionExpression Target",
        without_effect: "ApiKeyRequired ModelSelectionExpression RequestModels RequestParameters",
        untold: "OperationName",
    },
    Type {
        kind: "AWS::ApiGatewayV2::Integration",
        read: "ApiId ContentHandlingStrategy IntegrationSubtype IntegrationType IntegrationUri \
                PayloadFormatVersion RequestParameters ResponseParameters TimeoutInMillis",
        without_effect: "",
        untold: "ConnectionId ConnectionType CredentialsArn Description IntegrationMethod \
                PassthroughBehavior RequestTemplates TemplateSelectionExpression TlsConfig",
    },
    Type {
        kind: "AWS::ApiGatewayV2::Authorizer",
        read: "ApiId AuthorizerPayloadFormatVersion AuthorizerResultTtlInSeconds AuthorizerType \
                AuthorizerUri EnableSimpleResponses IdentitySource JwtConfiguration",
        without_effect: "IdentityValidationExpression",
        untold: "AuthorizerCredentialsArn Name",
    },
    Type {
        kind: "AWS::ApiGatewayV2::Stage",
        read: "ApiId DefaultRouteSettings RouteSettings StageName StageVariables",
        without_effect: "ClientCertificateId",
        untold: "AccessLogSettings AutoDeploy DeploymentId Description Tags",
    },
    Type {
        kind: "AWS::ElasticLoadBalancingV2::Listener",
        read: "DefaultActions Protocol",
        without_effect: "MutualAuthentication",
        untold: "AlpnPolicy Certificates ListenerAttributes LoadBalancerArn Port SslPolicy",
    },
    Type {
        kind: "AWS::ElasticLoadBalancingV2::ListenerRule",
        read: "Actions Conditions ListenerArn Priority Transforms",
        without_effect: "",
        untold: "",
    },
    Type {
        kind: "AWS::ElasticLoadBalancingV2::TargetGroup",
        read: "HealthCheckEnabled HealthCheckIntervalSeconds HealthCheckPath HealthCheckTimeoutSeconds \
                HealthyThresholdCount Matcher TargetGroupAttributes TargetType Targets \
                UnhealthyThresholdCount",
        without_effect: "",
        untold: "HealthCheckPort HealthCheckProtocol IpAddressType Name Port Protocol ProtocolVersion \
                Tags TargetControlPort VpcId",
    },
];

/// Tells about the properties that nothing reads.
pub fn tell(context: &Context, stack: &Stack) {
    let mut without_effect: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for resource in stack.resources.values() {
        let Some(known) = TYPES.iter().find(|known| known.kind == resource.kind) else {
            continue;
        };
        if resource.is_helper {
            continue;
        }
        for (name, member) in resource.properties.as_map().into_iter().flatten() {
            let is_in = |list: &'static str| list.split_whitespace().find(|other| other == name);
            if is_in(known.read).or_else(|| is_in(known.untold)).is_some() {
                continue;
            }
            if let Some(name) = is_in(known.without_effect) {
                let resources = without_effect.entry((known.kind, name)).or_default();
                resources.push(&resource.path);
                continue;
            }
            let all = [known.read, known.without_effect, known.untold];
            let all: Vec<&str> = all.into_iter().flat_map(str::split_whitespace).collect();
            let hint = match plugin_kit::nearest::nearest(name, &all) {
                Some(near) => format!("; did you mean {near}?"),
                None => String::new(),
            };
            let message = format!(
                "{} has no property {name}, of {}{hint}",
                resource.kind, resource.path
            );
            context.report.note(member.place, message);
        }
    }
    for ((kind, name), resources) in without_effect {
        let paths = match resources.as_slice() {
            few if few.len() <= 3 => few.join(", "),
            many => format!("{} resources", many.len()),
        };
        let message = format!("{name} of {kind} has no effect here: {paths}");
        context.report.note(None, message);
    }
}

#[cfg(test)]
mod tests {
    use crate::sections::testing::Project;

    #[test]
    fn properties_that_nothing_reads_are_told() {
        let written = Project::new().file("bootstrap", "").write(
            "A:\n  Type: AWS::Lambda::Function\n  Properties: {Code: ., TimeOut: 3, Colour: red, Tags: [], VpcConfig: {}, \
             TracingConfig: {Mode: Active}}\nB:\n  Type: AWS::Lambda::Function\n  Properties: {Code: ., VpcConfig: {}}\n",
        );
        assert_eq!(
            written.notes,
            [
                "TracingConfig of AWS::Lambda::Function has no effect here: A",
                "VpcConfig of AWS::Lambda::Function has no effect here: A, B",
                "template.yaml:3:25: AWS::Lambda::Function has no property TimeOut, of A; did you mean Timeout?",
                "template.yaml:3:37: AWS::Lambda::Function has no property Colour, of A",
            ]
        );
    }
}
