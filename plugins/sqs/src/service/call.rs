//! One call of an operation: the context, what the request's headers add to it, and the queue that it names.

use plugin_kit::arn;

use crate::service::address;
use crate::service::context::Context;
use crate::service::error::{self, SqsError};
use crate::service::http::Request;
use crate::service::input::Input;
use crate::service::store::{Queue, Store, StoreError};

/// What an operation knows besides its parameters.
pub struct Call<'a> {
    pub context: &'a Context<'a>,
    /// Host and port by which the client reached the service.
    host: &'a str,
    /// Of the URL by which the client reached the service.
    scheme: &'static str,
    /// The value of the header `X-Amzn-Trace-Id`.
    pub trace: Option<&'a str>,
    /// Whether the request uses the query protocol, which has other texts for some errors.
    query: bool,
}

/// The queue that a request names.
pub struct Target {
    pub name: String,
    pub queue: Box<dyn Queue>,
}

impl<'a> Call<'a> {
    pub fn new(request: &'a Request, context: &'a Context<'a>, query: bool) -> Self {
        Self {
            context,
            host: &request.authority,
            scheme: request.scheme(),
            trace: request.header("x-amzn-trace-id"),
            query,
        }
    }

    pub fn store(&self) -> &'a dyn Store {
        self.context.store
    }

    pub fn url(&self, name: &str) -> String {
        address::url(self.scheme, self.host, self.context.account, name)
    }

    pub fn arn(&self, name: &str) -> String {
        arn::queue(self.context.region, self.context.account, name)
    }

    /// Opens the queue that the parameter `QueueUrl` names. AWS accepts a bare name there, too. For it, a URL without an
    /// account and a name is that of a queue that does not exist.
    pub fn target(&self, input: &Input<'_>) -> Result<Target, SqsError> {
        let url = input.required("QueueUrl")?;
        let name = if address::is_name(&url) {
            &url
        } else if let Some((account, name)) = address::parse_url(&url) {
            self.check_account(account)?;
            name
        } else {
            return Err(self.missing_queue());
        };
        Ok(Target {
            name: name.to_owned(),
            queue: self.open(name)?,
        })
    }

    /// Fails unless the account is the configured one: queues of other accounts cannot be reached.
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

    pub fn open(&self, name: &str) -> Result<Box<dyn Queue>, SqsError> {
        self.store()
            .open(name)
            .map_err(|error| self.store_error(error))
    }

    pub fn missing_queue(&self) -> SqsError {
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
            format!(
                "Access to the resource {}://{}/ is denied.",
                self.scheme, self.host
            ),
        )
    }

    /// The AWS error for an error of the store that the operation does not handle itself.
    pub fn store_error(&self, error: StoreError) -> SqsError {
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
                format!("The queues cannot be written at the moment: {reason}"),
            ),
        }
    }
}
