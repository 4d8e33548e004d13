//! Node.js: JavaScript from its source, TypeScript through the project's esbuild.

use std::path::{Path, PathBuf};

use crate::document::{Item, Table};
use crate::value::Value;

use super::artefact;
use super::artefact::built;
use super::source::{in_folder, json, texts, up_to};
use super::subject::{Function, set};

/// Endings of files that Node.js runs.
const SCRIPTS: [&str; 3] = ["js", "mjs", "cjs"];
/// Endings of files that are bundled.
const TYPED: [&str; 4] = ["ts", "mts", "cts", "tsx"];

/// `BuildProperties` that are keys of `bundle`, or do not matter here: for development, code is not minified, and there is a
/// source map.
const OWN: [&str; 10] = [
    "EntryPoints",
    "External",
    "Format",
    "Loader",
    "Minify",
    "OutExtension",
    "Sourcemap",
    "SourceMap",
    "Target",
    "SourcesContent",
];

/// Writes the keys of code for Node.js.
pub fn write(function: &Function<'_>, folder: &Path, table: &mut Table) -> bool {
    let is_bundled = function.build_method() == Some("esbuild");
    let entry = match is_bundled {
        true => entry_point(function, folder),
        false => None,
    };
    let handler = entry.unwrap_or_else(|| function.handler.clone());
    let is_there = |endings: &[&str]| {
        let module = handler.rsplit_once('.').map(|(module, _)| module);
        let mut files = endings.iter().filter_map(|ending| {
            let module = module?.trim_start_matches('/');
            Some(folder.join(format!("{module}.{ending}")))
        });
        files.any(|file| file.is_file())
    };
    let is_typed = !is_there(&SCRIPTS) && is_there(&TYPED);
    if !is_typed && !is_bundled {
        return plain(function, folder, is_there(&SCRIPTS), table);
    }
    let has_esbuild = up_to_root(folder).any(|above| above.join("node_modules/esbuild").is_dir());
    let install = in_folder(
        function,
        &package_folder(function, folder),
        "npm install --save-dev esbuild",
    );
    if !has_esbuild {
        if let Some(made) = artefact::of(function) {
            return built(function, folder, &made, "sam build", table);
        }
        if is_typed {
            // Without a place, so that it is told once for all functions of a package.
            function.context.report.note(
                None,
                format!(
                    "functions are in TypeScript, and the project has no esbuild: Node.js from 22.6 on strips the types of \
                     single files; with esbuild the code is bundled: {install}"
                ),
            );
        }
    }
    set(function, table, folder);
    if handler != function.handler {
        table.set("handler", handler, function.place);
    }
    let settings = bundle(function);
    match (settings.is_empty(), is_typed) {
        _ if !has_esbuild => {}
        (false, _) => table.set("bundle", settings, function.place),
        (true, false) => table.set("bundle", true, function.place),
        // TypeScript is bundled without being told so.
        (true, true) => {}
    }
    true
}

/// Code that Node.js runs as it is.
fn plain(function: &Function<'_>, folder: &Path, is_there: bool, table: &mut Table) -> bool {
    set(function, table, folder);
    let package = package_folder(function, folder);
    if !is_there && !function.handler.is_empty() {
        return not_there(function, folder, &package, table);
    }
    let missing = function
        .seen
        .missing(folder, || missing(folder, &package).into_iter().collect());
    let Some(first) = missing.first() else {
        return true;
    };
    let command = in_folder(function, &package, "npm install");
    if let Some(made) = artefact::of(function) {
        return built(function, folder, &made, &command, table);
    }
    function.note(format!(
        "{} imports {first}, which is in no node_modules: {command}",
        function.shown_name()
    ));
    true
}

