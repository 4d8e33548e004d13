//! What every form of image comes to: a configuration, and layers that can be read.

use std::io::Read;

use crate::config::ImageConfig;
use crate::digest::Digest;
use crate::error::ImageError;
use crate::platform::Platform;
use crate::spec;

/// An image of which everything but the layers' content has been read.
pub(crate) struct Resolved {
    /// The digest of the configuration, which is the image's id. The configuration has the digests of the layers'
    /// content, so it identifies all of the image.
    pub(crate) id: Digest,
    /// The configuration as it was found.
    pub(crate) document: Vec<u8>,
    pub(crate) config: ImageConfig,
    /// The lowest first.
    pub(crate) layers: Vec<Layer>,
}

/// A layer of an image.
#[derive(Debug)]
pub(crate) struct Layer {
    /// Where the layer is: the name of a file, or a digest at a registry.
    pub(crate) place: String,
    /// The digest of the layer as it is stored, where that is known.
    pub(crate) stored: Option<Digest>,
    /// The digest of the layer's tar archive without compression.
    pub(crate) content: Digest,
}

/// Opens layers.
pub(crate) trait Layers {
    /// A reader of a layer as it is stored. Its digest is compared by the caller.
    fn open(&self, layer: &Layer) -> Result<Box<dyn Read + '_>, ImageError>;
}

impl Resolved {
    /// Reads an image's configuration. The layers are their places, and their digests as they are stored.
    pub(crate) fn new(
        document: Vec<u8>,
        layers: Vec<(String, Option<Digest>)>,
        here: &Platform,
    ) -> Result<Self, ImageError> {
        let config: spec::Config = spec::parse(&document, "its configuration")?;
        let Some(root_fs) = config.rootfs else {
            return Err(ImageError::new(
                "its configuration has no `rootfs`, so it is no container image but another kind of artifact",
            ));
        };
        if !config.platform.runs_on(here) {
            let found = [config.platform]
                .into_iter()
                .filter(|platform| !platform.os.is_empty() || !platform.architecture.is_empty())
                .map(|platform| platform.to_string());
            return Err(Platform::refusal(here, &found.collect::<Vec<_>>()));
        }
        if root_fs.diff_ids.len() != layers.len() {
            return Err(ImageError::new(format!(
                "it has {} layers, and its configuration has the digests of {}",
                layers.len(),
                root_fs.diff_ids.len()
            )));
        }
        let layers = layers.into_iter().zip(&root_fs.diff_ids);
        let layers = layers.map(|((place, stored), content)| {
            Ok(Layer {
                place,
                stored,
                content: Digest::parse(content)?,
            })
        });
        Ok(Self {
            id: Digest::of(&document),
            config: ImageConfig::of(config.config.unwrap_or_default())?,
            layers: layers.collect::<Result<_, ImageError>>()?,
            document,
        })
    }
}
