//! The fields of sample events: what a user can choose, with help, default and legal values.

use std::net::IpAddr;

use serde_json::Value;

use crate::config::{check_queue_name, is_account};

/// A field of a sample event, on the command line the option `--NAME`.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// The option without its hyphens.
    pub name: &'static str,
    /// Another name of the option, such as that of `sam local generate-event`.
    pub alias: Option<&'static str>,
    /// Whether other commands have an option of the field's name, so that only the alias is one of theirs.
    pub is_taken: bool,
    /// What stands for the value in help.
    pub value: &'static str,
    /// One sentence without its period.
    pub help: &'static str,
    /// The value if none is given. Empty: there is none, or it depends on other fields, as `help` says.
    pub default: &'static str,
    /// Whether the option may be given several times.
    pub repeats: bool,
    /// Refuses a value, with what it must be.
    pub check: fn(&str) -> Result<(), String>,
}

impl Field {
    const fn new(name: &'static str, value: &'static str, help: &'static str) -> Self {
        Self {
            name,
            alias: None,
            is_taken: false,
            value,
            help,
            default: "",
            repeats: false,
            check: filled,
        }
    }

    /// The option in commands that have others as well.
    pub fn option(&self) -> &'static str {
        match self.alias {
            Some(alias) if self.is_taken => alias,
            _ => self.name,
        }
    }

    /// The same field with another default.
    pub const fn or(self, default: &'static str) -> Self {
        Self { default, ..self }
    }

    const fn also(self, alias: &'static str) -> Self {
        Self {
            alias: Some(alias),
            ..self
        }
    }

    const fn repeated(self) -> Self {
        Self {
            repeats: true,
            ..self
        }
    }

    const fn checked(self, check: fn(&str) -> Result<(), String>) -> Self {
        Self { check, ..self }
    }
}

pub const METHOD: Field =
    Field::new("method", "METHOD", "The method of the request").checked(token);
pub const PATH: Field = Field::new(
    "path",
    "PATH",
    "The path of the request, which may have a query [default: one that fits --resource]",
)
.checked(path);
pub const RESOURCE: Field = Field::new(
    "resource",
    "RESOURCE",
    "The path of the route, such as `/orders/{id}`",
);
pub const QUERY: Field = Field::new(
    "query",
    "QUERY",
    "The query of the request, such as `page=2&all=1`, or a JSON object of strings",
)
.also("querystringparameters")
.checked(query);
pub const HEADER: Field = Field::new(
    "header",
    "NAME: VALUE",
    "A header of the request; may be repeated",
)
.repeated()
.checked(header);
pub const BODY: Field = Field::new(
    "body",
    "BODY",
    "The body, or `@FILE` to read it from a file, `@-` for standard input",
)
.checked(anything);
/// Each body is a message.
pub const BODIES: Field = Field {
    help: "The body, or `@FILE` to read it from a file, `@-` for standard input; may be repeated for several messages",
    repeats: true,
    ..BODY
};
pub const TOKEN: Field = Field::new(
    "token",
    "TOKEN",
    "The caller's token, in the header `Authorization`",
)
.or("incoming-client-token")
.checked(line);
pub const FORMAT: Field = Field::new(
    "payload-format-version",
    "VERSION",
    "The version of the event: 2.0 or 1.0",
)
.or("2.0")
.checked(format_version);
pub const MULTI_VALUE: Field = Field::new(
    "multi-value-headers",
    "BOOLEAN",
    "Whether headers and parameters are lists of values",
)
.or("false")
.checked(boolean);
pub const STAGE: Field = Field {
    is_taken: true,
    ..Field::new("stage", "STAGE", "The stage of the API")
        .also("api-stage")
        .or("prod")
};
pub const API_ID: Field = Field::new("api-id", "ID", "The id of the API")
    .also("restApiId")
    .or("1234567890")
    .checked(id);
pub const URL_ID: Field = Field::new("url-id", "ID", "The id of the function URL")
    .or("1234567890")
    .checked(id);
pub const DNS_SUFFIX: Field = Field::new(
    "dns-suffix",
    "SUFFIX",
    "The end of the host name [default: that of the region]",
)
.checked(host);
pub const SOURCE_IP: Field = Field::new("source-ip", "ADDRESS", "The client's IP address")
    .or("203.0.113.10")
    .checked(address);
pub const QUEUE_NAME: Field = Field::new(
    "queue-name",
    "NAME",
    "The queue; a name that ends in `.fifo` is that of a FIFO queue",
)
.or("MyQueue")
.checked(queue_name);
pub const ATTRIBUTE: Field = Field::new(
    "attribute",
    "NAME: VALUE",
    "An attribute of every message; may be repeated",
)
.repeated()
.checked(attribute);
pub const GROUP: Field = Field::new(
    "message-group-id",
    "ID",
    "The message group of every message [default: `group` in a FIFO queue]",
);
pub const BUCKET: Field = Field::new("bucket", "NAME", "The bucket").or("example-bucket");
pub const KEY: Field =
    Field::new("key", "KEY", "The key of the object, not URL-encoded").or("test/key");
pub const SIZE: Field = Field::new("size", "BYTES", "The size of the object in bytes")
    .or("1024")
    .checked(number);
pub const VERSION: Field = Field::new(
    "version-id",
    "ID",
    "The version of the object [default: none, as in a bucket without versioning]",
);
pub const REGION: Field = Field::new("region", "REGION", "The AWS region")
    .or("us-east-1")
    .checked(region);
pub const ACCOUNT: Field = Field::new("account-id", "ID", "The AWS account: twelve digits")
    .or("123456789012")
    .checked(account);
pub const PARTITION: Field = Field::new(
    "partition",
    "PARTITION",
    "The partition in ARNs, which has to be that of the region",
);

