//! Versions of interpreters, and which of them a runtime accepts.

use std::fmt;

use crate::id::Language;

/// A version of an interpreter. What its text leaves out is 0.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version {
    pub major: u32,
    pub minor: u32,
    pub patch: u32,
}

/// How well an interpreter's version fits the one that a runtime has on AWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fit {
    /// It is the same as far as programs depend on it.
    Same,
    /// Newer, in a language whose programs usually run with newer versions.
    Newer,
    /// Another one: packages or the syntax differ.
    Other,
}

impl Version {
    /// The first version in a text, such as `3.13.1` in `cpython-3.13.1-linux`; `None` if it has no number. `1.8.0` of
    /// Java is 8.
    pub fn first_in(text: &str) -> Option<Self> {
        let start = text.find(|character: char| character.is_ascii_digit())?;
        let mut numbers = [0; 3];
        for (number, part) in numbers.iter_mut().zip(text[start..].split('.')) {
            let rest = part.trim_start_matches(|character: char| character.is_ascii_digit());
            let Ok(value) = part[..part.len() - rest.len()].parse() else {
                break;
            };
            *number = value;
            if !rest.is_empty() {
                break;
            }
        }
        let [major, minor, patch] = numbers;
        Some(Self {
            major,
            minor,
            patch,
        })
    }

    /// The language of an interpreter and its version, from what it prints about its version. Java may print what it has
    /// picked up from variables first. `None` if it is another program.
    pub fn of_program(told: &str) -> Option<(Language, Self)> {
        told.lines().find_map(|line| {
            let language = if line.starts_with("Python ") {
                Language::Python
            } else if ["ruby ", "jruby ", "truffleruby "]
                .iter()
                .any(|name| line.starts_with(name))
            {
                Language::Ruby
            } else if line.contains(" version \"") {
                return Some((Language::Java, Self::first_in(line)?.of_java()));
            } else {
                let number = line.strip_prefix('v');
                let is_number = |text: &str| text.starts_with(|first: char| first.is_ascii_digit());
                match number {
                    Some(number) if is_number(number) => Language::Node,
                    None if is_number(line) => Language::Dotnet,
                    _ => return None,
                }
            };
            Some((language, Self::first_in(line)?))
        })
    }

    /// Java's older scheme, in which 8 is 1.8.
    pub fn of_java(self) -> Self {
        match self {
            Self {
                major: 1,
                minor,
                patch,
            } if minor > 0 => Self {
                major: minor,
                minor: patch,
                patch: 0,
            },
            modern => modern,
        }
    }

    /// How well this version of an interpreter fits a runtime with the version `wanted`.
    pub fn fit(&self, language: Language, wanted: &Self) -> Fit {
        match language {
            // Compiled packages and folders of packages belong to one minor version.
            Language::Python | Language::Ruby => {
                if (self.major, self.minor) == (wanted.major, wanted.minor) {
                    Fit::Same
                } else {
                    Fit::Other
                }
            }
            _ if self.major == wanted.major => Fit::Same,
            _ if self.major > wanted.major => Fit::Newer,
            _ => Fit::Other,
        }
    }

    /// As the language's users write it: the part that decides about the fit.
    pub fn short(&self, language: Language) -> String {
        match language {
            Language::Python | Language::Ruby => format!("{}.{}", self.major, self.minor),
            _ => self.major.to_string(),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        Version::first_in(text).unwrap()
    }

    #[test]
    fn versions_are_found_in_the_texts_of_tools() {
        for (text, expected) in [
            ("Python 3.13.0", "3.13.0"),
            ("v22.1.0", "22.1.0"),
            ("ruby 3.1.2p20 (2022-04-12)", "3.1.2"),
            ("cpython-3.13.1-linux-x86_64-gnu", "3.13.1"),
            ("java-17-openjdk-amd64", "17.0.0"),
            ("21.0.2-tem", "21.0.2"),
            ("3.14.0rc1", "3.14.0"),
        ] {
            assert_eq!(version(text).to_string(), expected, "{text}");
        }
        assert_eq!(Version::first_in("lts/*"), None);
        assert_eq!(version("openjdk version \"1.8.0_392\"").of_java().major, 8);
    }

    #[test]
    fn programs_are_recognized_by_what_they_say() {
        let told = |text| {
            let (language, version) = Version::of_program(text)?;
            Some((language, version.to_string()))
        };
        let java =
            "Picked up JAVA_TOOL_OPTIONS: -Dversion=9\nopenjdk version \"17.0.15\" 2025-04-15\n";
        for (text, language, version) in [
            ("Python 3.11.2\n", Language::Python, "3.11.2"),
            (
                "Python 3.9.16 (abc, 2023)\n[PyPy 7.3.11 with GCC]",
                Language::Python,
                "3.9.16",
            ),
            ("v20.20.2\n", Language::Node, "20.20.2"),
            ("ruby 3.1.2p20 (2022-04-12)", Language::Ruby, "3.1.2"),
            (java, Language::Java, "17.0.15"),
            ("java version \"1.8.0_392\"", Language::Java, "8.0.0"),
            ("8.0.100\n", Language::Dotnet, "8.0.100"),
        ] {
            assert_eq!(told(text), Some((language, version.to_owned())), "{text}");
        }
        for text in ["", "ls (GNU coreutils) 9.1", "version 3", "vim 9"] {
            assert_eq!(told(text), None, "{text}");
        }
    }

    #[test]
    fn node_and_java_may_be_newer_and_python_and_ruby_may_not() {
        let fit =
            |language, found: &str, wanted: &str| version(found).fit(language, &version(wanted));
        assert_eq!(fit(Language::Python, "3.13.2", "3.13"), Fit::Same);
        assert_eq!(fit(Language::Python, "3.14.0", "3.13"), Fit::Other);
        assert_eq!(fit(Language::Ruby, "3.4.1", "3.4"), Fit::Same);
        assert_eq!(fit(Language::Node, "22.9.0", "22"), Fit::Same);
        assert_eq!(fit(Language::Node, "24.0.0", "22"), Fit::Newer);
        assert_eq!(fit(Language::Node, "20.0.0", "22"), Fit::Other);
        assert_eq!(fit(Language::Java, "25.0.0", "21"), Fit::Newer);
    }
}
