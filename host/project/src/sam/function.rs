//! `AWS::Serverless::Function`.

use crate::file::Place;
use crate::value::{Kind, Map, Member, Value};

use super::attributes::Attributes;
use super::build::{At, copy, copy_as, is_intrinsic};
use super::event::Event;
use super::expansion::{Expansion, Target};
use super::{api_events, notifications, polling, publish, schedules};

/// The properties that a function of Lambda has under the same names.
const SAME: [&str; 26] = [
    "FunctionName",
    "Handler",
    "Runtime",
    "Description",
    "MemorySize",
    "Timeout",
    "VpcConfig",
    "Role",
    "Environment",
    "KmsKeyArn",
    "ReservedConcurrentExecutions",
    "Layers",
    "FileSystemConfigs",
    "ImageConfig",
    "PackageType",
    "Architectures",
    "SnapStart",
    "EphemeralStorage",
    "CodeSigningConfigArn",
    "RuntimeManagementConfig",
    "LoggingConfig",
    "RecursiveLoop",
    "TenancyConfig",
    "DurableConfig",
    "FunctionScalingConfig",
    "PublishToLatestPublished",
];

/// Replaces a function, and adds what belongs to it.
pub(super) fn expand(expansion: &mut Expansion<'_>, id: &str) {
    let Some((place, resource)) = expansion.resource(id) else {
        return;
    };
    let empty = Value::new(place, Kind::Map(Map::default()));
    let properties = resource.get("Properties").unwrap_or(&empty);
    let attributes = Attributes::of(&resource);
    let mut lambda = Map::default();
    copy(properties, &mut lambda, &SAME);
    let (place_of_code, code) = code(expansion, properties, place);
    lambda.insert("Code", place_of_code, code);
    others(expansion, id, properties, &mut lambda);
    if properties.get("DeploymentPreference").is_some() {
        let property = "DeploymentPreference of AWS::Serverless::Function".to_owned();
        let resources = expansion.without_effect.entry(property).or_default();
        resources.push(id.to_owned());
    }
    let role = properties.get("Role");
    if role.is_none_or(|role| role.get("Fn::If").is_some()) {
        expansion.add_role(format!("{id}Role"), place, attributes.clone());
    }
    expansion.replace(id, "AWS::Lambda::Function", lambda);
    let alias = publish::alias(expansion, id, properties, &attributes);
    let target = Target {
        function: id.to_owned(),
        alias,
        attributes,
    };
    publish::url(expansion, properties, &target);
    publish::invoke_config(expansion, properties, &target);
    events(expansion, properties, &target);
}

/// The properties that Lambda has in another form.
fn others(expansion: &Expansion<'_>, id: &str, properties: &Value, lambda: &mut Map) {
    if let Some(tags) = properties.get("Tags").and_then(tag_list) {
        lambda.insert("Tags", tags.place, tags);
    }
    if let Some(mode) = properties.get("Tracing")
        && expansion.literal(mode).as_deref() != Some("Disabled")
    {
        let at = At(mode.place);
        lambda.insert(
            "TracingConfig",
            mode.place,
            at.map([("Mode", mode.clone())]),
        );
    }
    if let Some(queue) = properties.get("DeadLetterQueue") {
        let is_known = matches!(queue.text_of("Type").as_deref(), Some("SQS" | "SNS"));
        match queue.get("TargetArn").filter(|_| is_known) {
            Some(arn) => {
                let config = At(queue.place).map([("TargetArn", arn.clone())]);
                lambda.insert("DeadLetterConfig", queue.place, config);
            }
            None => expansion.refuse(
                queue.place,
                format!("DeadLetterQueue of {id} needs a TargetArn, and a Type: SQS or SNS"),
            ),
        }
    }
    if let Some(config) = properties.get("CapacityProviderConfig") {
        let mut instances = Map::default();
        copy_as(config, "Arn", &mut instances, "CapacityProviderArn");
        let keys = [
            "PerExecutionEnvironmentMaxConcurrency",
            "ExecutionEnvironmentMemoryGiBPerVCpu",
        ];
        copy(config, &mut instances, &keys);
        let instances = Value::new(config.place, Kind::Map(instances));
        let key = "LambdaManagedInstancesCapacityProviderConfig";
        let provider = At(config.place).map([(key, instances)]);
        lambda.insert("CapacityProviderConfig", config.place, provider);
    }
}

