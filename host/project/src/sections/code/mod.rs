//! Where the code of a function is, and in which form it is served.
//!
//! Contract: code that an interpreter runs as it is, is served from its source, so that the next call has what has just
//! been saved. Code that has to be built is served from what the project's build has made, and the report tells if the
//! source is newer. TypeScript is bundled by the key `bundle`. Nothing is built or downloaded here: if there is nothing to
//! serve, the function is refused with the command that makes it. Code that a template contains as text is written to
//! `.lambkin/inline`.

mod artefact;
mod bootstrap;
mod folder;
mod image;
mod inline;
mod node;
mod python;
mod source;
mod subject;

use std::path::{Path, PathBuf};

use crate::context::Context;
use crate::document::Table;
use crate::resource::Resource;
use crate::sections::item::known_text;
use crate::value::{Kind, Value};

pub use source::quoted;
pub use subject::Seen;
use subject::{Function, set};

/// Writes the keys of a function's code. Returns whether there is any; if not, it has been refused. Code that the
/// `lambkin.toml` above names is not looked for.
pub fn write(context: &Context, resource: &Resource, seen: &Seen, table: &mut Table) -> bool {
    let is_overlaid = |key| context.is_overlaid(&["functions", &resource.name, key]);
    if is_overlaid("code") || is_overlaid("image") {
        return true;
    }
    let text = |key| {
        let value = resource.get(key).and_then(Value::as_text);
        value.unwrap_or_default().into_owned()
    };
    let code = resource.get("Code");
    let function = Function {
        context,
        resource,
        seen,
        place: code.map_or(resource.place, |code| code.place),
        runtime: text("Runtime"),
        handler: text("Handler"),
    };
    let is_image =
        text("PackageType") == "Image" || code.is_some_and(|code| code.get("ImageUri").is_some());
    if is_image {
        return image::write(&function, table);
    }
    if let Some(text) = code.and_then(|code| code.get("ZipFile")) {
        return inline::write(&function, text, table);
    }
    match path(&function, code) {
        Some(path) if path.is_dir() => folder::write(&function, &path, table),
        Some(path) => file(&function, &path, table),
        None => false,
    }
}

/// The path of the code.
fn path(function: &Function<'_>, code: Option<&Value>) -> Option<PathBuf> {
    let folder = &function.resource.folder;
    // What CDK has written: relative to the template, or with `--no-staging` the absolute path of the source.
    let asset = function
        .metadata("aws:asset:property")
        .is_none_or(|property| property.as_str() == Some("Code"))
        .then(|| function.metadata("aws:asset:path")?.as_str())
        .flatten();
    if let Some(asset) = asset {
        return Some(folder.join(asset));
    }
    let what = format!("the code of {}", function.shown_name());
    let Some(code) = code else {
        return Some(folder.clone());
    };
    match &code.kind {
        Kind::Map(_) => {
            let of = |key| code.get(key).and_then(Value::as_str);
            let message = match (of("S3Bucket"), of("S3Key")) {
                (Some(bucket), Some(key)) => in_bucket(function, &format!("s3://{bucket}/{key}")),
                _ => format!(
                    "{what} is not on this machine: set `code` of [functions.{}] in a lambkin.toml that extends this file",
                    function.resource.name
                ),
            };
            function.refuse(message);
            None
        }
        _ => {
            let path = known_text(function.context, code, &what)?;
            if path.starts_with("s3://") {
                function.refuse(in_bucket(function, &path));
                return None;
            }
            Some(folder.join(path))
        }
    }
}

/// Why code in a bucket is refused.
fn in_bucket(function: &Function<'_>, url: &str) -> String {
    format!(
        "the code of {} is in {url}: download it and set `code` of [functions.{}] in a lambkin.toml that extends this file",
        function.shown_name(),
        function.resource.name
    )
}

