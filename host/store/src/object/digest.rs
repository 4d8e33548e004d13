//! Digests that are computed while bytes arrive, several at a time.

use std::fmt;
use std::hash::Hasher as _;

use crc_fast::CrcAlgorithm;
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha512};
use twox_hash::{XxHash3_64, XxHash3_128, XxHash64};

use super::types::Digest;

/// The digests of one upload, in the order of the request.
#[derive(Default)]
pub(super) struct Digests(Vec<Running>);

impl fmt::Debug for Digests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Digests")
            .field("count", &self.0.len())
            .finish()
    }
}

#[derive(Clone)]
enum Running {
    Md5(Md5),
    Sha1(Sha1),
    Sha256(Sha256),
    Sha512(Sha512),
    XxHash64(XxHash64),
    XxHash3(Box<XxHash3_64>),
    XxHash128(Box<XxHash3_128>),
    /// A CRC and its length in bytes.
    Crc(crc_fast::Digest, usize),
}

/// The checksum by which a file is recognised after a power cut.
#[derive(Debug, Clone)]
pub(super) struct Checksum(crc_fast::Digest);

impl Checksum {
    pub(super) fn new() -> Self {
        Self(crc_fast::Digest::new(CrcAlgorithm::Crc64Nvme))
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(super) fn value(&self) -> u64 {
        self.0.finalize()
    }
}

impl Digests {
    pub(super) fn new(digests: &[Digest]) -> Self {
        let crc = |algorithm, bytes| Running::Crc(crc_fast::Digest::new(algorithm), bytes);
        let start = |digest: &Digest| match digest {
            Digest::Md5 => Running::Md5(Md5::new()),
            Digest::Sha1 => Running::Sha1(Sha1::new()),
            Digest::Sha256 => Running::Sha256(Sha256::new()),
            Digest::Sha512 => Running::Sha512(Sha512::new()),
            Digest::XxHash64 => Running::XxHash64(XxHash64::with_seed(0)),
            Digest::XxHash3 => Running::XxHash3(Box::new(XxHash3_64::new())),
            Digest::XxHash128 => Running::XxHash128(Box::new(XxHash3_128::new())),
            Digest::Crc32 => crc(CrcAlgorithm::Crc32IsoHdlc, 4),
            Digest::Crc32c => crc(CrcAlgorithm::Crc32Iscsi, 4),
            Digest::Crc64Nvme => crc(CrcAlgorithm::Crc64Nvme, 8),
        };
        Self(digests.iter().map(start).collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        for running in &mut self.0 {
            match running {
                Running::Md5(md5) => md5.update(bytes),
                Running::Sha1(sha1) => sha1.update(bytes),
                Running::Sha256(sha256) => sha256.update(bytes),
                Running::Sha512(sha512) => sha512.update(bytes),
                Running::XxHash64(hash) => hash.write(bytes),
                Running::XxHash3(hash) => hash.write(bytes),
                Running::XxHash128(hash) => hash.write(bytes),
                Running::Crc(crc, _) => crc.update(bytes),
            }
        }
    }

    /// The digests as bytes. CRCs and XXHashes are in big-endian order.
    pub(super) fn finish(self) -> Vec<Vec<u8>> {
        let end = |running| match running {
            Running::Md5(md5) => md5.finalize().to_vec(),
            Running::Sha1(sha1) => sha1.finalize().to_vec(),
            Running::Sha256(sha256) => sha256.finalize().to_vec(),
            Running::Sha512(sha512) => sha512.finalize().to_vec(),
            Running::XxHash64(hash) => hash.finish().to_be_bytes().to_vec(),
            Running::XxHash3(hash) => hash.finish().to_be_bytes().to_vec(),
            Running::XxHash128(hash) => hash.finish_128().to_be_bytes().to_vec(),
            Running::Crc(crc, bytes) => {
                let value = crc.finalize().to_be_bytes();
                value.iter().skip(8 - bytes).copied().collect()
            }
        };
        self.0.into_iter().map(end).collect()
    }
}

/// Lower-case hexadecimal digits, as in entity tags.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_digest_of_the_check_string_is_the_published_one() {
        let all = [
            (Digest::Crc64Nvme, "ae8b14860a799888"),
            (Digest::Md5, "25f9e794323b453885f5181f1b624d0b"),
            (Digest::Sha1, "f7c3bc1d808e04732adf679965ccc34ca7ae3441"),
            (
                Digest::Sha256,
                "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225",
            ),
            (
                Digest::Sha512,
                "d9e6762dd1c8eaf6d61b3c6192fc408d4d6d5f1176d0c29169bc24e71c3f274ad27fcd5811b313d681f7e55ec02d73d499c95455b6b5bb503acf574fba8ffe85",
            ),
            (Digest::XxHash64, "8cb841db40e6ae83"),
            (Digest::Crc32, "cbf43926"),
            (Digest::Crc32c, "e3069283"),
        ];
        let asked: Vec<Digest> = all.iter().map(|(digest, _)| *digest).collect();
        let mut digests = Digests::new(&asked);
        digests.update(b"1234");
        digests.update(b"56789");
        let got: Vec<String> = digests.finish().iter().map(|bytes| hex(bytes)).collect();
        let published: Vec<&str> = all.iter().map(|(_, hex)| *hex).collect();
        assert_eq!(got, published);
    }
}
