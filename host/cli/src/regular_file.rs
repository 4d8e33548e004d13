//! Reading files that users name, unless something else is in their place.
//!
//! Opening a FIFO that no program writes to waits forever, and so does reading a terminal by its path. What is below
//! `/dev` or `/proc` was named on purpose: `/dev/stdin`, or `/dev/fd/63`, which a shell makes of `<(command)`.
//!
//! On failure: what is there instead of a file, the limit that it exceeds, or the error of the file system.

use std::io;
use std::path::Path;

/// The most bytes of a file: of the largest, a plugin or an event, there is room for many in it.
const MAX_BYTES: u64 = 256 * 1024 * 1024;

/// The bytes of a file, of which there may be 256 MiB. Links are followed.
///
/// # Errors
///
/// Those of the file system, or what is there instead of a file and what to do.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    if path.starts_with("/dev") || path.starts_with("/proc") {
        return lambkin_files::read_any(path, MAX_BYTES);
    }
    lambkin_files::read(path, MAX_BYTES)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::Command;

    use super::*;

    #[test]
    fn a_fifo_is_refused_and_files_and_what_is_below_dev_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("fifo");
        assert!(
            Command::new("mkfifo")
                .arg(&fifo)
                .status()
                .unwrap()
                .success()
        );
        let refused = read(&fifo).unwrap_err().to_string();
        assert_eq!(
            refused,
            "it is a FIFO, not a file; move it away, or name a file"
        );
        let file = folder.path().join("file");
        fs::write(&file, "text").unwrap();
        assert_eq!(read(&file).unwrap(), b"text");
        assert_eq!(read(Path::new("/dev/null")).unwrap(), b"");
        assert_eq!(
            read(&folder.path().join("none")).unwrap_err().kind(),
            io::ErrorKind::NotFound
        );
    }

    #[test]
    fn an_endless_device_does_not_fill_the_memory() {
        let refused = read(Path::new("/dev/zero")).unwrap_err().to_string();
        assert!(refused.contains("268435456 bytes"), "{refused}");
    }
}
