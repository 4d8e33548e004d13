//! Archives of `docker save`: `manifest.json`, with the configuration and the layers of each image.
//!
//! Newer ones are OCI layouts as well; those are read from `manifest.json`, too, which knows the images' names.

use std::collections::BTreeSet;

use crate::error::ImageError;
use crate::files::Files;
use crate::layout;
use crate::limits;
use crate::platform::Platform;
use crate::resolved::Resolved;
use crate::spec::{self, SavedImage};

/// Reads everything but the layers' content.
pub(crate) fn resolve(
    files: &Files,
    tag: Option<&str>,
    here: &Platform,
) -> Result<Resolved, ImageError> {
    let Some(bytes) = files.read("manifest.json", limits::MANIFEST_BYTES)? else {
        if files.has("index.json") {
            return layout::resolve(files, tag, here);
        }
        let exported = ["etc", "usr", "bin", "lib"]
            .iter()
            .any(|name| files.has_below(name));
        return Err(ImageError::new(if exported {
            "it has the files of a root file system but no configuration, as archives of `docker export` do; use \
             `docker save NAME -o FILE` instead"
        } else {
            "it has neither manifest.json nor index.json, so it is no image; `docker save NAME -o FILE` makes one"
        }));
    };
    let images: Vec<SavedImage> = spec::parse(&bytes, "manifest.json")?;
    let image = select(images, tag)?;
    if image.layers.len() > limits::LAYERS {
        return Err(ImageError::new(format!(
            "it has {} layers, more than the limit of {}",
            image.layers.len(),
            limits::LAYERS
        )));
    }
    let document = files.read(&image.config, limits::CONFIG_BYTES)?;
    let document = document.ok_or_else(|| {
        ImageError::new(format!(
            "{} is missing, which is its configuration",
            image.config
        ))
    })?;
    // The name of the file is the digest. Some builders have other names.
    let name = image.config.rsplit('/').next().unwrap_or_default();
    let name = name.strip_suffix(".json").unwrap_or(name);
    if let Some(digest) = crate::digest::Digest::from_hex(name) {
        layout::check(&document, digest)?;
    }
    let layers = image.layers.into_iter().map(|layer| (layer, None));
    Resolved::new(document, layers.collect(), here)
}

fn select(images: Vec<SavedImage>, tag: Option<&str>) -> Result<SavedImage, ImageError> {
    let names: Vec<String> = images
        .iter()
        .flat_map(|image| image.repo_tags.clone().unwrap_or_default())
        .collect();
    let is_chosen = |image: &SavedImage| {
        let Some(tag) = tag else { return true };
        let names = image.repo_tags.iter().flatten();
        names.into_iter().any(|name| {
            name == tag || name.ends_with(&format!(":{tag}")) || name.ends_with(&format!("/{tag}"))
        })
    };
    let mut chosen: Vec<_> = images.into_iter().filter(is_chosen).collect();
    let configs: BTreeSet<_> = chosen.iter().map(|image| image.config.clone()).collect();
    let listed = layout::list(&names);
    match (chosen.pop(), tag) {
        (Some(image), _) if configs.len() == 1 => Ok(image),
        (Some(_), _) => Err(ImageError::new(format!(
            "it has several images; write the name of one after the path, with a `:` before it: {listed}"
        ))),
        (None, Some(tag)) => Err(ImageError::new(format!(
            "it has no image with the name or tag {tag:?}; {}",
            if listed.is_empty() {
                "it has no names, so leave it out".to_owned()
            } else {
                format!("there is {listed}")
            }
        ))),
        (None, None) => Err(ImageError::new("its manifest.json lists no image")),
    }
}
