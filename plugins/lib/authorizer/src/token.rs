//! Tokens: JWT authorizers of HTTP APIs, and user pools of Cognito behind REST APIs.
//!
//! The keys are those of the configuration, or fetched: from the URL in the issuer's discovery document, for user pools
//! from their well-known URL. They are kept for an hour, and fetched again if a token names a key that is not among
//! them; such a key's document is kept for 5 minutes. A fetch may take 1.5 seconds, as on AWS.
//!
//! The checks have AWS's order: signature, issuer, audience, times, scopes.
//!
//! On failure: the request is refused, with a challenge that says why, as AWS's JWT authorizers do.

use alloc::borrow::ToOwned as _;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use base64::Engine as _;
use http_event::contract::{Cache, Ending, Fetch, Outcome, Step};
use http_event::json::read;

use crate::authorizer::{Authorizer, Issuer, List};
use crate::claims::Claims;
use crate::decision::{Caller, Decision, Reason, Refusal};
use crate::identity_source;
use crate::keys::{Algorithm, BASE64_URL, Jwks};
use crate::subject::Subject;

const MAX_WAIT_MS: u32 = 1_500;
const KEYS_TTL_MS: u32 = 3_600_000;
const REFRESHED_TTL_MS: u32 = 300_000;

/// A token whose `kid` is longer names no key.
const MAX_KID: usize = 1_024;

/// The progress of an authorizer: what is being fetched. The URL of the keys follows the last two.
const DISCOVERY: &str = "discovery";
const KEYS: &str = "keys ";
const REFRESHED: &str = "refreshed ";

/// The token of a request, and what is checked.
struct Check<'a> {
    authorizer: &'a Authorizer<'a>,
    issuer: &'a Issuer<'a>,
    scopes: List<'a>,
    subject: &'a Subject<'a>,
}

/// A token whose form is right.
struct Token {
    /// The bytes that are signed.
    signed: String,
    signature: Vec<u8>,
    algorithm: Algorithm,
    kid: String,
    /// JSON.
    payload: String,
}

/// Decides at once if the keys are in the configuration, or asks for them.
pub fn begin(
    authorizer: &Authorizer<'_>,
    issuer: &Issuer<'_>,
    scopes: List<'_>,
    subject: &Subject<'_>,
) -> Decision {
    let check = Check {
        authorizer,
        issuer,
        scopes,
        subject,
    };
    check.begin().unwrap_or_else(Decision::Refuse)
}

/// Goes on with a document.
///
/// # Errors
///
/// The progress is not one of this authorizer.
pub fn resume(
    authorizer: &Authorizer<'_>,
    issuer: &Issuer<'_>,
    scopes: List<'_>,
    subject: &Subject<'_>,
    progress: &str,
    outcome: &Outcome,
) -> Result<Decision, String> {
    let check = Check {
        authorizer,
        issuer,
        scopes,
        subject,
    };
    let decision = if progress == DISCOVERY {
        check.discovered(outcome)
    } else if let Some(url) = progress.strip_prefix(KEYS) {
        check.fetched(url, outcome, outcome.cached)
    } else if let Some(url) = progress.strip_prefix(REFRESHED) {
        check.fetched(url, outcome, false)
    } else {
        return Err("the token was not written by this authorizer".to_owned());
    };
    Ok(decision.unwrap_or_else(Decision::Refuse))
}

