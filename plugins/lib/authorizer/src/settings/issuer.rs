//! The types `jwt` and `cognito`: tokens of an issuer.

use alloc::borrow::{Cow, ToOwned as _};
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use http_event::json::compact;
use plugin_kit::settings::{Problems, Table};

use super::{Configured, Rules, Surroundings, authorization, identity_sources, is_printable};
use crate::authorizer::{Authorizer, ENTRY, Issuer, Kind, List, joined};
use crate::keys::Jwks;

pub fn read<'a>(
    name: &'a str,
    table: &Table<'a>,
    is_user_pool: bool,
    rules: Rules,
    surroundings: Surroundings<'_>,
    problems: &mut Problems,
) -> Option<Configured<'a>> {
    let mut known = Vec::from(["type", "issuer", "audience", "identity-source", "jwks"]);
    if is_user_pool {
        known.push("user-pool-arn");
    }
    table.refuse_unknown(&known, &[], problems);
    let sources = identity_sources(table, rules, 1, problems).unwrap_or_default();
    let source = sources.into_iter().next().unwrap_or_else(authorization);
    let url = url(table, is_user_pool, problems);
    let rule = "an audience is a text, such as the id of an app client";
    let audience = table.texts("audience", is_printable, rule, problems);
    if audience.as_ref().is_none_or(Vec::is_empty) && !is_user_pool {
        let message = "tokens are issued for someone: set `audience`, such as [\"my-client-id\"]";
        problems.add(table.at().to_vec(), message);
    }
    let keys = keys(table, problems);

    let url = url?;
    let keys = keys?;
    if !keys.starts_with('{') {
        let (fetched, key) = match keys.as_str() {
            "" => (
                &*url,
                if is_user_pool && table.get("issuer").is_none() {
                    "user-pool-arn"
                } else {
                    "issuer"
                },
            ),
            url => (url, "jwks"),
        };
        check_origin(fetched, surroundings, table.path_of(key), problems);
    }
    let kind = Kind::Token(Issuer {
        is_user_pool,
        source: &source,
        url: &url,
        audience: List(&joined(audience.unwrap_or_default(), ENTRY)),
        keys: &keys,
    });
    Some(Configured {
        text: Authorizer { name, kind }.write(),
        kind: if is_user_pool { "cognito" } else { "jwt" },
        function: None,
        summary: format!("authorizer {name}: tokens of {url}"),
    })
}

/// The issuer's URL, as tokens have it.
fn url<'a>(table: &Table<'a>, is_user_pool: bool, problems: &mut Problems) -> Option<Cow<'a, str>> {
    if let Some(issuer) = table.get("issuer") {
        let text = issuer.as_str().filter(|text| origin(text).is_some());
        if text.is_none() {
            let message = "an issuer is a URL, such as \"https://issuer.example.com\"";
            problems.add(table.path_of("issuer"), message);
        }
        return text.map(Cow::Borrowed);
    }
    if !is_user_pool {
        let message = "the authorizer needs an `issuer`, the URL in the claim `iss` of its tokens";
        problems.add(table.at().to_vec(), message);
        return None;
    }
    if table.get("user-pool-arn").is_none() {
        let message = "the authorizer needs `user-pool-arn`, or an `issuer`";
        problems.add(table.at().to_vec(), message);
        return None;
    }
    let rule = "this is an ARN such as \"arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_AbCdEf\"";
    let arn = table.text(
        "user-pool-arn",
        |arn| of_user_pool(arn).is_some(),
        rule,
        problems,
    )?;
    of_user_pool(arn).map(Cow::Owned)
}

/// The issuer of a user pool.
fn of_user_pool(arn: &str) -> Option<String> {
    let mut parts = arn.split(':');
    let (Some("arn"), Some(_), Some("cognito-idp"), Some(region), Some(_), Some(resource), None) = (
        parts.next(),
        parts.next(),
        parts.next(),
        parts.next(),
        parts.next(),
        parts.next(),
        parts.next(),
    ) else {
        return None;
    };
    let id = resource.strip_prefix("userpool/")?;
    let is_word = |text: &str| {
        let is_legal = |char: char| char.is_ascii_alphanumeric() || "-_".contains(char);
        !text.is_empty() && text.chars().all(is_legal)
    };
    (is_word(region) && is_word(id))
        .then(|| format!("https://cognito-idp.{region}.amazonaws.com/{id}"))
}

/// The keys: empty, a URL, or JSON. `None` after a mistake.
fn keys(table: &Table<'_>, problems: &mut Problems) -> Option<String> {
    const KEY: &str = "jwks";
    let Some(value) = table.get(KEY) else {
        return Some(String::new());
    };
    let json = match value.as_str() {
        Some(text) if origin(text).is_some() => return Some(text.to_owned()),
        Some(text) if text.trim_start().starts_with('{') => compact(text),
        Some(_) => None,
        None if value.is_object() => Some(value.to_string()),
        None => None,
    };
    let Some(json) = json else {
        let message = "this is the URL of the issuer's keys, or the keys: JSON such as '{\"keys\":[…]}', or a file of it, \
             { from-file = \"keys.json\" }";
        problems.add(table.path_of(KEY), message);
        return None;
    };
    match Jwks::read(&json).and_then(|jwks| jwks.check()) {
        Ok(()) => Some(json),
        Err(message) => {
            problems.add(table.path_of(KEY), message);
            None
        }
    }
}

/// Reports that the host does not fetch from the origin of a URL.
fn check_origin(
    url: &str,
    surroundings: Surroundings<'_>,
    at: Vec<String>,
    problems: &mut Problems,
) {
    let (Some(granted), Some(origin)) = (surroundings.network, origin(url)) else {
        return;
    };
    if !granted
        .split(' ')
        .any(|it| self::origin(it).as_ref() == Some(&origin))
    {
        let message = format!(
            "the keys are fetched from {origin}, which is not granted: set `network = [\"{origin}\"]` for the trigger, \
             or give the keys in `jwks`"
        );
        problems.add(at, message);
    }
}

/// The origin of a URL without the default port. `None` if the text is not such a URL.
fn origin(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let default = match scheme {
        "https" => ":443",
        "http" => ":80",
        _ => return None,
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.strip_suffix(default).unwrap_or(host);
    let is_legal = |char: char| char.is_ascii_alphanumeric() || "-._:[]".contains(char);
    let is_host = !host.is_empty() && host.chars().all(is_legal);
    let is_text = !rest
        .chars()
        .any(|char| char.is_control() || char.is_whitespace());
    (is_host && is_text).then(|| format!("{scheme}://{}", host.to_ascii_lowercase()))
}
