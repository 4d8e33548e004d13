//! Calls the operation of a request, whichever protocol it uses.

use crate::service::auth;
use crate::service::call::Call;
use crate::service::context::Context;
use crate::service::error::SqsError;
use crate::service::http::Request;
use crate::service::input::Input;
use crate::service::operations::Operation;
use crate::service::output::Output;

/// Checks the request's credentials and calls the operation.
pub fn dispatch(
    request: &Request,
    context: &Context<'_>,
    operation: &Operation,
    input: &Input<'_>,
) -> Result<Output, SqsError> {
    auth::check(request)?;
    let call = Call::new(request, context, input.is_query());
    (operation.handler)(&call, input)
}
