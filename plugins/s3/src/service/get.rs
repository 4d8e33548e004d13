//! GetObject and HeadObject.

use plugin_kit::time;

use super::call::{self, Call};
use super::conditions;
use super::customer_key;
use super::error::{self, Error};
use super::limits;
use super::message::{Body, Response};
use super::metadata;
use super::range::{self, ByteRange};
use super::store::{ObjectInfo, StoreError};

/// GetObject. An archived object cannot be read, because archived objects are not restored here.
pub fn get(call: &mut Call<'_>) -> Result<Response, Error> {
    let version = call.version()?;
    let (opened, info) = call
        .store()
        .open(&call.bucket, &call.key, version)
        .map_err(|error| missing(call, version, error))?;
    if info.delete_marker {
        return Err(marker(call, &info, version.is_some()));
    }
    if let class @ ("GLACIER" | "DEEP_ARCHIVE") = metadata::storage_class(&info.metadata) {
        return Err(error::INVALID_OBJECT_STATE.with("StorageClass", class));
    }
    let (mut response, range) = respond(call, &info)?;
    response.body = Body::Object {
        opened,
        offset: range.offset,
        length: range.length,
    };
    Ok(response)
}

/// HeadObject.
pub fn head(call: &mut Call<'_>) -> Result<Response, Error> {
    let info = describe(call)?;
    respond(call, &info).map(|(response, _)| response)
}

/// The description of the request's object.
pub fn describe(call: &Call<'_>) -> Result<ObjectInfo, Error> {
    let version = call.version()?;
    let info = call
        .store()
        .describe(&call.bucket, &call.key, version)
        .map_err(|error| missing(call, version, error))?;
    if info.delete_marker {
        return Err(marker(call, &info, version.is_some()));
    }
    Ok(info)
}

/// The error of S3 for a missing object, or for a delete marker.
pub fn missing(call: &Call<'_>, version: Option<&str>, error: StoreError) -> Error {
    match (&error, version) {
        (StoreError::Missing, _) => {}
        (StoreError::Invalid(_), Some(version)) => return call::invalid_version(version),
        _ => return call.store_error(error),
    }
    match call.store().describe(&call.bucket, &call.key, version) {
        Ok(info) if info.delete_marker => marker(call, &info, version.is_some()),
        _ => match version {
            Some(version) => {
                call::missing_version(call.context.store, &call.bucket, &call.key, version)
            }
            None => call.store_error(error),
        },
    }
}

/// The error of S3 for a delete marker: as for a missing object, unless the request names its version.
pub fn marker(call: &Call<'_>, info: &ObjectInfo, by_name: bool) -> Error {
    let error = if by_name {
        error::METHOD_NOT_ALLOWED
            .with("Method", call.request.method.as_str())
            .with("ResourceType", "DeleteMarker")
            .header("Allow", "DELETE")
            .header("Last-Modified", time::http_date(info.modified_at_ms))
    } else {
        error::NO_SUCH_KEY.with("Key", call.key.as_str())
    };
    error.header("x-amz-delete-marker", "true").header(
        "x-amz-version-id",
        info.version.clone().unwrap_or_else(|| "null".to_owned()),
    )
}

/// The status, the headers and the range of the response.
fn respond(call: &Call<'_>, info: &ObjectInfo) -> Result<(Response, ByteRange), Error> {
    customer_key::check_read(call, &info.metadata)?;
    check_overrides(call)?;
    conditions::read(call, info)?;
    let whole = ByteRange {
        offset: 0,
        length: info.size,
    };
    let parts = metadata::parts(&info.metadata);
    let number = part_number(call)?;
    let range = match (number, call.header("range")) {
        (Some(number), _) => Some(part(info, number, parts.as_deref())?),
        (None, Some(header)) => range::of_header(header, info.size)?,
        (None, None) => None,
    };
    let mut response = Response::new(if range.is_some() { 206 } else { 200 });
    response = metadata::with_headers(response, call, info);
    if number.is_some()
        && let Some(parts) = &parts
    {
        response = response.with("x-amz-mp-parts-count", parts.len().to_string());
    }
    let wants_checksum = call
        .header("x-amz-checksum-mode")
        .is_some_and(|mode| mode.eq_ignore_ascii_case("ENABLED"));
    if wants_checksum {
        let of_part = number
            .and_then(|number| part_at(parts.as_deref()?, number))
            .and_then(|part| part.checksum.as_ref());
        response = match of_part {
            Some(checksum) => response
                .with(&checksum.algorithm.header(), checksum.value.as_str())
                .with("x-amz-checksum-type", "COMPOSITE"),
            // A checksum of the whole object is returned only with the whole object.
            None if range.is_none_or(|range| range == whole) => {
                metadata::with_checksum(response, &info.metadata)
            }
            None => response,
        };
    }
    let length = range.unwrap_or(whole).length;
    response = response
        .with("Content-Length", length.to_string())
        .with_some(
            "Content-Range",
            range.map(|range| range.content_range(info.size)),
        );
    Ok((response, range.unwrap_or(whole)))
}

/// Refuses `response-*` parameters whose values cannot be headers.
fn check_overrides(call: &Call<'_>) -> Result<(), Error> {
    for (name, value) in &call.request.query {
        if name.starts_with("response-")
            && value
                .chars()
                .any(|char| !matches!(char, ' '..='~' | '\u{a0}'..='\u{ff}'))
        {
            return Err(error::invalid_argument(
                name.as_str(),
                value.as_str(),
                "Header value cannot be represented using ISO-8859-1.",
            ));
        }
    }
    Ok(())
}

fn part_number(call: &Call<'_>) -> Result<Option<u32>, Error> {
    let Some(text) = call.query("partNumber") else {
        return Ok(None);
    };
    if call.header("range").is_some() {
        return Err(error::INVALID_REQUEST
            .with_message("Cannot specify both Range header and partNumber query parameter"));
    }
    number_of_part(text).map(Some)
}

/// Reads the number of a part.
pub fn number_of_part(text: &str) -> Result<u32, Error> {
    text.parse()
        .ok()
        .filter(|number| (1..=limits::MAX_PART_NUMBER).contains(number))
        .ok_or_else(|| {
            error::invalid_argument(
                "partNumber",
                text,
                "Part number must be an integer between 1 and 10000, inclusive",
            )
        })
}

fn part_at(parts: &[metadata::ObjectPart], number: u32) -> Option<&metadata::ObjectPart> {
    parts.get(usize::try_from(number).ok()?.checked_sub(1)?)
}

/// The range of a part. An object that was not created with a multipart upload has one part.
fn part(
    info: &ObjectInfo,
    number: u32,
    parts: Option<&[metadata::ObjectPart]>,
) -> Result<ByteRange, Error> {
    let count = parts.map_or(1, <[_]>::len);
    let found = match parts {
        None => (number == 1).then_some(ByteRange {
            offset: 0,
            length: info.size,
        }),
        Some(parts) => part_at(parts, number).map(|part| ByteRange {
            offset: part.offset,
            length: part.size,
        }),
    };
    found.ok_or_else(|| {
        error::INVALID_PART_NUMBER
            .with("ActualPartCount", count.to_string())
            .with("PartNumberRequested", number.to_string())
    })
}
