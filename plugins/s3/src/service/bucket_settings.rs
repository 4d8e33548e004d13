//! A bucket's settings: versioning, the few others that can be kept, and what tools read of those nobody has set.
//!
//! | attribute | value |
//! |---|---|
//! | `location` | the region, if it is not the service's |
//! | `tag:KEY` | the tag's value |
//! | `cors`, `encryption`, `publicAccessBlock`, `ownershipControls` | the document |
//!
//! A setting that would change what the service does, and can not, is refused instead of kept.

use super::call::Call;
use super::error::{self, Error, Kind};
use super::message::{self, Response};
use super::store::{Pairs, Versioning};
use super::xml::{Element, Writer};

/// GetBucketVersioning.
pub fn get_versioning(call: &mut Call<'_>) -> Result<Response, Error> {
    let status = match call.bucket_info()?.versioning {
        Versioning::Off => None,
        Versioning::On => Some("Enabled"),
        Versioning::Suspended => Some("Suspended"),
    };
    Ok(Response::xml(Writer::document(
        "VersioningConfiguration",
        |xml| xml.some("Status", status),
    )))
}

/// PutBucketVersioning.
pub fn put_versioning(call: &mut Call<'_>) -> Result<Response, Error> {
    let bucket = call.bucket_info()?;
    let root = call.xml("VersioningConfiguration")?;
    if call.header("x-amz-mfa").is_some() {
        return Err(error::header_not_implemented("x-amz-mfa"));
    }
    let versioning = match root.text_of("Status") {
        None => return Err(error::ILLEGAL_VERSIONING.error()),
        Some("Enabled") => Versioning::On,
        Some("Suspended") => Versioning::Suspended,
        Some(_) => return Err(error::MALFORMED_XML.error()),
    };
    call.store()
        .change(&call.bucket, versioning, bucket.attributes)
        .map_err(|fault| call.fault(fault))?;
    Ok(Response::new(200))
}

/// Replaces or removes what is kept under a name.
pub fn keep(call: &Call<'_>, name: &str, document: Option<String>) -> Result<(), Error> {
    let bucket = call.bucket_info()?;
    let mut attributes: Pairs = bucket
        .attributes
        .into_iter()
        .filter(|(key, _)| key != name)
        .collect();
    attributes.extend(document.map(|document| (name.to_owned(), document)));
    call.store()
        .change(&call.bucket, bucket.versioning, attributes)
        .map_err(|fault| call.fault(fault))
}

/// What is kept under a name.
pub fn kept(call: &Call<'_>, name: &str) -> Result<Option<String>, Error> {
    let bucket = call.bucket_info()?;
    Ok(message::find(&bucket.attributes, name).map(str::to_owned))
}

/// The settings that are kept as they were put.
const DOCUMENTS: [(&str, &str, Option<Kind>); 3] = [
    ("encryption", "ServerSideEncryptionConfiguration", None),
    (
        "publicAccessBlock",
        "PublicAccessBlockConfiguration",
        Some(Kind(
            "NoSuchPublicAccessBlockConfiguration",
            404,
            "The public access block configuration was not found",
        )),
    ),
    (
        "ownershipControls",
        "OwnershipControls",
        Some(Kind(
            "OwnershipControlsNotFoundError",
            404,
            "The bucket ownership controls were not found",
        )),
    ),
];

