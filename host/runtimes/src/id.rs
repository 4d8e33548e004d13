//! The ids of AWS's runtimes, and which of them AWS has deprecated.

use crate::version::Version;

/// What a runtime runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Node.js
    Node,
    /// Python
    Python,
    /// Ruby
    Ruby,
    /// Java
    Java,
    /// .NET
    Dotnet,
    /// `provided.*`, and the older `go1.x`: the function brings a `bootstrap`.
    Custom,
}

impl Language {
    /// The name as its users write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Node => "Node",
            Self::Python => "Python",
            Self::Ruby => "Ruby",
            Self::Java => "Java",
            Self::Dotnet => ".NET",
            Self::Custom => "a bootstrap",
        }
    }
}

/// A runtime of AWS Lambda.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Runtime {
    /// The id, such as `python3.13`.
    pub id: String,
    /// What it runs.
    pub language: Language,
    /// The version that it runs. `None` accepts any: the runtime was guessed.
    pub(crate) version: Option<Version>,
    /// Since when AWS no longer supports it, as `2025-12-15`; empty if the date is long past.
    pub deprecated: Option<&'static str>,
}

/// The supported runtimes, newest first, then those that AWS has deprecated, with their dates.
const SUPPORTED: &[&str] = &[
    "nodejs26.x",
    "nodejs24.x",
    "nodejs22.x",
    "python3.15",
    "python3.14",
    "python3.13",
    "python3.12",
    "python3.11",
    "java25",
    "java21",
    "java17.al2023",
    "java11.al2023",
    "java8.al2023",
    "java17",
    "java11",
    "java8.al2",
    "dotnet10",
    "dotnet9",
    "ruby4.0",
    "ruby3.4",
    "ruby3.3",
    "provided.al2023",
];
const DEPRECATED: &[(&str, &str)] = &[
    ("nodejs20.x", "2026-04-30"),
    ("nodejs18.x", ""),
    ("nodejs16.x", ""),
    ("nodejs14.x", ""),
    ("nodejs12.x", ""),
    ("nodejs10.x", ""),
    ("nodejs8.10", ""),
    ("nodejs6.10", ""),
    ("nodejs4.3", ""),
    ("nodejs", ""),
    ("python3.10", "2026-10-31"),
    ("python3.9", "2025-12-15"),
    ("python3.8", ""),
    ("python3.7", ""),
    ("python3.6", ""),
    ("python2.7", ""),
    ("ruby3.2", ""),
    ("ruby2.7", ""),
    ("ruby2.5", ""),
    ("java8", ""),
    ("dotnet8", "2026-11-10"),
    ("dotnet7", ""),
    ("dotnet6", ""),
    ("dotnet5.0", ""),
    ("dotnetcore3.1", ""),
    ("dotnetcore2.1", ""),
    ("dotnetcore2.0", ""),
    ("dotnetcore1.0", ""),
    ("go1.x", ""),
    ("provided.al2", "2026-06-30"),
    ("provided", ""),
];

const PREFIXES: &[(&str, Language)] = &[
    ("nodejs", Language::Node),
    ("python", Language::Python),
    ("ruby", Language::Ruby),
    ("java", Language::Java),
    ("dotnetcore", Language::Dotnet),
    ("dotnet", Language::Dotnet),
    ("go", Language::Custom),
    ("provided", Language::Custom),
];

impl Runtime {
    /// The runtime with this id; `None` if AWS has none.
    pub fn parse(id: &str) -> Option<Self> {
        let deprecated = DEPRECATED.iter().find(|(name, _)| *name == id);
        if deprecated.is_none() && !SUPPORTED.contains(&id) {
            return None;
        }
        let (prefix, language) = PREFIXES.iter().find(|(prefix, _)| id.starts_with(prefix))?;
        Some(Self {
            id: id.to_owned(),
            language: *language,
            version: Version::first_in(&id[prefix.len()..]),
            deprecated: deprecated.map(|(_, since)| *since),
        })
    }

