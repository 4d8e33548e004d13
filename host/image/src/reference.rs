//! References to images of registries, as Docker writes them: `registry.example.com/team/app:1`.

use std::fmt;

use crate::digest::Digest;
use crate::error::ImageError;

/// The registry of references that name none, and the folder there of names without one.
const DOCKER_HUB: &str = "docker.io";
const LIBRARY: &str = "library";

const EXAMPLES: &str = "write it like registry.example.com/app:1, docker.io/library/debian:bookworm or \
    localhost:5000/app@sha256:…";

/// A reference to an image of a registry, complete: with a registry, and with a tag or a digest.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reference {
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

impl Reference {
    /// Reads a reference. What is missing is completed as Docker does: `debian` is
    /// `docker.io/library/debian:latest`.
    ///
    /// # Errors
    ///
    /// The text is not a reference; the error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, ImageError> {
        let wrong = |reason: &str| {
            ImageError::new(format!(
                "{text:?} is not a reference to an image: {reason}; {EXAMPLES}"
            ))
        };
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => {
                let digest = Digest::parse(digest).map_err(|error| wrong(&error.to_string()))?;
                (name, Some(digest))
            }
            None => (text, None),
        };
        let (name, tag) = match name.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
            _ => (name, None),
        };
        if let Some(tag) = tag.filter(|tag| !is_tag(tag)) {
            return Err(wrong(&format!(
                "{tag:?} is not a tag, which has up to 128 letters, digits, `.`, `_` and `-`"
            )));
        }
        let (registry, repository) = match name.split_once('/') {
            Some((first, rest)) if is_registry(first) => (first, rest.to_owned()),
            Some(_) => (DOCKER_HUB, name.to_owned()),
            None => (DOCKER_HUB, format!("{LIBRARY}/{name}")),
        };
        let registry = match registry {
            "index.docker.io" | "registry-1.docker.io" => DOCKER_HUB,
            other => other,
        };
        if !is_host(registry) {
            return Err(wrong(&format!("{registry:?} is not a host")));
        }
        if name.bytes().any(|byte| byte.is_ascii_uppercase())
            && repository != repository.to_lowercase()
        {
            return Err(wrong(&format!(
                "names are in lower case: {}",
                name.to_lowercase()
            )));
        }
        if !is_repository(&repository) {
            return Err(wrong(&format!(
                "{repository:?} is not the name of an image"
            )));
        }
        Ok(Self {
            registry: registry.to_owned(),
            repository,
            tag: tag
                .map(str::to_owned)
                .or_else(|| digest.is_none().then(|| "latest".to_owned())),
            digest,
        })
    }

    /// The host of the registry, with its port if it has one.
    #[must_use]
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The name of the image at its registry.
    #[must_use]
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// What to do if Docker Hub does not have the image, with which a name without a registry may have been meant that
    /// only this machine has.
    #[cfg(feature = "registry")]
    pub(crate) fn local_advice(&self) -> Option<String> {
        if self.registry != "docker.io" || self.digest.is_some() {
            return None;
        }
        let name = &self.repository;
        let name = name.strip_prefix("library/").unwrap_or(name);
        let file = name.rsplit('/').next().unwrap_or(name);
        let tag = self.tag().filter(|tag| *tag != "latest");
        let tag = tag.map_or_else(String::new, |tag| format!(":{tag}"));
        Some(format!(
            "if it is an image of this machine's Docker: `docker save {name}{tag} -o {file}.tar`, and use {file}.tar as \
             the image"
        ))
    }

    /// Whether the reference itself has a digest, so that it always means the same image.
    #[must_use]
    pub fn has_digest(&self) -> bool {
        self.digest.is_some()
    }

    #[cfg(feature = "registry")]
    pub(crate) fn digest(&self) -> Option<Digest> {
        self.digest
    }

    pub(crate) fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

/// Whether the first part of a name is a registry rather than a folder of Docker Hub's: Docker's rule.
fn is_registry(part: &str) -> bool {
    part == "localhost"
        || part.contains(['.', ':'])
        || part.bytes().any(|byte| byte.is_ascii_uppercase())
}

/// Whether a text is a host with or without a port. An IPv6 address is in brackets.
fn is_host(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (text, None),
    };
    let is_name = |name: &str| {
        !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'))
    };
    let address = host.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    let is_address = address.is_some_and(|it| it.parse::<std::net::Ipv6Addr>().is_ok());
    (is_name(host) || is_address) && port.is_none_or(|port| port.parse::<u16>().is_ok())
}

fn is_tag(text: &str) -> bool {
    let mut bytes = text.bytes();
    let first = bytes.next();
    text.len() <= 128
        && first.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
}

fn is_repository(text: &str) -> bool {
    let is_end = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    text.len() <= 255
        && text.split('/').all(|part| {
            let bytes = part.as_bytes();
            is_end(bytes.first())
                && is_end(bytes.last())
                && bytes.iter().all(|byte| {
                    byte.is_ascii_lowercase()
                        || byte.is_ascii_digit()
                        || matches!(byte, b'.' | b'_' | b'-')
                })
                && !part.contains("..")
        })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
mod tests {
    use super::*;

    #[test]
    fn references_are_completed_as_docker_does() {
        let hex = "a".repeat(64);
        for (text, complete) in [
            ("debian", "docker.io/library/debian:latest"),
            ("team/app:1", "docker.io/team/app:1"),
            ("index.docker.io/team/app", "docker.io/team/app:latest"),
            ("localhost/app", "localhost/app:latest"),
            ("localhost:5000/a/b:c", "localhost:5000/a/b:c"),
            ("[::1]:5000/app", "[::1]:5000/app:latest"),
            (
                "registry.example.com/app",
                "registry.example.com/app:latest",
            ),
            ("Registry/app", "Registry/app:latest"),
            (
                &format!("a.b/c@sha256:{hex}"),
                &format!("a.b/c@sha256:{hex}"),
            ),
            (
                &format!("a.b/c:1@sha256:{hex}"),
                &format!("a.b/c:1@sha256:{hex}"),
            ),
        ] {
            assert_eq!(
                Reference::parse(text).unwrap().to_string(),
                complete,
                "{text}"
            );
        }
    }

    #[test]
    fn other_text_is_refused_with_the_reason() {
        for (text, reason) in [
            ("", "is not the name of an image"),
            ("App:1", "names are in lower case: app"),
            ("a.b/c:", "is not a tag"),
            ("a.b/c:-1", "is not a tag"),
            ("a.b/../c", "is not the name of an image"),
            ("a.b//c", "is not the name of an image"),
            ("a.b/c d", "is not the name of an image"),
            ("a.b:99999/c", "is not a host"),
            ("a.b@c.d/e", "is not a digest"),
            ("https://a.b/c", "is not a host"),
            ("a.b/c@sha256:12", "64 digits"),
        ] {
            let error = Reference::parse(text).unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    #[cfg(feature = "registry")]
    #[test]
    fn a_name_without_a_registry_may_be_of_this_machine() {
        let advice = |text: &str| Reference::parse(text).unwrap().local_advice();
        for (text, command) in [
            ("orders", "`docker save orders -o orders.tar`"),
            ("orders:2", "`docker save orders:2 -o orders.tar`"),
            ("team/orders", "`docker save team/orders -o orders.tar`"),
        ] {
            let advice = advice(text).unwrap();
            assert!(advice.contains(command), "{advice}");
        }
        assert_eq!(advice("registry.example.com/orders"), None);
    }
}
