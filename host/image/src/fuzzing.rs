//! Properties of the unpacking of layers, which come from anywhere.
//!
//! The function takes arbitrary bytes and panics if a property does not hold. It exists only in builds with `--cfg
//! fuzzing`, and only a target in `tests/fuzz` calls it.

#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::indexing_slicing,
    reason = "a property that does not hold panics"
)]

use std::fs;
use std::io::Read;
use std::path::Path;

use tar::{EntryType, Header};

use crate::config::ImageConfig;
use crate::digest::Digest;
use crate::error::ImageError;
use crate::layer::Budget;
use crate::resolved::{Layer, Layers, Resolved};

/// Names that meet in one image: files, folders, links and what deletes them. `OUT` is the folder of what must not
/// change.
const NAMES: [&str; 20] = [
    "a",
    "b",
    "a/b",
    "b/a",
    "a/b/c",
    "./a//",
    "../out",
    "../out/file",
    "a/../../out/file",
    "OUT",
    "OUT/file",
    "a/file",
    "b/file",
    ".wh.a",
    ".wh.b",
    "a/.wh.file",
    "a/.wh..wh..opq",
    ".wh...",
    "/",
    "proc/self/root",
];

const KINDS: [EntryType; 8] = [
    EntryType::Regular,
    EntryType::Directory,
    EntryType::Symlink,
    EntryType::Link,
    EntryType::Symlink,
    EntryType::Fifo,
    EntryType::XHeader,
    EntryType::GNULongName,
];

/// Two layers with any entries, or with any bytes, change nothing outside of the image's folder, and what they leave
/// there can be deleted. `folder` is empty and belongs to the caller.
pub fn layers(bytes: &[u8], folder: &Path) {
    let (root, out) = (folder.join("root"), folder.join("out"));
    fs::create_dir(&root).expect("an empty folder");
    fs::create_dir_all(&out).expect("a folder");
    fs::write(out.join("file"), "kept").expect("a file");
    let layers = match bytes.split_first() {
        Some((first, rest)) if first % 4 == 0 => vec![rest.to_vec()],
        _ => {
            let middle = bytes.len() / 2;
            vec![made(&bytes[..middle], &out), made(&bytes[middle..], &out)]
        }
    };
    let layer = |(number, content): (usize, &Vec<u8>)| Layer {
        place: number.to_string(),
        stored: None,
        content: Digest::of(content),
    };
    let image = Resolved {
        id: Digest::of(b""),
        document: Vec::new(),
        config: ImageConfig::default(),
        layers: layers.iter().enumerate().map(layer).collect(),
    };
    // Whether it is an image does not matter.
    let _ = crate::unpack::unpack(
        &image,
        &InMemory(&layers),
        &root,
        &Budget::of(1 << 20, 1000),
    );
    let left = fs::read(out.join("file")).expect("the file is there");
    assert_eq!(left, b"kept");
    assert_eq!(fs::read_dir(&out).expect("the folder is there").count(), 1);
    assert_eq!(
        fs::read_dir(folder).expect("the folder is there").count(),
        2
    );
    fs::remove_dir_all(&root).expect("it can be deleted");
}

/// Entries, of four bytes each: kind, name, target or content, and mode.
fn made(bytes: &[u8], out: &Path) -> Vec<u8> {
    let name = |byte: u8| {
        NAMES[usize::from(byte) % NAMES.len()].replace("OUT", &out.display().to_string())
    };
    let mut archive = tar::Builder::new(Vec::new());
    for entry in bytes.chunks_exact(4).take(50) {
        let mut header = Header::new_gnu();
        let (path, link) = (name(entry[1]), name(entry[2]));
        let kind = KINDS[usize::from(entry[0]) % KINDS.len()];
        let content = match kind {
            EntryType::Regular => "changed".to_owned(),
            EntryType::XHeader => format!("{} path={link}\n", link.len() + 8),
            EntryType::GNULongName => link.clone(),
            _ => String::new(),
        };
        let old = header.as_old_mut();
        // Longer ones do not fit, and are cut.
        for (field, text) in [(&mut old.name, &path), (&mut old.linkname, &link)] {
            let length = text.len().min(field.len());
            field[..length].copy_from_slice(&text.as_bytes()[..length]);
        }
        header.set_entry_type(kind);
        header.set_mode(u32::from(entry[3]) << 3);
        header.set_size(content.len() as u64);
        header.set_cksum();
        archive.append(&header, content.as_bytes()).expect("memory");
    }
    archive.into_inner().expect("memory")
}

struct InMemory<'a>(&'a [Vec<u8>]);

impl Layers for InMemory<'_> {
    fn open(&self, layer: &Layer) -> Result<Box<dyn Read + '_>, ImageError> {
        let number: usize = layer.place.parse().expect("a number");
        Ok(Box::new(self.0[number].as_slice()))
    }
}
