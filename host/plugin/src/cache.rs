//! The folder in which compiled plugins are kept between runs.
//!
//! The folder contains machine code that the host loads and runs, so anyone who can write to it can run code as this
//! user. It is therefore created for its owner alone. A folder that belongs to another user, or that others may write
//! to, is refused with the command that corrects it.
//!
//! An entry is a file that is named after everything its code depends on ([`key`]), and ends with a checksum: one
//! flipped bit in machine code can do anything. An entry that is damaged, incomplete or not this user's is removed and
//! made again. Files are not synchronised with the disk: what a power cut leaves of them is noticed in the same way.
//! A new entry is written to a temporary file and renamed, so that every reader sees all of it or none. The entries
//! that were not used for longest are removed when all together exceed [`limits::CACHE_BYTES`].
//!
//! Without a folder, or if nothing can be written to it, each start compiles the plugins again, which takes about 50 ms
//! for a plugin in Rust.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::hash::{Hash, Hasher};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crc_fast::CrcAlgorithm;
use rustix::fs::OFlags;
use sha2::{Digest, Sha256};
use wasmtime::Engine;

use crate::error::HostError;
use crate::limits;

/// Write permission for the group and for others.
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// The extension of an entry.
const ENTRY: &str = "code";

/// The extension of a file that is being written.
const UNFINISHED: &str = "part";

/// The age after which an unfinished file no longer belongs to a running compiler.
const ABANDONED: Duration = Duration::from_secs(3600);

/// The name of the code that this engine makes of a component. Another version of the compiler, another setting or
/// another processor gives another name. `digest` is the component's; see [`digest`].
pub(crate) fn key(engine: &Engine, digest: &str) -> String {
    let mut hasher = Sha256Hasher(Sha256::new());
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.0.update(digest.as_bytes());
    format!("{:x}", hasher.0.finalize())
}

/// SHA-256 of a component, in hexadecimal.
pub(crate) fn digest(component: &[u8]) -> String {
    format!("{:x}", Sha256::digest(component))
}

/// Passes what [`Hash`] writes to SHA-256.
struct Sha256Hasher(Sha256);

impl Hasher for Sha256Hasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Not used: the whole digest is.
    fn finish(&self) -> u64 {
        0
    }
}

/// A folder that can be trusted.
#[derive(Debug, Clone)]
pub(crate) struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// Opens the folder. Creates it and its parents with mode 0700 if they do not exist. `None`, with a warning, if
    /// the system does not let it be created; an error if it must not be trusted.
    pub(crate) fn open(folder: &Path) -> Result<Option<Self>, HostError> {
        let refuse = |reason: String| HostError::Cache {
            path: folder.to_owned(),
            reason,
        };
        let created = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        match created {
            Ok(()) => {}
            Err(error) if is_a_mistake(&error) => {
                return Err(refuse(format!("the folder cannot be created: {error}")));
            }
            Err(error) => {
                tracing::warn!(
                    "compiled plugins are not kept, so that every start compiles them: the folder {} cannot be \
                     created: {error}; choose another one with --cache-dir",
                    folder.display()
                );
                return Ok(None);
            }
        }
        // The path without symbolic links, so that the folder that is checked is the one that is used.
        let real = fs::canonicalize(folder).map_err(|error| refuse(error.to_string()))?;
        check(&real).map_err(&refuse)?;
        Ok(Some(Self::at(real)))
    }

    /// A folder that [`open`](Self::open) has checked.
    pub(crate) fn at(folder: PathBuf) -> Self {
        Self { folder }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The code with this key. An entry that cannot be used is removed, with a warning, and counts as missing.
    pub(crate) fn read(&self, key: &str) -> Option<Vec<u8>> {
        let path = self.entry(key);
        let reason = match read_entry(&path, key) {
            Ok(code) => return Some(code),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(reason) => reason,
        };
        tracing::warn!(
            "compiled code of a plugin is not used and is made again: {}: {reason}",
            path.display()
        );
        // What cannot be removed is replaced, or the next warning says so.
        let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir(&path));
        None
    }

    /// Adds an entry.
    pub(crate) fn write(&self, key: &str, code: &[u8]) -> io::Result<()> {
        let created = lambkin_files::create_temporary(&self.folder, key, UNFINISHED, 0o600);
        let written = created.and_then(|(unfinished, file)| {
            let written = write_entry(file, key, code)
                .and_then(|()| fs::rename(&unfinished, self.entry(key)));
            if written.is_err() {
                let _ = fs::remove_file(&unfinished); // the first error is the one to tell
            }
            written
        });
        self.make_room();
        written
    }

    fn entry(&self, key: &str) -> PathBuf {
        self.folder.join(format!("{key}.{ENTRY}"))
    }

    /// Removes the entries that were used longest ago until the others are within the limit, and unfinished files that
    /// a killed compiler has left. Another process may do the same: what is gone already is no error.
    fn make_room(&self) {
        let now = SystemTime::now();
        let mut entries = Vec::new();
        for file in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let path = file.path();
            let Ok(metadata) = file.metadata() else {
                continue;
            };
            let used = metadata.modified().unwrap_or(now);
            match path.extension().and_then(|extension| extension.to_str()) {
                Some(ENTRY) => entries.push((used, metadata.len(), path)),
                Some(UNFINISHED) if now.duration_since(used).is_ok_and(|age| age > ABANDONED) => {
                    let _ = fs::remove_file(path);
                }
                _ => {}
            }
        }
        entries.sort();
        let mut total: u64 = entries.iter().map(|(_, size, _)| size).sum();
        for (_, size, path) in entries {
            if total <= limits::CACHE_BYTES {
                return;
            }
            let _ = fs::remove_file(path);
            total -= size;
        }
    }
}

