//! Stages of APIs: their names, variables and settings.
//!
//! Contract: a trigger serves one stage. Of several, it is `$default`, or else the first in the template; the others are
//! noted. `AWS::ApiGateway::Deployment.StageName` is a stage if there is no other one.

use crate::context::Context;
use crate::file::Place;
use crate::resource::{Resource, Stack};
use crate::value::Value;

use super::reference;

/// The stage that a trigger serves.
#[derive(Debug)]
pub struct Stage<'s> {
    /// Its name.
    pub name: String,
    /// Where the name is.
    pub place: Place,
    /// Its variables.
    pub variables: Vec<(String, String)>,
    /// Where they are.
    pub variables_place: Place,
    /// Its properties; none if the project has no stage.
    pub properties: Option<&'s Value>,
}

/// The stage of an API of API Gateway's second version. `usual` is its name without one.
pub fn of_v2<'s>(context: &Context, stack: &'s Stack, api: &'s Resource, usual: &str) -> Stage<'s> {
    let stages = reference::parts(stack, "AWS::ApiGatewayV2::Stage", "ApiId", api);
    chosen(context, api, stages.collect(), "StageVariables", usual)
}

/// The stage of a REST API.
pub fn of_rest<'s>(context: &Context, stack: &'s Stack, api: &'s Resource) -> Stage<'s> {
    let part = |kind| reference::parts(stack, kind, "RestApiId", api);
    let mut stages: Vec<_> = part("AWS::ApiGateway::Stage").collect();
    if stages.is_empty() {
        let deployments = part("AWS::ApiGateway::Deployment");
        stages = deployments
            .filter(|deployment| deployment.get("StageName").is_some())
            .take(1)
            .collect();
    }
    let mut stage = chosen(context, api, stages, "Variables", "prod");
    if let Some(properties) = stage.properties
        && let Some(description) = properties.get("StageDescription")
    {
        stage.variables = variables(context, description.get("Variables"));
        stage.properties = Some(description);
    }
    stage
}

fn chosen<'s>(
    context: &Context,
    api: &'s Resource,
    stages: Vec<&'s Resource>,
    variables_key: &str,
    usual: &str,
) -> Stage<'s> {
    let name = |stage: &Resource| stage.properties.text_of("StageName").map(String::from);
    let first = stages
        .iter()
        .find(|stage| name(stage).as_deref() == Some("$default"))
        .or(stages.first())
        .copied();
    for other in stages
        .iter()
        .filter(|other| first.is_some_and(|it| it.path != other.path))
    {
        let served = first.and_then(name).unwrap_or_else(|| usual.to_owned());
        let message = format!(
            "the stage {} of {} is not served; {served} is",
            name(other).unwrap_or_else(|| other.id.clone()),
            api.path,
        );
        context.report.note(other.place, message);
    }
    let properties = first.map(|stage| &stage.properties);
    let name_value = first.and_then(|stage| stage.get("StageName"));
    let variables_value = first.and_then(|stage| stage.get(variables_key));
    Stage {
        name: first.and_then(name).unwrap_or_else(|| usual.to_owned()),
        place: name_value.map_or(api.place, |value| value.place),
        variables: variables(context, variables_value),
        variables_place: variables_value.map_or(api.place, |value| value.place),
        properties,
    }
}

/// Names and values of stage variables.
pub fn variables(context: &Context, table: Option<&Value>) -> Vec<(String, String)> {
    let mut variables = Vec::new();
    for (name, value) in table.into_iter().flat_map(Value::members) {
        match (value.as_text(), value.as_unknown()) {
            (Some(text), _) => variables.push((name.to_owned(), text.into_owned())),
            (None, Some(why)) => {
                let message = format!(
                    "the stage variable {name} is left out, because its value exists on AWS only ({why})"
                );
                context.report.note(value.place, message);
            }
            (None, None) => {}
        }
    }
    variables
}
