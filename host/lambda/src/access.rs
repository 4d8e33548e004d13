//! Whether the user of a function may reach and read a file, and what is in the way if not.
//!
//! Functions run as the host's user, or, in a sandbox that root makes, as one who owns nothing: then what counts are the
//! modes for others, of the file and of the folders above it, up to the folder that the sandbox makes visible.
//!
//! On failure: what cannot be found out is no obstacle; the program's own error says it then.

use std::fmt;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, StatVfsMountFlags, access, statvfs};

/// The number of files and folders that are looked at for those that are closed.
const MAX_ENTRIES: usize = 4000;

/// The user as which a function's processes run.
#[derive(Debug, Clone, Copy)]
pub(crate) enum User<'a> {
    /// The host's.
    Own,
    /// One that owns none of the function's files. These folders are visible to it, whatever their own modes are.
    Stranger(&'a [PathBuf]),
}

/// A file or a folder that a function's user may not open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Obstacle {
    /// The file, or a folder above it.
    path: PathBuf,
    is_folder: bool,
    mode: u32,
    owner: u32,
    is_stranger: bool,
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            path,
            is_folder,
            mode,
            owner,
            is_stranger,
        } = self;
        let path = path.display();
        match is_folder {
            true => write!(f, "cannot be reached, because the folder {path}")?,
            false => f.write_str("cannot be read and executed, because it")?,
        }
        write!(f, " has the mode {mode:04o} and belongs to user {owner}, ")?;
        match is_stranger {
            true => f.write_str(
                "while in sandbox \"namespace\", with root as lambkin's user, functions run as user 993, as on AWS; ",
            )?,
            false => f.write_str("who is not this user; ")?,
        }
        write!(f, "`chmod o+rx {path}`")
    }
}

/// What keeps a user from executing a file and, if `reads`, from reading it.
pub(crate) fn obstacle(path: &Path, user: User<'_>, reads: bool) -> Option<Obstacle> {
    match user {
        User::Own => own_obstacle(path),
        User::Stranger(roots) => {
            let path = fs::canonicalize(path).ok()?;
            let root = roots.iter().find(|root| path.starts_with(root));
            // Of a program elsewhere, the file or the folder of its installation is made visible.
            let root = root.map_or_else(|| path.parent(), |root| Some(root.as_path()))?;
            let above = path.ancestors().skip(1);
            let mut folders: Vec<&Path> = above.take_while(|folder| *folder != root).collect();
            folders.reverse();
            let closed = folders
                .into_iter()
                .find_map(|folder| closed(folder, 0o001, true));
            closed.or_else(|| closed_file(&path, if reads { 0o005 } else { 0o001 }))
        }
    }
}

fn closed_file(path: &Path, needed: u32) -> Option<Obstacle> {
    closed(path, needed, false)
}

/// A file or folder whose mode for others lacks what is needed.
fn closed(path: &Path, needed: u32, is_folder: bool) -> Option<Obstacle> {
    let metadata = fs::metadata(path).ok()?;
    let mode = metadata.permissions().mode() & 0o7777;
    (mode & needed != needed).then(|| Obstacle {
        path: path.to_owned(),
        is_folder,
        mode,
        owner: metadata.uid(),
        is_stranger: true,
    })
}

/// The first folder above a file that this process's user may not enter, or the file itself.
fn own_obstacle(path: &Path) -> Option<Obstacle> {
    let path = std::path::absolute(path).ok()?;
    let mut folders: Vec<&Path> = path.ancestors().skip(1).collect();
    folders.reverse();
    let closed = folders
        .into_iter()
        .find(|folder| folder.is_dir() && access(*folder, Access::EXEC_OK).is_err());
    let found = closed.unwrap_or(&path);
    if closed.is_none() && access(found, Access::EXEC_OK).is_ok() {
        return None;
    }
    let metadata = fs::metadata(found).ok()?;
    Some(Obstacle {
        path: found.to_owned(),
        is_folder: closed.is_some(),
        mode: metadata.permissions().mode() & 0o7777,
        owner: metadata.uid(),
        is_stranger: false,
    })
}

