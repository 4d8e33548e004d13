//! Events that Lambda polls for: `sqs`, `stream`, `msk`, `kafka`, `activemq` and `rabbitmq`, as event source mappings.

use super::super::names;
use super::super::service::{Function, Service};
use crate::cfn::{self, Body, Compiled};
use crate::file::Place;
use crate::value::{Map, Value};

/// How many records a batch has unless it is said.
const BATCH: u32 = 10;

const KIND: &str = "AWS::Lambda::EventSourceMapping";

/// Members that are called the same in all events, with their properties.
const COMMON: [(&str, &str); 2] = [("BatchSize", "batchSize"), ("Enabled", "enabled")];

/// What a part of Kafka's `accessConfigurations` is, and what precedes its values.
const ACCESS: [(&str, &str, &str); 7] = [
    ("vpcSubnet", "VPC_SUBNET", "subnet:"),
    ("vpcSecurityGroup", "VPC_SECURITY_GROUP", "security_group:"),
    ("saslPlainAuth", "BASIC_AUTH", ""),
    ("saslScram256Auth", "SASL_SCRAM_256_AUTH", ""),
    ("saslScram512Auth", "SASL_SCRAM_512_AUTH", ""),
    (
        "clientCertificateTlsAuth",
        "CLIENT_CERTIFICATE_TLS_AUTH",
        "",
    ),
    ("serverRootCaCertificate", "SERVER_ROOT_CA_CERTIFICATE", ""),
];

/// Adds the mapping of an `sqs` event.
pub fn queue(
    service: &Service<'_>,
    function: &Function,
    place: Place,
    event: &Value,
    compiled: &mut Compiled,
) {
    let Some((arn, name)) = source(service, function, place, event, ":") else {
        return;
    };
    let mut body = mapping(function, place, event, Some(arn));
    body = with_default(
        body,
        event,
        "BatchSize",
        "batchSize",
        Value::plain(place, BATCH),
    );
    body = with_default(body, event, "Enabled", "enabled", Value::plain(place, true));
    body = body.take(
        event,
        &[("MaximumBatchingWindowInSeconds", "maximumBatchingWindow")],
    );
    if let Some(concurrency) = event.get("maximumConcurrency") {
        let config = Body::new(concurrency.place).set("MaximumConcurrency", concurrency.clone());
        body = body.set("ScalingConfig", config.done());
    }
    let id = format!(
        "{}EventSourceMappingSQS{}",
        function.prefix(),
        names::alphanumeric(&name)
    );
    compiled.add(id, KIND, body);
}

/// Adds the mapping of a `stream` event.
pub fn stream(
    service: &Service<'_>,
    function: &Function,
    place: Place,
    event: &Value,
    compiled: &mut Compiled,
) {
    let Some((arn, name)) = source(service, function, place, event, "/") else {
        return;
    };
    let kind = match event.text_of("type") {
        Some(kind) => kind.into_owned(),
        None => arn
            .as_str()
            .and_then(|arn| arn.split(':').nth(2))
            .unwrap_or("dynamodb")
            .to_owned(),
    };
    let mut source = arn.clone();
    match event.get("consumer") {
        Some(consumer) if kind == "kinesis" && consumer.as_bool() == Some(true) => {
            let consumer_name = format!("{}{name}Consumer", function.key);
            let id = format!("{}StreamConsumer", names::normalized(&consumer_name));
            let body = Body::new(place)
                .set("StreamARN", arn)
                .text("ConsumerName", &consumer_name);
            compiled.add(&id, "AWS::Kinesis::StreamConsumer", body);
            source = cfn::reference(place, &id);
        }
        Some(consumer) if kind == "kinesis" && consumer.as_bool().is_none() => {
            source = consumer.clone()
        }
        _ => {}
    }
    let mut body = mapping(function, place, event, Some(source));
    body = with_default(
        body,
        event,
        "BatchSize",
        "batchSize",
        Value::plain(place, BATCH),
    );
    body = with_default(body, event, "Enabled", "enabled", Value::plain(place, true));
    body = with_default(
        body,
        event,
        "StartingPosition",
        "startingPosition",
        Value::text(place, "TRIM_HORIZON"),
    );
    body = body.take(
        event,
        &[
            ("ParallelizationFactor", "parallelizationFactor"),
            ("StartingPositionTimestamp", "startingPositionTimestamp"),
            ("MaximumBatchingWindowInSeconds", "batchWindow"),
            ("MaximumRetryAttempts", "maximumRetryAttempts"),
            ("BisectBatchOnFunctionError", "bisectBatchOnFunctionError"),
            ("MaximumRecordAgeInSeconds", "maximumRecordAgeInSeconds"),
            ("TumblingWindowInSeconds", "tumblingWindowInSeconds"),
        ],
    );
    if let Some(destination) = event.at(&["destinations", "onFailure"]) {
        let arn = destination.get("arn").unwrap_or(destination).clone();
        body = body.set("DestinationConfig", on_failure(arn));
    }
    let id = format!(
        "{}EventSourceMapping{}{}",
        function.prefix(),
        names::upper_first(&kind),
        names::alphanumeric(&name)
    );
    compiled.add(id, KIND, body);
}

