//! What becomes of each type of resource: served, without an effect here, on AWS only, or refused.
//!
//! Contract: [`TYPES`] and [`SERVICES`] are the only place that says so. A type with a module that serves it, or that
//! refuses it with more than its name, is [`Verdict::Read`]. Resources without an effect are counted, those that exist on
//! AWS only are noted with the variables that point at them, and what a user would wait for is refused.

use std::collections::BTreeMap;

use crate::context::Context;
use crate::file::{FileId, Place};
use crate::resource::{Resource, Stack};
use crate::sections::environment;

/// What becomes of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// A module reads it.
    Read,
    /// It has no effect here, and is counted.
    WithoutEffect,
    /// It is nothing that a user has asked for.
    Silent,
    /// What functions do with it needs AWS, or an emulator, which is named with what it takes to use it.
    OnAws(&'static str),
    /// It is refused with these words after its name.
    Refused(&'static str),
}

use Verdict::{OnAws, Read, Refused, Silent, WithoutEffect};

const DYNAMODB: &str = "is not emulated; with AWS_ENDPOINT_URL_DYNAMODB in the shell, such as http://localhost:8000 of \
                        DynamoDB Local, functions use an emulator";
const TOPIC: &str = "is not emulated; what functions publish to it goes to AWS, or to the emulator that \
                     AWS_ENDPOINT_URL_SNS in the shell names";
const STATE_MACHINE: &str = "is not run; its functions are served, and can be invoked one by one";
const GRAPHQL: &str = "is not served; its functions are, and can be invoked one by one";

/// The types that are decided about one by one.
const TYPES: &[(&str, Verdict)] = &[
    ("AWS::Lambda::Function", Read),
    ("AWS::Lambda::Version", Read),
    ("AWS::Lambda::Alias", Read),
    ("AWS::Lambda::Url", Read),
    ("AWS::Lambda::EventSourceMapping", Read),
    ("AWS::Lambda::EventInvokeConfig", Read),
    ("AWS::Lambda::LayerVersion", Read),
    ("AWS::Lambda::Permission", WithoutEffect),
    ("AWS::Lambda::LayerVersionPermission", WithoutEffect),
    ("AWS::Lambda::CodeSigningConfig", WithoutEffect),
    ("AWS::Lambda::CapacityProvider", WithoutEffect),
    ("AWS::SQS::Queue", Read),
    ("AWS::SQS::QueuePolicy", WithoutEffect),
    ("AWS::SQS::QueueInlinePolicy", WithoutEffect),
    ("AWS::S3::Bucket", Read),
    ("AWS::S3::BucketPolicy", WithoutEffect),
    ("AWS::ApiGateway::RestApi", Read),
    ("AWS::ApiGateway::Resource", Read),
    ("AWS::ApiGateway::Method", Read),
    ("AWS::ApiGateway::Authorizer", Read),
    ("AWS::ApiGateway::Stage", Read),
    ("AWS::ApiGateway::Deployment", Read),
    ("AWS::ApiGateway::GatewayResponse", Read),
    ("AWS::ApiGateway::Model", Read),
    ("AWS::ApiGateway::RequestValidator", Read),
    ("AWS::ApiGateway::ApiKey", Read),
    ("AWS::ApiGateway::UsagePlan", Read),
    ("AWS::ApiGateway::UsagePlanKey", Read),
    ("AWS::ApiGateway::Account", WithoutEffect),
    ("AWS::ApiGateway::DomainName", WithoutEffect),
    ("AWS::ApiGateway::BasePathMapping", Read),
    ("AWS::ApiGatewayV2::Api", Read),
    ("AWS::ApiGatewayV2::Route", Read),
    ("AWS::ApiGatewayV2::RouteResponse", Read),
    ("AWS::ApiGatewayV2::Integration", Read),
    ("AWS::ApiGatewayV2::IntegrationResponse", Read),
    ("AWS::ApiGatewayV2::Authorizer", Read),
    ("AWS::ApiGatewayV2::Stage", Read),
    ("AWS::ApiGatewayV2::Deployment", Read),
    ("AWS::ApiGatewayV2::Model", WithoutEffect),
    ("AWS::ApiGatewayV2::DomainName", WithoutEffect),
    ("AWS::ApiGatewayV2::ApiMapping", WithoutEffect),
    ("AWS::ElasticLoadBalancingV2::LoadBalancer", Read),
    ("AWS::ElasticLoadBalancingV2::Listener", Read),
    ("AWS::ElasticLoadBalancingV2::ListenerRule", Read),
    ("AWS::ElasticLoadBalancingV2::TargetGroup", Read),
    (
        "AWS::ElasticLoadBalancingV2::ListenerCertificate",
        WithoutEffect,
    ),
    ("AWS::ElasticLoadBalancing::LoadBalancer", WithoutEffect),
    ("AWS::EventsV2::EventBus", WithoutEffect),
    ("AWS::SES::ReceiptFilter", WithoutEffect),
    ("AWS::Events::Rule", Read),
    ("AWS::Events::EventBusPolicy", WithoutEffect),
    ("AWS::Events::Archive", WithoutEffect),
    (
        "AWS::Events::EventBus",
        OnAws(
            "is not emulated; what functions send to it goes to AWS, or to the emulator that \
             AWS_ENDPOINT_URL_EVENTBRIDGE in the shell names",
        ),
    ),
    ("AWS::Scheduler::Schedule", Read),
    ("AWS::Scheduler::ScheduleGroup", WithoutEffect),
    ("AWS::SNS::Topic", OnAws(TOPIC)),
    ("AWS::SNS::Subscription", Read),
    ("AWS::SNS::TopicPolicy", WithoutEffect),
    ("AWS::SNS::TopicInlinePolicy", WithoutEffect),
    ("AWS::DynamoDB::Table", OnAws(DYNAMODB)),
    ("AWS::DynamoDB::GlobalTable", OnAws(DYNAMODB)),
    ("AWS::Serverless::SimpleTable", OnAws(DYNAMODB)),
    ("AWS::Cognito::UserPool", Read),
    ("AWS::Cognito::UserPoolClient", OnAws("")),
    ("AWS::Cognito::UserPoolDomain", WithoutEffect),
    ("AWS::Logs::SubscriptionFilter", Read),
    ("AWS::Logs::LogGroup", WithoutEffect),
    ("AWS::IoT::TopicRule", Read),
    ("AWS::Config::ConfigRule", Read),
    ("AWS::SES::ReceiptRule", Read),
    ("AWS::StepFunctions::StateMachine", Refused(STATE_MACHINE)),
    ("AWS::Serverless::StateMachine", Refused(STATE_MACHINE)),
    ("AWS::AppSync::GraphQLApi", Refused(GRAPHQL)),
    ("AWS::AppSync::Api", Refused(GRAPHQL)),
    ("AWS::AppSync::ApiKey", WithoutEffect),
    ("AWS::Serverless::GraphQLApi", Refused(GRAPHQL)),
    (
        "AWS::Pipes::Pipe",
        Refused("is not run: no events come through the pipe; invoke its functions one by one"),
    ),
    (
        "AWS::Bedrock::Agent",
        Refused("is not run; its functions are served, and can be invoked one by one"),
    ),
    (
        "AWS::Serverless::WebFunction",
        Refused("is not run: functions of this type exist on AWS only"),
    ),
    (
        "AWS::Serverless::MicrovmImage",
        Refused("is not run: virtual machines of this type exist on AWS only"),
    ),
    ("AWS::Serverless::NetworkConnector", WithoutEffect),
    ("AWS::Serverless::Connector", WithoutEffect),
    ("AWS::Serverless::CapacityProvider", WithoutEffect),
    (
        "AWS::Serverless::Application",
        Refused(
            "is an application of the Serverless Application Repository, which exists on AWS only: it is left out",
        ),
    ),
    ("AWS::CloudFormation::Stack", Read),
    ("AWS::CDK::Metadata", Silent),
    ("Custom::S3BucketNotifications", Read),
];

/// All types of a service that are not in [`TYPES`].
const SERVICES: &[(&str, Verdict)] = &[
    ("AWS::Kinesis::", OnAws("")),
    ("AWS::KinesisFirehose::", OnAws("")),
    ("AWS::KinesisAnalyticsV2::", OnAws("")),
    ("AWS::SecretsManager::Secret", OnAws("")),
    ("AWS::SSM::Parameter", OnAws("")),
    ("AWS::Cognito::", OnAws("")),
    ("AWS::RDS::", OnAws("")),
    ("AWS::DSQL::", OnAws("")),
    ("AWS::DocDB::", OnAws("")),
    ("AWS::Neptune::", OnAws("")),
    ("AWS::Redshift", OnAws("")),
    ("AWS::ElastiCache::", OnAws("")),
    ("AWS::MemoryDB::", OnAws("")),
    ("AWS::OpenSearch", OnAws("")),
    ("AWS::Elasticsearch::", OnAws("")),
    ("AWS::MSK::", OnAws("")),
    ("AWS::AmazonMQ::", OnAws("")),
    ("AWS::Timestream::", OnAws("")),
    ("AWS::S3", OnAws("")),
    ("AWS::EFS::", OnAws("")),
    ("AWS::AppConfig::", OnAws("")),
    ("AWS::Bedrock::", OnAws("")),
    ("AWS::IoT::", OnAws("")),
    ("AWS::Pinpoint::", OnAws("")),
];

/// Tells what becomes of the resources of a stack that no module reads.
pub fn tell(context: &Context, stack: &Stack) {
    let written = Written::default();
    let mut custom: BTreeMap<&str, Vec<&Resource>> = BTreeMap::new();
    for resource in stack.resources.values() {
        match verdict(&resource.kind) {
            Some(Read | Silent) => {}
            Some(WithoutEffect) => count(context, &written, resource),
            Some(OnAws(words)) => on_aws(context, &written, stack, resource, words),
            Some(Refused(words)) => {
                let message = format!("{} {} {words}", resource.kind, resource.path);
                context.report.refuse(resource.place, message);
            }
            None if is_custom(&resource.kind) => {
                custom.entry(&resource.kind).or_default().push(resource);
            }
            None => unknown(context, &written, stack, resource),
        }
    }
    for (kind, resources) in custom {
        let ids: Vec<&str> = resources.iter().map(|one| one.path.as_str()).collect();
        let message = format!(
            "custom resources are made on AWS only, and nothing is made here: {kind} {}",
            ids.join(", ")
        );
        context
            .report
            .note(resources.first().map(|one| one.place), message);
    }
}

fn is_custom(kind: &str) -> bool {
    kind.starts_with("Custom::") || kind == "AWS::CloudFormation::CustomResource"
}

/// The verdict about a type; none if nobody has decided about it.
#[must_use]
pub fn verdict(kind: &str) -> Option<Verdict> {
    let exact = TYPES.iter().find(|(other, _)| *other == kind);
    let found = exact.or_else(|| {
        SERVICES
            .iter()
            .find(|(beginning, _)| kind.starts_with(beginning))
    });
    found.map(|(_, verdict)| *verdict)
}

fn on_aws(context: &Context, written: &Written, stack: &Stack, resource: &Resource, words: &str) {
    let variables = environment::pointing_at(stack, resource);
    if variables.is_empty() && words.is_empty() {
        count(context, written, resource);
        return;
    }
    let pointers = match variables.as_slice() {
        [] => String::new(),
        [one] => format!("; {one} points at it"),
        several => format!("; {} point at it", several.join(", ")),
    };
    let words = match words {
        "" => "exists on AWS only",
        words => words,
    };
    let (kind, path) = (&resource.kind, &resource.path);
    context
        .report
        .note(resource.place, format!("{kind} {path} {words}{pointers}"));
}

/// A type that nobody has decided about: one with a similar name, or one that functions do not run on.
fn unknown(context: &Context, written: &Written, stack: &Stack, resource: &Resource) {
    let (kind, path) = (&resource.kind, &resource.path);
    let hint = nearest(kind).map(|near| format!("; did you mean {near}?"));
    if let Some(hint) = hint {
        context.report.note(
            resource.place,
            format!("{path} has the unknown type {kind}{hint}"),
        );
    } else if kind.starts_with("AWS::") {
        on_aws(context, written, stack, resource, "");
    } else {
        let message = format!("{path} has the type {kind}, which has no effect here");
        context.report.note(resource.place, message);
    }
}

/// A known type of which either the service or the rest is the same, and the other is similar.
fn nearest(kind: &str) -> Option<&'static str> {
    let split = |kind: &'static str| kind.strip_prefix("AWS::")?.split_once("::");
    let known: Vec<_> = TYPES.iter().filter_map(|(kind, _)| split(kind)).collect();
    let (service, rest) = kind.strip_prefix("AWS::")?.split_once("::")?;
    let rests: Vec<&str> = known
        .iter()
        .filter(|(other, _)| *other == service)
        .map(|(_, rest)| *rest)
        .collect();
    let services: Vec<&str> = known
        .iter()
        .filter(|(_, other)| *other == rest)
        .map(|(service, _)| *service)
        .collect();
    let near = |typed: &str, known: &[&'static str]| {
        // More than a few letters are another word.
        let near = plugin_kit::nearest::nearest(typed, known)?;
        (near.len().abs_diff(typed.len()) <= 2).then_some(near)
    };
    let found = match near(rest, &rests) {
        Some(rest) => format!("AWS::{service}::{rest}"),
        None => format!("AWS::{}::{rest}", near(service, &services)?),
    };
    let mut kinds = TYPES.iter().map(|(kind, _)| *kind);
    kinds.find(|kind| *kind == found)
}

