//! What corresponds to a function's deployment package: the program that is started, or the container image.

use std::fs::{self, File, Metadata};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use lambkin_lambda::{Entry, Function, Image};
use sha2::{Digest, Sha256};

/// The size of the pieces in which a program is read.
const READ_BYTES: usize = 64 * 1024;

/// The package of a function. Its methods block.
#[derive(Debug)]
pub(super) enum Package {
    /// The program, if it exists.
    Program(Option<(PathBuf, Metadata)>),
    /// A container image.
    Image(Arc<Image>),
}

impl Package {
    /// The program that would be started now. Blocks.
    pub(super) fn of(function: &Function) -> Self {
        let spec = function.spec();
        if let Entry::Image(image) = &spec.code.entry {
            return Self::Image(image.get());
        }
        let program = spec.check_program().ok();
        Self::Program(program.and_then(|path| {
            let metadata = fs::metadata(&path).ok()?;
            Some((path, metadata))
        }))
    }

    /// The image, if the package is one.
    pub(super) fn image(&self) -> Option<&Image> {
        match self {
            Self::Image(image) => Some(image),
            Self::Program(_) => None,
        }
    }

    /// The program's size in bytes; 0 without a program, and for an image, as on AWS.
    pub(super) fn size(&self) -> u64 {
        match self {
            Self::Program(Some((_, metadata))) => metadata.len(),
            Self::Program(None) | Self::Image(_) => 0,
        }
    }

    /// The modification time of the program, or of the folder with the image's files; the Unix epoch without a program.
    pub(super) fn modified(&self) -> SystemTime {
        let modified = match self {
            Self::Program(program) => program
                .as_ref()
                .and_then(|(_, metadata)| metadata.modified().ok()),
            Self::Image(image) => fs::metadata(&image.root)
                .and_then(|metadata| metadata.modified())
                .ok(),
        };
        modified.unwrap_or(UNIX_EPOCH)
    }

    /// What `CodeSha256` has: the SHA-256 in base64, without a program that of an empty one; for an image, the digits
    /// of its digest.
    pub(super) fn sha256(&self) -> String {
        let program = match self {
            Self::Program(program) => program,
            Self::Image(image) => {
                let digits = image.digest.split_once(':').map(|(_, digits)| digits);
                return digits.unwrap_or(&image.digest).to_owned();
            }
        };
        let mut hash = Sha256::new();
        if let Some((path, _)) = program {
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
