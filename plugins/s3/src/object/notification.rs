//! The event notification, with its keys in the order of AWS.

use plugin_kit::time;
use serde::Serialize;

use super::contract::Change;
use super::ids;
use super::state::State;
use crate::encoding;
use crate::event_type::{self, Etag, Fields};

/// The id of the user who made a change, in AWS's form, if the service did not name one.
const PRINCIPAL: &str = "AWS:AIDALAMBKIN0000000000";
/// The customer id of the bucket's owner.
const OWNER: &str = "A0LAMBKIN00000";
/// The entity tag of no bytes.
const EMPTY: &str = "d41d8cd98f00b204e9800998ecf8427e";
/// The version id of an object that was stored before versioning was enabled.
const NULL_VERSION: &str = "null";

/// The event. It always contains one record.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Notification<'a> {
    records: [Record<'a>; 1],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    event_version: &'static str,
    event_source: &'static str,
    aws_region: &'a str,
    event_time: String,
    event_name: &'a str,
    user_identity: Identity<'a>,
    request_parameters: RequestParameters<'a>,
    response_elements: ResponseElements,
    s3: S3<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Identity<'a> {
    principal_id: &'a str,
}

#[derive(Debug, Serialize)]
struct RequestParameters<'a> {
    #[serde(rename = "sourceIPAddress")]
    source_ip_address: &'a str,
}

#[derive(Debug, Serialize)]
struct ResponseElements {
    #[serde(rename = "x-amz-request-id")]
    request_id: String,
    #[serde(rename = "x-amz-id-2")]
    host_id: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct S3<'a> {
    #[serde(rename = "s3SchemaVersion")]
    schema_version: &'static str,
    configuration_id: &'a str,
    bucket: Bucket<'a>,
    object: Object<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Bucket<'a> {
    name: &'a str,
    owner_identity: Identity<'a>,
    arn: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Object<'a> {
    key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    e_tag: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sequencer: Option<String>,
}

/// The message that a queue receives when a notification configuration begins.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct TestEvent<'a> {
    service: &'static str,
    event: &'static str,
    time: String,
    bucket: &'a str,
    request_id: String,
    host_id: String,
}

impl<'a> TestEvent<'a> {
    /// The message for the change with which a configuration begins.
    pub fn new(state: &'a State, change: &Change) -> Self {
        Self {
            service: "Amazon S3",
            event: "s3:TestEvent",
            time: time::iso_millis(change.at_ms),
            bucket: &state.bucket,
            request_id: ids::request(&change.id),
            host_id: ids::host(&change.id),
        }
    }
}

impl<'a> Notification<'a> {
    /// The notification of a change.
    pub fn new(state: &'a State, change: &'a Change) -> Self {
        let extra = |name: &str| {
            let found = change.extra.iter().find(|(key, _)| key == name);
            found.map(|(_, value)| value.as_str())
        };
        let own = |name: &str| extra(name).map(str::to_owned);
        let record = Record {
            event_version: state.version.of_event(&change.event),
            event_source: "aws:s3",
            aws_region: &state.region,
            event_time: time::iso_millis(change.at_ms),
            event_name: &change.event,
            user_identity: Identity {
                principal_id: extra("principal").unwrap_or(PRINCIPAL),
            },
            request_parameters: RequestParameters {
                source_ip_address: extra("source-ip").unwrap_or("127.0.0.1"),
            },
            response_elements: ResponseElements {
                request_id: own("request-id").unwrap_or_else(|| ids::request(&change.id)),
                host_id: own("host-id").unwrap_or_else(|| ids::host(&change.id)),
            },
            s3: S3 {
                schema_version: "1.0",
                configuration_id: &state.configuration,
                bucket: Bucket {
                    name: &state.bucket,
                    owner_identity: Identity {
                        principal_id: OWNER,
                    },
                    arn: &state.arn,
                },
                object: Object::new(change),
            },
        };
        Self { records: [record] }
    }
}

impl<'a> Object<'a> {
    fn new(change: &'a Change) -> Self {
        let Fields {
            size,
            etag,
            sequencer,
        } = event_type::fields(&change.event);
        Self {
            key: encoding::key(&change.key),
            size: change.size.filter(|_| size),
            e_tag: match etag {
                Etag::Absent => None,
                Etag::Own => change.etag.as_deref(),
                Etag::Empty => Some(EMPTY),
            },
            version_id: change
                .version
                .as_deref()
                .filter(|version| *version != NULL_VERSION),
            sequencer: sequencer.then(|| format!("{:016X}", change.sequencer)),
        }
    }
}
