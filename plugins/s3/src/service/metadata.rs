//! The metadata that is stored with an object: its headers under their own names, its tags, its checksum and its parts.
//!
//! | name | value |
//! |---|---|
//! | `content-type`, `cache-control`, … | the header |
//! | `x-amz-meta-NAME` | the header |
//! | `tag:KEY` | the tag's value |
//! | `x-amz-checksum-NAME` | the checksum (see [`super::checksum`]) |
//! | `parts` | the sizes of the parts: `8388608*99,1234` |
//! | `part-checksums` | the checksums of the parts, separated by commas, if that of the object is composite |
//! | `acl` | the canned access control list (see [`super::acl`]) |
//! | `customer-key-md5` | the digest of the client's key (see [`super::customer_key`]) |
//! | `x-amz-object-lock-NAME` | the lock (see [`super::object_lock`]) |
//! | `upload` | the id of the multipart upload that the object was created with |
//!
//! An object that appeared as a file in a folder has no metadata.

use super::call::Call;
use super::checksum::Checksum;
use super::customer_key;
use super::encoded_word;
use super::error::{self, Error};
use super::limits;
use super::message::{self, Request, Response};
use super::object_lock;
use super::store::{ObjectInfo, Pairs};

/// The headers that are stored and returned, as AWS writes them.
const STORED_HEADERS: [&str; 6] = [
    "Content-Type",
    "Cache-Control",
    "Content-Disposition",
    "Content-Encoding",
    "Content-Language",
    "Expires",
];
const STORAGE_CLASS: &str = "x-amz-storage-class";
const ENCRYPTION: &str = "x-amz-server-side-encryption";
const KMS_KEY: &str = "x-amz-server-side-encryption-aws-kms-key-id";
const REDIRECT: &str = "x-amz-website-redirect-location";
const USER: &str = "x-amz-meta-";
const PARTS: &str = "parts";
const PART_CHECKSUMS: &str = "part-checksums";
const UPLOAD: &str = "upload";
/// The content type of an object that was stored without one.
const DEFAULT_TYPE: &str = "binary/octet-stream";
/// The storage classes of general-purpose buckets.
const STORAGE_CLASSES: [&str; 8] = [
    "STANDARD",
    "REDUCED_REDUNDANCY",
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "GLACIER",
    "DEEP_ARCHIVE",
    "GLACIER_IR",
];

/// The metadata in the headers of a request, without tags and checksums.
pub fn of_request(request: &Request) -> Result<Pairs, Error> {
    let mut metadata = of_content(request)?;
    metadata.extend(of_storage(request)?);
    Ok(metadata)
}

/// The headers that describe the content. A copy takes them from its source or replaces them.
pub fn of_content(request: &Request) -> Result<Pairs, Error> {
    let mut metadata = Pairs::new();
    for name in STORED_HEADERS {
        let name = name.to_ascii_lowercase();
        let Some(value) = request.header(&name) else {
            continue;
        };
        let value = if name == "content-encoding" {
            without_framing(value)
        } else {
            value.to_owned()
        };
        if !value.is_empty() {
            metadata.push((name, value));
        }
    }
    let mut size = 0;
    for (name, value) in &request.headers {
        if let Some(own) = name.strip_prefix(USER) {
            size += own.len() + value.len();
            match metadata.iter_mut().find(|(known, _)| known == name) {
                Some((_, values)) => *values = format!("{values},{value}"),
                None => metadata.push((name.clone(), value.clone())),
            }
        }
    }
    for (name, value) in &mut metadata {
        if name.starts_with(USER) {
            *value = encoded_word::decode(value);
        }
    }
    if size > limits::MAX_USER_METADATA {
        return Err(error::METADATA_TOO_LARGE
            .with("Size", size.to_string())
            .with("MaxSizeAllowed", limits::MAX_USER_METADATA.to_string()));
    }
    Ok(metadata)
}

