//! Multipart uploads: CreateMultipartUpload, UploadPart, UploadPartCopy, AbortMultipartUpload.
//!
//! The type of the checksums is chosen when the upload starts. It is stored with the upload's metadata until the upload
//! is completed.

use super::body;
use super::call::Call;
use super::checksum::{self, Algorithm, Checksum};
use super::copy;
use super::customer_key;
use super::error::{self, Error};
use super::get;
use super::message::{self, Request, Response};
use super::metadata;
use super::range::{self, ByteRange};
use super::store::{MultipartUpload, Pairs};
use super::tagging;
use super::xml::Writer;

const ALGORITHM: &str = "upload-checksum-algorithm";
const KIND: &str = "upload-checksum-type";
/// Whether the key had an object when the upload started: a condition of its completion depends on it.
const EXISTED: &str = "upload-replaces";

/// The checksums of an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scheme {
    /// The type of the checksums of the parts and of the object.
    pub algorithm: Algorithm,
    /// Whether the checksum of the object is computed from those of the parts instead of from its bytes.
    pub composite: bool,
}

impl Scheme {
    /// The checksums that a request asks for.
    fn of_request(request: &Request) -> Result<Option<Self>, Error> {
        let kind = request.header("x-amz-checksum-type");
        let Some(name) = request.header("x-amz-checksum-algorithm") else {
            return match kind {
                None => Ok(None),
                Some(_) => Err(error::INVALID_REQUEST.with_message(
                    "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.",
                )),
            };
        };
        let algorithm = Algorithm::parse(name)?;
        let composite = match kind {
            None => algorithm != Algorithm::Crc64Nvme,
            Some("COMPOSITE") => true,
            Some("FULL_OBJECT") => false,
            Some(_) => {
                return Err(error::INVALID_REQUEST
                    .with_message("Value for x-amz-checksum-type header is invalid."));
            }
        };
        let allowed = if composite {
            algorithm != Algorithm::Crc64Nvme
        } else {
            algorithm.is_linear()
        };
        if !allowed {
            return Err(error::INVALID_REQUEST.with_message(format!(
                "The {} checksum type cannot be used with the {} checksum algorithm.",
                kind.unwrap_or_default(),
                algorithm.lower()
            )));
        }
        Ok(Some(Self {
            algorithm,
            composite,
        }))
    }

    /// The checksums of an upload; `None` if the client chose none.
    pub fn of(metadata: &[(String, String)]) -> Option<Self> {
        Some(Self {
            algorithm: Algorithm::parse(message::find(metadata, ALGORITHM)?).ok()?,
            composite: message::find(metadata, KIND) == Some("COMPOSITE"),
        })
    }

    /// The kind of the object's checksum: `COMPOSITE` or `FULL_OBJECT`.
    pub fn kind(self) -> &'static str {
        if self.composite {
            "COMPOSITE"
        } else {
            "FULL_OBJECT"
        }
    }

    fn pairs(self) -> Pairs {
        vec![
            (ALGORITHM.to_owned(), self.algorithm.name().to_owned()),
            (KIND.to_owned(), self.kind().to_owned()),
        ]
    }
}

/// The metadata of the object that an upload becomes.
pub fn object_metadata(upload: &MultipartUpload) -> Pairs {
    upload
        .metadata
        .iter()
        .filter(|(name, _)| ![ALGORITHM, KIND, EXISTED].contains(&name.as_str()))
        .cloned()
        .collect()
}

/// Whether the key had an object when the upload started.
pub fn replaces(upload: &MultipartUpload) -> bool {
    message::find(&upload.metadata, EXISTED).is_some()
}

/// The upload of a request. It has to be an upload for the request's key.
pub fn upload_of(call: &Call<'_>) -> Result<MultipartUpload, Error> {
    let id = call.query("uploadId").unwrap_or_default();
    let upload = call
        .store()
        .describe_multipart(&call.bucket, id)
        .map_err(|error| call.upload_error(id, error))?;
    if upload.key == call.key {
        Ok(upload)
    } else {
        Err(error::NO_SUCH_UPLOAD.with("UploadId", id))
    }
}

