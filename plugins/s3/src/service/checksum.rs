//! The checksums of `x-amz-checksum-*`: those that a client claims, and those that are stored with an object.

use crate::encoding;

use super::error::{self, Error};
use super::message::{self, Request};
use super::store::Digest;

/// A type of checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "said by their names")]
pub enum Algorithm {
    Crc32,
    Crc32c,
    Crc64Nvme,
    Sha1,
    Sha256,
    Sha512,
    Md5,
    XxHash64,
    XxHash3,
    XxHash128,
}

const ALL: [Algorithm; 10] = [
    Algorithm::Crc32,
    Algorithm::Crc32c,
    Algorithm::Crc64Nvme,
    Algorithm::Sha1,
    Algorithm::Sha256,
    Algorithm::Sha512,
    Algorithm::Md5,
    Algorithm::XxHash64,
    Algorithm::XxHash3,
    Algorithm::XxHash128,
];

impl Algorithm {
    /// The type for clients that choose none. AWS has used it since December 2024.
    pub const DEFAULT: Self = Self::Crc64Nvme;

    /// The name, such as `CRC32C`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64Nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
            Self::Sha512 => "SHA512",
            Self::Md5 => "MD5",
            Self::XxHash64 => "XXHASH64",
            Self::XxHash3 => "XXHASH3",
            Self::XxHash128 => "XXHASH128",
        }
    }

    /// The name in lower case, such as `crc32c`.
    pub fn lower(self) -> String {
        self.name().to_ascii_lowercase()
    }

    /// The name of the header, such as `x-amz-checksum-crc32c`.
    pub fn header(self) -> String {
        format!("x-amz-checksum-{}", self.lower())
    }

    /// The name of the XML element, such as `ChecksumCRC32C`.
    pub fn element(self) -> String {
        format!("Checksum{}", self.name())
    }

    /// The digest of the store that computes it.
    pub fn digest(self) -> Digest {
        match self {
            Self::Crc32 => Digest::Crc32,
            Self::Crc32c => Digest::Crc32c,
            Self::Crc64Nvme => Digest::Crc64nvme,
            Self::Sha1 => Digest::Sha1,
            Self::Sha256 => Digest::Sha256,
            Self::Sha512 => Digest::Sha512,
            Self::Md5 => Digest::Md5,
            Self::XxHash64 => Digest::Xxhash64,
            Self::XxHash3 => Digest::Xxhash3,
            Self::XxHash128 => Digest::Xxhash128,
        }
    }

    fn bytes(self) -> usize {
        match self {
            Self::Crc32 | Self::Crc32c => 4,
            Self::Crc64Nvme | Self::XxHash64 | Self::XxHash3 => 8,
            Self::Md5 | Self::XxHash128 => 16,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }

    /// Whether the checksum of an object can be computed from those of its parts, as for a CRC.
    pub fn is_linear(self) -> bool {
        matches!(self, Self::Crc32 | Self::Crc32c | Self::Crc64Nvme)
    }

    /// Whether AWS has had this type since 2026 only.
    pub fn is_recent(self) -> bool {
        matches!(
            self,
            Self::Sha512 | Self::Md5 | Self::XxHash64 | Self::XxHash3 | Self::XxHash128
        )
    }

    /// The type with this name, in upper or lower case.
    pub fn parse(name: &str) -> Result<Self, Error> {
        ALL.into_iter()
            .find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
            .ok_or_else(|| {
                error::INVALID_REQUEST.with_message(
                    "Checksum algorithm provided is unsupported. Please try again with any of the valid types: \
                     [CRC32, CRC32C, CRC64NVME, SHA1, SHA256, SHA512, MD5, XXHASH64, XXHASH3, XXHASH128]",
                )
            })
    }
}

/// A checksum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checksum {
    /// Its type.
    pub algorithm: Algorithm,
    /// Its value in Base64. A composite checksum ends with `-` and the number of parts.
    pub value: String,
}

impl Checksum {
    /// The checksum with the bytes of a digest.
    pub fn new(algorithm: Algorithm, bytes: &[u8]) -> Self {
        Self {
            algorithm,
            value: encoding::base64(bytes),
        }
    }