/// Adds the mapping of an `msk` event.
pub fn msk(
    service: &Service<'_>,
    function: &Function,
    place: Place,
    event: &Value,
    compiled: &mut Compiled,
) {
    let Some((arn, cluster)) = source(service, function, place, event, "/") else {
        return;
    };
    // The cluster's ARN has an identifier after the name.
    let cluster = arn
        .as_str()
        .and_then(|arn| arn.split('/').nth(1))
        .map_or(cluster, str::to_owned);
    let topic = event.text_of("topic").unwrap_or_default().into_owned();
    let mut body = kafka_mapping(function, place, event, Some(arn));
    if let Some(group) = event.get("consumerGroupId") {
        let config = Body::new(group.place).set("ConsumerGroupId", group.clone());
        body = body.set("AmazonManagedKafkaEventSourceConfig", config.done());
    }
    if let Some(secret) = event.get("saslScram512") {
        body = body.set(
            "SourceAccessConfigurations",
            Value::list(place, vec![access("SASL_SCRAM_512_AUTH", secret.clone())]),
        );
    }
    let id = format!(
        "{}EventSourceMappingMSK{}{}",
        function.prefix(),
        shortened(&cluster, 79),
        shortened(&topic, 79)
    );
    compiled.add(id, KIND, body);
}

/// Adds the mapping of a `kafka` event.
pub fn kafka(function: &Function, place: Place, event: &Value, compiled: &mut Compiled) {
    let topic = event.text_of("topic").unwrap_or_default().into_owned();
    let mut body = kafka_mapping(function, place, event, None);
    if let Some(servers) = event.get("bootstrapServers") {
        let endpoints = Body::new(place)
            .set("KafkaBootstrapServers", servers.clone())
            .done();
        body = body.set(
            "SelfManagedEventSource",
            Body::new(place).set("Endpoints", endpoints).done(),
        );
    }
    let mut configurations = Vec::new();
    for (key, value) in event
        .get("accessConfigurations")
        .into_iter()
        .flat_map(Value::members)
    {
        let known = ACCESS.iter().find(|(name, _, _)| *name == key);
        let (kind, prefix) = known.map_or((key, ""), |(_, kind, prefix)| (kind, prefix));
        for item in value.items() {
            let uri = match item.as_str() {
                Some(text) => Value::text(item.place, format!("{prefix}{text}")),
                None => item.clone(),
            };
            configurations.push(access(kind, uri));
        }
    }
    body = body.set(
        "SourceAccessConfigurations",
        Value::list(place, configurations),
    );
    if let Some(group) = event.get("consumerGroupId") {
        let config = Body::new(group.place).set("ConsumerGroupId", group.clone());
        body = body.set("SelfManagedKafkaEventSourceConfig", config.done());
    }
    let id = format!(
        "{}EventSourceMappingKafka{}",
        function.prefix(),
        shortened(&topic, 158)
    );
    compiled.add(id, KIND, body);
}

/// Adds the mapping of an `activemq` or `rabbitmq` event.
pub fn broker(
    function: &Function,
    place: Place,
    event: &Value,
    word: &str,
    compiled: &mut Compiled,
) {
    let queue = event
        .get("queue")
        .cloned()
        .unwrap_or_else(|| Value::null(place));
    let mut configurations = Vec::new();
    for (key, kind) in [
        ("basicAuthArn", "BASIC_AUTH"),
        ("virtualHost", "VIRTUAL_HOST"),
    ] {
        configurations.extend(event.get(key).map(|value| access(kind, value.clone())));
    }
    let body = mapping(function, place, event, event.get("arn").cloned())
        .take(event, &COMMON)
        .take(
            event,
            &[("MaximumBatchingWindowInSeconds", "maximumBatchingWindow")],
        )
        .set("Queues", Value::list(place, vec![queue.clone()]))
        .set(
            "SourceAccessConfigurations",
            Value::list(place, configurations),
        );
    let name = shortened(queue.as_str().unwrap_or_default(), 150);
    compiled.add(
        format!("{}EventSourceMapping{word}{name}", function.prefix()),
        KIND,
        body,
    );
}

