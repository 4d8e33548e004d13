//! CopyObject, and what UploadPartCopy has in common with it. The bytes do not pass through the service.

use std::borrow::Cow;

use plugin_kit::hex;

use super::address;
use super::call::{self, Call};
use super::checksum::{Algorithm, Checksum};
use super::conditions;
use super::customer_key;
use super::error::{self, Error};
use super::limits;
use super::message::{self, Response};
use super::metadata;
use super::put;
use super::range::ByteRange;
use super::store::{self, Digest, ObjectInfo, Opened, Pairs, Put, StoreError, Upload};
use super::tagging;
use super::xml::Writer;
use crate::encoding;

/// The source of a copy.
pub struct Source {
    bucket: String,
    key: String,
    version: Option<String>,
    /// The source, open for reading.
    pub opened: Opened,
    /// The description of the source.
    pub info: ObjectInfo,
}

/// Opens the source of a copy and checks the conditions of the copy.
pub fn source(call: &Call<'_>) -> Result<Source, Error> {
    let header = call.header("x-amz-copy-source").unwrap_or_default();
    let refused =
        |message: &'static str| error::invalid_argument("x-amz-copy-source", header, message);
    let (encoded_path, encoded_version) = match header.split_once("?versionId=") {
        Some((path, version)) => (path, Some(version)),
        None => (header, None),
    };
    let path = without_origin(encoded_path);
    let path = encoding::decode(path.strip_prefix('/').unwrap_or(&path), true)
        .ok_or_else(|| refused("Invalid copy source encoding."))?;
    let (bucket, key) = path
        .split_once('/')
        .filter(|(_, key)| !key.is_empty())
        .ok_or_else(|| refused("Invalid copy source object key"))?;
    if bucket.is_empty() {
        return Err(refused("Invalid copy source bucket name"));
    }
    let version = match encoded_version {
        Some("") => {
            return Err(error::invalid_argument(
                "x-amz-copy-source",
                "",
                "Version id cannot be the empty string",
            ));
        }
        version => version.and_then(|version| encoding::decode(version, false)),
    };
    let (opened, info) =
        call.store()
            .open(bucket, key, version.as_deref())
            .map_err(|error| match (&version, error) {
                (Some(version), StoreError::Missing) => {
                    call::missing_version(call.context.store, bucket, key, version)
                }
                (Some(version), StoreError::Invalid(_)) => call::invalid_version(version),
                (_, error) => call::of_store_error(error, bucket, key),
            })?;
    if info.delete_marker {
        return Err(match version {
            None => error::NO_SUCH_KEY.with("Key", key),
            Some(_) => error::INVALID_REQUEST.with_message(
                "The source of a copy request may not specifically refer to a delete marker by version id.",
            ),
        });
    }
    customer_key::check_source(call, &info.metadata)?;
    conditions::copy(call, &info)?;
    Ok(Source {
        bucket: bucket.to_owned(),
        key: key.to_owned(),
        version,
        opened,
        info,
    })
}

/// The path of a source that is given as a URL, with the bucket in front; any other source unchanged.
fn without_origin(source: &str) -> Cow<'_, str> {
    let Some(rest) = ["http://", "https://"]
        .iter()
        .find_map(|scheme| source.strip_prefix(scheme))
    else {
        return Cow::Borrowed(source);
    };
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    match address::bucket_of_host(host) {
        Some(bucket) => Cow::Owned(format!("{bucket}/{path}")),
        None => Cow::Borrowed(path),
    }
}

/// A range of an object in a new upload.
pub struct Copied {
    /// The upload, which is finished.
    pub upload: Upload,
    /// Its MD5 digest in hexadecimal digits.
    pub md5: String,
    /// Its checksum, if one was requested.
    pub checksum: Option<Checksum>,
}

/// Copies a range of an object into a new upload.
pub fn transfer(
    call: &Call<'_>,
    source: &Source,
    range: ByteRange,
    algorithm: Option<Algorithm>,
) -> Result<Copied, Error> {
    if range.length > limits::MAX_SINGLE_PUT {
        return Err(error::INVALID_REQUEST.with_message(format!(
            "The specified copy source is larger than the maximum allowable size for a copy source: {}",
            limits::MAX_SINGLE_PUT
        )));
    }
    let wanted = [Some(Digest::Md5), algorithm.map(Algorithm::digest)];
    let digests = store::distinct(wanted.into_iter().flatten());
    let (upload, finished) = (|| {
        let upload = call.store().upload(&call.bucket, &digests)?;
        call.store()
            .copy(upload, source.opened, range.offset, range.length)?;
        Ok((upload, call.store().finish(upload)?))
    })()
    .map_err(|error| call.store_error(error))?;
    let digest = |wanted| {
        store::computed(&digests, &finished, wanted).ok_or_else(|| error::INTERNAL_ERROR.error())
    };
    let checksum = |algorithm: Algorithm| {
        digest(algorithm.digest()).map(|bytes| Checksum::new(algorithm, bytes))
    };
    Ok(Copied {
        upload,
        md5: hex::encode(digest(Digest::Md5)?),
        checksum: algorithm.map(checksum).transpose()?,
    })
}

