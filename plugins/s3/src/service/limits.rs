//! The limits of Amazon S3, and the sizes that the service works with.

/// The maximum length of a key, in bytes (AWS's limit).
pub const MAX_KEY: usize = 1024;
/// The maximum size of an object that is put with one request, of a part, and of a copy's source: 5 GiB (AWS's limit).
pub const MAX_SINGLE_PUT: u64 = 5 * 1024 * 1024 * 1024;
/// The maximum size of the names and values of `x-amz-meta-*` together, in bytes (AWS's limit).
pub const MAX_USER_METADATA: usize = 2048;
/// The minimum size of each part but the last, in bytes (AWS's limit).
pub const MIN_PART: u64 = 5 * 1024 * 1024;
/// The highest number of a part (AWS's limit).
pub const MAX_PART_NUMBER: u32 = 10_000;
/// The maximum number of entries of a page, and the default (AWS's limit).
pub const MAX_PAGE: u32 = 1000;
/// The maximum number of buckets of a page (AWS's limit).
pub const MAX_BUCKETS: u32 = 10_000;
/// The maximum number of keys of a DeleteObjects request (AWS's limit).
pub const MAX_DELETIONS: usize = 1000;
/// The maximum number of tags of an object (AWS's limit).
pub const MAX_OBJECT_TAGS: usize = 10;
/// The maximum number of tags of a bucket (AWS's limit).
pub const MAX_BUCKET_TAGS: usize = 50;
/// The maximum length of a tag's key, in characters (AWS's limit).
pub const MAX_TAG_KEY: usize = 128;
/// The maximum length of a tag's value, in characters (AWS's limit).
pub const MAX_TAG_VALUE: usize = 256;
/// The maximum number of rules of a CORS configuration (AWS's limit).
pub const MAX_CORS_RULES: usize = 100;
/// The maximum number of notification configurations of a bucket (AWS's limit).
pub const MAX_NOTIFICATIONS: usize = 100;
/// The maximum length of a notification configuration's id, in characters (AWS's limit).
pub const MAX_NOTIFICATION_ID: usize = 255;
/// The maximum size of a bucket's policy, in bytes (AWS's limit).
pub const MAX_POLICY: usize = 20 * 1024;
/// The maximum validity of a presigned URL, in seconds (AWS's limit).
pub const MAX_PRESIGNED_SECONDS: u64 = 7 * 24 * 60 * 60;

/// The size of the pieces in which bodies are read and written, in bytes: large enough for few calls of the host, and
/// small compared with the 64 MiB of memory that a request has.
pub const PIECE: usize = 256 * 1024;
/// The maximum size of the body of a refused request that is still read, in bytes. Parts have 5 to 8 MiB in the SDKs.
pub const MAX_DRAINED: u64 = 16 * 1024 * 1024;
/// The maximum size of the fields of a form before its file, in bytes, with their boundaries and headers (AWS's limit for
/// all that is before the file).
pub const MAX_FORM_HEAD: usize = 20 * 1024;
/// The maximum size of an XML document, in bytes. The largest one that is expected completes 10,000 parts with SHA-256
/// checksums and has about 2 MB; its tree needs a multiple of that.
pub const MAX_DOCUMENT: usize = 4 * 1024 * 1024;
/// The maximum number of elements of an XML document. 10,000 parts have three or four each.
pub const MAX_ELEMENTS: usize = 100_000;
/// The maximum depth of an XML document. The deepest of S3's documents has about six levels.
pub const MAX_DEPTH: usize = 32;
/// The minimum size of each chunk of an `aws-chunked` body but the last, in bytes (AWS's limit).
pub const MIN_CHUNK: u64 = 8192;
/// The maximum length of a line between chunks, in bytes: a size with a signature, or a trailer.
pub const MAX_CHUNK_LINE: usize = 4096;
/// How often a removal is tried while the lock of the version keeps changing.
pub const MAX_REMOVAL_ATTEMPTS: usize = 10;
/// The number of parts that the service requests from the store at a time.
pub const PARTS_PAGE: u32 = 1000;