/// The files and folders below a folder that a stranger may not read, at most `limit`, as paths relative to it.
pub(crate) fn closed_to_strangers(root: &Path, limit: usize) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    let mut entries = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            entries += 1;
            if entries > MAX_ENTRIES || found.len() >= limit {
                return found;
            }
            let (path, Ok(kind)) = (entry.path(), entry.file_type()) else {
                continue;
            };
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            let needed = match (kind.is_dir(), kind.is_file()) {
                (true, _) => 0o005,
                (_, true) => 0o004,
                _ => continue,
            };
            let is_closed = metadata.permissions().mode() & needed != needed;
            if is_closed {
                found.extend(path.strip_prefix(root).ok().map(Path::to_owned));
            } else if kind.is_dir() {
                folders.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The mount that forbids the execution of a file, if one does.
pub(crate) fn mount_without_execution(path: &Path) -> Option<PathBuf> {
    const NOEXEC: StatVfsMountFlags = StatVfsMountFlags::NOEXEC;
    let forbids = |path: &Path| {
        let found = statvfs(path);
        found.is_ok_and(|found| found.f_flag.contains(NOEXEC))
    };
    if cfg!(not(target_os = "linux")) || !forbids(path) {
        return None;
    }
    let path = fs::canonicalize(path).ok()?;
    // The mount begins where the folder above belongs to another device, or forbids nothing.
    let device = fs::metadata(&path).ok()?.dev();
    let within = path.ancestors().skip(1).take_while(|folder| {
        let same = fs::metadata(folder).is_ok_and(|folder| folder.dev() == device);
        same && forbids(folder)
    });
    within.last().map(Path::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn what_is_closed_to_others_is_named_from_the_root_of_the_code_on() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        // The folder of the code itself is open, whatever its mode is.
        set_mode(&root, 0o700);
        let inner = root.join("a/b");
        fs::create_dir_all(&inner).unwrap();
        let file = inner.join("run");
        fs::write(&file, "").unwrap();
        set_mode(&file, 0o755);
        let roots = [root.clone()];
        let said = |reads| obstacle(&file, User::Stranger(&roots), reads).map(|it| it.to_string());
        assert_eq!(said(true), None);
        set_mode(&file, 0o711);
        assert_eq!(said(false), None, "it can be executed");
        let text = said(true).unwrap();
        assert!(
            text.starts_with(
                "cannot be read and executed, because it has the mode 0711 and belongs to user "
            ),
            "{text}"
        );
        assert!(
            text.ends_with(&format!("`chmod o+rx {}`", file.display())),
            "{text}"
        );
        set_mode(&root.join("a"), 0o700);
        let text = said(true).unwrap();
        let start = format!(
            "cannot be reached, because the folder {} has the mode 0700",
            root.join("a").display()
        );
        assert!(text.starts_with(&start), "{text}");
        assert_eq!(closed_to_strangers(&root, 8), [Path::new("a")]);
        set_mode(&root.join("a"), 0o755);
        set_mode(&file, 0o600);
        assert_eq!(closed_to_strangers(&root, 8), [Path::new("a/b/run")]);
    }

    #[test]
    fn a_program_outside_of_the_code_is_judged_by_itself() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        set_mode(&root, 0o700);
        let file = root.join("tool");
        fs::write(&file, "").unwrap();
        set_mode(&file, 0o755);
        let user = User::Stranger(&[]);
        assert_eq!(obstacle(&file, user, true), None);
        set_mode(&file, 0o750);
        assert!(obstacle(&file, user, true).is_some());
        assert_eq!(obstacle(&root.join("missing"), user, true), None);
    }

    #[test]
    fn mounts_that_allow_execution_are_no_obstacle() {
        assert_eq!(
            mount_without_execution(&std::env::current_exe().unwrap()),
            None
        );
        if cfg!(target_os = "linux") && Path::new("/proc/self/status").exists() {
            // Always mounted so.
            let found = mount_without_execution(Path::new("/proc/self/status"));
            assert!(found.is_none_or(|mount| mount == Path::new("/proc")));
        }
    }
}
