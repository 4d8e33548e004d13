//! Images of registries, over the protocol of the OCI distribution specification.
//!
//! Contract: a reference means the image that the lock has, and otherwise the one that the registry has now, which is
//! written to the lock. Documents that have been downloaded are kept, so an image that is pinned and unpacked needs no
//! network. Layers are kept until the image has been unpacked, so that a download that broke off is continued.
//!
//! The crate `oci-client` would do the same with some hundred further crates, most of them for a second HTTP client.
//!
//! On failure: an [`ImageError`].

mod challenge;
mod client;
mod credentials;
mod http;
mod proxy;

use std::cell::RefCell;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustix::fs::FlockOperation;
use tokio::runtime::{Builder, Runtime};

use crate::cache::{self, Image};
use crate::digest::{Digest, Hashing};
use crate::error::ImageError;
use crate::layout::{check, find_manifest, stored_layers};
use crate::limits;
use crate::lock::Lock;
use crate::platform::Platform;
use crate::reference::Reference;
use crate::resolved::{Layer, Layers, Resolved};
use crate::spec::Descriptor;
use client::Client;

/// Opens an image of a registry.
pub(crate) fn pull(
    reference: &Reference,
    cache: &Path,
    lock: Option<&Lock>,
) -> Result<Image, ImageError> {
    // A thread of its own, because the caller's may belong to a runtime already, which then would not allow to block.
    std::thread::scope(|scope| {
        let pulled = scope.spawn(|| Download::new(reference, cache)?.open(cache, lock));
        pulled
            .join()
            .unwrap_or_else(|_| Err(ImageError::new("the download ended with a panic")))
    })
}

/// One image of a registry.
struct Download<'a> {
    reference: &'a Reference,
    folder: PathBuf,
    runtime: Runtime,
    client: RefCell<Client>,
}

impl<'a> Download<'a> {
    fn new(reference: &'a Reference, cache: &Path) -> Result<Self, ImageError> {
        let folder = cache::downloads(cache)?;
        let runtime = Builder::new_current_thread().enable_all().build();
        Ok(Self {
            reference,
            folder,
            runtime: runtime
                .map_err(|error| ImageError::new(format!("cannot wait for sockets: {error}")))?,
            client: RefCell::new(Client::new(reference, credentials::files())),
        })
    }

    fn open(&self, cache: &Path, lock: Option<&Lock>) -> Result<Image, ImageError> {
        let here = Platform::here();
        let known = self
            .reference
            .digest()
            .or_else(|| lock?.find(self.reference));
        let digest = match known {
            Some(digest) => digest,
            None => self.look_up()?,
        };
        let top = Descriptor {
            digest: digest.to_string(),
            platform: None,
            annotations: None,
        };
        let manifest = find_manifest(vec![top], &here, &|descriptor| {
            self.manifest(Digest::parse(&descriptor.digest)?)
        })?;
        let config = Digest::parse(&manifest.config.digest)?;
        let document = self.stored(config, limits::CONFIG_BYTES, || {
            let mut client = self.client.borrow_mut();
            self.runtime
                .block_on(client.document(config, limits::CONFIG_BYTES))
        })?;
        let layers = stored_layers(&manifest)?.into_iter();
        let layers = layers.map(|digest| (digest.to_string(), Some(digest)));
        let resolved = Resolved::new(document, layers.collect(), &here)?;
        let stored: Vec<_> = resolved
            .layers
            .iter()
            .filter_map(|layer| layer.stored)
            .collect();
        let image = cache::image(cache, self.reference, resolved, self)?;
        for layer in stored {
            self.delete(layer);
        }
        // Not before it is known to work here.
        if known.is_none()
            && let Some(lock) = lock
        {
            lock.record(self.reference, &digest.to_string())?;
        }
        Ok(image)
    }

    /// Asks the registry which image the tag means.
    fn look_up(&self) -> Result<Digest, ImageError> {
        let tag = self.reference.tag().unwrap_or("latest");
        let bytes = self
            .runtime
            .block_on(self.client.borrow_mut().manifest(tag))
            .map_err(|error| match self.reference.local_advice() {
                Some(advice) => ImageError::new(format!("{error}; {advice}")),
                None => error,
            })?;
        let digest = Digest::of(&bytes);
        self.store(digest, &bytes)?;
        Ok(digest)
    }

