//! The paths and variables that a function is made from, so that it can be read again when they change.

use std::collections::BTreeMap;
use std::path::PathBuf;

use lambkin_lambda::limits::{UNPACKED_BYTES, VARIABLES_BYTES};
use lambkin_lambda::{Code, Entry, FunctionSpec, open_layer};
use lambkin_runtimes::Bundler;

use super::env_file;
use super::image::ImageInputs;
use super::managed::{self, RuntimeSettings};
use super::sandbox::SandboxChoice;
use super::url_variables::UrlVariables;

/// The paths that the code, the layers and the variables of a function come from.
#[derive(Debug, Clone)]
pub struct FunctionInputs {
    /// The path of the code; empty if the code is an image's.
    pub code: PathBuf,
    /// The container image that is the function.
    pub image: Option<ImageInputs>,
    /// The folders and archives of the layers.
    pub layers: Vec<PathBuf>,
    /// The folder into which archives are unpacked.
    pub unpack_to: PathBuf,
    /// The maximum size of each unpacked archive in bytes.
    pub unpacked_limit: u64,
    /// How the managed runtime is chosen.
    pub runtime: RuntimeSettings,
    /// What makes the code, if it is bundled.
    pub bundler: Option<Bundler>,
    /// How the processes are kept apart, if the function says it.
    pub sandbox: Option<SandboxChoice>,
    /// The sources of the variables.
    pub variables: VariableSources,
    /// The variables whose values have URLs of this configuration in them.
    pub url_variables: UrlVariables,
    /// Whether a change restarts the function; options of `lambkin serve` override it.
    pub watch: bool,
    /// Patterns of files whose changes are ignored.
    pub ignore: Vec<String>,
    /// Whether the function receives the addresses of the services.
    pub service_endpoints: bool,
}

/// What reading a function again has brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Renewed {
    /// The function is to be started anew.
    Changed,
    /// Nothing that the function is made from has changed.
    Same,
    /// The code cannot be made, for this reason: calls fail with it.
    Failing(String),
}

/// The sources of a function's variables. Later fields override earlier ones.
#[derive(Debug, Clone, Default)]
pub struct VariableSources {
    /// `env-file`
    pub files: Vec<PathBuf>,
    /// `pass-environment`: names of the host's variables.
    pub passed: Vec<String>,
    /// `environment`
    pub own: BTreeMap<String, String>,
    /// `url-variables`, with the URLs; none before the listeners are bound.
    pub urls: BTreeMap<String, String>,
}

impl FunctionInputs {
    /// The inputs of a function of which nothing has been read yet.
    pub fn new(unpack_to: PathBuf) -> Self {
        Self {
            code: PathBuf::new(),
            image: None,
            layers: Vec::new(),
            unpack_to,
            unpacked_limit: UNPACKED_BYTES,
            runtime: RuntimeSettings::default(),
            bundler: None,
            sandbox: None,
            variables: VariableSources::default(),
            url_variables: UrlVariables::new(),
            watch: false,
            ignore: Vec::new(),
            service_endpoints: true,
        }
    }

    /// All paths whose change is a change of the function.
    pub fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        let of_image = self.image.as_ref().and_then(ImageInputs::path);
        let code = std::iter::once(&self.code).filter(|_| self.image.is_none());
        code.chain(of_image)
            .chain(&self.layers)
            .chain(&self.variables.files)
    }

    /// Reads the code and the variables again, for environments that start from now on. On failure nothing changes, and
    /// the text says why.
    pub fn renew(&self, spec: &FunctionSpec) -> Result<Renewed, String> {
        let (variables, mistakes) = self.variables.read();
        if !mistakes.is_empty() {
            return Err(mistakes.join("\n"));
        }
        check_size(&variables)?;
        if let Some(image) = &self.image {
            image.open_for(spec).map_err(|mistake| mistake.message)?;
            spec.variables.replace(variables);
            return Ok(Renewed::Changed);
        }
        // This unpacks archives; folders need nothing.
        Code::open(&self.code, &self.unpack_to, self.unpacked_limit)
            .map_err(|error| error.to_string())?;
        for layer in &self.layers {
            open_layer(layer, &self.unpack_to, self.unpacked_limit)
                .map_err(|error| error.to_string())?;
        }
        let is_same = spec.variables.get() == variables && self.layers.is_empty();
        spec.variables.replace(variables);
        let (Some(bundler), Entry::Managed(managed)) = (&self.bundler, &spec.code.entry) else {
            return Ok(Renewed::Changed);
        };
        let Some(made_from) = &managed.made_from else {
            return Ok(Renewed::Changed);
        };
        let had_problem = made_from.problem().is_some();
        Ok(match managed::make(bundler, made_from) {
            Ok(made) if made.is_new || had_problem || !is_same => Renewed::Changed,
            Ok(_) => Renewed::Same,
            Err(problem) => Renewed::Failing(problem),
        })
    }
}

impl VariableSources {
    /// The variables, and the mistakes in the files.
    pub fn read(&self) -> (BTreeMap<String, String>, Vec<String>) {
        let (mut variables, mut mistakes) = (BTreeMap::new(), Vec::new());
        for file in &self.files {
            env_file::read(file, &mut variables, &mut mistakes);
        }
        for name in &self.passed {
            if let Ok(value) = std::env::var(name) {
                variables.insert(name.clone(), value);
            }
        }
        variables.extend(self.own.clone());
        variables.extend(self.urls.clone());
        (variables, mistakes)
    }
}

/// Checks the total size of names and values against Lambda's limit.
pub fn check_size(variables: &BTreeMap<String, String>) -> Result<(), String> {
    let bytes: usize = variables
        .iter()
        .map(|(key, value)| key.len() + value.len())
        .sum();
    if bytes > VARIABLES_BYTES {
        return Err(format!(
            "the variables are {bytes} bytes, more than Lambda's limit of {VARIABLES_BYTES}"
        ));
    }
    Ok(())
}