/// A content coding without `aws-chunked`, which applies to the request only.
fn without_framing(value: &str) -> String {
    let codings: Vec<&str> = value
        .split(',')
        .map(str::trim)
        .filter(|coding| !coding.is_empty() && *coding != "aws-chunked")
        .collect();
    codings.join(",")
}

/// The headers that determine how the object is stored. A copy never takes them from its source.
pub fn of_storage(request: &Request) -> Result<Pairs, Error> {
    let mut metadata = Pairs::new();
    if let Some(class) = request.header(STORAGE_CLASS) {
        if !STORAGE_CLASSES.contains(&class) {
            return Err(error::INVALID_STORAGE_CLASS.with("StorageClassRequested", class));
        }
        if class != "STANDARD" {
            metadata.push((STORAGE_CLASS.to_owned(), class.to_owned()));
        }
    }
    if let Some(place) = request.header(REDIRECT) {
        if !["/", "http://", "https://"]
            .iter()
            .any(|start| place.starts_with(start))
        {
            return Err(error::INVALID_REQUEST.with_message(
                "The website redirect location must have a prefix of 'http://' or 'https://' or '/'.",
            ));
        }
        metadata.push((REDIRECT.to_owned(), place.to_owned()));
    }
    match request.header(ENCRYPTION) {
        None | Some("AES256") => {}
        Some(kind @ ("aws:kms" | "aws:kms:dsse")) => {
            metadata.push((ENCRYPTION.to_owned(), kind.to_owned()));
            if let Some(key) = request.header(KMS_KEY) {
                metadata.push((KMS_KEY.to_owned(), key.to_owned()));
            }
        }
        Some(kind) => {
            return Err(error::INVALID_ENCRYPTION
                .with("ArgumentName", ENCRYPTION)
                .with("ArgumentValue", kind));
        }
    }
    Ok(metadata)
}

/// The part of an object's metadata that a copy takes from its source.
pub fn copied_from(metadata: &[(String, String)]) -> Pairs {
    metadata
        .iter()
        .filter(|(name, _)| {
            name.starts_with(USER)
                || STORED_HEADERS
                    .iter()
                    .any(|stored| stored.eq_ignore_ascii_case(name))
        })
        .cloned()
        .collect()
}

/// The storage class; `STANDARD` if none was chosen.
pub fn storage_class(metadata: &[(String, String)]) -> &str {
    message::find(metadata, STORAGE_CLASS).unwrap_or("STANDARD")
}

/// Whether the object was stored with encryption by a KMS key.
pub fn is_encrypted_with_key(metadata: &[(String, String)]) -> bool {
    message::find(metadata, ENCRYPTION).is_some()
}

/// The number of tags.
pub fn tag_count(metadata: &[(String, String)]) -> usize {
    metadata
        .iter()
        .filter(|(name, _)| name.starts_with("tag:"))
        .count()
}

/// Adds the headers about the encryption of an object.
pub fn with_encryption(response: Response, metadata: &[(String, String)]) -> Response {
    if customer_key::has(metadata) {
        return customer_key::with_headers(response, metadata);
    }
    response
        .with(
            ENCRYPTION,
            message::find(metadata, ENCRYPTION).unwrap_or("AES256"),
        )
        .with_some(KMS_KEY, message::find(metadata, KMS_KEY))
}