/// Code that is one file, or not there.
fn file(function: &Function<'_>, path: &Path, table: &mut Table) -> bool {
    if path.is_file() {
        set(function, table, path);
        return true;
    }
    if let Some(built) = artefact::of(function) {
        function.note(format!(
            "{} does not exist: {} runs from {}",
            function.shown(path),
            function.shown_name(),
            function.shown(&built)
        ));
        set(function, table, &built);
        return true;
    }
    let hint = match (similar(path), maker(function, path)) {
        (_, Some(command)) => format!("; make it with: {command}"),
        (Some(near), None) => format!("; did you mean {}?", function.shown(&near)),
        (None, None) => "; build the project, or correct the path".to_owned(),
    };
    let kind = match path.exists() {
        true => "is neither a file nor a folder",
        false => "does not exist",
    };
    function.refuse(format!(
        "the code of {}, {}, {kind}{hint}",
        function.shown_name(),
        function.shown(path)
    ));
    false
}

/// Something beside a path that does not exist, with a similar name.
fn similar(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    let folder = path.parent()?;
    let entries = std::fs::read_dir(folder).ok()?.take(1000).flatten();
    let names: Vec<String> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|other| other != name)
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let near = plugin_kit::nearest::nearest(name, &names)?;
    Some(folder.join(near))
}

/// The command that makes what is missing: the build of the nearest project around it.
fn maker(function: &Function<'_>, path: &Path) -> Option<String> {
    let folders = path.ancestors().skip(1).take(8);
    for folder in folders.filter(|folder| folder.is_dir()) {
        let has = |name: &str| folder.join(name).is_file();
        let command = if has("package.json") {
            let package = source::json(&folder.join("package.json"))?;
            let scripts = package.get("scripts")?;
            let script = ["build", "package", "compile"]
                .into_iter()
                .find(|script| scripts.get(script).is_some())?;
            format!("npm run {script}")
        } else if has("pom.xml") {
            "mvn package".to_owned()
        } else if has("gradlew") {
            "./gradlew build".to_owned()
        } else if has("build.gradle") || has("build.gradle.kts") {
            "gradle build".to_owned()
        } else if has("Makefile") {
            "make".to_owned()
        } else if has("build.sbt") {
            "sbt assembly".to_owned()
        } else if has("build.sh") {
            "./build.sh".to_owned()
        } else if source::up_to(folder, function.project()).count() > 1 {
            continue;
        } else {
            return None;
        };
        return Some(source::in_folder(function, folder, &command));
    }
    None
}

#[cfg(test)]
mod tests {
    use crate::sections::testing::Project;

    fn function(properties: &str) -> String {
        format!("Fn:\n  Type: AWS::Lambda::Function\n  Properties:\n    {properties}\n")
    }

    #[test]
    fn code_that_is_not_here_is_refused_with_a_way_out() {
        for (code, message) in [
            (
                "Code: {S3Bucket: b, S3Key: k.zip}",
                "4:11: the code of Fn is in s3://b/k.zip: download it and set `code` of [functions.Fn] in a lambkin.toml \
                 that extends this file",
            ),
            (
                "Code: s3://b/k.zip",
                "4:11: the code of Fn is in s3://b/k.zip: download it and set `code` of [functions.Fn] in a lambkin.toml \
                 that extends this file",
            ),
            (
                "Code: dotnet/bin/x.zip",
                "4:11: the code of Fn, dotnet/bin/x.zip, does not exist; make it with: (cd dotnet && ./build.sh)",
            ),
            (
                "Code: scala/target/x.jar",
                "4:11: the code of Fn, scala/target/x.jar, does not exist; make it with: (cd scala && sbt assembly)",
            ),
            (
                "Code: !Unknown X is a Y",
                "4:11: the code of Fn is not known here: X is a Y",
            ),
            (
                "Code: ./helo_world/",
                "4:11: the code of Fn, helo_world, does not exist; did you mean hello_world?",
            ),
            (
                "Code: web/dist",
                "4:11: the code of Fn, web/dist, does not exist; make it with: (cd web && npm run build)",
            ),
            (
                "Code: java/target/x.jar",
                "4:11: the code of Fn, java/target/x.jar, does not exist; make it with: (cd java && mvn package)",
            ),
            (
                "Code: elsewhere/entirely",
                "4:11: the code of Fn, elsewhere/entirely, does not exist; build the project, or correct the path",
            ),
            (
                "Code: [1]",
                "4:11: the code of Fn has to be a text, not a list",
            ),
        ] {
            let project = Project::new()
                .file("hello_world/app.py", "")
                .file("java/pom.xml", "")
                .file("dotnet/build.sh", "")
                .file("scala/build.sbt", "")
                .file("web/package.json", "{\"scripts\": {\"build\": \"tsc\"}}");
            let written = project.write(&function(code));
            assert_eq!(
                written.refusals,
                [format!("template.yaml:{message}")],
                "{code}"
            );
            assert_eq!(written.text, "", "{code}");
        }
    }

