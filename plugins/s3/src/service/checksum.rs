//! The checksums of `x-amz-checksum-*`: what a client claims, and what is kept with an object.

use crate::encoding;

use super::error::{self, Error};
use super::message::{self, Request};
use super::store::Digest;

/// A kind of checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "said by their names")]
pub enum Algorithm {
    Crc32,
    Crc32c,
    Crc64Nvme,
    Sha1,
    Sha256,
}

const ALL: [Algorithm; 5] = [
    Algorithm::Crc32,
    Algorithm::Crc32c,
    Algorithm::Crc64Nvme,
    Algorithm::Sha1,
    Algorithm::Sha256,
];

/// Kinds that AWS has and the store can not compute.
const OTHERS: [&str; 5] = ["sha512", "md5", "xxhash64", "xxhash3", "xxhash128"];

impl Algorithm {
    /// What a client gets that chooses none, since December 2024.
    pub const DEFAULT: Self = Self::Crc64Nvme;

    /// `CRC32C`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64Nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
        }
    }

    /// `crc32c`.
    pub fn lower(self) -> String {
        self.name().to_ascii_lowercase()
    }

    /// `x-amz-checksum-crc32c`.
    pub fn header(self) -> String {
        format!("x-amz-checksum-{}", self.lower())
    }

    /// `ChecksumCRC32C`.
    pub fn element(self) -> String {
        format!("Checksum{}", self.name())
    }

    /// The host's way to compute it.
    pub fn digest(self) -> Digest {
        match self {
            Self::Crc32 => Digest::Crc32,
            Self::Crc32c => Digest::Crc32c,
            Self::Crc64Nvme => Digest::Crc64nvme,
            Self::Sha1 => Digest::Sha1,
            Self::Sha256 => Digest::Sha256,
        }
    }

    fn bytes(self) -> usize {
        match self {
            Self::Crc32 | Self::Crc32c => 4,
            Self::Crc64Nvme => 8,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    /// Whether the checksums of parts can be joined to the whole object's, as CRCs can.
    pub fn is_linear(self) -> bool {
        !matches!(self, Self::Sha1 | Self::Sha256)
    }

    /// The kind of this name, in any case.
    pub fn parse(name: &str) -> Result<Self, Error> {
        ALL.into_iter()
            .find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
            .ok_or_else(|| {
                error::INVALID_REQUEST.with_message(
                    "Checksum algorithm provided is unsupported. Please try again with any of the valid types: \
                     [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]",
                )
            })
    }
}

/// A checksum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checksum {
    /// Its kind.
    pub algorithm: Algorithm,
    /// In Base64; a composite one ends with `-` and the number of parts.
    pub value: String,
}

impl Checksum {
    /// Of a digest's bytes.
    pub fn new(algorithm: Algorithm, bytes: &[u8]) -> Self {
        Self {
            algorithm,
            value: encoding::base64(bytes),
        }
    }

    /// The one that is kept in metadata (of objects and of parts).
    pub fn of(metadata: &[(String, String)]) -> Option<Self> {
        ALL.into_iter().find_map(|algorithm| {
            Some(Self {
                algorithm,
                value: message::find(metadata, &algorithm.header())?.to_owned(),
            })
        })
    }

    /// As it is kept in metadata.
    pub fn pair(&self) -> (String, String) {
        (self.algorithm.header(), self.value.clone())
    }

    /// Without the number of parts.
    pub fn bare(&self) -> &str {
        self.value.split('-').next().unwrap_or_default()
    }

    /// `COMPOSITE` or `FULL_OBJECT`.
    pub fn kind(&self) -> &'static str {
        if self.value.contains('-') {
            "COMPOSITE"
        } else {
            "FULL_OBJECT"
        }
    }
}

/// What a client says of a body's checksum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// This is it.
    Header(Checksum),
    /// It comes after the body.
    Trailer(Algorithm),
}

impl Claim {
    /// Its kind.
    pub fn algorithm(&self) -> Algorithm {
        match self {
            Self::Header(checksum) => checksum.algorithm,
            Self::Trailer(algorithm) => *algorithm,
        }
    }

    /// Compares it with what was computed.
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

/// The one `x-amz-checksum-*` header of a request, if it has one.
pub fn header(request: &Request) -> Result<Option<Checksum>, Error> {
    for other in OTHERS {
        let name = format!("x-amz-checksum-{other}");
        if request.header(&name).is_some() {
            return Err(error::header_not_implemented(&name));
        }
    }
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

/// What a request says of its body's checksum.
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