/// Counts a resource that the project has itself, and not one that a macro has added.
fn count(context: &Context, written: &Written, resource: &Resource) {
    if written.has(context, resource) {
        context.report.without_effect(&resource.kind);
    }
}

/// Which resources are in the files: at their place is their logical id.
#[derive(Default)]
struct Written {
    lines: std::cell::RefCell<BTreeMap<FileId, Vec<usize>>>,
}

impl Written {
    fn has(&self, context: &Context, resource: &Resource) -> bool {
        let Place { file, line, column } = resource.place;
        let files = context.files();
        let text = files.text(file);
        let mut lines = self.lines.borrow_mut();
        let starts = lines.entry(file).or_insert_with(|| {
            let newlines = text.match_indices('\n').map(|(at, _)| at + 1);
            std::iter::once(0).chain(newlines).collect()
        });
        let start = starts.get(line.saturating_sub(1) as usize);
        let rest = start.and_then(|start| text.get(*start..));
        let mut letters = rest.unwrap_or_default().chars();
        let at = column.saturating_sub(1) as usize;
        if at > 0 {
            letters.nth(at - 1);
        }
        let here = letters.as_str().trim_start_matches(['"', '\'']);
        here.starts_with(&resource.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sections::testing::Project;

    #[test]
    fn resources_without_an_effect_are_counted() {
        let written = Project::new().write(
            "A: {Type: 'AWS::IAM::Role'}\nB: {Type: 'AWS::IAM::Role'}\n\"C\": {Type: 'AWS::Logs::LogGroup'}\n\
             M: {Type: 'AWS::CDK::Metadata'}\nS: {Type: 'AWS::SecretsManager::Secret'}\n",
        );
        assert_eq!(
            written.notes,
            [
                "4 resources without an effect here: 2 AWS::IAM::Role, 1 AWS::Logs::LogGroup, 1 \
                 AWS::SecretsManager::Secret"
            ]
        );
        assert_eq!(written.text, "");
    }

    #[test]
    fn a_mistyped_type_is_told_with_the_right_one() {
        let written = Project::new().write(
            "A: {Type: 'AWS::Lambda::Functoin'}\nB: {Type: 'AWS::Lamda::Function'}\nC: {Type: 'AWS::Backup::BackupPlan'}\n\
             D: {Type: 'Alexa::ASK::Skill'}\n",
        );
        assert_eq!(
            written.notes,
            [
                "template.yaml:1:1: A has the unknown type AWS::Lambda::Functoin; did you mean AWS::Lambda::Function?",
                "template.yaml:2:1: B has the unknown type AWS::Lamda::Function; did you mean AWS::Lambda::Function?",
                "template.yaml:4:1: D has the type Alexa::ASK::Skill, which has no effect here",
                "1 resource without an effect here: 1 AWS::Backup::BackupPlan",
            ]
        );
    }

    #[test]
    fn what_is_not_run_is_refused() {
        let written = Project::new().write(
            "Flow: {Type: 'AWS::StepFunctions::StateMachine'}\nApi: {Type: 'AWS::AppSync::GraphQLApi'}\n",
        );
        assert_eq!(
            written.refusals,
            [
                "template.yaml:1:1: AWS::StepFunctions::StateMachine Flow is not run; its functions are served, and can \
                 be invoked one by one",
                "template.yaml:2:1: AWS::AppSync::GraphQLApi Api is not served; its functions are, and can be invoked \
                 one by one",
            ]
        );
    }

    #[test]
    fn custom_resources_are_noted_once_for_each_type() {
        let written = Project::new().write(
            "A: {Type: 'Custom::LogRetention'}\nB: {Type: 'Custom::LogRetention'}\nC: {Type: \
             'AWS::CloudFormation::CustomResource'}\n",
        );
        assert_eq!(
            written.notes,
            [
                "template.yaml:1:1: custom resources are made on AWS only, and nothing is made here: \
                 Custom::LogRetention A, B",
                "template.yaml:3:1: custom resources are made on AWS only, and nothing is made here: \
                 AWS::CloudFormation::CustomResource C",
            ]
        );
    }

    #[test]
    fn no_type_is_in_the_table_twice() {
        let mut kinds: Vec<&str> = TYPES.iter().map(|(kind, _)| *kind).collect();
        kinds.sort_unstable();
        let count = kinds.len();
        kinds.dedup();
        assert_eq!(kinds.len(), count);
    }
}
