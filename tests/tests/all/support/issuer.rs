//! An issuer of JSON Web Tokens: keys, tokens signed with them, and a server with its documents.

use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair, RsaPublicKeyComponents};
use serde_json::{Value, json};

use super::MockServer;

const BASE64: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, NO_PAD);

/// A key that signs tokens.
pub struct SigningKey {
    kid: &'static str,
    pair: RsaKeyPair,
}

impl SigningKey {
    /// The key `first`.
    pub fn first() -> Self {
        Self::read(
            "first",
            include_bytes!("../../../fixtures/issuer/first.der"),
        )
    }

    /// The key `second`.
    pub fn second() -> Self {
        Self::read(
            "second",
            include_bytes!("../../../fixtures/issuer/second.der"),
        )
    }

    fn read(kid: &'static str, der: &[u8]) -> Self {
        let pair = RsaKeyPair::from_pkcs8(der).expect("a key");
        Self { kid, pair }
    }

    /// The public key, as an issuer publishes it.
    pub fn public(&self) -> Value {
        let parts = RsaPublicKeyComponents::<Vec<u8>>::from(self.pair.public());
        let n = BASE64.encode(parts.n);
        json!({ "kty": "RSA", "kid": self.kid, "use": "sig", "alg": "RS256", "n": n, "e": "AQAB" })
    }

    /// A token with these claims.
    pub fn token(&self, claims: &Value) -> String {
        let header = json!({ "alg": "RS256", "kid": self.kid, "typ": "JWT" });
        let part = |json: &Value| BASE64.encode(json.to_string());
        let signed = format!("{}.{}", part(&header), part(claims));
        let mut signature = vec![0; self.pair.public().modulus_len()];
        let random = SystemRandom::new();
        self.pair
            .sign(
                &RSA_PKCS1_SHA256,
                &random,
                signed.as_bytes(),
                &mut signature,
            )
            .expect("a signature");
        format!("{signed}.{}", BASE64.encode(signature))
    }
}

/// Seconds since 1970, an hour from now.
fn hour_from_now() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.expect("a time after 1970").as_secs() + 3600
}

/// Claims of a token of this issuer for the audience `app` that is valid for an hour.
pub fn standard_claims(issuer: &str) -> Value {
    json!({ "iss": issuer, "sub": "anna", "aud": "app", "exp": hour_from_now() })
}

/// A server with the documents of an issuer.
pub struct Issuer {
    server: MockServer,
    keys: Arc<Mutex<Vec<Value>>>,
}

impl Issuer {
    pub fn start() -> Self {
        let keys = Arc::new(Mutex::new(Vec::new()));
        let published = Arc::clone(&keys);
        let server = MockServer::start(move |request| {
            let path = request.head.split(' ').nth(1)?;
            let host = request.header("host")?;
            let document = match path {
                "/.well-known/openid-configuration" => {
                    json!({ "issuer": format!("http://{host}"), "jwks_uri": format!("http://{host}/keys") })
                }
                "/keys" | "/.well-known/jwks.json" => {
                    json!({ "keys": *published.lock().unwrap() })
                }
                _ => return None, // A server that does not answer.
            };
            Some((200, document.to_string()))
        });
        Self { server, keys }
    }

    /// Publishes these keys, and no others.
    pub fn publish(&self, keys: &[&SigningKey]) {
        *self.keys.lock().unwrap() = keys.iter().map(|key| key.public()).collect();
    }

    pub fn url(&self) -> &str {
        self.server.url()
    }

    /// How often a path was asked for.
    pub fn requests_for(&self, path: &str) -> usize {
        let start = format!("GET {path} ");
        let requests = self.server.requests();
        requests
            .iter()
            .filter(|it| it.head.starts_with(&start))
            .count()
    }
}
