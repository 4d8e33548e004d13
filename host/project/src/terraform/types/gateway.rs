//! APIs and load balancers.

use super::definition::{Type, plain};

const BALANCER: &[(&str, &str)] = &[("name", "Name")];
const LISTENER: &[(&str, &str)] = &[
    ("load_balancer_arn", "LoadBalancerArn"),
    ("port", "Port"),
    ("protocol", "Protocol"),
];
const LISTENER_RULE: &[(&str, &str)] = &[("listener_arn", "ListenerArn"), ("priority", "Priority")];
const TARGET_GROUP: &[(&str, &str)] = &[
    ("name", "Name"),
    ("target_type", "TargetType"),
    ("health_check.enabled", "HealthCheckEnabled"),
    ("health_check.path", "HealthCheckPath"),
    ("health_check.interval", "HealthCheckIntervalSeconds"),
    ("health_check.timeout", "HealthCheckTimeoutSeconds"),
    ("health_check.healthy_threshold", "HealthyThresholdCount"),
    (
        "health_check.unhealthy_threshold",
        "UnhealthyThresholdCount",
    ),
    ("health_check.matcher", "Matcher.HttpCode"),
];

/// Their types.
pub const TYPES: &[Type] = &[
    plain(
        "aws_api_gateway_rest_api",
        "AWS::ApiGateway::RestApi",
        &[
            ("name", "Name"),
            ("body", "Body"),
            ("binary_media_types", "BinaryMediaTypes"),
            ("minimum_compression_size", "MinimumCompressionSize"),
            ("api_key_source", "ApiKeySourceType"),
            ("disable_execute_api_endpoint", "DisableExecuteApiEndpoint"),
        ],
    ),
    plain(
        "aws_api_gateway_resource",
        "AWS::ApiGateway::Resource",
        &[
            ("parent_id", "ParentId"),
            ("path_part", "PathPart"),
            ("rest_api_id", "RestApiId"),
        ],
    ),
    plain(
        "aws_api_gateway_method",
        "AWS::ApiGateway::Method",
        &[
            ("http_method", "HttpMethod"),
            ("rest_api_id", "RestApiId"),
            ("resource_id", "ResourceId"),
            ("authorization", "AuthorizationType"),
            ("authorizer_id", "AuthorizerId"),
            ("authorization_scopes", "AuthorizationScopes"),
            ("api_key_required", "ApiKeyRequired"),
            ("request_parameters", "RequestParameters"),
            ("request_models", "RequestModels"),
            ("request_validator_id", "RequestValidatorId"),
            ("operation_name", "OperationName"),
        ],
    ),
    plain(
        "aws_api_gateway_authorizer",
        "AWS::ApiGateway::Authorizer",
        &[
            ("name", "Name"),
            ("rest_api_id", "RestApiId"),
            ("type", "Type"),
            ("authorizer_uri", "AuthorizerUri"),
            ("identity_source", "IdentitySource"),
            (
                "identity_validation_expression",
                "IdentityValidationExpression",
            ),
            (
                "authorizer_result_ttl_in_seconds",
                "AuthorizerResultTtlInSeconds",
            ),
            ("provider_arns", "ProviderARNs"),
        ],
    ),
    plain(
        "aws_api_gateway_deployment",
        "AWS::ApiGateway::Deployment",
        &[("rest_api_id", "RestApiId"), ("stage_name", "StageName")],
    ),
    plain(
        "aws_api_gateway_stage",
        "AWS::ApiGateway::Stage",
        &[
            ("rest_api_id", "RestApiId"),
            ("stage_name", "StageName"),
            ("deployment_id", "DeploymentId"),
            ("variables", "Variables"),
        ],
    ),
    plain(
        "aws_api_gateway_gateway_response",
        "AWS::ApiGateway::GatewayResponse",
        &[
            ("rest_api_id", "RestApiId"),
            ("response_type", "ResponseType"),
            ("status_code", "StatusCode"),
            ("response_parameters", "ResponseParameters"),
            ("response_templates", "ResponseTemplates"),
        ],
    ),
    plain(
        "aws_api_gateway_model",
        "AWS::ApiGateway::Model",
        &[
            ("rest_api_id", "RestApiId"),
            ("name", "Name"),
            ("content_type", "ContentType"),
            ("schema", "Schema"),
        ],
    ),
    plain(
        "aws_api_gateway_request_validator",
        "AWS::ApiGateway::RequestValidator",
        &[
            ("rest_api_id", "RestApiId"),
            ("name", "Name"),
            ("validate_request_body", "ValidateRequestBody"),
            ("validate_request_parameters", "ValidateRequestParameters"),
        ],
    ),
    plain(
        "aws_api_gateway_api_key",
        "AWS::ApiGateway::ApiKey",
        &[("name", "Name"), ("value", "Value"), ("enabled", "Enabled")],
    ),
    plain(
        "aws_api_gateway_usage_plan",
        "AWS::ApiGateway::UsagePlan",
        &[
            ("name", "UsagePlanName"),
            ("quota_settings.limit", "Quota.Limit"),
            ("quota_settings.offset", "Quota.Offset"),
            ("quota_settings.period", "Quota.Period"),
            ("throttle_settings.burst_limit", "Throttle.BurstLimit"),
            ("throttle_settings.rate_limit", "Throttle.RateLimit"),
        ],
    ),
    plain(
        "aws_api_gateway_usage_plan_key",
        "AWS::ApiGateway::UsagePlanKey",
        &[
            ("key_id", "KeyId"),
            ("key_type", "KeyType"),
            ("usage_plan_id", "UsagePlanId"),
        ],
    ),
    plain(
        "aws_apigatewayv2_api",
        "AWS::ApiGatewayV2::Api",
        &[
            ("name", "Name"),
            ("protocol_type", "ProtocolType"),
            ("route_selection_expression", "RouteSelectionExpression"),
            ("body", "Body"),
            ("target", "Target"),
            ("route_key", "RouteKey"),
            ("disable_execute_api_endpoint", "DisableExecuteApiEndpoint"),
            (
                "cors_configuration.allow_credentials",
                "CorsConfiguration.AllowCredentials",
            ),
            (
                "cors_configuration.allow_headers",
                "CorsConfiguration.AllowHeaders",
            ),
            (
                "cors_configuration.allow_methods",
                "CorsConfiguration.AllowMethods",
            ),
            (
                "cors_configuration.allow_origins",
                "CorsConfiguration.AllowOrigins",
            ),
            (
                "cors_configuration.expose_headers",
                "CorsConfiguration.ExposeHeaders",
            ),
            ("cors_configuration.max_age", "CorsConfiguration.MaxAge"),
        ],
    ),
    plain(
        "aws_apigatewayv2_route",
        "AWS::ApiGatewayV2::Route",
        &[
            ("api_id", "ApiId"),
            ("route_key", "RouteKey"),
            ("authorization_type", "AuthorizationType"),
            ("authorizer_id", "AuthorizerId"),
            ("authorization_scopes", "AuthorizationScopes"),
            ("api_key_required", "ApiKeyRequired"),
            (
                "route_response_selection_expression",
                "RouteResponseSelectionExpression",
            ),
        ],
    ),
    plain(
        "aws_apigatewayv2_route_response",
        "AWS::ApiGatewayV2::RouteResponse",
        &[
            ("api_id", "ApiId"),
            ("route_id", "RouteId"),
            ("route_response_key", "RouteResponseKey"),
        ],
    ),
    plain(
        "aws_apigatewayv2_integration",
        "AWS::ApiGatewayV2::Integration",
        &[
            ("api_id", "ApiId"),
            ("integration_type", "IntegrationType"),
            ("integration_uri", "IntegrationUri"),
            ("integration_method", "IntegrationMethod"),
            ("integration_subtype", "IntegrationSubtype"),
            ("connection_type", "ConnectionType"),
            ("payload_format_version", "PayloadFormatVersion"),
            ("request_parameters", "RequestParameters"),
            ("request_templates", "RequestTemplates"),
            ("timeout_milliseconds", "TimeoutInMillis"),
        ],
    ),
    plain(
        "aws_apigatewayv2_authorizer",
        "AWS::ApiGatewayV2::Authorizer",
        &[
            ("api_id", "ApiId"),
            ("name", "Name"),
            ("authorizer_type", "AuthorizerType"),
            ("authorizer_uri", "AuthorizerUri"),
            (
                "authorizer_payload_format_version",
                "AuthorizerPayloadFormatVersion",
            ),
            (
                "authorizer_result_ttl_in_seconds",
                "AuthorizerResultTtlInSeconds",
            ),
            ("enable_simple_responses", "EnableSimpleResponses"),
            ("identity_sources", "IdentitySource"),
            ("jwt_configuration.audience", "JwtConfiguration.Audience"),
            ("jwt_configuration.issuer", "JwtConfiguration.Issuer"),
        ],
    ),
    plain(
        "aws_apigatewayv2_stage",
        "AWS::ApiGatewayV2::Stage",
        &[
            ("api_id", "ApiId"),
            ("name", "StageName"),
            ("auto_deploy", "AutoDeploy"),
            ("stage_variables", "StageVariables"),
            (
                "default_route_settings.throttling_burst_limit",
                "DefaultRouteSettings.ThrottlingBurstLimit",
            ),
            (
                "default_route_settings.throttling_rate_limit",
                "DefaultRouteSettings.ThrottlingRateLimit",
            ),
        ],
    ),
    plain(
        "aws_apigatewayv2_deployment",
        "AWS::ApiGatewayV2::Deployment",
        &[("api_id", "ApiId")],
    ),
    plain(
        "aws_lb",
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
        BALANCER,
    ),
    plain(
        "aws_alb",
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
        BALANCER,
    ),
    plain(
        "aws_lb_listener",
        "AWS::ElasticLoadBalancingV2::Listener",
        LISTENER,
    ),
    plain(
        "aws_alb_listener",
        "AWS::ElasticLoadBalancingV2::Listener",
        LISTENER,
    ),
    plain(
        "aws_lb_listener_rule",
        "AWS::ElasticLoadBalancingV2::ListenerRule",
        LISTENER_RULE,
    ),
    plain(
        "aws_alb_listener_rule",
        "AWS::ElasticLoadBalancingV2::ListenerRule",
        LISTENER_RULE,
    ),
    plain(
        "aws_lb_target_group",
        "AWS::ElasticLoadBalancingV2::TargetGroup",
        TARGET_GROUP,
    ),
    plain(
        "aws_alb_target_group",
        "AWS::ElasticLoadBalancingV2::TargetGroup",
        TARGET_GROUP,
    ),
];