/// Whether a directive asks to replace.
fn replaces(call: &Call<'_>, header: &'static str) -> Result<bool, Error> {
    match call.header(header) {
        None | Some("COPY") => Ok(false),
        Some("REPLACE") => Ok(true),
        Some(other) => Err(error::invalid_argument(
            header,
            other,
            match header {
                "x-amz-metadata-directive" => "Unknown metadata directive.",
                _ => "Unknown tagging directive.",
            },
        )),
    }
}

/// CopyObject.
pub fn copy(call: &mut Call<'_>) -> Result<Response, Error> {
    call.refuse_version()?;
    let condition = conditions::write(call.request)?;
    let replaced = replaces(call, "x-amz-metadata-directive")?;
    let retagged = replaces(call, "x-amz-tagging-directive")?;
    let storage = metadata::of_storage(call.request)?;
    let source = source(call)?;
    check_changes(call, &source, replaced, &storage)?;

    let mut metadata = if replaced {
        metadata::of_content(call.request)?
    } else {
        metadata::copied_from(&source.info.metadata)
    };
    metadata.extend(storage);
    let protection = call.protection()?;
    metadata.extend(protection);
    metadata.extend(if retagged {
        tagging::of_header(call.header("x-amz-tagging"))?
    } else {
        tagging::of_metadata(&source.info.metadata)
    });
    let algorithm = match call.header("x-amz-checksum-algorithm") {
        Some(name) => Algorithm::parse(name)?,
        None => Checksum::of(&source.info.metadata)
            .map_or(Algorithm::DEFAULT, |checksum| checksum.algorithm),
    };
    let whole = ByteRange {
        offset: 0,
        length: source.info.size,
    };
    let copied = transfer(call, &source, whole, Some(algorithm))?;
    metadata.extend(copied.checksum.as_ref().map(Checksum::pair));
    let put = Put {
        etag: copied.md5,
        metadata,
        condition: condition.clone(),
        completes: None,
        event: Some(call.event("ObjectCreated:Copy")),
    };
    let info = call
        .store()
        .put(&call.bucket, &call.key, copied.upload, put)
        .map_err(|error| conditions::failed(call, &condition, error))?;
    Ok(answer(call, "CopyObjectResult", &source, &info))
}

/// Refuses to copy an object to itself without a change. A storage class or an encryption in the request counts as a
/// change, and so does an encryption of the source that the copy does not have; a storage class that the copy does not
/// have does not count.
fn check_changes(
    call: &Call<'_>,
    source: &Source,
    replaced: bool,
    storage: &Pairs,
) -> Result<(), Error> {
    let same = source.bucket == call.bucket && source.key == call.key && source.version.is_none();
    let changes = replaced
        || !storage.is_empty()
        || metadata::is_encrypted_with_key(&source.info.metadata)
        || customer_key::has(&source.info.metadata)
        || [
            "x-amz-storage-class",
            "x-amz-server-side-encryption",
            "x-amz-server-side-encryption-customer-algorithm",
            "x-amz-checksum-algorithm",
        ]
        .iter()
        .any(|name| call.header(name).is_some());
    if same && !changes {
        return Err(error::INVALID_REQUEST.with_message(
            "This copy request is illegal because it is trying to copy an object to itself without changing the \
             object's metadata, storage class, website redirect location or encryption attributes.",
        ));
    }
    Ok(())
}

/// The response of CopyObject.
fn answer(call: &Call<'_>, root: &str, source: &Source, info: &ObjectInfo) -> Response {
    let mut response = put::respond_to_write(call, 200, info)
        .with("Content-Type", "application/xml")
        .with_some(
            "x-amz-copy-source-version-id",
            source.info.version.as_deref(),
        );
    response.body = message::Body::Bytes(
        result(
            root,
            &info.etag,
            info.modified_at_ms,
            Checksum::of(&info.metadata).as_ref(),
        )
        .into_bytes(),
    );
    response
}

/// Writes `CopyObjectResult` or `CopyPartResult`. Only the former contains the type of the checksum.
pub fn result(root: &str, etag: &str, modified_at_ms: u64, checksum: Option<&Checksum>) -> String {
    Writer::document(root, |xml| {
        xml.text("ETag", format!("\"{etag}\""));
        xml.text("LastModified", encoding::list_time(modified_at_ms));
        if let Some(checksum) = checksum {
            if root == "CopyObjectResult" {
                xml.text("ChecksumType", checksum.kind());
            }
            xml.text(&checksum.algorithm.element(), &checksum.value);
        }
    })
}
