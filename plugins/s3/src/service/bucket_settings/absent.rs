//! Settings that no bucket has here. They read as in a new bucket of AWS. Deleting them and putting the value of a new
//! bucket changes nothing; putting another value is refused.

use super::refuse;
use crate::service::call::Call;
use crate::service::error::{self, Error, ErrorKind};
use crate::service::message::Response;
use crate::service::xml::Writer;

/// The response of AWS if the setting was never put.
enum Unset {
    /// An error.
    Error(ErrorKind),
    /// A document: its root, and its content as XML.
    Document(&'static str, &'static str),
    /// A list of configurations with ids: its root.
    List(&'static str),
}

/// The settings, by the parameter of the query that names them.
const SETTINGS: [(&str, Unset); 13] = [
    (
        "abac",
        Unset::Document("AbacStatus", "<Status>Disabled</Status>"),
    ),
    ("accelerate", Unset::Document("AccelerateConfiguration", "")),
    (
        "analytics",
        Unset::List("ListBucketAnalyticsConfigurationResult"),
    ),
    (
        "intelligent-tiering",
        Unset::List("ListBucketIntelligentTieringConfigurationsOutput"),
    ),
    (
        "inventory",
        Unset::List("ListInventoryConfigurationsResult"),
    ),
    (
        "lifecycle",
        Unset::Error(ErrorKind(
            "NoSuchLifecycleConfiguration",
            404,
            "The lifecycle configuration does not exist",
        )),
    ),
    ("logging", Unset::Document("BucketLoggingStatus", "")),
    (
        "metadataConfiguration",
        Unset::Error(error::NOT_IMPLEMENTED),
    ),
    ("metadataTable", Unset::Error(error::NOT_IMPLEMENTED)),
    ("metrics", Unset::List("ListMetricsConfigurationsResult")),
    (
        "replication",
        Unset::Error(ErrorKind(
            "ReplicationConfigurationNotFoundError",
            404,
            "The replication configuration was not found",
        )),
    ),
    (
        "requestPayment",
        Unset::Document("RequestPaymentConfiguration", "<Payer>BucketOwner</Payer>"),
    ),
    (
        "website",
        Unset::Error(ErrorKind(
            "NoSuchWebsiteConfiguration",
            404,
            "The specified bucket does not have a website configuration",
        )),
    ),
];

const NO_SUCH_CONFIGURATION: ErrorKind = ErrorKind(
    "NoSuchConfiguration",
    404,
    "The specified configuration does not exist.",
);

/// The values of settings that are off.
const OFF: [&str; 3] = ["Suspended", "Disabled", "BucketOwner"];

/// The parameters of the query that name these settings.
pub fn names() -> impl Iterator<Item = &'static str> {
    SETTINGS.iter().map(|(name, _)| *name)
}

/// The setting that a request is about.
fn requested(call: &Call<'_>) -> Result<(&'static str, &'static Unset), Error> {
    SETTINGS
        .iter()
        .find(|(name, _)| call.query(name).is_some())
        .map(|(name, unset)| (*name, unset))
        .ok_or_else(|| error::INTERNAL_ERROR.error())
}

/// Reads a setting.
pub fn get(call: &mut Call<'_>) -> Result<Response, Error> {
    call.bucket_info()?;
    let about = |kind: &ErrorKind| kind.with("BucketName", call.bucket.as_str());
    match requested(call)?.1 {
        Unset::Error(kind) => Err(about(kind)),
        Unset::List(_) if call.query("id").is_some() => Err(NO_SUCH_CONFIGURATION.error()),
        Unset::List(root) => Ok(Response::xml(Writer::document(root, |xml| {
            xml.value("IsTruncated", false);
        }))),
        Unset::Document(root, content) => Ok(Response::xml(Writer::document(root, |xml| {
            xml.raw(content);
        }))),
    }
}

/// Puts a setting, which has to be off.
pub fn put(call: &mut Call<'_>) -> Result<Response, Error> {
    call.bucket_info()?;
    let Unset::Document(root, _) = requested(call)?.1 else {
        return refuse(call);
    };
    let is_off = |text: &str| OFF.contains(&text);
    let document = call.xml(root)?;
    if document.children.iter().all(|child| is_off(&child.text)) {
        return Ok(Response::new(200));
    }
    refuse(call)
}

/// Deletes a setting, which never exists.
pub fn delete(call: &mut Call<'_>) -> Result<Response, Error> {
    call.bucket_info()?;
    match requested(call)?.1 {
        Unset::List(_) => Err(NO_SUCH_CONFIGURATION.error()),
        _ => Ok(Response::new(204)),
    }
}
