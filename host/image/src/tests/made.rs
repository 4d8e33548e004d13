//! Images made by code, with the mistakes that a test wants.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tar::{EntryType, Header};

use crate::digest::Digest;
use crate::platform::Platform;
use crate::{Image, ImageError, Source, open};

/// A tar archive in the making.
pub struct Tar(tar::Builder<Vec<u8>>);

/// One entry, with any name.
#[derive(Clone, Copy)]
pub struct Entry<'a> {
    pub kind: EntryType,
    pub path: &'a str,
    pub link: &'a str,
    pub mode: u32,
    pub content: &'a [u8],
}

impl Default for Tar {
    fn default() -> Self {
        Self(tar::Builder::new(Vec::new()))
    }
}

impl Tar {
    /// Adds an entry as it is: nothing is checked, and a name must have at most 100 bytes.
    pub fn raw(mut self, entry: Entry<'_>) -> Self {
        let mut header = Header::new_gnu();
        let old = header.as_old_mut();
        old.name[..entry.path.len()].copy_from_slice(entry.path.as_bytes());
        old.linkname[..entry.link.len()].copy_from_slice(entry.link.as_bytes());
        header.set_entry_type(entry.kind);
        header.set_mode(entry.mode);
        header.set_mtime(1_700_000_000);
        header.set_size(entry.content.len() as u64);
        header.set_cksum();
        self.0.append(&header, entry.content).unwrap();
        self
    }

    fn entry(self, kind: EntryType, path: &str, link: &str, mode: u32, content: &[u8]) -> Self {
        self.raw(Entry {
            kind,
            path,
            link,
            mode,
            content,
        })
    }

    pub fn folder(self, path: &str, mode: u32) -> Self {
        self.entry(EntryType::Directory, path, "", mode, b"")
    }

    pub fn file(self, path: &str, content: &str) -> Self {
        self.file_with_mode(path, content, 0o644)
    }

    pub fn file_with_mode(self, path: &str, content: &str, mode: u32) -> Self {
        self.entry(EntryType::Regular, path, "", mode, content.as_bytes())
    }

    pub fn link(self, path: &str, target: &str) -> Self {
        self.entry(EntryType::Symlink, path, target, 0o777, b"")
    }

    pub fn hard_link(self, path: &str, target: &str) -> Self {
        self.entry(EntryType::Link, path, target, 0o644, b"")
    }

    pub fn other(self, path: &str, kind: EntryType) -> Self {
        self.entry(kind, path, "", 0o644, b"")
    }

    pub fn bytes(self) -> Vec<u8> {
        self.0.into_inner().unwrap()
    }
}

/// An image in the making: its layers as they are stored, and the documents.
#[derive(Clone)]
pub struct Made {
    pub stored: Vec<Vec<u8>>,
    pub config: Value,
}

impl Made {
    /// An image for this machine with these layers.
    pub fn new(layers: impl IntoIterator<Item = Tar>) -> Self {
        let stored: Vec<_> = layers.into_iter().map(Tar::bytes).collect();
        let diff_ids: Vec<_> = stored.iter().map(|it| Digest::of(it).to_string()).collect();
        let here = Platform::here();
        Self {
            stored,
            config: json!({
                "architecture": here.architecture,
                "os": here.os,
                "config": {},
                "rootfs": { "type": "layers", "diff_ids": diff_ids },
            }),
        }
    }

    /// Compresses a layer.
    pub fn compressed(mut self, layer: usize, compress: fn(&[u8]) -> Vec<u8>) -> Self {
        self.stored[layer] = compress(&self.stored[layer]);
        self
    }

    pub fn document(&self) -> Vec<u8> {
        serde_json::to_vec(&self.config).unwrap()
    }

    pub fn id(&self) -> String {
        Digest::of(&self.document()).to_string()
    }

    pub fn manifest(&self) -> Value {
        let descriptor = |content: &[u8]| {
            let digest = Digest::of(content).to_string();
            json!({ "mediaType": "a/b", "digest": digest, "size": content.len() })
        };
        json!({
            "schemaVersion": 2,
            "config": descriptor(&self.document()),
            "layers": self.stored.iter().map(|it| descriptor(it)).collect::<Vec<_>>(),
        })
    }

