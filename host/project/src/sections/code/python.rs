//! Python: the source, with the packages that a build has installed, if nothing else has them.
//!
//! A package of requirements.txt is missing if the code imports it, and neither the code's folder nor a `.venv` or `venv`
//! there or above has it. Packages that the code does not import do not matter.

use std::collections::BTreeSet;
use std::path::Path;

use crate::document::Table;

use super::artefact;
use super::source::{quoted, text, texts, up_to};
use super::subject::{Function, set};

/// Distributions whose modules have other names.
const MODULES: [(&str, &str); 18] = [
    ("attrs", "attr"),
    ("beautifulsoup4", "bs4"),
    ("opencv_python", "cv2"),
    ("opencv_python_headless", "cv2"),
    ("pillow", "PIL"),
    ("protobuf", "google"),
    ("psycopg2_binary", "psycopg2"),
    ("pycryptodome", "Crypto"),
    ("pyjwt", "jwt"),
    ("pymysql", "pymysql"),
    ("python_dateutil", "dateutil"),
    ("python_dotenv", "dotenv"),
    ("python_jose", "jose"),
    ("pyyaml", "yaml"),
    ("scikit_learn", "sklearn"),
    ("mysql_connector_python", "mysql"),
    ("langchain_community", "langchain_community"),
    ("faiss_cpu", "faiss"),
];

/// Packages that AWS's runtimes have. The log says how to install them if they are missing.
const OF_RUNTIME: [&str; 2] = ["boto3", "botocore"];

/// Writes the keys of Python code.
pub fn write(function: &Function<'_>, folder: &Path, table: &mut Table) -> bool {
    set(function, table, root(function, folder));
    let missing = function.seen.missing(folder, || missing(function, folder));
    let Some(first) = missing.first() else {
        return true;
    };
    let requirements = function.shown(&folder.join("requirements.txt"));
    if let Some(built) = artefact::of(function) {
        // The source stays the code, so that changes of it count; the build has the packages.
        let packages = function.shown(&built);
        table.set("sdk", packages.as_str(), function.place);
        let file = folder.join("requirements.txt");
        let age = match artefact::time(&file) > artefact::time(&built) {
            true => format!("; {requirements} is newer: install them again with: sam build"),
            false => String::new(),
        };
        function.note(format!(
            "{} runs from {}, with the packages in {packages}{age}",
            function.shown_name(),
            function.shown(folder)
        ));
        return true;
    }
    let environments = ["VIRTUAL_ENV", "CONDA_PREFIX"];
    let shell = &function.context.options.shell_variables;
    if environments.into_iter().any(|name| shell.contains(name)) {
        // The shell's environment is the interpreter's, and may have them.
        return true;
    }
    let python = match function.runtime.strip_prefix("python") {
        Some(version) if !version.is_empty() => format!("python{version}"),
        _ => "python3".to_owned(),
    };
    function.note(format!(
        "{} imports {first}, which is not installed in its folder or a .venv; {requirements} has it: {python} -m venv \
         .venv && .venv/bin/pip install -r {}",
        function.shown_name(),
        quoted(&requirements)
    ));
    true
}

/// The folder that the handler's module starts from. With `ParentPackageMode`, a build puts the packages around the code
/// into the archive, and the handler starts from the outermost.
fn root<'p>(function: &Function<'_>, folder: &'p Path) -> &'p Path {
    let mode = ["BuildProperties", "ParentPackageMode"];
    let module = function.handler.rsplit_once('.').map(|(module, _)| module);
    let (Some(_), Some(module)) = (function.resource.metadata.at(&mode), module) else {
        return folder;
    };
    let file = format!("{}.py", module.replace('.', "/"));
    let mut folders = folder.ancestors().take(8);
    folders
        .find(|folder| folder.join(&file).is_file())
        .unwrap_or(folder)
}

/// The packages that the code imports and nothing has.
fn missing(function: &Function<'_>, folder: &Path) -> Vec<String> {
    let Some(requirements) = text(&folder.join("requirements.txt")) else {
        return Vec::new();
    };
    let required: Vec<&str> = requirements.lines().filter_map(name).collect();
    if required.is_empty() {
        return Vec::new();
    }
    let installed = installed(function, folder);
    let imported = imported(folder);
    let is_missing = |name: &&str| {
        let distribution = normal(name);
        let other = MODULES.iter().find(|(name, _)| *name == distribution);
        let module = other.map_or(distribution.as_str(), |(_, module)| module);
        imported.contains(module)
            && !OF_RUNTIME.contains(&module)
            && !installed.contains(&normal(module))
            && !installed.contains(&distribution)
    };
    let missing = required.into_iter().filter(is_missing);
    missing.map(str::to_owned).collect()
}

/// The name of the distribution that a line of requirements.txt is about.
fn name(line: &str) -> Option<&str> {
    let line = line.trim();
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    let end = line.find(|letter| !is_name(letter)).unwrap_or(line.len());
    let name = line.get(..end)?;
    let starts = name.starts_with(|first: char| first.is_ascii_alphanumeric());
    (starts && !line.contains("://")).then_some(name)
}

