//! The JSON documents of OCI images, and of Docker's, which differ in their media types only. The media types are not
//! looked at: builders disagree about them.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use crate::error::ImageError;
use crate::platform::Platform;

/// A reference to another document or to a layer.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Descriptor {
    pub(crate) digest: String,
    pub(crate) platform: Option<Platform>,
    #[serde(default)]
    pub(crate) annotations: Option<BTreeMap<String, String>>,
}

/// Go writes an empty list as `null`.
fn null_or<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A list of images, for several platforms or with several names.
#[derive(Debug, Deserialize)]
pub(crate) struct Index {
    #[serde(deserialize_with = "null_or")]
    pub(crate) manifests: Vec<Descriptor>,
}

/// What an image consists of.
#[derive(Debug, Deserialize)]
pub(crate) struct Manifest {
    pub(crate) config: Descriptor,
    #[serde(default, deserialize_with = "null_or")]
    pub(crate) layers: Vec<Descriptor>,
}

/// A document that is one or the other.
#[derive(Debug)]
pub(crate) enum IndexOrManifest {
    Index(Index),
    Manifest(Manifest),
}

impl IndexOrManifest {
    /// Reads either document; `what` names it in errors.
    pub(crate) fn parse(bytes: &[u8], what: &str) -> Result<Self, ImageError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Keys {
            manifests: Option<serde::de::IgnoredAny>,
            config: Option<serde::de::IgnoredAny>,
            fs_layers: Option<serde::de::IgnoredAny>,
        }
        let keys: Keys = parse(bytes, what)?;
        match (keys.manifests, keys.config, keys.fs_layers) {
            (Some(_), None, _) => Ok(Self::Index(parse(bytes, what)?)),
            (None, Some(_), _) => Ok(Self::Manifest(parse(bytes, what)?)),
            (Some(_), Some(_), _) => Err(ImageError::new(format!(
                "{what} has both `manifests` and `config`, so it is ambiguous"
            ))),
            (None, None, Some(_)) => Err(ImageError::new(format!(
                "{what} is of Docker's schema 1, which is obsolete; push the image again with a current Docker"
            ))),
            (None, None, None) => Err(ImageError::new(format!(
                "{what} is neither an index nor a manifest of an image"
            ))),
        }
    }
}

/// One image of an archive of `docker save`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SavedImage {
    pub(crate) config: String,
    #[serde(default)]
    pub(crate) repo_tags: Option<Vec<String>>,
    #[serde(default, deserialize_with = "null_or")]
    pub(crate) layers: Vec<String>,
}

/// The configuration of an image.
#[derive(Debug, Deserialize)]
pub(crate) struct Config {
    #[serde(flatten)]
    pub(crate) platform: Platform,
    #[serde(default)]
    pub(crate) config: Option<RunConfig>,
    pub(crate) rootfs: Option<RootFs>,
}

/// How the image's program is run.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct RunConfig {
    pub(crate) entrypoint: Option<Vec<String>>,
    pub(crate) cmd: Option<Vec<String>>,
    pub(crate) env: Option<Vec<String>>,
    pub(crate) working_dir: Option<String>,
    pub(crate) user: Option<String>,
}

/// The digests of the layers without compression.
#[derive(Debug, Deserialize)]
pub(crate) struct RootFs {
    #[serde(default, deserialize_with = "null_or")]
    pub(crate) diff_ids: Vec<String>,
}

/// Reads a document; `what` names it in errors.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8], what: &str) -> Result<T, ImageError> {
    serde_json::from_slice(bytes)
        .map_err(|error| ImageError::new(format!("{what} is not valid: {error}")))
}