/// CreateMultipartUpload.
pub fn create(call: &mut Call<'_>) -> Result<Response, Error> {
    let scheme = Scheme::of_request(call.request)?;
    let mut metadata = metadata::of_request(call.request)?;
    metadata.extend(tagging::of_header(call.header("x-amz-tagging"))?);
    metadata.extend(call.protection()?);
    let encryption = metadata.clone();
    metadata.extend(scheme.map(Scheme::pairs).unwrap_or_default());
    let current = call.store().describe(&call.bucket, &call.key, None);
    if current.is_ok_and(|info| !info.delete_marker) {
        metadata.push((EXISTED.to_owned(), "true".to_owned()));
    }
    let id = call
        .store()
        .start_multipart(&call.bucket, &call.key, metadata)
        .map_err(|error| call.store_error(error))?;
    let response = Response::xml(Writer::document("InitiateMultipartUploadResult", |xml| {
        xml.text("Bucket", &call.bucket);
        xml.text("Key", &call.key);
        xml.text("UploadId", id);
    }));
    Ok(metadata::with_encryption(response, &encryption)
        .with_some(
            "x-amz-checksum-algorithm",
            scheme.map(|scheme| scheme.algorithm.name()),
        )
        .with_some("x-amz-checksum-type", scheme.map(Scheme::kind)))
}

/// UploadPart.
pub fn upload_part(call: &mut Call<'_>) -> Result<Response, Error> {
    let number = number(call)?;
    let upload = upload_of(call)?;
    customer_key::check_part(call, &upload.metadata)?;
    let scheme = Scheme::of(&upload.metadata);
    // The parts of an upload that was started without an algorithm may have checksums of any type: the SDKs send a
    // CRC32 with each part without announcing it.
    if let Some(claim) = checksum::claim(call.request)?
        && let Some(scheme) = scheme
        && scheme.algorithm != claim.algorithm()
    {
        return Err(error::INVALID_REQUEST.with_message(format!(
            "Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum Type: {}",
            scheme.algorithm.lower(),
            claim.algorithm().lower()
        )));
    }
    let received = body::receive(call, scheme.map(|scheme| scheme.algorithm))?;
    let part = call
        .store()
        .put_part(
            &call.bucket,
            &upload.id,
            number,
            received.upload,
            &received.md5,
            received.checksum.iter().map(Checksum::pair).collect(),
        )
        .map_err(|error| call.upload_error(&upload.id, error))?;
    Ok(
        metadata::with_encryption(Response::new(200), &upload.metadata)
            .with("ETag", format!("\"{}\"", part.etag))
            .with_some_checksum(received.checksum.as_ref()),
    )
}

/// UploadPartCopy.
pub fn copy_part(call: &mut Call<'_>) -> Result<Response, Error> {
    let number = number(call)?;
    let upload = upload_of(call)?;
    customer_key::check_part(call, &upload.metadata)?;
    let scheme = Scheme::of(&upload.metadata);
    let source = copy::source(call)?;
    let size = source.info.size;
    let range = match call.header("x-amz-copy-source-range") {
        Some(header) => range::of_copy(header, size)?,
        None => ByteRange {
            offset: 0,
            length: size,
        },
    };
    let copied = copy::transfer(call, &source, range, scheme.map(|scheme| scheme.algorithm))?;
    let part = call
        .store()
        .put_part(
            &call.bucket,
            &upload.id,
            number,
            copied.upload,
            &copied.md5,
            copied.checksum.iter().map(Checksum::pair).collect(),
        )
        .map_err(|error| call.upload_error(&upload.id, error))?;
    let document = copy::result(
        "CopyPartResult",
        &part.etag,
        part.modified_at_ms,
        copied.checksum.as_ref(),
    );
    Ok(
        metadata::with_encryption(Response::xml(document), &upload.metadata).with_some(
            "x-amz-copy-source-version-id",
            source.info.version.as_deref(),
        ),
    )
}

/// AbortMultipartUpload.
pub fn abort(call: &mut Call<'_>) -> Result<Response, Error> {
    let upload = upload_of(call)?;
    call.store()
        .abort_multipart(&call.bucket, &upload.id)
        .map_err(|error| call.upload_error(&upload.id, error))?;
    Ok(Response::new(204))
}

fn number(call: &Call<'_>) -> Result<u32, Error> {
    get::number_of_part(call.query("partNumber").unwrap_or_default())
}

impl Response {
    fn with_some_checksum(self, checksum: Option<&Checksum>) -> Self {
        match checksum {
            Some(checksum) => self.with(&checksum.algorithm.header(), checksum.value.as_str()),
            None => self,
        }
    }
}
