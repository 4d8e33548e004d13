//! The folder in which compiled plugins are kept between runs.
//!
//! The folder contains machine code that the host loads and runs, so anyone who can write to it can run code as this
//! user. It is therefore created for its owner alone. A folder that belongs to another user, or that others may write
//! to, is refused with the command that corrects it. Without a folder, each start compiles the plugins again, which
//! takes about 50 ms for a plugin in Rust.
//!
//! **Digests.** The engine would run whatever an entry contains, and a flipped bit ends in a crash or a wrong result.
//! Each entry therefore ends with the SHA-256 of what is before it, as a *skippable frame* of the Zstandard format in
//! which the engine writes entries, so that the engine still reads them. An entry is compared with its digest before
//! the engine sees it. One that differs, was cut off, belongs to another user or is no regular file is deleted with a
//! warning, and the plugin is compiled again. (For the plugin of S3, 0.8 MB, the comparison takes 0.4 of the 15 ms that
//! loading it from the folder takes.) Files are not synchronised with the disk: what a power cut leaves of
//! them is found in the same way.

use std::fs::{self, DirBuilder, File, Metadata};
use std::hash::{Hash, Hasher};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use wasmtime::{Cache, CacheConfig, Engine};

use crate::error::HostError;

/// Write permission for the group and for others.
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// The folder of entries with digests, below the folder that the user has named.
const ENTRIES: &str = "digested";

/// The file that is locked while an entry may be without its digest.
const LOCK: &str = "lock";

/// The length of a SHA-256 in bytes.
const DIGEST: usize = 32;

/// The start of the frame with the digest: the magic number of a skippable frame of Zstandard (one of sixteen), and
/// the length of its content, both in little-endian.
const FRAME: [u8; 8] = [0x5c, 0x2a, 0x4d, 0x18, DIGEST as u8, 0, 0, 0];

/// The open folder.
#[derive(Debug, Clone)]
pub(crate) struct CodeCache {
    folder: PathBuf,
    /// The engine's access to it.
    pub engine: Cache,
}

impl CodeCache {
    /// Opens the folder. Creates it and its parents with mode 0700 if they do not exist.
    pub(crate) fn open(folder: &Path) -> Result<Self, HostError> {
        let refuse = |reason: String| HostError::Cache {
            path: folder.to_owned(),
            reason,
        };
        let create = |folder: &Path| {
            let created = DirBuilder::new().recursive(true).mode(0o700).create(folder);
            created.map_err(|error| refuse(format!("the folder cannot be created: {error}")))
        };
        create(folder)?;
        // The path without symbolic links, so that the folder that is checked is the one that is used.
        let real = fs::canonicalize(folder).map_err(|error| refuse(error.to_string()))?;
        check(&real).map_err(&refuse)?;
        let real = real.join(ENTRIES);
        create(&real)?;
        let real = fs::canonicalize(&real).map_err(|error| refuse(error.to_string()))?;
        check(&real).map_err(&refuse)?;
        let mut config = CacheConfig::new();
        config
            .with_directory(&real)
            // The engine does not compress entries again, which would remove their digests.
            .with_optimized_compression_usage_counter_threshold(u64::MAX);
        let engine = Cache::new(config).map_err(|error| refuse(format!("{error:#}")))?;
        Ok(Self {
            folder: real,
            engine,
        })
    }

    /// Has `compile` compile a component with the engine, which takes its code from the folder if it is there. `name`
    /// is the plugin's name, for warnings.
    ///
    /// # Errors
    ///
    /// That of `compile`, or that a damaged entry cannot be deleted.
    pub(crate) fn compile<T>(
        &self,
        name: &str,
        engine: &Engine,
        component: &[u8],
        compile: impl FnOnce() -> wasmtime::Result<T>,
    ) -> wasmtime::Result<T> {
        let entry = entry_name(engine, component);
        if self.verify(name, &entry)? {
            return compile();
        }
        let lock = self.lock().and_then(|lock| {
            lock.lock_shared()?;
            Ok(lock)
        });
        let compiled = compile()?;
        if let Err(error) = self.seal(&entry) {
            tracing::debug!(plugin = name, "its compiled code is not kept: {error}");
        }
        drop(lock); // without a lock another host may give a warning too many
        Ok(compiled)
    }

