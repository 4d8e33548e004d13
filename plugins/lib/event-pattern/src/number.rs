//! Numbers as patterns compare them: from -5,000,000,000 to 5,000,000,000, with up to six decimals.
//!
//! Within these bounds `300`, `300.0` and `3e2` are equal. Other numbers, such as account ids, equal only the same JSON
//! number and are never in a range.

use serde_json::Number;

const MILLION: f64 = 1e6;
const LIMIT: f64 = 5e9;

/// A number, in millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Comparable(i64);

impl Comparable {
    /// Converts a number that is within the bounds.
    ///
    /// # Errors
    ///
    /// Returns AWS's message if the number is out of bounds.
    pub fn of(number: &Number) -> Result<Self, &'static str> {
        const OUTSIDE: &str = "Value must be between -5.0E9 and 5.0E9, inclusive";

        let value = number.as_f64().ok_or(OUTSIDE)?;
        if !(-LIMIT..=LIMIT).contains(&value) {
            return Err(OUTSIDE);
        }
        let millionths = (value * MILLION).round();
        // A number with up to six decimals is the double nearest to its millionths divided by a million.
        if millionths / MILLION == value {
            #[allow(clippy::cast_possible_truncation, reason = "whole, and at most 5e15")]
            Ok(Self(millionths as i64))
        } else {
            Err("Only values up to 6 decimals are supported")
        }
    }
}

/// Whether two numbers are equal.
pub fn equal(left: &Number, right: &Number) -> bool {
    match (Comparable::of(left), Comparable::of(right)) {
        (Ok(left), Ok(right)) => left == right,
        (Err(_), Err(_)) => left == right,
        _ => false,
    }
}

/// The range of a `numeric` matcher.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The lower bound, and whether it is part of the range.
    pub bottom: Option<(Comparable, bool)>,
    /// The upper bound, and whether it is part of the range.
    pub top: Option<(Comparable, bool)>,
}

impl Range {
    /// Whether a number is in the range.
    pub fn contains(&self, number: &Number) -> bool {
        let Ok(number) = Comparable::of(number) else {
            return false;
        };
        let above = |(bottom, within)| number > bottom || within && number == bottom;
        let below = |(top, within)| number < top || within && number == top;
        self.bottom.is_none_or(above) && self.top.is_none_or(below)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn numbers_are_compared_to_the_millionth() {
        for (text, expected) in [
            ("0", 0),
            ("-0.0", 0),
            ("0.1", 100_000),
            ("0.000001", 1),
            ("3e2", 300_000_000),
            ("-5e9", -5_000_000_000_000_000),
            ("5000000000", 5_000_000_000_000_000),
            ("4999999999.999999", 4_999_999_999_999_999),
            ("1234567890.123456", 1_234_567_890_123_456),
        ] {
            let comparable = Comparable::of(&number(text));
            assert_eq!(comparable, Ok(Comparable(expected)), "{text}");
        }
        for text in [
            "5000000000.1",
            "-5000000001",
            "1e300",
            "0.0000001",
            "1.1234567",
        ] {
            assert!(Comparable::of(&number(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_are_equal_in_any_notation() {
        for (left, right, expected) in [
            ("300", "300.0", true),
            ("300", "3e2", true),
            ("300", "300.000001", false),
            ("123456789012", "123456789012", true),
            ("123456789012", "123456789013", false),
            ("0.12345678", "0.12345678", true),
            ("0.12345678", "0.123457", false),
        ] {
            assert_eq!(
                equal(&number(left), &number(right)),
                expected,
                "{left} {right}"
            );
        }
    }
}
