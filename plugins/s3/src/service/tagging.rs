//! The tags of objects and buckets: the operations Get, Put and Delete of ObjectTagging and BucketTagging.

use crate::encoding;

use super::call::Call;
use super::error::{self, Error};
use super::get;
use super::limits;
use super::message::Response;
use super::store::{ObjectInfo, Pairs};
use super::xml::{Element, Writer};

const PREFIX: &str = "tag:";

/// What the tags belong to. AWS's rules differ.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TagOwner {
    Object,
    Bucket,
}

/// The tags in the header `x-amz-tagging`, as metadata.
pub fn of_header(header: Option<&str>) -> Result<Pairs, Error> {
    let Some(text) = header else {
        return Ok(Pairs::new());
    };
    let malformed = || {
        error::invalid_argument(
            "x-amz-tagging",
            text,
            "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag \
             name duplicates.",
        )
    };
    let mut tags = Pairs::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let key = encoding::decode(key, true).ok_or_else(malformed)?;
        let value = encoding::decode(value, true).ok_or_else(malformed)?;
        if tags.iter().any(|(known, _)| *known == key) {
            return Err(malformed());
        }
        tags.push((key, value));
        if tags.len() > limits::MAX_OBJECT_TAGS {
            break;
        }
    }
    check(&tags, TagOwner::Object)?;
    Ok(as_metadata(tags))
}

/// The tags of a bucket that is created with them, as metadata.
pub fn of_bucket(set: &Element) -> Result<Pairs, Error> {
    read_set(set, TagOwner::Bucket)
}

/// The tags in a document `Tagging`, as metadata.
pub fn of_document(tagging: &Element) -> Result<Pairs, Error> {
    read(tagging, TagOwner::Object)
}

/// Reads a document `Tagging`, which may be empty.
fn read(tagging: &Element, owner: TagOwner) -> Result<Pairs, Error> {
    match tagging.child("TagSet") {
        Some(set) => read_set(set, owner),
        None if tagging.children.is_empty() => Ok(Pairs::new()),
        None => Err(error::MALFORMED_XML.error()),
    }
}

fn read_set(set: &Element, owner: TagOwner) -> Result<Pairs, Error> {
    let malformed = || error::MALFORMED_XML.error();
    let tags = set
        .all("Tag")
        .map(|tag| {
            Ok((
                tag.text_of("Key").ok_or_else(malformed)?.to_owned(),
                tag.text_of("Value").ok_or_else(malformed)?.to_owned(),
            ))
        })
        .collect::<Result<Pairs, Error>>()?;
    check(&tags, owner)?;
    Ok(as_metadata(tags))
}

fn check(tags: &[(String, String)], owner: TagOwner) -> Result<(), Error> {
    if owner == TagOwner::Object && tags.len() > limits::MAX_OBJECT_TAGS {
        return Err(error::BAD_REQUEST.with_message("Object tags cannot be greater than 10"));
    }
    if owner == TagOwner::Bucket && tags.len() > limits::MAX_BUCKET_TAGS {
        return Err(error::BAD_REQUEST.with_message(error::TOO_MANY_BUCKET_TAGS));
    }
    for (at, (key, value)) in tags.iter().enumerate() {
        let allowed = |text: &str| {
            text.chars().all(|char| {
                char.is_alphanumeric() || char.is_whitespace() || "_.:/=+-@".contains(char)
            })
        };
        if key.is_empty() || key.chars().count() > limits::MAX_TAG_KEY || !allowed(key) {
            return Err(error::INVALID_TAG
                .with_message("The TagKey you have provided is invalid")
                .with("TagKey", key.as_str()));
        }
        if value.chars().count() > limits::MAX_TAG_VALUE || !allowed(value) {
            return Err(error::INVALID_TAG
                .with_message("The TagValue you have provided is invalid")
                .with("TagKey", key.as_str())
                .with("TagValue", value.as_str()));
        }
        if key.starts_with("aws:") {
            return Err(error::INVALID_TAG
                .with_message(match owner {
                    TagOwner::Object => "Your TagKey cannot be prefixed with aws:",
                    TagOwner::Bucket => "System tags cannot be added/updated by requester",
                })
                .with("TagKey", key.as_str()));
        }
        if tags.iter().take(at).any(|(known, _)| known == key) {
            return Err(error::INVALID_TAG
                .with_message("Cannot provide multiple Tags with the same key")
                .with("TagKey", key.as_str()));
        }
    }
    Ok(())
}

