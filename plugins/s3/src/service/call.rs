//! A request on its way through an operation, and what every operation needs.

use plugin_kit::hex;

use super::error::{self, Error};
use super::message::{self, Request, RequestBody};
use super::settings::Settings;
use super::store::{BucketInfo, Digest, ObjectEvent, ObjectInfo, Store, StoreError, Versioning};
use crate::encoding;

/// The version id of an object that was stored without versioning.
pub const NULL_VERSION: &str = "null";
/// The attribute of a bucket that holds its region, if that is not the service's own.
pub const LOCATION: &str = "location";
/// The old name of the region `eu-west-1` as a location.
pub const EU: &str = "EU";
/// The region that [`EU`] stands for.
pub const EU_WEST_1: &str = "eu-west-1";
/// The length of a version's id, in characters.
const VERSION_ID: usize = 32;

/// What a request is served with: the store, the time, random bytes, and the account.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The buckets.
    pub store: &'a dyn Store,
    /// The region, such as `us-east-1`.
    pub region: &'a str,
    /// The account id of twelve digits.
    pub account: &'a str,
    /// The time of the request, in milliseconds since 1970.
    pub now_ms: u64,
    /// The settings of the service.
    pub settings: &'a Settings,
    /// Random bytes for the ids of the request.
    pub random: [u8; 64],
}

impl Context<'_> {
    /// The value of `x-amz-request-id`: 16 characters.
    pub fn request_id(&self) -> String {
        hex::encode(self.random.get(..8).unwrap_or_default()).to_ascii_uppercase()
    }

    /// The value of `x-amz-id-2`: 76 characters.
    pub fn host_id(&self) -> String {
        encoding::base64(self.random.get(8..).unwrap_or_default())
    }

    /// The canonical user id of the account: 64 hexadecimal digits that depend on the account id only.
    pub fn owner(&self) -> String {
        self.account
            .bytes()
            .cycle()
            .zip(0u8..)
            .take(32)
            .map(|(byte, at)| {
                hex::encode(&[byte.wrapping_mul(151).wrapping_add(at.wrapping_mul(59))])
            })
            .collect()
    }
}

/// A request with its address.
pub struct Call<'a> {
    /// The store, the time and the account.
    pub context: Context<'a>,
    /// The request without its body.
    pub request: &'a Request,
    /// The body of the request.
    pub body: &'a mut dyn RequestBody,
    /// The bucket; empty if the request is for the service.
    pub bucket: String,
    /// The key; empty if the request is for the bucket.
    pub key: String,
    /// The access key that signed the request, if it is signed.
    pub access_key: Option<String>,
}

impl<'a> Call<'a> {
    /// The store.
    pub fn store(&self) -> &'a dyn Store {
        self.context.store
    }

    /// A header. The name is in lower case.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.request.header(name)
    }

    /// A parameter of the query.
    pub fn query(&self, name: &str) -> Option<&'a str> {
        self.request.query(name)
    }

    /// The bucket of the request.
    pub fn bucket_info(&self) -> Result<BucketInfo, Error> {
        self.store()
            .bucket(&self.bucket)
            .map_err(|error| self.store_error(error))
    }

    /// The region of a bucket: the one it was created with, else the service's own.
    pub fn region_of<'b>(&'b self, bucket: &'b BucketInfo) -> &'b str {
        match message::find(&bucket.attributes, LOCATION) {
            Some(EU) => EU_WEST_1,
            place => place.unwrap_or(self.context.region),
        }
    }

    /// The version that the request names.
    pub fn version(&self) -> Result<Option<&'a str>, Error> {
        match self.query("versionId") {
            Some("") => Err(error::invalid_argument(
                "versionId",
                "",
                "Version id cannot be the empty string",
            )),
            version => Ok(version),
        }
    }

    /// Refuses a version id, for operations that do not accept one.
    pub fn refuse_version(&self) -> Result<(), Error> {
        match self.query("versionId") {
            None => Ok(()),
            Some(version) => Err(error::invalid_argument(
                "versionId",
                version,
                "This operation does not accept a version-id.",
            )),
        }
    }

    /// The value of `x-amz-version-id`; `None` if versioning was never enabled.
    pub fn version_header(&self, info: &ObjectInfo) -> Option<String> {
        if info.version.is_some() {
            return info.version.clone();
        }
        let versioned = self
            .bucket_info()
            .is_ok_and(|bucket| bucket.versioning != Versioning::Off);
        versioned.then(|| NULL_VERSION.to_owned())
    }

    /// The event for object triggers.
    pub fn event(&self, name: &str) -> ObjectEvent {
        let mut extra = vec![
            (
                "source-ip".to_owned(),
                self.header("x-lambkin-peer")
                    .unwrap_or("127.0.0.1")
                    .to_owned(),
            ),
            ("request-id".to_owned(), self.context.request_id()),
            ("host-id".to_owned(), self.context.host_id()),
        ];
        if let Some(key) = &self.access_key {
            extra.push(("principal".to_owned(), format!("AWS:{key}")));
        }
        if let Some(trace) = self.header("x-amzn-trace-id") {
            extra.push(("AWSTraceHeader".to_owned(), trace.to_owned()));
        }
        ObjectEvent {
            name: name.to_owned(),
            extra,
        }
    }

    /// The error of S3 for an error of the store, for the bucket and key of the request.
    pub fn store_error(&self, error: StoreError) -> Error {
        of_store_error(error, &self.bucket, &self.key)
    }

    /// The error of S3 for an error of the store, if the request is about a multipart upload.
    pub fn upload_error(&self, id: &str, error: StoreError) -> Error {
        match error {
            StoreError::Missing => error::NO_SUCH_UPLOAD.with("UploadId", id),
            error => self.store_error(error),
        }
    }

    /// Computes the digest of a few bytes.
    pub fn digest(&self, kind: Digest, bytes: &[u8]) -> Result<Vec<u8>, Error> {
        digest(self.store(), &self.bucket, kind, bytes)
    }

    /// A parameter that limits the number of entries: from 0 to `limit`, which is also the default.
    pub fn max_entries(
        &self,
        name: &'static str,
        shown: &'static str,
        limit: u32,
    ) -> Result<u32, Error> {
        let Some(text) = self.query(name).filter(|text| !text.is_empty()) else {
            return Ok(limit);
        };
        let number: i64 = text.parse().map_err(|_| {
            error::invalid_argument(
                name,
                text,
                format!("Provided {name} not an integer or within integer range"),
            )
        })?;
        if !(0..=i64::from(i32::MAX)).contains(&number) {
            return Err(error::invalid_argument(
                shown,
                text,
                format!("Argument {shown} must be an integer between 0 and 2147483647"),
            ));
        }
        Ok(u32::try_from(number).unwrap_or(limit).min(limit))
    }
}

