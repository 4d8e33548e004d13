//! CompleteMultipartUpload: the parts of an upload become one object.

use plugin_kit::hex;

use super::address;
use super::call::Call;
use super::checksum::{self, Algorithm, Checksum};
use super::conditions;
use super::error::{self, Error};
use super::limits;
use super::message::{Body, Response};
use super::metadata;
use super::multipart::{self, Scheme};
use super::put;
use super::store::{Digest, ObjectInfo, Part, Put, StoreError};
use super::xml::{Element, Writer};
use crate::encoding;

/// CompleteMultipartUpload.
pub fn complete(call: &mut Call<'_>) -> Result<Response, Error> {
    let condition = conditions::write(call.request)?;
    let upload = match multipart::upload_of(call) {
        Ok(upload) => upload,
        Err(error) => return repeated(call).ok_or(error),
    };
    let scheme = Scheme::of(&upload.metadata);
    check_kind(call, scheme)?;
    let document = call.document()?;
    if document.is_empty() {
        return Err(error::INVALID_REQUEST.with_message("You must specify at least one part"));
    }
    let root = Element::parse(&document)
        .filter(|root| root.name == "CompleteMultipartUpload")
        .ok_or_else(|| error::MALFORMED_XML.error())?;
    let requested = requested_parts(&root, &upload.id)?;
    let parts = uploaded_parts(call, &upload.id, &requested, scheme)?;
    check_size(call, &parts)?;
    let existed = multipart::replaces(&upload);
    conditions::check_since(call, &condition, upload.started_at_ms, existed)?;

    let composed_of: Vec<(u32, String)> = parts
        .iter()
        .map(|part| (part.number, part.etag.clone()))
        .collect();
    let whole = match scheme {
        Some(scheme) if scheme.composite => None,
        Some(scheme) => Some(scheme.algorithm),
        None => Some(Algorithm::DEFAULT),
    };
    let digests: Vec<Digest> = whole.iter().map(|algorithm| algorithm.digest()).collect();
    let (composed, finished) = (|| {
        let composed = call
            .store()
            .compose(&call.bucket, &upload.id, &composed_of, &digests)?;
        Ok((composed, call.store().finish(composed)?))
    })()
    .map_err(|error| match error {
        // A part was uploaded again after it was chosen.
        StoreError::PreconditionFailed => error::INVALID_PART.with("UploadId", &upload.id),
        error => call.upload_error(&upload.id, error),
    })?;
    let (checksum, of_parts) = match whole.zip(finished.digests.first()) {
        Some((algorithm, bytes)) => (Some(Checksum::new(algorithm, bytes)), Vec::new()),
        None => composite(call, scheme, &parts)?,
    };
    check_claim(call, scheme, checksum.as_ref())?;

    let mut metadata = multipart::object_metadata(&upload);
    metadata.extend(checksum.as_ref().map(Checksum::pair));
    let sizes: Vec<u64> = parts.iter().map(|part| part.size).collect();
    metadata.extend(metadata::parts_as_metadata(&sizes, &of_parts));
    metadata.push(metadata::upload_as_metadata(&upload.id));
    let etags: Vec<&str> = parts.iter().map(|part| part.etag.as_str()).collect();
    let put = Put {
        etag: etag(call, &etags)?,
        metadata,
        condition: condition.clone(),
        completes: Some(upload.id),
        event: Some(call.event("ObjectCreated:CompleteMultipartUpload")),
    };
    let info = call
        .store()
        .put(&call.bucket, &call.key, composed, put)
        .map_err(|error| conditions::failed(call, &condition, error))?;
    Ok(answer(call, &info, checksum.as_ref()))
}

/// The response to a client that completes an upload once more, for example because the first response was lost. It is
/// the same as long as the object is the one that consists of these parts.
fn repeated(call: &mut Call<'_>) -> Option<Response> {
    let id = call.query("uploadId")?;
    let info = call
        .store()
        .describe(&call.bucket, &call.key, None)
        .ok()
        .filter(|info| metadata::upload(&info.metadata) == Some(id))?;
    let root = Element::parse(&call.document().ok()?)?;
    let requested = requested_parts(&root, id).ok()?;
    let etags: Vec<&str> = requested.iter().map(|part| part.etag.as_str()).collect();
    (etag(call, &etags).ok()? == info.etag)
        .then(|| answer(call, &info, Checksum::of(&info.metadata).as_ref()))
}

