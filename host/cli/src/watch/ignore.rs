//! Files whose change means nothing.

use std::path::Path;

use globset::{Error, GlobBuilder, GlobSet, GlobSetBuilder};

/// What version control, editors, interpreters and builds leave in a folder without changing what runs from it.
const DEFAULTS: [&str; 18] = [
    ".git",
    ".hg",
    ".svn",
    ".lambkin",
    ".idea",
    ".vscode",
    ".DS_Store",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    "__pycache__",
    "node_modules/.cache",
    "target",
    "*.sw[opx]",
    "*~",
    ".#*",
    "#*#",
    // Vim tries with this name whether it may write to the folder.
    "4913",
];

/// Patterns of file and folder names. A folder stands for everything in it.
#[derive(Debug)]
pub struct Ignore(GlobSet);

impl Ignore {
    /// The defaults and further patterns. One with a `/` at its start is meant from the function's folder, others
    /// anywhere below it.
    pub fn new(patterns: &[String]) -> Result<Self, Error> {
        let mut set = GlobSetBuilder::new();
        let patterns = patterns.iter().map(String::as_str);
        for pattern in DEFAULTS.into_iter().chain(patterns) {
            let pattern = pattern.trim_end_matches('/');
            let pattern = match pattern.strip_prefix('/') {
                Some(anchored) => anchored.to_owned(),
                None => format!("**/{pattern}"),
            };
            for glob in [format!("{pattern}/**"), pattern] {
                set.add(GlobBuilder::new(&glob).literal_separator(true).build()?);
            }
        }
        Ok(Self(set.build()?))
    }

    /// Whether a file means nothing, by its path from the function's folder.
    pub fn covers(&self, path: &Path) -> bool {
        self.0.is_match(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_names_and_anchored_paths_are_told_apart() {
        let ignore = Ignore::new(&["*.log".into(), "/data/".into()]).unwrap();
        for path in [
            ".git",
            ".git/objects/ab/cd",
            "lib/__pycache__/x.pyc",
            "node_modules/.cache/a",
            "src/.main.rs.swp",
            "main.py~",
            "a.log",
            "deep/down/a.log",
            "data",
            "data/x/y",
            "target/debug/x",
        ] {
            assert!(ignore.covers(Path::new(path)), "{path}");
        }
        for path in [
            "main.py",
            "node_modules/x/index.js",
            "lib/data/x",
            "alog",
            "targets/x",
            ".env",
            "",
        ] {
            assert!(!ignore.covers(Path::new(path)), "{path}");
        }
    }

    #[test]
    fn a_pattern_that_is_none_is_refused_with_its_text() {
        let error = Ignore::new(&["[a".into()]).unwrap_err().to_string();
        assert!(error.contains("[a"), "{error}");
    }
}