    fn manifest(&self, digest: Digest) -> Result<Vec<u8>, ImageError> {
        self.stored(digest, limits::MANIFEST_BYTES, || {
            let mut client = self.client.borrow_mut();
            let bytes = self
                .runtime
                .block_on(client.manifest(&digest.to_string()))?;
            check(&bytes, digest)?;
            Ok(bytes)
        })
    }

    /// A document of the cache, which is downloaded if it is not there or damaged.
    fn stored(
        &self,
        digest: Digest,
        limit: u64,
        download: impl FnOnce() -> Result<Vec<u8>, ImageError>,
    ) -> Result<Vec<u8>, ImageError> {
        let mut bytes = Vec::new();
        let read =
            File::open(self.path(digest)).and_then(|file| file.take(limit).read_to_end(&mut bytes));
        if read.is_ok() && Digest::of(&bytes) == digest {
            let opened = File::open(self.path(digest));
            let touched = opened.and_then(|file| file.set_modified(SystemTime::now()));
            let _ = touched; // only delays when it is deleted
            return Ok(bytes);
        }
        let bytes = download()?;
        self.store(digest, &bytes)?;
        Ok(bytes)
    }

    fn store(&self, digest: Digest, bytes: &[u8]) -> Result<(), ImageError> {
        let path = self.path(digest);
        lambkin_files::replace(&path, bytes).map_err(|error| ImageError::io("write", &path, &error))
    }

    fn path(&self, digest: Digest) -> PathBuf {
        self.folder.join(digest.hex())
    }
}

impl Download<'_> {
    /// Downloads a layer, unless that has been done, and opens it.
    fn layer(&self, digest: Digest) -> Result<File, ImageError> {
        let path = self.path(digest);
        // Another image may have the layer, too, and another host may be downloading or deleting it.
        let _locked = cache::lock(&self.lock_path(digest), FlockOperation::LockExclusive)?;
        if !self.is_whole(digest) {
            tracing::info!("downloading the layer {digest} of {}", self.reference);
            let partial = path.with_extension("partial");
            let mut client = self.client.borrow_mut();
            self.runtime.block_on(client.download(digest, &partial))?;
            fs::rename(&partial, &path).map_err(|error| ImageError::io("create", &path, &error))?;
        }
        File::open(&path).map_err(|error| ImageError::io("open", &path, &error))
    }

    /// Whether a layer has been downloaded. One that was damaged afterwards is downloaded again.
    fn is_whole(&self, digest: Digest) -> bool {
        let path = self.path(digest);
        let Ok(file) = File::open(&path) else {
            return false;
        };
        let found = Hashing::new(file).finish();
        let is_whole = found.is_ok_and(|found| found == digest);
        if !is_whole {
            tracing::warn!("{} is damaged", path.display());
        }
        is_whole
    }

    /// Deletes a layer, if there is one and no other host is about to read it.
    fn delete(&self, digest: Digest) {
        let path = self.path(digest);
        if path.is_file() {
            let without_waiting = FlockOperation::NonBlockingLockExclusive;
            if let Ok(_locked) = cache::lock(&self.lock_path(digest), without_waiting) {
                let _ = fs::remove_file(path); // is deleted when it is old
            }
        }
    }

    fn lock_path(&self, digest: Digest) -> PathBuf {
        self.path(digest).with_extension(cache::LOCK)
    }
}

impl Layers for Download<'_> {
    fn open(&self, layer: &Layer) -> Result<Box<dyn Read + '_>, ImageError> {
        Ok(Box::new(self.layer(Digest::parse(&layer.place)?)?))
    }
}

/// Gets a manifest with the credentials of these files.
#[cfg(test)]
pub(crate) fn manifest_with(
    reference: &Reference,
    credentials: Vec<PathBuf>,
) -> Result<Vec<u8>, ImageError> {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| ImageError::new(error.to_string()))?;
    let tag = reference.tag().unwrap_or("latest");
    runtime.block_on(Client::new(reference, credentials).manifest(tag))
}
