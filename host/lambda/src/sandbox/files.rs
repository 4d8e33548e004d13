//! How many files may be open: the host takes what it can get, a bootstrap gets what it has on Lambda.

use rustix::process::{Resource, getrlimit, setrlimit};

use crate::limits::BOOTSTRAP_FILES;

/// Raises this process's soft limit to its hard one. An environment takes the host six files, and the usual soft limit
/// of 1024, which is there for programs older than `poll`, would be reached at 170 environments.
pub fn raise_file_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // Some systems refuse "unlimited"; then it stays as it is.
    let _refused = setrlimit(Resource::Nofile, limit);
}

/// Lowers it for the bootstrap that is about to inherit it.
pub(super) fn limit_files() {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|files| files > BOOTSTRAP_FILES) {
        limit.current = Some(BOOTSTRAP_FILES);
        // A function with too high a limit is no reason not to start it.
        let _refused = setrlimit(Resource::Nofile, limit);
    }
}
