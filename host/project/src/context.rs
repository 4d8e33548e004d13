//! What all parts of a translation share: the files, the user's options, and the report.

use std::cell::{Ref, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::ProjectError;
use crate::document::Document;
use crate::file::{FileId, Files};
use crate::report::Report;
use crate::value::Value;
use crate::yaml;

/// What a user says besides the project's files.
#[derive(Debug, Clone)]
pub struct Options {
    /// The project's folder, in which lambkin.toml would be: relative paths in it start from there. Empty, it is the
    /// current folder.
    pub folder: PathBuf,
    /// Values of a template's parameters, and of the exports of other stacks: `--parameter NAME=VALUE`.
    pub parameters: BTreeMap<String, String>,
    /// Values that a template's parameters without a default had when its stack was deployed, as samconfig.toml has them.
    pub deployed_parameters: BTreeMap<String, String>,
    /// Folders for layers that the project names by ARN: `--layer ARN=FOLDER`.
    pub layers: BTreeMap<String, PathBuf>,
    /// The file of `sam local --env-vars`.
    pub environment_file: Option<PathBuf>,
    /// The names of the shell's variables, whose values functions get for the variables that a template has, as with
    /// `sam local`. Empty, the shell's variables do not count.
    pub shell_variables: BTreeSet<String>,
    /// The environment of samconfig.toml, `default` unless named.
    pub config_environment: String,
    /// The stage of a serverless.yml: `--stage`.
    pub stage: Option<String>,
    /// The stacks of a CDK assembly; all of them if empty.
    pub stacks: Vec<String>,
    /// The region, in ARNs and for `AWS::Region`. If there is none, it is the project's.
    pub region: Option<String>,
    /// The account id.
    pub account: String,
    /// Whose ports are used.
    pub ports: Ports,
    /// The `lambkin.toml` that will be laid over the result, of which the places do not matter: what it says itself needs
    /// not be found in the project.
    pub overlay: Option<Document>,
}

/// The tool whose usual ports are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ports {
    /// APIs from 3000, the Invoke API at 9001.
    #[default]
    Lambkin,
    /// The Invoke API at 3001, as `sam local start-lambda`.
    Sam,
    /// WebSocket APIs at 3001, the Invoke API at 3002, as serverless-offline.
    Offline,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            folder: PathBuf::new(),
            parameters: BTreeMap::new(),
            deployed_parameters: BTreeMap::new(),
            layers: BTreeMap::new(),
            environment_file: None,
            shell_variables: BTreeSet::new(),
            config_environment: "default".to_owned(),
            stage: None,
            stacks: Vec::new(),
            region: None,
            account: "123456789012".to_owned(),
            ports: Ports::default(),
            overlay: None,
        }
    }
}

/// What all parts of a translation share.
#[derive(Debug, Default)]
pub struct Context {
    files: RefCell<Files>,
    /// The user's options.
    pub options: Options,
    /// Notes and refusals.
    pub report: Report,
}

impl Context {
    /// A context without files.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self {
            options,
            ..Self::default()
        }
    }

    /// Whether the `lambkin.toml` that will be laid over the result has a key.
    #[must_use]
    pub fn is_overlaid(&self, path: &[&str]) -> bool {
        let Some(overlay) = &self.options.overlay else {
            return false;
        };
        let Some((last, tables)) = path.split_last() else {
            return false;
        };
        let table = tables
            .iter()
            .try_fold(&overlay.root, |table, key| table.get(key)?.as_table());
        table.is_some_and(|table| table.get(last).is_some())
    }

    /// Reads a YAML or JSON file of at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// [`ProjectError::File`] and [`ProjectError::At`].
    pub fn load(&self, path: &Path, limit: u64) -> Result<Value, ProjectError> {
        let file = self.files.borrow_mut().read(path, limit)?;
        self.load_file(file)
    }

    /// Reads a text that stands for a file.
    ///
    /// # Errors
    ///
    /// [`ProjectError::At`].
    pub fn load_text(&self, path: &Path, text: &str) -> Result<Value, ProjectError> {
        let file = self.files.borrow_mut().add(path, text.to_owned());
        self.load_file(file)
    }

    fn load_file(&self, file: FileId) -> Result<Value, ProjectError> {
        let loaded = yaml::load(&self.files.borrow(), file)
            .map_err(|error| self.error(error.place, &error.message))?;
        for (place, name) in loaded.repeated {
            self.report.note(
                place,
                format!("the key {name} occurs twice; the last value counts"),
            );
        }
        Ok(loaded.value)
    }

    /// The files that have been read.
    pub fn files(&self) -> Ref<'_, Files> {
        self.files.borrow()
    }

    /// The files, to add to them.
    pub fn with_files<T>(&self, with: impl FnOnce(&mut Files) -> T) -> T {
        with(&mut self.files.borrow_mut())
    }

    /// A mistake at a place, because of which nothing can be made of the project.
    #[must_use]
    pub fn error(&self, place: crate::file::Place, message: &str) -> ProjectError {
        ProjectError::At(self.files.borrow().explained(place, message).to_string())
    }

    /// The context without what is borrowed from it.
    #[must_use]
    pub fn into_parts(self) -> (Files, Report) {
        (self.files.into_inner(), self.report)
    }
}
