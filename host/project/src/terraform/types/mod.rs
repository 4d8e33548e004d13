//! Terraform's types of resources, with CloudFormation's, and attributes that are properties of other names.
//!
//! Contract: [`of`] is the only place that says which types are read. What is more than a rename is in [`super::compile`].

mod definition;
mod gateway;

pub use definition::Type;
use definition::plain;

/// The types that are read, apart from those in [`gateway`].
const TYPES: &[Type] = &[
    plain(
        "aws_lambda_function",
        "AWS::Lambda::Function",
        &[
            ("function_name", "FunctionName"),
            ("description", "Description"),
            ("handler", "Handler"),
            ("runtime", "Runtime"),
            ("memory_size", "MemorySize"),
            ("timeout", "Timeout"),
            ("package_type", "PackageType"),
            ("architectures", "Architectures"),
            ("layers", "Layers"),
            ("environment.variables", "Environment.Variables"),
            ("ephemeral_storage.size", "EphemeralStorage.Size"),
            (
                "dead_letter_config.target_arn",
                "DeadLetterConfig.TargetArn",
            ),
            ("snap_start.apply_on", "SnapStart.ApplyOn"),
            ("logging_config.log_format", "LoggingConfig.LogFormat"),
            (
                "logging_config.application_log_level",
                "LoggingConfig.ApplicationLogLevel",
            ),
            (
                "logging_config.system_log_level",
                "LoggingConfig.SystemLogLevel",
            ),
            ("image_config.command", "ImageConfig.Command"),
            ("image_config.entry_point", "ImageConfig.EntryPoint"),
            (
                "image_config.working_directory",
                "ImageConfig.WorkingDirectory",
            ),
            (
                "tenancy_config.tenant_isolation_mode",
                "TenancyConfig.TenantIsolationMode",
            ),
            (
                "durable_config.execution_timeout",
                "DurableConfig.ExecutionTimeout",
            ),
        ],
    ),
    plain(
        "aws_lambda_layer_version",
        "AWS::Lambda::LayerVersion",
        &[
            ("layer_name", "LayerName"),
            ("description", "Description"),
            ("compatible_runtimes", "CompatibleRuntimes"),
            ("compatible_architectures", "CompatibleArchitectures"),
        ],
    ),
    plain(
        "aws_lambda_alias",
        "AWS::Lambda::Alias",
        &[
            ("name", "Name"),
            ("function_name", "FunctionName"),
            ("function_version", "FunctionVersion"),
        ],
    ),
    plain(
        "aws_lambda_function_url",
        "AWS::Lambda::Url",
        &[
            ("function_name", "TargetFunctionArn"),
            ("qualifier", "Qualifier"),
            ("authorization_type", "AuthType"),
            ("invoke_mode", "InvokeMode"),
            ("cors.allow_credentials", "Cors.AllowCredentials"),
            ("cors.allow_headers", "Cors.AllowHeaders"),
            ("cors.allow_methods", "Cors.AllowMethods"),
            ("cors.allow_origins", "Cors.AllowOrigins"),
            ("cors.expose_headers", "Cors.ExposeHeaders"),
            ("cors.max_age", "Cors.MaxAge"),
        ],
    ),
    plain(
        "aws_lambda_event_source_mapping",
        "AWS::Lambda::EventSourceMapping",
        &[
            ("function_name", "FunctionName"),
            ("event_source_arn", "EventSourceArn"),
            ("batch_size", "BatchSize"),
            (
                "bisect_batch_on_function_error",
                "BisectBatchOnFunctionError",
            ),
            (
                "destination_config.on_failure.destination_arn",
                "DestinationConfig.OnFailure.Destination",
            ),
            ("enabled", "Enabled"),
            ("function_response_types", "FunctionResponseTypes"),
            (
                "maximum_batching_window_in_seconds",
                "MaximumBatchingWindowInSeconds",
            ),
            ("maximum_record_age_in_seconds", "MaximumRecordAgeInSeconds"),
            ("maximum_retry_attempts", "MaximumRetryAttempts"),
            ("parallelization_factor", "ParallelizationFactor"),
            ("queues", "Queues"),
            (
                "scaling_config.maximum_concurrency",
                "ScalingConfig.MaximumConcurrency",
            ),
            ("starting_position", "StartingPosition"),
            ("starting_position_timestamp", "StartingPositionTimestamp"),
            ("topics", "Topics"),
            ("tumbling_window_in_seconds", "TumblingWindowInSeconds"),
        ],
    ),
    plain(
        "aws_lambda_function_event_invoke_config",
        "AWS::Lambda::EventInvokeConfig",
        &[
            ("function_name", "FunctionName"),
            ("maximum_event_age_in_seconds", "MaximumEventAgeInSeconds"),
            ("maximum_retry_attempts", "MaximumRetryAttempts"),
            (
                "destination_config.on_success.destination",
                "DestinationConfig.OnSuccess.Destination",
            ),
            (
                "destination_config.on_failure.destination",
                "DestinationConfig.OnFailure.Destination",
            ),
        ],
    ),
    plain(
        "aws_sqs_queue",
        "AWS::SQS::Queue",
        &[
            ("name", "QueueName"),
            ("fifo_queue", "FifoQueue"),
            ("content_based_deduplication", "ContentBasedDeduplication"),
            ("delay_seconds", "DelaySeconds"),
            ("max_message_size", "MaximumMessageSize"),
            ("message_retention_seconds", "MessageRetentionPeriod"),
            ("receive_wait_time_seconds", "ReceiveMessageWaitTimeSeconds"),
            ("visibility_timeout_seconds", "VisibilityTimeout"),
            ("deduplication_scope", "DeduplicationScope"),
            ("fifo_throughput_limit", "FifoThroughputLimit"),
        ],
    ),
    plain(
        "aws_s3_bucket",
        "AWS::S3::Bucket",
        &[("bucket", "BucketName")],
    ),
    plain(
        "aws_sns_topic",
        "AWS::SNS::Topic",
        &[
            ("name", "TopicName"),
            ("fifo_topic", "FifoTopic"),
            ("display_name", "DisplayName"),
        ],
    ),
    plain(
        "aws_sns_topic_subscription",
        "AWS::SNS::Subscription",
        &[
            ("topic_arn", "TopicArn"),
            ("protocol", "Protocol"),
            ("endpoint", "Endpoint"),
            ("filter_policy", "FilterPolicy"),
            ("filter_policy_scope", "FilterPolicyScope"),
            ("raw_message_delivery", "RawMessageDelivery"),
        ],
    ),
    plain(
        "aws_cloudwatch_event_rule",
        "AWS::Events::Rule",
        &[
            ("name", "Name"),
            ("description", "Description"),
            ("event_bus_name", "EventBusName"),
            ("schedule_expression", "ScheduleExpression"),
            ("event_pattern", "EventPattern"),
            ("state", "State"),
        ],
    ),
    plain(
        "aws_cloudwatch_event_bus",
        "AWS::Events::EventBus",
        &[("name", "Name")],
    ),
    plain(
        "aws_scheduler_schedule",
        "AWS::Scheduler::Schedule",
        &[
            ("name", "Name"),
            ("group_name", "GroupName"),
            ("schedule_expression", "ScheduleExpression"),
            ("schedule_expression_timezone", "ScheduleExpressionTimezone"),
            ("start_date", "StartDate"),
            ("end_date", "EndDate"),
            ("state", "State"),
            ("flexible_time_window.mode", "FlexibleTimeWindow.Mode"),
            ("target.arn", "Target.Arn"),
            ("target.input", "Target.Input"),
        ],
    ),
    // What functions use, and what is refused.
    plain(
        "aws_dynamodb_table",
        "AWS::DynamoDB::Table",
        &[
            ("name", "TableName"),
            ("stream_view_type", "StreamSpecification.StreamViewType"),
        ],
    ),
    plain(
        "aws_kinesis_stream",
        "AWS::Kinesis::Stream",
        &[("name", "Name")],
    ),
    plain(
        "aws_secretsmanager_secret",
        "AWS::SecretsManager::Secret",
        &[("name", "Name")],
    ),
    plain(
        "aws_ssm_parameter",
        "AWS::SSM::Parameter",
        &[("name", "Name")],
    ),
    plain(
        "aws_sfn_state_machine",
        "AWS::StepFunctions::StateMachine",
        &[("name", "StateMachineName")],
    ),
    plain(
        "aws_appsync_graphql_api",
        "AWS::AppSync::GraphQLApi",
        &[("name", "Name")],
    ),
    plain("aws_pipes_pipe", "AWS::Pipes::Pipe", &[("name", "Name")]),
    plain(
        "aws_cognito_user_pool",
        "AWS::Cognito::UserPool",
        &[("name", "UserPoolName")],
    ),
    plain(
        "aws_cognito_user_pool_client",
        "AWS::Cognito::UserPoolClient",
        &[("name", "ClientName"), ("user_pool_id", "UserPoolId")],
    ),
    plain(
        "aws_cloudwatch_log_subscription_filter",
        "AWS::Logs::SubscriptionFilter",
        &[
            ("log_group_name", "LogGroupName"),
            ("filter_pattern", "FilterPattern"),
            ("destination_arn", "DestinationArn"),
        ],
    ),
    plain(
        "aws_iot_topic_rule",
        "AWS::IoT::TopicRule",
        &[("name", "RuleName")],
    ),
    plain("aws_iam_role", "AWS::IAM::Role", &[("name", "RoleName")]),
    plain("aws_kms_key", "AWS::KMS::Key", &[]),
    plain(
        "aws_cloudwatch_log_group",
        "AWS::Logs::LogGroup",
        &[("name", "LogGroupName")],
    ),
];

