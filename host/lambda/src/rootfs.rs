//! Paths as a program sees them, and where they are on the host: the same, or below the root folder of an image.
//!
//! Links of an image lead to places in the image, whatever the host has at these paths. An image need not be trusted:
//! what it says about its files is found out without leaving its folder.
//!
//! On failure: a path that leads nowhere has a place nevertheless, where nothing is.

use std::fs;
use std::path::{Component, Path, PathBuf};

/// The number of links that are followed, as on Linux.
const MAX_LINKS: usize = 40;

/// Where the files are that a program names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Files<'a> {
    /// The folder that is the program's root; `None` is the host's own root.
    root: Option<&'a Path>,
}

impl<'a> Files<'a> {
    /// The host's own files.
    pub(crate) const HOST: Files<'static> = Files { root: None };

    /// The files of an image, whose folder has no links in its path.
    pub(crate) fn below(root: &'a Path) -> Self {
        Self { root: Some(root) }
    }

    /// The place of an absolute path on the host. All links of an image are resolved in it.
    pub(crate) fn place(&self, path: &Path) -> PathBuf {
        match self.root {
            Some(root) => root.join(resolve(root, path)),
            None => path.to_owned(),
        }
    }

    /// Where the link at a path leads, if there is one.
    pub(crate) fn link(&self, path: &Path) -> Option<PathBuf> {
        let place = match (path.parent(), path.file_name()) {
            (Some(folder), Some(name)) => self.place(folder).join(name),
            _ => path.to_owned(),
        };
        fs::read_link(place).ok()
    }

    /// An absolute path without links, as the program sees it; as it is for the host's own files.
    pub(crate) fn resolved(&self, path: &Path) -> PathBuf {
        match self.root {
            Some(root) => Path::new("/").join(resolve(root, path)),
            None => path.to_owned(),
        }
    }
}

/// The path below `root` to which a path leads there, without links and without `..`.
fn resolve(root: &Path, path: &Path) -> PathBuf {
    let mut resolved = PathBuf::new();
    // What is left, the next component last.
    let mut left = components(path);
    let mut links = 0;
    while let Some(next) = left.pop() {
        if next == Path::new("..") {
            resolved.pop(); // the root is above itself
            continue;
        }
        let candidate = resolved.join(&next);
        match fs::read_link(root.join(&candidate)) {
            Ok(target) if links < MAX_LINKS => {
                links += 1;
                if target.is_absolute() {
                    resolved = PathBuf::new();
                }
                left.extend(components(&target));
            }
            // A loop of links leads nowhere. The name of a link would lead out if the host followed it.
            Ok(_) => return PathBuf::from("too many links").join(next),
            Err(_) => resolved = candidate,
        }
    }
    resolved
}

/// The names in a path, the first one last.
fn components(path: &Path) -> Vec<PathBuf> {
    let named = path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(PathBuf::from(name)),
        Component::ParentDir => Some(PathBuf::from("..")),
        _ => None,
    });
    let mut names: Vec<PathBuf> = named.collect();
    names.reverse();
    names
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_of_an_image_stay_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join("usr/bin")).unwrap();
        fs::write(root.join("usr/bin/sh"), "").unwrap();
        for (target, link) in [
            ("usr/bin", "bin"),
            ("/usr/bin", "absolute"),
            ("../../../../usr", "up"),
            ("/etc", "usr/outside"),
            ("../loop", "loop"),
            ("/bin/sh", "usr/bin/shell"),
        ] {
            symlink(target, root.join(link)).unwrap();
        }
        let files = Files::below(root);
        for (path, expected) in [
            ("/bin/sh", "usr/bin/sh"),
            ("/absolute/shell", "usr/bin/sh"),
            ("/up/bin/../../bin/./sh", "usr/bin/sh"),
            ("/../../usr/bin", "usr/bin"),
            ("/usr/outside/passwd", "etc/passwd"),
            ("/none/../usr/x", "usr/x"),
            ("/", ""),
        ] {
            assert_eq!(files.place(Path::new(path)), root.join(expected), "{path}");
            let inside = Path::new("/").join(expected);
            assert_eq!(files.resolved(Path::new(path)), inside, "{path}");
        }
        assert!(!files.place(Path::new("/loop/x")).exists());
        let path = Path::new("/bin/../bin/sh");
        assert_eq!(Files::HOST.place(path), path);
    }
}
