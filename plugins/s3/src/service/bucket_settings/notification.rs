//! PutBucketNotificationConfiguration and GetBucketNotificationConfiguration.
//!
//! The configuration is checked as AWS checks it, and stored as the attribute `notification`. Its functions and queues
//! become triggers of the bucket, which the host runs with the trigger role of this plugin. Topics and EventBridge are
//! stored only: the host has neither.
//!
//! On failure: the error of AWS, and nothing is stored.

use serde_json::{Value, json};

use super::destination::{Destination, Kind};
use super::set_attributes;
use crate::service::call::Call;
use crate::service::error::{self, Error};
use crate::service::limits;
use crate::service::message::{self, Response};
use crate::service::store::BucketInfo;
use crate::service::xml::{Element, Writer};
use crate::{encoding, event_type};

/// The attribute that holds the document.
const NAME: &str = "notification";
/// The attribute from which the host makes triggers (see `wit/store/store.wit`).
const TRIGGERS: &str = "triggers";
const ROOT: &str = "NotificationConfiguration";
const EVENT_BRIDGE: &str = "EventBridgeConfiguration";

/// A configuration: which events go where.
struct Configuration {
    id: String,
    destination: Destination,
    events: Vec<String>,
    prefix: Option<String>,
    suffix: Option<String>,
    /// The rules of its filter, in the client's order.
    rules: Vec<(&'static str, String)>,
}

/// GetBucketNotificationConfiguration.
pub fn get(call: &mut Call<'_>) -> Result<Response, Error> {
    let bucket = call.bucket_info()?;
    let stored = message::find(&bucket.attributes, NAME).map(str::to_owned);
    Ok(Response::xml(
        stored.unwrap_or_else(|| Writer::document(ROOT, |_| {})),
    ))
}

/// PutBucketNotificationConfiguration.
pub fn put(call: &mut Call<'_>) -> Result<Response, Error> {
    let bucket = call.bucket_info()?;
    let root = call.xml(ROOT)?;
    let configurations = read(call, &root)?;
    check_ids(&configurations)?;
    check_overlaps(&configurations)?;
    let skip = call.header("x-amz-skip-destination-validation");
    if !skip.is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        check_destinations(call, &bucket, &configurations)?;
    }
    let has_event_bridge = root.child(EVENT_BRIDGE).is_some();
    let is_empty = configurations.is_empty() && !has_event_bridge;
    let document = (!is_empty).then(|| document(&configurations, has_event_bridge));
    let triggers = triggers(call, &configurations);
    let attributes = [(NAME, document), (TRIGGERS, triggers)];
    set_attributes(call, bucket, attributes)?;
    Ok(Response::new(200))
}

fn read(call: &Call<'_>, root: &Element) -> Result<Vec<Configuration>, Error> {
    let mut configurations = Vec::new();
    for child in &root.children {
        if child.name == EVENT_BRIDGE {
            continue;
        }
        let kind = Kind::of_element(&child.name).ok_or_else(|| error::MALFORMED_XML.error())?;
        let number = configurations.len();
        configurations.push(Configuration::read(call, kind, child, number)?);
    }
    if configurations.len() > limits::MAX_NOTIFICATIONS {
        return Err(error::MALFORMED_XML.error());
    }
    Ok(configurations)
}

impl Configuration {
    fn read(call: &Call<'_>, kind: Kind, element: &Element, number: usize) -> Result<Self, Error> {
        let arn = element.text_of(kind.argument()).unwrap_or_default();
        let destination = Destination::parse(kind, arn)?;
        let events: Vec<String> = element.all("Event").map(|it| it.text.clone()).collect();
        if events.is_empty() {
            return Err(error::MALFORMED_XML.error());
        }
        for event in &events {
            if !event_type::is_known(event) {
                return Err(error::invalid_argument(
                    "Event",
                    event,
                    "A specified event is not supported for notifications.",
                ));
            }
        }
        let rules = rules(element)?;
        let rule = |wanted| {
            let found = rules.iter().find(|(name, _)| *name == wanted);
            found.map(|(_, value)| value.clone())
        };
        let id = element.text_of("Id").filter(|id| !id.is_empty());
        Ok(Self {
            id: id.map_or_else(|| new_id(call, number), str::to_owned),
            destination,
            events,
            prefix: rule("Prefix"),
            suffix: rule("Suffix"),
            rules,
        })
    }

