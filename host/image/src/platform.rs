//! The operating system and the processor architecture that an image is for, in the names of OCI.

use std::fmt;

use serde::Deserialize;

use crate::error::ImageError;

/// What an image, or one of the images of an index, is for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Platform {
    #[serde(default)]
    pub(crate) os: String,
    #[serde(default)]
    pub(crate) architecture: String,
    #[serde(default)]
    pub(crate) variant: Option<String>,
}

impl Platform {
    /// What this machine runs: Linux on its own architecture.
    pub(crate) fn here() -> Self {
        let architecture = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            "x86" => "386",
            "powerpc64" => "ppc64le",
            other => other,
        };
        Self {
            os: "linux".to_owned(),
            architecture: architecture.to_owned(),
            variant: None,
        }
    }

    /// Whether an image for this platform runs on `here`. A newer variant of an architecture may not, but is what the
    /// image's author says runs there.
    pub(crate) fn runs_on(&self, here: &Self) -> bool {
        self.os == here.os && self.architecture == here.architecture
    }

    /// The error for an image that is for other platforms only.
    pub(crate) fn refusal(here: &Self, found: &[String]) -> ImageError {
        let found = if found.is_empty() {
            "it does not say for which platform it is".to_owned()
        } else {
            format!("it is for {}", found.join(", "))
        };
        ImageError::new(format!(
            "{found}, and this machine runs {here} only; build or copy it for this machine: `docker build --platform \
             {here} …`, `docker pull --platform {here} …` or `skopeo copy --override-os {} --override-arch {} …`",
            here.os, here.architecture
        ))
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        if let Some(variant) = self.variant.as_deref().filter(|it| !it.is_empty()) {
            write!(f, "/{variant}")?;
        }
        Ok(())
    }
}
