//! Symbolic links around a function's code: those on its path, and those in it that lead elsewhere in the project.
//!
//! The operating system's watch does not follow links, because their targets may be the whole disk. Package managers
//! link packages of the same project into `node_modules`, though, and `code` itself may be a link to the latest build.

use std::collections::{BTreeSet, VecDeque};
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};
use std::time::SystemTime;

use super::output;
use crate::config::Ignore;

/// The number of folders that one function's code may have. More are not watched.
pub const MAX_WATCHED_FOLDERS: usize = 20_000;

/// The number of links that one path may lead through, as on Linux.
const MAX_LINKS: usize = 40;

/// The folder that links may lead to: that of the version control around `folder`, or else `folder` itself.
pub fn project_of(folder: &Path) -> PathBuf {
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let root = folder.ancestors().find(|folder| {
        [".git", ".hg", ".svn"]
            .iter()
            .any(|name| folder.join(name).exists())
    });
    root.map(Path::to_owned).unwrap_or(folder)
}

/// The links that a path leads through. The paths of the links themselves have no links in them.
pub fn on_path(path: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let Ok(path) = std::path::absolute(path) else {
        return found;
    };
    let names = |path: &Path| -> VecDeque<OsString> {
        let named = path.components().filter_map(|component| match component {
            Component::Normal(name) => Some(name.to_owned()),
            Component::ParentDir => Some("..".into()),
            _ => None,
        });
        named.collect()
    };
    let mut left = names(&path);
    let mut at = PathBuf::from("/");
    let mut followed = 0;
    while let Some(name) = left.pop_front() {
        if name == ".." {
            at.pop();
            continue;
        }
        let next = at.join(&name);
        let target = match fs::read_link(&next) {
            Ok(target) if followed < MAX_LINKS => target,
            _ => {
                at = next;
                continue;
            }
        };
        followed += 1;
        found.insert(next);
        if target.is_absolute() {
            at = PathBuf::from("/");
        }
        let mut through = names(&target);
        through.append(&mut left);
        left = through;
    }
    found
}

/// Where the links in a folder lead.
#[derive(Debug, Default)]
pub struct Linked {
    /// Files and folders of the project outside of the folder, which are watched, too.
    pub targets: Vec<PathBuf>,
    /// Whether the folder has more than [`MAX_WATCHED_FOLDERS`] folders, so that the search was given up.
    pub is_too_large: bool,
}

/// Finds the links in `origin`, and in the folders that they lead to, that lead elsewhere in `project`. All paths are
/// real ones. A link to a folder above itself is left out.
pub fn below(origin: &Path, project: &Path, ignore: &Ignore) -> Linked {
    let mut linked = Linked::default();
    let mut folders = 0;
    let mut roots = vec![origin.to_owned()];
    while let Some(root) = roots.pop() {
        let is_small = walk(&root, ignore, |entry, is_folder| {
            folders += usize::from(is_folder);
            if folders > MAX_WATCHED_FOLDERS {
                return false;
            }
            if entry.file_type().is_ok_and(|kind| kind.is_symlink())
                && let Ok(target) = entry.path().canonicalize()
            {
                let roots_known = [origin, root.as_path()];
                let is_known = roots_known.iter().any(|one| target.starts_with(one))
                    || linked.targets.iter().any(|one| target.starts_with(one));
                let is_above = root.starts_with(&target) || origin.starts_with(&target);
                if target.starts_with(project) && !is_known && !is_above {
                    if target.is_dir() {
                        roots.push(target.clone());
                    }
                    linked.targets.push(target);
                }
            }
            true
        });
        if !is_small {
            linked.is_too_large = true;
            return linked;
        }
    }
    linked
}

/// A file or folder that was changed after `time`.
pub fn changed_since(root: &Path, time: SystemTime, ignore: &Ignore) -> Option<PathBuf> {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    let mut found = None;
    walk(root, ignore, |entry, _| {
        let is_new = entry.metadata().is_ok_and(|about| {
            let seconds = u64::try_from(about.ctime()).unwrap_or_default();
            (seconds, about.ctime_nsec()) > (since.as_secs(), i64::from(since.subsec_nanos()))
        });
        if is_new && !output::is_own(&entry.path()) {
            found = Some(entry.path());
        }
        found.is_none()
    });
    found
}

/// Visits everything below a folder that is not ignored, without following links, until the visitor returns `false`.
/// The visitor gets each entry, and whether it is a folder. Returns whether everything was visited.
fn walk(root: &Path, ignore: &Ignore, mut visit: impl FnMut(&fs::DirEntry, bool) -> bool) -> bool {
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if ignore.covers(path.strip_prefix(root).unwrap_or(&path)) {
                continue;
            }
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if !visit(&entry, is_folder) {
                return false;
            }
            if is_folder {
                folders.push(path);
            }
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_lead_to_packages_of_the_project_and_not_out_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let project = folder.path().canonicalize().unwrap();
        let (code, modules) = (project.join("code"), project.join("code/node_modules/@x"));
        fs::create_dir_all(&modules).unwrap();
        fs::create_dir_all(project.join("packages/a/node_modules")).unwrap();
        fs::create_dir_all(project.join("packages/b")).unwrap();
        fs::write(project.join("shared.js"), "").unwrap();
        symlink("../../../packages/a", modules.join("a")).unwrap();
        symlink("../../b", project.join("packages/a/node_modules/b")).unwrap();
        symlink("../shared.js", code.join("shared.js")).unwrap();
        symlink("/usr", code.join("usr")).unwrap();
        symlink("/proc", code.join("proc")).unwrap();
        symlink("..", code.join("parent")).unwrap();
        symlink(".", code.join("itself")).unwrap();
        symlink("loop", code.join("loop")).unwrap();
        let ignore = Ignore::new(&[]).unwrap();
        let linked = below(&code, &project, &ignore);
        let mut targets = linked.targets;
        targets.sort();
        let expected = ["packages/a", "packages/b", "shared.js"];
        assert_eq!(targets, expected.map(|path| project.join(path)));
        assert!(!linked.is_too_large);
        assert_eq!(project_of(&code), code);
        fs::create_dir(project.join(".git")).unwrap();
        assert_eq!(project_of(&code), project);
    }

    #[test]
    fn every_link_on_a_path_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("releases/1/code")).unwrap();
        symlink("1", root.join("releases/latest")).unwrap();
        symlink("releases/latest/../latest", root.join("current")).unwrap();
        let links = on_path(&root.join("current/code"));
        let expected = ["current", "releases/latest"].map(|path| root.join(path));
        assert_eq!(links.into_iter().collect::<Vec<_>>(), expected);
        symlink("loop", root.join("loop")).unwrap();
        assert!(on_path(&root.join("loop")).len() <= MAX_LINKS);
    }

    #[test]
    fn a_change_after_a_time_is_found() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("lib")).unwrap();
        fs::write(folder.path().join("lib/a"), "").unwrap();
        let ignore = Ignore::new(&[]).unwrap();
        let found = changed_since(folder.path(), SystemTime::UNIX_EPOCH, &ignore);
        assert!(found.is_some());
        let later = SystemTime::now() + std::time::Duration::from_secs(60);
        assert_eq!(changed_since(folder.path(), later, &ignore), None);
    }
}
