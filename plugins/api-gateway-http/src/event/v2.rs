//! Payload format 2.0. `rawPath` is decoded, as on AWS and despite its name, and contains the stage. Cookies are not among
//! the headers.

use alloc::string::String;

use http_event::event_2_0::Event;
use http_event::headers;
use http_event::percent::decode;

use super::Context;

/// Writes the event.
pub fn write(context: &Context<'_>) -> String {
    let (request, state) = (context.request, context.state);
    let path = decode(&request.path);
    let mut headers = headers::of_event(request);
    headers.retain(|(name, _)| *name != "cookie");
    Event {
        request,
        route_key: &context.route_key(),
        raw_path: &path,
        path: &path,
        headers,
        account_id: state.account_id,
        api_id: state.api_id,
        authorizer: "",
        domain_name: context.domain_name(),
        request_id: context.request_id,
        stage: state.stage,
        path_parameters: &context.found.parameters,
        stage_variables: state.stage_variables,
    }
    .write()
}