/// Adds the headers of an object, as for GET and HEAD.
pub fn with_headers(response: Response, call: &Call<'_>, info: &ObjectInfo) -> Response {
    let metadata = &info.metadata;
    let mut response = with_encryption(response, metadata)
        .with(
            "Last-Modified",
            plugin_kit::time::http_date(info.modified_at_ms),
        )
        .with("ETag", format!("\"{}\"", info.etag))
        .with("Accept-Ranges", "bytes")
        .with_some("x-amz-version-id", call.version_header(info));
    for name in STORED_HEADERS {
        let requested = call.query(&format!("response-{}", name.to_ascii_lowercase()));
        let stored = message::find(metadata, &name.to_ascii_lowercase());
        let default = (name == "Content-Type").then_some(DEFAULT_TYPE);
        response = response.with_some(name, requested.or(stored).or(default));
    }
    for (name, value) in metadata {
        if name.starts_with(USER) || name == STORAGE_CLASS || name == REDIRECT {
            response = response.with(name, encoded_word::encode(value));
        }
    }
    response = object_lock::with_headers(response, metadata);
    let tags = tag_count(metadata);
    if tags > 0 {
        response = response.with("x-amz-tagging-count", tags.to_string());
    }
    response
}

/// Adds the headers of an object's checksum.
pub fn with_checksum(response: Response, metadata: &[(String, String)]) -> Response {
    match Checksum::of(metadata) {
        Some(checksum) => response
            .with(&checksum.algorithm.header(), checksum.value.as_str())
            .with("x-amz-checksum-type", checksum.kind()),
        None => response,
    }
}

/// A part of an object that was created with a multipart upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectPart {
    /// The position of its first byte in the object.
    pub offset: u64,
    /// Its size in bytes.
    pub size: u64,
    /// Its checksum, if that of the object is composite.
    pub checksum: Option<Checksum>,
}

/// The metadata about the parts of an object.
pub fn parts_as_metadata(sizes: &[u64], checksums: &[String]) -> Pairs {
    let mut runs: Vec<(u64, usize)> = Vec::new();
    for size in sizes {
        match runs.last_mut() {
            Some((same, count)) if same == size => *count += 1,
            _ => runs.push((*size, 1)),
        }
    }
    let sizes: Vec<String> = runs
        .into_iter()
        .map(|(size, count)| match count {
            1 => size.to_string(),
            count => format!("{size}*{count}"),
        })
        .collect();
    let mut metadata = vec![(PARTS.to_owned(), sizes.join(","))];
    if !checksums.is_empty() {
        metadata.push((PART_CHECKSUMS.to_owned(), checksums.join(",")));
    }
    metadata
}

/// The metadata about the multipart upload that an object was created with.
pub fn upload_as_metadata(id: &str) -> (String, String) {
    (UPLOAD.to_owned(), id.to_owned())
}

/// The id of the multipart upload that an object was created with.
pub fn upload(metadata: &[(String, String)]) -> Option<&str> {
    message::find(metadata, UPLOAD)
}

/// The parts of an object; `None` if it was not created with a multipart upload.
pub fn parts(metadata: &[(String, String)]) -> Option<Vec<ObjectPart>> {
    let runs = message::find(metadata, PARTS)?;
    let algorithm = Checksum::of(metadata).map(|checksum| checksum.algorithm);
    let mut checksums = message::find(metadata, PART_CHECKSUMS)
        .map(|text| text.split(','))
        .into_iter()
        .flatten();
    let mut parts = Vec::new();
    let mut offset = 0u64;
    for run in runs.split(',') {
        let (size, count) = run.split_once('*').unwrap_or((run, "1"));
        let size: u64 = size.parse().ok()?;
        for _ in 0..count.parse::<u32>().ok()?.min(limits::MAX_PART_NUMBER) {
            parts.push(ObjectPart {
                offset,
                size,
                checksum: algorithm
                    .zip(checksums.next())
                    .map(|(algorithm, value)| Checksum {
                        algorithm,
                        value: value.to_owned(),
                    }),
            });
            offset = offset.saturating_add(size);
        }
    }
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_the_same_size_are_stored_together() {
        let metadata = parts_as_metadata(&[5, 5, 5, 2], &[]);
        assert_eq!(metadata, [("parts".to_owned(), "5*3,2".to_owned())]);
        let parts = parts(&metadata).unwrap();
        assert_eq!(parts.len(), 4);
        assert_eq!((parts[3].offset, parts[3].size), (15, 2));
    }
}
