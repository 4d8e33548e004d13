//! The macro `AWS::Serverless-2016-10-31`: resources of SAM become those of CloudFormation.
//!
//! Contract: every `AWS::Serverless::*` resource of a template is replaced by the resources that AWS's translator
//! (`aws-sam-translator`) makes of it, with the same logical ids, intrinsic functions kept. What has no effect here is
//! not made: permissions, deployments by hash, tags that SAM adds. A role is made only if the template refers to it.
//! Logical ids with a hash have none here: `FnVersion`, and layers keep their ids. Resources without a counterpart
//! (`AWS::Serverless::StateMachine`) stay as they are. Each value has the place that it was made from.
//!
//! On failure: mistakes that AWS's translator rejects are refused in the report, so that all are shown at once; the
//! rest of the template is expanded.

mod api_events;
mod attributes;
mod build;
mod conditions;
mod definition;
mod event;
mod expansion;
mod function;
mod globals;
mod http_api;
mod http_body;
mod keys;
mod names;
mod notifications;
mod openapi;
mod polling;
mod publish;
mod references;
mod resources;
mod rest_api;
mod rest_body;
mod rest_route;
mod schedules;
mod schema;
mod security;
mod tables;
mod usage_plan;
mod websocket;

use crate::ProjectError;
use crate::context::Context;
use crate::file::Place;
use crate::resource::Template;
use crate::value::{Kind, Value};

use build::PREFIX;
use expansion::Expansion;

/// The name of the macro in `Transform`.
pub const MACRO: &str = "AWS::Serverless-2016-10-31";

/// Whether a template uses the macro, or has resources that only the macro understands.
#[must_use]
pub fn is_used(template: &Template) -> bool {
    is_named(template) || first_resource(template).is_some()
}

fn is_named(template: &Template) -> bool {
    let transforms = template.root.get("Transform").map(Value::items);
    let mut names = transforms.unwrap_or_default().iter();
    names.any(|name| name.as_str() == Some(MACRO))
}

/// The place of the type of the first resource of SAM.
fn first_resource(template: &Template) -> Option<Place> {
    let resources = template.root.get("Resources")?;
    let mut types = resources
        .members()
        .filter_map(|(_, resource)| resource.get("Type"));
    let first = types.find(|kind| kind.as_str().is_some_and(|kind| kind.starts_with(PREFIX)));
    first.map(|kind| kind.place)
}

/// Replaces the resources of SAM by those of CloudFormation.
///
/// # Errors
///
/// [`ProjectError::At`] if `Resources` or `Globals` are no maps.
pub fn expand(context: &Context, template: &mut Template) -> Result<(), ProjectError> {
    if let Some(place) = first_resource(template)
        && !is_named(template)
    {
        let text = format!("AWS reads types of SAM only in templates with Transform: {MACRO}");
        context.report.note(place, text);
    }
    let Some(resources) = template.root.get_mut("Resources") else {
        return Ok(());
    };
    let place = resources.place;
    let Kind::Map(resources) = std::mem::replace(&mut resources.kind, Kind::Null) else {
        return Err(context.error(place, "Resources must be a map"));
    };
    let globals = template.root.remove("Globals");
    let mut expansion = Expansion::new(context, &template.folder, &template.root, resources);
    schema::check(&expansion);
    api_events::add_implicit(&mut expansion);
    if let Some(globals) = &globals {
        globals::merge(&mut expansion, globals)?;
    }
    for id in expansion.ids_of("Function") {
        function::expand(&mut expansion, &id);
    }
    for id in expansion.ids_of("Api") {
        rest_api::expand(&mut expansion, &id);
    }
    for id in expansion.ids_of("HttpApi") {
        http_api::expand(&mut expansion, &id);
    }
    for id in expansion.ids_of("WebSocketApi") {
        websocket::expand(&mut expansion, &id);
    }
    for id in expansion.ids_of("LayerVersion") {
        resources::layer(&mut expansion, &id);
    }
    for id in expansion.ids_of("SimpleTable") {
        resources::table(&mut expansion, &id);
    }
    for id in expansion.ids_of("StateMachine") {
        resources::state_machine(&mut expansion, &id);
    }
    for id in expansion.ids_of("GraphQLApi") {
        resources::graphql_api(&mut expansion, &id);
    }
    for id in expansion.ids_of("Application") {
        resources::application(&mut expansion, &id);
    }
    for id in expansion.ids_of("CapacityProvider") {
        resources::capacity_provider(&mut expansion, &id);
    }
    expansion.finish(&mut template.root, place);
    Ok(())
}
