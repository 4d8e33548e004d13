//! The runtime clients, which are part of this program and written to the user's cache where interpreters find them.

use std::fs;
use std::hash::{Hash, Hasher};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

macro_rules! clients {
    ($($name:literal),* $(,)?) => {
        /// The files of the clients.
        const FILES: &[(&str, &[u8])] = &[$(($name, include_bytes!(concat!("../", $name)))),*];
    };
}

clients![
    "node/client.mjs",
    "node/invoke.mjs",
    "node/log.mjs",
    "node/node-path.mjs",
    "node/runtime-api.mjs",
    "node/settings.mjs",
    "python/bootstrap.py",
    "python/lambkin_values.py",
    "python/start.py",
    "ruby/client.rb",
];

/// Writes the clients into a folder below `cache`, unless they are there. Returns the folder, which is named after what
/// it contains, so that hosts of different versions do not disturb each other.
pub(crate) fn install(cache: &Path) -> io::Result<PathBuf> {
    let mut hasher = std::hash::DefaultHasher::new();
    FILES.hash(&mut hasher);
    let folder = cache.join(format!("rt-{:016x}", hasher.finish()));
    for (name, content) in FILES {
        let file = folder.join(name);
        // Each file is compared: programs that clean caches delete some of them.
        if fs::read(&file).is_ok_and(|found| found == *content) {
            continue;
        }
        write(&file, content)?;
    }
    Ok(folder)
}

/// Writes a file that others may read meanwhile, in a folder that is created for this user alone.
pub(crate) fn write(file: &Path, content: &[u8]) -> io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("/"));
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true).mode(0o700).create(folder)?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let partial = folder.join(format!(
        ".{name}.{}-{:?}",
        std::process::id(),
        std::thread::current().id()
    ));
    fs::write(&partial, content)?;
    fs::rename(&partial, file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_written_once_and_repaired() {
        let cache = tempfile::tempdir().unwrap();
        let folder = install(cache.path()).unwrap();
        let file = folder.join("node/client.mjs");
        let modified = fs::metadata(&file).unwrap().modified().unwrap();
        assert_eq!(install(cache.path()).unwrap(), folder);
        assert_eq!(fs::metadata(&file).unwrap().modified().unwrap(), modified);
        fs::write(&file, "half").unwrap();
        install(cache.path()).unwrap();
        assert_ne!(fs::read(&file).unwrap(), b"half");
    }

    #[test]
    fn every_file_of_the_clients_is_embedded() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        for language in ["node", "python", "ruby"] {
            for entry in fs::read_dir(root.join(language)).unwrap().flatten() {
                let name = format!("{language}/{}", entry.file_name().to_string_lossy());
                let is_embedded = FILES.iter().any(|(file, _)| *file == name);
                assert!(is_embedded || entry.path().is_dir(), "{name}");
            }
        }
    }
}
