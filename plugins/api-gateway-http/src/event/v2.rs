//! Payload format 2.0. `rawPath` is decoded, as on AWS and despite its name, and contains the stage. Cookies are not among
//! the headers.

use alloc::string::String;

use authorizer::decision::Caller;
use http_event::event_2_0::{Authorizing, Event};
use http_event::headers;
use http_event::percent::decode;
use plugin_kit::arn::partition;

use super::Context;

/// Writes the event; `authorizing` makes it that of a Lambda authorizer.
pub fn write(context: &Context<'_>, authorizing: Option<Authorizing<'_>>) -> String {
    let (request, state) = (context.request, context.state);
    let path = decode(&request.path);
    let mut headers = headers::of_event(request);
    headers.retain(|(name, _)| *name != "cookie");
    let authorizer = |caller: &Caller| caller.v2(state.api.account, partition(state.api.region));
    Event {
        request,
        route_key: &context.route_key(),
        raw_path: &path,
        path: &path,
        headers,
        account_id: state.api.account,
        api_id: state.api.id,
        authorizer: &context.caller.map(authorizer).unwrap_or_default(),
        authorizing,
        domain_name: context.domain_name(),
        request_id: context.request_id,
        stage: state.api.stage,
        path_parameters: &context.found.parameters,
        stage_variables: state.api.stage_variables,
    }
    .write()
}
