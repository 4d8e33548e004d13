//! Function names as callers write them: names, partial ARNs and ARNs, each with or without a qualifier.

/// A parsed reference to a function, with the parts that the caller gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FunctionRef<'a> {
    /// The region, as in `us-east-1`.
    pub region: Option<&'a str>,
    /// The account's number of twelve digits.
    pub account: Option<&'a str>,
    /// The function's name.
    pub name: &'a str,
    /// A version or an alias.
    pub qualifier: Option<&'a str>,
}

/// The unpublished version.
pub const LATEST: &str = "$LATEST";

/// The published version with the highest number.
pub const LATEST_PUBLISHED: &str = "$LATEST.PUBLISHED";

/// The number of parts that may precede a name: region, account, and the word `function`.
const OPTIONAL_PARTS: usize = 3;

impl<'a> FunctionRef<'a> {
    /// AWS's pattern for `FunctionName`, as its validation errors quote it.
    pub const PATTERN: &'static str = r"(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_\.]+)(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?";

    /// Parses every form that matches [`FunctionRef::PATTERN`]; returns `None` for any other text.
    ///
    /// Like the pattern, this reads as many parts as possible as region, account and the word `function`, and takes
    /// such a part as the name if no other is left: `function:$LATEST` refers to a function named `function`.
    pub fn parse(text: &'a str) -> Option<Self> {
        let rest = without_arn(text);
        (0..=OPTIONAL_PARTS)
            .rev()
            .find_map(|optional| Self::parse_parts(rest, optional))
            .or_else(|| Self::parse_parts(text, 0))
    }

    /// Parses a text that may have the first `optional` of the optional parts.
    fn parse_parts(text: &'a str, optional: usize) -> Option<Self> {
        let mut rest = text;
        let mut take = |index: usize, is_part: fn(&str) -> bool| {
            let (part, after) = rest.split_once(':')?;
            (index < optional && is_part(part)).then(|| {
                rest = after;
                part
            })
        };
        let region = take(0, is_region);
        let account = take(1, is_account);
        take(2, is_the_word_function);
        let (name, qualifier) = match rest.split_once(':') {
            Some((name, qualifier)) => (name, Some(qualifier)),
            None => (rest, None),
        };
        (is_name(name) && qualifier.is_none_or(is_qualifier_of_name)).then_some(Self {
            region,
            account,
            name,
            qualifier,
        })
    }
}

/// The text after `arn:PARTITION:lambda:`, or the whole text if it does not begin with that.
fn without_arn(text: &str) -> &str {
    let after = || {
        let (partition, rest) = text.strip_prefix("arn:")?.split_once(':')?;
        let letters = partition.strip_prefix("aws").unwrap_or(partition);
        let known = partition.is_empty() || letters.len() < partition.len();
        let legal = letters
            .bytes()
            .all(|b| b.is_ascii_alphabetic() || b == b'-');
        rest.strip_prefix("lambda:").filter(|_| known && legal)
    };
    after().unwrap_or(text)
}

/// Whether a text is a valid function name: 1 to 64 letters, digits, `-` and `_`.
pub fn is_function_name(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(is_word)
}

/// Whether a text is a valid number of a published version: 1, 2, 3, …
pub fn is_version_number(text: &str) -> bool {
    (1..=18).contains(&text.len())
        && !text.starts_with('0')
        && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a text is a valid alias name: 1 to 128 letters, digits, `-` and `_`, and not a number.
pub fn is_alias_name(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text.bytes().all(is_word)
        && !text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_qualifier_of_name(text: &str) -> bool {
    matches!(text, LATEST | LATEST_PUBLISHED) || (!text.is_empty() && text.bytes().all(is_word))
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| is_word(byte) || byte == b'.')
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a text has the form of a region: `us-east-1`, `us-gov-west-1`, `eusc-de-east-1`.
fn is_region(text: &str) -> bool {
    let lower = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    let parts: Vec<&str> = text
        .strip_prefix("eusc-")
        .unwrap_or(text)
        .split('-')
        .collect();
    let (country, direction, number) = match *parts.as_slice() {
        [country, direction, number] => (country, direction, number),
        [country, part, direction, number] if part == "gov" || part.starts_with("iso") => {
            (country, direction, number)
        }
        _ => return false,
    };
    let one_digit = number.len() == 1 && number.bytes().all(|byte| byte.is_ascii_digit());
    country.len() == 2 && lower(country) && lower(direction) && one_digit
}

fn is_the_word_function(text: &str) -> bool {
    text == "function"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Option<(&str, Option<&str>)> {
        FunctionRef::parse(text).map(|reference| (reference.name, reference.qualifier))
    }

    #[test]
    fn every_form_of_a_name_is_parsed() {
        for form in [
            "orders",
            "function:orders",
            "123456789012:function:orders",
            "us-east-1:123456789012:function:orders",
            "arn:aws:lambda:us-east-1:123456789012:function:orders",
            "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:orders",
            "arn:aws-eusc:lambda:eusc-de-east-1:123456789012:function:orders",
        ] {
            assert_eq!(parsed(form), Some(("orders", None)), "{form}");
            let qualified = format!("{form}:live");
            assert_eq!(parsed(&qualified), Some(("orders", Some("live"))));
        }
        for qualifier in [LATEST, LATEST_PUBLISHED, "12"] {
            let text = format!("orders:{qualifier}");
            assert_eq!(parsed(&text), Some(("orders", Some(qualifier))));
        }
    }

    #[test]
    fn the_region_and_the_account_are_kept() {
        let whole = FunctionRef::parse("arn:aws:lambda:eu-west-1:111111111111:function:orders:2");
        let expected = FunctionRef {
            region: Some("eu-west-1"),
            account: Some("111111111111"),
            name: "orders",
            qualifier: Some("2"),
        };
        assert_eq!(whole, Some(expected));
    }

    #[test]
    fn an_incomplete_arn_is_a_reference_to_its_last_part() {
        for (text, name) in [
            ("arn:aws:lambda:us-east-1:123456789012:function", "function"),
            ("arn:aws:lambda:us-east-1:123456789012", "123456789012"),
            ("arn:aws:lambda:us-east-1", "us-east-1"),
        ] {
            assert_eq!(parsed(text), Some((name, None)), "{text}");
        }
        assert_eq!(parsed("arn:aws"), Some(("arn", Some("aws"))));
    }

    #[test]
    fn a_function_may_be_named_function() {
        assert_eq!(parsed("function"), Some(("function", None)));
        assert_eq!(parsed("function:function"), Some(("function", None)));
        assert_eq!(parsed("function:$LATEST"), Some(("function", Some(LATEST))));
    }

    #[test]
    fn text_that_does_not_match_the_pattern_is_refused() {
        for text in [
            "",
            "a b",
            "a:b:c",
            "orders:",
            ":live",
            "orders:$live",
            "arn:aws:s3:us-east-1:123456789012:function:x",
            "arn:azure:lambda:us-east-1:123456789012:function:x",
            "é",
            "a/b",
        ] {
            assert_eq!(parsed(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_number_is_a_version_and_not_an_alias() {
        assert!(is_version_number("1") && is_version_number("20"));
        assert!(!is_version_number("0") && !is_version_number("01") && !is_version_number("x"));
        assert!(is_alias_name("live-2") && !is_alias_name("2") && !is_alias_name(LATEST));
    }
}
