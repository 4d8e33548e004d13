//! Functions from container images: `image` and `image-config`.
//!
//! An archive or a layout that is there is taken, and an image of a public registry by its name, which is downloaded when
//! the configuration is read. Everything else is refused with the commands that make an archive, whose place is fixed, so
//! that it is found then.

use std::path::{Path, PathBuf};

use crate::document::{Item, Table};
use crate::value::Value;

use super::source::quoted;
use super::subject::Function;

/// Writes the keys of a function from an image.
pub fn write(function: &Function<'_>, table: &mut Table) -> bool {
    let resource = function.resource;
    let uri = resource.properties.at(&["Code", "ImageUri"]);
    let uri = uri.and_then(Value::as_str);
    let folder = &resource.folder;
    let local = uri.map(|uri| folder.join(uri)).filter(|path| path.exists());
    let archive = archive(function);
    let image = match (local, archive.is_file(), uri) {
        (Some(path), ..) => function.shown(&path),
        (None, true, _) => function.shown(&archive),
        (None, false, Some(uri)) if is_public(uri) => uri.to_owned(),
        _ => {
            let command = command(function, uri, &archive);
            function.refuse(format!(
                "the image of {} is not there; make it with: {command}",
                function.shown_name()
            ));
            return false;
        }
    };
    table.set("image", image, function.place);
    table.set("watch", true, None);
    if let Some(config) = resource.get("ImageConfig") {
        for (property, key) in [("EntryPoint", "entry-point"), ("Command", "command")] {
            let Some(words) = config.get(property) else {
                continue;
            };
            let texts = words.items().iter().filter_map(Value::as_str);
            let texts: Vec<Item> = texts.map(Item::from).collect();
            if !texts.is_empty() {
                let written = table.table("image-config");
                written.set(key, Item::List(texts), words.place);
            }
        }
        if let Some(folder) = config.get("WorkingDirectory")
            && let Some(text) = folder.as_str()
        {
            let written = table.table("image-config");
            written.set("working-directory", text, folder.place);
        }
    }
    true
}

/// The archive that the commands make.
fn archive(function: &Function<'_>) -> PathBuf {
    let name = format!("{}.tar", function.resource.name);
    function.project().join(".lambkin/images").join(name)
}

/// Whether an image has the name of a registry that everybody can read: not of Docker on this machine, and not of ECR.
fn is_public(uri: &str) -> bool {
    let Some((host, _)) = uri.split_once('/') else {
        return false;
    };
    let is_host = host.contains('.') || host.contains(':');
    is_host && !(host.contains(".dkr.ecr.") || host.contains(".dkr-ecr."))
}

/// The commands that make the archive.
fn command(function: &Function<'_>, uri: Option<&str>, archive: &Path) -> String {
    let text = |key: &str| function.metadata(key).and_then(Value::as_str);
    let folder = &function.resource.folder;
    let to = quoted(&function.shown(archive));
    let save = |image: &str| format!("mkdir -p .lambkin/images && docker save {image} -o {to}");
    let name = function.resource.name.to_lowercase();
    let context = text("DockerContext").or_else(|| text("aws:asset:path"));
    let file = text("Dockerfile").or_else(|| text("aws:asset:dockerfile-path"));
    if context.is_none() && file.is_none() {
        let Some(uri) = uri else {
            return format!("docker build -t {name} . && {}", save(&name));
        };
        let uri = quoted(uri);
        return format!("docker pull {uri} && {}", save(&uri));
    }
    let context = folder.join(context.unwrap_or("."));
    let mut command = format!("docker build -t {name}");
    if let Some(file) = file {
        command += &format!(" -f {}", quoted(&function.shown(&context.join(file))));
    }
    let target = text("DockerBuildTarget").or_else(|| text("aws:asset:docker-build-target"));
    if let Some(target) = target {
        command += &format!(" --target {}", quoted(target));
    }
    let arguments = function
        .metadata("DockerBuildArgs")
        .or_else(|| function.metadata("aws:asset:docker-build-args"));
    for (key, value) in arguments.into_iter().flat_map(Value::members) {
        let value = value.as_text().unwrap_or_default();
        command += &format!(" --build-arg {}", quoted(&format!("{key}={value}")));
    }
    let context = quoted(&function.shown(&context));
    format!("{command} {context} && {}", save(&name))
}

#[cfg(test)]
mod tests {
    use crate::sections::testing::Project;

    fn function(code: &str, metadata: &str) -> String {
        format!(
            "Fn:\n  Type: AWS::Lambda::Function\n  Properties:\n    PackageType: Image\n    Handler: x\n    {code}\n    \
             ImageConfig: {{Command: [app.handler], WorkingDirectory: /srv}}\n  Metadata: {metadata}\n"
        )
    }

    #[test]
    fn an_archive_is_an_image() {
        let project = Project::new().file("image.tar", "");
        let written = project.write(&function("Code: {ImageUri: ./image.tar}", "{}"));
        assert!(
            written.text.starts_with(
                "[functions.Fn]\nimage = \"image.tar\"\nwatch = true\n\n[functions.Fn.image-config]\n\
                 command = [\"app.handler\"]\nworking-directory = \"/srv\"\n"
            ),
            "{}",
            written.text
        );
    }

    #[test]
    fn an_image_that_is_not_there_is_refused_with_the_commands() {
        let written = Project::new().write(&function(
            "Code: {ImageUri: 'fn:python-v1'}",
            "{Dockerfile: Dockerfile, DockerContext: ./hello world, DockerBuildArgs: {A: 1}}",
        ));
        assert_eq!(
            written.refusals,
            [
                "template.yaml:6:11: the image of Fn is not there; make it with: docker build -t fn -f 'hello \
                 world/Dockerfile' --build-arg A=1 'hello world' && mkdir -p .lambkin/images && docker save fn -o \
                 .lambkin/images/Fn.tar"
            ]
        );
        let made = Project::new().file(".lambkin/images/Fn.tar", "");
        let written = made.write(&function("Code: {}", "{DockerContext: x}"));
        assert!(
            written
                .text
                .contains("image = \".lambkin/images/Fn.tar\"\n"),
            "{}",
            written.text
        );
    }

    #[test]
    fn images_of_registries_are_named() {
        let project = Project::new();
        let written = project.write(&function("Code: {ImageUri: 'ghcr.io/a/b:1'}", "{}"));
        assert!(
            written.text.contains("image = \"ghcr.io/a/b:1\"\n"),
            "{}",
            written.text
        );
        let written = project.write(&function(
            "Code: {ImageUri: '1.dkr.ecr.us-east-1.amazonaws.com/b:1'}",
            "{}",
        ));
        assert_eq!(
            written.refusals,
            [
                "template.yaml:6:11: the image of Fn is not there; make it with: docker pull \
                 1.dkr.ecr.us-east-1.amazonaws.com/b:1 && mkdir -p .lambkin/images && docker save \
                 1.dkr.ecr.us-east-1.amazonaws.com/b:1 -o .lambkin/images/Fn.tar"
            ]
        );
    }
}
