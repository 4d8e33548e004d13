//! Settings that every new bucket has: encryption, the block of public access, and the ownership of objects.
//!
//! They are stored and returned, and not enforced. A setting that was deleted is absent, unlike one that was never put;
//! the encryption cannot be deleted.

use super::{attribute, set_attribute};
use crate::service::call::Call;
use crate::service::error::{self, Error, ErrorKind};
use crate::service::message::{self, Response};
use crate::service::store::BucketInfo;
use crate::service::xml::{Element, Writer};

/// The names of the settings, as parameters of a query and as attributes.
pub const NAMES: [&str; 3] = [ENCRYPTION, PUBLIC_ACCESS, OWNERSHIP];

const ENCRYPTION: &str = "encryption";
const PUBLIC_ACCESS: &str = "publicAccessBlock";
const OWNERSHIP: &str = "ownershipControls";

const NO_PUBLIC_ACCESS: ErrorKind = ErrorKind(
    "NoSuchPublicAccessBlockConfiguration",
    404,
    "The public access block configuration was not found",
);
const NO_OWNERSHIP: ErrorKind = ErrorKind(
    "OwnershipControlsNotFoundError",
    404,
    "The bucket ownership controls were not found",
);
const BLOCKS: [&str; 4] = [
    "BlockPublicAcls",
    "IgnorePublicAcls",
    "BlockPublicPolicy",
    "RestrictPublicBuckets",
];
const OWNERSHIPS: [&str; 3] = [
    "BucketOwnerEnforced",
    "BucketOwnerPreferred",
    "ObjectWriter",
];

/// The setting that a request is about.
fn requested(call: &Call<'_>) -> Result<&'static str, Error> {
    NAMES
        .into_iter()
        .find(|name| call.query(name).is_some())
        .ok_or_else(|| error::INTERNAL_ERROR.error())
}

/// GetBucketEncryption, GetPublicAccessBlock, GetBucketOwnershipControls.
pub fn get(call: &mut Call<'_>) -> Result<Response, Error> {
    let name = requested(call)?;
    let missing = match name {
        PUBLIC_ACCESS => NO_PUBLIC_ACCESS,
        _ => NO_OWNERSHIP,
    };
    match attribute(call, name)? {
        Some(deleted) if deleted.is_empty() => {
            Err(missing.with("BucketName", call.bucket.as_str()))
        }
        Some(document) => Ok(Response::xml(document)),
        None => Ok(Response::xml(match name {
            PUBLIC_ACCESS => public_access(|_| "true"),
            OWNERSHIP => ownership("BucketOwnerEnforced")?,
            _ => encryption(false),
        })),
    }
}

/// PutBucketEncryption, PutPublicAccessBlock, PutBucketOwnershipControls.
pub fn put(call: &mut Call<'_>) -> Result<Response, Error> {
    let name = requested(call)?;
    let document = match name {
        PUBLIC_ACCESS => {
            let root = call.xml("PublicAccessBlockConfiguration")?;
            public_access(|block| match root.text_of(block) {
                Some(text) if text.eq_ignore_ascii_case("true") => "true",
                _ => "false",
            })
        }
        OWNERSHIP => {
            let root = call.xml("OwnershipControls")?;
            let chosen = only_rule(&root)?.text_of("ObjectOwnership");
            ownership(chosen.unwrap_or_default())?
        }
        _ => put_encryption(&call.xml("ServerSideEncryptionConfiguration")?)?,
    };
    set_attribute(call, name, Some(document))?;
    Ok(Response::new(200))
}

/// DeleteBucketEncryption, DeletePublicAccessBlock, DeleteBucketOwnershipControls.
pub fn delete(call: &mut Call<'_>) -> Result<Response, Error> {
    let name = requested(call)?;
    let deleted = (name != ENCRYPTION).then(String::new);
    set_attribute(call, name, deleted)?;
    Ok(Response::new(204))
}

fn public_access(block: impl Fn(&str) -> &'static str) -> String {
    Writer::document("PublicAccessBlockConfiguration", |xml| {
        for name in BLOCKS {
            xml.text(name, block(name));
        }
    })
}

/// The document for an ownership of objects, which CreateBucket can choose, too.
pub fn ownership(chosen: &str) -> Result<String, Error> {
    if !OWNERSHIPS.contains(&chosen) {
        return Err(error::MALFORMED_XML.error());
    }
    Ok(Writer::document("OwnershipControls", |xml| {
        xml.element("Rule", |xml| xml.text("ObjectOwnership", chosen));
    }))
}

/// Whether a bucket refuses ACLs, as a new one does.
pub fn refuses_acls(bucket: &BucketInfo) -> bool {
    match message::find(&bucket.attributes, OWNERSHIP) {
        None => true,
        Some(document) => document.contains("BucketOwnerEnforced"),
    }
}

/// Whether a bucket has this block of public access, as a new one has.
pub fn blocks_public(bucket: &BucketInfo, block: &str) -> bool {
    match message::find(&bucket.attributes, PUBLIC_ACCESS) {
        None => true,
        Some(document) => document.contains(&format!("<{block}>true</{block}>")),
    }
}

/// The rule of a setting, which has exactly one.
fn only_rule(root: &Element) -> Result<&Element, Error> {
    let mut rules = root.all("Rule");
    match (rules.next(), rules.next()) {
        (Some(rule), None) => Ok(rule),
        _ => Err(error::MALFORMED_XML.error()),
    }
}

fn put_encryption(root: &Element) -> Result<String, Error> {
    let rule = only_rule(root)?;
    let default = rule.child("ApplyServerSideEncryptionByDefault");
    let algorithm = default.and_then(|default| default.text_of("SSEAlgorithm"));
    if algorithm == Some("AES256") && default.is_some_and(|it| it.child("KMSMasterKeyID").is_some())
    {
        return Err(error::INVALID_ARGUMENT
            .with_message(
                "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse",
            )
            .with("ArgumentName", "ApplyServerSideEncryptionByDefault"));
    }
    if algorithm.is_some_and(|algorithm| algorithm != "AES256") {
        return Err(error::NOT_IMPLEMENTED
            .with_message("Of the default encryptions of a bucket only AES256 is implemented."));
    }
    Ok(encryption(rule.text_of("BucketKeyEnabled") == Some("true")))
}

fn encryption(bucket_key: bool) -> String {
    Writer::document("ServerSideEncryptionConfiguration", |xml| {
        xml.element("Rule", |xml| {
            xml.element("ApplyServerSideEncryptionByDefault", |xml| {
                xml.text("SSEAlgorithm", "AES256");
            });
            xml.value("BucketKeyEnabled", bucket_key);
        });
    })
}
