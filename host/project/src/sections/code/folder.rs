//! Code in a folder: whether it runs as it is, and what is served if not.

use std::path::{Path, PathBuf};

use crate::document::Table;
use crate::value::Value;

use super::artefact::{built, refuse};
use super::source::{in_folder, quoted};
use super::subject::{Function, set};
use super::{artefact, bootstrap, node, python};

/// What runs the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Language {
    Python,
    Node,
    Ruby,
    Java,
    Dotnet,
    /// Compiled to a `bootstrap`, or a `bootstrap` itself.
    Bootstrap,
    /// Unknown: `lambkin check` finds out.
    Any,
}

/// Writes the keys of code in a folder.
pub fn write(function: &Function<'_>, folder: &Path, table: &mut Table) -> bool {
    if function.metadata("SkipBuild").and_then(Value::as_bool) == Some(true) {
        set(function, table, folder);
        return true;
    }
    match language(function) {
        _ if function.build_method() == Some("makefile") => makefile(function, folder, table),
        Language::Python => python::write(function, folder, table),
        Language::Node => node::write(function, folder, table),
        Language::Ruby => ruby(function, folder, table),
        Language::Java => java(function, folder, table),
        Language::Dotnet => dotnet(function, folder, table),
        Language::Bootstrap => bootstrap::write(function, folder, table),
        Language::Any => {
            set(function, table, folder);
            true
        }
    }
}

fn language(function: &Function<'_>) -> Language {
    let method = function.build_method().unwrap_or_default();
    let of = |name: &str| {
        let prefixes = [
            ("python", Language::Python),
            ("nodejs", Language::Node),
            ("esbuild", Language::Node),
            ("ruby", Language::Ruby),
            ("java", Language::Java),
            ("dotnet", Language::Dotnet),
            ("go", Language::Bootstrap),
            ("rust", Language::Bootstrap),
            ("provided", Language::Bootstrap),
        ];
        let found = prefixes
            .into_iter()
            .find(|(prefix, _)| name.starts_with(prefix));
        found.map(|(_, language)| language)
    };
    of(method)
        .or_else(|| of(&function.runtime))
        .unwrap_or(Language::Any)
}

/// `make build-ID`
fn makefile(function: &Function<'_>, folder: &Path, table: &mut Table) -> bool {
    let made = artefact::folder(function);
    let to = quoted(&function.shown(&made));
    let id = &function.resource.id;
    let command = format!(
        "mkdir -p {to} && make -C {} build-{} ARTIFACTS_DIR=\"$PWD\"/{to}",
        quoted(&function.shown(folder)),
        quoted(id)
    );
    if made.is_dir() {
        return built(function, folder, &made, &command, table);
    }
    let is_source = match language(function) {
        Language::Bootstrap | Language::Any => folder.join("bootstrap").is_file(),
        Language::Python => has_handler(function, folder, &["py"]),
        Language::Node => has_handler(function, folder, &["js", "mjs", "cjs"]),
        Language::Ruby => has_handler(function, folder, &["rb"]),
        Language::Java | Language::Dotnet => false,
    };
    if is_source {
        set(function, table, folder);
        return true;
    }
    refuse(function, folder, &command)
}

/// Whether the file of the handler's module is there.
fn has_handler(function: &Function<'_>, folder: &Path, endings: &[&str]) -> bool {
    let Some((module, _)) = function.handler.rsplit_once('.') else {
        return false;
    };
    let module = match endings {
        ["py"] => module.replace('.', "/"),
        _ => module.to_owned(),
    };
    let mut endings = endings.iter();
    endings.any(|ending| folder.join(format!("{module}.{ending}")).is_file())
}

fn ruby(function: &Function<'_>, folder: &Path, table: &mut Table) -> bool {
    set(function, table, folder);
    let gems = super::source::text(&folder.join("Gemfile")).unwrap_or_default();
    let name = |line: &str| {
        let rest = line.trim_start().strip_prefix("gem ")?.trim_start();
        let quote = rest.chars().next().filter(|first| "'\"".contains(*first))?;
        Some(rest.get(1..)?.split(quote).next()?.to_owned())
    };
    let texts = super::source::texts(folder, &["rb"]);
    let is_used = |gem: &String| {
        let file = gem.replace('-', "/");
        let mut texts = texts.iter().flat_map(|text| text.lines());
        texts.any(|line| {
            let line = line.trim_start();
            line.starts_with("require")
                && (line.contains(&format!("{gem}'"))
                    || line.contains(&format!("{gem}\""))
                    || line.contains(&format!("{file}'"))
                    || line.contains(&format!("{file}\"")))
        })
    };
    let used: Vec<String> = gems.lines().filter_map(name).filter(is_used).collect();
    if used.is_empty() || folder.join("vendor/bundle").is_dir() {
        return true;
    }
    let command = in_folder(
        function,
        folder,
        "bundle config set --local path vendor/bundle && bundle install",
    );
    if let Some(made) = artefact::of(function) {
        return built(function, folder, &made, &command, table);
    }
    function.note(format!(
        "{} needs the gems {}; install them in the code with: {command}",
        function.shown_name(),
        used.join(", ")
    ));
    true
}