impl Check<'_> {
    fn begin(&self) -> Result<Decision, Refusal> {
        let Issuer { url, keys, .. } = *self.issuer;
        let token = self.token()?;
        if keys.starts_with('{') {
            let jwks = Jwks::read(keys).map_err(|what| self.blame(&what))?;
            return self.judge(&token, &jwks, None);
        }
        Ok(Decision::Ask(
            if keys.is_empty() && !self.issuer.is_user_pool {
                let url = format!(
                    "{}/.well-known/openid-configuration",
                    url.trim_end_matches('/')
                );
                fetch(&url, "", KEYS_TTL_MS, DISCOVERY)
            } else if keys.is_empty() {
                let url = format!("{}/.well-known/jwks.json", url.trim_end_matches('/'));
                fetch_keys(&url)
            } else {
                fetch_keys(keys)
            },
        ))
    }

    /// Goes on with the issuer's discovery document.
    fn discovered(&self, outcome: &Outcome) -> Result<Decision, Refusal> {
        let document = self.document("the issuer's discovery document", outcome)?;
        let [url] = read::members(&document, ["jwks_uri"]).unwrap_or_default();
        let url = url.and_then(|url| read::string(url).ok());
        let url = url.ok_or_else(|| {
            self.blame("the issuer's discovery document has no `jwks_uri`, the URL of its keys")
        })?;
        Ok(Decision::Ask(fetch_keys(&url)))
    }

    /// Goes on with the issuer's keys. Those of the cache may lack a new one.
    fn fetched(&self, url: &str, outcome: &Outcome, may_lack: bool) -> Result<Decision, Refusal> {
        let document = self.document("the issuer's keys", outcome)?;
        let jwks = Jwks::read(&document).map_err(|what| self.blame(&format!("{url}: {what}")))?;
        self.judge(&self.token()?, &jwks, may_lack.then_some(url))
    }

    /// The text of a document that was fetched.
    fn document(&self, what: &str, outcome: &Outcome) -> Result<String, Refusal> {
        match &outcome.ending {
            Ending::Fetched(fetched) if fetched.status == 200 => {
                Ok(String::from_utf8_lossy(&fetched.body).into_owned())
            }
            Ending::Fetched(fetched) => Err(self.blame(&format!(
                "{what} cannot be fetched: the answer has status {}",
                fetched.status
            ))),
            Ending::Expired => Err(self.blame(&format!(
                "{what} cannot be fetched: the server has not answered within {MAX_WAIT_MS} ms"
            ))),
            // The host logs why.
            _ => Err(self.invalid("OIDC discovery endpoint communication error")),
        }
    }

    /// Decides. `refreshable` is the URL of keys that may lack a new one.
    fn judge(
        &self,
        token: &Token,
        jwks: &Jwks<'_>,
        refreshable: Option<&str>,
    ) -> Result<Decision, Refusal> {
        let key = match (jwks.find(&token.kid), refreshable) {
            (Some(key), _) => key.map_err(|what| self.blame(&what))?,
            (None, Some(url)) if token.kid.len() <= MAX_KID => {
                let progress = [REFRESHED, url].concat();
                let step = fetch(url, &token.kid, REFRESHED_TTL_MS, &progress);
                return Ok(Decision::Ask(step));
            }
            (None, _) => return Err(self.invalid("the token has an unknown key id")),
        };
        if !key.verifies(token.algorithm, token.signed.as_bytes(), &token.signature) {
            return Err(self.invalid("the signature of the token is not valid"));
        }
        let claims = Claims::read(&token.payload)
            .ok_or_else(|| self.invalid("the payload of the token is not an object"))?;
        self.check_claims(&claims)?;
        let scopes = self.matched_scopes(&claims)?;
        Ok(Decision::Allow(Caller::Token {
            claims: match self.issuer.is_user_pool {
                true => claims.of_rest_api(),
                false => claims.of_http_api(),
            },
            scopes,
        }))
    }

    /// The token of the request.
    fn token(&self) -> Result<Token, Refusal> {
        let Some(text) = identity_source::value(self.issuer.source, self.subject) else {
            return Err(Refusal {
                challenge: Some("Bearer".to_owned()),
                ..Reason::InvalidToken.into()
            });
        };
        let text = text.trim();
        let token = match text.get(..7) {
            Some(scheme) if scheme.eq_ignore_ascii_case("Bearer ") => text.get(7..),
            _ => Some(text),
        };
        let token = token.unwrap_or_default().trim();
        let mut segments = token.split('.');
        let (Some(header), Some(payload), Some(signature), None) = (
            segments.next(),
            segments.next(),
            segments.next(),
            segments.next(),
        ) else {
            return Err(self.invalid("the token has an invalid number of segments"));
        };
        let decoded = |segment: &str| {
            let bytes = BASE64_URL.decode(segment);
            bytes.map_err(|_| self.invalid("the token is not encoded in Base64 of URLs"))
        };
        let json = |segment: &str| {
            let text = String::from_utf8(decoded(segment)?);
            text.map_err(|_| self.invalid("the token is not JSON"))
        };
        let header_json = json(header)?;
        let fields = read::members(&header_json, ["alg", "kid"])
            .map_err(|_| self.invalid("the header of the token is not an object"))?;
        let [algorithm, kid] = fields.map(|value| value.and_then(|value| read::string(value).ok()));
        let algorithm = algorithm.and_then(|name| Algorithm::from_name(&name));
        Ok(Token {
            signed: [header, ".", payload].concat(),
            signature: decoded(signature)?,
            algorithm: algorithm
                .ok_or_else(|| self.invalid("the signing method of the token is not supported"))?,
            kid: kid
                .ok_or_else(|| self.invalid("the token has no key id"))?
                .into_owned(),
            payload: json(payload)?,
        })
    }

    fn check_claims(&self, claims: &Claims<'_>) -> Result<(), Refusal> {
        let Issuer { url, audience, .. } = *self.issuer;
        if claims.text("iss").as_deref() != Some(url) {
            return Err(self.invalid("the token does not have a valid issuer"));
        }
        // A client id counts only in a token without an audience.
        let of_token = claims.texts("aud").or_else(|| claims.texts("client_id"));
        let of_token = of_token.unwrap_or_default();
        let any_audience = audience.is_empty() && self.issuer.is_user_pool;
        if !any_audience
            && !audience
                .iter()
                .any(|known| of_token.iter().any(|it| it == known))
        {
            return Err(self.invalid("the token does not have a valid audience"));
        }
        if self.issuer.is_user_pool {
            // Without scopes a method takes ID tokens, with scopes access tokens.
            let expected = if self.scopes.is_empty() {
                "id"
            } else {
                "access"
            };
            if claims
                .text("token_use")
                .is_some_and(|found| found != expected)
            {
                return Err(self.invalid("the token is of the wrong kind"));
            }
        }
        let now = self.subject.request.at_ms;
        match claims.time_ms("exp").flatten() {
            None => return Err(self.invalid("the token does not have a valid expiry")),
            Some(exp) if exp <= now => {
                let mut refusal = self.invalid("the token has expired");
                refusal.reason = Reason::ExpiredToken;
                return Err(refusal);
            }
            Some(_) => {}
        }
        for (name, what) in [
            ("nbf", "the token is not valid yet"),
            ("iat", "the token was issued in the future"),
        ] {
            match claims.time_ms(name) {
                None => {}
                Some(Some(time)) if time <= now => {}
                Some(_) => return Err(self.invalid(what)),
            }
        }
        Ok(())
    }

    /// The scopes of the route that the token has. `None` if the route needs none.
    fn matched_scopes(&self, claims: &Claims<'_>) -> Result<Option<Vec<String>>, Refusal> {
        if self.scopes.is_empty() {
            return Ok(None);
        }
        let mut scopes = claims.scopes();
        scopes.retain(|scope| self.scopes.iter().any(|needed| needed == scope));
        if scopes.is_empty() {
            return Err(Refusal {
                challenge: Some(self.challenge(
                    "insufficient_scope",
                    "the token does not have any of the required scopes",
                )),
                ..Reason::InsufficientScope.into()
            });
        }
        Ok(Some(scopes))
    }

    /// A refusal for which the configuration or the issuer is to blame.
    fn blame(&self, what: &str) -> Refusal {
        Refusal {
            warning: Some(format!("authorizer {}: {what}", self.authorizer.name)),
            ..self.invalid("OIDC discovery endpoint communication error")
        }
    }

    fn invalid(&self, what: &str) -> Refusal {
        Refusal {
            challenge: Some(self.challenge("invalid_token", what)),
            ..Reason::InvalidToken.into()
        }
    }

    fn challenge(&self, error: &str, description: &str) -> String {
        let scopes: Vec<_> = self.scopes.iter().collect();
        format!(
            "Bearer scope=\"{}\" error=\"{error}\" error_description=\"{description}\"",
            scopes.join(" ")
        )
    }
}

fn fetch_keys(url: &str) -> Step {
    fetch(url, "", KEYS_TTL_MS, &[KEYS, url].concat())
}

fn fetch(url: &str, key: &str, ttl_ms: u32, progress: &str) -> Step {
    Step::Fetch(Fetch {
        url: url.to_owned(),
        method: "GET".to_owned(),
        headers: [("accept".to_owned(), "application/json".to_owned())].into(),
        body: Vec::new(),
        max_wait_ms: MAX_WAIT_MS,
        cache: Some(Cache {
            key: key.to_owned(),
            ttl_ms,
        }),
        token: crate::progress::token(progress),
        with_request: true,
        extra: Vec::new(),
    })
}