    fn write(&self, xml: &mut Writer) {
        xml.element(self.destination.kind.element(), |xml| {
            xml.text("Id", &self.id);
            xml.text(self.destination.kind.argument(), &self.destination.arn);
            for event in &self.events {
                xml.text("Event", event);
            }
            if self.rules.is_empty() {
                return;
            }
            xml.element("Filter", |xml| {
                xml.element("S3Key", |xml| {
                    for (name, value) in &self.rules {
                        xml.element("FilterRule", |xml| {
                            xml.text("Name", name);
                            xml.text("Value", value);
                        });
                    }
                });
            });
        });
    }

    /// Whether one key and one event can be in both configurations.
    fn overlaps(&self, other: &Self) -> bool {
        let starts = |one: &Option<String>, other: &Option<String>| {
            let (one, other) = (text(one), text(other));
            one.starts_with(other) || other.starts_with(one)
        };
        let ends = |one: &Option<String>, other: &Option<String>| {
            let (one, other) = (text(one), text(other));
            one.ends_with(other) || other.ends_with(one)
        };
        let shares_event = self
            .events
            .iter()
            .any(|one| other.events.iter().any(|two| event_type::overlap(one, two)));
        shares_event && starts(&self.prefix, &other.prefix) && ends(&self.suffix, &other.suffix)
    }

    /// The trigger for the host; `None` if there is nothing to run.
    fn trigger(&self) -> Option<Value> {
        let target = match self.destination.kind {
            Kind::Function => "function",
            Kind::Queue => "target-queue",
            Kind::Topic => return None,
        };
        // Filters are compared with keys as they are in events, where other text cannot occur.
        let never_matches = [&self.prefix, &self.suffix]
            .into_iter()
            .any(|filter| !encoding::is_key(text(filter)));
        if never_matches {
            eprintln!(
                "warning: the notification configuration {} matches no key: its prefix and suffix are compared with \
                 keys as events contain them, in which special characters are percent-encoded and spaces are +",
                self.id
            );
            return None;
        }
        let mut config = json!({
            "events": self.events,
            "prefix": text(&self.prefix),
            "suffix": text(&self.suffix),
            "configuration-id": self.id,
        });
        if let Some(config) = config.as_object_mut() {
            config.insert(target.to_owned(), json!(self.destination.name));
        }
        Some(json!({"name": self.id, "config": config}))
    }
}

fn text(filter: &Option<String>) -> &str {
    filter.as_deref().unwrap_or_default()
}

/// The id of a configuration that the client gave none: 48 characters in Base64, as AWS makes them.
fn new_id(call: &Call<'_>, number: usize) -> String {
    let mut bytes: Vec<u8> = call.context.random.iter().rev().take(36).copied().collect();
    if let Some(first) = bytes.first_mut() {
        *first = first.wrapping_add(u8::try_from(number).unwrap_or_default());
    }
    encoding::base64(&bytes).replace(['+', '/'], "0")
}

