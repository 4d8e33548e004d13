//! The folder in which compiled plugins are kept between runs.
//!
//! The folder contains machine code that the host loads and runs, so anyone who can write to it can run code as this
//! user. It is therefore created for its owner alone. A folder that belongs to another user, or that others may write
//! to, is refused with the command that corrects it. Without a folder, each start compiles the plugins again, which
//! takes about 50 ms for a plugin in Rust.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::Path;

use wasmtime::{Cache, CacheConfig};

use crate::error::HostError;

/// Write permission for the group and for others.
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// Opens the folder. Creates it and its parents with mode 0700 if they do not exist.
pub(crate) fn open(folder: &Path) -> Result<Cache, HostError> {
    let refuse = |reason: String| HostError::Cache {
        path: folder.to_owned(),
        reason,
    };
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| refuse(format!("the folder cannot be created: {error}")))?;
    // The path without symbolic links, so that the folder that is checked is the one that is used.
    let real = fs::canonicalize(folder).map_err(|error| refuse(error.to_string()))?;
    check(&real).map_err(&refuse)?;
    let mut config = CacheConfig::new();
    config.with_directory(real);
    Cache::new(config).map_err(|error| refuse(format!("{error:#}")))
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
