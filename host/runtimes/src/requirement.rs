//! Ranges of versions, as npm and the version managers of Python, Ruby and Node.js write them.
//!
//! Contract: `3.13`, `20.x`, `>=18 <23`, `^20.1 || >=22`, `18 - 20`, `~=3.12`, `~> 3.4`, `*`. A version that leaves parts
//! out stands for all versions that begin with it. On failure: `None`, the text has another form.

use crate::version::Version;

/// A range of versions: alternatives, each of which has comparisons that must all hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Requirement(Vec<Vec<Comparison>>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Comparison {
    operator: Operator,
    version: Version,
    /// The number of parts that the text has: 0 for `*`, 2 for `3.13`.
    parts: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    /// npm's `^`: the first part that is not 0 stays.
    Caret,
    /// npm's `~`: the minor version stays.
    Tilde,
    /// `~=` and `~>`: all parts but the last stay.
    Compatible,
}

/// Longer ones come before those that they begin with.
const OPERATORS: [(&str, Operator); 11] = [
    ("===", Operator::Equal),
    ("==", Operator::Equal),
    ("!=", Operator::NotEqual),
    ("<=", Operator::LessOrEqual),
    (">=", Operator::GreaterOrEqual),
    ("~=", Operator::Compatible),
    ("~>", Operator::Compatible),
    ("=", Operator::Equal),
    ("<", Operator::Less),
    (">", Operator::Greater),
    ("^", Operator::Caret),
];

impl Requirement {
    pub fn parse(text: &str) -> Option<Self> {
        let alternatives = text.split("||").map(|alternative| {
            if let Some((from, to)) = alternative.split_once(" - ") {
                let from = Comparison::parse(&format!(">={}", from.trim()))?;
                let to = Comparison::parse(&format!("<={}", to.trim()))?;
                return Some(vec![from, to]);
            }
            let mut comparisons = Vec::new();
            let mut rest = alternative.trim();
            while !rest.is_empty() {
                // An operator may be separated from its version.
                let version = rest
                    .find(|character: char| !"<>=!^~ ".contains(character))
                    .unwrap_or(rest.len());
                let separator = |character: char| character == ',' || character.is_whitespace();
                let end = rest[version..].find(separator);
                let end = end.map_or(rest.len(), |end| version + end);
                comparisons.push(Comparison::parse(&rest[..end])?);
                rest = rest[end..].trim_start_matches(separator);
            }
            if comparisons.is_empty() {
                comparisons.push(Comparison::parse("*")?);
            }
            Some(comparisons)
        });
        alternatives.collect::<Option<_>>().map(Self)
    }

    /// Accepts every version.
    pub fn any() -> Self {
        Self(vec![Vec::new()])
    }

    pub fn accepts(&self, version: &Version) -> bool {
        let mut alternatives = self.0.iter();
        alternatives.any(|all| all.iter().all(|comparison| comparison.accepts(version)))
    }
}

impl Comparison {
    fn parse(text: &str) -> Option<Self> {
        let found = OPERATORS
            .iter()
            .find_map(|(sign, operator)| Some((text.strip_prefix(sign)?, *operator)));
        let tilde = || Some((text.strip_prefix('~')?, Operator::Tilde));
        let (rest, operator) = found.or_else(tilde).unwrap_or((text, Operator::Equal));
        let rest = rest.trim().trim_start_matches('v');
        let mut numbers = [0; 3];
        let mut parts = 0;
        for part in rest.split(['-', '+']).next()?.split('.') {
            if matches!(part, "x" | "X" | "*") {
                break;
            }
            // `3.13t` and `3.14rc1` are read as their versions.
            let digits = part
                .split(|character: char| !character.is_ascii_digit())
                .next()?;
            *numbers.get_mut(parts)? = digits.parse().ok()?;
            parts += 1;
        }
        let [major, minor, patch] = numbers;
        Some(Self {
            operator,
            version: Version {
                major,
                minor,
                patch,
            },
            parts,
        })
    }

    fn accepts(&self, version: &Version) -> bool {
        let numbers = |version: &Version| [version.major, version.minor, version.patch];
        let (found, own) = (numbers(version), numbers(&self.version));
        let begins_with = |parts: usize| found.iter().take(parts).eq(own.iter().take(parts));
        let is_same = begins_with(self.parts);
        match self.operator {
            Operator::Equal => is_same,
            Operator::NotEqual => !is_same,
            Operator::Less => found < own,
            Operator::LessOrEqual => found < own || is_same,
            Operator::Greater => found > own && !is_same,
            Operator::GreaterOrEqual => found >= own,
            Operator::Caret => {
                let first = own.iter().position(|number| *number > 0).unwrap_or(2);
                found >= own && begins_with((first + 1).min(self.parts.max(1)))
            }
            Operator::Tilde => found >= own && begins_with(self.parts.min(2)),
            Operator::Compatible => found >= own && begins_with(self.parts.saturating_sub(1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_accept_what_their_tools_accept() {
        for (range, yes, no) in [
            ("3.13", "3.13.4", "3.1.3"),
            ("20.x", "20.9.0", "22.0.0"),
            ("*", "1.0.0", ""),
            ("", "1.0.0", ""),
            (">=18", "18.0.0", "17.9.9"),
            (">= 18 < 23", "22.9.0", "23.0.0"),
            (">18", "19.0.0", "18.5.0"),
            ("<=20", "20.9.0", "21.0.0"),
            ("^20.1 || >=23", "20.5.0", "20.0.0"),
            ("^20.1 || >=23", "24.0.0", "21.0.0"),
            ("^0.2.3", "0.2.9", "0.3.0"),
            ("18 - 20", "20.5.0", "21.0.0"),
            ("~20.1", "20.1.9", "20.2.0"),
            ("~=3.12", "3.14.0", "4.0.0"),
            ("~> 3.4.1", "3.4.9", "3.5.0"),
            (">=3.11,<3.13,!=3.12.1", "3.12.0", "3.12.1"),
            ("==3.12.*", "3.12.7", "3.13.0"),
            ("v22", "22.1.0", "20.1.0"),
            ("3.14.0rc1", "3.14.0", "3.13.0"),
        ] {
            let requirement = Requirement::parse(range).unwrap_or_else(|| panic!("{range}"));
            let accepts = |text: &str| requirement.accepts(&Version::first_in(text).unwrap());
            assert!(accepts(yes), "{range} {yes}");
            assert!(no.is_empty() || !accepts(no), "{range} {no}");
        }
    }

    #[test]
    fn other_texts_are_no_ranges() {
        for text in ["lts/jod", "myenv", ">=", "1.2.3.4", "99999999999", "^é"] {
            assert_eq!(Requirement::parse(text), None, "{text}");
        }
    }
}
