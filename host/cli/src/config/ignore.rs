//! Patterns of files whose changes do not restart a function.

use std::path::Path;

use globset::{Error, GlobBuilder, GlobSet, GlobSetBuilder};

/// Files that version control, editors, interpreters and builds write without changing the function.
const DEFAULTS: [&str; 24] = [
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
    "*.pyc",
    // Files that are renamed to the one that is saved: of sed -i, GNOME's and JetBrains' editors.
    "sed??????",
    ".goutputstream-??????",
    "*___jb_tmp___",
    "*___jb_old___",
    ".*.tmp",
    // Vim creates a file of this name to test whether the folder is writable.
    "4913",
];

/// A set of patterns for files and folders. A folder that matches stands for everything in it.
#[derive(Debug)]
pub struct Ignore(GlobSet);

impl Ignore {
    /// The defaults and further patterns. A pattern that starts with `/` matches in the function's folder only, others
    /// match anywhere below it.
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

    /// Whether a file is ignored. The path is relative to the function's folder.
    pub fn covers(&self, path: &Path) -> bool {
        self.0.is_match(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_names_and_anchored_paths_are_distinguished() {
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
    fn an_invalid_pattern_is_refused_with_its_text() {
        let error = Ignore::new(&["[a".into()]).unwrap_err().to_string();
        assert!(error.contains("[a"), "{error}");
    }
}
