//! The bucket and the key of a request: from its path, or with the bucket from its `Host` (virtual-hosted style).

use crate::encoding;

use super::call::Call;
use super::error::{self, Error};
use super::limits;
use super::message::Request;

/// The bucket and the key of a request. They are empty if the request is for the service or for a bucket.
pub fn of(request: &Request) -> Result<(String, String), Error> {
    let uri = || error::INVALID_URI.with("URI", request.path.as_str());
    let path = request.path.strip_prefix('/').unwrap_or(&request.path);
    let host = request.header("host").unwrap_or("");
    let (bucket, key) = match bucket_of_host(host) {
        Some(bucket) => (bucket, path),
        None => {
            let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
            (encoding::decode(bucket, false).ok_or_else(uri)?, key)
        }
    };
    let key = encoding::decode(key, false).ok_or_else(uri)?;
    if leaves_root(&encoding::decode(path, false).ok_or_else(uri)?) {
        return Err(uri());
    }
    check_key(&key)?;
    Ok((bucket, key))
}

/// Whether at some point a path has more `..` than names before it. AWS refuses such a path, although keys are not
/// paths. With path-style addressing, the bucket is one of the names.
fn leaves_root(path: &str) -> bool {
    let mut depth = 0u32;
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." if depth == 0 => return true,
            ".." => depth -= 1,
            _ => depth += 1,
        }
    }
    false
}

/// The scheme and the host by which the client reached the service.
fn origin<'a>(call: &Call<'a>) -> (&'static str, &'a str) {
    let host = call.header("host").unwrap_or("localhost");
    (call.request.scheme(), host)
}

/// The URL of the call's object. As on AWS, the slashes of the key are encoded.
pub fn location(call: &Call<'_>) -> String {
    let (scheme, host) = origin(call);
    let key = encoding::value(&call.key);
    match bucket_of_host(host) {
        Some(_) => format!("{scheme}://{host}/{key}"),
        None => format!("{scheme}://{host}/{}/{key}", call.bucket),
    }
}

/// The URL of the call's bucket, which AWS returns in all regions but us-east-1.
pub fn of_bucket(call: &Call<'_>) -> String {
    let (scheme, host) = origin(call);
    match bucket_of_host(host) {
        Some(_) => format!("{scheme}://{host}/"),
        None => format!("{scheme}://{host}/{}/", call.bucket),
    }
}

/// Refuses a key that is too long.
pub fn check_key(key: &str) -> Result<(), Error> {
    if key.len() > limits::MAX_KEY {
        return Err(error::KEY_TOO_LONG
            .with("Size", key.len().to_string())
            .with("MaxSizeAllowed", limits::MAX_KEY.to_string()));
    }
    Ok(())
}

/// The bucket in a host name: `bucket.s3.amazonaws.com`, `bucket.s3.eu-west-1.amazonaws.com`, `bucket.s3.localhost` or
/// `bucket.localhost`. The name of a bucket may contain dots.
pub fn bucket_of_host(host: &str) -> Option<String> {
    let without_port = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let name = without_port.to_ascii_lowercase();
    let labels: Vec<&str> = name.split('.').collect();
    // The last one, because a bucket may be called `s3.photos`.
    let service = labels
        .iter()
        .rposition(|label| *label == "s3" || label.starts_with("s3-"));
    let end = match service {
        Some(at) if at + 1 < labels.len() => at,
        _ if labels.last() == Some(&"localhost") => labels.len() - 1,
        _ => return None,
    };
    let bucket = labels.get(..end)?.join(".");
    (!bucket.is_empty()).then_some(bucket)
}

/// Whether AWS allows this name for a general-purpose bucket.
pub fn is_bucket_name(name: &str) -> bool {
    let edge = |byte: Option<u8>| {
        byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    let is_address = name.split('.').count() == 4
        && name
            .split('.')
            .all(|label| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_digit()));
    (3..=63).contains(&name.len())
        && edge(name.bytes().next())
        && edge(name.bytes().last())
        && name
            .bytes()
            .all(|byte| edge(Some(byte)) || matches!(byte, b'.' | b'-'))
        && !name.contains("..")
        && !is_address
        && !["xn--", "sthree-", "amzn-s3-demo-"]
            .iter()
            .any(|prefix| name.starts_with(prefix))
        && !["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"]
            .iter()
            .any(|suffix| name.ends_with(suffix))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(host: &str, path: &str) -> (String, String) {
        of(&Request::new(
            "GET",
            path,
            vec![("Host".to_owned(), host.to_owned())],
        ))
        .unwrap()
    }

    #[test]
    fn the_host_may_contain_the_bucket() {
        for host in [
            "photos.localhost",
            "photos.localhost:9000",
            "photos.s3.localhost:9000",
            "Photos.s3.eu-west-1.amazonaws.com",
            "photos.s3-eu-west-1.amazonaws.com",
            "photos.s3.amazonaws.com:443",
            "photos.s3.localhost.localstack.cloud:4566",
        ] {
            assert_eq!(
                address(host, "/a/b"),
                ("photos".to_owned(), "a/b".to_owned()),
                "{host}"
            );
        }
        assert_eq!(address("my.site.s3.localhost", "/").0, "my.site");
    }

    #[test]
    fn otherwise_the_path_contains_the_bucket() {
        for host in [
            "127.0.0.1:9000",
            "localhost:9000",
            "s3.amazonaws.com",
            "s3.eu-west-1.amazonaws.com",
            "s3.localhost",
            "[::1]:9000",
            "",
        ] {
            assert_eq!(
                address(host, "/photos/a/b"),
                ("photos".to_owned(), "a/b".to_owned()),
                "{host}"
            );
        }
    }

    #[test]
    fn keys_are_not_normalised() {
        for (path, key) in [
            ("/b", ""),
            ("/b/", ""),
            ("/b//", "/"),
            ("/b//a", "/a"),
            ("/b/../c", "../c"),
            ("/b/%2e%2e/./c", ".././c"),
            ("/b/a/../../c", "a/../../c"),
            ("/b/a+b%20c%2Bd", "a+b c+d"),
            ("/b/%C3%BC", "ü"),
        ] {
            assert_eq!(address("", path).1, key, "{path}");
        }
    }

    #[test]
    fn paths_that_leave_their_root_are_refused() {
        for (host, path) in [
            ("", "/b/../../c"),
            ("", "/b/%2e%2e/%2E./c"),
            ("", "/.."),
            ("b.s3.localhost", "/../c"),
            ("b.s3.localhost", "/a/../../c"),
        ] {
            let headers = vec![("Host".to_owned(), host.to_owned())];
            let error = of(&Request::new("GET", path, headers)).unwrap_err();
            assert_eq!(error.code(), "InvalidURI", "{host} {path}");
        }
    }

    #[test]
    fn bucket_names_follow_the_rules_of_aws() {
        for name in ["abc", "a-b.c1", "0aa", &"a".repeat(63)] {
            assert!(is_bucket_name(name), "{name}");
        }
        for name in [
            "ab",
            "Abc",
            "a_b",
            "-abc",
            "abc-",
            "a..b",
            "1.2.3.4",
            "xn--abc",
            "abc-s3alias",
            &"a".repeat(64),
        ] {
            assert!(!is_bucket_name(name), "{name}");
        }
    }
}
