//! A machine with a project, and a home folder beside it: folders laid out as version managers do, whose interpreters
//! are scripts that print a version.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use lambkin_runtimes::{
    BundleChoice, BundleOptions, ClientChoice, Machine, Prepared, Request, Runtime, prepare,
};

pub struct Made {
    pub folder: tempfile::TempDir,
    pub variables: BTreeMap<String, String>,
    /// Whether the project's programs run in a sandbox only.
    pub is_sandboxed: bool,
    /// Whether a configuration file defines the function.
    pub is_configured: bool,
}

impl Made {
    /// `PATH` has the folders `shims` and `bin` only.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("project/code")).unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        let path = format!("{}:{}", at("home/.pyenv/shims"), at("bin"));
        let variables = [("HOME", at("home")), ("PATH", path)];
        let variables = variables.map(|(key, value)| (key.to_owned(), value));
        Self {
            folder,
            variables: variables.into(),
            is_sandboxed: false,
            is_configured: true,
        }
    }

    pub fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn set(&mut self, variable: &str, place: &str) {
        let value = self.at(place).display().to_string();
        self.variables.insert(variable.to_owned(), value);
    }

    pub fn write(&self, name: &str, text: &str) {
        let file = self.at(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    /// A file of the project.
    pub fn says(&self, name: &str, text: &str) {
        self.write(&format!("project/{name}"), text);
    }

    /// An interpreter that prints this.
    pub fn install(&self, name: &str, prints: &str) {
        self.write(name, &format!("#!/bin/sh\necho '{prints}'\n"));
        fs::set_permissions(self.at(name), fs::Permissions::from_mode(0o755)).unwrap();
    }

    pub fn prepared(
        &self,
        runtime: &Runtime,
        interpreter: Option<&str>,
    ) -> Result<Prepared, String> {
        let project = self.at("project");
        let mut machine = Machine::new(self.variables.clone(), self.at("cache"));
        if self.is_sandboxed {
            machine = machine.avoiding(&[&project]);
        }
        prepare(&Request {
            is_configured: self.is_configured,
            runtime,
            handler: "app.handler",
            code: &project.join("code"),
            file: None,
            project: &project,
            interpreter: interpreter.map(Path::new),
            client: ClientChoice::Auto,
            checks_version: true,
            sdk: None,
            layers: &[],
            memory_mb: 128,
            node_options: "",
            has_python_path: false,
            bundle: (BundleChoice::Auto, &BundleOptions::default()),
            debug: None,
            machine: &machine,
        })
    }

    pub fn shortened(&self, text: &str) -> String {
        text.replace(&format!("{}/", self.folder.path().display()), "")
    }

    /// The interpreter for a runtime; `python` and so on stand for any version. Notes follow on lines of their own.
    #[track_caller]
    pub fn found(&self, runtime: &str) -> String {
        let prepared = self.prepared(&parse(runtime), None);
        let prepared = prepared.unwrap_or_else(|error| panic!("{error}"));
        let lines = [vec![prepared.interpreter], prepared.notes].concat();
        self.shortened(&lines.join("\n"))
    }

    #[track_caller]
    pub fn error(&self, runtime: &str, interpreter: Option<&str>) -> String {
        self.shortened(&self.prepared(&parse(runtime), interpreter).unwrap_err())
    }
}

pub fn parse(runtime: &str) -> Runtime {
    Runtime::parse(runtime).unwrap_or_else(|| {
        let known = lambkin_runtimes::runtime_names().find(|name| name.starts_with(runtime));
        Runtime::any(Runtime::parse(known.unwrap()).unwrap().language)
    })
}