fn mapping(function: &Function, place: Place, event: &Value, arn: Option<Value>) -> Body {
    let mut body = Body::new(place)
        .set_some("EventSourceArn", arn)
        .set("FunctionName", function.target(place));
    if let Some(kind) = event.get("functionResponseType") {
        body = body.set(
            "FunctionResponseTypes",
            Value::list(kind.place, vec![kind.clone()]),
        );
    }
    if let Some(patterns) = event.get("filterPatterns") {
        let filters = patterns.items().iter().map(|pattern| {
            let text = Value::text(pattern.place, cfn::json(pattern));
            Body::new(pattern.place).set("Pattern", text).done()
        });
        let filters = Value::list(patterns.place, filters.collect());
        body = body.set(
            "FilterCriteria",
            Body::new(patterns.place).set("Filters", filters).done(),
        );
    }
    body
}

fn kafka_mapping(function: &Function, place: Place, event: &Value, arn: Option<Value>) -> Body {
    let topic = event
        .get("topic")
        .cloned()
        .unwrap_or_else(|| Value::null(place));
    let mut body =
        mapping(function, place, event, arn).set("Topics", Value::list(place, vec![topic]));
    body = with_default(
        body,
        event,
        "StartingPosition",
        "startingPosition",
        Value::text(place, "TRIM_HORIZON"),
    );
    body = body.take(event, &COMMON).take(
        event,
        &[
            ("MaximumBatchingWindowInSeconds", "maximumBatchingWindow"),
            ("StartingPositionTimestamp", "startingPositionTimestamp"),
        ],
    );
    if let Some(destination) = event.get("onFailureDestination") {
        body = body.set("DestinationConfig", on_failure(destination.clone()));
    }
    if let Some(pollers) = event.get("provisionedPollerConfig") {
        let keys = [
            ("MinimumPollers", "minimumPollers"),
            ("MaximumPollers", "maximumPollers"),
        ];
        body = body.set(
            "ProvisionedPollerConfig",
            Body::new(pollers.place).take(pollers, &keys).done(),
        );
    }
    body
}

/// A member of the event, or the default.
fn with_default(body: Body, event: &Value, property: &str, key: &str, default: Value) -> Body {
    body.set(property, event.get(key).cloned().unwrap_or(default))
}

fn on_failure(arn: Value) -> Value {
    let place = arn.place;
    let destination = Body::new(place).set("Destination", arn).done();
    Body::new(place).set("OnFailure", destination).done()
}

fn access(kind: &str, uri: Value) -> Value {
    Body::new(uri.place)
        .text("Type", kind)
        .set("URI", uri)
        .done()
}

/// The ARN of an event's source, and its name: what is referred to, or the part of the ARN behind the separator.
fn source(
    service: &Service<'_>,
    function: &Function,
    place: Place,
    event: &Value,
    separator: &str,
) -> Option<(Value, String)> {
    let arn = match event.as_str() {
        Some(_) => event,
        None => event.get("arn").unwrap_or(event),
    };
    let name = match arn.as_str() {
        Some(text) if separator == "/" => text.split('/').nth(1).map(str::to_owned),
        Some(text) => text.rsplit(separator).next().map(str::to_owned),
        None => arn
            .as_map()
            .and_then(Map::only)
            .and_then(|(kind, argument)| match kind {
                "Fn::GetAtt" => argument.items().first()?.as_str().map(str::to_owned),
                "Fn::Join" => {
                    let last = argument.items().get(1)?.items().last()?.as_str()?;
                    last.rsplit(separator).next().map(str::to_owned)
                }
                _ => argument.as_str().map(str::to_owned),
            }),
    };
    if name.is_none() {
        let why = arn
            .as_unknown()
            .unwrap_or("write `arn:` with an ARN, or with `Fn::GetAtt: [RESOURCE, Arn]`");
        service.refuse(
            place,
            format!(
                "the source of an event of {} is not known: {why}",
                function.key
            ),
        );
    }
    Some((arn.clone(), name?))
}

fn shortened(name: &str, letters: usize) -> String {
    names::alphanumeric(name).chars().take(letters).collect()
}