fn java(function: &Function<'_>, folder: &Path, table: &mut Table) -> bool {
    let has = |path: &str| folder.join(path).exists();
    let is_gradle = ["build.gradle", "build.gradle.kts", "gradlew"]
        .into_iter()
        .any(has);
    let at = quoted(&function.shown(folder));
    let command = match (is_gradle, has("gradlew")) {
        (true, true) => in_folder(function, folder, "./gradlew build"),
        (true, false) => format!("gradle -p {at} build"),
        (false, _) => format!(
            "mvn -f {at}/pom.xml package dependency:copy-dependencies -DincludeScope=runtime"
        ),
    };
    // Lambkin finds classes and jars there.
    let places = [
        "target/classes",
        "build/classes/java/main",
        "build/classes/kotlin/main",
        "lib",
    ];
    let classes = places.into_iter().map(|place| folder.join(place));
    let classes = classes
        .filter(|place| place.is_dir())
        .max_by_key(|place| artefact::time(place));
    let archive = newest_file(&folder.join("build/distributions"), "zip");
    let made = artefact::of(function);
    let age = |path: &Option<PathBuf>| path.as_deref().and_then(artefact::time);
    if is_gradle && archive.is_some() && age(&archive) >= age(&made) {
        return built(
            function,
            folder,
            &archive.unwrap_or_default(),
            &command,
            table,
        );
    }
    match (classes, made) {
        (classes, Some(made)) if age(&classes) <= artefact::time(&made) => {
            built(function, folder, &made, &command, table)
        }
        (Some(classes), _) => {
            set(function, table, folder);
            artefact::tell_age(function, folder, &classes, &command);
            true
        }
        (None, _) if has_jars(folder) || has("pom.xml") || is_gradle => {
            if has_jars(folder) {
                set(function, table, folder);
                return true;
            }
            refuse(function, folder, &command)
        }
        // A source file, or classes.
        (None, _) => {
            set(function, table, folder);
            true
        }
    }
}

fn has_jars(folder: &Path) -> bool {
    newest_file(folder, "jar").is_some()
}

/// The newest file of a folder with an ending.
fn newest_file(folder: &Path, ending: &str) -> Option<PathBuf> {
    let entries = std::fs::read_dir(folder).ok()?.take(1000).flatten();
    let files = entries.map(|entry| entry.path());
    files
        .filter(|file| file.extension().is_some_and(|other| other == ending) && file.is_file())
        .max_by_key(|file| artefact::time(file))
}

fn dotnet(function: &Function<'_>, folder: &Path, table: &mut Table) -> bool {
    if let Some((assembly, _)) = function.handler.split_once("::") {
        function.refuse(format!(
            "the handler of {}, {:?}, is a method of a class library, which is not supported: make it a program with \
             Amazon.Lambda.RuntimeSupport whose handler is {assembly:?}",
            function.shown_name(),
            function.handler
        ));
        return false;
    }
    let command = format!(
        "dotnet publish {} -c Release",
        quoted(&function.shown(folder))
    );
    let assembly = format!("{}.dll", function.handler);
    if folder.join(&assembly).is_file() {
        set(function, table, folder);
        return true;
    }
    let framework = function.runtime.replace("dotnet", "net");
    let framework = match framework.contains('.') {
        true => framework,
        false => format!("{framework}.0"),
    };
    let published = ["Release", "Debug"].into_iter().flat_map(|configuration| {
        let base = folder.join("bin").join(configuration).join(&framework);
        ["linux-x64/publish", "linux-arm64/publish", "publish"].map(|rest| base.join(rest))
    });
    let made = published
        .chain(artefact::of(function))
        .filter(|made| made.join(&assembly).is_file())
        .max_by_key(|made| artefact::time(&made.join(&assembly)));
    match made {
        Some(made) => built(function, folder, &made, &command, table),
        None => refuse(function, folder, &command),
    }
}

#[cfg(test)]
mod tests {
    use crate::sections::testing::{Project, Written};

