//! The hosts and origins that the operator allows, how the operator allows them, and what has been warned of.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use super::host::{has_suffix, host_of, is_name, strip_prefix, strip_suffix};

/// The number of different hosts and origins that are warned of, so that a page cannot fill the log.
const MAX_WARNINGS: usize = 32;

/// Hosts and origins that the operator allows in addition to those of this machine. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Allowlist(Arc<Lists>);

#[derive(Debug, Default)]
struct Lists {
    hosts: Vec<HostPattern>,
    origins: Vec<OriginPattern>,
    settings: Settings,
    /// What has been warned of; shared with the lists that [`Allowlist::with_hosts`] makes.
    warned: Arc<Mutex<BTreeSet<String>>>,
}

/// Where the operator sets an [`Allowlist`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Settings {
    /// The keys `allowed-hosts` and `allowed-origins` of `lambkin.toml`.
    #[default]
    File,
    /// The environment variables [`HOSTS_VARIABLE`] and [`ORIGINS_VARIABLE`].
    Variables,
}

/// The environment variable with the allowed hosts, separated by commas.
pub const HOSTS_VARIABLE: &str = "LAMBKIN_ALLOWED_HOSTS";
/// The environment variable with the allowed origins, separated by commas.
pub const ORIGINS_VARIABLE: &str = "LAMBKIN_ALLOWED_ORIGINS";

/// An allowed host: `host.example.com`, `*.example.com` for all names below `example.com`, or `*` for all hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPattern(String);

/// An allowed origin: `https://app.example.com:8443`, `https://*.example.com` for all names below `example.com`,
/// `null`, or `*` for all origins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginPattern(String);

impl HostPattern {
    /// Reads a pattern.
    ///
    /// # Errors
    ///
    /// The text is no pattern; the error says what is wrong and what would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
        let name = text.strip_prefix("*.").unwrap_or(text);
        let name = name.strip_suffix('.').unwrap_or(name);
        if text != "*" && (!is_name(name) || name.split('.').any(str::is_empty)) {
            return Err(format!(
                "{text:?} is not a host name; right are \"lambkin.example.com\", \"*.example.com\" and \"*\", without \
                 scheme, port and path"
            ));
        }
        Ok(Self(text.trim_end_matches('.').to_ascii_lowercase()))
    }

    /// The pattern as a name in a certificate; `None` for all hosts.
    fn certificate_name(&self) -> Option<&str> {
        (self.0 != "*").then_some(&self.0)
    }

    /// The pattern in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a host, without a port, is one of these.
    pub fn matches(&self, host: &str) -> bool {
        let Some(suffix) = self.0.strip_prefix('*') else {
            return self.0.eq_ignore_ascii_case(host);
        };
        // For `*` the suffix is empty.
        suffix.is_empty() || has_suffix(host, suffix)
    }
}

impl OriginPattern {
    /// Reads a pattern.
    ///
    /// # Errors
    ///
    /// The text is no pattern; the error says what is wrong and what would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
        let lower = text.to_ascii_lowercase();
        if matches!(lower.as_str(), "*" | "null") {
            return Ok(Self(lower));
        }
        let invalid = || {
            format!(
                "{text:?} is not an origin; right are \"https://app.example.com\", \"http://192.168.1.5:3000\", \
                 \"https://*.example.com\", \"null\" and \"*\", without a path and a `/` at the end"
            )
        };
        let (scheme, authority) = lower.split_once("://").ok_or_else(invalid)?;
        let is_scheme = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
        let host = host_of(authority).ok_or_else(invalid)?;
        let is_host = host == "*"
            || is_name(host.strip_prefix("*.").unwrap_or(host))
            || host.starts_with('[');
        if scheme.is_empty() || !scheme.bytes().all(is_scheme) || !is_host {
            return Err(invalid());
        }
        // Browsers leave out the port of the scheme.
        let default_port = match scheme {
            "http" => ":80",
            "https" => ":443",
            _ => "",
        };
        let authority = authority.strip_suffix(default_port).unwrap_or(authority);
        Ok(Self(format!("{scheme}://{authority}")))
    }

    fn matches(&self, origin: &str) -> bool {
        if self.0 == "*" {
            return true;
        }
        let Some((start, end)) = self.0.split_once('*') else {
            return self.0.eq_ignore_ascii_case(origin);
        };
        let middle = strip_prefix(origin, start).and_then(|rest| strip_suffix(rest, end));
        middle.is_some_and(|name| !name.is_empty() && is_name(name))
    }
}

impl Allowlist {
    /// An allowlist of these hosts and origins.
    pub fn new(hosts: Vec<HostPattern>, origins: Vec<OriginPattern>, settings: Settings) -> Self {
        Self(Arc::new(Lists {
            hosts,
            origins,
            settings,
            warned: Arc::default(),
        }))
    }

    /// The same lists with further hosts.
    #[must_use]
    pub fn with_hosts<'a>(&self, hosts: impl Iterator<Item = &'a HostPattern>) -> Self {
        let mut all = self.0.hosts.clone();
        all.extend(hosts.cloned());
        Self(Arc::new(Lists {
            hosts: all,
            origins: self.0.origins.clone(),
            settings: self.0.settings,
            warned: Arc::clone(&self.0.warned),
        }))
    }

    /// The allowed hosts as names in a certificate, in which `*.` stands for one label rather than any number.
    pub fn certificate_names(&self) -> impl Iterator<Item = &str> {
        self.0
            .hosts
            .iter()
            .filter_map(HostPattern::certificate_name)
    }

    pub(super) fn has_host(&self, host: &str) -> bool {
        self.0.hosts.iter().any(|pattern| pattern.matches(host))
    }

    pub(super) fn has_origin(&self, origin: &str) -> bool {
        self.0.origins.iter().any(|pattern| pattern.matches(origin))
    }

    pub(super) fn has_all_origins(&self) -> bool {
        self.0.origins.iter().any(|pattern| pattern.0 == "*")
    }

    /// The setting that allows a host.
    pub(super) fn host_setting(&self, host: &str) -> String {
        let hosts = self.0.hosts.iter().map(|pattern| pattern.0.as_str());
        self.setting("allowed-hosts", HOSTS_VARIABLE, hosts, host)
    }

    /// The setting that allows an origin.
    pub(super) fn origin_setting(&self, origin: &str) -> String {
        let origins = self.0.origins.iter().map(|pattern| pattern.0.as_str());
        self.setting("allowed-origins", ORIGINS_VARIABLE, origins, origin)
    }

    fn setting<'a>(
        &self,
        key: &str,
        variable: &str,
        present: impl Iterator<Item = &'a str>,
        new: &'a str,
    ) -> String {
        let all: Vec<&str> = present.chain([new]).collect();
        match self.0.settings {
            Settings::File => {
                let all: Vec<String> = all.iter().map(|one| format!("'{one}'")).collect();
                format!("at the top of lambkin.toml: {key} = [{}]", all.join(", "))
            }
            Settings::Variables => {
                format!(
                    "in the environment of lambkin: {variable}='{}'",
                    all.join(",")
                )
            }
        }
    }

    /// Writes a warning, unless there was one with this subject before or there have been many.
    pub(super) fn warn(&self, subject: String, message: &str) {
        let mut warned = self.0.warned.lock().unwrap_or_else(PoisonError::into_inner);
        if warned.len() >= MAX_WARNINGS || !warned.insert(subject) {
            tracing::debug!("{message}");
            return;
        }
        let count = warned.len();
        drop(warned);
        tracing::warn!("{message}");
        if count == MAX_WARNINGS {
            tracing::warn!("further requests that are refused for their origin are logged with -v");
        }
    }
}