/// A handler whose file is missing: most likely a build makes it.
fn not_there(function: &Function<'_>, folder: &Path, package: &Path, table: &mut Table) -> bool {
    let script = json(&package.join("package.json"));
    let has_build = script.is_some_and(|package| {
        package
            .get("scripts")
            .is_some_and(|scripts| scripts.get("build").is_some())
    });
    if let Some(made) = artefact::of(function) {
        return built(function, folder, &made, "sam build", table);
    }
    let made_by_tools = [
        ".esbuild/.build",
        ".build",
        ".serverless/build",
        ".webpack/service",
    ];
    let made = made_by_tools.into_iter().map(|made| folder.join(made));
    let module = function
        .handler
        .rsplit_once('.')
        .map_or("", |(module, _)| module);
    let has = |made: &PathBuf| {
        let mut endings = SCRIPTS.iter();
        endings.any(|ending| made.join(format!("{module}.{ending}")).is_file())
    };
    if let Some(made) = made.into_iter().find(has) {
        return built(function, folder, &made, "npm run build", table);
    }
    if has_build {
        function.refuse(format!(
            "the handler of {}, {:?}, has no file in {}: build it with: {}",
            function.shown_name(),
            function.handler,
            function.shown(folder),
            in_folder(function, package, "npm run build")
        ));
        return false;
    }
    // `lambkin check` tells which handlers there are.
    true
}

/// The nearest folder with a package.json, at or above the code.
fn package_folder(function: &Function<'_>, folder: &Path) -> PathBuf {
    let mut folders = up_to(folder, function.project());
    let found = folders.find(|folder| folder.join("package.json").is_file());
    found.unwrap_or(folder).to_owned()
}

/// All folders above, as Node.js looks for packages.
fn up_to_root(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let above: Vec<PathBuf> = absolute.ancestors().take(64).map(Path::to_owned).collect();
    above.into_iter()
}

/// The first package that the code imports and no `node_modules` has.
fn missing(folder: &Path, package: &Path) -> Option<String> {
    let json = json(&package.join("package.json"))?;
    let dependencies = json.get("dependencies")?.as_object()?;
    let is_installed =
        |name: &str| up_to_root(folder).any(|above| above.join("node_modules").join(name).exists());
    let absent: Vec<&String> = dependencies
        .keys()
        .filter(|name| !is_installed(name))
        // AWS's runtimes have the SDK. The log says how to install it.
        .filter(|name| !name.starts_with("@aws-sdk/") && *name != "aws-sdk")
        .collect();
    if absent.is_empty() {
        return None;
    }
    let texts = texts(folder, &["js", "mjs", "cjs", "jsx"]);
    let is_imported = |name: &&&String| {
        let forms = [
            format!("'{name}'"),
            format!("\"{name}\""),
            format!("'{name}/"),
            format!("\"{name}/"),
        ];
        let lines = texts.iter().flat_map(|text| text.lines());
        lines
            .filter(|line| !is_comment(line))
            .any(|line| forms.iter().any(|form| line.contains(form)))
    };
    absent.iter().find(is_imported).map(|name| (**name).clone())
}

fn is_comment(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("//") || line.starts_with('*') || line.starts_with("/*")
}

/// The handler in the source that the handler in the bundle is made of: of the entry points, that whose output is the
/// module. esbuild leaves out the folders that all entry points have in common.
fn entry_point(function: &Function<'_>, folder: &Path) -> Option<String> {
    let (module, name) = function.handler.rsplit_once('.')?;
    let points = function
        .resource
        .metadata
        .at(&["BuildProperties", "EntryPoints"])?;
    let points: Vec<&Path> = points
        .items()
        .iter()
        .filter_map(|point| Some(Path::new(point.as_str()?)))
        .collect();
    let parents = points.iter().filter_map(|point| point.parent());
    let common = parents.map(Path::to_owned).reduce(|one, other| {
        let mut pairs = one.components().zip(other.components());
        std::iter::from_fn(|| pairs.next().filter(|(one, other)| one == other))
            .map(|(one, _)| one)
            .collect()
    })?;
    let source = points.into_iter().map(|point| point.with_extension(""));
    let mut source = source.filter(|point| {
        let made = point.strip_prefix(&common).unwrap_or(point);
        made == Path::new(module) || point == Path::new(module)
    });
    let found = source.next()?;
    let found = crate::sections::path::normal(&found);
    let is_there = SCRIPTS
        .iter()
        .chain(&TYPED)
        .any(|ending| folder.join(&found).with_extension(ending).is_file());
    is_there.then(|| format!("{}.{name}", found.to_string_lossy()))
}