    #[test]
    fn archives_are_code() {
        let project = Project::new().file("build/code.zip", "");
        let written = project.write(&function("Code: build/code.zip\n    Handler: app.handler"));
        assert!(
            written
                .text
                .starts_with("[functions.Fn]\ncode = \"build/code.zip\"\nwatch = true\n"),
            "{}",
            written.text
        );
    }

    #[test]
    fn code_that_a_configuration_above_names_is_not_needed() {
        let mut project = Project::new();
        let resources = function(
            "Code: {S3Bucket: b, S3Key: k}\n    Timeout: 7\n    Layers: ['arn:aws:lambda:us-east-1:1:layer:x:1']\n    \
             DeadLetterConfig: {TargetArn: 'arn:aws:sns:us-east-1:1:x'}",
        );
        assert_eq!(project.write(&resources).refusals.len(), 1);
        project.overlay(
            "functions.Fn = {code = 'x', layers = [], asynchronous.dead-letter = 'queue:d'}",
        );
        let written = project.write(&resources);
        assert_eq!(written.refusals, [""; 0]);
        assert!(
            written.text.starts_with("[functions.Fn]\ntimeout = 7\n"),
            "{}",
            written.text
        );
    }

    #[test]
    fn what_is_no_file_is_not_opened() {
        // Reading from a FIFO would wait for somebody who writes to it.
        let project = Project::new().file("src/app.py", "import requests\n");
        for fifo in [
            "code",
            "src/requirements.txt",
            "src/package.json",
            "src/bootstrap",
            "env.json",
        ] {
            let path = project.path().join(fifo);
            let made = std::process::Command::new("mkfifo").arg(path).status();
            assert!(made.unwrap().success());
        }
        let refused = project.write(&function("Code: code")).refusals;
        assert_eq!(
            refused,
            [
                "template.yaml:4:11: the code of Fn, code, is neither a file nor a folder; build the project, or correct \
                 the path"
            ]
        );
        for runtime in ["python3.13", "nodejs22.x", "provided.al2023"] {
            let properties = format!("Code: src\n    Runtime: {runtime}\n    Handler: app.handler");
            project.write(&function(&properties));
        }
        let mut project = project;
        project.options.environment_file = Some(project.path().join("env.json"));
        let refused = project.write(&function("Code: src")).refusals;
        assert!(refused.join("").contains("cannot read"), "{refused:?}");
    }

    #[test]
    fn assets_of_cdk_are_code() {
        let project = Project::new().file("asset.1/index.js", "exports.handler = 1");
        let written = project.write(
            "Fn:\n  Type: AWS::Lambda::Function\n  Properties:\n    Code: {S3Bucket: b, S3Key: 1.zip}\n    Runtime: \
             nodejs22.x\n    Handler: index.handler\n  Metadata:\n    aws:asset:path: asset.1\n    aws:asset:property: Code\n",
        );
        assert!(
            written
                .text
                .starts_with("[functions.Fn]\ncode = \"asset.1\"\n"),
            "{}",
            written.text
        );
    }

    #[test]
    fn code_that_only_a_build_has_made_is_used() {
        let project = Project::new().file(".aws-sam/build/Fn/app.py", "");
        let written = project.write(&function(
            "Code: src\n    Runtime: python3.13\n    Handler: app.handler",
        ));
        assert!(
            written.text.contains("code = \".aws-sam/build/Fn\"\n"),
            "{}",
            written.text
        );
        assert_eq!(
            written.notes,
            ["template.yaml:4:11: src does not exist: Fn runs from .aws-sam/build/Fn"]
        );
    }
}
