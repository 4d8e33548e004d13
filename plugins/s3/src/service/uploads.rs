//! ListParts and ListMultipartUploads.

use super::call::{self, Call};
use super::checksum::Checksum;
use super::error::{self, Error};
use super::limits;
use super::list::{self, ListRequest};
use super::message::Response;
use super::metadata;
use super::multipart::{self, Scheme};
use super::store::{MultipartListing, MultipartUpload, StoreError};
use super::xml::Writer;
use crate::encoding;

/// ListParts.
pub fn parts(call: &mut Call<'_>) -> Result<Response, Error> {
    let max = call.max_entries("max-parts", "maxParts", limits::MAX_PAGE)?;
    let marker = call
        .query("part-number-marker")
        .filter(|marker| !marker.is_empty())
        .unwrap_or("0");
    let after: u32 = marker.parse().map_err(|_| {
        error::invalid_argument(
            "part-number-marker",
            marker,
            "Provided part-number-marker not an integer or within integer range",
        )
    })?;
    let upload = multipart::upload_of(call)?;
    let scheme = Scheme::of(&upload.metadata);
    // One more part shows whether the list is truncated.
    let mut parts = call
        .store()
        .parts(&call.bucket, &upload.id, after, max.saturating_add(1))
        .map_err(|error| call.upload_error(&upload.id, error))?;
    let page = usize::try_from(max).unwrap_or(usize::MAX);
    let truncated = parts.len() > page && max > 0;
    parts.truncate(page);
    let owner = call.context.owner();
    Ok(Response::xml(Writer::document("ListPartsResult", |xml| {
        xml.text("Bucket", &call.bucket);
        xml.text("Key", &call.key);
        xml.text("UploadId", &upload.id);
        list::write_initiator(xml, &owner);
        list::write_owner(xml, "Owner", &owner);
        xml.text("StorageClass", metadata::storage_class(&upload.metadata));
        xml.value("PartNumberMarker", after);
        xml.value(
            "NextPartNumberMarker",
            parts.last().map_or(0, |part| part.number),
        );
        xml.value("MaxParts", max);
        xml.value("IsTruncated", truncated);
        write_scheme(xml, scheme);
        for part in &parts {
            xml.element("Part", |xml| {
                xml.value("PartNumber", part.number);
                xml.text("LastModified", encoding::list_time(part.modified_at_ms));
                xml.text("ETag", format!("\"{}\"", part.etag));
                // A part may have a checksum of another type than the upload.
                if let (Some(_), Some(checksum)) = (scheme, Checksum::of(&part.metadata)) {
                    xml.text(&checksum.algorithm.element(), &checksum.value);
                }
                xml.value("Size", part.size);
            });
        }
    })))
}

fn write_scheme(xml: &mut Writer, scheme: Option<Scheme>) {
    if let Some(scheme) = scheme {
        xml.text("ChecksumAlgorithm", scheme.algorithm.name());
        xml.text("ChecksumType", scheme.kind());
    }
}

/// ListMultipartUploads.
pub fn uploads(call: &mut Call<'_>) -> Result<Response, Error> {
    let request = ListRequest::of(call, "max-uploads", "maxUploads")?;
    let key = call.query("key-marker").unwrap_or_default();
    // The marker is ignored without a key marker.
    let id = call.query("upload-id-marker").filter(|_| !key.is_empty());
    let after = (!key.is_empty()).then(|| {
        let id = id.filter(|id| !id.is_empty()).map(str::to_owned);
        (key.to_owned(), id)
    });
    if let (Some((_, Some(_))), Some(id)) = (&after, id) {
        check_marker(call, key, id)?;
    }
    let listing = if request.max == 0 {
        call.bucket_info()?;
        MultipartListing::default()
    } else {
        call.store()
            .multipart_uploads(&call.bucket, &request.query(after))
            .map_err(|error| call.store_error(error))?
    };
    let encode = |text: &str| request.encoding.encode(text);
    // AWS returns the last upload even if the list is complete. Common prefixes do not count.
    let next = listing.uploads.last();
    let owner = call.context.owner();
    Ok(Response::xml(Writer::document(
        "ListMultipartUploadsResult",
        |xml| {
            xml.text("Bucket", &call.bucket);
            xml.text("KeyMarker", encode(key));
            xml.text("UploadIdMarker", id.unwrap_or_default());
            xml.text(
                "NextKeyMarker",
                next.map(|next| encode(&next.key)).unwrap_or_default(),
            );
            xml.text(
                "NextUploadIdMarker",
                next.map(|next| next.id.as_str()).unwrap_or_default(),
            );
            xml.optional("Delimiter", request.delimiter.map(encode));
            let prefix = Some(request.prefix).filter(|prefix| !prefix.is_empty());
            xml.optional("Prefix", prefix.map(encode));
            xml.optional("EncodingType", request.encoding.name());
            xml.value("MaxUploads", request.max);
            xml.value("IsTruncated", listing.next.is_some());
            for upload in &listing.uploads {
                write_upload(xml, upload, &request, &owner);
            }
            request.write_prefixes(xml, &listing.common_prefixes);
        },
    )))
}

/// Refuses a marker that is not an upload for its key. The upload may have ended.
fn check_marker(call: &Call<'_>, key: &str, id: &str) -> Result<(), Error> {
    let fits = match call.store().describe_multipart(&call.bucket, id) {
        Ok(upload) => upload.key == key,
        Err(StoreError::Missing) => call::is_version_id(id),
        Err(error) => return Err(call.store_error(error)),
    };
    if fits {
        return Ok(());
    }
    Err(error::invalid_argument(
        "upload-id-marker",
        id,
        "Invalid uploadId marker",
    ))
}

fn write_upload(
    xml: &mut Writer,
    upload: &MultipartUpload,
    request: &ListRequest<'_>,
    owner: &str,
) {
    xml.element("Upload", |xml| {
        xml.text("Key", request.encoding.encode(&upload.key));
        xml.text("UploadId", &upload.id);
        list::write_initiator(xml, owner);
        list::write_owner(xml, "Owner", owner);
        xml.text("StorageClass", metadata::storage_class(&upload.metadata));
        xml.text("Initiated", encoding::list_time(upload.started_at_ms));
        write_scheme(xml, Scheme::of(&upload.metadata));
    });
}
