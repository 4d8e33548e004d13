//! AWS's errors: their codes in both protocols, and their messages.
//!
//! The JSON protocol names an error by its shape in the service's model; the query protocol uses older names. SDKs that
//! migrated to JSON read the old name from the header `x-amzn-query-error`.

/// The code of an error: its names in both protocols and its HTTP status.
#[derive(Debug, PartialEq, Eq)]
pub struct ErrorCode {
    /// The name in the JSON protocol.
    pub shape: &'static str,
    /// Whether the shape is part of the service's model. The others belong to AWS's framework.
    pub modelled: bool,
    /// The name in the query protocol and in the results of batches.
    pub query: &'static str,
    pub status: u16,
}

impl ErrorCode {
    const fn model(shape: &'static str, query: &'static str, status: u16) -> Self {
        Self {
            shape,
            modelled: true,
            query,
            status,
        }
    }

    const fn framework(shape: &'static str, query: &'static str, status: u16) -> Self {
        Self {
            shape,
            modelled: false,
            query,
            status,
        }
    }

    /// The party that caused the error, as AWS names it.
    pub fn party(&self) -> &'static str {
        if self.status < 500 {
            "Sender"
        } else {
            "Receiver"
        }
    }
}

macro_rules! codes {
    ($($name:ident = $kind:ident($shape:literal, $query:literal, $status:literal);)*) => {
        $(pub const $name: ErrorCode = ErrorCode::$kind($shape, $query, $status);)*
    };
}

codes! {
    BATCH_ENTRY_IDS_NOT_DISTINCT = model("BatchEntryIdsNotDistinct", "AWS.SimpleQueueService.BatchEntryIdsNotDistinct", 400);
    BATCH_REQUEST_TOO_LONG = model("BatchRequestTooLong", "AWS.SimpleQueueService.BatchRequestTooLong", 400);
    EMPTY_BATCH_REQUEST = model("EmptyBatchRequest", "AWS.SimpleQueueService.EmptyBatchRequest", 400);
    INVALID_BATCH_ENTRY_ID = model("InvalidBatchEntryId", "AWS.SimpleQueueService.InvalidBatchEntryId", 400);
    TOO_MANY_ENTRIES = model("TooManyEntriesInBatchRequest", "AWS.SimpleQueueService.TooManyEntriesInBatchRequest", 400);

    INVALID_ATTRIBUTE_NAME = model("InvalidAttributeName", "InvalidAttributeName", 400);
    INVALID_ATTRIBUTE_VALUE = model("InvalidAttributeValue", "InvalidAttributeValue", 400);
    INVALID_MESSAGE_CONTENTS = model("InvalidMessageContents", "InvalidMessageContents", 400);
    OVER_LIMIT = model("OverLimit", "OverLimit", 403);
    PURGE_QUEUE_IN_PROGRESS = model("PurgeQueueInProgress", "AWS.SimpleQueueService.PurgeQueueInProgress", 403);
    QUEUE_DELETED_RECENTLY = model("QueueDeletedRecently", "AWS.SimpleQueueService.QueueDeletedRecently", 400);
    QUEUE_DOES_NOT_EXIST = model("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", 400);
    QUEUE_NAME_EXISTS = model("QueueNameExists", "QueueAlreadyExists", 400);
    RECEIPT_HANDLE_IS_INVALID = model("ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid", 400);
    RESOURCE_NOT_FOUND = model("ResourceNotFoundException", "ResourceNotFoundException", 404);

    ACCESS_DENIED = framework("AccessDeniedException", "AccessDenied", 403);
    INCOMPLETE_SIGNATURE = framework("IncompleteSignatureException", "IncompleteSignature", 400);
    INTERNAL_FAILURE = framework("InternalFailure", "InternalFailure", 500);
    INVALID_ACTION = framework("InvalidAction", "InvalidAction", 400);
    INVALID_PARAMETER_VALUE = framework("InvalidParameterValueException", "InvalidParameterValue", 400);
    MISSING_AUTHENTICATION_TOKEN = framework("MissingAuthenticationTokenException", "MissingAuthenticationToken", 403);
    MISSING_PARAMETER = framework("MissingRequiredParameterException", "MissingParameter", 400);
    NO_SUCH_VERSION = framework("NoSuchVersionException", "NoSuchVersion", 400);
    REQUEST_TOO_LARGE = framework("RequestEntityTooLargeException", "RequestEntityTooLarge", 413);
    SERIALIZATION = framework("SerializationException", "SerializationException", 400);
    SERVICE_UNAVAILABLE = framework("ServiceUnavailableException", "ServiceUnavailable", 503);
    UNKNOWN_OPERATION = framework("UnknownOperationException", "UnknownOperationException", 404);
}

/// The error that a request is answered with.
#[derive(Debug, PartialEq, Eq)]
pub struct SqsError {
    pub code: &'static ErrorCode,
    pub message: String,
    /// Whether the query protocol's response has the element `Detail`, which is always empty. AWS leaves it out for
    /// DeleteMessageBatch and ChangeMessageVisibilityBatch only.
    pub detail: bool,
}

impl SqsError {
    pub fn new(code: &'static ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            detail: true,
        }
    }

    /// An invalid parameter, with a message of its own.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(&INVALID_PARAMETER_VALUE, message)
    }

    /// An invalid parameter, with AWS's usual message.
    pub fn value(parameter: &str, value: impl std::fmt::Display, reason: &str) -> Self {
        Self::invalid(format!(
            "Value {value} for parameter {parameter} is invalid. Reason: {reason}"
        ))
    }

    pub fn missing(parameter: &str) -> Self {
        Self::new(
            &MISSING_PARAMETER,
            format!("The request must contain the parameter {parameter}."),
        )
    }

    pub fn unknown_attribute(name: &str) -> Self {
        Self::new(
            &INVALID_ATTRIBUTE_NAME,
            format!("Unknown Attribute {name}."),
        )
    }

    pub fn attribute_value(name: &str) -> Self {
        Self::new(
            &INVALID_ATTRIBUTE_VALUE,
            format!("Invalid value for the parameter {name}."),
        )
    }

    pub fn without_detail(mut self) -> Self {
        self.detail = false;
        self
    }
}
