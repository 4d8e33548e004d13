//! The folder in which compiled plugins are kept between runs.
//!
//! What lies in it is machine code that the host loads and runs: whoever can write there can run code as this user.
//! So the folder is created for its owner alone, and one that somebody else owns or may write to is refused, with
//! the command that mends it. Without a folder every start compiles anew, some 50 ms for a plugin in Rust.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::Path;

use wasmtime::{Cache, CacheConfig};

use crate::error::HostError;

/// Write permission for the group and for others.
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// Opens the folder, creating it and its parents with mode 0700 if need be.
pub(crate) fn open(folder: &Path) -> Result<Cache, HostError> {
    let refuse = |reason: String| HostError::Cache {
        path: folder.to_owned(),
        reason,
    };
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| refuse(format!("the folder can not be created: {error}")))?;
    // The path without links, so that what is checked is what is used.
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
             folder of one's own, so name another one"
        ));
    }
    if metadata.mode() & WRITABLE_BY_OTHERS != 0 {
        return Err(format!(
            "others may write to it (mode {:o}), and whoever can do so can run code here; mend it with: chmod go-w {}",
            metadata.mode() & 0o7777,
            folder.display(),
        ));
    }
    Ok(())
}
