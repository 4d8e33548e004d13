//! Function names as callers write them: plain names, partial and full ARNs, with or without a qualifier.

/// A parsed function reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FunctionRef {
    pub name: String,
    pub qualifier: Option<String>,
}

/// AWS's pattern for `FunctionName`, as its validation errors quote it.
pub(crate) const NAME_PATTERN: &str = r"(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_\.]+)(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?";

/// AWS's pattern for `Qualifier`.
pub(crate) const QUALIFIER_PATTERN: &str = r"\$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+";

/// The longest `Qualifier`.
const QUALIFIER_LENGTH: usize = 128;

impl FunctionRef {
    /// Parses any form that matches [`NAME_PATTERN`]; `None` for all others.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(':').peekable();
        if parts.peek() == Some(&"arn") {
            parts.next();
            let partition = parts.next()?;
            let known = partition.is_empty() || partition.starts_with("aws");
            if !known || parts.next()? != "lambda" {
                return None;
            }
        }
        let mut rest: Vec<&str> = parts.collect();
        // Each optional part is taken only if something is left to be the name.
        for is_part in [is_region, is_account, is_the_word_function] {
            if rest.len() > 1 && rest.first().is_some_and(|part| is_part(part)) {
                rest.remove(0);
            }
        }
        let (name, qualifier) = match *rest.as_slice() {
            [name] => (name, None),
            [name, qualifier] => (name, Some(qualifier)),
            _ => return None,
        };
        let valid = is_name(name) && qualifier.is_none_or(is_qualifier);
        valid.then(|| Self {
            name: name.to_owned(),
            qualifier: qualifier.map(str::to_owned),
        })
    }
}

/// Whether a text may be a function's own name: 1 to 64 letters, digits, `-` and `_`.
pub fn is_function_name(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(is_word)
}

/// Whether a text matches [`QUALIFIER_PATTERN`] and is short enough.
pub(crate) fn is_qualifier(text: &str) -> bool {
    matches!(text, "$LATEST" | "$LATEST.PUBLISHED")
        || ((1..=QUALIFIER_LENGTH).contains(&text.len())
            && text.bytes().all(|byte| is_word(byte) || byte == b'$'))
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

/// `us-east-1`, `us-gov-west-1`, `eusc-de-east-1`.
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

    fn parsed(text: &str) -> Option<(String, Option<String>)> {
        FunctionRef::parse(text).map(|reference| (reference.name, reference.qualifier))
    }

    #[test]
    fn every_form_of_a_name_is_understood() {
        let plain = Some(("orders".to_owned(), None));
        for form in [
            "orders",
            "function:orders",
            "123456789012:function:orders",
            "us-east-1:123456789012:function:orders",
            "arn:aws:lambda:us-east-1:123456789012:function:orders",
            "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:orders",
            "arn:aws-eusc:lambda:eusc-de-east-1:123456789012:function:orders",
        ] {
            assert_eq!(parsed(form), plain, "{form}");
        }
        let qualified = Some(("orders".to_owned(), Some("live".to_owned())));
        for form in [
            "orders:live",
            "function:orders:live",
            "arn:aws:lambda:us-east-1:123456789012:function:orders:live",
        ] {
            assert_eq!(parsed(form), qualified, "{form}");
        }
        assert_eq!(
            parsed("orders:$LATEST"),
            Some(("orders".to_owned(), Some("$LATEST".to_owned())))
        );
    }

    #[test]
    fn a_function_may_be_called_function() {
        assert_eq!(parsed("function"), Some(("function".to_owned(), None)));
        assert_eq!(
            parsed("function:function"),
            Some(("function".to_owned(), None))
        );
    }

    #[test]
    fn what_the_pattern_excludes_is_refused() {
        for text in [
            "",
            "a b",
            "a:b:c",
            "orders:",
            ":live",
            "arn:aws:s3:us-east-1:123456789012:function:x",
            "é",
            "a/b",
        ] {
            assert_eq!(parsed(text), None, "{text:?}");
        }
    }
}
