//! The service role: Amazon SQS's wire protocols on the host's queues.
//!
//! [`handle`] answers one request. `protocol` reads it, whichever of AWS's two protocols it is in, `operations` does
//! what it asks for on a [`store::Store`], and `protocol` writes the answer. All of it is plain Rust without clock,
//! randomness or I/O of its own: the component's `guest` module brings these, the tests bring others.
//!
//! On failure: everything a request can contain leads to AWS's answer for it. A store that can not write makes the
//! service answer 503, which SDKs try again.

mod address;
mod answer;
mod auth;
pub mod contract;
mod error;
#[cfg(test)]
mod fake;
pub mod http;
mod input;
pub mod limits;
mod operations;
mod protocol;
pub mod settings;
pub mod store;
#[cfg(test)]
mod tests;

use plugin_kit::arn;

use http::{Request, Response};
use settings::Settings;
use store::{Queue, Store, StoreError};

use error::SqsError;
use input::Input;

/// What there is around a request.
pub struct Context<'a> {
    /// The queues.
    pub store: &'a dyn Store,
    /// `us-east-1`.
    pub region: &'a str,
    /// Twelve digits.
    pub account: &'a str,
    /// The service's own settings.
    pub settings: Settings,
    /// A UUID for this request.
    pub request_id: String,
    /// Milliseconds since 1970.
    pub now_ms: u64,
}

/// Answers a request.
pub fn handle(request: &Request, context: &Context<'_>) -> Response {
    protocol::serve(request, context)
}

/// Answers a request whose body is longer than [`limits::REQUEST_BODY`], which therefore nobody has read.
pub fn refuse_length(request: &Request, context: &Context<'_>) -> Response {
    protocol::refuse_length(request, context)
}

/// What an operation knows beside its parameters.
struct Call<'a> {
    context: &'a Context<'a>,
    /// Host and port as the caller named them.
    host: &'a str,
    /// The header `X-Amzn-Trace-Id`.
    trace: Option<&'a str>,
    /// Whether the request is in the query protocol, some of whose texts differ.
    query: bool,
}

/// A queue that a request is about.
struct Target {
    name: String,
    queue: Box<dyn Queue>,
}

impl<'a> Call<'a> {
    fn new(request: &'a Request, context: &'a Context<'a>, query: bool) -> Self {
        Self {
            context,
            host: &request.authority,
            trace: request.header("x-amzn-trace-id"),
            query,
        }
    }

    fn store(&self) -> &'a dyn Store {
        self.context.store
    }

    fn url(&self, name: &str) -> String {
        address::url(self.host, self.context.account, name)
    }

    fn arn(&self, name: &str) -> String {
        arn::queue(self.context.region, self.context.account, name)
    }

    /// The queue of the parameter `QueueUrl`, which AWS also takes a bare name for.
    fn target(&self, input: &Input<'_>) -> Result<Target, SqsError> {
        let url = input.required("QueueUrl")?;
        let name = if address::is_name(&url) {
            &url
        } else if let Some((account, name)) = address::parse_url(&url) {
            self.check_account(account)?;
            name
        } else {
            return Err(SqsError::new(
                &error::INVALID_ADDRESS,
                format!("The address {url} is not valid for this endpoint."),
            ));
        };
        Ok(Target {
            name: name.to_owned(),
            queue: self.open(name)?,
        })
    }

    /// Queues of other accounts can not be reached.
    fn check_account(&self, account: &str) -> Result<(), SqsError> {
        if account == self.context.account {
            return Ok(());
        }
        let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        Err(if is_account {
            self.denied()
        } else {
            self.missing_queue()
        })
    }

    fn open(&self, name: &str) -> Result<Box<dyn Queue>, SqsError> {
        self.store()
            .open(name)
            .map_err(|error| self.store_error(error))
    }

    fn missing_queue(&self) -> SqsError {
        let text = if self.query {
            "The specified queue does not exist for this wsdl version."
        } else {
            "The specified queue does not exist."
        };
        SqsError::new(&error::QUEUE_DOES_NOT_EXIST, text)
    }

    fn denied(&self) -> SqsError {
        SqsError::new(
            &error::ACCESS_DENIED,
            format!("Access to the resource http://{}/ is denied.", self.host),
        )
    }

    /// The AWS error for an error of the store that the operation does not handle itself.
    fn store_error(&self, error: StoreError) -> SqsError {
        match error {
            StoreError::Missing => self.missing_queue(),
            StoreError::Denied => self.denied(),
            StoreError::OverLimit => SqsError::new(
                &error::OVER_LIMIT,
                "Too many messages received. Before receiving more messages, you must delete messages that have been \
                 received or wait for their visibility timeout to expire.",
            ),
            StoreError::Exists => SqsError::new(
                &error::QUEUE_NAME_EXISTS,
                "A queue already exists with the same name and a different value for attribute(s)",
            ),
            StoreError::Invalid(reason) => SqsError::new(
                &error::INTERNAL_FAILURE,
                format!("The request could not be processed: {reason}"),
            ),
            StoreError::Unavailable(reason) => SqsError::new(
                &error::SERVICE_UNAVAILABLE,
                format!("The queues can not be written at the moment: {reason}"),
            ),
        }
    }
}
