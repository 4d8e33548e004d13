//! Files that whoever started the host has left open.
//!
//! A shell, a terminal, an editor or a CI agent may leave files and sockets open above standard error. They are not meant
//! for the host, and even less for functions, which would inherit them through the supervisor: a file that is open can be
//! read and written whatever a sandbox hides.
//!
//! On failure: nothing. Without `close_range`, before Linux 5.11, the files are found one by one.

/// Keeps the files that this process has inherited, other than standard input, output and error, to itself: the processes
/// that it starts do not get them. To be called before anything is opened and before there are threads.
pub fn keep_inherited_files() {
    // Nothing is passed to lambkin this way: it has no socket activation.
    close_fds::set_fds_cloexec(3, &[]);
}
