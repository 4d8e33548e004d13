//! Unpacked images, each below the cache folder in a folder that is named after its digest.
//!
//! Contract: a folder that has its final name is complete. It appears at once, by a rename, and is used by any number
//! of hosts. While an image is unpacked, other hosts wait for it; and while one uses it ([`Image`] lives), no other
//! deletes it. Images that have not been opened for [`KEPT`] are deleted when another one is unpacked. What a host
//! leaves behind that was killed while it unpacked is deleted then, too.
//!
//! On failure: an [`ImageError`]; what has been unpacked so far is deleted.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustix::fs::{FlockOperation, flock};

use crate::config::ImageConfig;
use crate::digest::Digest;
use crate::error::ImageError;
use crate::resolved::{Layers, Resolved};
use crate::spec;

/// For how long an image is kept that is not opened.
const KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The folder of images in the cache. The number changes when images are unpacked in another way.
const FOLDER: &str = "images-1";

/// The locks of an image: shared by the hosts that use it, and held by the one that unpacks it.
const USE: &str = ".use";
const UNPACK: &str = ".unpack";

/// The folder, in the one of images, of what has been downloaded from registries or decompressed.
const DOWNLOADS: &str = "downloads";

/// The extension of locks of what is downloaded.
pub(crate) const LOCK: &str = "lock";

/// The image's configuration, beside its root.
const DOCUMENT: &str = "config.json";

/// An image on disk.
#[derive(Debug, Clone)]
pub struct Image {
    /// The digest of the image's configuration, which Docker calls the image's id: `sha256:…`. The same image has the
    /// same digest wherever it comes from.
    pub digest: String,
    /// The root of the file system: a complete folder, which must not be changed.
    pub root: PathBuf,
    /// How the image's program is run.
    pub config: ImageConfig,
    /// A shared lock, with which the image is not deleted.
    _in_use: Arc<File>,
}

/// The folder of images in a cache, which is created if it does not exist.
pub(crate) fn folder(cache: &Path) -> Result<PathBuf, ImageError> {
    let images = cache.join(FOLDER);
    let created = DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&images);
    created.map_err(|error| ImageError::io("create", &images, &error))?;
    fs::canonicalize(&images).map_err(|error| ImageError::io("open", &images, &error))
}

/// The folder of what has been downloaded, which is created if it does not exist.
pub(crate) fn downloads(cache: &Path) -> Result<PathBuf, ImageError> {
    let folder = folder(cache)?.join(DOWNLOADS);
    let created = DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&folder);
    created.map_err(|error| ImageError::io("create", &folder, &error))?;
    Ok(folder)
}

/// An image that has been unpacked before; `None` if it is not there anymore.
pub(crate) fn existing(cache: &Path, id: Digest) -> Result<Option<Image>, ImageError> {
    let images = folder(cache)?;
    let home = images.join(id.hex());
    let root = home.join("root");
    let in_use = lock(
        &images.join(format!("{}{USE}", id.hex())),
        FlockOperation::LockShared,
    )?;
    let Some(document) = fs::read(home.join(DOCUMENT)).ok().filter(|_| root.is_dir()) else {
        return Ok(None);
    };
    if Digest::of(&document) != id {
        return Ok(None);
    }
    let config: spec::Config = spec::parse(&document, "its configuration")?;
    let _ = in_use.set_modified(SystemTime::now()); // only delays when the image is deleted
    Ok(Some(Image {
        digest: id.to_string(),
        root,
        config: ImageConfig::of(config.config.unwrap_or_default())?,
        _in_use: Arc::new(in_use),
    }))
}

/// Returns an image on disk, after it has been unpacked if it was not. `name` is the image's for messages.
pub(crate) fn image(
    cache: &Path,
    name: &dyn std::fmt::Display,
    resolved: Resolved,
    layers: &dyn Layers,
) -> Result<Image, ImageError> {
    let images = folder(cache)?;
    let home = images.join(resolved.id.hex());
    let root = home.join("root");
    let hex = resolved.id.hex();
    // As long as this is shared, the image is not deleted.
    let in_use = lock(
        &images.join(format!("{hex}{USE}")),
        FlockOperation::LockShared,
    )?;
    if !root.is_dir() {
        // Waits while another host unpacks it.
        let path = images.join(format!("{hex}{UNPACK}"));
        let _unpacking = lock(&path, FlockOperation::LockExclusive)?;
        if !root.is_dir() {
            tracing::info!("unpacking the image {name}");
            delete_unused(&images);
            unpack(&images, &home, &resolved, layers)?;
        }
    }
    let _ = in_use.set_modified(SystemTime::now()); // only delays when the image is deleted
    Ok(Image {
        digest: resolved.id.to_string(),
        root,
        config: resolved.config,
        _in_use: Arc::new(in_use),
    })
}

