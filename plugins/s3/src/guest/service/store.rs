//! Between the generated types and the service's own.

use super::wit;
use crate::service::store as plain;

impl From<wit::Error> for plain::Fault {
    fn from(fault: wit::Error) -> Self {
        match fault {
            wit::Error::MissingBucket => Self::MissingBucket,
            wit::Error::Missing => Self::Missing,
            wit::Error::Denied => Self::Denied,
            wit::Error::Exists => Self::Exists,
            wit::Error::NotEmpty => Self::NotEmpty,
            wit::Error::PreconditionFailed => Self::Precondition,
            wit::Error::Invalid(text) => Self::Invalid(text),
            wit::Error::Unavailable(text) => Self::Unavailable(text),
        }
    }
}

impl From<plain::Versioning> for wit::Versioning {
    fn from(versioning: plain::Versioning) -> Self {
        match versioning {
            plain::Versioning::Off => Self::Off,
            plain::Versioning::On => Self::On,
            plain::Versioning::Suspended => Self::Suspended,
        }
    }
}

impl From<wit::BucketInfo> for plain::BucketInfo {
    fn from(info: wit::BucketInfo) -> Self {
        Self {
            name: info.name,
            created_at_ms: info.created_at_ms,
            versioning: match info.versioning {
                wit::Versioning::Off => plain::Versioning::Off,
                wit::Versioning::On => plain::Versioning::On,
                wit::Versioning::Suspended => plain::Versioning::Suspended,
            },
            attributes: info.attributes,
        }
    }
}

impl From<wit::ObjectInfo> for plain::ObjectInfo {
    fn from(info: wit::ObjectInfo) -> Self {
        Self {
            key: info.key,
            version: info.version,
            latest: info.latest,
            marker: info.delete_marker,
            size: info.size,
            etag: info.etag,
            modified_at_ms: info.modified_at_ms,
            metadata: info.metadata,
        }
    }
}

impl From<plain::Condition> for wit::Condition {
    fn from(condition: plain::Condition) -> Self {
        match condition {
            plain::Condition::Always => Self::Always,
            plain::Condition::Absent => Self::Absent,
            plain::Condition::Matches(tags) => Self::Matches(tags),
        }
    }
}

impl From<plain::Notice> for wit::ObjectEvent {
    fn from(notice: plain::Notice) -> Self {
        Self {
            name: notice.event,
            extra: notice.extra,
        }
    }
}

impl From<plain::Digest> for wit::Digest {
    fn from(digest: plain::Digest) -> Self {
        match digest {
            plain::Digest::Md5 => Self::Md5,
            plain::Digest::Sha1 => Self::Sha1,
            plain::Digest::Sha256 => Self::Sha256,
            plain::Digest::Crc32 => Self::Crc32,
            plain::Digest::Crc32c => Self::Crc32c,
            plain::Digest::Crc64Nvme => Self::Crc64nvme,
        }
    }
}

impl From<&plain::Query> for wit::Query {
    fn from(query: &plain::Query) -> Self {
        Self {
            prefix: query.prefix.clone(),
            delimiter: query.delimiter.clone(),
            after: query.after.clone(),
            max: query.max,
        }
    }
}

impl From<wit::Listing> for plain::Listing {
    fn from(listing: wit::Listing) -> Self {
        Self {
            objects: listing.objects.into_iter().map(Into::into).collect(),
            common_prefixes: listing.common_prefixes,
            next: listing.next,
        }
    }
}

impl From<wit::Part> for plain::Part {
    fn from(part: wit::Part) -> Self {
        Self {
            number: part.number,
            size: part.size,
            etag: part.etag,
            modified_at_ms: part.modified_at_ms,
            metadata: part.metadata,
        }
    }
}

impl From<wit::MultipartUpload> for plain::PartsUpload {
    fn from(upload: wit::MultipartUpload) -> Self {
        Self {
            id: upload.id,
            key: upload.key,
            started_at_ms: upload.started_at_ms,
            metadata: upload.metadata,
        }
    }
}

impl From<wit::MultipartListing> for plain::PartsListing {
    fn from(listing: wit::MultipartListing) -> Self {
        Self {
            uploads: listing.uploads.into_iter().map(Into::into).collect(),
            common_prefixes: listing.common_prefixes,
            next: listing.next,
        }
    }
}
