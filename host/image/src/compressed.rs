//! Archives that are compressed as a whole, as by `docker save NAME | gzip`.
//!
//! Contract: such an archive is decompressed once, into the cache, where it stays until the image has been unpacked. A
//! note in the cache says which image it has, so that it need not be read again as long as it is the same file.
//!
//! On failure: an [`ImageError`]. A note that is wrong or missing is no failure.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, BufReader, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustix::fs::FlockOperation;

use crate::cache::{self, Image};
use crate::digest::Digest;
use crate::error::ImageError;
use crate::layer;
use crate::limits;

/// Whether a file is compressed, as far as its first bytes say.
pub(crate) fn is_compressed(file: &Path) -> Result<bool, ImageError> {
    let mut begin = Vec::new();
    let read = File::open(file).and_then(|file| file.take(6).read_to_end(&mut begin));
    read.map_err(|error| ImageError::io("read", file, &error))?;
    Ok(layer::compression(&begin).is_some())
}

/// Opens a compressed archive. `open` opens one that is not compressed.
pub(crate) fn open(
    file: &Path,
    tag: Option<&str>,
    cache: &Path,
    open: impl FnOnce(&Path) -> Result<Image, ImageError>,
) -> Result<Image, ImageError> {
    let folder = cache::downloads(cache)?;
    let note = folder.join(name(file, tag).map_err(|error| ImageError::io("open", file, &error))?);
    // Another host may be at the same archive.
    let _locked = cache::lock(
        &note.with_extension(cache::LOCK),
        FlockOperation::LockExclusive,
    )?;
    if let Some(image) = noted(&note, cache)? {
        return Ok(image);
    }
    let plain = note.with_extension("tar");
    let image = decompress(file, &plain).and_then(|()| open(&plain));
    let _ = fs::remove_file(&plain); // is deleted when it is old
    let image = image?;
    let _ = fs::write(&note, &image.digest); // only saves time
    Ok(image)
}

/// The name of the note on a file as it is now, and on a tag of it.
fn name(file: &Path, tag: Option<&str>) -> io::Result<PathBuf> {
    let about = fs::metadata(file)?;
    let identity = (
        about.dev(),
        about.ino(),
        about.size(),
        about.mtime(),
        about.mtime_nsec(),
    );
    let mut hasher = DefaultHasher::new();
    (fs::canonicalize(file)?, tag, identity).hash(&mut hasher);
    Ok(format!("archive-{:016x}", hasher.finish()).into())
}

/// The image that a note names, if it is still unpacked.
fn noted(note: &Path, cache: &Path) -> Result<Option<Image>, ImageError> {
    let Some(digest) = fs::read_to_string(note)
        .ok()
        .and_then(|it| Digest::parse(&it).ok())
    else {
        return Ok(None);
    };
    let touched = File::open(note).and_then(|file| file.set_modified(SystemTime::now()));
    let _ = touched; // only delays when it is deleted
    cache::existing(cache, digest)
}

fn decompress(file: &Path, to: &Path) -> Result<(), ImageError> {
    let opened = File::open(file).map_err(|error| ImageError::io("open", file, &error))?;
    let content = layer::decompressed(BufReader::new(opened))?;
    let mut output = File::create(to).map_err(|error| ImageError::io("create", to, &error))?;
    let limit = limits::UNPACKED_BYTES;
    let copied = io::copy(&mut content.take(limit + 1), &mut output);
    // A full disk is more than a damaged archive.
    let size = copied.map_err(|error| ImageError::io("decompress into", to, &error))?;
    if size > limit {
        return Err(ImageError::new(format!(
            "it has more than {limit} bytes without compression, which is the limit, as on AWS"
        )));
    }
    Ok(())
}
