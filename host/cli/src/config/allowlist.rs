//! `allowed-hosts` and `allowed-origins`: the hosts and web pages, besides those of this machine, from which requests
//! are accepted.

use lambkin_http::{Allowlist, AllowlistSettings, HostPattern, OriginPattern};

use super::key::{Key, Kind};
use super::reader::{Diagnostics, Reader};

/// The keys, at the top of the file.
pub const KEYS: &[Key] = &[
    Key::optional(
        "allowed-hosts",
        Kind::Texts,
        "Hosts that clients may name besides local ones (see [Security](security.md)): `\"lambkin.example.com\"`, \
         `\"*.example.com\"` for all names below `example.com`, or `\"*\"` for all hosts.",
    ),
    Key::optional(
        "allowed-origins",
        Kind::Texts,
        "Web pages that may use the Invoke API and the services besides those on this machine (see \
         [Security](security.md)): `\"https://app.example.com\"`, `\"https://*.example.com\"`, `\"null\"` for pages \
         without an origin, such as files, or `\"*\"` for all pages.",
    ),
];

/// Reads both keys.
pub fn read(root: &mut Reader<'_>, diagnostics: &Diagnostics) -> Allowlist {
    Allowlist::new(
        patterns(root, "allowed-hosts", HostPattern::parse, diagnostics),
        patterns(root, "allowed-origins", OriginPattern::parse, diagnostics),
        AllowlistSettings::File,
    )
}

fn patterns<T>(
    root: &mut Reader<'_>,
    key: &str,
    parse: fn(&str) -> Result<T, String>,
    diagnostics: &Diagnostics,
) -> Vec<T> {
    let Some(texts) = root.texts(key) else {
        return Vec::new();
    };
    let pattern = |text: &String| {
        let pattern = parse(text);
        pattern.map_err(|message| diagnostics.add(texts.span.clone(), &texts.key, message))
    };
    texts.value.iter().flat_map(pattern).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::config::{Config, Source};

    fn problems(text: &str) -> String {
        let source = Source::new(Path::new("lambkin.toml"), text.to_owned());
        let parsed = Config::parse(source, Path::new(""));
        parsed
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default()
    }

    #[test]
    fn mistakes_are_reported_at_their_place_with_what_would_be_right() {
        let valid = "allowed-hosts = ['a.dev', '*.b.dev', '*']\n\
                     allowed-origins = ['https://a.dev', 'http://*.b.dev:3000', 'null', '*']";
        assert_eq!(problems(valid), "");
        for (text, message) in [
            (
                "allowed-hosts = ['a.dev', 'http://b.dev']",
                "lambkin.toml:1:17: allowed-hosts: \"http://b.dev\" is not a host name; right are",
            ),
            (
                "allowed-origins = ['a.dev', 'https://b.dev/']",
                "lambkin.toml:1:19: allowed-origins: \"a.dev\" is not an origin; right are",
            ),
            (
                "allowed-origins = ['a.dev', 'https://b.dev/']",
                "allowed-origins: \"https://b.dev/\" is not an origin",
            ),
            (
                "allowed-hosts = 'a.dev'",
                "allowed-hosts: must be a list of strings",
            ),
            (
                "allowed-origin = []",
                "allowed-origin: unknown key; did you mean `allowed-origins`?",
            ),
        ] {
            let problems = problems(text);
            assert!(problems.contains(message), "{problems}");
        }
    }
}
