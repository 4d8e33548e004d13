//! `AWS::Serverless::Function`.

use crate::file::Place;
use crate::value::{Kind, Map, Value};

use super::attributes::Attributes;
use super::build::{At, copy};
use super::expansion::{Expansion, Target};
use super::{api_events, schema};

/// The properties that a function of Lambda has under the same names.
const SAME: [&str; 23] = [
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
    let (place_of_code, code) = code(properties, place);
    lambda.insert("Code", place_of_code, code);
    if properties.get("Role").is_none() {
        let role = format!("{id}Role");
        expansion.add_role(role, place, attributes.clone());
    }
    expansion.replace(id, "AWS::Lambda::Function", lambda);
    let target = Target {
        function: id.to_owned(),
        alias: None,
        attributes,
    };
    events(expansion, properties, &target);
}

/// The code, with the place where it is named.
fn code(properties: &Value, place: Place) -> (Place, Value) {
    let is_image = properties.text_of("PackageType").as_deref() == Some("Image");
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
        super::build::copy_as(value, "Bucket", &mut object, "S3Bucket");
        super::build::copy_as(value, "Key", &mut object, "S3Key");
        super::build::copy_as(value, "Version", &mut object, "S3ObjectVersion");
    } else {
        return value.clone();
    }
    Value::new(value.place, Kind::Map(object))
}

fn events(expansion: &mut Expansion<'_>, properties: &Value, target: &Target) {
    let Some(events) = properties.get("Events").and_then(Value::as_map) else {
        return;
    };
    for (event_id, member) in events {
        let Some(kind) = member.value.get("Type").and_then(Value::as_str) else {
            continue;
        };
        if !schema::is_event(kind) {
            continue;
        }
        let name = format!("{}.Events.{event_id}", target.function);
        let place = member.place;
        let empty = Value::new(place, Kind::Map(Map::default()));
        let properties = member.value.get("Properties").unwrap_or(&empty);
        match kind {
            "Api" | "HttpApi" => {
                api_events::collect(expansion, kind, place, name, properties, target);
            }
            _ => expansion.refuse(place, format!("{name}: {kind} events are not read yet")),
        }
    }
}
