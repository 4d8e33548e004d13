//! Reading files that users name, unless something else is in their place.
//!
//! Opening a FIFO that no program writes to waits forever, and so does reading a terminal by its path. What is below
//! `/dev` or `/proc` was named on purpose: `/dev/stdin`, or `/dev/fd/63`, which a shell makes of `<(command)`.

use std::fs;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

/// The bytes of a file. Links are followed.
///
/// # Errors
///
/// Those of the file system, or what is there instead of a file and what to do.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    check(path)?;
    fs::read(path)
}

fn check(path: &Path) -> io::Result<()> {
    if path.starts_with("/dev") || path.starts_with("/proc") {
        return Ok(());
    }
    let kind = fs::metadata(path)?.file_type();
    let what = if kind.is_dir() {
        "a folder"
    } else if kind.is_fifo() {
        "a FIFO"
    } else if kind.is_socket() {
        "a socket"
    } else if kind.is_char_device() || kind.is_block_device() {
        "a device"
    } else {
        return Ok(());
    };
    Err(io::Error::other(format!(
        "it is {what}, not a file; move it away, or name a file"
    )))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_fifo_is_refused_and_files_and_standard_input_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("fifo");
        assert!(
            Command::new("mkfifo")
                .arg(&fifo)
                .status()
                .unwrap()
                .success()
        );
        let refused = check(&fifo).unwrap_err().to_string();
        assert_eq!(
            refused,
            "it is a FIFO, not a file; move it away, or name a file"
        );
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        check(&file).unwrap();
        check(Path::new("/dev/stdin")).unwrap();
        assert_eq!(
            check(&folder.path().join("none")).unwrap_err().kind(),
            io::ErrorKind::NotFound
        );
    }
}
