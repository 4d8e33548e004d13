//! The folder `.serverless`, which `package` has written: the whole service, compiled.
//!
//! Contract: the template of the folder, without the bucket of the deployment and the functions of the framework's own custom
//! resources, whose work is done here. `Code` and `Content` are the packages in the folder. Versions that no alias uses are
//! left out, as the framework makes one of every function.
//!
//! On failure: a [`ProjectError`] for a folder without a template.

use std::path::Path;

use super::functions::KEY;
use super::names;
use crate::ProjectError;
use crate::cfn::{self, Body};
use crate::context::Context;
use crate::file::GENERATED_BYTES;
use crate::resource::Template;
use crate::value::{Kind, Map, Value};

/// The template in the folder.
pub const TEMPLATE: &str = "cloudformation-template-update-stack.json";

/// What is known of the service besides.
const STATE: &str = "serverless-state.json";

/// What the logical ids of the framework's own functions and resources begin with.
const OWN: [&str; 3] = [
    "ServerlessDeploymentBucket",
    "CustomDashresource",
    "IamRoleCustomResources",
];

/// Reads the folder.
pub fn read(context: &Context, folder: &Path) -> Result<Template, ProjectError> {
    let path = folder.join(TEMPLATE);
    let root = context.load(&path, GENERATED_BYTES)?;
    let place = root.place;
    let Kind::Map(mut root) = root.kind else {
        return Err(context.error(
            place,
            "this is not a template: write it with `npx osls package`",
        ));
    };
    let state = folder.join(STATE);
    let state = match state.exists() {
        true => context.load(&state, GENERATED_BYTES)?,
        false => Value::null(place),
    };
    let text = |path: &[&str]| state.at(path).and_then(Value::as_str).map(str::to_owned);
    let stage = text(&["service", "provider", "stage"]).unwrap_or_else(|| "dev".to_owned());
    let service = text(&["service", "service"]).unwrap_or_else(|| "service".to_owned());
    let name =
        text(&["service", "provider", "stackName"]).unwrap_or_else(|| format!("{service}-{stage}"));
    if let Some(resources) = root.get_mut("Resources").and_then(Value::as_map_mut) {
        clean(resources);
        for (key, _) in state
            .at(&["service", "functions"])
            .into_iter()
            .flat_map(Value::members)
        {
            let function = resources
                .get_mut(&names::function(key))
                .and_then(Value::as_map_mut);
            if let Some(function) = function {
                cfn::set(
                    function,
                    &format!("Metadata.{KEY}"),
                    Value::text(place, key),
                );
            }
        }
    }
    if let Some(outputs) = root.get_mut("Outputs").and_then(Value::as_map_mut) {
        outputs.remove("ServerlessDeploymentBucketName");
        let versions: Vec<String> = outputs
            .iter()
            .map(|(key, _)| key.clone())
            .filter(|key| key.ends_with("QualifiedArn"))
            .collect();
        for key in versions {
            outputs.remove(&key);
        }
    }
    let text = "the packages in this folder are run: after a change, package the service again";
    context.report.note(place, text);
    let mut template = Template::new(name, folder, root);
    template.region = text_of(&state, &["service", "provider", "region"]);
    Ok(template)
}

fn text_of(value: &Value, path: &[&str]) -> Option<String> {
    value.at(path).and_then(Value::as_str).map(str::to_owned)
}

fn clean(resources: &mut Map) {
    let used: Vec<String> = resources
        .iter()
        .filter(|(_, member)| member.value.text_of("Type").as_deref() == Some("AWS::Lambda::Alias"))
        .filter_map(|(_, member)| {
            let version = member
                .value
                .at(&["Properties", "FunctionVersion", "Fn::GetAtt"])?;
            version.items().first()?.as_str().map(str::to_owned)
        })
        .collect();
    let keys: Vec<String> = resources.iter().map(|(key, _)| key.clone()).collect();
    for key in keys {
        let Some(resource) = resources.get_mut(&key) else {
            continue;
        };
        let kind = resource.text_of("Type").unwrap_or_default().into_owned();
        let is_unused = kind == "AWS::Lambda::Version" && !used.contains(&key);
        if is_unused || OWN.iter().any(|own| key.starts_with(own)) {
            resources.remove(&key);
            continue;
        }
        match kind.as_str() {
            "AWS::Lambda::Function" => packaged(resource, "Code"),
            "AWS::Lambda::LayerVersion" => packaged(resource, "Content"),
            "Custom::S3" => existing_bucket(resource),
            _ => {}
        }
    }
}

/// Replaces the place of a package on AWS with its file in the folder.
fn packaged(resource: &mut Value, property: &str) {
    let Some(properties) = resource
        .as_map_mut()
        .and_then(|map| map.get_mut("Properties"))
        .and_then(Value::as_map_mut)
    else {
        return;
    };
    let Some(key) = properties
        .get(property)
        .and_then(|code| code.get("S3Key"))
        .cloned()
    else {
        return;
    };
    if let Some(file) = key.as_str().and_then(|key| key.rsplit('/').next()) {
        properties.insert(property, key.place, Value::text(key.place, file));
    }
}

/// The notifications of a bucket that exists, in the way of CDK.
fn existing_bucket(resource: &mut Value) {
    let place = resource.place;
    let Some(properties) = resource.get("Properties").cloned() else {
        return;
    };
    let name = properties
        .get("FunctionName")
        .cloned()
        .unwrap_or_else(|| Value::null(place));
    let mut arn = vec![
        Value::text(place, "arn:aws:lambda:"),
        cfn::reference(place, "AWS::Region"),
    ];
    arn.extend([
        Value::text(place, ":"),
        cfn::reference(place, "AWS::AccountId"),
        Value::text(place, ":function:"),
        name,
    ]);
    if let Some(qualifier) = properties.get("FunctionQualifier") {
        arn.extend([Value::text(place, ":"), qualifier.clone()]);
    }
    let arn = cfn::join(place, "", arn);
    let configurations = properties
        .get("BucketConfigs")
        .map(Value::items)
        .unwrap_or_default();
    let configurations = configurations.iter().map(|configuration| {
        let events = configuration.get("Event").cloned().into_iter().collect();
        let mut body = Body::new(place)
            .set("LambdaFunctionArn", arn.clone())
            .set("Events", Value::list(place, events));
        let rules = configuration
            .get("Rules")
            .map(Value::items)
            .unwrap_or_default();
        let rules: Vec<Value> = rules
            .iter()
            .filter_map(|rule| rule.as_map().and_then(Map::only))
            .map(|(name, value)| {
                Body::new(place)
                    .text("Name", name.to_lowercase())
                    .set("Value", value.clone())
                    .done()
            })
            .collect();
        if !rules.is_empty() {
            let key = Body::new(place)
                .set("FilterRules", Value::list(place, rules))
                .done();
            body = body.set("Filter", Body::new(place).set("Key", key).done());
        }
        body.done()
    });
    let notifications = Body::new(place).set(
        "LambdaFunctionConfigurations",
        Value::list(place, configurations.collect()),
    );
    let changed = Body::new(place)
        .set_some("BucketName", properties.get("BucketName").cloned())
        .set("NotificationConfiguration", notifications.done());
    *resource = Body::new(place)
        .text("Type", "Custom::S3BucketNotifications")
        .set("Properties", changed.done())
        .done();
}
