//! Events that Lambda polls for: SQS, Kinesis, DynamoDB, MSK, SelfManagedKafka, MQ, DocumentDB.

use crate::value::{Kind, Map, Value};

use super::build::{copy, copy_as};
use super::event::Event;
use super::expansion::Expansion;

/// The properties that an event source mapping has under the same names.
const SAME: [&str; 20] = [
    "StartingPosition",
    "StartingPositionTimestamp",
    "BatchSize",
    "Enabled",
    "MaximumBatchingWindowInSeconds",
    "MaximumRetryAttempts",
    "BisectBatchOnFunctionError",
    "MaximumRecordAgeInSeconds",
    "ParallelizationFactor",
    "Topics",
    "Queues",
    "SourceAccessConfigurations",
    "TumblingWindowInSeconds",
    "FunctionResponseTypes",
    "FilterCriteria",
    "KmsKeyArn",
    "ScalingConfig",
    "ProvisionedPollerConfig",
    "MetricsConfig",
    "LoggingConfig",
];

/// The property with the ARN of the source, by type of event.
const SOURCES: [(&str, &str); 6] = [
    ("SQS", "Queue"),
    ("Kinesis", "Stream"),
    ("DynamoDB", "Stream"),
    ("MSK", "Stream"),
    ("MQ", "Broker"),
    ("DocumentDB", "Cluster"),
];

/// Adds the event source mapping.
pub(super) fn expand(expansion: &mut Expansion<'_>, event: &Event<'_>) {
    let at = event.at();
    let mut mapping = event.copied(&SAME);
    event.set(&mut mapping, "FunctionName", event.target.name(at));
    if let Some((_, source)) = SOURCES.iter().find(|(kind, _)| *kind == event.kind) {
        copy_as(event.properties, source, &mut mapping, "EventSourceArn");
    }
    if let Some(servers) = event.get("KafkaBootstrapServers") {
        let endpoints = at.map([("KafkaBootstrapServers", servers.clone())]);
        let source = at.map([("Endpoints", endpoints)]);
        event.set(&mut mapping, "SelfManagedEventSource", source);
    } else if event.kind == "SelfManagedKafka" {
        event.refuse(expansion, "the property KafkaBootstrapServers is missing");
    }
    let kafka = match event.kind {
        "MSK" => Some("AmazonManagedKafkaEventSourceConfig"),
        "SelfManagedKafka" => Some("SelfManagedKafkaEventSourceConfig"),
        _ => None,
    };
    if let Some(key) = kafka {
        put(
            event,
            &mut mapping,
            key,
            &["ConsumerGroupId", "SchemaRegistryConfig"],
        );
    }
    if event.kind == "DocumentDB" {
        let keys = ["DatabaseName", "CollectionName", "FullDocument"];
        put(event, &mut mapping, "DocumentDBEventSourceConfig", &keys);
    }
    if let Some(destinations) = event.get("DestinationConfig") {
        let mut destinations = destinations.clone();
        // The type of the destination only says which permissions the role needs.
        let failure = destinations
            .as_map_mut()
            .and_then(|map| map.get_mut("OnFailure"));
        if let Some(failure) = failure.and_then(Value::as_map_mut) {
            failure.remove("Type");
        }
        event.set(&mut mapping, "DestinationConfig", destinations);
    }
    event.add(expansion, "AWS::Lambda::EventSourceMapping", mapping);
}

/// Puts those of the properties that there are into a map of their own.
fn put(event: &Event<'_>, mapping: &mut Map, key: &str, keys: &[&str]) {
    let mut map = Map::default();
    copy(event.properties, &mut map, keys);
    if !map.is_empty() {
        event.set(mapping, key, Value::new(event.place, Kind::Map(map)));
    }
}