fn normal(name: &str) -> String {
    name.to_lowercase().replace(['-', '.'], "_")
}

/// The modules and distributions in the code's folder, and in the virtual environments beside and above it.
fn installed(function: &Function<'_>, folder: &Path) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut add = |folder: &Path| {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        for entry in entries.take(10_000) {
            let name = entry.file_name().to_string_lossy().into_owned();
            let name = match name.strip_suffix(".dist-info") {
                Some(name) => name.split('-').next().unwrap_or_default(),
                None => name.split('.').next().unwrap_or_default(),
            };
            names.insert(normal(name));
        }
    };
    add(folder);
    for above in up_to(folder, function.project()) {
        for environment in [".venv", "venv"] {
            let lib = above.join(environment).join("lib");
            let versions = std::fs::read_dir(lib).into_iter().flatten().flatten();
            for version in versions.take(100) {
                add(&version.path().join("site-packages"));
            }
        }
    }
    names
}

/// The modules that the files of the code import.
fn imported(folder: &Path) -> BTreeSet<String> {
    let mut modules = BTreeSet::new();
    for text in texts(folder, &["py"]) {
        for line in text.lines() {
            let line = line.trim_start();
            let names = match line.strip_prefix("from ") {
                Some(rest) => rest.split(' ').next(),
                None => line.strip_prefix("import "),
            };
            for name in names.into_iter().flat_map(|names| names.split(',')) {
                let name = name.trim().split([' ', '.', ';']).next();
                modules.extend(name.map(str::to_owned));
            }
        }
    }
    modules
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sections::testing::Project;

    const FN: &str = "Fn:\n  Type: AWS::Lambda::Function\n  Properties: {Code: src, Runtime: python3.13, Handler: \
                      app.handler}\n";

    fn project() -> Project {
        Project::new()
            .file(
                "src/requirements.txt",
                "# web\nPyYAML>=6\nrequests[socks]==2\nunused\n-r other.txt\nboto3\n",
            )
            .file(
                "src/app.py",
                "import os, requests.sessions\nfrom yaml import load\nimport boto3\n",
            )
    }

    #[test]
    fn packages_that_are_missing_are_noted_with_the_command() {
        let written = project().write(FN);
        assert!(
            written.text.contains("code = \"src\"\nwatch = true\n"),
            "{}",
            written.text
        );
        assert_eq!(
            written.notes,
            [
                "template.yaml:3:22: Fn imports PyYAML, which is not installed in its folder or a .venv; \
                 src/requirements.txt has it: python3.13 -m venv .venv && .venv/bin/pip install -r src/requirements.txt"
            ]
        );
    }

    #[test]
    fn packages_of_a_build_or_an_environment_are_used() {
        let built = project().file(".aws-sam/build/Fn/requests/__init__.py", "");
        let written = built.write(FN);
        assert!(
            written
                .text
                .contains("code = \"src\"\nwatch = true\nsdk = \".aws-sam/build/Fn\"\n"),
            "{}",
            written.text
        );
        let mut active = project();
        active.options.shell_variables = ["VIRTUAL_ENV".to_owned()].into();
        assert_eq!(active.write(FN).notes, [""; 0]);
        let environment = project()
            .file(
                ".venv/lib/python3.13/site-packages/requests/__init__.py",
                "",
            )
            .file(
                ".venv/lib/python3.13/site-packages/PyYAML-6.0.dist-info/RECORD",
                "",
            );
        let written = environment.write(FN);
        assert_eq!(written.notes, [""; 0]);
        assert!(!written.text.contains("sdk"), "{}", written.text);
    }

    #[test]
    fn packages_that_nothing_imports_do_not_matter() {
        let project = Project::new()
            .file("src/requirements.txt", "requests\n")
            .file("src/app.py", "import json\n\n# import requests\n");
        assert_eq!(project.write(FN).notes, [""; 0]);
    }

    #[test]
    fn a_handler_may_start_from_a_package_around_the_code() {
        let project = Project::new().file("shop/orders/app.py", "");
        let written = project.write(
            "Fn:\n  Type: AWS::Lambda::Function\n  Properties: {Code: shop/orders, Runtime: python3.13, Handler: \
             shop.orders.app.handler}\n  Metadata: {BuildProperties: {ParentPackageMode: auto}}\n",
        );
        assert!(written.text.contains("code = \".\"\n"), "{}", written.text);
    }

    #[test]
    fn names_of_requirements() {
        for (line, expected) in [
            ("requests==2.0 # x", Some("requests")),
            ("  zope.interface", Some("zope.interface")),
            ("# requests", None),
            ("-r other.txt", None),
            ("https://example.com/x.whl", None),
            ("", None),
        ] {
            assert_eq!(name(line), expected, "{line}");
        }
    }
}
