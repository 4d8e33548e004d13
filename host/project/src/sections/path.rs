//! Paths of lambkin.toml: relative to the project's folder.
//!
//! Contract: paths are compared as texts, without looking at the file system, so links stay as they are named.

use std::path::{Component, Path, PathBuf};

use crate::context::Context;

/// A path in lambkin.toml. One that cannot be relative stays absolute.
#[must_use]
pub fn written(context: &Context, path: &Path) -> String {
    let relative = relative(&context.options.folder, path);
    let relative = relative.unwrap_or_else(|| normal(path));
    match relative.as_os_str().is_empty() {
        true => ".".to_owned(),
        false => relative.to_string_lossy().into_owned(),
    }
}

/// The path from a folder to another path, if both are absolute, or neither is.
fn relative(from: &Path, to: &Path) -> Option<PathBuf> {
    let (from, to) = (normal(from), normal(to));
    if from.is_absolute() != to.is_absolute() || from.starts_with("..") {
        return (from == to).then(PathBuf::new);
    }
    let common = from
        .components()
        .zip(to.components())
        .take_while(|(one, other)| one == other)
        .count();
    let up = from.components().skip(common).map(|_| Component::ParentDir);
    Some(up.chain(to.components().skip(common)).collect())
}

/// A path without `.`, and without `..` after a folder.
#[must_use]
pub fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir
                if matches!(normal.components().next_back(), Some(Component::Normal(_))) =>
            {
                normal.pop();
            }
            Component::ParentDir
                if matches!(normal.components().next_back(), Some(Component::RootDir)) => {}
            other => normal.push(other),
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::Options;

    #[test]
    fn paths_start_from_the_folder_of_the_project() {
        for (folder, path, expected) in [
            ("", "", "."),
            ("", "./a/b/", "a/b"),
            ("", "../a", "../a"),
            ("p", "p", "."),
            ("p", "p/./a", "a"),
            ("p", "q/a", "../q/a"),
            ("/x/p", "/x/p/a/../b", "b"),
            ("/x/p", "/x/q", "../q"),
            ("/x/p", "/../y", "../../y"),
            ("p", "/x/q", "/x/q"),
            ("../p", "../p", "."),
            ("../p", "../q", "../q"),
        ] {
            let context = Context::new(Options {
                folder: PathBuf::from(folder),
                ..Options::default()
            });
            assert_eq!(
                written(&context, Path::new(path)),
                expected,
                "{folder} {path}"
            );
        }
    }
}
