//! The function that a request names.

use std::borrow::Cow;

use lambkin_lambda::{FunctionRef, LATEST_PUBLISHED};

use crate::error::ApiError;
use crate::limits::{NAME_LENGTH, QUALIFIER_LENGTH};
use crate::violations::Violations;

/// AWS's pattern for `Qualifier`.
const QUALIFIER_PATTERN: &str = r"\$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+";

/// The name in a request's path and its parameter `Qualifier`, both decoded.
#[derive(Debug)]
pub(crate) struct Target<'a> {
    name: Cow<'a, str>,
    qualifier: Option<Cow<'a, str>>,
}

impl<'a> Target<'a> {
    /// `name` and `query` are percent-encoded.
    pub(crate) fn of(name: &'a str, query: Option<&'a str>) -> Self {
        Self {
            name: percent_decode(name),
            qualifier: query.and_then(|query| parameter(query, "Qualifier")),
        }
    }

    /// The function that is named. Adds a violation for each constraint that the name or the qualifier violates.
    pub(crate) fn function(
        &self,
        violations: &mut Violations,
    ) -> Result<FunctionRef<'_>, ApiError> {
        let parsed = FunctionRef::parse(&self.name);
        violations.check(
            "functionName",
            &self.name,
            NAME_LENGTH,
            FunctionRef::PATTERN,
            parsed.is_some(),
        );
        let qualifier = self.qualifier.as_deref();
        if let Some(qualifier) = qualifier {
            violations.check(
                "qualifier",
                qualifier,
                QUALIFIER_LENGTH,
                QUALIFIER_PATTERN,
                is_qualifier(qualifier),
            );
        }
        let Some(mut function) = parsed else {
            return Err(violations.error());
        };
        let differs = |derived| qualifier.is_some_and(|qualifier| qualifier != derived);
        if violations.is_empty() && function.qualifier.is_some_and(differs) {
            return Err(ApiError::invalid_parameter(
                "The derived qualifier from the function name does not match the specified qualifier.",
            ));
        }
        function.qualifier = function.qualifier.or(qualifier);
        Ok(function)
    }
}

/// Whether a text matches [`QUALIFIER_PATTERN`].
fn is_qualifier(text: &str) -> bool {
    let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-_$".contains(&byte);
    text == LATEST_PUBLISHED || (!text.is_empty() && text.bytes().all(is_legal))
}

/// The first value of a query parameter, decoded.
pub(crate) fn parameter<'a>(query: &'a str, name: &str) -> Option<Cow<'a, str>> {
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| percent_decode(value))
}

/// Decodes percent-encoding. Bytes that are not valid UTF-8 are replaced.
pub(crate) fn percent_decode(text: &str) -> Cow<'_, str> {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy()
}