/// A map of tags as a list of keys and values.
pub(super) fn tag_list(tags: &Value) -> Option<Value> {
    let tag = |(key, member): (&String, &Member)| {
        let at = At(member.place);
        at.map([("Key", at.text(key)), ("Value", member.value.clone())])
    };
    let tags = Some(tags).filter(|tags| !is_intrinsic(tags))?;
    let list = tags.as_map()?.iter().map(tag).collect();
    Some(Value::list(tags.place, list))
}

/// The code, with the place where it is named.
fn code(expansion: &Expansion<'_>, properties: &Value, place: Place) -> (Place, Value) {
    let package = properties.get("PackageType");
    let package = package.and_then(|package| expansion.literal(package));
    let is_image = package.as_deref() == Some("Image");
    if is_image {
        return match properties.get("ImageUri") {
            Some(image) => (
                image.place,
                At(image.place).map([("ImageUri", image.clone())]),
            ),
            None => (place, At(place).map([])),
        };
    }
    if let Some(code) = properties.get("InlineCode") {
        return (code.place, At(code.place).map([("ZipFile", code.clone())]));
    }
    match properties.get("CodeUri") {
        Some(code) => (code.place, location(code)),
        None => (place, At(place).text(".")),
    }
}

/// `s3://bucket/key?versionId=v`, or a map of these, as CloudFormation has it. Other texts are paths, and stay.
pub(super) fn location(value: &Value) -> Value {
    let at = At(value.place);
    let mut object = Map::default();
    if let Some(uri) = value.as_str().and_then(|text| text.strip_prefix("s3://")) {
        let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        object.insert("S3Bucket", value.place, at.text(bucket));
        object.insert("S3Key", value.place, at.text(key));
        if let Some(version) = query.strip_prefix("versionId=") {
            object.insert("S3ObjectVersion", value.place, at.text(version));
        }
    } else if value.get("Bucket").is_some() {
        copy_as(value, "Bucket", &mut object, "S3Bucket");
        copy_as(value, "Key", &mut object, "S3Key");
        copy_as(value, "Version", &mut object, "S3ObjectVersion");
    } else {
        return value.clone();
    }
    Value::new(value.place, Kind::Map(object))
}

fn events(expansion: &mut Expansion<'_>, properties: &Value, target: &Target) {
    let Some(events) = properties.get("Events").and_then(Value::as_map) else {
        return;
    };
    let mut events: Vec<(&String, &Member)> = events.iter().collect();
    // The order in which AWS's translator adds what belongs to them.
    events.sort_by_key(|(id, member)| {
        let path = member.value.at(&["Properties", "Path"]);
        path.and_then(Value::as_str).unwrap_or(id)
    });
    for (id, member) in events {
        let Some(kind) = member.value.get("Type").and_then(Value::as_str) else {
            continue;
        };
        let empty = Value::new(member.place, Kind::Map(Map::default()));
        let event = Event {
            id: format!("{}{id}", target.function),
            name: format!("{}.Events.{id}", target.function),
            kind,
            place: member.place,
            properties: member.value.get("Properties").unwrap_or(&empty),
            target,
        };
        match kind {
            "Api" | "HttpApi" => api_events::collect(expansion, &event),
            "SQS" | "Kinesis" | "DynamoDB" | "MSK" | "SelfManagedKafka" | "MQ" | "DocumentDB" => {
                polling::expand(expansion, &event);
            }
            "Schedule" => schedules::schedule(expansion, &event),
            "ScheduleV2" => schedules::scheduler(expansion, &event),
            "EventBridgeRule" | "CloudWatchEvent" => schedules::pattern(expansion, &event),
            "S3" => notifications::bucket(expansion, &event),
            "SNS" => notifications::topic(expansion, &event),
            "Cognito" => notifications::user_pool(expansion, &event),
            "CloudWatchLogs" => notifications::log_group(expansion, &event),
            "IoTRule" => notifications::iot(expansion, &event),
            "AlexaSkill" => notifications::alexa(expansion, &event),
            // Refused by the check of the template.
            _ => {}
        }
    }
}
