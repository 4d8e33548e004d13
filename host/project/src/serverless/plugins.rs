//! Plugins of the Serverless Framework: what they would add to a service.
//!
//! Contract: plugins that change code and have a counterpart here are read (serverless-esbuild), those whose work is done
//! here anyway, or only at a deployment, are listed in one note, those without which something does not work are refused, and
//! of those that are not known it is said that what they add is missing.

use super::names;
use super::service::{Function, Service};
use crate::ProjectError;
use crate::cfn::{Body, Compiled};
use crate::file::Place;
use crate::value::{Kind, Map, Value};

/// Plugins whose work is done here, or has no effect here.
const WITHOUT_EFFECT: [&str; 37] = [
    "serverless-api-gateway-caching",
    "serverless-api-gateway-throttling",
    "serverless-apigw-binary",
    "serverless-associate-waf",
    "serverless-aws-alias",
    "serverless-certificate-creator",
    "serverless-cloudformation-sub-variables",
    "serverless-deployment-bucket",
    "serverless-domain-manager",
    "serverless-dotenv-plugin",
    "serverless-esbuild",
    "serverless-iam-roles-per-function",
    "serverless-log-forwarding",
    "serverless-offline",
    "serverless-offline-sqs",
    "serverless-offline-sqs-external",
    "serverless-plugin-aws-alerts",
    "serverless-plugin-canary-deployments",
    "serverless-plugin-common-excludes",
    "serverless-plugin-datadog",
    "serverless-plugin-include-dependencies",
    "serverless-plugin-lambda-dead-letter",
    "serverless-plugin-lambda-insights",
    "serverless-plugin-log-retention",
    "serverless-plugin-log-subscription",
    "serverless-plugin-resource-tagging",
    "serverless-plugin-split-stacks",
    "serverless-plugin-tracing",
    "serverless-plugin-warmup",
    "serverless-prune-plugin",
    "serverless-pseudo-parameters",
    "serverless-python-requirements",
    "serverless-rust",
    "serverless-s3-local",
    "serverless-stack-output",
    "serverless-webpack-layers",
    "serverless-sqs-local",
];

/// Plugins that bundle or compile JavaScript when a service is packaged.
const BUNDLERS: [&str; 7] = [
    "serverless-babel-plugin",
    "serverless-bundle",
    "serverless-plugin-optimize",
    "serverless-plugin-typescript",
    "serverless-rspack",
    "serverless-webpack",
    "serverless-plugin-bundle",
];

/// Plugins that start databases and other services.
const EMULATORS: [(&str, &str); 6] = [
    ("serverless-dynamodb", "AWS_ENDPOINT_URL_DYNAMODB"),
    ("serverless-dynamodb-local", "AWS_ENDPOINT_URL_DYNAMODB"),
    ("serverless-localstack", "AWS_ENDPOINT_URL"),
    ("serverless-offline-kinesis", "AWS_ENDPOINT_URL_KINESIS"),
    ("serverless-offline-sns", "AWS_ENDPOINT_URL_SNS"),
    ("serverless-offline-ssm", "AWS_ENDPOINT_URL_SSM"),
];

/// What the layer of serverless-python-requirements is called.
const REQUIREMENTS_LAYER: &str = "PythonRequirementsLambdaLayer";

/// Settings of serverless-esbuild that are not options of esbuild.
const NOT_ESBUILD: [&str; 16] = [
    "bundle",
    "concurrency",
    "disableIncremental",
    "exclude",
    "installExtraArgs",
    "nativeZip",
    "nodeExternals",
    "outputBuildFolder",
    "outputFileExtension",
    "outputWorkFolder",
    "packager",
    "packagerOptions",
    "packagePath",
    "plugins",
    "skipBuild",
    "watch",
];

/// Changes the whole template as plugins do.
pub fn finish(service: &Service<'_>, root: &mut Map) {
    if service.has_plugin("serverless-pseudo-parameters") {
        root.values_mut().for_each(pseudo_parameters);
    }
}

/// Says what becomes of the plugins, and adds to the functions what they say.
pub fn apply(service: &Service<'_>, compiled: &mut Compiled) -> Result<(), ProjectError> {
    note(service);
    if service.has_plugin("serverless-esbuild") {
        let settings = service.variables.property(&["custom", "esbuild"])?;
        esbuild(service, &settings, compiled);
    } else {
        let settings = service.variables.property(&["build", "esbuild"])?;
        if settings.as_map().is_some() || settings.as_bool() == Some(true) {
            esbuild(service, &settings, compiled);
        }
    }
    if service.has_plugin("serverless-python-requirements") {
        without_requirements_layer(service, compiled);
    }
    for (section, what) in [
        ("stepFunctions", "state machines are"),
        ("constructs", "constructs of serverless-lift are"),
    ] {
        if let Some(place) = service
            .variables
            .root()
            .as_map()
            .and_then(|root| root.place_of(section))
        {
            let text = format!(
                "{section}: {what} not run; the functions of the service are served with --partial"
            );
            service.refuse(place, text);
        }
    }
    Ok(())
}

