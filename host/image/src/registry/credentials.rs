//! Credentials for registries, from where `docker login` and `podman login` store them: a JSON file, or the program
//! that it names.
//!
//! On failure: an [`ImageError`] with the file or program. A registry without credentials is no failure.

use std::collections::BTreeMap;
use std::env;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::error::ImageError;
use crate::limits;

/// The name under which credentials for Docker Hub are stored.
const DOCKER_HUB_KEY: &str = "https://index.docker.io/v1/";

/// How to say who one is.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Credentials {
    Password {
        user: String,
        password: String,
    },
    /// A token with which others can be had, as some registries give at a login in the browser.
    Refresh(String),
}

impl Credentials {
    /// The value of a header `Authorization`.
    pub(super) fn basic(&self) -> Option<String> {
        match self {
            Self::Password { user, password } => Some(format!(
                "Basic {}",
                STANDARD.encode(format!("{user}:{password}"))
            )),
            Self::Refresh(_) => None,
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Stored {
    auths: BTreeMap<String, Login>,
    creds_store: Option<String>,
    cred_helpers: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase", default)]
struct Login {
    auth: Option<String>,
    identitytoken: Option<String>,
}

/// The files that may have credentials, most important first.
pub(super) fn files() -> Vec<PathBuf> {
    let set = |name| {
        env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let docker = set("DOCKER_CONFIG").or_else(|| Some(set("HOME")?.join(".docker")));
    let podman = set("REGISTRY_AUTH_FILE")
        .or_else(|| Some(set("XDG_RUNTIME_DIR")?.join("containers/auth.json")));
    docker
        .map(|folder| folder.join("config.json"))
        .into_iter()
        .chain(podman)
        .collect()
}

/// Looks for a registry's credentials in files.
pub(super) fn find(registry: &str, files: &[PathBuf]) -> Result<Option<Credentials>, ImageError> {
    for file in files {
        let found = read(file)
            .and_then(|stored| in_stored(registry, &stored))
            .map_err(|error| error.within(file.display()))?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

fn read(file: &Path) -> Result<Stored, ImageError> {
    let mut content = Vec::new();
    match File::open(file) {
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(Stored::default());
        }
        Err(error) => return Err(ImageError::new(format!("it cannot be opened: {error}"))),
        Ok(opened) => {
            let read = opened
                .take(limits::MANIFEST_BYTES)
                .read_to_end(&mut content);
            read.map_err(|error| ImageError::new(format!("it cannot be read: {error}")))?;
        }
    }
    serde_json::from_slice(&content)
        .map_err(|error| ImageError::new(format!("it is not valid: {error}")))
}

fn in_stored(registry: &str, stored: &Stored) -> Result<Option<Credentials>, ImageError> {
    let is_hub = registry == "docker.io";
    let is_of = |key: &str| {
        let host = key.strip_prefix("https://").unwrap_or(key);
        let host = host.split('/').next().unwrap_or_default();
        host == registry || is_hub && matches!(host, "index.docker.io" | "registry-1.docker.io")
    };
    let helper = stored.cred_helpers.iter().find(|(key, _)| is_of(key));
    let helper = helper.map(|(_, name)| name).or(stored.creds_store.as_ref());
    if let Some(name) = helper.filter(|name| !name.is_empty()) {
        let key = if is_hub { DOCKER_HUB_KEY } else { registry };
        if let Some(found) = ask(name, key)? {
            return Ok(Some(found));
        }
    }
    let Some((key, login)) = stored.auths.iter().find(|(key, _)| is_of(key)) else {
        return Ok(None);
    };
    if let Some(token) = login
        .identitytoken
        .clone()
        .filter(|token| !token.is_empty())
    {
        return Ok(Some(Credentials::Refresh(token)));
    }
    let Some(auth) = login.auth.as_deref().filter(|auth| !auth.is_empty()) else {
        return Ok(None);
    };
    let wrong = || {
        ImageError::new(format!(
            "`auths` has for {key:?} no base64 of USER:PASSWORD; log in again"
        ))
    };
    let decoded = STANDARD.decode(auth).map_err(|_| wrong())?;
    let decoded = String::from_utf8(decoded).map_err(|_| wrong())?;
    let (user, password) = decoded.split_once(':').ok_or_else(wrong)?;
    Ok(Some(Credentials::Password {
        user: user.to_owned(),
        password: password.trim_end_matches('\0').to_owned(),
    }))
}

/// Asks a credential helper, which is a program of its own.
fn ask(name: &str, key: &str) -> Result<Option<Credentials>, ImageError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Answer {
        username: String,
        secret: String,
    }
    let program = format!("docker-credential-{name}");
    if name.contains('/') {
        return Err(ImageError::new(format!(
            "{name:?} is not the name of a credential helper"
        )));
    }
    let failed = |error: io::Error| {
        ImageError::new(format!(
            "its credential helper {program} cannot be run: {error}"
        ))
    };
    let mut child = Command::new(&program)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(failed)?;
    if let Some(mut input) = child.stdin.take() {
        let _ = input.write_all(key.as_bytes()); // a helper that does not read it says why
    }
    let output = child.wait_with_output().map_err(failed)?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stdout);
        let said = said.trim();
        if said.contains("not found") {
            return Ok(None);
        }
        let said: String = said.chars().take(200).collect();
        return Err(ImageError::new(format!(
            "its credential helper {program} fails: {said:?}"
        )));
    }
    let answer: Answer = serde_json::from_slice(&output.stdout).map_err(|error| {
        ImageError::new(format!(
            "its credential helper {program} gives an answer that is not valid: {error}"
        ))
    })?;
    Ok(Some(if answer.username == "<token>" {
        Credentials::Refresh(answer.secret)
    } else {
        Credentials::Password {
            user: answer.username,
            password: answer.secret,
        }
    }))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn credentials_are_found_by_the_registry() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.json");
        let auth = |text: &str| STANDARD.encode(text);
        let content = serde_json::json!({ "auths": {
            "a.test:5000": { "auth": auth("user:pass:word") },
            "https://b.test/v1/": { "auth": auth("b:b\0") },
            "https://index.docker.io/v1/": { "identitytoken": "token", "auth": auth("c:") },
            "empty.test": {},
            "wrong.test": { "auth": "-" },
        } });
        fs::write(&file, content.to_string()).unwrap();
        let files = [folder.path().join("missing"), file.clone()];
        let password = |user: &str, password: &str| {
            Some(Credentials::Password {
                user: user.to_owned(),
                password: password.to_owned(),
            })
        };
        for (registry, expected) in [
            ("a.test:5000", password("user", "pass:word")),
            ("b.test", password("b", "b")),
            ("docker.io", Some(Credentials::Refresh("token".to_owned()))),
            ("empty.test", None),
            ("a.test", None),
        ] {
            assert!(find(registry, &files).unwrap() == expected, "{registry}");
        }
        let error = find("wrong.test", &files).err().unwrap().to_string();
        assert!(
            error.contains("config.json: `auths` has for \"wrong.test\" no base64"),
            "{error}"
        );
        fs::write(&file, "{").unwrap();
        let error = find("a.test", &files).err().unwrap().to_string();
        assert!(
            error.starts_with(&format!("{}: it is not valid", file.display())),
            "{error}"
        );
        let helper = r#"{ "credHelpers": { "a.test": "lambkin-test-missing", "b.test": "../x" } }"#;
        fs::write(&file, helper).unwrap();
        let error = find("a.test", &files).err().unwrap().to_string();
        assert!(
            error.contains("docker-credential-lambkin-test-missing cannot be run"),
            "{error}"
        );
        assert!(find("b.test", &files).is_err());
    }
}
