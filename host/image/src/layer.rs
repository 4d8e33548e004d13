//! The content of a layer: decompressed, limited in size, and compared with its digests.
//!
//! Which compression a layer has is found out from its first bytes, because media types are often wrong.

use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Read};

use crate::digest::{Digest, Hashing};
use crate::entries;
use crate::error::ImageError;
use crate::layout::damaged;
use crate::limits;

/// What is left of the limits of an image, for all layers that are still to come.
#[derive(Debug)]
pub(crate) struct Budget {
    bytes: Cell<u64>,
    entries: Cell<u64>,
    limit: u64,
}

impl Budget {
    pub(crate) fn new() -> Self {
        Self::of(limits::UNPACKED_BYTES, limits::ENTRIES)
    }

    pub(crate) fn of(bytes: u64, entries: u64) -> Self {
        Self {
            bytes: Cell::new(bytes),
            entries: Cell::new(entries),
            limit: bytes,
        }
    }

    /// Counts an entry.
    pub(crate) fn take_entry(&self) -> Result<(), ImageError> {
        let left = self.entries.get().checked_sub(1).ok_or_else(|| {
            ImageError::new(format!(
                "the image has more than {} files, folders and links, which is the limit",
                limits::ENTRIES
            ))
        })?;
        self.entries.set(left);
        Ok(())
    }

    fn exceeded(&self) -> ImageError {
        ImageError::new(format!(
            "the image unpacks to more than {} bytes, which is the limit, as on AWS; make it smaller",
            self.limit
        ))
    }
}

/// Reads at most what is left of the budget, and then fails.
struct Limited<'a, R> {
    inner: R,
    budget: &'a Budget,
    is_exceeded: &'a Cell<bool>,
}

impl<R: Read> Read for Limited<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        let left = self.budget.bytes.get().checked_sub(length as u64);
        self.budget.bytes.set(left.unwrap_or(0));
        if left.is_none() {
            self.is_exceeded.set(true);
            return Err(io::Error::other("too large"));
        }
        Ok(length)
    }
}

/// Passes the entries of a layer to a function, and then compares the digests: of the layer as it is stored, if that is
/// known, and of its content. What the function has made of the entries is to be thrown away if this fails.
pub(crate) fn read<R: Read>(
    stored: R,
    stored_digest: Option<Digest>,
    content_digest: Digest,
    budget: &Budget,
    each: impl FnMut(entries::Entry<'_, &mut dyn Read>) -> Result<(), ImageError>,
) -> Result<(), ImageError> {
    let is_exceeded = Cell::new(false);
    let mut stored = Hashing::new(stored);
    let found = {
        let plain = decompressed(BufReader::with_capacity(64 * 1024, &mut stored))?;
        let mut plain = Hashing::new(Limited {
            inner: plain,
            budget,
            is_exceeded: &is_exceeded,
        });
        let source: &mut dyn Read = &mut plain;
        let mut archive = tar::Archive::new(source);
        let result = entries::of(&mut archive).and_then(|all| entries::for_each(all, each));
        let result = result.and_then(|()| {
            // An archive can be followed by anything; the digest is of all of it.
            let digest = plain.finish();
            digest.map_err(|error| entries::unreadable(&error))
        });
        if is_exceeded.get() {
            return Err(budget.exceeded());
        }
        result
    };
    let rest = stored.finish();
    // A layer that is damaged is mostly not a valid archive either, but that is not the reason.
    if let (Some(expected), Ok(stored)) = (stored_digest, &rest)
        && expected != *stored
    {
        return Err(damaged(expected, *stored));
    }
    let found = found?;
    rest.map_err(|error| entries::unreadable(&error))?;
    if found != content_digest {
        return Err(damaged(content_digest, found));
    }
    Ok(())
}

/// How something is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compression {
    Gzip,
    Zstd,
    /// One that is not supported.
    Other(&'static str),
}

/// How something is compressed that begins with these bytes, of which six are enough; `None` if it is not.
pub(crate) fn compression(begin: &[u8]) -> Option<Compression> {
    match begin {
        [0x1f, 0x8b, ..] => Some(Compression::Gzip),
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => {
            Some(Compression::Zstd)
        }
        [b'B', b'Z', b'h', ..] => Some(Compression::Other("bzip2")),
        [0xfd, b'7', b'z', b'X', b'Z', ..] => Some(Compression::Other("xz")),
        _ => None,
    }
}

/// The content of a layer or an archive that may be compressed.
pub(crate) fn decompressed<'a, R: Read + 'a>(
    mut stored: BufReader<R>,
) -> Result<Box<dyn Read + 'a>, ImageError> {
    let begin = stored
        .fill_buf()
        .map_err(|error| entries::unreadable(&error))?;
    Ok(match compression(begin) {
        None => Box::new(stored),
        Some(Compression::Gzip) => Box::new(flate2::bufread::MultiGzDecoder::new(stored)),
        Some(Compression::Zstd) => Box::new(
            zstd::Decoder::with_buffer(stored).map_err(|error| entries::unreadable(&error))?,
        ),
        Some(Compression::Other(name)) => {
            return Err(ImageError::new(format!(
                "it is compressed with {name}, and only gzip and zstd are supported; decompress it, or make the image \
                 again"
            )));
        }
    })
}
