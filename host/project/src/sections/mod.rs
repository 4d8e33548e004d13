//! Resources as sections of `lambkin.toml`.
//!
//! Contract: [`write()`] makes the document of a stack. [`verdicts`] says of each type of resource what becomes of it, and
//! each kind of section has a module, which reads the resources that it consists of. A function, queue, bucket and trigger
//! has the name of its resource, paths start from [`crate::Options::folder`], and every part of the document has the place
//! of the template that it was made from, so that what `lambkin check` finds wrong with it is shown there.
//!
//! On failure: nothing fails. What cannot be served is refused in the report, and left out.

pub mod asynchronous;
pub mod authorizer;
pub mod bucket;
pub mod code;
pub mod cors;
pub mod door;
pub mod environment;
pub mod event_source_mapping;
pub mod function;
pub mod function_url;
pub mod http_api;
pub mod item;
pub mod layer;
pub mod load_balancer;
pub mod name;
pub mod notification;
pub mod openapi;
pub mod path;
pub mod ports;
pub mod properties;
pub mod queue;
pub mod read;
pub mod reference;
pub mod rest_api;
pub mod sources;
pub mod stage;
pub mod target;
#[cfg(test)]
pub(crate) mod testing;
pub mod urls;
pub mod verdicts;
pub mod version;
pub mod websocket_api;

use crate::context::Context;
use crate::document::Document;
use crate::resource::Stack;

/// The sections in their order.
const SECTIONS: [&str; 6] = [
    "invoke",
    "functions",
    "queues",
    "buckets",
    "services",
    "triggers",
];

/// Makes the `lambkin.toml` of a stack.
pub fn write(context: &Context, stack: &Stack) -> Document {
    let mut document = Document::default();
    let root = &mut document.root;
    let region = context.options.region.as_deref().unwrap_or(&stack.region);
    if !region.is_empty() && region != "us-east-1" {
        root.set("region", region, None);
    }
    if context.options.account != crate::Options::default().account {
        root.set("account", context.options.account.as_str(), None);
    }
    for section in SECTIONS {
        root.table(section);
    }
    if let Some(listen) = ports::invoke(context) {
        root.table("invoke").set("listen", listen, None);
    }
    function::write(context, stack, &mut document);
    queue::write(context, stack, &mut document);
    bucket::write(context, stack, &mut document);
    version::write(context, stack, &mut document);
    asynchronous::write(context, stack, &mut document);
    // Triggers of APIs have names already, the others take what is left.
    doors(context, stack, &mut document);
    event_source_mapping::write(context, stack, &mut document);
    notification::write(context, stack, &mut document);
    urls::settle(context, &mut document);
    sources::tell(context, stack, &document);
    verdicts::tell(context, stack);
    properties::tell(context, stack);
    for section in SECTIONS {
        if document.root.table(section).is_empty() {
            document.root.remove(section);
        }
    }
    document
}

/// Triggers of requests. APIs come first, so that the first one has the port that users know.
fn doors(context: &Context, stack: &Stack, document: &mut Document) {
    const REST: &str = "AWS::ApiGateway::RestApi";
    const V2: &str = "AWS::ApiGatewayV2::Api";
    for api in stack.of_kind(REST) {
        rest_api::write(context, stack, api, document);
    }
    let part = ("AWS::ApiGateway::Method", "RestApiId");
    for api in &door::elsewhere(context, stack, document, REST, part) {
        rest_api::write(context, stack, api, document);
    }
    for api in stack.of_kind(V2) {
        match api.properties.text_of("ProtocolType").as_deref() {
            Some("WEBSOCKET") => websocket_api::write(context, stack, api, document),
            _ => http_api::write(context, stack, api, document),
        }
    }
    let part = ("AWS::ApiGatewayV2::Route", "ApiId");
    for api in &door::elsewhere(context, stack, document, V2, part) {
        match websocket_api::has_routes(stack, api) {
            true => websocket_api::write(context, stack, api, document),
            false => http_api::write(context, stack, api, document),
        }
    }
    load_balancer::write(context, stack, document);
    for url in stack.of_kind("AWS::Lambda::Url") {
        function_url::write(context, stack, url, document);
    }
}
