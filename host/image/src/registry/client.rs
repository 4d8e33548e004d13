//! A client of the distribution protocol, for one repository of a registry.
//!
//! Contract: what has a digest is compared with it. A registry that asks for a token gets one, with the credentials
//! that `docker login` stored, or anonymously. A transfer that breaks off is continued where it stopped, a few times.
//!
//! On failure: an [`ImageError`] with the registry's own words and what to do.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, RANGE, WWW_AUTHENTICATE};
use http::{HeaderValue, Method, Response, StatusCode, Uri};
use hyper::body::Incoming;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use super::challenge::Challenge;
use super::credentials::{self, Credentials};
use super::http::{Call, is_loopback, is_same_origin, next_piece, refusal, send, url, whole};
use crate::digest::{Digest, Hashing};
use crate::error::ImageError;
use crate::layout::{check, damaged};
use crate::limits;
use crate::reference::Reference;

/// The kinds of manifests. The registry must be told, or it answers with one of an obsolete kind.
const MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json";

/// How often a transfer is begun or continued.
const ATTEMPTS: u32 = 4;

/// The time before the second attempt; before each further one it is longer by as much.
const PAUSE: Duration = Duration::from_millis(300);

/// A client for one repository.
pub(super) struct Client {
    reference: Reference,
    /// Where credentials are looked for.
    credentials: Vec<PathBuf>,
    /// The header `Authorization` that the registry has accepted.
    authorization: Option<HeaderValue>,
    /// How many bytes may still be downloaded.
    budget: u64,
}

impl Client {
    pub(super) fn new(reference: &Reference, credentials: Vec<PathBuf>) -> Self {
        Self {
            reference: reference.clone(),
            credentials,
            authorization: None,
            budget: limits::UNPACKED_BYTES,
        }
    }

    /// A manifest or an index, by tag or digest. Its digest is the caller's to compute.
    pub(super) async fn manifest(&mut self, tag_or_digest: &str) -> Result<Vec<u8>, ImageError> {
        let call = Call::get(self.url(&format!("manifests/{tag_or_digest}"))?)
            .with(ACCEPT, HeaderValue::from_static(MANIFESTS));
        let response = self.authorized(call).await?;
        let response = self.expect(response, &[StatusCode::OK]).await?;
        whole(response, limits::MANIFEST_BYTES).await
    }

    /// A short document, such as a configuration.
    pub(super) async fn document(
        &mut self,
        digest: Digest,
        limit: u64,
    ) -> Result<Vec<u8>, ImageError> {
        let call = Call::get(self.url(&format!("blobs/{digest}"))?);
        let response = self.authorized(call).await?;
        let response = self.expect(response, &[StatusCode::OK]).await?;
        let bytes = whole(response, limit).await?;
        check(&bytes, digest)?;
        Ok(bytes)
    }

    /// Writes a layer to a file, which may have the beginning of it already.
    pub(super) async fn download(&mut self, digest: Digest, to: &Path) -> Result<(), ImageError> {
        let failed = |error: io::Error| ImageError::io("write", to, &error);
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(to).map_err(failed)?;
        let mut attempt = 1;
        loop {
            match self.continue_download(digest, &mut file).await {
                Ok(()) => break,
                // The registry has refused, or the disk is full.
                Err((error, false)) => return Err(error),
                Err((error, true)) if attempt == ATTEMPTS => {
                    return Err(error.within(format_args!("after {ATTEMPTS} attempts")));
                }
                Err((error, true)) => tracing::warn!("{error}; the download continues"),
            }
            tokio::time::sleep(PAUSE * attempt).await;
            attempt += 1;
        }
        file.seek(SeekFrom::Start(0)).map_err(failed)?;
        let found = Hashing::new(&file).finish().map_err(failed)?;
        if found != digest {
            // Not to be continued next time.
            file.set_len(0).map_err(failed)?;
            return Err(damaged(digest, found));
        }
        Ok(())
    }

