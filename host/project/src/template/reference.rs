//! `Ref` and `Fn::GetAtt`: what they give for each type of resource.
//!
//! Contract: what exists here has its value here: the name of a function, the URL of a queue, the ARN of a bucket. Ids and
//! ARNs of resources without an effect here have the shape that they have on AWS. Other attributes exist on AWS only.

use std::collections::HashMap;

use super::names::api_id;
use super::resolver::{Resolver, Scope, meant, unknown};
use crate::ProjectError;
use crate::file::Place;
use crate::local_url::{Target, url_of};
use crate::resource::function_name;
use crate::value::Value;

const PSEUDO: [&str; 8] = [
    "AWS::AccountId",
    "AWS::NoValue",
    "AWS::NotificationARNs",
    "AWS::Partition",
    "AWS::Region",
    "AWS::StackId",
    "AWS::StackName",
    "AWS::URLSuffix",
];

impl Resolver<'_> {
    /// What `Ref` gives for a parameter, a pseudo parameter or a resource; none for `AWS::NoValue`.
    pub fn reference(
        &self,
        scope: &Scope,
        place: Place,
        name: &str,
    ) -> Result<Option<Value>, ProjectError> {
        if name.starts_with("AWS::") {
            return Ok(self.pseudo(scope, place, name));
        }
        if let Some(parameter) = scope.parameters.get(name) {
            if let Some((place, note)) = parameter.note.as_ref().filter(|_| !scope.is_lenient.get())
            {
                self.context.report.note(*place, note.clone());
            }
            return self.copy(place, &parameter.value).map(Some);
        }
        if scope.resource(name).is_some() {
            self.refers(scope, place, name, "Ref");
            return self.attribute(scope, place, name, "Ref").map(Some);
        }
        let known = scope
            .parameters
            .keys()
            .map(String::as_str)
            .chain(resource_ids(scope))
            .chain(PSEUDO);
        let message = format!(
            "there is no parameter or resource {name}{}",
            meant(name, known)
        );
        Ok(Some(self.mistake(scope, place, message)))
    }

    fn pseudo(&self, scope: &Scope, place: Place, name: &str) -> Option<Value> {
        let text = match name {
            "AWS::NoValue" => return None,
            "AWS::NotificationARNs" => return Some(Value::list(place, Vec::new())),
            "AWS::AccountId" => self.context.options.account.clone(),
            "AWS::Partition" => self.partition().to_owned(),
            "AWS::Region" => self.region.clone(),
            "AWS::StackId" => {
                let name = &scope.template.name;
                self.arn(
                    "cloudformation",
                    &format!("stack/{name}/00000000-0000-0000-0000-000000000000"),
                )
            }
            "AWS::StackName" => scope.template.name.clone(),
            "AWS::URLSuffix" => self.url_suffix().to_owned(),
            _ => {
                let message = format!("there is no pseudo parameter {name}{}", meant(name, PSEUDO));
                return Some(self.mistake(scope, place, message));
            }
        };
        Some(Value::text(place, text))
    }

    fn url_suffix(&self) -> &'static str {
        match self.partition() {
            "aws-cn" => "amazonaws.com.cn",
            "aws-iso" => "c2s.ic.gov",
            "aws-iso-b" => "sc2s.sgov.gov",
            "aws-eusc" => "amazonaws.eu",
            _ => "amazonaws.com",
        }
    }

    /// What `Fn::GetAtt` gives.
    pub fn attribute_of(
        &self,
        scope: &Scope,
        place: Place,
        id: &str,
        attribute: &str,
    ) -> Result<Value, ProjectError> {
        if scope.resource(id).is_none() {
            let message = format!(
                "there is no resource {id}{}",
                meant(id, resource_ids(scope))
            );
            return Ok(self.mistake(scope, place, message));
        }
        self.refers(scope, place, id, attribute);
        self.attribute(scope, place, id, attribute)
    }

    /// An attribute of a resource that there is, or `Ref`.
    pub fn attribute(
        &self,
        scope: &Scope,
        place: Place,
        id: &str,
        attribute: &str,
    ) -> Result<Value, ProjectError> {
        let key = match attribute {
            "Ref" => format!("Ref of {id}"),
            attribute => format!("{id}.{attribute}"),
        };
        self.once(scope, place, &key, || {
            self.deeper(place, || self.make_attribute(scope, place, id, attribute))
        })
    }

    fn make_attribute(
        &self,
        scope: &Scope,
        place: Place,
        id: &str,
        attribute: &str,
    ) -> Result<Value, ProjectError> {
        if let Some(condition) = scope
            .resource(id)
            .and_then(|resource| resource.get("Condition"))
        {
            let name = condition.as_str().unwrap_or_default();
            if !self.condition(scope, condition.place, name)? {
                let why = format!("{id} is left out, because the condition {name} is false");
                return Ok(unknown(place, why));
            }
        }
        let kind = scope.kind(id).unwrap_or_default().to_owned();
        if attribute == "Ref" {
            return self.make_reference(scope, place, id, &kind);
        }
        let text = match (kind.as_str(), attribute) {
            ("AWS::CloudFormation::Stack" | "AWS::Serverless::Application", attribute) => {
                return self.nested_output(scope, place, id, attribute);
            }
            ("AWS::Lambda::Function" | "AWS::Serverless::Function", "Arn") => {
                let name = self.name(scope, place, id)?;
                self.arn("lambda", &format!("function:{name}"))
            }
            ("AWS::Lambda::Version", "Version") => self.version(scope, place, id)?.to_string(),
            ("AWS::Lambda::Version" | "AWS::Lambda::Url", "FunctionArn")
            | ("AWS::Lambda::Alias", "AliasArn")
            | ("AWS::Lambda::LayerVersion", "LayerVersionArn")
            | ("AWS::SNS::Topic", "TopicArn")
            | ("AWS::SQS::Queue", "QueueUrl")
            | ("AWS::ApiGateway::RestApi", "RestApiId")
            | ("AWS::ApiGatewayV2::Api", "ApiId")
            | ("AWS::Cognito::UserPool", "UserPoolId")
            | ("AWS::Cognito::UserPoolClient", "ClientId") => {
                return self.attribute(scope, place, id, "Ref");
            }
            ("AWS::Lambda::Url", "FunctionUrl") => {
                let name = self.name(scope, place, id)?;
                format!("{}/", url_of(Target::Trigger, &name))
            }
            ("AWS::SQS::Queue", "QueueName") | ("AWS::SNS::Topic", "TopicName") => {
                self.name(scope, place, id)?
            }
            ("AWS::S3::Bucket", "Arn") => {
                let name = self.name(scope, place, id)?;
                format!("arn:{}:s3:::{name}", self.partition())
            }
            ("AWS::S3::Bucket", "DomainName") => {
                format!("{}.s3.{}", self.name(scope, place, id)?, self.url_suffix())
            }
            ("AWS::S3::Bucket", "RegionalDomainName") => {
                let (name, region) = (self.name(scope, place, id)?, &self.region);
                format!("{name}.s3.{region}.{}", self.url_suffix())
            }
            ("AWS::S3::Bucket", "DualStackDomainName") => {
                let (name, region) = (self.name(scope, place, id)?, &self.region);
                format!("{name}.s3.dualstack.{region}.{}", self.url_suffix())
            }
            ("AWS::S3::Bucket", "WebsiteURL") => {
                let (name, region) = (self.name(scope, place, id)?, &self.region);
                format!("http://{name}.s3-website-{region}.{}", self.url_suffix())
            }
            ("AWS::DynamoDB::Table" | "AWS::DynamoDB::GlobalTable", "StreamArn") => {
                let name = self.name(scope, place, id)?;
                self.arn(
                    "dynamodb",
                    &format!("table/{name}/stream/2024-01-01T00:00:00.000"),
                )
            }
            ("AWS::ApiGateway::RestApi", "RootResourceId") => {
                api_id(&format!("{}{id}/", scope.prefix))
            }
            ("AWS::ApiGatewayV2::Api", "ApiEndpoint") => {
                let protocol = match scope.property(id, "ProtocolType") {
                    Some(protocol) => self.value_of(scope, protocol)?,
                    None => Value::null(place),
                };
                let target = match protocol.as_str() {
                    Some("WEBSOCKET") => Target::Socket,
                    _ => Target::Trigger,
                };
                url_of(target, &self.name(scope, place, id)?)
            }
            ("AWS::Cognito::UserPool", "ProviderName") => {
                let pool = self.pool(scope, id);
                format!("cognito-idp.{}.{}/{pool}", self.region, self.url_suffix())
            }
            ("AWS::Cognito::UserPool", "ProviderURL") => {
                let pool = self.pool(scope, id);
                format!(
                    "https://cognito-idp.{}.{}/{pool}",
                    self.region,
                    self.url_suffix()
                )
            }
            (kind, "Name") if kind.starts_with("AWS::") => self.name(scope, place, id)?,
            (kind, "Id") if kind.starts_with("AWS::") => {
                return self.attribute(scope, place, id, "Ref");
            }
            (kind, "Arn") if kind.starts_with("AWS::") => self.arn_of(scope, place, id, kind)?,
            // Many attributes are properties, such as the `Value` of an `AWS::SSM::Parameter`.
            (kind, attribute)
                if kind.starts_with("AWS::") && scope.property(id, attribute).is_some() =>
            {
                return match scope.property(id, attribute) {
                    Some(property) => self.value_of(scope, property),
                    None => Ok(Value::null(place)),
                };
            }
            (kind, attribute) => {
                let why = format!("{attribute} of {id}, an {kind}, exists only on AWS");
                return Ok(unknown(place, why));
            }
        };
        Ok(Value::text(place, text))
    }

    fn make_reference(
        &self,
        scope: &Scope,
        place: Place,
        id: &str,
        kind: &str,
    ) -> Result<Value, ProjectError> {
        let path = format!("{}{id}", scope.prefix);
        let text = match kind {
            "AWS::SQS::Queue" => url_of(Target::Queue, &self.name(scope, place, id)?),
            "AWS::Lambda::Url" => {
                return match scope.property(id, "TargetFunctionArn") {
                    Some(function) => self.function_arn(scope, place, function),
                    None => Ok(unknown(place, format!("{id} has no TargetFunctionArn"))),
                };
            }
            "AWS::Lambda::Version" => {
                let number = self.version(scope, place, id)?;
                return self.qualified(scope, place, id, Some(Value::plain(place, number)));
            }
            "AWS::Lambda::Alias" => {
                let name = match scope.property(id, "Name") {
                    Some(name) => Some(self.value_of(scope, name)?),
                    None => None,
                };
                return self.qualified(scope, place, id, name);
            }
            "AWS::Lambda::LayerVersion" => {
                let name = match scope.property(id, "LayerName") {
                    Some(name) => self.value_of(scope, name)?.as_text().map(Into::into),
                    None => None,
                };
                let name: String = name.unwrap_or_else(|| path.replace('/', "-"));
                self.arn("lambda", &format!("layer:{name}:1"))
            }
            "AWS::ApiGateway::Stage" | "AWS::ApiGatewayV2::Stage" => {
                match scope.property(id, "StageName") {
                    Some(name) => {
                        return self
                            .value_of(scope, name)
                            .map(|name| Value::new(place, name.kind));
                    }
                    None => id.to_owned(),
                }
            }
            "AWS::Cognito::UserPool" => self.pool(scope, id),
            "AWS::Cognito::UserPoolClient"
            | "AWS::ApiGateway::RestApi"
            | "AWS::ApiGateway::Resource"
            | "AWS::ApiGateway::Deployment"
            | "AWS::ApiGateway::Authorizer"
            | "AWS::ApiGateway::RequestValidator"
            | "AWS::ApiGateway::ApiKey"
            | "AWS::ApiGateway::UsagePlan"
            | "AWS::ApiGatewayV2::Api"
            | "AWS::ApiGatewayV2::Integration"
            | "AWS::ApiGatewayV2::Route"
            | "AWS::ApiGatewayV2::Authorizer"
            | "AWS::ApiGatewayV2::Deployment"
            | "AWS::ApiGatewayV2::Model"
            | "AWS::Lambda::EventSourceMapping" => api_id(&path),
            "AWS::SNS::Topic"
            | "AWS::StepFunctions::StateMachine"
            | "AWS::Serverless::StateMachine"
            | "AWS::SecretsManager::Secret"
            | "AWS::ElasticLoadBalancingV2::LoadBalancer"
            | "AWS::ElasticLoadBalancingV2::TargetGroup"
            | "AWS::ElasticLoadBalancingV2::Listener"
            | "AWS::ElasticLoadBalancingV2::ListenerRule"
            | "AWS::CloudFormation::Stack"
            | "AWS::Serverless::Application" => self.arn_of(scope, place, id, kind)?,
            kind if is_custom(kind) => {
                let why = format!("{id}, an {kind}, exists only on AWS");
                return Ok(unknown(place, why));
            }
            _ => self.name(scope, place, id)?,
        };
        Ok(Value::text(place, text))
    }

    /// The ARN of a resource, in the shape that it has on AWS.
    fn arn_of(
        &self,
        scope: &Scope,
        place: Place,
        id: &str,
        kind: &str,
    ) -> Result<String, ProjectError> {
        let name = self.name(scope, place, id)?;
        let (partition, account) = (self.partition(), &self.context.options.account);
        Ok(match kind {
            "AWS::SQS::Queue" => self.arn("sqs", &name),
            "AWS::SNS::Topic" => self.arn("sns", &name),
            "AWS::DynamoDB::Table" | "AWS::DynamoDB::GlobalTable" => {
                self.arn("dynamodb", &format!("table/{name}"))
            }
            "AWS::Kinesis::Stream" => self.arn("kinesis", &format!("stream/{name}")),
            "AWS::KinesisFirehose::DeliveryStream" => {
                self.arn("firehose", &format!("deliverystream/{name}"))
            }
            "AWS::IAM::ManagedPolicy" => format!("arn:{partition}:iam::{account}:policy/{name}"),
            _ if kind.starts_with("AWS::IAM::") => {
                let last = kind.rsplit("::").next().unwrap_or_default().to_lowercase();
                format!("arn:{partition}:iam::{account}:{last}/{name}")
            }
            "AWS::Events::Rule" => match scope.property(id, "EventBusName") {
                Some(bus) => {
                    let bus = self.value_of(scope, bus)?;
                    let bus = bus.as_str().unwrap_or("default");
                    let bus = bus.rsplit('/').next().unwrap_or(bus);
                    self.arn("events", &format!("rule/{bus}/{name}"))
                }
                None => self.arn("events", &format!("rule/{name}")),
            },
            "AWS::Events::EventBus" => self.arn("events", &format!("event-bus/{name}")),
            "AWS::Scheduler::Schedule" => {
                self.arn("scheduler", &format!("schedule/default/{name}"))
            }
            "AWS::StepFunctions::StateMachine" | "AWS::Serverless::StateMachine" => {
                self.arn("states", &format!("stateMachine:{name}"))
            }
            "AWS::SecretsManager::Secret" => self.arn("secretsmanager", &format!("secret:{name}")),
            "AWS::Cognito::UserPool" => {
                let pool = self.pool(scope, id);
                self.arn("cognito-idp", &format!("userpool/{pool}"))
            }
            "AWS::Logs::LogGroup" => self.arn("logs", &format!("log-group:{name}:*")),
            "AWS::KMS::Key" => self.arn("kms", &format!("key/{name}")),
            "AWS::CloudFormation::Stack" | "AWS::Serverless::Application" => self.arn(
                "cloudformation",
                &format!("stack/{name}/00000000-0000-0000-0000-000000000000"),
            ),
            "AWS::ElasticLoadBalancingV2::LoadBalancer" => self.arn(
                "elasticloadbalancing",
                &format!("loadbalancer/app/{name}/{}", api_id(id)),
            ),
            "AWS::ElasticLoadBalancingV2::TargetGroup" => self.arn(
                "elasticloadbalancing",
                &format!("targetgroup/{name}/{}", api_id(id)),
            ),
            _ => {
                let mut parts = kind.splitn(3, "::").skip(1);
                let service = parts.next().unwrap_or_default().to_lowercase();
                let last = parts.next().unwrap_or_default().to_lowercase();
                self.arn(&service, &format!("{last}/{name}"))
            }
        })
    }

    fn pool(&self, scope: &Scope, id: &str) -> String {
        format!(
            "{}_{}",
            self.region,
            api_id(&format!("{}{id}", scope.prefix))
        )
    }

    /// The ARN of the function that a property names, without a qualifier.
    fn function_arn(
        &self,
        scope: &Scope,
        place: Place,
        function: &Value,
    ) -> Result<Value, ProjectError> {
        let value = self.value_of(scope, function)?;
        Ok(match value.as_str().map(function_name) {
            Some(Some((name, _))) => {
                Value::text(place, self.arn("lambda", &format!("function:{name}")))
            }
            _ => unknown(
                place,
                value.as_unknown().unwrap_or("the function is not known"),
            ),
        })
    }

    /// The ARN of the version or alias of the function that a resource is of.
    fn qualified(
        &self,
        scope: &Scope,
        place: Place,
        id: &str,
        qualifier: Option<Value>,
    ) -> Result<Value, ProjectError> {
        let function = match scope.property(id, "FunctionName") {
            Some(function) => self.function_arn(scope, place, function)?,
            None => return Ok(unknown(place, format!("{id} has no FunctionName"))),
        };
        let qualifier = qualifier.as_ref().and_then(Value::as_text);
        Ok(match (function.as_str(), qualifier) {
            (Some(arn), Some(qualifier)) => Value::text(place, format!("{arn}:{qualifier}")),
            (Some(_), None) => unknown(place, format!("{id} has no Name")),
            (None, _) => function,
        })
    }

    /// The number of a version: those of a function are counted in the order of the template.
    fn version(&self, scope: &Scope, place: Place, id: &str) -> Result<usize, ProjectError> {
        if let Some(number) = scope
            .versions
            .borrow()
            .as_ref()
            .and_then(|versions| versions.get(id))
        {
            return Ok(*number);
        }
        let mut counts: HashMap<String, usize> = HashMap::new();
        let mut versions = HashMap::new();
        for (id, member) in scope.section("Resources").into_iter().flatten() {
            if scope.kind(id) != Some("AWS::Lambda::Version")
                || !self.is_included(scope, &member.value)?
            {
                continue;
            }
            let function = match scope.property(id, "FunctionName") {
                Some(function) => self.function_arn(scope, place, function)?,
                None => continue,
            };
            let count = counts
                .entry(function.as_str().unwrap_or_default().to_owned())
                .or_default();
            *count += 1;
            versions.insert(id.clone(), *count);
        }
        let number = versions.get(id).copied().unwrap_or(1);
        *scope.versions.borrow_mut() = Some(versions);
        Ok(number)
    }

    /// Whether the condition of a resource or an output holds.
    pub fn is_included(&self, scope: &Scope, resource: &Value) -> Result<bool, ProjectError> {
        match resource.get("Condition") {
            Some(condition) => {
                let name = condition.as_str().unwrap_or_default();
                self.condition(scope, condition.place, name)
            }
            None => Ok(true),
        }
    }
}

fn is_custom(kind: &str) -> bool {
    kind.starts_with("Custom::") || kind == "AWS::CloudFormation::CustomResource"
}

fn resource_ids(scope: &Scope) -> impl Iterator<Item = &str> {
    scope
        .section("Resources")
        .into_iter()
        .flatten()
        .map(|(id, _)| id.as_str())
}
