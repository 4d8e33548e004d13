//! Space on the disk that is given up when the disk is full.
//!
//! On a full disk even receiving and deleting fail, as each is a write: a client could not get out of a disk that is
//! full of its own messages. The host therefore keeps a file of random bytes beside the store. When an operation that
//! does not store anything new finds no space, the file is emptied, and the operation is repeated. From then on the
//! space belongs to such operations: new messages and objects are refused, unless they fit into what others have left
//! in the store's file. When there is space again, the file is made again. An empty file tells the next host that the
//! space was given up.
//!
//! The file is made when the store has been idle for the first time, so that a start does not take longer.
//!
//! On failure to make it, the store works without it, and it is tried again later.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The size of the file in bytes: the write-ahead log can be copied into the store's file, whatever is in it, and some
/// operations more.
const RESERVE_BYTES: usize = 20 << 20;

/// What must be free besides, for the file to be made again.
const FREE_BYTES: usize = RESERVE_BYTES / 2;

/// How long to wait before trying again to make the file.
const RETRY: Duration = Duration::from_secs(10);

/// The reserve of one store.
#[derive(Debug)]
pub(crate) struct Reserve {
    path: PathBuf,
    given_up: bool,
    try_at: Instant,
}

impl Reserve {
    /// The reserve of the store at `path`, which may not exist yet.
    pub(crate) fn of(path: &Path) -> Self {
        let mut name = OsString::from(path);
        name.push(".reserve");
        let path = PathBuf::from(name);
        Self {
            given_up: fs::metadata(&path).is_ok_and(|about| about.len() == 0),
            path,
            try_at: Instant::now(),
        }
    }

    fn exists(&self) -> bool {
        fs::metadata(&self.path).is_ok_and(|about| about.len() >= RESERVE_BYTES as u64)
    }

    /// Whether it was given up and the disk is still full.
    pub(crate) fn is_given_up(&self) -> bool {
        self.given_up
    }

    /// Gives the space up. Returns whether there was any.
    pub(crate) fn give_up(&mut self) -> bool {
        let had = !self.given_up && self.exists() && self.empty().is_ok();
        if had {
            self.given_up = true;
            self.try_at = Instant::now() + RETRY;
            tracing::warn!(
                "the disk of {} is full: the reserve was given up, so that messages can be received and deleted, and \
                 objects deleted; new ones are refused until there is space again",
                self.path.display()
            );
        }
        had
    }

    /// Makes the file if it is missing and there is space for it. Returns whether it is there now.
    pub(crate) fn make(&mut self) -> bool {
        if !self.given_up && self.exists() {
            return true;
        }
        if Instant::now() < self.try_at {
            return false;
        }
        self.try_at = Instant::now() + RETRY;
        if let Err(error) = self.write() {
            let _ = if self.given_up {
                self.empty()
            } else {
                fs::remove_file(&self.path)
            };
            tracing::debug!("no reserve in {}: {error}", self.path.display());
            return false;
        }
        if std::mem::take(&mut self.given_up) {
            tracing::info!(
                "there is space on the disk of {} again",
                self.path.display()
            );
        }
        true
    }

    fn empty(&self) -> io::Result<()> {
        File::options().write(true).open(&self.path)?.set_len(0)
    }

    fn write(&self) -> io::Result<()> {
        let mut options = File::options();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(&self.path)?;
        // Bytes that a file system cannot compress.
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut bytes = Vec::with_capacity(1 << 20);
        while bytes.len() < 1 << 20 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            bytes.extend_from_slice(&state.to_ne_bytes());
        }
        let mut written = 0;
        while written < RESERVE_BYTES + FREE_BYTES {
            file.write_all(&bytes)?;
            written += bytes.len();
        }
        file.set_len(RESERVE_BYTES as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reserve_that_was_given_up_is_made_again_once_there_is_space() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("store.sqlite");
        let size = || {
            let file = folder.path().join("store.sqlite.reserve");
            fs::metadata(file).map(|about| about.len()).ok()
        };
        let whole = Some(RESERVE_BYTES as u64);
        let mut reserve = Reserve::of(&store);
        assert!(!reserve.give_up(), "it was not made yet");
        assert!(reserve.make() && !reserve.is_given_up());
        assert_eq!(size(), whole);
        assert!(reserve.give_up() && reserve.is_given_up());
        assert_eq!(size(), Some(0));
        assert!(!reserve.give_up(), "it was given up before");
        assert!(!reserve.make(), "the disk was full a moment ago");
        // The next host knows of it.
        assert!(Reserve::of(&store).is_given_up());
        reserve.try_at = Instant::now();
        assert!(reserve.make() && !reserve.is_given_up());
        assert_eq!(size(), whole);
        assert!(!Reserve::of(&store).is_given_up());
        // One that was deleted or cut off by hand is made again, too.
        fs::write(&reserve.path, "short").unwrap();
        reserve.try_at = Instant::now();
        assert!(reserve.make());
        assert_eq!(size(), whole);
    }

    #[test]
    fn a_reserve_that_cannot_be_made_leaves_no_part_of_itself_and_is_tried_again() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing");
        let mut reserve = Reserve::of(&missing.join("store.sqlite"));
        assert!(!reserve.make());
        fs::create_dir(&missing).unwrap();
        assert!(!reserve.make(), "too soon");
        reserve.try_at = Instant::now();
        assert!(reserve.make());
    }
}