fn answer(call: &Call<'_>, info: &ObjectInfo, checksum: Option<&Checksum>) -> Response {
    let document = Writer::document("CompleteMultipartUploadResult", |xml| {
        xml.text("Location", address::location(call));
        xml.text("Bucket", &call.bucket);
        xml.text("Key", &call.key);
        xml.text("ETag", format!("\"{}\"", info.etag));
        if let Some(checksum) = checksum {
            xml.text(&checksum.algorithm.element(), &checksum.value);
            xml.text("ChecksumType", checksum.kind());
        }
    });
    let mut response =
        put::respond_to_write(call, 200, info).with("Content-Type", "application/xml");
    response.body = Body::Bytes(document.into_bytes());
    response
}

/// A part as the request names it.
struct RequestedPart {
    number: u32,
    etag: String,
    checksum: Option<Checksum>,
}

/// The parts that the document names, in order.
fn requested_parts(root: &Element, id: &str) -> Result<Vec<RequestedPart>, Error> {
    let malformed = || error::MALFORMED_XML.error();
    let parts = root
        .all("Part")
        .map(|part| {
            let number = part
                .text_of("PartNumber")
                .and_then(|text| text.trim().parse().ok())
                .ok_or_else(malformed)?;
            if !(1..=limits::MAX_PART_NUMBER).contains(&number) {
                return Err(error::invalid_argument(
                    "partNumber",
                    number.to_string(),
                    "PartNumber must be >= 1",
                ));
            }
            let etag = part.text_of("ETag").ok_or_else(malformed)?;
            let checksum = part.children.iter().find_map(|child| {
                let algorithm = Algorithm::parse(child.name.strip_prefix("Checksum")?).ok()?;
                Some(Checksum {
                    algorithm,
                    value: child.text.trim().to_owned(),
                })
            });
            Ok(RequestedPart {
                number,
                etag: conditions::unquoted(etag).to_owned(),
                checksum,
            })
        })
        .collect::<Result<Vec<_>, Error>>()?;
    if parts.is_empty() {
        return Err(malformed());
    }
    if !parts.is_sorted_by(|one, next| one.number < next.number) {
        return Err(error::INVALID_PART_ORDER.with("UploadId", id));
    }
    Ok(parts)
}

/// The parts that were requested, as they were uploaded.
fn uploaded_parts(
    call: &Call<'_>,
    id: &str,
    requested: &[RequestedPart],
    scheme: Option<Scheme>,
) -> Result<Vec<Part>, Error> {
    let uploaded = all_parts(call, id)?;
    let last = requested.last().map(|part| part.number);
    requested
        .iter()
        .map(|requested| {
            if let (Some(scheme), Some(checksum)) = (scheme, &requested.checksum)
                && scheme.algorithm != checksum.algorithm
            {
                return Err(error::BAD_DIGEST.with_message(format!(
                    "The {} you specified for part {} did not match what we received.",
                    checksum.algorithm.lower(),
                    requested.number
                )));
            }
            let part = uploaded
                .binary_search_by_key(&requested.number, |part| part.number)
                .ok()
                .and_then(|at| uploaded.get(at))
                .filter(|part| part.etag == requested.etag)
                .filter(|part| {
                    requested
                        .checksum
                        .as_ref()
                        .is_none_or(|checksum| {
                            scheme.is_some()
                                && Checksum::of(&part.metadata).as_ref() == Some(checksum)
                        })
                })
                .ok_or_else(|| {
                    error::INVALID_PART
                        .with("UploadId", id)
                        .with("PartNumber", requested.number.to_string())
                        .with("ETag", requested.etag.as_str())
                })?;
            if let Some(scheme) = scheme.filter(|scheme| scheme.composite)
                && requested.checksum.is_none()
            {
                return Err(error::INVALID_REQUEST.with_message(format!(
                    "The upload was created using a {} checksum. The complete request must include the checksum for \
                     each part. It was missing for part {} in the request.",
                    scheme.algorithm.lower(),
                    requested.number
                )));
            }
            if part.size < limits::MIN_PART && Some(part.number) != last {
                return Err(error::ENTITY_TOO_SMALL
                    .with("ProposedSize", part.size.to_string())
                    .with("MinSizeAllowed", limits::MIN_PART.to_string())
                    .with("PartNumber", part.number.to_string())
                    .with("ETag", part.etag.as_str()));
            }
            Ok(part.clone())
        })
        .collect()
}

