//! ListObjects (versions 1 and 2) and ListObjectVersions.

use super::call::{self, Call};
use super::checksum::Checksum;
use super::error::{self, Error};
use super::limits;
use super::message::Response;
use super::metadata;
use super::store::{Listing, Mark, ObjectInfo, Query, StoreError};
use super::xml::Writer;
use crate::encoding;

/// The display name of the account.
const DISPLAY_NAME: &str = "lambkin";

/// Whether keys are encoded, which `encoding-type=url` asks for.
#[derive(Clone, Copy)]
pub struct KeyEncoding {
    encoded: bool,
}

impl KeyEncoding {
    /// The encoding that a request asks for.
    pub fn of(call: &Call<'_>) -> Result<Self, Error> {
        match call.query("encoding-type") {
            None => Ok(Self { encoded: false }),
            Some("url") => Ok(Self { encoded: true }),
            Some(other) => Err(error::invalid_argument(
                "encoding-type",
                other,
                "Invalid Encoding Method specified in Request",
            )),
        }
    }

    /// Encodes a key, prefix, delimiter or marker.
    pub fn encode(self, text: &str) -> String {
        if self.encoded {
            encoding::key(text)
        } else {
            text.to_owned()
        }
    }

    /// The name of the encoding in the response.
    pub fn name(self) -> Option<&'static str> {
        self.encoded.then_some("url")
    }
}

/// What a request for a list of keys asks for.
pub struct ListRequest<'a> {
    /// The parameter `prefix`.
    pub prefix: &'a str,
    /// The parameter `delimiter`; `None` if it is empty.
    pub delimiter: Option<&'a str>,
    /// The maximum number of entries.
    pub max: u32,
    /// How keys are written.
    pub encoding: KeyEncoding,
}

impl<'a> ListRequest<'a> {
    /// Reads a request. `max` is the name of the parameter with the maximum number of entries, and `shown` its name in
    /// errors.
    pub fn of(call: &Call<'a>, max: &'static str, shown: &'static str) -> Result<Self, Error> {
        Ok(Self {
            prefix: call.query("prefix").unwrap_or_default(),
            delimiter: call.query("delimiter").filter(|text| !text.is_empty()),
            max: call.max_entries(max, shown, limits::MAX_PAGE)?,
            encoding: KeyEncoding::of(call)?,
        })
    }

    /// The query for the store.
    pub fn query(&self, after: Option<Mark>) -> Query {
        Query {
            prefix: self.prefix.to_owned(),
            delimiter: self.delimiter.unwrap_or_default().to_owned(),
            after,
            max: self.max,
        }
    }

    /// Writes the common prefixes, which are at the end of each list.
    pub fn write_prefixes(&self, xml: &mut Writer, prefixes: &[String]) {
        for prefix in prefixes {
            xml.element("CommonPrefixes", |xml| {
                xml.text("Prefix", self.encoding.encode(prefix));
            });
        }
    }
}

/// ListObjects.
pub fn objects(call: &mut Call<'_>) -> Result<Response, Error> {
    let request = ListRequest::of(call, "max-keys", "maxKeys")?;
    let marker = call.query("marker").unwrap_or_default();
    let after = (!marker.is_empty()).then(|| (marker.to_owned(), None));
    let bucket = call.bucket_info()?;
    let region = call.region_of(&bucket);
    let listing = page(call, &request, after)?;
    let owner = call.context.owner();
    let encode = |text: &str| request.encoding.encode(text);
    Ok(Response::xml(Writer::document("ListBucketResult", |xml| {
        xml.text("Name", &call.bucket);
        xml.text("Prefix", encode(request.prefix));
        xml.text("Marker", encode(marker));
        // Without a delimiter, the client continues with the last key.
        if let (Some(_), Some((next, _))) = (request.delimiter, &listing.next) {
            xml.text("NextMarker", encode(next));
        }
        xml.value("MaxKeys", request.max);
        xml.optional("Delimiter", request.delimiter.map(encode));
        xml.optional("EncodingType", request.encoding.name());
        xml.value("IsTruncated", listing.next.is_some());
        write_objects(xml, &request, &listing, Some(&owner));
    }))
    .with("x-amz-bucket-region", region))
}

/// ListObjectsV2.
pub fn objects_v2(call: &mut Call<'_>) -> Result<Response, Error> {
    let request = ListRequest::of(call, "max-keys", "maxKeys")?;
    let requested_token = call.query("continuation-token");
    let start = call.query("start-after").filter(|text| !text.is_empty());
    let after = match requested_token {
        Some(token) => Some((continued(token)?, None)),
        None => start.map(|start| (start.to_owned(), None)),
    };
    let bucket = call.bucket_info()?;
    let region = call.region_of(&bucket);
    let listing = page(call, &request, after)?;
    let owner = (call.query("fetch-owner") == Some("true")).then(|| call.context.owner());
    let encode = |text: &str| request.encoding.encode(text);
    Ok(Response::xml(Writer::document("ListBucketResult", |xml| {
        xml.text("Name", &call.bucket);
        xml.text("Prefix", encode(request.prefix));
        // With a token, `start-after` is ignored.
        xml.optional(
            "StartAfter",
            start.filter(|_| requested_token.is_none()).map(encode),
        );
        xml.optional("ContinuationToken", requested_token);
        if let Some((next, _)) = &listing.next {
            xml.text("NextContinuationToken", token(next));
        }
        xml.value(
            "KeyCount",
            listing.objects.len() + listing.common_prefixes.len(),
        );
        xml.value("MaxKeys", request.max);
        xml.optional("Delimiter", request.delimiter.map(encode));
        xml.optional("EncodingType", request.encoding.name());
        xml.value("IsTruncated", listing.next.is_some());
        write_objects(xml, &request, &listing, owner.as_deref());
    }))
    .with("x-amz-bucket-region", region))
}

