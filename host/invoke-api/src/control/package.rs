//! What corresponds to a function's deployment package: the program that is started.

use std::fs::{self, File, Metadata};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use lambkin_lambda::Function;
use sha2::{Digest, Sha256};

/// The size of the pieces in which a program is read.
const READ_BYTES: usize = 64 * 1024;

/// The program of a function, if it exists. Its methods block.
#[derive(Debug)]
pub(super) struct Package(Option<(PathBuf, Metadata)>);

impl Package {
    /// The program that would be started now. Blocks.
    pub(super) fn of(function: &Function) -> Self {
        let spec = function.spec();
        let program = spec.check_program().ok();
        Self(program.and_then(|path| {
            let metadata = fs::metadata(&path).ok()?;
            Some((path, metadata))
        }))
    }

    /// The program's size in bytes; 0 without a program.
    pub(super) fn size(&self) -> u64 {
        self.0.as_ref().map_or(0, |(_, metadata)| metadata.len())
    }

    /// The program's modification time; the Unix epoch without a program.
    pub(super) fn modified(&self) -> SystemTime {
        let modified = |(_, metadata): &(PathBuf, Metadata)| metadata.modified().ok();
        self.0.as_ref().and_then(modified).unwrap_or(UNIX_EPOCH)
    }

    /// The SHA-256 in base64, as in `CodeSha256`; without a program that of an empty one.
    pub(super) fn sha256(&self) -> String {
        let mut hash = Sha256::new();
        if let Some((path, _)) = &self.0 {
            let _ = read_into(&mut hash, path); // an unreadable program counts as an empty one
        }
        BASE64.encode(hash.finalize())
    }
}

fn read_into(hash: &mut Sha256, path: &Path) -> io::Result<()> {
    let mut file = BufReader::with_capacity(READ_BYTES, File::open(path)?);
    loop {
        let bytes = file.fill_buf()?;
        let length = bytes.len();
        if length == 0 {
            return Ok(());
        }
        hash.update(bytes);
        file.consume(length);
    }
}
