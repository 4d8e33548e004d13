//! Names, URLs and ARNs of queues.
//!
//! The URLs that the service returns have the scheme and the host by which the client reached it, so that the client can use them. In
//! the URLs that it receives, only the account and the name matter: any host is accepted, AWS's too.

/// The URL of a queue.
pub fn url(scheme: &str, host: &str, account: &str, name: &str) -> String {
    format!("{scheme}://{host}/{account}/{name}")
}

/// The account and the name in the URL of a queue.
pub fn parse_url(url: &str) -> Option<(&str, &str)> {
    let path_and_query = match url.split_once("://") {
        Some((_, rest)) => rest.split_once('/')?.1,
        None => url,
    };
    let path = path_and_query
        .split(['?', '#'])
        .next()?
        .trim_end_matches('/');
    let (before, name) = path.rsplit_once('/')?;
    let account = before.rsplit('/').next()?;
    (!account.is_empty() && !name.is_empty()).then_some((account, name))
}

/// The path `/ACCOUNT/NAME`, if a request's path ends with an account and a name.
pub fn queue_path(path: &str) -> Option<String> {
    let (account, name) = parse_url(path)?;
    Some(format!("/{account}/{name}"))
}

/// The parts of an ARN.
#[derive(Debug, PartialEq, Eq)]
pub struct Arn<'a> {
    pub service: &'a str,
    pub region: &'a str,
    pub account: &'a str,
    pub name: &'a str,
}

/// Splits an ARN; `None` if the text is not an ARN.
pub fn parse_arn(arn: &str) -> Option<Arn<'_>> {
    let mut parts = arn.splitn(6, ':');
    let [start, partition] = [parts.next()?, parts.next()?];
    let [service, region, account, name] =
        [parts.next()?, parts.next()?, parts.next()?, parts.next()?];
    let whole = start == "arn" && !partition.is_empty() && !service.is_empty() && !name.is_empty();
    whole.then_some(Arn {
        service,
        region,
        account,
        name,
    })
}

/// Whether AWS allows this name for a queue. The suffix `.fifo` is allowed for both types of queues.
pub fn is_name(name: &str) -> bool {
    let stem = name.strip_suffix(".fifo").unwrap_or(name);
    !stem.is_empty()
        && name.len() <= super::limits::QUEUE_NAME
        && stem
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_with_any_host_are_parsed() {
        for url in [
            "http://localhost:9324/000000000000/orders",
            "https://sqs.eu-west-1.amazonaws.com/000000000000/orders",
            "https://queue.amazonaws.com/000000000000/orders/",
            "http://127.0.0.1:4566/queue/eu-west-1/000000000000/orders",
            "/000000000000/orders",
        ] {
            assert_eq!(parse_url(url), Some(("000000000000", "orders")), "{url}");
        }
        for url in ["orders", "", "http://localhost/", "http://localhost/orders"] {
            assert_eq!(parse_url(url), None, "{url}");
        }
    }

    #[test]
    fn arns_are_parsed() {
        let parts = parse_arn("arn:aws:sqs:eu-west-1:000000000000:orders.fifo").unwrap();
        assert_eq!((parts.service, parts.name), ("sqs", "orders.fifo"));
        for text in ["dummy", "arn:aws:sqs", "arn:aws:sqs:r:a:"] {
            assert_eq!(parse_arn(text), None, "{text}");
        }
    }

    #[test]
    fn names_are_checked() {
        for name in ["a", "A-b_9", "a.fifo", &"x".repeat(80)] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", ".fifo", "a.b", "ü", "a/b", &"x".repeat(81)] {
            assert!(!is_name(name), "{name}");
        }
    }
}
