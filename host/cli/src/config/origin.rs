//! What a function is made of, so that it can be read again when it has changed.

use std::collections::BTreeMap;
use std::path::PathBuf;

use lambkin_lambda::limits::VARIABLES_BYTES;
use lambkin_lambda::{Code, FunctionSpec};

use super::env_file;

/// Where a function's code and variables come from.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The path of its code.
    pub code: PathBuf,
    /// The folders of its layers.
    pub layers: Vec<PathBuf>,
    /// Where archives are unpacked.
    pub unpack_to: PathBuf,
    /// Its variables' sources.
    pub variables: VariableSources,
    /// Whether it restarts when it changes; `serve` may be told otherwise.
    pub watch: bool,
    /// Patterns of files whose change means nothing.
    pub ignore: Vec<String>,
    /// Whether it is told where the services are.
    pub service_endpoints: bool,
}

/// Where a function's variables come from; the later wins.
#[derive(Debug, Clone, Default)]
pub struct VariableSources {
    /// `env-file`
    pub files: Vec<PathBuf>,
    /// `pass-environment`: names of the host's variables.
    pub passed: Vec<String>,
    /// `environment`
    pub own: BTreeMap<String, String>,
}

impl Origin {
    /// That of a function of which nothing has been read yet.
    pub fn new(unpack_to: PathBuf) -> Self {
        Self {
            code: PathBuf::new(),
            layers: Vec::new(),
            unpack_to,
            variables: VariableSources::default(),
            watch: false,
            ignore: Vec::new(),
            service_endpoints: true,
        }
    }

    /// Everything whose change is one of the function.
    pub fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        std::iter::once(&self.code)
            .chain(&self.layers)
            .chain(&self.variables.files)
    }

    /// Reads code and variables again; environments that start from now on have them. On failure nothing changes.
    pub fn renew(&self, spec: &FunctionSpec) -> Result<(), String> {
        let (variables, mistakes) = self.variables.read();
        if !mistakes.is_empty() {
            return Err(mistakes.join("\n"));
        }
        check_size(&variables)?;
        // A .zip is unpacked by this; of a folder there is nothing to keep.
        Code::open(&self.code, &self.unpack_to).map_err(|error| error.to_string())?;
        spec.variables.replace(variables);
        Ok(())
    }
}

impl VariableSources {
    /// The variables, and what is wrong with the files.
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
        (variables, mistakes)
    }
}

/// Lambda counts keys and values.
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
