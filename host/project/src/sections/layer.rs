//! `layers` of functions, of `AWS::Lambda::LayerVersion` and ARNs.
//!
//! Contract: a layer of the project is its folder or archive, or what `sam build` has made of it. A layer that the project
//! names by ARN is the folder that the options give for it, with or without the version; without one it is refused.

use std::path::PathBuf;

use crate::context::Context;
use crate::document::{Item, Table};
use crate::resource::{Resource, Stack};
use crate::sections::code::quoted;
use crate::sections::path;
use crate::value::Value;

/// The type of the resources.
pub const KIND: &str = "AWS::Lambda::LayerVersion";

/// What layers that many use are good for here: a part of their names, and how to get on.
const KNOWN: &[(&str, &str)] = &[
    (
        "AWSLambdaPowertoolsPython",
        "pip install \"aws-lambda-powertools[all]\" -t layers/powertools/python",
    ),
    (
        "AWSLambdaPowertoolsTypeScript",
        "npm install --prefix layers/powertools/nodejs @aws-lambda-powertools/logger @aws-lambda-powertools/metrics \
         @aws-lambda-powertools/tracer",
    ),
    (
        "AWSSDKPandas",
        "pip install awswrangler -t layers/pandas/python",
    ),
    (
        "LambdaAdapterLayer",
        "the program of AWS Lambda Web Adapter goes to layers/web-adapter/extensions/lambda-adapter: see \
         https://github.com/awslabs/aws-lambda-web-adapter/releases",
    ),
    (
        "AWS-Parameters-and-Secrets-Lambda-Extension",
        "the extension fetches secrets from AWS: aws lambda get-layer-version-by-arn tells where the archive is",
    ),
    (
        "AWSOpenTelemetryDistro",
        "aws lambda get-layer-version-by-arn tells where the archive is",
    ),
];

/// Layers that only observe functions. They are left out.
const WITHOUT_EFFECT: &[&str] = &["LambdaInsightsExtension", "Dynatrace_", "Datadog-Extension"];

/// Writes the layers of a function.
pub fn write(context: &Context, stack: &Stack, function: &Resource, table: &mut Table) {
    let Some(layers) = function.get("Layers") else {
        return;
    };
    let paths = layers
        .items()
        .iter()
        .filter_map(|layer| of(context, stack, function, layer));
    let paths: Vec<Item> = paths.map(Item::from).collect();
    if !paths.is_empty() {
        table.set("layers", Item::List(paths), layers.place);
    }
}

/// The path of a layer, unless it has no effect or has been refused.
fn of(context: &Context, stack: &Stack, function: &Resource, layer: &Value) -> Option<String> {
    let id = &function.path;
    if let Some(why) = layer.as_unknown() {
        let message =
            format!("a layer of {id} is not known here: {why}; --layer ARN=FOLDER needs its ARN");
        context.report.refuse(layer.place, message);
        return None;
    }
    let Some(arn) = layer.as_str() else {
        let message = format!(
            "a layer of {id} has to be an ARN, not {}",
            layer.described()
        );
        context.report.refuse(layer.place, message);
        return None;
    };
    // arn:aws:lambda:REGION:ACCOUNT:layer:NAME:VERSION
    let without_version = match arn.rsplit_once(':') {
        Some((rest, version)) if version.bytes().all(|byte| byte.is_ascii_digit()) => rest,
        _ => arn,
    };
    let given = &context.options.layers;
    if let Some(folder) = given.get(arn).or_else(|| given.get(without_version)) {
        return Some(path::written(context, folder));
    }
    if let Some(resource) = stack.referred(KIND, arn) {
        return of_project(context, resource);
    }
    let name = without_version.rsplit(':').next().unwrap_or(arn);
    if WITHOUT_EFFECT.iter().any(|known| name.contains(known)) {
        let message = format!("the layer {name} has no effect here: it is left out");
        context.report.note(layer.place, message);
        return None;
    }
    let hint = KNOWN.iter().find(|(known, _)| name.contains(known));
    let hint = hint.map_or_else(String::new, |(_, hint)| format!("; {hint}"));
    let message = format!(
        "the layer {arn} of {id} is not on this machine: give a folder or an archive with --layer {without_version}=FOLDER\
         {hint}"
    );
    context.report.refuse(layer.place, message);
    None
}

