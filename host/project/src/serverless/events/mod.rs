//! The events of functions: what calls them.
//!
//! Contract: every event becomes resources, or is refused with its place. What a type becomes is in the module of its
//! family.

mod alb;
mod http_api;
mod mapping;
mod rest;
mod s3;
mod schedule;
mod sns;
mod websocket;

use super::service::{Function, Service};
use crate::cfn::Compiled;
use crate::file::Place;

/// Types of events that are compiled together, for all functions.
const TOGETHER: [&str; 4] = ["http", "httpApi", "s3", "websocket"];

/// Types of events that have no counterpart here.
const NOT_SERVED: [&str; 7] = [
    "alexaSkill",
    "alexaSmartHome",
    "cloudFront",
    "cloudwatchLog",
    "cognitoUserPool",
    "iot",
    "iotFleetProvisioning",
];

/// Types of events that are compiled one by one.
const ONE_BY_ONE: [&str; 11] = [
    "activemq",
    "alb",
    "cloudwatchEvent",
    "eventBridge",
    "kafka",
    "msk",
    "rabbitmq",
    "schedule",
    "sns",
    "sqs",
    "stream",
];

/// Adds the resources of all events of a service.
pub fn compile(service: &Service<'_>, compiled: &mut Compiled) {
    rest::compile(service, compiled);
    http_api::compile(service, compiled);
    websocket::compile(service, compiled);
    s3::compile(service, compiled);
    for function in service.functions.values() {
        let mut schedules = 0;
        let mut cloudwatch_events = 0;
        for (index, (kind, place, event)) in function.events().enumerate() {
            match kind {
                "activemq" => mapping::broker(function, place, event, "ActiveMQ", compiled),
                "alb" => alb::compile(service, function, place, event, compiled),
                "cloudwatchEvent" => {
                    cloudwatch_events += 1;
                    schedule::cloudwatch_event(function, place, event, cloudwatch_events, compiled);
                }
                "eventBridge" => {
                    schedule::event_bridge(service, function, place, event, index + 1, compiled)
                }
                "kafka" => mapping::kafka(function, place, event, compiled),
                "msk" => mapping::msk(service, function, place, event, compiled),
                "rabbitmq" => mapping::broker(function, place, event, "RabbitMQ", compiled),
                "schedule" => {
                    schedule::schedule(service, function, place, event, &mut schedules, compiled)
                }
                "sns" => sns::compile(service, function, place, event, compiled),
                "sqs" => mapping::queue(service, function, place, event, compiled),
                "stream" => mapping::stream(service, function, place, event, compiled),
                kind if TOGETHER.contains(&kind) => {}
                kind => refuse(service, function, kind, place),
            }
        }
    }
}

fn refuse(service: &Service<'_>, function: &Function, kind: &str, place: Place) {
    let name = function.name.as_str().unwrap_or(&function.key);
    let text = if NOT_SERVED.contains(&kind) {
        format!(
            "{kind} events are not emulated, so nothing calls {}; invoke it with: lambkin invoke {name} event.json",
            function.key
        )
    } else {
        let known = TOGETHER.iter().chain(&ONE_BY_ONE).chain(&NOT_SERVED);
        let all: Vec<&str> = known.copied().collect();
        let nearest = plugin_kit::nearest::nearest(kind, &all);
        let hint = match nearest {
            Some(nearest) => format!("`{nearest}` may be meant"),
            None => format!(
                "if a plugin of the Serverless Framework adds it, invoke the function with: lambkin invoke {name} event.json"
            ),
        };
        format!("{kind} is not a type of events: {hint}")
    };
    service.refuse(place, text);
}