/// `BuildProperties` as `bundle`.
fn bundle(function: &Function<'_>) -> Table {
    let mut table = Table::default();
    let Some(properties) = function.metadata("BuildProperties") else {
        return table;
    };
    let texts = |value: &Value| -> Vec<String> {
        let items = value.items().iter();
        items
            .filter_map(|item| Some(item.as_text()?.into_owned()))
            .collect()
    };
    if let Some(external) = properties.get("External") {
        table.set("external", texts(external), external.place);
    }
    if let Some(target) = properties.get("Target") {
        table.set("target", texts(target).join(","), target.place);
    }
    if let Some(format) = properties.get("Format")
        && let Some(text) = format.as_str().filter(|text| ["cjs", "esm"].contains(text))
    {
        table.set("format", text, format.place);
    }
    for loader in properties.get("Loader").map_or(&[][..], Value::items) {
        let pair = loader.as_str().and_then(|text| text.split_once('='));
        let members = loader.members();
        let pairs = members.filter_map(|(key, value)| Some((key, value.as_str()?)));
        for (ending, name) in pair.into_iter().chain(pairs) {
            table.table("loader").set(ending, name, loader.place);
        }
    }
    let others = properties.members().filter(|(key, _)| !OWN.contains(key));
    let arguments: Vec<String> = others
        .flat_map(|(key, value)| arguments(&kebab(key), value))
        .collect();
    if !arguments.is_empty() {
        let arguments = arguments.into_iter().map(Item::from).collect();
        table.set("arguments", Item::List(arguments), properties.place);
    }
    table
}

/// A property as arguments of esbuild: `--key`, `--key=value`, `--key:a=b`.
fn arguments(key: &str, value: &Value) -> Vec<String> {
    if let Some(items) = value.as_list() {
        let items = items.iter().filter_map(Value::as_text);
        return match key {
            // These are one list with commas.
            "main-fields" | "conditions" | "resolve-extensions" => {
                let items: Vec<_> = items.collect();
                vec![format!("--{key}={}", items.join(","))]
            }
            _ => items.map(|item| format!("--{key}:{item}")).collect(),
        };
    }
    if value.as_map().is_some() {
        let members = value.members();
        return members
            .filter_map(|(name, value)| Some(format!("--{key}:{name}={}", value.as_text()?)))
            .collect();
    }
    match value.as_text().as_deref() {
        Some("true") => vec![format!("--{key}")],
        Some("false") | None => Vec::new(),
        Some(text) => vec![format!("--{key}={text}")],
    }
}

fn kebab(key: &str) -> String {
    crate::sections::name::kebab(key)
}

#[cfg(test)]
mod tests {
    use crate::sections::testing::{Project, Written};

    fn write(project: &Project, handler: &str, metadata: &str) -> Written {
        project.write(&format!(
            "Fn:\n  Type: AWS::Lambda::Function\n  Properties: {{Code: src, Runtime: nodejs22.x, Handler: {handler}}}\n  \
             Metadata: {metadata}\n"
        ))
    }

    #[test]
    fn javascript_runs_from_its_source() {
        let project = Project::new()
            .file("src/package.json", "{\"dependencies\": {\"axios\": \"1\", \"@aws-sdk/client-s3\": \"3\"}}")
            .file("src/app.mjs", "// import axios from 'axios'\nimport '@aws-sdk/client-s3'\nexport const handler = 1\n");
        let written = write(&project, "app.handler", "{}");
        assert!(
            written
                .text
                .contains("code = \"src\"\nwatch = true\nhandler"),
            "{}",
            written.text
        );
        assert_eq!(written.notes, [""; 0]);
        let project = project.file("src/util.js", "const a = require('axios/x')\n");
        let written = write(&project, "app.handler", "{}");
        assert_eq!(
            written.notes,
            [
                "template.yaml:3:22: Fn imports axios, which is in no node_modules: (cd src && npm install)"
            ]
        );
        let project = project.file("node_modules/axios/package.json", "{}");
        assert_eq!(write(&project, "app.handler", "{}").notes, [""; 0]);
    }