/// Unpacks an image into a new folder, and gives it its name. The caller has the image's exclusive lock.
fn unpack(
    images: &Path,
    home: &Path,
    resolved: &Resolved,
    layers: &dyn Layers,
) -> Result<(), ImageError> {
    let partial = partial_path(images, &resolved.id.hex());
    let failed = |error: io::Error| ImageError::io("create", &partial, &error);
    remove(&partial).map_err(failed)?; // left by a host that was killed
    remove(home).map_err(failed)?; // without its root, as programs leave it that clean caches
    let root = partial.join("root");
    let unpacked = (|| {
        for folder in [&partial, &root] {
            DirBuilder::new()
                .mode(0o755)
                .create(folder)
                .map_err(failed)?;
            let open = fs::Permissions::from_mode(0o755);
            fs::set_permissions(folder, open).map_err(failed)?;
        }
        fill(resolved, layers, &root)?;
        let document = partial.join(DOCUMENT);
        fs::write(&document, &resolved.document).map_err(failed)?;
        // A folder that has its name is taken to be complete, so its files have to be on the disk before.
        sync(&partial).map_err(failed)?;
        fs::rename(&partial, home).map_err(|error| ImageError::io("create", home, &error))
    })();
    if unpacked.is_err() {
        let _ = remove(&partial); // is tried again by the next host that unpacks an image
    }
    unpacked
}

#[cfg(target_os = "linux")]
fn fill(resolved: &Resolved, layers: &dyn Layers, root: &Path) -> Result<(), ImageError> {
    let budget = crate::layer::Budget::new();
    crate::unpack::unpack(resolved, layers, root, &budget)
}

#[cfg(not(target_os = "linux"))]
fn fill(_: &Resolved, _: &dyn Layers, _: &Path) -> Result<(), ImageError> {
    Err(ImageError::new("images run on Linux only"))
}

#[cfg(target_os = "linux")]
fn sync(folder: &Path) -> io::Result<()> {
    // All of the file system: that is one operation of the disk instead of one for each of thousands of files.
    Ok(rustix::fs::syncfs(File::open(folder)?)?)
}

#[cfg(not(target_os = "linux"))]
fn sync(_: &Path) -> io::Result<()> {
    Ok(())
}

fn partial_path(images: &Path, hex: &str) -> PathBuf {
    images.join(format!(".{hex}.partial"))
}

/// Takes a lock, and creates its file if there is none.
pub(crate) fn lock(path: &Path, operation: FlockOperation) -> Result<File, ImageError> {
    let mut options = OpenOptions::new();
    let options = options
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600);
    let taken = options.open(path).and_then(|file| {
        flock(&file, operation)?;
        Ok(file)
    });
    taken.map_err(|error| ImageError::io("lock", path, &error))
}

/// Deletes images that have not been opened for long, and what was left unfinished. What is in use is locked and stays.
/// Errors are ignored, as what stays does no harm. The locks stay, because another host may have opened one just now.
fn delete_unused(images: &Path) {
    let without_waiting = |hex: &str, extension| {
        let path = images.join(format!("{hex}{extension}"));
        lock(&path, FlockOperation::NonBlockingLockExclusive).ok()
    };
    let downloads = fs::read_dir(images.join(DOWNLOADS));
    for download in downloads.into_iter().flatten().flatten() {
        let path = download.path();
        let is_lock = path.extension().is_some_and(|it| it == LOCK);
        if is_old(&path) && !is_lock {
            let _ = fs::remove_file(path);
        }
    }
    let names = fs::read_dir(images).into_iter().flatten().flatten();
    for name in names.filter_map(|entry| entry.file_name().into_string().ok()) {
        let Some(hex) = name.strip_suffix(USE) else {
            continue;
        };
        if Digest::from_hex(hex).is_none() {
            continue;
        }
        let (home, partial) = (images.join(hex), partial_path(images, hex));
        let is_old = is_old(&images.join(&name)) && home.exists();
        if !is_old && !partial.exists() {
            continue;
        }
        // In this order, and the first may be this host's own.
        let Some(_unpacking) = without_waiting(hex, UNPACK) else {
            continue;
        };
        let _ = remove(&partial);
        if is_old && let Some(_in_use) = without_waiting(hex, USE) {
            // First its name, so that what is left of it is not taken for complete.
            let _ = fs::rename(&home, &partial).and_then(|()| remove(&partial));
        }
    }
}

/// Whether a file has not been touched for long.
fn is_old(path: &Path) -> bool {
    let touched = fs::metadata(path).and_then(|about| about.modified());
    let age = touched.ok().and_then(|touched| touched.elapsed().ok());
    age.is_some_and(|age| age > KEPT)
}

/// Deletes a folder with all that is in it, if it exists.
fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}
