//! GetObjectAttributes.

use plugin_kit::time;

use super::call::Call;
use super::checksum::Checksum;
use super::customer_key;
use super::error::{self, Error};
use super::get;
use super::limits;
use super::message::Response;
use super::metadata::{self, ObjectPart};
use super::xml::Writer;

const ATTRIBUTES: [&str; 5] = [
    "ETag",
    "Checksum",
    "ObjectParts",
    "StorageClass",
    "ObjectSize",
];

/// GetObjectAttributes.
pub fn get(call: &mut Call<'_>) -> Result<Response, Error> {
    let wanted: Vec<&str> = call
        .request
        .headers
        .iter()
        .filter(|(name, _)| name == "x-amz-object-attributes")
        .flat_map(|(_, value)| value.split(','))
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .collect();
    if wanted.is_empty() {
        return Err(error::invalid_argument(
            "x-amz-object-attributes",
            "null",
            "The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or empty",
        ));
    }
    if wanted.iter().any(|name| !ATTRIBUTES.contains(name)) {
        return Err(error::invalid_argument(
            "x-amz-object-attributes",
            wanted.join(","),
            "Invalid attribute name specified.",
        ));
    }
    let max = bound(call, "x-amz-max-parts", limits::MAX_PAGE)?.min(limits::MAX_PAGE);
    let after = bound(call, "x-amz-part-number-marker", 0)?;
    let info = get::describe(call)?;
    customer_key::check_read(call, &info.metadata)?;
    let wants = |name| wanted.contains(&name);
    let document = Writer::document("GetObjectAttributesResponse", |xml| {
        if wants("ETag") {
            xml.text("ETag", &info.etag);
        }
        if wants("Checksum")
            && let Some(checksum) = Checksum::of(&info.metadata)
        {
            xml.element("Checksum", |xml| {
                xml.text(&checksum.algorithm.element(), checksum.without_part_count());
                xml.text("ChecksumType", checksum.kind());
            });
        }
        if wants("ObjectParts")
            && let Some(parts) = metadata::parts(&info.metadata)
        {
            write_parts(xml, &parts, after, max);
        }
        if wants("StorageClass") {
            xml.text("StorageClass", metadata::storage_class(&info.metadata));
        }
        if wants("ObjectSize") {
            xml.value("ObjectSize", info.size);
        }
    });
    Ok(Response::xml(document)
        .with("Last-Modified", time::http_date(info.modified_at_ms))
        .with_some("x-amz-version-id", call.version_header(&info)))
}

/// A number in a header.
fn bound(call: &Call<'_>, name: &'static str, default: u32) -> Result<u32, Error> {
    match call.header(name) {
        None => Ok(default),
        Some(text) => text.parse().map_err(|_| {
            error::invalid_argument(
                name,
                text,
                format!("Provided {name} not an integer or within integer range"),
            )
        }),
    }
}

/// Writes the parts of an object. AWS lists them only if they have checksums of their own.
fn write_parts(xml: &mut Writer, parts: &[ObjectPart], after: u32, max: u32) {
    let page: Vec<(u32, &ObjectPart)> = (1u32..)
        .zip(parts)
        .filter(|(number, part)| *number > after && part.checksum.is_some())
        .take(usize::try_from(max).unwrap_or(usize::MAX))
        .collect();
    let last = page.last().map(|(number, _)| *number);
    let count = u32::try_from(parts.len()).unwrap_or(limits::MAX_PART_NUMBER);
    xml.element("ObjectParts", |xml| {
        xml.value("PartsCount", count);
        if parts.iter().any(|part| part.checksum.is_some()) {
            xml.value("PartNumberMarker", after);
            xml.value("NextPartNumberMarker", last.unwrap_or(0));
            xml.value("MaxParts", max);
            xml.value("IsTruncated", last.is_some_and(|last| last < count));
        }
        for (number, part) in page {
            xml.element("Part", |xml| {
                if let Some(checksum) = &part.checksum {
                    xml.text(&checksum.algorithm.element(), &checksum.value);
                }
                xml.value("PartNumber", number);
                xml.value("Size", part.size);
            });
        }
    });
}