fn as_metadata(tags: Pairs) -> Pairs {
    tags.into_iter()
        .map(|(key, value)| (format!("{PREFIX}{key}"), value))
        .collect()
}

/// The metadata without the tags.
fn without_tags(metadata: Pairs) -> Pairs {
    metadata
        .into_iter()
        .filter(|(name, _)| !name.starts_with(PREFIX))
        .collect()
}

/// The tags in metadata, as metadata.
pub fn of_metadata(metadata: &[(String, String)]) -> Pairs {
    metadata
        .iter()
        .filter(|(name, _)| name.starts_with(PREFIX))
        .cloned()
        .collect()
}

fn document(metadata: &[(String, String)]) -> String {
    Writer::document("Tagging", |xml| {
        xml.element("TagSet", |xml| {
            for (name, value) in metadata {
                if let Some(key) = name.strip_prefix(PREFIX) {
                    xml.element("Tag", |xml| {
                        xml.text("Key", key);
                        xml.text("Value", value);
                    });
                }
            }
        });
    })
}

/// The object whose tags are requested. For AWS, a delete marker is an error here even if the request names no version.
fn tagged(call: &Call<'_>) -> Result<ObjectInfo, Error> {
    let version = call.version()?;
    match call.store().describe(&call.bucket, &call.key, version) {
        Ok(info) if info.delete_marker => Err(get::marker(call, &info, true)),
        Ok(info) => Ok(info),
        Err(error) => Err(get::missing(call, version, error)),
    }
}

/// GetObjectTagging. In the error for a missing key, AWS also returns the bucket.
pub fn get_object(call: &mut Call<'_>) -> Result<Response, Error> {
    let info = tagged(call).map_err(|error| match error.code() {
        "NoSuchKey" => error::NO_SUCH_KEY.with("Key", format!("{}/{}", call.bucket, call.key)),
        _ => error,
    })?;
    Ok(Response::xml(document(&info.metadata))
        .with_some("x-amz-version-id", call.version_header(&info)))
}

/// PutObjectTagging.
pub fn put_object(call: &mut Call<'_>) -> Result<Response, Error> {
    let tags = read(&call.xml("Tagging")?, TagOwner::Object)?;
    replace_object_tags(call, 200, tags, "ObjectTagging:Put")
}

/// DeleteObjectTagging.
pub fn delete_object(call: &mut Call<'_>) -> Result<Response, Error> {
    replace_object_tags(call, 204, Pairs::new(), "ObjectTagging:Delete")
}

fn replace_object_tags(
    call: &Call<'_>,
    status: u16,
    tags: Pairs,
    event: &str,
) -> Result<Response, Error> {
    let info = tagged(call)?;
    let mut metadata = without_tags(info.metadata);
    metadata.extend(tags);
    // The version that was described above, even if a newer one was added in the meantime.
    let version = call.version()?.or(info.version.as_deref());
    let info = call
        .store()
        .replace_metadata(
            &call.bucket,
            &call.key,
            version,
            metadata,
            Some(call.event(event)),
        )
        .map_err(|error| call.store_error(error))?;
    Ok(Response::new(status).with_some("x-amz-version-id", call.version_header(&info)))
}

/// GetBucketTagging.
pub fn get_bucket(call: &mut Call<'_>) -> Result<Response, Error> {
    let bucket = call.bucket_info()?;
    if of_metadata(&bucket.attributes).is_empty() {
        return Err(error::NO_SUCH_TAG_SET.with("BucketName", call.bucket.as_str()));
    }
    Ok(Response::xml(document(&bucket.attributes)))
}

/// PutBucketTagging.
pub fn put_bucket(call: &mut Call<'_>) -> Result<Response, Error> {
    let tags = read(&call.xml("Tagging")?, TagOwner::Bucket)?;
    replace_bucket_tags(call, tags)
}

/// DeleteBucketTagging.
pub fn delete_bucket(call: &mut Call<'_>) -> Result<Response, Error> {
    replace_bucket_tags(call, Pairs::new())
}

fn replace_bucket_tags(call: &Call<'_>, tags: Pairs) -> Result<Response, Error> {
    let bucket = call.bucket_info()?;
    let mut attributes = without_tags(bucket.attributes);
    attributes.extend(tags);
    call.store()
        .change(&call.bucket, bucket.versioning, attributes)
        .map_err(|error| call.store_error(error))?;
    Ok(Response::new(204))
}
