//! Opens an image, wherever it is.

use std::io::Read;
use std::path::Path;

use crate::cache::{self, Image};
use crate::compressed;
use crate::docker_archive;
use crate::error::ImageError;
use crate::files::Files;
use crate::layout;
use crate::lock::Lock;
use crate::platform::Platform;
#[cfg(not(feature = "registry"))]
use crate::reference::Reference;
#[cfg(feature = "registry")]
use crate::registry::pull;
use crate::resolved::{Layer, Layers};
use crate::source::Source;

/// Opens an image for this machine and unpacks it below `cache`, unless that has been done before. An image of a
/// registry has the digest that `lock` has for its reference; without one, the digest is asked for and written to
/// `lock`.
///
/// Blocks the thread: until the image has been downloaded and unpacked, or while another process unpacks it.
///
/// # Errors
///
/// The image is missing, damaged, hostile, too large or for other machines, or it cannot be downloaded or written. The
/// error names the image, the reason and what to do.
pub fn open(source: &Source, cache: &Path, lock: Option<&Lock>) -> Result<Image, ImageError> {
    let here = Platform::here();
    let opened = match source {
        Source::Layout { folder, tag } => {
            let files = Files::Folder(folder.clone());
            layout::resolve(&files, tag.as_deref(), &here)
                .and_then(|resolved| cache::image(cache, source, resolved, &files))
        }
        Source::Archive { file, tag } => {
            let tag = tag.as_deref();
            let plain = |file: &Path| {
                let files = Files::archive(file)?;
                let resolved = docker_archive::resolve(&files, tag, &here)?;
                cache::image(cache, source, resolved, &files)
            };
            match compressed::is_compressed(file) {
                Ok(true) => compressed::open(file, tag, cache, plain),
                Ok(false) => plain(file),
                Err(error) => Err(error),
            }
        }
        Source::Registry(reference) => pull(reference, cache, lock),
    };
    opened.map_err(|error| error.within(format_args!("image {source}")))
}

impl Layers for Files {
    fn open(&self, layer: &Layer) -> Result<Box<dyn Read + '_>, ImageError> {
        let reader = Self::open(self, &layer.place)?;
        reader.ok_or_else(|| ImageError::new(format!("{} is missing", layer.place)))
    }
}

#[cfg(not(feature = "registry"))]
fn pull(reference: &Reference, _: &Path, _: Option<&Lock>) -> Result<Image, ImageError> {
    let tag = reference.tag().unwrap_or("latest");
    Err(ImageError::new(format!(
        "this build of Lambkin cannot download images; `skopeo copy docker://{reference} oci:image:{tag}` does, and \
         the image is then ./image:{tag}"
    )))
}