    /// Whether there is an entry with the right digest. Any other entry is deleted.
    fn verify(&self, name: &str, entry: &str) -> wasmtime::Result<bool> {
        let Some(path) = self.find(entry) else {
            return Ok(false);
        };
        let Err(reason) = read(&path).and_then(|bytes| content(&bytes).map(drop)) else {
            return Ok(true);
        };
        let deleted = match fs::symlink_metadata(&path) {
            Ok(about) if about.is_dir() => fs::remove_dir_all(&path),
            _ => fs::remove_file(&path),
        };
        let path = path.display();
        match deleted {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(wasmtime::Error::msg(format!(
                    "the file {path} of its compiled code cannot be used ({reason}) and cannot be deleted ({error}); \
                     delete it"
                )));
            }
            _ => {}
        }
        if self.lock().is_ok_and(|lock| lock.try_lock().is_ok()) {
            tracing::warn!(
                plugin = name,
                "its compiled code in {path} cannot be used and was deleted: {reason}; it is compiled again"
            );
        } else {
            // Another host is compiling, and has perhaps not added the digest yet.
            tracing::debug!(
                plugin = name,
                "its compiled code is compiled again: {reason}"
            );
        }
        Ok(false)
    }

    /// Adds the digest to an entry that the engine has written.
    fn seal(&self, entry: &str) -> io::Result<()> {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        let path = self.find(entry).ok_or(io::ErrorKind::NotFound)?;
        let mut bytes = read(&path).map_err(io::Error::other)?;
        if content(&bytes).is_ok() {
            return Ok(()); // another host was faster
        }
        let digest = Sha256::digest(&bytes);
        bytes.extend_from_slice(&FRAME);
        bytes.extend_from_slice(&digest);
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let new = path.with_extension(format!("digest-{}-{number}", process::id()));
        let options = File::options()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&new);
        let written = options
            .and_then(|mut file| file.write_all(&bytes))
            .and_then(|()| fs::rename(&new, &path));
        if written.is_err() {
            let _ = fs::remove_file(&new); // the engine deletes unknown files in time
            // Without a digest it would be reported as damaged.
            fs::remove_file(&path)?;
        }
        written
    }

    /// The path of an entry, if it exists. The engine has a folder for each of its versions.
    fn find(&self, entry: &str) -> Option<PathBuf> {
        let folders = fs::read_dir(self.folder.join("modules")).ok()?;
        let mut paths = folders.flatten().map(|folder| folder.path().join(entry));
        paths.find(|path| fs::symlink_metadata(path).is_ok())
    }

    fn lock(&self) -> io::Result<File> {
        let path = self.folder.join(LOCK);
        let mut options = File::options();
        options.create(true).truncate(false).write(true).mode(0o600);
        options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
        options.open(path)
    }
}

/// The name of a component's entry, which the engine derives in the same way. It is a hash of the engine's settings
/// and the bytes, so that an entry can only be found by what it was compiled from.
fn entry_name(engine: &Engine, component: &[u8]) -> String {
    struct Bytes(Sha256);
    impl Hasher for Bytes {
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }

        fn finish(&self) -> u64 {
            0 // unused
        }
    }
    let mut bytes = Bytes(Sha256::new());
    let (debug_package, intrinsics) = (None::<&[u8]>, None::<&str>);
    let compiled_from = (
        engine.precompile_compatibility_hash(),
        component,
        debug_package,
        intrinsics,
    );
    compiled_from.hash(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes.0.finalize())
}