/// All parts of an upload, sorted by number.
pub fn all_parts(call: &Call<'_>, id: &str) -> Result<Vec<Part>, Error> {
    let mut parts: Vec<Part> = Vec::new();
    loop {
        let after = parts.last().map_or(0, |part| part.number);
        let page = call
            .store()
            .parts(&call.bucket, id, after, limits::PARTS_PAGE)
            .map_err(|error| call.upload_error(id, error))?;
        let is_last = page.len() < usize::try_from(limits::PARTS_PAGE).unwrap_or(usize::MAX);
        parts.extend(page);
        if is_last {
            return Ok(parts);
        }
    }
}

fn check_kind(call: &Call<'_>, scheme: Option<Scheme>) -> Result<(), Error> {
    let made = scheme.map_or("null", Scheme::kind);
    match call.header("x-amz-checksum-type") {
        Some(kind) if kind != made => Err(error::INVALID_REQUEST.with_message(format!(
            "The upload was created using the {made} checksum mode. The complete request must use the same checksum \
             mode."
        ))),
        _ => Ok(()),
    }
}

fn check_size(call: &Call<'_>, parts: &[Part]) -> Result<(), Error> {
    let size: u64 = parts.iter().map(|part| part.size).sum();
    match call.header("x-amz-mp-object-size") {
        Some(said) if said != size.to_string() => Err(error::INVALID_REQUEST.with_message(format!(
            "The provided 'x-amz-mp-object-size' header value {said} does not match what was computed: {size}"
        ))),
        _ => Ok(()),
    }
}

/// Refuses a request that states another checksum for the object. AWS ignores the checksum if the upload was started
/// without an algorithm, unless it is of a recent type. If the type is not stated, AWS expects a composite checksum for algorithms that have them.
fn check_claim(
    call: &Call<'_>,
    scheme: Option<Scheme>,
    computed: Option<&Checksum>,
) -> Result<(), Error> {
    let Some(claimed) = checksum::header(call.request)? else {
        return Ok(());
    };
    let Some(scheme) = scheme else {
        return match claimed.algorithm.is_recent() {
            false => Ok(()),
            true => Err(error::INVALID_REQUEST.with_message(format!(
                "Checksum Type mismatch occurred, expected checksum Type: null, actual checksum Type: {}",
                claimed.algorithm.lower()
            ))),
        };
    };
    let is_said = call.header("x-amz-checksum-type").is_some();
    let is_kind = is_said || scheme.composite || scheme.algorithm == Algorithm::Crc64Nvme;
    // A composite checksum may be stated without the number of parts.
    let same = computed.is_some_and(|computed| {
        computed.algorithm == claimed.algorithm
            && [computed.value.as_str(), computed.without_part_count()]
                .contains(&claimed.value.as_str())
    });
    if is_kind && same {
        return Ok(());
    }
    Err(error::BAD_DIGEST.with_message(format!(
        "The {} you specified did not match the calculated checksum.",
        scheme.algorithm.lower()
    )))
}

/// The checksum of the parts' checksums, and these.
fn composite(
    call: &Call<'_>,
    scheme: Option<Scheme>,
    parts: &[Part],
) -> Result<(Option<Checksum>, Vec<String>), Error> {
    let Some(Scheme { algorithm, .. }) = scheme else {
        return Ok((None, Vec::new()));
    };
    let values: Vec<String> = parts
        .iter()
        .filter_map(|part| Checksum::of(&part.metadata))
        .map(|checksum| checksum.value)
        .collect();
    let bytes: Vec<u8> = values
        .iter()
        .filter_map(|value| encoding::from_base64(value))
        .flatten()
        .collect();
    let digest = call.digest(algorithm.digest(), &bytes)?;
    let value = format!("{}-{}", encoding::base64(&digest), parts.len());
    Ok((Some(Checksum { algorithm, value }), values))
}

/// The entity tag: the MD5 digest of the parts' MD5 digests, and the number of parts.
fn etag(call: &Call<'_>, etags: &[&str]) -> Result<String, Error> {
    let bytes: Vec<u8> = etags
        .iter()
        .filter_map(|etag| hex::decode(etag))
        .flatten()
        .collect();
    let digest = call.digest(Digest::Md5, &bytes)?;
    Ok(format!("{}-{}", hex::encode(&digest), etags.len()))
}
