//! Conversions between the records of `lambkin:store/objects` and the store's own types.

use lambkin_store::object::{
    BucketInfo, Condition, Digest, Finished, Listing, MultipartListing, MultipartUpload,
    ObjectEvent, ObjectInfo, Part, Put, Query, Removed, Versioning,
};

use super::bindings::objects as wit;
use crate::limits;

impl From<wit::Versioning> for Versioning {
    fn from(versioning: wit::Versioning) -> Self {
        match versioning {
            wit::Versioning::Off => Self::Off,
            wit::Versioning::On => Self::On,
            wit::Versioning::Suspended => Self::Suspended,
        }
    }
}

impl From<BucketInfo> for wit::BucketInfo {
    fn from(bucket: BucketInfo) -> Self {
        Self {
            name: bucket.name,
            created_at_ms: bucket.created_at,
            versioning: match bucket.versioning {
                Versioning::Off => wit::Versioning::Off,
                Versioning::On => wit::Versioning::On,
                Versioning::Suspended => wit::Versioning::Suspended,
            },
            attributes: bucket.attributes,
        }
    }
}

impl From<ObjectInfo> for wit::ObjectInfo {
    fn from(object: ObjectInfo) -> Self {
        Self {
            key: object.key,
            version: object.version,
            latest: object.latest,
            delete_marker: object.delete_marker,
            size: object.size,
            etag: object.etag,
            modified_at_ms: object.modified_at,
            metadata: object.metadata,
        }
    }
}

impl From<wit::Condition> for Condition {
    fn from(condition: wit::Condition) -> Self {
        match condition {
            wit::Condition::Always => Self::Always,
            wit::Condition::Absent => Self::Absent,
            wit::Condition::Matches(etags) => Self::Matches(etags),
        }
    }
}

impl From<wit::ObjectEvent> for ObjectEvent {
    fn from(event: wit::ObjectEvent) -> Self {
        Self {
            name: event.name,
            extra: event.extra,
        }
    }
}

impl From<wit::Put> for Put {
    fn from(put: wit::Put) -> Self {
        Self {
            etag: put.etag,
            metadata: put.metadata,
            condition: put.condition.into(),
            completes: put.completes,
            event: put.event.map(Into::into),
        }
    }
}

impl From<Removed> for wit::Removed {
    fn from(removed: Removed) -> Self {
        Self {
            existed: removed.existed,
            version: removed.version,
            delete_marker: removed.delete_marker,
        }
    }
}

impl From<wit::Digest> for Digest {
    fn from(digest: wit::Digest) -> Self {
        match digest {
            wit::Digest::Md5 => Self::Md5,
            wit::Digest::Sha1 => Self::Sha1,
            wit::Digest::Sha256 => Self::Sha256,
            wit::Digest::Crc32 => Self::Crc32,
            wit::Digest::Crc32c => Self::Crc32c,
            wit::Digest::Crc64nvme => Self::Crc64Nvme,
            wit::Digest::Sha512 => Self::Sha512,
            wit::Digest::Xxhash64 => Self::XxHash64,
            wit::Digest::Xxhash3 => Self::XxHash3,
            wit::Digest::Xxhash128 => Self::XxHash128,
        }
    }
}

/// The digests to compute. Each may be named once, so that a guest cannot keep the host busy with repetitions.
pub(super) fn distinct_digests(digests: Vec<wit::Digest>) -> Result<Vec<Digest>, String> {
    let digests: Vec<Digest> = digests.into_iter().map(Into::into).collect();
    for (n, digest) in digests.iter().enumerate() {
        if digests.iter().take(n).any(|before| before == digest) {
            return Err(format!("{digest:?} is named twice"));
        }
    }
    Ok(digests)
}

impl From<Finished> for wit::Finished {
    fn from(finished: Finished) -> Self {
        Self {
            size: finished.size,
            digests: finished.digests,
        }
    }
}

impl From<wit::Query> for Query {
    fn from(query: wit::Query) -> Self {
        Self {
            prefix: query.prefix,
            delimiter: query.delimiter,
            after: query.after,
            max: limits::list_size(query.max),
        }
    }
}

impl From<Listing> for wit::Listing {
    fn from(listing: Listing) -> Self {
        Self {
            objects: listing.objects.into_iter().map(Into::into).collect(),
            common_prefixes: listing.common_prefixes,
            next: listing.next,
        }
    }
}

impl From<Part> for wit::Part {
    fn from(part: Part) -> Self {
        Self {
            number: part.number,
            size: part.size,
            etag: part.etag,
            modified_at_ms: part.modified_at,
            metadata: part.metadata,
        }
    }
}

impl From<MultipartUpload> for wit::MultipartUpload {
    fn from(upload: MultipartUpload) -> Self {
        Self {
            id: upload.id,
            key: upload.key,
            started_at_ms: upload.started_at,
            metadata: upload.metadata,
        }
    }
}

impl From<MultipartListing> for wit::MultipartListing {
    fn from(listing: MultipartListing) -> Self {
        Self {
            uploads: listing.uploads.into_iter().map(Into::into).collect(),
            common_prefixes: listing.common_prefixes,
            next: listing.next,
        }
    }
}
