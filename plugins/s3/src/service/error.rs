//! The errors of S3, with the codes, statuses and messages of AWS.
//!
//! An [`ErrorKind`] is a row of the table; an [`Error`] is such a row with the details of a request. Operations return
//! errors, and [`answer`](super::answer) writes them as XML.

use std::borrow::Cow;

use super::message::{Body, Response};
use super::xml::Writer;

/// A row of the table: code, status and message.
#[derive(Debug, Clone, Copy)]
pub struct ErrorKind(pub &'static str, pub u16, pub &'static str);

/// An error with its details.
#[derive(Debug, Clone)]
pub struct Error {
    kind: ErrorKind,
    message: Cow<'static, str>,
    fields: Vec<(Cow<'static, str>, String)>,
    headers: Vec<(&'static str, String)>,
}

impl ErrorKind {
    /// An error with the message of the table.
    pub fn error(self) -> Error {
        Error {
            kind: self,
            message: Cow::Borrowed(self.2),
            fields: Vec::new(),
            headers: Vec::new(),
        }
    }

    /// An error with a detail, which is an element beside the code and the message.
    pub fn with(self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Error {
        self.error().with(name, value)
    }

    /// An error with another message than that of the table.
    pub fn with_message(self, message: impl Into<Cow<'static, str>>) -> Error {
        Error {
            message: message.into(),
            ..self.error()
        }
    }
}

impl Error {
    /// Adds a detail: an element beside the code and the message.
    pub fn with(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        self.fields.push((name.into(), value.into()));
        self
    }

    /// Adds a header to the response.
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The code, such as `NoSuchKey`.
    pub fn code(&self) -> &'static str {
        self.kind.0
    }

    /// The message.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The response. One with status 304 has no body.
    pub fn respond(&self, request_id: &str, host_id: &str) -> Response {
        let mut response = Response::new(self.kind.1);
        if self.kind.1 != 304 {
            let document = Writer::document_without_namespace("Error", |xml| {
                xml.text("Code", self.code());
                xml.text("Message", self.message());
                for (name, value) in &self.fields {
                    xml.text(name, value);
                }
                xml.text("RequestId", request_id);
                xml.text("HostId", host_id);
            });
            response = response.with("Content-Type", "application/xml");
            response.body = Body::Bytes(document.into_bytes());
        }
        for (name, value) in &self.headers {
            response = response.with(name, value.as_str());
        }
        response
    }
}

/// The error for an invalid argument.
pub fn invalid_argument(
    name: impl Into<String>,
    value: impl Into<String>,
    message: impl Into<Cow<'static, str>>,
) -> Error {
    INVALID_ARGUMENT
        .with_message(message)
        .with("ArgumentName", name)
        .with("ArgumentValue", value)
}

/// The error for a header that requests something that this service does not support.
pub fn header_not_implemented(header: &str) -> Error {
    NOT_IMPLEMENTED.with("Header", header)
}

pub const ACCESS_DENIED: ErrorKind = ErrorKind("AccessDenied", 403, "Access Denied");
pub const ACCESS_FORBIDDEN: ErrorKind = ErrorKind("AccessForbidden", 403, "Access Forbidden");
pub const AUTHORIZATION_HEADER_MALFORMED: ErrorKind = ErrorKind(
    "AuthorizationHeaderMalformed",
    400,
    "The authorization header is malformed.",
);
pub const AUTHORIZATION_QUERY: ErrorKind = ErrorKind(
    "AuthorizationQueryParametersError",
    400,
    "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, \
     X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.",
);
pub const BAD_DIGEST: ErrorKind = ErrorKind(
    "BadDigest",
    400,
    "The Content-MD5 you specified did not match what we received.",
);
pub const BAD_REQUEST: ErrorKind = ErrorKind("BadRequest", 400, "Bad Request");
pub const BUCKET_EXISTS: ErrorKind = ErrorKind(
    "BucketAlreadyOwnedByYou",
    409,
    "Your previous request to create the named bucket succeeded and you already own it.",
);
pub const BUCKET_NOT_EMPTY: ErrorKind = ErrorKind(
    "BucketNotEmpty",
    409,
    "The bucket you tried to delete is not empty",
);
pub const CONDITIONAL_CONFLICT: ErrorKind = ErrorKind(
    "ConditionalRequestConflict",
    409,
    "The conditional request cannot succeed due to a conflicting operation against this resource.",
);
pub const ENTITY_TOO_LARGE: ErrorKind = ErrorKind(
    "EntityTooLarge",
    400,
    "Your proposed upload exceeds the maximum allowed size",
);
pub const ENTITY_TOO_SMALL: ErrorKind = ErrorKind(
    "EntityTooSmall",
    400,
    "Your proposed upload is smaller than the minimum allowed size",
);
pub const ILLEGAL_LOCATION: ErrorKind = ErrorKind(
    "IllegalLocationConstraintException",
    400,
    "The unspecified location constraint is incompatible for the region specific endpoint this request was sent to.",
);
pub const ILLEGAL_VERSIONING: ErrorKind = ErrorKind(
    "IllegalVersioningConfigurationException",
    400,
    "The Versioning element must be specified",
);
pub const INCOMPLETE_BODY: ErrorKind = ErrorKind(
    "IncompleteBody",
    400,
    "You did not provide the number of bytes specified by the Content-Length HTTP header",
);
pub const INTERNAL_ERROR: ErrorKind = ErrorKind(
    "InternalError",
    500,
    "We encountered an internal error. Please try again.",
);
pub const INVALID_ARGUMENT: ErrorKind = ErrorKind("InvalidArgument", 400, "Invalid Argument");
pub const INVALID_BUCKET_NAME: ErrorKind = ErrorKind(
    "InvalidBucketName",
    400,
    "The specified bucket is not valid.",
);
pub const INVALID_CHUNK_SIZE: ErrorKind = ErrorKind(
    "InvalidChunkSizeError",
    403,
    "Only the last chunk is allowed to have a size less than 8192 bytes",
);
pub const INVALID_DIGEST: ErrorKind = ErrorKind(
    "InvalidDigest",
    400,
    "The Content-MD5 you specified was invalid.",
);
pub const INVALID_ENCRYPTION: ErrorKind = ErrorKind(
    "InvalidEncryptionAlgorithmError",
    400,
    "The encryption request you specified is not valid. Supported value: AES256.",
);
pub const INVALID_LOCATION: ErrorKind = ErrorKind(
    "InvalidLocationConstraint",
    400,
    "The specified location-constraint is not valid",
);
pub const INVALID_OBJECT_STATE: ErrorKind = ErrorKind(
    "InvalidObjectState",
    403,
    "The operation is not valid for the object's storage class",
);
pub const INVALID_OWNER: ErrorKind = ErrorKind(
    "InvalidBucketOwnerAWSAccountID",
    400,
    "The value of the expected bucket owner parameter must be an AWS Account ID",
);
pub const INVALID_PART: ErrorKind = ErrorKind(
    "InvalidPart",
    400,
    "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified \
     entity tag may not match the part's entity tag.",
);
pub const INVALID_PART_NUMBER: ErrorKind = ErrorKind(
    "InvalidPartNumber",
    416,
    "The requested partnumber is not satisfiable",
);
pub const INVALID_PART_ORDER: ErrorKind = ErrorKind(
    "InvalidPartOrder",
    400,
    "The list of parts was not in ascending order. Parts must be ordered by part number.",
);
pub const INVALID_RANGE: ErrorKind = ErrorKind(
    "InvalidRange",
    416,
    "The requested range is not satisfiable",
);
pub const INVALID_REQUEST: ErrorKind = ErrorKind("InvalidRequest", 400, "Invalid Request");
pub const INVALID_STORAGE_CLASS: ErrorKind = ErrorKind(
    "InvalidStorageClass",
    400,
    "The storage class you specified is not valid",
);
pub const INVALID_TAG: ErrorKind =
    ErrorKind("InvalidTag", 400, "The tag provided was not a valid tag.");
pub const INVALID_URI: ErrorKind =
    ErrorKind("InvalidURI", 400, "Couldn't parse the specified URI.");
pub const KEY_TOO_LONG: ErrorKind = ErrorKind("KeyTooLongError", 400, "Your key is too long");
pub const MALFORMED_ACL: ErrorKind = ErrorKind(
    "MalformedACLError",
    400,
    "The XML you provided was not well-formed or did not validate against our published schema",
);
pub const MISSING_SECURITY_HEADER: ErrorKind = ErrorKind(
    "MissingSecurityHeader",
    400,
    "Your request was missing a required header",
);
pub const MALFORMED_POST: ErrorKind = ErrorKind(
    "MalformedPOSTRequest",
    400,
    "The body of your POST request is not well-formed multipart/form-data.",
);
pub const MALFORMED_TRAILER: ErrorKind = ErrorKind(
    "MalformedTrailerError",
    400,
    "The request contained trailing data that was not well-formed or did not conform to our published schema.",
);
pub const MALFORMED_XML: ErrorKind = ErrorKind(
    "MalformedXML",
    400,
    "The XML you provided was not well-formed or did not validate against our published schema",
);
pub const FORM_TOO_LARGE: ErrorKind = ErrorKind(
    "MaxPostPreDataLengthExceededError",
    400,
    "Your POST request fields preceeding the upload file was too large.",
);
pub const DOCUMENT_TOO_LARGE: ErrorKind =
    ErrorKind("MaxMessageLengthExceeded", 400, "Your request was too big.");
pub const METADATA_TOO_LARGE: ErrorKind = ErrorKind(
    "MetadataTooLarge",
    400,
    "Your metadata headers exceed the maximum allowed metadata size",
);
pub const METHOD_NOT_ALLOWED: ErrorKind = ErrorKind(
    "MethodNotAllowed",
    405,
    "The specified method is not allowed against this resource.",
);
pub const MISSING_CONTENT_LENGTH: ErrorKind = ErrorKind(
    "MissingContentLength",
    411,
    "You must provide the Content-Length HTTP header.",
);
pub const MISSING_BODY: ErrorKind =
    ErrorKind("MissingRequestBodyError", 400, "Request Body is empty");
pub const INVALID_BUCKET_STATE: ErrorKind = ErrorKind(
    "InvalidBucketState",
    409,
    "The request is not valid for the current state of the bucket.",
);
pub const NO_LOCK_CONFIGURATION: ErrorKind = ErrorKind(
    "ObjectLockConfigurationNotFoundError",
    404,
    "Object Lock configuration does not exist for this bucket",
);
pub const NO_OBJECT_LOCK: ErrorKind = ErrorKind(
    "NoSuchObjectLockConfiguration",
    404,
    "The specified object does not have a ObjectLock configuration",
);
pub const NO_SUCH_BUCKET: ErrorKind =
    ErrorKind("NoSuchBucket", 404, "The specified bucket does not exist");
pub const NO_SUCH_KEY: ErrorKind = ErrorKind("NoSuchKey", 404, "The specified key does not exist.");
pub const NO_SUCH_TAG_SET: ErrorKind = ErrorKind("NoSuchTagSet", 404, "The TagSet does not exist");
pub const NO_SUCH_UPLOAD: ErrorKind = ErrorKind(
    "NoSuchUpload",
    404,
    "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or \
     completed.",
);
pub const NO_SUCH_VERSION: ErrorKind = ErrorKind(
    "NoSuchVersion",
    404,
    "The specified version does not exist.",
);
pub const NO_SUCH_CORS: ErrorKind = ErrorKind(
    "NoSuchCORSConfiguration",
    404,
    "The CORS configuration does not exist",
);
pub const NOT_IMPLEMENTED: ErrorKind = ErrorKind(
    "NotImplemented",
    501,
    "A header you provided implies functionality that is not implemented",
);
pub const NOT_MODIFIED: ErrorKind = ErrorKind("NotModified", 304, "Not Modified");
pub const PRECONDITION_FAILED: ErrorKind = ErrorKind(
    "PreconditionFailed",
    412,
    "At least one of the pre-conditions you specified did not hold",
);
pub const SERVICE_UNAVAILABLE: ErrorKind = ErrorKind(
    "ServiceUnavailable",
    503,
    "Service is unable to handle request.",
);
pub const SIGNATURE_MISMATCH: ErrorKind = ErrorKind(
    "SignatureDoesNotMatch",
    403,
    "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
);
pub const ACL_NOT_SUPPORTED: ErrorKind = ErrorKind(
    "AccessControlListNotSupported",
    400,
    "The bucket does not allow ACLs",
);
pub const BUCKET_ACL: ErrorKind = ErrorKind(
    "InvalidBucketAclWithObjectOwnership",
    400,
    "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
);
pub const SHA256_MISMATCH: ErrorKind = ErrorKind(
    "XAmzContentSHA256Mismatch",
    400,
    "The provided 'x-amz-content-sha256' header does not match what was computed.",
);
pub const TOO_MANY_BUCKET_TAGS: &str = "Bucket tag count cannot be greater than 50";