    #[test]
    fn what_a_build_has_made_is_served_if_packages_are_missing() {
        let project = Project::new()
            .file("src/package.json", "{\"dependencies\": {\"axios\": \"1\"}}")
            .file("src/app.js", "require(\"axios\")\n")
            .file(".aws-sam/build/Fn/app.js", "");
        let written = write(&project, "app.handler", "{}");
        assert!(
            written.text.contains("code = \".aws-sam/build/Fn\"\n"),
            "{}",
            written.text
        );
        assert_eq!(
            written.notes,
            ["template.yaml:3:22: Fn runs from .aws-sam/build/Fn, which a build has made"]
        );
    }

    #[test]
    fn typescript_is_bundled() {
        let project = Project::new()
            .file("src/lib/app.ts", "export const handler = 1\n")
            .file("src/package.json", "{}");
        let metadata = "{BuildMethod: esbuild, BuildProperties: {Minify: true, Sourcemap: true, EntryPoints: \
                        [lib/app.ts], External: [sharp], Target: es2022, Format: esm, MainFields: [module, main], \
                        KeepNames: true, Loader: [.html=text], Define: {A: 1}, Banner: ['js=//x']}}";
        let written = write(&project, "app.handler", metadata);
        assert_eq!(
            written.notes,
            [
                "functions are in TypeScript, and the project has no esbuild: Node.js from 22.6 on strips the \
                 types of single files; with esbuild the code is bundled: (cd src && npm install --save-dev esbuild)"
            ]
        );
        assert!(!written.text.contains("bundle"), "{}", written.text);
        let project = project.file("node_modules/esbuild/package.json", "{}");
        let written = write(&project, "app.handler", metadata);
        assert_eq!(written.notes, [""; 0]);
        assert!(
            written.text.contains("handler = \"lib/app.handler\"\n"),
            "{}",
            written.text
        );
        assert!(
            written.text.contains(
                "[functions.Fn.bundle]\nexternal = [\"sharp\"]\ntarget = \"es2022\"\nformat = \"esm\"\n\
                 arguments = [\"--main-fields=module,main\", \"--keep-names\", \"--define:A=1\", \"--banner:js=//x\"]\n\n\
                 [functions.Fn.bundle.loader]\n\".html\" = \"text\"\n"
            ),
            "{}",
            written.text
        );
        // Without settings, it is bundled without being told so.
        let written = write(&project, "lib/app.handler", "{}");
        assert!(!written.text.contains("bundle"), "{}", written.text);
    }

    #[test]
    fn javascript_is_bundled_where_the_project_says_so() {
        let project = Project::new()
            .file("src/app.js", "exports.handler = 1\n")
            .file("src/node_modules/esbuild/package.json", "{}");
        let written = write(&project, "app.handler", "{BuildMethod: esbuild}");
        assert!(written.text.contains("bundle = true\n"), "{}", written.text);
    }

    #[test]
    fn a_handler_that_a_build_makes_is_refused_with_the_command() {
        let project = Project::new()
            .file("src/app.ts", "")
            .file("src/package.json", "{\"scripts\": {\"build\": \"tsc\"}}");
        let written = write(&project, "dist/app.handler", "{}");
        assert_eq!(
            written.refusals,
            [
                "template.yaml:3:22: the handler of Fn, \"dist/app.handler\", has no file in src: build it with: (cd src \
                 && npm run build)"
            ]
        );
        let project = project.file("src/.build/dist/app.js", "");
        let written = write(&project, "dist/app.handler", "{}");
        assert!(
            written.text.contains("code = \"src/.build\"\n"),
            "{}",
            written.text
        );
    }
}
