//! `s3` events: buckets with notifications.
//!
//! Contract: a bucket of an event is made here, with what `provider.s3` says of it. One that exists already gets its
//! notifications in the way of CDK; if nothing in the template is this bucket, it is made, too, as it has to exist here.

use indexmap::IndexMap;

use super::super::names;
use super::super::service::{Function, Service};
use crate::cfn::{Body, Compiled};
use crate::file::Place;
use crate::value::{Map, Value};

const EVENT: &str = "s3:ObjectCreated:*";

/// A bucket that events make.
struct Bucket<'s> {
    place: Place,
    /// The name in the events, which may be a key of `provider.s3`.
    key: String,
    settings: Option<&'s Value>,
    configurations: Vec<Value>,
}

/// Adds the buckets of all events.
pub fn compile(service: &Service<'_>, compiled: &mut Compiled) {
    let mut buckets: IndexMap<String, Bucket<'_>> = IndexMap::new();
    let mut existing = 0;
    for function in service.functions.values() {
        for (place, event) in function.events_of("s3") {
            let bucket = event.get("bucket").unwrap_or(event);
            if event.get("existing").and_then(Value::as_bool) == Some(true) {
                existing += 1;
                compile_existing(service, function, place, event, bucket, existing, compiled);
                continue;
            }
            let what = format!("the bucket of an s3 event of {}", function.key);
            if bucket.as_map().is_some() {
                service.refuse(place, format!("{what} is made by the event, and needs a name: add `existing: true` if it is there already"));
                continue;
            }
            let Some(key) = service.needed_text(bucket, &what) else {
                continue;
            };
            let settings = service.provider.at(&["s3", &key]);
            let name = settings
                .and_then(|settings| settings.get("name"))
                .and_then(Value::as_str)
                .unwrap_or(&key)
                .to_owned();
            let entry = buckets.entry(name).or_insert_with(|| Bucket {
                place,
                key,
                settings,
                configurations: Vec::new(),
            });
            entry
                .configurations
                .push(configuration(function, place, event));
        }
    }
    for (name, bucket) in buckets {
        compile_bucket(&name, bucket, compiled);
    }
}

fn compile_bucket(name: &str, bucket: Bucket<'_>, compiled: &mut Compiled) {
    let place = bucket.place;
    let mut notifications = Body::new(place).set(
        "LambdaConfigurations",
        Value::list(place, bucket.configurations),
    );
    let mut body = Body::new(place).text("BucketName", name);
    let mut rest = Vec::new();
    for (key, value) in bucket.settings.into_iter().flat_map(Value::members) {
        match names::upper_first(key).as_str() {
            "Name" => {}
            "NotificationConfiguration" => {
                for (key, value) in value.members() {
                    notifications = notifications.set(key, value.clone());
                }
            }
            property => rest.push((property.to_owned(), value.clone())),
        }
    }
    body = body.set("NotificationConfiguration", notifications.done());
    for (property, value) in rest {
        body = body.set(&property, value);
    }
    compiled.add(
        format!("S3Bucket{}", names::alphanumeric(&bucket.key)),
        "AWS::S3::Bucket",
        body,
    );
}

fn event_name(place: Place, event: &Value) -> Value {
    event
        .get("event")
        .cloned()
        .unwrap_or_else(|| Value::text(place, EVENT))
}

/// The rules of an event as pairs of `prefix` or `suffix`, and its value.
fn rules(event: &Value) -> Vec<(String, Value)> {
    let rules = event.get("rules").map(Value::items).unwrap_or_default();
    let pairs = rules
        .iter()
        .filter_map(|rule| rule.as_map().and_then(Map::only));
    pairs
        .map(|(name, value)| (name.to_owned(), value.clone()))
        .collect()
}

fn configuration(function: &Function, place: Place, event: &Value) -> Value {
    let body = Body::new(place)
        .set("Event", event_name(place, event))
        .set("Function", function.target(place));
    let rules: Vec<Value> = rules(event)
        .into_iter()
        .map(|(name, value)| {
            Body::new(place)
                .text("Name", name)
                .set("Value", value)
                .done()
        })
        .collect();
    if rules.is_empty() {
        return body.done();
    }
    let key = Body::new(place)
        .set("Rules", Value::list(place, rules))
        .done();
    body.set("Filter", Body::new(place).set("S3Key", key).done())
        .done()
}

fn compile_existing(
    service: &Service<'_>,
    function: &Function,
    place: Place,
    event: &Value,
    bucket: &Value,
    number: usize,
    compiled: &mut Compiled,
) {
    if let Some(name) = bucket.as_str() {
        let resources = service.resources.get("Resources");
        let is_this = |resource: &Value| {
            resource
                .at(&["Properties", "BucketName"])
                .and_then(Value::as_str)
                == Some(name)
        };
        let is_here = resources
            .into_iter()
            .flat_map(Value::members)
            .any(|(_, resource)| is_this(resource));
        let id = format!("S3Bucket{}", names::alphanumeric(name));
        if !is_here && !compiled.has(&id) {
            compiled.add(
                id,
                "AWS::S3::Bucket",
                Body::new(place).text("BucketName", name),
            );
            let text = format!("the bucket {name} exists on AWS; here it is made, and empty");
            service.context.report.note(place, text);
        }
    }
    let events = Value::list(place, vec![event_name(place, event)]);
    let mut body = Body::new(place)
        .set("LambdaFunctionArn", function.target(place))
        .set("Events", events);
    let rules: Vec<Value> = rules(event)
        .into_iter()
        .map(|(name, value)| {
            Body::new(place)
                .text("Name", name)
                .set("Value", value)
                .done()
        })
        .collect();
    if !rules.is_empty() {
        let key = Body::new(place)
            .set("FilterRules", Value::list(place, rules))
            .done();
        body = body.set("Filter", Body::new(place).set("Key", key).done());
    }
    let configurations = Value::list(place, vec![body.done()]);
    let notifications = Body::new(place).set("LambdaFunctionConfigurations", configurations);
    let body = Body::new(place)
        .set("BucketName", bucket.clone())
        .set("NotificationConfiguration", notifications.done());
    compiled.add(
        format!("{}CustomS3{number}", function.prefix()),
        "Custom::S3BucketNotifications",
        body,
    );
}
