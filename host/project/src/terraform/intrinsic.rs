//! Attributes of Terraform's resources, as `Ref` and `Fn::GetAtt` of CloudFormation's.

use crate::cfn;
use crate::file::Place;
use crate::value::Value;

use super::plan::Planned;

/// What an attribute is.
pub enum Attribute {
    /// A value of a template.
    Value(Value),
    /// What the resource itself says.
    Own,
}

/// Types whose ARN is what `Ref` gives.
const ARN_IS_REF: [&str; 9] = [
    "aws_alb",
    "aws_alb_listener",
    "aws_alb_target_group",
    "aws_lambda_alias",
    "aws_lambda_layer_version",
    "aws_lb",
    "aws_lb_listener",
    "aws_lb_target_group",
    "aws_sns_topic",
];

/// More of them.
const ARN_IS_REF_ON_AWS: [&str; 2] = ["aws_secretsmanager_secret", "aws_sfn_state_machine"];

/// The attribute of a resource.
pub fn of(resource: &Planned, attribute: &str, place: Place) -> Attribute {
    let id = id(&resource.address);
    let reference = || Attribute::Value(cfn::reference(place, &id));
    let get = |name: &str| Attribute::Value(cfn::attribute(place, &id, name));
    let kind = resource.kind.as_str();
    let has_arn_as_ref = ARN_IS_REF.contains(&kind) || ARN_IS_REF_ON_AWS.contains(&kind);
    let version = || version_id(&resource.address);
    if super::types::of(kind).is_none() {
        return Attribute::Own;
    }
    match (kind, attribute) {
        ("aws_lambda_function", "invoke_arn") => {
            Attribute::Value(invoke(place, cfn::attribute(place, &id, "Arn"), false))
        }
        ("aws_lambda_function", "response_streaming_invoke_arn") => {
            Attribute::Value(invoke(place, cfn::attribute(place, &id, "Arn"), true))
        }
        ("aws_lambda_function", "qualified_arn") => {
            Attribute::Value(cfn::reference(place, &version()))
        }
        ("aws_lambda_function", "qualified_invoke_arn") => {
            Attribute::Value(invoke(place, cfn::reference(place, &version()), false))
        }
        ("aws_lambda_function", "version") => {
            Attribute::Value(cfn::attribute(place, &version(), "Version"))
        }
        ("aws_lambda_function", "function_name") => reference(),
        ("aws_lambda_alias", "invoke_arn") => {
            Attribute::Value(invoke(place, cfn::reference(place, &id), false))
        }
        ("aws_lambda_function_url", "function_url") => get("FunctionUrl"),
        ("aws_sqs_queue", "url") | ("aws_s3_bucket", "bucket") => reference(),
        ("aws_sqs_queue", "name") => get("QueueName"),
        ("aws_sns_topic", "name") => get("TopicName"),
        ("aws_s3_bucket", "bucket_domain_name") => get("DomainName"),
        ("aws_s3_bucket", "bucket_regional_domain_name") => get("RegionalDomainName"),
        ("aws_api_gateway_rest_api", "root_resource_id") => get("RootResourceId"),
        ("aws_apigatewayv2_api", "api_endpoint") => get("ApiEndpoint"),
        ("aws_dynamodb_table", "stream_arn") => get("StreamArn"),
        ("aws_kinesis_stream", "id") => get("Arn"),
        (_, "arn") if has_arn_as_ref => reference(),
        (_, "arn") => get("Arn"),
        (_, "id") => reference(),
        (
            "aws_dynamodb_table"
            | "aws_kinesis_stream"
            | "aws_cloudwatch_event_rule"
            | "aws_cloudwatch_event_bus",
            "name",
        ) => reference(),
        _ => Attribute::Own,
    }
}

/// The logical id of the resource at an address. A slash has a meaning in paths of resources.
pub fn id(address: &str) -> String {
    address.replace('/', ":")
}

/// The logical id of the version that a function publishes.
pub fn version_id(address: &str) -> String {
    format!("{}.version", id(address))
}

fn invoke(place: Place, arn: Value, is_streaming: bool) -> Value {
    cfn::invocation_uri(place, vec![arn], is_streaming)
}
