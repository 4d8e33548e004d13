//! AWS Query: a form or the URL holds the parameters, of which `Action` names the operation; the response is XML, or
//! JSON of the same structure if the request's `Accept` asks for that.
//! Requests go to `/`, or to a queue's URL, which then is the default of `QueueUrl`.

use crate::service::address;
use crate::service::context::Context;
use crate::service::dispatch::dispatch;
use crate::service::error::{self, SqsError};
use crate::service::form::Form;
use crate::service::http::{Request, Response};
use crate::service::input::Input;
use crate::service::operations::{self, Operation};
use crate::service::output::Output;
use crate::service::protocol::{json, xml};

/// The values of `Version` that AWS accepts.
const VERSIONS: [&str; 5] = [
    "2012-11-05",
    "2011-10-01",
    "2009-02-01",
    "2008-01-01",
    "2007-05-01",
];

/// Answers a request.
pub fn serve(request: &Request, context: &Context<'_>) -> Response {
    let mut form = Form::of(request);
    let Some(action) = action(request, &form) else {
        return xml::unknown_operation();
    };
    if let Some(path) = address::queue_path(&request.path)
        && form.get("QueueUrl").is_none()
    {
        form.insert("QueueUrl", path);
    }
    let id = &context.request_id;
    match (
        output(request, context, &action, &form),
        wants_json(request),
    ) {
        (Ok((operation, output)), true) => json::query_success(operation.name, output, id),
        (Ok((operation, output)), false) => xml::success(operation.name, &output, id),
        (Err(error), _) => failure(request, &error, id),
    }
}

/// The response to a failed request.
pub fn failure(request: &Request, error: &SqsError, request_id: &str) -> Response {
    if wants_json(request) {
        json::query_failure(error, request_id)
    } else {
        xml::failure(error, request_id)
    }
}

/// Whether the first type that the client accepts is JSON.
fn wants_json(request: &Request) -> bool {
    let accept = request.header("accept").unwrap_or_default();
    let first = accept.split([',', ';']).next().unwrap_or_default();
    first.trim().eq_ignore_ascii_case("application/json")
}

fn action(request: &Request, form: &Form) -> Option<String> {
    if !matches!(request.method.as_str(), "GET" | "POST") {
        return None;
    }
    form.get("Action")
        .filter(|action| !action.is_empty())
        .map(str::to_owned)
}

fn output(
    request: &Request,
    context: &Context<'_>,
    action: &str,
    form: &Form,
) -> Result<(&'static Operation, Output), SqsError> {
    if let Some(version) = form.get("Version")
        && !VERSIONS.contains(&version)
    {
        return Err(SqsError::new(
            &error::NO_SUCH_VERSION,
            format!("The requested version ( {version} ) is not valid."),
        ));
    }
    let on_queue = address::queue_path(&request.path).is_some();
    let operation = operations::find(action)
        .filter(|operation| !(on_queue && operation.of_all_queues))
        .ok_or_else(|| {
            SqsError::new(
                &error::INVALID_ACTION,
                format!("The action {action} is not valid for this endpoint."),
            )
        })?;
    let input = Input::Query(form, String::new());
    Ok((operation, dispatch(request, context, operation, &input)?))
}
