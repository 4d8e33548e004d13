//! Recognizes the files that this program's own output is redirected to, as by `nohup` or `> log`.
//!
//! They may lie in a watched folder. Their changes are no changes of a function: otherwise the line about a restart would
//! cause the next one. A file that cannot be examined counts as another file.

use std::fs::{self, File, Metadata};
use std::io::{stderr, stdout};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Whether the standard output or error of this process goes to the file at `path`.
pub fn is_own(path: &Path) -> bool {
    let Ok(file) = fs::metadata(path) else {
        return false;
    };
    let is_same = |about: Metadata| (about.dev(), about.ino()) == (file.dev(), file.ino());
    file.is_file()
        && (examine(&stdout()).is_some_and(is_same) || examine(&stderr()).is_some_and(is_same))
}

fn examine(stream: &impl AsFd) -> Option<Metadata> {
    let copy = stream.as_fd().try_clone_to_owned().ok()?;
    File::from(copy).metadata().ok()
}