/// The names and values of a filter. Names are accepted in any case and returned in one.
fn rules(element: &Element) -> Result<Vec<(&'static str, String)>, Error> {
    let Some(key) = element.child("Filter").and_then(|it| it.child("S3Key")) else {
        return Ok(Vec::new());
    };
    let mut rules: Vec<(&'static str, String)> = Vec::new();
    for rule in key.all("FilterRule") {
        let name = rule.text_of("Name").unwrap_or_default();
        let value = rule.text_of("Value").unwrap_or_default();
        let known = ["Prefix", "Suffix"];
        let known = known.into_iter().find(|it| it.eq_ignore_ascii_case(name));
        let Some(known) = known else {
            return Err(error::invalid_argument(
                "FilterRule.Name",
                name,
                "filter rule name must be either prefix or suffix",
            ));
        };
        if rules.iter().any(|(other, _)| *other == known) {
            let which = known.to_ascii_lowercase();
            return Err(error::invalid_argument(
                "FilterRule.Name",
                which.as_str(),
                format!("Cannot specify more than one {which} rule in a filter."),
            ));
        }
        if value.len() > limits::MAX_KEY {
            return Err(error::invalid_argument(
                "FilterRule.Value",
                value,
                "Size of filter rule value cannot exceed 1024 bytes in UTF-8 representation",
            ));
        }
        rules.push((known, value.to_owned()));
    }
    Ok(rules)
}

fn check_ids(configurations: &[Configuration]) -> Result<(), Error> {
    for (at, configuration) in configurations.iter().enumerate() {
        let id = configuration.id.as_str();
        if id.chars().count() > limits::MAX_NOTIFICATION_ID {
            return Err(error::invalid_argument(
                "Id",
                id,
                "ID length should not exceed allowed limit of 255",
            ));
        }
        let earlier = configurations.get(..at).unwrap_or_default();
        if earlier.iter().any(|other| other.id == id) {
            return Err(error::invalid_argument(
                "Id",
                id,
                "Same ID used for multiple configurations. IDs must be unique",
            ));
        }
    }
    Ok(())
}

fn check_overlaps(configurations: &[Configuration]) -> Result<(), Error> {
    for (at, one) in configurations.iter().enumerate() {
        let later = configurations.get(at + 1..).unwrap_or_default();
        let Some(other) = later.iter().find(|other| one.overlaps(other)) else {
            continue;
        };
        let message = if one.rules.is_empty() && other.rules.is_empty() {
            "Configurations overlap. Configurations on the same bucket cannot share a common event type."
        } else {
            "Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes are \
             overlapping for the same event type."
        };
        return Err(error::INVALID_ARGUMENT.with_message(message));
    }
    Ok(())
}

/// Reports every destination that does not exist, as AWS does.
fn check_destinations(
    call: &Call<'_>,
    bucket: &BucketInfo,
    configurations: &[Configuration],
) -> Result<(), Error> {
    let mut problems = Vec::new();
    for Configuration { destination, .. } in configurations {
        destination.check_region(call, bucket)?;
        problems.extend(destination.problem(call)?);
    }
    if problems.is_empty() {
        return Ok(());
    }
    let mut error = error::INVALID_ARGUMENT
        .with_message("Unable to validate the following destination configurations");
    for (number, (argument, reason)) in (1..).zip(problems) {
        error = error
            .with(format!("ArgumentName{number}"), argument)
            .with(format!("ArgumentValue{number}"), reason);
    }
    Err(error)
}

fn document(configurations: &[Configuration], has_event_bridge: bool) -> String {
    Writer::document(ROOT, |xml| {
        for kind in [Kind::Topic, Kind::Queue, Kind::Function] {
            let of_kind = |it: &&Configuration| it.destination.kind == kind;
            for configuration in configurations.iter().filter(of_kind) {
                configuration.write(xml);
            }
        }
        if has_event_bridge {
            xml.element(EVENT_BRIDGE, |_| {});
        }
    })
}

/// The triggers for the host. Each request has a new text, so that each is followed by test events.
fn triggers(call: &Call<'_>, configurations: &[Configuration]) -> Option<String> {
    let mut triggers: Vec<Value> = configurations
        .iter()
        .filter_map(Configuration::trigger)
        .collect();
    let first = triggers.first_mut()?.as_object_mut()?;
    first.insert("request".to_owned(), json!(call.context.request_id()));
    serde_json::to_string(&triggers).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configuration(events: &[&str], prefix: &str, suffix: &str) -> Configuration {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Configuration {
            id: String::new(),
            destination: Destination::parse(Kind::Queue, "arn:aws:sqs:us-east-1:000000000000:q")
                .unwrap(),
            events: events.iter().map(|event| (*event).to_owned()).collect(),
            prefix: some(prefix),
            suffix: some(suffix),
            rules: Vec::new(),
        }
    }

    #[test]
    fn configurations_overlap_if_one_key_and_one_event_can_be_in_both() {
        let created = ["s3:ObjectCreated:*"];
        let put = ["s3:ObjectCreated:Put", "s3:ObjectRemoved:*"];
        let tagged = ["s3:ObjectTagging:*"];
        for (one, other, overlaps) in [
            (
                configuration(&created, "", ""),
                configuration(&put, "", ""),
                true,
            ),
            (
                configuration(&created, "", ""),
                configuration(&tagged, "", ""),
                false,
            ),
            (
                configuration(&created, "a/", ""),
                configuration(&put, "b/", ""),
                false,
            ),
            (
                configuration(&created, "a/", ""),
                configuration(&put, "a/b", ""),
                true,
            ),
            (
                configuration(&created, "a/", ".jpg"),
                configuration(&put, "a/", ".png"),
                false,
            ),
            (
                configuration(&created, "a/", ".jpg"),
                configuration(&put, "", "jpg"),
                true,
            ),
            (
                configuration(&created, "a/", ""),
                configuration(&put, "", ".png"),
                true,
            ),
        ] {
            assert_eq!(one.overlaps(&other), overlaps);
            assert_eq!(other.overlaps(&one), overlaps);
        }
    }
}