    /// Appends what is missing. The error says whether another attempt may succeed.
    async fn continue_download(
        &mut self,
        digest: Digest,
        file: &mut File,
    ) -> Result<(), (ImageError, bool)> {
        let local = |error: io::Error| {
            (
                ImageError::new(format!("the layer cannot be written to the cache: {error}")),
                false,
            )
        };
        let mut length = file.seek(SeekFrom::End(0)).map_err(local)?;
        let url = self
            .url(&format!("blobs/{digest}"))
            .map_err(|error| (error, false))?;
        let mut call = Call::get(url);
        if length > 0 {
            let range = HeaderValue::from_str(&format!("bytes={length}-"));
            call = call.with(RANGE, range.unwrap_or(HeaderValue::from_static("bytes=0-")));
        }
        let response = self.authorized(call).await.map_err(|error| (error, true))?;
        if response.status() == StatusCode::RANGE_NOT_SATISFIABLE {
            return Ok(()); // all of it is there
        }
        let is_temporary = response.status().is_server_error();
        let accepted = [StatusCode::OK, StatusCode::PARTIAL_CONTENT];
        let response = self.expect(response, &accepted).await;
        let response = response.map_err(|error| (error, is_temporary))?;
        if response.status() == StatusCode::OK && length > 0 {
            file.set_len(0).map_err(local)?;
            file.seek(SeekFrom::Start(0)).map_err(local)?;
            length = 0;
        }
        let mut body = response.into_body();
        while let Some(piece) = next_piece(&mut body).await.map_err(|error| (error, true))? {
            length += piece.len() as u64;
            let left = self.budget.checked_sub(piece.len() as u64);
            self.budget = left
                .filter(|_| length <= limits::UNPACKED_BYTES)
                .ok_or_else(|| {
                    let limit = limits::UNPACKED_BYTES;
                    (
                        ImageError::new(format!(
                            "the image has more than {limit} bytes, which is the limit, as on AWS"
                        )),
                        false,
                    )
                })?;
            file.write_all(&piece).map_err(local)?;
        }
        Ok(())
    }

    fn url(&self, path: &str) -> Result<Uri, ImageError> {
        let host = match self.reference.registry() {
            "docker.io" => "registry-1.docker.io",
            other => other,
        };
        url(host, &format!("/v2/{}/{path}", self.reference.repository()))
    }

    /// Sends a request, and once more with a token or password if the registry asks for it.
    async fn authorized(&mut self, mut call: Call) -> Result<Response<Incoming>, ImageError> {
        if let Some(authorization) = &self.authorization {
            call.headers.insert(AUTHORIZATION, authorization.clone());
        }
        let (response, from) = send(call.clone()).await?;
        // The storage to which a registry redirects gets no credentials, whatever it asks for.
        if response.status() != StatusCode::UNAUTHORIZED || !is_same_origin(&from, &call.uri) {
            return Ok(response);
        }
        let header = response.headers().get(WWW_AUTHENTICATE);
        let challenge = header.and_then(|it| Challenge::parse(it.to_str().ok()?));
        let Some(challenge) = challenge else {
            return Ok(response);
        };
        let Some(authorization) = self.answer(challenge).await? else {
            return Ok(response);
        };
        let mut authorization = HeaderValue::from_str(&authorization)
            .map_err(|_| ImageError::new("the registry's token is not valid"))?;
        authorization.set_sensitive(true);
        call.headers.insert(AUTHORIZATION, authorization.clone());
        self.authorization = Some(authorization);
        Ok(send(call).await?.0)
    }

