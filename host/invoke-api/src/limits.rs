//! Every limit of the Invoke API, in one table. The limits of events and responses are in [`lambkin_lambda::limits`].

/// The maximum size of an event of the deprecated `InvokeAsync`: 256 KiB.
pub const INVOKE_ASYNC_BYTES: usize = 256 * 1024;

/// The maximum size of `X-Amz-Client-Context`, in base64.
pub const CLIENT_CONTEXT_BYTES: usize = 3583;

/// The maximum length of `FunctionName` in a request. The name of a function has at most 64 characters; an ARN is
/// longer.
pub const NAME_LENGTH: usize = 256;

/// The maximum length of `Qualifier`.
pub const QUALIFIER_LENGTH: usize = 128;

/// The maximum length of `X-Amz-Tenant-Id`.
pub const TENANT_ID_LENGTH: usize = 256;

/// The maximum length of `X-Amz-Durable-Execution-Name`.
pub const DURABLE_NAME_LENGTH: usize = 64;

/// The maximum payload of a frame in a response stream, so that clients can read frames with small buffers.
pub const STREAM_CHUNK_BYTES: usize = 64 * 1024;

/// The number of frames that may wait for a slow caller before the function's writes wait.
pub const STREAM_BACKLOG_FRAMES: usize = 4;

/// The maximum number of items that a list operation returns at once, even if `MaxItems` is larger.
pub const LIST_PAGE_ITEMS: usize = 50;

/// The number of calls that may wait for the only environment where Lambkin replaces an emulator that has one.
pub const EMULATOR_QUEUE: usize = 1000;