/// Which of the settings a request is about.
fn asked(call: &Call<'_>) -> Result<&'static (&'static str, &'static str, Option<Kind>), Error> {
    DOCUMENTS
        .iter()
        .find(|(name, ..)| call.query(name).is_some())
        .ok_or_else(|| error::INTERNAL_ERROR.error())
}

/// GetBucketEncryption, GetPublicAccessBlock, GetBucketOwnershipControls.
pub fn get_document(call: &mut Call<'_>) -> Result<Response, Error> {
    let (name, root, missing) = asked(call)?;
    match (kept(call, name)?, missing) {
        (Some(document), _) => Ok(Response::xml(document)),
        (None, Some(missing)) => Err(missing.with("BucketName", call.bucket.as_str())),
        // Every bucket is encrypted.
        (None, None) => Ok(Response::xml(Writer::document(root, |xml| {
            xml.element("Rule", |xml| {
                xml.element("ApplyServerSideEncryptionByDefault", |xml| {
                    xml.text("SSEAlgorithm", "AES256");
                });
                xml.value("BucketKeyEnabled", false);
            });
        }))),
    }
}

/// PutBucketEncryption, PutPublicAccessBlock, PutBucketOwnershipControls.
pub fn put_document(call: &mut Call<'_>) -> Result<Response, Error> {
    let (name, root, _) = asked(call)?;
    let root = call.xml(root)?;
    if *name == "encryption" && !is_default_encryption(&root) {
        return Err(error::NOT_IMPLEMENTED
            .saying("Of the default encryptions of a bucket only AES256 is implemented."));
    }
    let document = Writer::document(&root.name, |xml| {
        for child in &root.children {
            child.write(xml);
        }
    });
    keep(call, name, Some(document))?;
    Ok(Response::new(200))
}

fn is_default_encryption(root: &Element) -> bool {
    root.all("Rule")
        .filter_map(|rule| rule.child("ApplyServerSideEncryptionByDefault"))
        .all(|default| default.text_of("SSEAlgorithm") == Some("AES256"))
}

/// DeleteBucketEncryption, DeletePublicAccessBlock, DeleteBucketOwnershipControls.
pub fn delete_document(call: &mut Call<'_>) -> Result<Response, Error> {
    let (name, ..) = asked(call)?;
    keep(call, name, None)?;
    Ok(Response::new(204))
}

/// Settings that can not be put here: what AWS answers when nobody has put them.
const UNSET: [(&str, Kind); 6] = [
    (
        "policy",
        Kind(
            "NoSuchBucketPolicy",
            404,
            "The bucket policy does not exist",
        ),
    ),
    (
        "lifecycle",
        Kind(
            "NoSuchLifecycleConfiguration",
            404,
            "The lifecycle configuration does not exist",
        ),
    ),
    (
        "website",
        Kind(
            "NoSuchWebsiteConfiguration",
            404,
            "The specified bucket does not have a website configuration",
        ),
    ),
    (
        "replication",
        Kind(
            "ReplicationConfigurationNotFoundError",
            404,
            "The replication configuration was not found",
        ),
    ),
    (
        "object-lock",
        Kind(
            "ObjectLockConfigurationNotFoundError",
            404,
            "Object Lock configuration does not exist for this bucket",
        ),
    ),
    (
        "policyStatus",
        Kind(
            "NoSuchBucketPolicy",
            404,
            "The bucket policy does not exist",
        ),
    ),
];

/// Settings that can not be put here, and whose absence is a document.
const EMPTY: [(&str, &str); 6] = [
    ("notification", "NotificationConfiguration"),
    ("logging", "BucketLoggingStatus"),
    ("accelerate", "AccelerateConfiguration"),
    ("analytics", "ListBucketAnalyticsConfigurationResult"),
    ("inventory", "ListInventoryConfigurationsResult"),
    ("metrics", "ListMetricsConfigurationsResult"),
];

/// Everything that tools read of a bucket and nobody can have set.
pub fn get_unset(call: &mut Call<'_>) -> Result<Response, Error> {
    call.bucket_info()?;
    let asks = |name: &str| call.query(name).is_some();
    if let Some((_, missing)) = UNSET.iter().find(|(name, _)| asks(name)) {
        return Err(missing.with("BucketName", call.bucket.as_str()));
    }
    if asks("requestPayment") {
        return Ok(Response::xml(Writer::document(
            "RequestPaymentConfiguration",
            |xml| xml.text("Payer", "BucketOwner"),
        )));
    }
    match EMPTY.iter().find(|(name, _)| asks(name)) {
        Some((_, root)) => Ok(Response::xml(Writer::document(root, |_| {}))),
        None => Err(error::NOT_IMPLEMENTED.error()),
    }
}

/// What is deleted here was never there.
pub fn delete_unset(call: &mut Call<'_>) -> Result<Response, Error> {
    call.bucket_info()?;
    Ok(Response::new(204))
}

/// GetObjectRetention, GetObjectLegalHold: no object has them.
pub fn get_object_lock(call: &mut Call<'_>) -> Result<Response, Error> {
    super::get::describe(call)?;
    Err(error::INVALID_REQUEST.saying("Bucket is missing Object Lock Configuration"))
}

/// What the service does not have.
pub fn not_implemented(call: &mut Call<'_>) -> Result<Response, Error> {
    let resource = if call.key.is_empty() {
        format!("/{}", call.bucket)
    } else {
        format!("/{}/{}", call.bucket, call.key)
    };
    Err(error::NOT_IMPLEMENTED.with("Resource", resource))
}