    /// The checksum that the metadata of an object or a part contain.
    pub fn of(metadata: &[(String, String)]) -> Option<Self> {
        ALL.into_iter().find_map(|algorithm| {
            Some(Self {
                algorithm,
                value: message::find(metadata, &algorithm.header())?.to_owned(),
            })
        })
    }

    /// The checksum as an entry of metadata.
    pub fn pair(&self) -> (String, String) {
        (self.algorithm.header(), self.value.clone())
    }

    /// The value without the number of parts.
    pub fn without_part_count(&self) -> &str {
        self.value.split('-').next().unwrap_or_default()
    }

    /// The kind of checksum: `COMPOSITE` or `FULL_OBJECT`.
    pub fn kind(&self) -> &'static str {
        if self.value.contains('-') {
            "COMPOSITE"
        } else {
            "FULL_OBJECT"
        }
    }
}

/// What a client claims about the checksum of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// The checksum itself.
    Header(Checksum),
    /// That the checksum follows the body.
    Trailer(Algorithm),
}

impl Claim {
    /// The type of the checksum.
    pub fn algorithm(&self) -> Algorithm {
        match self {
            Self::Header(checksum) => checksum.algorithm,
            Self::Trailer(algorithm) => *algorithm,
        }
    }

    /// Compares the claim with the checksum that was computed.
    pub fn verify<'t>(
        &self,
        computed: &Checksum,
        trailer: impl FnOnce(&str) -> Option<&'t str>,
    ) -> Result<(), Error> {
        let claimed = match self {
            Self::Header(checksum) => checksum.value.as_str(),
            Self::Trailer(algorithm) => {
                let value =
                    trailer(&algorithm.header()).ok_or_else(|| error::MALFORMED_TRAILER.error())?;
                if !is_checksum(*algorithm, value) {
                    return Err(error::INVALID_REQUEST.with_message(format!(
                        "Value for {} trailing header is invalid.",
                        algorithm.header()
                    )));
                }
                value
            }
        };
        if claimed == computed.value {
            return Ok(());
        }
        Err(error::BAD_DIGEST.with_message(format!(
            "The {} you specified did not match the calculated checksum.",
            computed.algorithm.name()
        )))
    }
}

fn is_checksum(algorithm: Algorithm, value: &str) -> bool {
    encoding::from_base64(value).is_some_and(|bytes| bytes.len() == algorithm.bytes())
}

/// The `x-amz-checksum-*` header of a request; it may have only one.
pub fn header(request: &Request) -> Result<Option<Checksum>, Error> {
    let mut found = ALL.into_iter().filter_map(|algorithm| {
        let value = request.header(&algorithm.header())?.to_owned();
        Some(Checksum { algorithm, value })
    });
    let first = found.next();
    if found.next().is_some() {
        return Err(error::INVALID_REQUEST.with_message(
            "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
        ));
    }
    Ok(first)
}

/// What a request claims about the checksum of its body.
pub fn claim(request: &Request) -> Result<Option<Claim>, Error> {
    let claim = match header(request)? {
        Some(checksum) if !is_checksum(checksum.algorithm, &checksum.value) => {
            return Err(error::INVALID_REQUEST.with_message(format!(
                "Value for {} header is invalid.",
                checksum.algorithm.header()
            )));
        }
        Some(checksum) => Some(Claim::Header(checksum)),
        None => trailer(request)?.map(Claim::Trailer),
    };
    if let Some(name) = request.header("x-amz-sdk-checksum-algorithm") {
        let algorithm = Algorithm::parse(name)?;
        match &claim {
            None => {
                return Err(error::INVALID_REQUEST.with_message(
                    "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer \
                     headers were found.",
                ));
            }
            Some(claim) if claim.algorithm() != algorithm => {
                return Err(error::INVALID_REQUEST
                    .with_message("Value for x-amz-sdk-checksum-algorithm header is invalid."));
            }
            Some(_) => {}
        }
    }
    Ok(claim)
}

fn trailer(request: &Request) -> Result<Option<Algorithm>, Error> {
    let Some(names) = request.header("x-amz-trailer") else {
        return Ok(None);
    };
    let name = names
        .split(',')
        .find_map(|name| name.trim().strip_prefix("x-amz-checksum-"))
        .ok_or_else(|| {
            error::INVALID_REQUEST
                .with_message("The value specified in the x-amz-trailer header is not supported")
        })?;
    Algorithm::parse(name).map(Some)
}
