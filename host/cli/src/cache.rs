//! The folder for what this program can make again: compiled plugins, runtime clients.

use std::path::PathBuf;

/// `$XDG_CACHE_HOME/lambkin`, otherwise `~/.cache/lambkin`. `None` if neither variable is set.
pub fn folder() -> Option<PathBuf> {
    let set = |name| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let base = set("XDG_CACHE_HOME")
        .filter(|path| path.is_absolute())
        .or_else(|| Some(set("HOME")?.join(".cache")))?;
    Some(base.join("lambkin"))
}