/// The path of a layer of the project.
fn of_project(context: &Context, layer: &Resource) -> Option<String> {
    let id = &layer.path;
    let refuse = |place, message: String| {
        context.report.refuse(place, message);
        None
    };
    let metadata = |key: &str| layer.metadata.get(key).and_then(Value::as_str);
    let built = context
        .options
        .folder
        .join(".aws-sam/build")
        .join(id.as_str());
    let asset = metadata("aws:asset:path");
    let content = layer.get("Content");
    let place = content.map_or(layer.place, |content| content.place);
    let text = asset.or_else(|| content.and_then(Value::as_str));
    let Some(text) = text else {
        let of = |key| content.and_then(|content| content.get(key)?.as_str());
        let message = match (of("S3Bucket"), of("S3Key")) {
            (Some(bucket), Some(key)) => {
                format!("the layer {id} is in s3://{bucket}/{key}: download it")
            }
            _ => format!("the layer {id} is not on this machine"),
        };
        let arn = layer.reference.as_str();
        let arn = arn.rsplit_once(':').map_or(arn, |(arn, _)| arn);
        return refuse(
            place,
            format!("{message}; --layer {arn}=FOLDER names the folder or the archive"),
        );
    };
    let source: PathBuf = layer.folder.join(text);
    let method = metadata("BuildMethod");
    if built.is_dir() && method.is_some() {
        return Some(path::written(context, &built));
    }
    if !source.exists() {
        if built.is_dir() {
            return Some(path::written(context, &built));
        }
        let shown = path::written(context, &source);
        return refuse(
            place,
            format!(
                "the layer {id}, {shown}, does not exist; build the project, or correct the path"
            ),
        );
    }
    // A layer that is built has its content in a folder of the language.
    let folder = method.and_then(|method| {
        let folders = [
            ("python", "python"),
            ("nodejs", "nodejs"),
            ("esbuild", "nodejs"),
            ("ruby", "ruby/lib"),
            ("java", "java/lib"),
            ("dotnet", "dotnet"),
            ("makefile", ""),
        ];
        folders
            .into_iter()
            .find(|(prefix, _)| method.starts_with(prefix))
    });
    if let Some((method, folder)) = folder
        && (folder.is_empty() || !source.join(folder).is_dir())
    {
        let shown = quoted(&path::written(context, &source));
        let to = quoted(&path::written(context, &built));
        let command = match method {
            "python" if source.join("requirements.txt").is_file() => format!(
                "mkdir -p {to}/python && cp -R {shown}/. {to}/python && pip install -r {shown}/requirements.txt -t \
                 {to}/python"
            ),
            "makefile" => {
                format!(
                    "mkdir -p {to} && make -C {shown} build-{} ARTIFACTS_DIR=\"$PWD/{to}\"",
                    layer.id
                )
            }
            "nodejs" => format!(
                "mkdir -p {to}/nodejs && cp -R {shown}/. {to}/nodejs && npm install --omit=dev --prefix {to}/nodejs"
            ),
            "python" | "esbuild" | "ruby" => {
                format!("mkdir -p {to}/{folder} && cp -R {shown}/. {to}/{folder}")
            }
            _ => format!("sam build {}", layer.id),
        };
        return refuse(
            place,
            format!("the layer {id}, {shown}, has to be built: {command}"),
        );
    }
    Some(path::written(context, &source))
}

#[cfg(test)]
mod tests {
    use crate::sections::testing::{Project, Written};

    fn write(project: &Project, layers: &str, layer: &str) -> Written {
        project.write(&format!(
            "Fn:\n  Type: AWS::Lambda::Function\n  Properties:\n    Code: .\n    Layers: {layers}\nL:\n  Type: \
             AWS::Lambda::LayerVersion\n  {layer}\n"
        ))
    }

    const L: &str = "['arn:aws:lambda:us-east-1:123456789012:layer:L:1']";

    #[test]
    fn layers_of_the_project_are_folders() {
        let project = Project::new().file("deps/python/x.py", "");
        let written = write(&project, L, "Properties: {Content: ./deps/}");
        assert!(
            written.text.contains("layers = [\"deps\"]\n"),
            "{}",
            written.text
        );
        let written = write(&project, L, "Properties: {Content: nothing}");
        assert_eq!(
            written.refusals,
            [
                "template.yaml:8:25: the layer L, nothing, does not exist; build the project, or correct the path"
            ]
        );
        let written = write(
            &project,
            L,
            "Properties: {Content: {S3Bucket: b, S3Key: k}}",
        );
        assert_eq!(
            written.refusals,
            [
                "template.yaml:8:25: the layer L is in s3://b/k: download it; --layer \
                 arn:aws:lambda:us-east-1:123456789012:layer:L=FOLDER names the folder or the archive"
            ]
        );
    }

    #[test]
    fn layers_that_are_built_have_a_folder_of_the_language() {
        let project = Project::new().file("deps/requirements.txt", "requests");
        let layer = "Properties: {Content: deps}\n  Metadata: {BuildMethod: python3.13}";
        assert_eq!(
            write(&project, L, layer).refusals,
            [
                "template.yaml:8:25: the layer L, deps, has to be built: mkdir -p .aws-sam/build/L/python && cp -R deps/. \
                 .aws-sam/build/L/python && pip install -r deps/requirements.txt -t .aws-sam/build/L/python"
            ]
        );
        let project = project.file(".aws-sam/build/L/python/x.py", "");
        let written = write(&project, L, layer);
        assert!(
            written.text.contains("layers = [\".aws-sam/build/L\"]\n"),
            "{}",
            written.text
        );
    }

    #[test]
    fn layers_of_others_need_a_folder() {
        let mut project = Project::new();
        let arn = "arn:aws:lambda:us-east-1:017000801446:layer:AWSLambdaPowertoolsPythonV3-python313-x86_64";
        let layers = format!(
            "['{arn}:7', 'arn:aws:lambda:us-east-1:580247275435:layer:LambdaInsightsExtension:14', !Unknown X is a Y]"
        );
        let written = write(&project, &layers, "Properties: {Content: .}");
        assert_eq!(
            written.refusals,
            [
                format!(
                    "template.yaml:5:14: the layer {arn}:7 of Fn is not on this machine: give a folder or an archive with \
                     --layer {arn}=FOLDER; pip install \"aws-lambda-powertools[all]\" -t layers/powertools/python"
                ),
                "template.yaml:5:182: a layer of Fn is not known here: X is a Y; --layer ARN=FOLDER needs its ARN".to_owned(),
            ]
        );
        assert_eq!(
            written.notes,
            [
                "template.yaml:5:108: the layer LambdaInsightsExtension has no effect here: it is left out"
            ]
        );
        let folder = project.path().join("layers/powertools");
        project.options.layers.insert(arn.to_owned(), folder);
        let written = write(
            &project,
            &format!("['{arn}:7']"),
            "Properties: {Content: .}",
        );
        assert!(
            written.text.contains("layers = [\"layers/powertools\"]\n"),
            "{}",
            written.text
        );
    }
}