/// Whether the folder cannot be created because of what it is, rather than because of the system's state.
fn is_a_mistake(error: &io::Error) -> bool {
    use io::ErrorKind::{AlreadyExists, InvalidFilename, InvalidInput, NotADirectory};
    matches!(
        error.kind(),
        AlreadyExists | InvalidFilename | InvalidInput | NotADirectory
    )
}

fn check(folder: &Path) -> Result<(), String> {
    let metadata = fs::metadata(folder).map_err(|error| error.to_string())?;
    let (owner, user) = (metadata.uid(), rustix::process::geteuid().as_raw());
    if owner != user {
        return Err(format!(
            "it belongs to user {owner}, and this process runs as user {user}; compiled code is only trusted from a \
             folder of the user's own, so choose another folder"
        ));
    }
    if metadata.mode() & WRITABLE_BY_OTHERS != 0 {
        return Err(format!(
            "others may write to it (mode {:o}), and anyone who can write to it can run code here; correct it with: \
             chmod go-w {}",
            metadata.mode() & 0o7777,
            folder.display(),
        ));
    }
    Ok(())
}

/// Reads an entry that this user wrote and nothing has changed since.
fn read_entry(path: &Path, key: &str) -> io::Result<Vec<u8>> {
    let damaged = |reason| io::Error::new(io::ErrorKind::InvalidData, reason);
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK; // no other file, and no wait for the writer of a FIFO
    let mut file = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(damaged("it is not a file"));
    }
    let user = rustix::process::geteuid().as_raw();
    if metadata.uid() != user || metadata.mode() & WRITABLE_BY_OTHERS != 0 {
        return Err(damaged("others may have written it"));
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let Some((code, sum)) = bytes.split_last_chunk() else {
        return Err(damaged("it is incomplete"));
    };
    if u64::from_le_bytes(*sum) != checksum(key, code) {
        return Err(damaged("its checksum is wrong"));
    }
    let length = code.len();
    bytes.truncate(length);
    // The time of the last use, for `make_room`.
    let _ = file.set_modified(SystemTime::now());
    Ok(bytes)
}

fn write_entry(mut file: File, key: &str, code: &[u8]) -> io::Result<()> {
    file.write_all(code)?;
    file.write_all(&checksum(key, code).to_le_bytes())
}

/// Detects damage, and an entry under the name of another; not forgery: a program that can forge an entry can also
/// replace this one. A cryptographic hash would take ten times as long, at every start.
fn checksum(key: &str, code: &[u8]) -> u64 {
    let mut digest = crc_fast::Digest::new(CrcAlgorithm::Crc64Nvme);
    digest.update(key.as_bytes());
    digest.update(code);
    digest.finalize()
}