fn must(is_legal: bool, rule: &str) -> Result<(), String> {
    match is_legal {
        true => Ok(()),
        false => Err(rule.to_owned()),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "one of several checks")]
fn anything(_: &str) -> Result<(), String> {
    Ok(())
}

fn filled(value: &str) -> Result<(), String> {
    must(!value.is_empty(), "must not be empty")
}

/// A value of a header.
fn line(value: &str) -> Result<(), String> {
    let is_line = !value.chars().any(char::is_control);
    must(is_line && !value.is_empty(), "must be a line of text")
}

/// A name as HTTP has it for methods and headers.
fn is_token(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_part)
}

fn token(value: &str) -> Result<(), String> {
    must(is_token(value), "must be a method of HTTP, such as GET")
}

fn path(value: &str) -> Result<(), String> {
    let is_url = value.contains("://");
    must(
        !is_url && !value.is_empty(),
        "must be a path, such as /orders/7, without scheme and host",
    )
}

fn header(value: &str) -> Result<(), String> {
    const RULE: &str = "must be a name and a value, such as `accept: text/html`";
    let (name, text) = value.split_once(':').ok_or(RULE)?;
    let is_line = !text.chars().any(char::is_control);
    must(is_token(name.trim()) && is_line, RULE)
}

fn attribute(value: &str) -> Result<(), String> {
    let is_named = value
        .split_once(':')
        .is_some_and(|(name, value)| !name.trim().is_empty() && !value.trim().is_empty());
    must(is_named, "must be a name and a value, such as `kind: new`")
}

fn query(value: &str) -> Result<(), String> {
    if !value.starts_with('{') {
        return Ok(());
    }
    query_object(value).map(drop)
}

/// The members of a query that is a JSON object.
pub fn query_object(value: &str) -> Result<Vec<(String, String)>, String> {
    const RULE: &str =
        "must be a JSON object of strings, such as {\"page\": \"2\"}, or a query, such as page=2";
    let object: serde_json::Map<String, Value> =
        serde_json::from_str(value).map_err(|error| format!("{RULE}: {error}"))?;
    let member = |(name, value)| match value {
        Value::String(text) => Ok((name, text)),
        other => Err(format!("{RULE}; {name:?} is {other}")),
    };
    object.into_iter().map(member).collect()
}

fn format_version(value: &str) -> Result<(), String> {
    must(matches!(value, "1.0" | "2.0"), "must be 1.0 or 2.0")
}

fn boolean(value: &str) -> Result<(), String> {
    must(matches!(value, "true" | "false"), "must be true or false")
}

fn id(value: &str) -> Result<(), String> {
    let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    must(
        !value.is_empty() && value.bytes().all(is_part),
        "must consist of lower-case letters and digits",
    )
}

fn host(value: &str) -> Result<(), String> {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b".-".contains(&byte);
    must(
        !value.is_empty() && value.bytes().all(is_part),
        "must be the end of a host name, such as us-east-1.amazonaws.com",
    )
}

fn address(value: &str) -> Result<(), String> {
    must(
        value.parse::<IpAddr>().is_ok(),
        "must be an IP address, such as 203.0.113.10",
    )
}

fn queue_name(value: &str) -> Result<(), String> {
    check_queue_name(value).map_err(str::to_owned)
}

fn number(value: &str) -> Result<(), String> {
    must(
        value.parse::<u64>().is_ok(),
        "must be a whole number of bytes",
    )
}

fn region(value: &str) -> Result<(), String> {
    let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    must(
        value.contains('-') && value.bytes().all(is_part),
        "must be a region, such as us-east-1",
    )
}

fn account(value: &str) -> Result<(), String> {
    must(is_account(value), "must be twelve digits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_other_types_are_refused() {
        for (field, legal, illegal) in [
            (METHOD, &["GET", "PATCH"][..], &["", "GE T", "G\r\nX"][..]),
            (PATH, &["/a", "a?b=c", "/ü"], &["", "http://a/b"]),
            (
                HEADER,
                &["a: b", "A:", "x: ü"],
                &["a", ": b", "a b: c", "a: b\r\nc: d"],
            ),
            (ATTRIBUTE, &["kind: new"], &["kind", ": new", "kind:"]),
            (
                QUERY,
                &["a=b", "", r#"{"a": "b"}"#],
                &[r#"{"a": 1}"#, "{", r#"{"a": {}}"#],
            ),
            (BODY, &["", "x\n\0"], &[]),
            (TOKEN, &["Bearer x"], &["", "a\nb"]),
            (FORMAT, &["1.0", "2.0"], &["2", "3.0"]),
            (MULTI_VALUE, &["true", "false"], &["yes", ""]),
            (API_ID, &["abcdef123"], &["ABC", "", "a/b"]),
            (
                DNS_SUFFIX,
                &["us-east-1.amazonaws.com"],
                &["a b", "a/b", ""],
            ),
            (SOURCE_IP, &["127.0.0.1", "::1"], &["localhost", "1.2.3"]),
            (QUEUE_NAME, &["a", "a.fifo"], &["", "a b", "a.b"]),
            (BUCKET, &["b", "bücket\""], &[""]),
            (
                SIZE,
                &["0", "18446744073709551615"],
                &["-1", "1.5", "1k", ""],
            ),
            (REGION, &["eu-central-1"], &["Europe", "", "eu/1-"]),
            (ACCOUNT, &["000000000000"], &["1", "12345678901x"]),
        ] {
            for value in legal {
                assert_eq!((field.check)(value), Ok(()), "{} {value:?}", field.name);
            }
            for value in illegal {
                assert!((field.check)(value).is_err(), "{} {value:?}", field.name);
            }
        }
    }
}
