//! What AWS would call a function's deployment package: here the program that is started.

use std::fs::{self, File, Metadata};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest, Sha256};

use crate::function::Function;

/// A program is read in pieces of this size.
const READ_BYTES: usize = 64 * 1024;

/// The program of a function, if there is one now. Reading it blocks.
#[derive(Debug)]
pub(super) struct Package(Option<(PathBuf, Metadata)>);

pub(super) fn of(function: &Function) -> Package {
    let spec = function.spec();
    let program = spec.code.check(&spec.layers).ok();
    Package(program.and_then(|path| {
        let metadata = fs::metadata(&path).ok()?;
        Some((path, metadata))
    }))
}

impl Package {
    /// In bytes; 0 without a program.
    pub(super) fn size(&self) -> u64 {
        self.0.as_ref().map_or(0, |(_, metadata)| metadata.len())
    }

    /// When the program was changed last.
    pub(super) fn modified(&self) -> SystemTime {
        let modified = |(_, metadata): &(PathBuf, Metadata)| metadata.modified().ok();
        self.0.as_ref().and_then(modified).unwrap_or(UNIX_EPOCH)
    }

    /// The checksum in base64, as in `CodeSha256`; that of no bytes without a program.
    pub(super) fn sha256(&self) -> String {
        let mut hash = Sha256::new();
        if let Some((path, _)) = &self.0 {
            // A program that can not be read is not there as far as its checksum is concerned.
            let _unreadable = read_into(&mut hash, path);
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
