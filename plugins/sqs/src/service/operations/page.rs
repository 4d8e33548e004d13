//! Pages of a list of queues: `MaxResults`, `NextToken` and the URLs of a page.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::service::call::Call;
use crate::service::error::SqsError;
use crate::service::input::Input;
use crate::service::limits;
use crate::service::output::{self, Output, Record};
use crate::service::store::Page;

/// The page of a list that a request asks for.
pub struct PageRequest {
    /// The last name of the previous page.
    pub after: Option<String>,
    /// Maximum number of queues.
    pub max: u32,
    /// Whether to return a token for the next page. AWS does so only if the request has `MaxResults`.
    tokens: bool,
}

impl PageRequest {
    /// Reads `MaxResults` and `NextToken`.
    pub fn read(input: &Input<'_>) -> Result<Self, SqsError> {
        // AWS treats 0 as absent.
        let given = input.number("MaxResults")?.filter(|max| *max != 0);
        let max = given.unwrap_or(1000);
        let in_range = u64::try_from(max).is_ok_and(|max| limits::PAGE.contains(&max));
        if !in_range {
            return Err(SqsError::invalid(
                "Value for parameter MaxResults is invalid. \
                 Reason: MaxResults must be an integer between 1 and 1000.",
            ));
        }
        let after = input
            .text("NextToken")?
            .filter(|token| !token.is_empty())
            .map(|token| {
                let name = BASE64.decode(token.as_bytes()).ok();
                name.and_then(|name| String::from_utf8(name).ok())
                    .ok_or_else(|| SqsError::invalid("Invalid or expired next token."))
            })
            .transpose()?;
        Ok(Self {
            after,
            max: u32::try_from(max).unwrap_or(1000),
            tokens: given.is_some(),
        })
    }
}

/// The URLs of a page of queues, and the token for the next page.
pub fn urls(call: &Call<'_>, name: &'static str, range: &PageRequest, page: Page) -> Output {
    let last = page.queues.last().filter(|_| page.more && range.tokens);
    let token = last.map(|queue| BASE64.encode(&queue.name));
    let urls = page.queues.iter().map(|queue| call.url(&queue.name));
    Some(
        Record::default()
            .list(name, "QueueUrl", output::texts(urls))
            .maybe_text("NextToken", token),
    )
}