fn note(service: &Service<'_>) {
    let report = &service.context.report;
    let mut quiet: Vec<&str> = Vec::new();
    for (plugin, place) in &service.plugins {
        let plugin = plugin.as_str();
        let place = *place;
        if WITHOUT_EFFECT.contains(&plugin) {
            if ![
                "serverless-offline",
                "serverless-esbuild",
                "serverless-dotenv-plugin",
            ]
            .contains(&plugin)
            {
                quiet.push(plugin);
            }
        } else if BUNDLERS.contains(&plugin) {
            let text = format!(
                "{plugin} is not run: handlers in TypeScript are bundled with the project's esbuild, others run from their source"
            );
            report.note(place, text);
        } else if let Some((_, variable)) = EMULATORS.iter().find(|(name, _)| *name == plugin) {
            let text = format!(
                "{plugin} is not started; start its service, and set {variable} in the environment of the functions"
            );
            report.note(place, text);
        } else if plugin == "serverless-wsgi" {
            wsgi(service, place);
        } else if plugin == "serverless-step-functions" || plugin == "serverless-lift" {
            // What they are used for is refused.
        } else {
            let text = format!(
                "the plugin {plugin} is not run: what it adds to the service is missing. If that matters: npx osls package, \
                 and start from .serverless"
            );
            report.note(place, text);
        }
    }
    if !quiet.is_empty() {
        report.note(
            None,
            format!("plugins without an effect here: {}", quiet.join(", ")),
        );
    }
}

fn wsgi(service: &Service<'_>, place: Place) {
    for function in service.functions.values() {
        let handler = function
            .get("handler")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let module = handler.split('.').next().unwrap_or_default();
        let is_of_plugin = matches!(module, "wsgi_handler" | "wsgi");
        if is_of_plugin && !service.folder.join(format!("{module}.py")).is_file() {
            let at = function
                .get("handler")
                .map_or(place, |handler| handler.place);
            let text = format!(
                "the handler {handler} of {} is a file that serverless-wsgi adds to the package: `npx serverless wsgi install` \
                 puts it, and its settings, beside the code",
                function.key
            );
            service.refuse(at, text);
        }
    }
}

/// Marks functions for Node.js as bundled with esbuild.
fn esbuild(service: &Service<'_>, settings: &Value, compiled: &mut Compiled) {
    let place = settings.place;
    let mut properties = Body::new(place);
    for (key, value) in settings.members() {
        let is_option = !NOT_ESBUILD.contains(&key);
        if is_option && (key != "sourcemap" || value.as_map().is_none()) {
            properties = properties.set(&names::upper_first(key), value.clone());
        }
    }
    let mut external: Vec<Value> = Vec::new();
    for key in ["external", "exclude"] {
        for item in settings.get(key).map(Value::items).unwrap_or_default() {
            if !external.iter().any(|known| known.kind == item.kind) {
                external.push(item.clone());
            }
        }
    }
    if !external.is_empty() {
        properties = properties.set("External", Value::list(place, external));
    }
    if let Some(plugins) = settings.get("plugins") {
        let text = "plugins of esbuild are programs, which are not run: code that needs one of them is not bundled as it is for AWS";
        service.context.report.note(plugins.place, text);
    }
    let properties = properties.done();
    for function in service
        .functions
        .values()
        .filter(|function| is_bundled(service, function))
    {
        let metadata = Body::new(place)
            .text("BuildMethod", "esbuild")
            .set("BuildProperties", properties.clone());
        compiled.add_metadata(&function.id(), &metadata.done());
    }
}

fn is_bundled(service: &Service<'_>, function: &Function) -> bool {
    let runtime = service.setting(function, "runtime").and_then(Value::as_str);
    let skips = function.get("skipEsbuild").and_then(Value::as_bool) == Some(true);
    let has_artifact = function.value.at(&["package", "artifact"]).is_some();
    let is_handler = function.get("handler").is_some();
    runtime.is_none_or(|runtime| runtime.starts_with("nodejs"))
        && is_handler
        && !skips
        && !has_artifact
}

/// Replaces `#{AWS::Region}` in texts, as serverless-pseudo-parameters does.
fn pseudo_parameters(value: &mut Value) {
    match &mut value.kind {
        Kind::Text(text) if text.contains("#{AWS::") => {
            let place = value.place;
            let text = Value::text(place, text.replace("#{AWS::", "${AWS::"));
            *value = Value::map(place, [("Fn::Sub", text)]);
        }
        Kind::List(items) => items.iter_mut().for_each(pseudo_parameters),
        Kind::Map(map) => map.values_mut().for_each(pseudo_parameters),
        _ => {}
    }
}

/// Takes the layer away that the plugin would make: packages are found where they are installed.
fn without_requirements_layer(service: &Service<'_>, compiled: &mut Compiled) {
    for function in service.functions.values() {
        let Some(properties) = compiled.properties(&function.id()) else {
            continue;
        };
        let Some(layers) = properties.get("Layers").cloned() else {
            continue;
        };
        let is_requirements = |layer: &Value| {
            layer
                .as_map()
                .and_then(Map::only)
                .is_some_and(|(_, id)| id.as_str() == Some(REQUIREMENTS_LAYER))
        };
        let kept: Vec<Value> = layers
            .items()
            .iter()
            .filter(|layer| !is_requirements(layer))
            .cloned()
            .collect();
        if kept.len() < layers.items().len() {
            properties.insert("Layers", layers.place, Value::list(layers.place, kept));
        }
    }
}