/// A continuation token, which is opaque to clients.
pub fn token(next: &str) -> String {
    encoding::base64(format!("1{next}").as_bytes())
}

/// The key or name with which the list of a continuation token continues.
pub fn continued(token: &str) -> Result<String, Error> {
    encoding::from_base64(token)
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|text| text.strip_prefix('1').map(str::to_owned))
        .ok_or_else(|| {
            error::INVALID_ARGUMENT
                .with_message("The continuation token provided is incorrect")
                .with("ArgumentName", "continuation-token")
        })
}

fn page(call: &Call<'_>, request: &ListRequest<'_>, after: Option<Mark>) -> Result<Listing, Error> {
    if request.max == 0 {
        return Ok(Listing::default());
    }
    call.store()
        .objects(&call.bucket, &request.query(after))
        .map_err(|error| call.store_error(error))
}

fn write_objects(
    xml: &mut Writer,
    request: &ListRequest<'_>,
    listing: &Listing,
    owner: Option<&str>,
) {
    for info in &listing.objects {
        xml.element("Contents", |xml| {
            xml.text("Key", request.encoding.encode(&info.key));
            xml.text("LastModified", encoding::list_time(info.modified_at_ms));
            write_content(xml, info, owner);
        });
    }
    request.write_prefixes(xml, &listing.common_prefixes);
}

/// Writes what lists contain about the bytes of an object.
fn write_content(xml: &mut Writer, info: &ObjectInfo, owner: Option<&str>) {
    xml.text("ETag", format!("\"{}\"", info.etag));
    if let Some(checksum) = Checksum::of(&info.metadata) {
        xml.text("ChecksumAlgorithm", checksum.algorithm.name());
        xml.text("ChecksumType", checksum.kind());
    }
    xml.value("Size", info.size);
    if let Some(owner) = owner {
        write_owner(xml, "Owner", owner);
    }
    xml.text("StorageClass", metadata::storage_class(&info.metadata));
}

/// Writes an owner or grantee. AWS no longer returns their display names.
pub fn write_owner(xml: &mut Writer, element: &str, owner: &str) {
    xml.element(element, |xml| xml.text("ID", owner));
}

/// Writes the initiator of a multipart upload, the only one with a display name.
pub fn write_initiator(xml: &mut Writer, owner: &str) {
    xml.element("Initiator", |xml| {
        xml.text("ID", owner);
        xml.text("DisplayName", DISPLAY_NAME);
    });
}

/// ListObjectVersions.
pub fn versions(call: &mut Call<'_>) -> Result<Response, Error> {
    let request = ListRequest::of(call, "max-keys", "maxKeys")?;
    let key = call.query("key-marker").filter(|text| !text.is_empty());
    let version = call.query("version-id-marker");
    let after = match (key, version) {
        (None, Some(version)) => {
            return Err(error::invalid_argument(
                "version-id-marker",
                version,
                "A version-id marker cannot be specified without a key marker.",
            ));
        }
        (Some(_), Some("")) => {
            return Err(error::invalid_argument(
                "version-id-marker",
                "",
                "A version-id marker cannot be empty.",
            ));
        }
        (key, version) => key.map(|key| (key.to_owned(), version.map(str::to_owned))),
    };
    if let (Some(key), Some(version)) = (key, version) {
        check_marker(call, key, version)?;
    }
    let listing = if request.max == 0 {
        call.bucket_info()?;
        Listing::default()
    } else {
        call.store()
            .versions(&call.bucket, &request.query(after))
            .map_err(|error| call.store_error(error))?
    };
    let owner = call.context.owner();
    let encode = |text: &str| request.encoding.encode(text);
    Ok(Response::xml(Writer::document(
        "ListVersionsResult",
        |xml| {
            xml.text("Name", &call.bucket);
            xml.text("Prefix", encode(request.prefix));
            xml.text("KeyMarker", encode(key.unwrap_or_default()));
            xml.text("VersionIdMarker", version.unwrap_or_default());
            if let Some((key, version)) = &listing.next {
                xml.text("NextKeyMarker", encode(key));
                xml.optional("NextVersionIdMarker", version.as_deref());
            }
            xml.value("MaxKeys", request.max);
            xml.optional("Delimiter", request.delimiter.map(encode));
            xml.optional("EncodingType", request.encoding.name());
            xml.value("IsTruncated", listing.next.is_some());
            for info in &listing.objects {
                write_version(xml, info, &request, &owner);
            }
            request.write_prefixes(xml, &listing.common_prefixes);
        },
    )))
}

/// Refuses a marker that cannot be a version. The version may have been removed.
fn check_marker(call: &Call<'_>, key: &str, version: &str) -> Result<(), Error> {
    match call.store().describe(&call.bucket, key, Some(version)) {
        Err(StoreError::Missing | StoreError::Invalid(_)) if !call::is_version_id(version) => Err(
            error::invalid_argument("version-id-marker", version, "Invalid version id specified"),
        ),
        _ => Ok(()),
    }
}

fn write_version(xml: &mut Writer, info: &ObjectInfo, request: &ListRequest<'_>, owner: &str) {
    let element = if info.delete_marker {
        "DeleteMarker"
    } else {
        "Version"
    };
    xml.element(element, |xml| {
        xml.text("Key", request.encoding.encode(&info.key));
        xml.text("VersionId", info.version.as_deref().unwrap_or("null"));
        xml.value("IsLatest", info.latest);
        xml.text("LastModified", encoding::list_time(info.modified_at_ms));
        if info.delete_marker {
            write_owner(xml, "Owner", owner);
        } else {
            write_content(xml, info, Some(owner));
        }
    });
}
