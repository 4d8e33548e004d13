//! The limit on open files: the host raises its own, and a program gets the limit that it has on Lambda.

use rustix::process::{Resource, getrlimit, setrlimit};

use crate::limits::OPEN_FILES;

/// Raises the host's soft limit on open files to its hard limit. Each environment takes six of the host's files, so the
/// usual soft limit of 1024, which exists for programs that use `select`, would be reached at 170 environments.
pub fn raise_file_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    let _ = setrlimit(Resource::Nofile, limit); // some systems refuse "unlimited"; the limit then stays
}

/// Lowers the limit on open files for the program that is about to inherit it.
pub fn lower_file_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|files| files > OPEN_FILES) {
        limit.current = Some(OPEN_FILES);
        let _ = setrlimit(Resource::Nofile, limit); // a function with too high a limit can still run
    }
}
