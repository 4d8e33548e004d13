//! How an image's program is run.

use std::path::PathBuf;

use crate::error::ImageError;
use crate::spec::RunConfig;

/// How an image's program is run, as its Dockerfile says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageConfig {
    /// `ENTRYPOINT`, to which the command is appended. A Dockerfile's shell form is `/bin/sh -c TEXT` here.
    pub entry_point: Vec<String>,
    /// `CMD`.
    pub command: Vec<String>,
    /// `ENV`, in the order of the Dockerfile.
    pub env: Vec<(String, String)>,
    /// `WORKDIR`, if there is one.
    pub working_directory: Option<PathBuf>,
    /// `USER`, if there is one. AWS Lambda ignores it.
    pub user: Option<String>,
}

impl ImageConfig {
    pub(crate) fn of(config: RunConfig) -> Result<Self, ImageError> {
        let env = config.env.unwrap_or_default();
        let env = env.into_iter().map(|variable| {
            let (name, value) = variable.split_once('=').unwrap_or((&variable, ""));
            (name.to_owned(), value.to_owned())
        });
        let config = Self {
            entry_point: config.entrypoint.unwrap_or_default(),
            command: config.cmd.unwrap_or_default(),
            env: env.filter(|(name, _)| !name.is_empty()).collect(),
            working_directory: config
                .working_dir
                .filter(|folder| !folder.is_empty())
                .map(PathBuf::from),
            user: config.user.filter(|user| !user.is_empty()),
        };
        // A null byte could not be passed to the program.
        let texts = config.entry_point.iter().chain(&config.command);
        let variables = config.env.iter().flat_map(|(name, value)| [name, value]);
        if texts.chain(variables).any(|text| text.contains('\0')) {
            return Err(ImageError::new(
                "its configuration has a null byte in ENTRYPOINT, CMD or ENV",
            ));
        }
        Ok(config)
    }
}
