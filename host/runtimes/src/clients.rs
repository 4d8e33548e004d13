//! The runtime clients, which are part of this program and written to the user's cache where interpreters find them.

use std::fs;
use std::hash::{Hash, Hasher};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

macro_rules! clients {
    ($($name:literal),* $(,)?) => {
        /// The files of the clients.
        const FILES: &[(&str, &[u8])] = &[$(($name, include_bytes!(concat!("../", $name)))),*];
    };
}

clients![
    "node/client.cjs",
    "node/explain.cjs",
    "node/invoke.cjs",
    "node/log.cjs",
    "node/node-path.cjs",
    "node/runtime-api.cjs",
    "node/settings.cjs",
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
    open_folders(&folder)?;
    for (name, content) in FILES {
        let file = folder.join(name);
        // Each file is compared: programs that clean caches delete some of them.
        if fs::read(&file).is_ok_and(|found| found == *content) {
            continue;
        }
        write(&file, content)?;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644))?;
    }
    Ok(folder)
}

/// Creates the folders of the clients such that a function can read them that runs as another user, in a sandbox. The
/// cache itself is this user's alone.
fn open_folders(folder: &Path) -> io::Result<()> {
    for (name, _) in FILES {
        let below = folder.join(name);
        for folder in [Some(folder), below.parent()].into_iter().flatten() {
            let found = fs::metadata(folder).ok();
            if found.is_some_and(|found| found.permissions().mode() & 0o777 == 0o755) {
                continue;
            }
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder)?;
            fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?;
        }
    }
    Ok(())
}

/// Writes a file that others may read meanwhile, in a folder that is created for this user alone.
pub(crate) fn write(file: &Path, content: &[u8]) -> io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("/"));
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true).mode(0o700).create(folder)?;
    lambkin_files::replace(file, content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_written_once_and_repaired() {
        let cache = tempfile::tempdir().unwrap();
        let folder = install(cache.path()).unwrap();
        let file = folder.join("node/client.cjs");
        let modified = fs::metadata(&file).unwrap().modified().unwrap();
        assert_eq!(install(cache.path()).unwrap(), folder);
        assert_eq!(fs::metadata(&file).unwrap().modified().unwrap(), modified);
        fs::write(&file, "half").unwrap();
        install(cache.path()).unwrap();
        assert_ne!(fs::read(&file).unwrap(), b"half");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&file), 0o644);
        assert_eq!(mode(file.parent().unwrap()), 0o755);
        assert_eq!(mode(&folder), 0o755);
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