    /// The runtime that an interpreter of this version is, which need not be one that AWS offers.
    pub(crate) fn of(language: Language, version: &Version) -> Self {
        let Version { major, minor, .. } = *version;
        let id = match language {
            Language::Node => format!("nodejs{major}.x"),
            Language::Python => format!("python{major}.{minor}"),
            Language::Ruby => format!("ruby{major}.{minor}"),
            Language::Java => format!("java{major}"),
            Language::Dotnet => format!("dotnet{major}"),
            Language::Custom => "provided.al2023".to_owned(),
        };
        Self {
            deprecated: Self::parse(&id).and_then(|known| known.deprecated),
            id,
            language,
            version: Some(version.clone()),
        }
    }

    /// A runtime whose version is that of the interpreter that will be found.
    pub fn any(language: Language) -> Self {
        Self {
            id: String::new(),
            language,
            version: None,
            deprecated: None,
        }
    }
}

/// The ids of all runtimes, the supported ones first.
pub fn runtime_names() -> impl Iterator<Item = &'static str> + Clone {
    let deprecated = DEPRECATED.iter().map(|(name, _)| *name);
    SUPPORTED.iter().copied().chain(deprecated)
}

/// Runtimes that AWS offers as previews.
const PREVIEWS: [&str; 2] = ["nodejs26.x", "python3.15"];

/// The runtime that a text is the beginning of, or another spelling: the newest supported one for `python3`, `nodejs22.x`
/// for `Node 22`.
pub fn similar_runtime(text: &str) -> Option<&'static str> {
    let letters = text.to_ascii_lowercase();
    let letters: String = letters
        .chars()
        .filter(|letter| letter.is_ascii_alphanumeric() || *letter == '.')
        .collect();
    let number = letters.find(|letter: char| letter.is_ascii_digit());
    let (name, version) = letters.split_at(number.unwrap_or(letters.len()));
    let name = match name {
        "node" | "nodejs" | "js" | "javascript" | "typescript" => "nodejs",
        "py" => "python",
        "jdk" | "openjdk" => "java",
        "net" | ".net" => "dotnet",
        name if PREFIXES.iter().any(|(prefix, _)| *prefix == name) => name,
        _ => return None,
    };
    let (start, version) = (format!("{name}{version}"), version.trim_end_matches(".x"));
    let is_whole = |id: &str| {
        let rest = &id[start.len().min(id.len())..];
        // `3.1` is not the beginning of 3.14, and `2` is not that of 22.
        version.is_empty() || !rest.starts_with(|letter: char| letter.is_ascii_digit())
    };
    let similar = |id: &&str| id.starts_with(&start) && is_whole(id) && !PREVIEWS.contains(id);
    runtime_names().find(similar)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_has_a_language_and_a_version() {
        for id in runtime_names() {
            let runtime = Runtime::parse(id).unwrap();
            let needs_version = runtime.language != Language::Custom && id != "nodejs";
            assert!(
                runtime.version.is_some() || !needs_version,
                "{id}: {runtime:?}"
            );
        }
        let version = |id| Runtime::parse(id).unwrap().version.unwrap();
        assert_eq!(
            (version("python3.13").major, version("python3.13").minor),
            (3, 13)
        );
        assert_eq!(version("nodejs22.x").major, 22);
        assert_eq!(version("java8.al2").major, 8);
        assert_eq!(version("dotnetcore3.1").major, 3);
        for (text, id) in [
            ("python3", "python3.14"),
            ("python", "python3.14"),
            ("Python 3.12", "python3.12"),
            ("node", "nodejs24.x"),
            ("node22", "nodejs22.x"),
            ("nodejs22", "nodejs22.x"),
            ("nodejs-20", "nodejs20.x"),
            ("java", "java25"),
            ("ruby3", "ruby3.4"),
            (".NET 8", "dotnet8"),
        ] {
            assert_eq!(similar_runtime(text), Some(id), "{text}");
        }
        for text in ["python3.31", "nodejs2", "perl5", "", "3.12"] {
            assert_eq!(similar_runtime(text), None, "{text}");
        }
        assert_eq!(Runtime::parse("python3.99"), None);
        assert_eq!(
            Runtime::parse("python3.9").unwrap().deprecated,
            Some("2025-12-15")
        );
    }
}
