//! The names that SAM knows, as of `aws-sam-translator` 1.115.0. Names are separated by spaces; a name is followed by
//! `{}` if its value is a map, and by `[]` if it is a list, with `!` in them if an intrinsic function cannot stand for
//! it.

/// A type of resource or event.
pub(super) struct Kind {
    /// Its name, without `AWS::Serverless::`.
    pub(super) name: &'static str,
    /// Whether it also has the properties in [`POLLING`].
    pub(super) polls: bool,
    /// The properties that it cannot do without.
    pub(super) required: &'static str,
    /// All properties.
    pub(super) properties: &'static str,
}

/// The resources.
pub(super) const RESOURCES: &[Kind] = &[
    Kind {
        name: "Api",
        polls: false,
        required: "StageName",
        properties: "Name StageName Tags{} PropagateTags DefinitionBody{} DefinitionUri MergeDefinitions \
            CacheClusterEnabled CacheClusterSize Variables{} EndpointConfiguration MethodSettings[] \
            BinaryMediaTypes[] MinimumCompressionSize Cors Auth{!} GatewayResponses{!} AccessLogSetting{} \
            CanarySetting{} TracingEnabled OpenApiVersion Models{!} Domain{} FailOnWarnings Description Mode \
            DisableExecuteApiEndpoint ApiKeySourceType AlwaysDeploy Policy SecurityPolicy \
            EndpointAccessMode",
    },
    Kind {
        name: "Application",
        polls: false,
        required: "Location",
        properties: "Location TemplateUrl Parameters{} NotificationARNs[] Tags{} TimeoutInMinutes",
    },
    Kind {
        name: "CapacityProvider",
        polls: false,
        required: "VpcConfig",
        properties: "CapacityProviderName VpcConfig{} OperatorRole Tags{} PropagateTags InstanceRequirements{} \
            ScalingConfig{} KmsKeyArn LoggingConfig{} ManagedResourceTags{}",
    },
    Kind {
        name: "Connector",
        polls: false,
        required: "Source Destination Permissions",
        properties: "Source{} Destination Permissions[]",
    },
    Kind {
        name: "Function",
        polls: false,
        required: "",
        properties: "FunctionName Handler Runtime CodeUri ImageUri PackageType InlineCode DeadLetterQueue{!} \
            Description MemorySize Timeout VpcConfig Role AssumeRolePolicyDocument{} Policies RolePath \
            PermissionsBoundary Environment{} Events{!} Tags{} PropagateTags Tracing KmsKeyArn \
            DeploymentPreference{} ReservedConcurrentExecutions Layers[] EventInvokeConfig{!} \
            EphemeralStorage AutoPublishAlias AutoPublishCodeSha256 AutoPublishAliasAllProperties \
            VersionDescription ProvisionedConcurrencyConfig FileSystemConfigs ImageConfig \
            CodeSigningConfigArn Architectures SnapStart{} FunctionUrlConfig{!} RuntimeManagementConfig \
            LoggingConfig RecursiveLoop SourceKMSKeyArn CapacityProviderConfig{!} FunctionScalingConfig{} \
            VersionDeletionPolicy PublishToLatestPublished TenancyConfig DurableConfig{}",
    },
    Kind {
        name: "GraphQLApi",
        polls: false,
        required: "Auth",
        properties: "Name Tags{} XrayEnabled Auth{!} SchemaInline SchemaUri Logging DataSources{} Functions{} \
            Resolvers{} ApiKeys{} DomainName{} Cache{} Visibility OwnerContact IntrospectionConfig \
            QueryDepthLimit ResolverCountLimit",
    },
    Kind {
        name: "HttpApi",
        polls: false,
        required: "",
        properties: "Name StageName Tags{} PropagateTags DefinitionBody{} DefinitionUri StageVariables{} \
            CorsConfiguration AccessLogSettings{} DefaultRouteSettings{} Auth{!} RouteSettings{} Domain{} \
            FailOnWarnings Description DisableExecuteApiEndpoint",
    },
    Kind {
        name: "LayerVersion",
        polls: false,
        required: "ContentUri",
        properties: "LayerName Description PublishLambdaVersion ContentUri CompatibleArchitectures[] \
            CompatibleRuntimes[] LicenseInfo RetentionPolicy",
    },
    Kind {
        name: "MicrovmImage",
        polls: false,
        required: "Name CodeUri BaseImageArn BaseImageVersion",
        properties: "Name CodeUri BaseImageArn BuildRoleArn BaseImageVersion Description Tags{} Logging{} \
            EgressNetworkConnectors[] CpuConfigurations[] Resources[] AdditionalOsCapabilities[] Hooks{} \
            EnvironmentVariables{} PropagateTags",
    },
    Kind {
        name: "NetworkConnector",
        polls: false,
        required: "VpcConfig",
        properties: "Name VpcConfig{} ComputeTypes[] OperatorRole Tags{} PropagateTags",
    },
    Kind {
        name: "SimpleTable",
        polls: false,
        required: "",
        properties: "PointInTimeRecoverySpecification PrimaryKey{!} ProvisionedThroughput{} TableName Tags{} \
            SSESpecification{}",
    },
    Kind {
        name: "StateMachine",
        polls: false,
        required: "",
        properties: "Definition{} DefinitionUri Logging{} Role RolePath DefinitionSubstitutions{} Events{!} Name Type \
            Tags{} PropagateTags Policies Tracing{} PermissionsBoundary AutoPublishAlias \
            DeploymentPreference UseAliasAsEventTarget",
    },
    Kind {
        name: "WebFunction",
        polls: false,
        required: "",
        properties: "FunctionName Tags{} ReplicaRegions AuthType Runtime CodeUri InlineCode RevisionDescription \
            KmsKeyArn ExecutionRoleArn EnvironmentVariables{} EntryPoint MaxConcurrencyPerEnvironment \
            EgressNetworkConnectorArn Timeout LoggingConfig RevisionWeights EndpointName EndpointType \
            EndpointDescription ScalingConfig ThrottleConfig AutoDeploymentMode",
    },
    Kind {
        name: "WebSocketApi",
        polls: false,
        required: "Routes RouteSelectionExpression",
        properties: "ApiKeySelectionExpression AccessLogSettings{} Auth{!} DefaultRouteSettings{} Description \
            DisableExecuteApiEndpoint Domain{} DisableSchemaValidation FailOnWarnings IpAddressType Name \
            PropagateTags Routes{!} RouteSettings{} RouteSelectionExpression StageName StageVariables{} \
            Tags{}",
    },
];

