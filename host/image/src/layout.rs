//! OCI image layouts: `index.json` and `blobs/sha256/…`, in a folder or in an archive.
//!
//! Contract: among the images of the layout, the one with the tag that is asked for, or the only one, and of that the
//! one for this machine. Each document is compared with its digest.

use std::collections::BTreeSet;

use crate::digest::Digest;
use crate::error::ImageError;
use crate::files::Files;
use crate::limits;
use crate::platform::Platform;
use crate::resolved::Resolved;
use crate::spec::{self, Descriptor, Index, IndexOrManifest, Manifest};

/// The annotation with the tag, and the one in which containerd and Docker have the whole name.
const TAG: &str = "org.opencontainers.image.ref.name";
const NAME: &str = "io.containerd.image.name";

/// Reads everything but the layers' content.
pub(crate) fn resolve(
    files: &Files,
    tag: Option<&str>,
    here: &Platform,
) -> Result<Resolved, ImageError> {
    let Some(bytes) = files.read("index.json", limits::MANIFEST_BYTES)? else {
        return Err(ImageError::new("it has no index.json"));
    };
    let index: Index = spec::parse(&bytes, "index.json")?;
    let read = |descriptor: &Descriptor, limit: u64| {
        let digest = Digest::parse(&descriptor.digest)?;
        let bytes = files.read(&blob(digest), limit)?;
        let bytes = bytes.ok_or_else(|| ImageError::new(format!("{} is missing", blob(digest))))?;
        check(&bytes, digest)?;
        Ok(bytes)
    };
    let named = select_tag(index, tag)?;
    let manifest = find_manifest(named, here, &|descriptor| {
        read(descriptor, limits::MANIFEST_BYTES)
    })?;
    let document = read(&manifest.config, limits::CONFIG_BYTES)?;
    let layers = stored_layers(&manifest)?;
    let layers = layers
        .into_iter()
        .map(|digest| (blob(digest), Some(digest)));
    Resolved::new(document, layers.collect(), here)
}

/// The path of a document or layer in a layout.
pub(crate) fn blob(digest: Digest) -> String {
    format!("blobs/sha256/{}", digest.hex())
}

/// Fails unless a document has this digest.
pub(crate) fn check(bytes: &[u8], digest: Digest) -> Result<(), ImageError> {
    let found = Digest::of(bytes);
    if found == digest {
        return Ok(());
    }
    Err(damaged(digest, found))
}

/// The error for content that is not what its digest says.
pub(crate) fn damaged(expected: Digest, found: Digest) -> ImageError {
    ImageError::new(format!(
        "what is stored as {expected} has the digest {found}: the image is damaged or was changed; make or copy it \
         again"
    ))
}

/// The digests of a manifest's layers as they are stored.
pub(crate) fn stored_layers(manifest: &Manifest) -> Result<Vec<Digest>, ImageError> {
    if manifest.layers.len() > limits::LAYERS {
        return Err(ImageError::new(format!(
            "it has {} layers, more than the limit of {}",
            manifest.layers.len(),
            limits::LAYERS
        )));
    }
    let digests = manifest.layers.iter();
    digests.map(|layer| Digest::parse(&layer.digest)).collect()
}

/// Names of images for a message: the first ones, if there are many.
pub(crate) fn list<'a>(names: impl IntoIterator<Item = &'a String>) -> String {
    let mut names = names.into_iter();
    let shown: Vec<&str> = names.by_ref().take(20).map(String::as_str).collect();
    let end = if names.next().is_some() { ", …" } else { "" };
    format!("{}{end}", shown.join(", "))
}

/// The entries of `index.json` with a tag, or all of them if none is asked for and they are of one image.
fn select_tag(index: Index, tag: Option<&str>) -> Result<Vec<Descriptor>, ImageError> {
    let annotation = |descriptor: &Descriptor, key: &str| {
        let annotations = descriptor.annotations.as_ref()?;
        annotations.get(key).cloned()
    };
    let names = index.manifests.iter().filter_map(|it| annotation(it, TAG));
    let names: BTreeSet<String> = names.collect();
    let listed = || list(&names);
    let Some(tag) = tag else {
        if names.len() > 1 {
            return Err(ImageError::new(format!(
                "it has several images; write one of their tags after the path, with a `:` before it: {}",
                listed()
            )));
        }
        return Ok(index.manifests);
    };
    let has_tag = |descriptor: &Descriptor| {
        let short = annotation(descriptor, TAG);
        let long = annotation(descriptor, NAME);
        let is_end = |name: &String| {
            name == tag || name.ends_with(&format!("/{tag}")) || name.ends_with(&format!(":{tag}"))
        };
        short.as_ref().is_some_and(is_end) || long.as_ref().is_some_and(is_end)
    };
    let chosen: Vec<_> = index.manifests.into_iter().filter(has_tag).collect();
    if chosen.is_empty() {
        let tags = if names.is_empty() {
            "it has no tags, so leave it out".to_owned()
        } else {
            format!("its tags are {}", listed())
        };
        return Err(ImageError::new(format!(
            "it has no image with the tag {tag:?}; {tags}"
        )));
    }
    Ok(chosen)
}

/// Finds the only manifest for this machine below these descriptors. `read` returns a document whose digest it has
/// checked.
pub(crate) fn find_manifest(
    descriptors: Vec<Descriptor>,
    here: &Platform,
    read: &dyn Fn(&Descriptor) -> Result<Vec<u8>, ImageError>,
) -> Result<Manifest, ImageError> {
    let too_many = || ImageError::new("it has too many images to choose from");
    let mut level = descriptors;
    let mut found: Option<(String, Manifest)> = None;
    let mut others = BTreeSet::new();
    let mut seen = BTreeSet::new();
    // Of all levels together: an index can list many indexes, each of which lists many again.
    let mut listed = level.len();
    let mut bytes_left = limits::INDEXES_BYTES;
    for _ in 0..limits::NESTED_INDEXES {
        let mut next = Vec::new();
        for descriptor in level {
            if let Some(platform) = &descriptor.platform
                && !platform.runs_on(here)
            {
                // Builders store attestations as images for an unknown platform.
                if platform.os != "unknown" {
                    others.insert(platform.to_string());
                }
                continue;
            }
            if !seen.insert(descriptor.digest.clone()) {
                continue;
            }
            if seen.len() > limits::LAYERS {
                return Err(too_many());
            }
            let document = read(&descriptor)?;
            bytes_left = bytes_left
                .checked_sub(document.len() as u64)
                .ok_or_else(too_many)?;
            match IndexOrManifest::parse(&document, &descriptor.digest)? {
                IndexOrManifest::Index(index) => {
                    listed += index.manifests.len();
                    if listed > limits::DESCRIPTORS {
                        return Err(too_many());
                    }
                    next.extend(index.manifests);
                }
                IndexOrManifest::Manifest(manifest) => {
                    if let Some((before, _)) = &found
                        && *before != descriptor.digest
                    {
                        return Err(ImageError::new(format!(
                            "it has several images for {here}, and it is not clear which one is meant: {before}, {}",
                            descriptor.digest
                        )));
                    }
                    found = Some((descriptor.digest, manifest));
                }
            }
        }
        if next.is_empty() {
            let found = found.map(|(_, manifest)| manifest);
            let others: Vec<_> = others.into_iter().collect();
            return found.ok_or_else(|| {
                if others.is_empty() {
                    ImageError::new("its index lists no image")
                } else {
                    Platform::refusal(here, &others)
                }
            });
        }
        level = next;
    }
    Err(ImageError::new(format!(
        "its indexes are nested more than {} levels deep",
        limits::NESTED_INDEXES
    )))
}
