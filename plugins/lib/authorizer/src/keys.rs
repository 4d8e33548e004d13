//! The keys of an issuer (JWKS, RFC 7517), and signatures made with them: RS256, RS384, RS512. AWS accepts no others.
//!
//! On failure: [`Jwks::read`] says what is wrong with the document; a signature is valid or not.

use alloc::borrow::ToOwned as _;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http_event::json::read;
use rsa::sha2::{Digest as _, Sha256, Sha384, Sha512};
use rsa::{BoxedUint, Pkcs1v15Sign, PublicKey};

/// Base64 of URLs, padded or not.
pub const BASE64_URL: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The algorithm of a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
}

impl Algorithm {
    /// `RS256` and so on.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "RS256" => Some(Self::Rs256),
            "RS384" => Some(Self::Rs384),
            "RS512" => Some(Self::Rs512),
            _ => None,
        }
    }
}

/// The keys of an issuer, as JSON.
#[derive(Debug)]
pub struct Jwks<'a>(Vec<&'a str>);

/// A public key of 1,024 to 8,192 bits.
#[derive(Debug)]
pub struct Key(PublicKey);

impl<'a> Jwks<'a> {
    /// Reads a document.
    ///
    /// # Errors
    ///
    /// It is not a set of keys.
    pub fn read(json: &'a str) -> Result<Self, String> {
        let members = read::members(json, ["keys"]);
        let keys =
            members.map_err(|_| "the keys are not a JSON object with a list `keys`".to_owned())?;
        let [Some(keys)] = keys else {
            return Err("the keys have no list `keys`".to_owned());
        };
        let list = read::list(keys).map_err(|_| "`keys` is not a list".to_owned())?;
        Ok(Self(list))
    }

    /// The RSA key with this id. `Some(Err)` if it is there and not valid.
    pub fn find(&self, kid: &str) -> Option<Result<Key, String>> {
        let found = self.0.iter().find(|key| {
            let members = read::members(key, ["kid", "kty"]).unwrap_or_default();
            let [id, kind] = members.map(|value| value.and_then(|value| read::string(value).ok()));
            id.as_deref() == Some(kid) && kind.as_deref() == Some("RSA")
        });
        found.map(|key| Key::read(key).map_err(|what| format!("the key {kid:?} {what}")))
    }

    /// Checks every RSA key.
    ///
    /// # Errors
    ///
    /// One is not valid, or there is none that has an id.
    pub fn check(&self) -> Result<(), String> {
        let mut usable = 0;
        for key in &self.0 {
            let [kid, kind] =
                read::members(key, ["kid", "kty"]).map_err(|_| "a key is not an object")?;
            if kind != Some("\"RSA\"") {
                continue;
            }
            Key::read(key)
                .map_err(|what| format!("the key {} {what}", kid.unwrap_or("without `kid`")))?;
            usable += usize::from(kid.is_some());
        }
        if usable == 0 {
            return Err("there is no RSA key with a `kid`; API Gateway uses no others".to_owned());
        }
        Ok(())
    }
}

impl Key {
    fn read(json: &str) -> Result<Self, &'static str> {
        let members = read::members(json, ["n", "e"]).map_err(|_| "is not an object")?;
        let [n, e] = members.map(|value| {
            let text = read::string(value?).ok()?;
            let bytes = BASE64_URL.decode(&*text).ok()?;
            let bits = u32::try_from(bytes.len().checked_mul(8)?).ok()?;
            BoxedUint::from_be_slice(&bytes, bits.next_multiple_of(64)).ok()
        });
        let (Some(n), Some(e)) = (n, e) else {
            return Err("needs `n` and `e`, numbers in Base64 of URLs");
        };
        PublicKey::new(n, e)
            .map(Self)
            .map_err(|_| "is not a usable RSA key")
    }

    /// Whether a signature is that of a message with this key.
    pub fn verifies(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        let Self(key) = self;
        let verified = match algorithm {
            Algorithm::Rs256 => key.verify(
                Pkcs1v15Sign::new::<Sha256>(),
                &Sha256::digest(message),
                signature,
            ),
            Algorithm::Rs384 => key.verify(
                Pkcs1v15Sign::new::<Sha384>(),
                &Sha384::digest(message),
                signature,
            ),
            Algorithm::Rs512 => key.verify(
                Pkcs1v15Sign::new::<Sha512>(),
                &Sha512::digest(message),
                signature,
            ),
        };
        verified.is_ok()
    }
}