    /// The header `Authorization` for a challenge; `None` if there are no credentials and none can be had without.
    async fn answer(&self, challenge: Challenge) -> Result<Option<String>, ImageError> {
        let credentials = credentials::find(self.reference.registry(), &self.credentials)?;
        let (realm, service, scope) = match challenge {
            Challenge::Basic => return Ok(credentials.and_then(|it| it.basic())),
            Challenge::Bearer {
                realm,
                service,
                scope,
            } => (realm, service, scope),
        };
        let scope =
            scope.unwrap_or_else(|| format!("repository:{}:pull", self.reference.repository()));
        let uri: Option<Uri> = realm.parse().ok();
        let is_safe = |uri: &Uri| {
            // The registry decides where the password is sent, so at least nobody else reads it.
            let registry = url(self.reference.registry(), "/");
            let here = registry.is_ok_and(|registry| registry.host().is_some_and(is_loopback));
            match (uri.scheme_str(), uri.host()) {
                (Some("https"), Some(_)) => true,
                (Some("http"), Some(host)) => here && is_loopback(host),
                _ => false,
            }
        };
        let Some(uri) = uri.filter(is_safe) else {
            return Err(ImageError::new(format!(
                "the registry asks for a token of {realm:?}, which is not an https URL"
            )));
        };
        let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let mut query = format!("scope={}", encoded(&scope));
        if let Some(service) = &service {
            query = format!("service={}&{query}", encoded(service));
        }
        let mut call = if let Some(Credentials::Refresh(token)) = &credentials {
            let form = format!(
                "grant_type=refresh_token&client_id=lambkin&refresh_token={}&{query}",
                encoded(token)
            );
            let mut call = Call::get(uri).with(
                CONTENT_TYPE,
                HeaderValue::from_static("application/x-www-form-urlencoded"),
            );
            call.method = Method::POST;
            call.body = Bytes::from(form);
            call
        } else {
            let separator = if uri.query().is_some() { '&' } else { '?' };
            let text = format!("{uri}{separator}{query}");
            let uri = text.parse();
            let mut call =
                Call::get(uri.map_err(|_| ImageError::new(format!("{text} is not a URL")))?);
            let basic = credentials.as_ref().and_then(Credentials::basic);
            if let Some(mut basic) = basic.and_then(|basic| HeaderValue::from_str(&basic).ok()) {
                basic.set_sensitive(true);
                call = call.with(AUTHORIZATION, basic);
            }
            call
        };
        call.may_leave = false;
        let (response, _) = send(call).await?;
        if response.status() != StatusCode::OK {
            let (_, reason) = refusal(response).await;
            return Err(self.unauthorized(&reason));
        }
        #[derive(Deserialize)]
        struct Answer {
            token: Option<String>,
            access_token: Option<String>,
        }
        let answer = whole(response, limits::MANIFEST_BYTES).await?;
        let answer: Answer = crate::spec::parse(&answer, "the token of the registry")?;
        let token = answer.token.or(answer.access_token);
        Ok(token.map(|token| format!("Bearer {token}")))
    }

    /// Fails unless a response has one of these statuses.
    async fn expect(
        &self,
        response: Response<Incoming>,
        statuses: &[StatusCode],
    ) -> Result<Response<Incoming>, ImageError> {
        if statuses.contains(&response.status()) {
            return Ok(response);
        }
        let (status, reason) = refusal(response).await;
        let registry = self.reference.registry();
        Err(match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => self.unauthorized(&reason),
            StatusCode::NOT_FOUND => ImageError::new(format!(
                "{registry} does not have it ({reason}); check the name and the tag"
            )),
            StatusCode::TOO_MANY_REQUESTS => ImageError::new(format!(
                "{registry} refuses further downloads for now ({reason}); wait, or log in for a higher limit: `docker \
                 login {registry}`"
            )),
            _ => ImageError::new(format!("{registry} answers {reason}")),
        })
    }

    fn unauthorized(&self, reason: &str) -> ImageError {
        let registry = self.reference.registry();
        ImageError::new(format!(
            "{registry} refuses it ({reason}); either there is no such image, or it is private: `docker login \
             {registry}`, `podman login {registry}` or `skopeo login {registry}` stores credentials that are used \
             here, too"
        ))
    }
}