    /// Adds the image to a layout, with a descriptor in `index.json` that `change` may change.
    pub fn add_to_layout(&self, folder: &Path, change: impl FnOnce(&mut Value)) {
        for content in self.stored.iter().chain([&self.document()]) {
            store(folder, content);
        }
        let digest = store(folder, &serde_json::to_vec(&self.manifest()).unwrap());
        let mut descriptor = json!({ "mediaType": "a/b", "digest": digest, "size": 1 });
        change(&mut descriptor);
        add_to_index(folder, descriptor);
    }

    /// An archive of `docker save`.
    pub fn archive(&self, file: &Path, name: &str) {
        let hex = self.id().replace("sha256:", "");
        let config = format!("{hex}.json");
        let layer = |number: usize| format!("{number}/layer.tar");
        let names: Vec<_> = (0..self.stored.len()).map(layer).collect();
        let list = json!([{ "Config": config, "RepoTags": [name], "Layers": names }]);
        let mut tar = Tar::default();
        for (name, content) in names.iter().zip(&self.stored) {
            tar = tar.entry(EntryType::Regular, name, "", 0o644, content);
        }
        let tar = tar
            .entry(EntryType::Regular, &config, "", 0o644, &self.document())
            .file("manifest.json", &list.to_string());
        fs::write(file, tar.bytes()).unwrap();
    }
}

/// Stores a document or layer in a layout, and returns its digest.
pub fn store(folder: &Path, content: &[u8]) -> String {
    let digest = Digest::of(content);
    let blobs = folder.join("blobs/sha256");
    fs::create_dir_all(&blobs).unwrap();
    fs::write(blobs.join(digest.hex()), content).unwrap();
    digest.to_string()
}

/// Adds a descriptor to a layout's `index.json`.
pub fn add_to_index(folder: &Path, descriptor: Value) {
    let path = folder.join("index.json");
    let mut index = fs::read(&path).map_or_else(
        |_| json!({ "schemaVersion": 2, "manifests": [] }),
        |bytes| serde_json::from_slice(&bytes).unwrap(),
    );
    index["manifests"].as_array_mut().unwrap().push(descriptor);
    fs::write(path, index.to_string()).unwrap();
}

pub fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

pub fn zstd(content: &[u8]) -> Vec<u8> {
    zstd::encode_all(content, 1).unwrap()
}

/// A folder for images and a cache.
pub struct Place(tempfile::TempDir);

impl Place {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn cache(&self) -> PathBuf {
        self.at("cache")
    }

    /// Opens what a text of the configuration means.
    pub fn open(&self, text: &str) -> Result<Image, ImageError> {
        open(&Source::parse(text, self.0.path())?, &self.cache(), None)
    }

    /// Opens an image by way of a layout.
    pub fn open_made(&self, image: &Made) -> Result<Image, ImageError> {
        let folder = self.at("made");
        let _ = fs::remove_dir_all(&folder); // may not exist
        image.add_to_layout(&folder, |_| {});
        self.open("made")
    }

    /// The error of opening an image, of which nothing must be left.
    pub fn refusal(&self, image: &Made) -> String {
        let error = self.open_made(image).unwrap_err().to_string();
        self.has_no_unpacked();
        error
    }

    pub fn has_no_unpacked(&self) {
        let left = fs::read_dir(self.cache().join("images-1"));
        let left = left.into_iter().flatten().map(|it| it.unwrap().file_name());
        let left: Vec<_> = left
            .filter(|name| {
                let name = name.to_string_lossy();
                !name.ends_with(".use") && !name.ends_with(".unpack")
            })
            .collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

/// Every path of an image, with what is there: `/a`, `b=content`, `c->target`.
pub fn listing(image: &Image) -> Vec<String> {
    fn walk(folder: &Path, root: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().display().to_string();
            let kind = path.symlink_metadata().unwrap().file_type();
            if kind.is_symlink() {
                let target = fs::read_link(&path).unwrap();
                found.push(format!("{name}->{}", target.display()));
            } else if kind.is_dir() {
                found.push(format!("{name}/"));
                walk(&path, root, found);
            } else if kind.is_file() {
                let content = fs::read(&path).unwrap();
                found.push(format!("{name}={}", String::from_utf8_lossy(&content)));
            } else {
                found.push(format!("{name}?"));
            }
        }
    }
    let mut found = Vec::new();
    walk(&image.root, &image.root, &mut found);
    found.sort();
    found
}