/// Computes the digest of a few bytes. Only the host computes digests, so this uses an upload that is never put.
pub fn digest(
    store: &dyn Store,
    bucket: &str,
    digest: Digest,
    bytes: &[u8],
) -> Result<Vec<u8>, Error> {
    let digested = || {
        let upload = store.upload(bucket, &[digest])?;
        store.write(upload, bytes)?;
        store.finish(upload)
    };
    digested()
        .map_err(|error| of_store_error(error, bucket, ""))?
        .digests
        .into_iter()
        .next()
        .ok_or_else(|| error::INTERNAL_ERROR.error())
}

/// Whether a text has the form of a version id.
pub fn is_version_id(text: &str) -> bool {
    let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    text == NULL_VERSION || (text.len() == VERSION_ID && text.bytes().all(is_legal))
}

/// Refuses a version id that cannot exist in the bucket, because it never kept versions.
pub fn check_version(store: &dyn Store, bucket: &str, version: &str) -> Result<(), Error> {
    let has_versions = || {
        store
            .bucket(bucket)
            .is_ok_and(|bucket| bucket.versioning != Versioning::Off)
    };
    if version == NULL_VERSION || has_versions() {
        return Ok(());
    }
    Err(invalid_version(version))
}

/// The error of S3 for a version id that never existed.
pub fn invalid_version(version: &str) -> Error {
    error::invalid_argument("versionId", version, "Invalid version id specified")
}

/// The error of S3 for a missing version.
pub fn missing_version(store: &dyn Store, bucket: &str, key: &str, version: &str) -> Error {
    match check_version(store, bucket, version) {
        Err(error) => error,
        Ok(()) => error::NO_SUCH_VERSION
            .with("Key", key)
            .with("VersionId", version),
    }
}

/// The error of S3 for an error of the store.
pub fn of_store_error(error: StoreError, bucket: &str, key: &str) -> Error {
    match error {
        StoreError::MissingBucket => error::NO_SUCH_BUCKET.with("BucketName", bucket),
        StoreError::Missing => error::NO_SUCH_KEY.with("Key", key),
        StoreError::Denied => error::ACCESS_DENIED.error(),
        StoreError::Exists => error::BUCKET_EXISTS.with("BucketName", bucket),
        StoreError::NotEmpty => error::BUCKET_NOT_EMPTY.with("BucketName", bucket),
        StoreError::PreconditionFailed => error::PRECONDITION_FAILED.error(),
        StoreError::Invalid(text) => {
            eprintln!("s3: bucket {bucket:?}, key {key:?}: {text}");
            error::INVALID_REQUEST.with_message(text)
        }
        // The host has logged the reason.
        StoreError::Unavailable(text) => error::SERVICE_UNAVAILABLE
            .with_message(format!("Service is unable to handle request: {text}")),
    }
}