    fn write(project: &Project, properties: &str, metadata: &str) -> Written {
        project.write(&format!(
            "Fn:\n  Type: AWS::Lambda::Function\n  Properties: {{Code: src, {properties}}}\n  Metadata: {{{metadata}}}\n"
        ))
    }

    #[test]
    fn a_makefile_is_run_by_the_user() {
        let project = Project::new().file("src/Makefile", "build-Fn:");
        let written = write(
            &project,
            "Runtime: provided.al2023, Handler: bootstrap",
            "BuildMethod: makefile",
        );
        assert_eq!(
            written.refusals,
            [
                "template.yaml:3:22: the code of Fn, src, has to be built: mkdir -p .aws-sam/build/Fn && make -C src \
                 build-Fn ARTIFACTS_DIR=\"$PWD\"/.aws-sam/build/Fn"
            ]
        );
        let project = project.file(".aws-sam/build/Fn/bootstrap", "");
        let written = write(
            &project,
            "Runtime: provided.al2023, Handler: bootstrap",
            "BuildMethod: makefile",
        );
        assert!(
            written
                .text
                .contains("code = \".aws-sam/build/Fn\"\nwatch = true\n"),
            "{}",
            written.text
        );
        // Code of an interpreter does not need it, if it is there.
        let project = Project::new().file("src/app.py", "");
        let written = write(
            &project,
            "Runtime: python3.13, Handler: app.handler",
            "BuildMethod: makefile",
        );
        assert!(
            written.text.contains("code = \"src\"\n"),
            "{}",
            written.text
        );
    }

    #[test]
    fn code_that_is_not_to_be_built_is_served_as_it_is() {
        let project = Project::new().file("src/App.csproj", "");
        let written = write(
            &project,
            "Runtime: dotnet8, Handler: App",
            "SkipBuild: true",
        );
        assert!(
            written.text.contains("code = \"src\"\n"),
            "{}",
            written.text
        );
    }

    #[test]
    fn java_is_served_from_what_a_build_has_made() {
        let settings = "Runtime: java21, Handler: 'a.B::c'";
        let project = Project::new().file("src/pom.xml", "");
        let written = write(&project, settings, "");
        assert_eq!(
            written.refusals,
            [
                "template.yaml:3:22: the code of Fn, src, has to be built: mvn -f src/pom.xml package \
                 dependency:copy-dependencies -DincludeScope=runtime"
            ]
        );
        let project = project.file("src/target/classes/a/B.class", "");
        let written = write(&project, settings, "");
        assert!(
            written.text.contains("code = \"src\"\n"),
            "{}",
            written.text
        );
        assert_eq!(written.refusals, [""; 0]);
        let project = Project::new()
            .file("src/build.gradle", "")
            .file("src/build/distributions/src.zip", "");
        let written = write(&project, settings, "");
        assert!(
            written
                .text
                .contains("code = \"src/build/distributions/src.zip\"\n"),
            "{}",
            written.text
        );
    }

    #[test]
    fn dotnet_is_served_from_what_is_published() {
        let project = Project::new().file("src/App.csproj", "");
        let written = write(&project, "Runtime: dotnet8, Handler: App", "");
        assert_eq!(
            written.refusals,
            [
                "template.yaml:3:22: the code of Fn, src, has to be built: dotnet publish src -c Release"
            ]
        );
        let project = project.file("src/bin/Release/net8.0/publish/App.dll", "");
        let written = write(&project, "Runtime: dotnet8, Handler: App", "");
        assert!(
            written
                .text
                .contains("code = \"src/bin/Release/net8.0/publish\"\n"),
            "{}",
            written.text
        );
        let written = write(&project, "Runtime: dotnet8, Handler: 'App::App.F::H'", "");
        assert!(
            written
                .refusals
                .join("")
                .contains("is a method of a class library"),
            "{:?}",
            written.refusals
        );
    }

    #[test]
    fn gems_that_are_missing_are_noted() {
        let project = Project::new()
            .file(
                "src/Gemfile",
                "source 'https://rubygems.org'\ngem 'httparty', '~> 1'\ngem \"unused\"\n",
            )
            .file("src/app.rb", "require 'httparty'\n");
        let written = write(&project, "Runtime: ruby3.4, Handler: app.handler", "");
        assert_eq!(
            written.notes,
            [
                "template.yaml:3:22: Fn needs the gems httparty; install them in the code with: (cd src && bundle config \
                 set --local path vendor/bundle && bundle install)"
            ]
        );
        let project = project.file("src/vendor/bundle/x", "");
        let written = write(&project, "Runtime: ruby3.4, Handler: app.handler", "");
        assert_eq!(written.notes, [""; 0]);
    }
}
