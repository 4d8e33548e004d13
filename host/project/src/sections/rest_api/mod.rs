//! `AWS::ApiGateway::RestApi` → triggers of the plugin `api-gateway-rest`.
//!
//! Contract: methods come from an OpenAPI body ([`body`]) and from `AWS::ApiGateway::Resource` with
//! `AWS::ApiGateway::Method` ([`tree`]); both become [`method::Method`]s, which [`method`] and [`integration`] write. A path
//! is served with the stage in front of it, as on AWS, and without, as other tools do it.
//!
//! On failure: a method that cannot be served is refused; the others are served.

mod body;
mod integration;
mod method;
mod mock;
mod models;
mod response;
mod responses;
mod settings;
mod tree;
mod usage;
mod validation;
mod writer;

use indexmap::IndexMap;

use crate::context::Context;
use crate::document::{Document, Table};
use crate::resource::{Resource, Stack};

use super::authorizer::{self, Authorizers};
use super::door::{self, Door};
use super::stage;
use models::Models;
use writer::Writer;

/// Writes the trigger of an API.
pub fn write(context: &Context, stack: &Stack, api: &Resource, document: &mut Document) {
    let mut table = door::table(context, document, Door::Rest);
    let mut writer = Writer {
        context,
        stack,
        document,
        api,
        stage: stage::of_rest(context, stack, api),
        authorizers: Authorizers::default(),
        models: Models::default(),
        routes: IndexMap::new(),
        needs_keys: false,
    };
    let body = door::body(context, api);
    if let Some(body) = &body {
        writer.body(body);
    }
    writer.tree();
    if writer.routes.is_empty() {
        let path = &api.path;
        let message = format!("the API {path} has no methods that can be served");
        context.report.note(api.place, message);
        return;
    }
    writer.settings(&mut table, body.as_deref());
    writer.responses(&mut table, body.as_deref());
    if writer.needs_keys {
        writer.usage(&mut table);
    }
    let models = writer.models.into_table();
    if !models.is_empty() {
        table.set("models", models, None);
    }
    let mut routes = Table::default();
    for (key, (place, item)) in writer.routes {
        routes.set(key, item, place);
    }
    table.set("routes", routes, None);
    authorizer::set_network(&mut table, &writer.authorizers.network);
    if !writer.authorizers.tables.is_empty() {
        table.set("authorizers", writer.authorizers.tables, None);
    }
    door::add(document, api, table);
}

#[cfg(test)]
mod bad_tests;
#[cfg(test)]
mod tests;