/// Reads an entry, if it is a regular file of this user.
fn read(path: &Path) -> Result<Vec<u8>, String> {
    let failed = |error: io::Error| format!("it cannot be read: {error}");
    let about = fs::symlink_metadata(path).map_err(failed)?;
    check_file(&about)?;
    let mut bytes = Vec::with_capacity(about.len() as usize);
    let mut file = File::open(path).map_err(failed)?;
    check_file(&file.metadata().map_err(failed)?)?;
    file.read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

fn check_file(about: &Metadata) -> Result<(), String> {
    let (owner, user) = (about.uid(), user());
    if !about.is_file() {
        return Err("it is not a regular file".to_owned());
    }
    if owner != user {
        return Err(format!("it belongs to user {owner} instead of {user}"));
    }
    if about.mode() & WRITABLE_BY_OTHERS != 0 {
        return Err("others may write to it".to_owned());
    }
    Ok(())
}

/// The bytes of an entry before its digest, if the digest is right.
fn content(entry: &[u8]) -> Result<&[u8], String> {
    let end = entry.len().checked_sub(FRAME.len() + DIGEST);
    let parts = end.and_then(|end| entry.split_at_checked(end));
    let (content, frame) = parts.ok_or_else(|| format!("it has only {} bytes", entry.len()))?;
    match frame.strip_prefix(&FRAME) {
        None => Err("it does not end with its digest".to_owned()),
        Some(digest) if *digest == *Sha256::digest(content) => Ok(content),
        Some(_) => Err("its bytes have changed".to_owned()),
    }
}

fn user() -> u32 {
    rustix::process::geteuid().as_raw()
}

fn check(folder: &Path) -> Result<(), String> {
    let metadata = fs::metadata(folder).map_err(|error| error.to_string())?;
    let (owner, user) = (metadata.uid(), user());
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

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use wasmtime::component::Component;

    use super::*;

    /// Everything logged, as text.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Compiles an empty component and returns its entry and what was logged.
    fn compile(cache: &CodeCache) -> (PathBuf, String) {
        let engine = crate::engine::start(Some(cache.engine.clone())).unwrap();
        let bytes = wat::parse_str("(component)").unwrap();
        let log = Log::default();
        let sink = log.clone();
        let subscriber = tracing_subscriber::fmt().with_writer(move || sink.clone());
        let subscriber = subscriber.without_time().with_ansi(false).finish();
        tracing::subscriber::with_default(subscriber, || {
            let work = || Component::from_binary(&engine, &bytes);
            cache.compile("p.wasm", &engine, &bytes, work).unwrap();
        });
        let entry = cache.find(&entry_name(&engine, &bytes));
        let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        (
            entry.expect("the engine names its entries differently"),
            log,
        )
    }

    #[test]
    fn a_damaged_entry_is_replaced_with_a_warning_and_an_intact_one_is_used() {
        let folder = tempfile::tempdir().unwrap();
        let cache = CodeCache::open(folder.path()).unwrap();
        let (entry, log) = compile(&cache);
        assert_eq!(log, "");
        let intact = fs::read(&entry).unwrap();
        assert!(content(&intact).is_ok());
        assert_eq!(
            (cache.engine.cache_hits(), compile(&cache).1),
            (0, String::new())
        );
        assert_eq!(cache.engine.cache_hits(), 1);
        for (damaged, reason) in [
            (Vec::new(), "it has only 0 bytes"),
            (intact[1..].to_vec(), "its bytes have changed"),
            (
                intact[..intact.len() - 1].to_vec(),
                "it does not end with its digest",
            ),
        ] {
            fs::write(&entry, damaged).unwrap();
            let (_, log) = compile(&cache);
            for part in ["WARN", "p.wasm", reason, "it is compiled again"] {
                assert!(log.contains(part), "{part}: {log}");
            }
            assert!(fs::read(&entry).unwrap() == intact);
        }
        assert_eq!(cache.engine.cache_hits(), 1);
    }

    #[test]
    fn an_entry_that_another_host_is_writing_is_no_reason_for_a_warning() {
        let folder = tempfile::tempdir().unwrap();
        let cache = CodeCache::open(folder.path()).unwrap();
        let (entry, _) = compile(&cache);
        let intact = fs::read(&entry).unwrap();
        fs::write(&entry, content(&intact).unwrap()).unwrap();
        let other = cache.lock().unwrap();
        other.lock_shared().unwrap();
        assert_eq!(compile(&cache).1, "");
        assert!(fs::read(&entry).unwrap() == intact);
    }
}