/// The events of functions.
pub(super) const EVENTS: &[Kind] = &[
    Kind {
        name: "DocumentDB",
        polls: true,
        required: "Cluster DatabaseName",
        properties: "Cluster DatabaseName CollectionName FullDocument",
    },
    Kind {
        name: "DynamoDB",
        polls: true,
        required: "StartingPosition Stream",
        properties: "Stream",
    },
    Kind {
        name: "Kinesis",
        polls: true,
        required: "StartingPosition Stream",
        properties: "Stream",
    },
    Kind {
        name: "MQ",
        polls: true,
        required: "Broker",
        properties: "Broker DynamicPolicyName",
    },
    Kind {
        name: "MSK",
        polls: true,
        required: "StartingPosition Stream",
        properties: "Stream",
    },
    Kind {
        name: "SQS",
        polls: true,
        required: "Queue",
        properties: "Queue",
    },
    Kind {
        name: "SelfManagedKafka",
        polls: true,
        required: "",
        properties: "",
    },
    Kind {
        name: "AlexaSkill",
        polls: false,
        required: "",
        properties: "SkillId",
    },
    Kind {
        name: "Api",
        polls: false,
        required: "Path Method",
        properties: "Path Method Stage Auth{!} RequestModel{!} RequestParameters[] TimeoutInMillis \
            ResponseTransferMode RestApiId",
    },
    Kind {
        name: "CloudWatchEvent",
        polls: false,
        required: "",
        properties: "EventBusName RuleName Pattern{} DeadLetterConfig{!} RetryPolicy{} Input InputPath Target{} \
            Enabled State InputTransformer{}",
    },
    Kind {
        name: "Cognito",
        polls: false,
        required: "UserPool Trigger",
        properties: "UserPool Trigger",
    },
    Kind {
        name: "EventBridgeRule",
        polls: false,
        required: "",
        properties: "EventBusName RuleName Pattern{} DeadLetterConfig{!} RetryPolicy{} Input InputPath Target{} \
            Enabled State InputTransformer{}",
    },
    Kind {
        name: "HttpApi",
        polls: false,
        required: "",
        properties: "Path Method ApiId Stage Auth{!} TimeoutInMillis RouteSettings{} PayloadFormatVersion",
    },
    Kind {
        name: "IoTRule",
        polls: false,
        required: "Sql",
        properties: "Sql AwsIotSqlVersion",
    },
    Kind {
        name: "S3",
        polls: false,
        required: "Bucket Events",
        properties: "Bucket Events Filter{}",
    },
    Kind {
        name: "SNS",
        polls: false,
        required: "Topic",
        properties: "Topic Region FilterPolicy FilterPolicyScope SqsSubscription RedrivePolicy{}",
    },
    Kind {
        name: "Schedule",
        polls: false,
        required: "Schedule",
        properties: "Schedule RuleName Input Enabled State Name Description DeadLetterConfig{!} RetryPolicy{}",
    },
    Kind {
        name: "CloudWatchLogs",
        polls: false,
        required: "LogGroupName FilterPattern",
        properties: "LogGroupName FilterPattern",
    },
    Kind {
        name: "ScheduleV2",
        polls: false,
        required: "ScheduleExpression",
        properties: "PermissionsBoundary ScheduleExpression FlexibleTimeWindow{} Name State Description StartDate \
            EndDate ScheduleExpressionTimezone GroupName KmsKeyArn Input RoleArn DeadLetterConfig{!} \
            RetryPolicy{} OmitName",
    },
];