/// Types that are parts of other resources.
pub const PARTS: [&str; 15] = [
    "aws_alb_target_group_attachment",
    "aws_api_gateway_integration",
    "aws_api_gateway_integration_response",
    "aws_api_gateway_method_response",
    "aws_apigatewayv2_integration_response",
    "aws_cloudwatch_event_target",
    "aws_lambda_provisioned_concurrency_config",
    "aws_lb_target_group_attachment",
    "aws_s3_bucket_cors_configuration",
    "aws_s3_bucket_notification",
    "aws_s3_bucket_object",
    "aws_s3_bucket_versioning",
    "aws_s3_object",
    "aws_sqs_queue_redrive_policy",
    "null_resource",
];

/// Beginnings of types without an effect here.
pub const WITHOUT_EFFECT: [&str; 32] = [
    "archive_file",
    "aws_acm_",
    "aws_api_gateway_account",
    "aws_api_gateway_base_path_mapping",
    "aws_api_gateway_domain_name",
    "aws_api_gateway_method_settings",
    "aws_api_gateway_rest_api_policy",
    "aws_apigatewayv2_api_mapping",
    "aws_apigatewayv2_domain_name",
    "aws_cloudwatch_",
    "aws_codedeploy_",
    "aws_default_",
    "aws_ecr_",
    "aws_eip",
    "aws_iam_",
    "aws_internet_gateway",
    "aws_kms_",
    "aws_lambda_permission",
    "aws_lambda_layer_version_permission",
    "aws_nat_gateway",
    "aws_route",
    "aws_s3_bucket_",
    "aws_scheduler_schedule_group",
    "aws_security_group",
    "aws_sns_topic_policy",
    "aws_sqs_queue_policy",
    "aws_subnet",
    "aws_vpc",
    "local_",
    "random_",
    "terraform_data",
    "time_",
];

/// A type that is read.
pub fn of(kind: &str) -> Option<&'static Type> {
    TYPES
        .iter()
        .chain(gateway::TYPES)
        .find(|known| known.kind == kind)
}
