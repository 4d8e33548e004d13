//! The limits of Amazon S3, and the sizes the service works with.

/// AWS: bytes of a key.
pub const MAX_KEY: usize = 1024;
/// AWS: bytes of an object that is put with one request, of a part, and of a copy's source (5 GiB).
pub const MAX_SINGLE_PUT: u64 = 5 * 1024 * 1024 * 1024;
/// AWS: bytes of names and values of `x-amz-meta-*` together.
pub const MAX_USER_METADATA: usize = 2048;
/// AWS: bytes of each part but the last.
pub const MIN_PART: u64 = 5 * 1024 * 1024;
/// AWS: the highest number of a part.
pub const MAX_PART_NUMBER: u32 = 10_000;
/// AWS: entries of a page, unless fewer are asked for.
pub const MAX_PAGE: u32 = 1000;
/// AWS: buckets of a page.
pub const MAX_BUCKETS: u32 = 10_000;
/// AWS: keys of one DeleteObjects.
pub const MAX_DELETIONS: usize = 1000;
/// AWS: tags of an object.
pub const MAX_OBJECT_TAGS: usize = 10;
/// AWS: tags of a bucket.
pub const MAX_BUCKET_TAGS: usize = 50;
/// AWS: characters of a tag's key.
pub const MAX_TAG_KEY: usize = 128;
/// AWS: characters of a tag's value.
pub const MAX_TAG_VALUE: usize = 256;
/// AWS: rules of a CORS configuration.
pub const MAX_CORS_RULES: usize = 100;
/// AWS: bytes of a bucket's policy.
pub const MAX_POLICY: usize = 20 * 1024;
/// AWS: the longest a presigned URL is valid, in seconds.
pub const MAX_PRESIGNED_SECONDS: u64 = 7 * 24 * 60 * 60;

/// A piece of a body on its way in or out: large enough to make few calls of the host, small against the 64 MiB of
/// memory a request has.
pub const PIECE: usize = 256 * 1024;
/// The longest body of a refused request that is read to its end: a part as the SDKs cut them, and some more.
pub const MAX_DRAINED: u64 = 16 * 1024 * 1024;
/// An XML document. The largest sensible one completes 10,000 parts with SHA-256 checksums: about 2 MB. Its tree takes
/// a few times that.
pub const MAX_DOCUMENT: usize = 4 * 1024 * 1024;
/// Elements of an XML document; 10,000 parts have three or four each.
pub const MAX_ELEMENTS: usize = 100_000;
/// How deep they may be nested; the deepest of S3's documents has about six levels.
pub const MAX_DEPTH: usize = 32;
/// AWS: bytes of each chunk of an `aws-chunked` body but the last.
pub const MIN_CHUNK: u64 = 8192;
/// A line between chunks: a size with a signature, or a trailer.
pub const MAX_CHUNK_LINE: usize = 4096;
/// AWS: the fields of a form before its file.
pub const MAX_FORM_FIELDS: usize = 20 * 1024;
/// A request for more of a list of parts.
pub const PARTS_PAGE: u32 = 1000;