/// The properties that all events have that Lambda polls for.
pub(super) const POLLING: &str = "BatchSize StartingPosition StartingPositionTimestamp Enabled \
    MaximumBatchingWindowInSeconds \
    MaximumRetryAttempts BisectBatchOnFunctionError MaximumRecordAgeInSeconds DestinationConfig{} \
    ParallelizationFactor Topics[] Queues[] SourceAccessConfigurations[] SecretsManagerKmsKeyId \
    TumblingWindowInSeconds FunctionResponseTypes[] KafkaBootstrapServers[] FilterCriteria{} \
    KmsKeyArn ConsumerGroupId ScalingConfig{} ProvisionedPollerConfig{} SchemaRegistryConfig{} \
    MetricsConfig{} LoggingConfig{}";

/// The sections of `Globals`, with the properties that they may have.
pub(super) const GLOBALS: &[(&str, &str)] = &[
    (
        "Function",
        "Handler Runtime CodeUri DeadLetterQueue Description MemorySize Timeout VpcConfig Environment \
        Tags PropagateTags Tracing KmsKeyArn AutoPublishAlias AutoPublishAliasAllProperties Layers \
        DeploymentPreference RolePath PermissionsBoundary ReservedConcurrentExecutions \
        ProvisionedConcurrencyConfig AssumeRolePolicyDocument EventInvokeConfig FileSystemConfigs \
        CodeSigningConfigArn Architectures SnapStart EphemeralStorage FunctionUrlConfig \
        RuntimeManagementConfig LoggingConfig RecursiveLoop SourceKMSKeyArn TenancyConfig DurableConfig \
        CapacityProviderConfig FunctionScalingConfig PublishToLatestPublished VersionDeletionPolicy",
    ),
    (
        "Api",
        "Auth Name DefinitionUri CacheClusterEnabled CacheClusterSize MergeDefinitions Variables \
        EndpointConfiguration MethodSettings BinaryMediaTypes MinimumCompressionSize Cors \
        GatewayResponses AccessLogSetting CanarySetting TracingEnabled OpenApiVersion Domain \
        AlwaysDeploy PropagateTags SecurityPolicy EndpointAccessMode",
    ),
    (
        "HttpApi",
        "Auth AccessLogSettings StageVariables Tags CorsConfiguration DefaultRouteSettings Domain \
        RouteSettings FailOnWarnings PropagateTags",
    ),
    ("SimpleTable", "SSESpecification"),
    ("StateMachine", "PropagateTags"),
    ("LayerVersion", "PublishLambdaVersion"),
    (
        "CapacityProvider",
        "VpcConfig OperatorRole Tags InstanceRequirements ScalingConfig KmsKeyArn PropagateTags \
        LoggingConfig ManagedResourceTags",
    ),
    (
        "MicrovmImage",
        "BuildRoleArn BaseImageArn BaseImageVersion Logging EgressNetworkConnectors CpuConfigurations \
        Resources AdditionalOsCapabilities Hooks EnvironmentVariables Tags PropagateTags",
    ),
    ("NetworkConnector", "OperatorRole Tags PropagateTags"),
    (
        "WebSocketApi",
        "AccessLogSettings ApiKeySelectionExpression DefaultRouteSettings DisableExecuteApiEndpoint \
        DisableSchemaValidation Domain FailOnWarnings IpAddressType PropagateTags \
        RouteSelectionExpression RouteSettings StageVariables Tags",
    ),
];
