//! A folder that is the root of an image's file system while the image is unpacked into it.
//!
//! Contract: links in the image are followed as they would be if the folder were the root, and nothing outside of it is
//! read or written. The kernel sees to that (`openat2` with `RESOLVE_IN_ROOT`): a path is resolved to its folder, and
//! everything else is done with one name in that folder, without following a link. Nobody else may write to the folder.
//!
//! On failure: the system's error. What has been done so far stays.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use crate::limits;

/// How often the kernel may ask to resolve a path again, which it does if something was renamed meanwhile, anywhere.
const RESOLVE_ATTEMPTS: usize = 1000;

/// How many links to folders that do not exist are followed: as many as the kernel follows in a path.
const DANGLING_LINKS: usize = 40;

/// The root of an image's file system.
pub(crate) struct Tree {
    root: OwnedFd,
    /// The depth of the root itself.
    depth: usize,
    /// The folder that was used last: most entries of a layer are in the same one as the entry before.
    last: Option<(PathBuf, Rc<Folder>)>,
    /// What the layer has that is being unpacked: hashes of the folder's inode and the name.
    of_this_layer: HashSet<u64>,
    /// The inodes of folders in which nothing of lower layers is left: a layer that says so of a folder again and again
    /// would make it be searched each time.
    cleared: HashSet<u64>,
    /// How many folders may still be created that have no entry of their own.
    folders_left: u64,
}

/// A folder in the tree.
pub(crate) struct Folder {
    fd: OwnedFd,
    inode: u64,
}

impl Tree {
    pub(crate) fn new(root: &Path) -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self {
            root: rustix::fs::open(root, flags, Mode::empty())?,
            depth: root.canonicalize()?.components().count(),
            last: None,
            of_this_layer: HashSet::new(),
            cleared: HashSet::new(),
            folders_left: limits::ENTRIES,
        })
    }

    /// Begins with the next layer.
    pub(crate) fn begin_layer(&mut self) {
        self.of_this_layer.clear();
        self.cleared.clear();
    }

    /// The folder at a relative path without `..`, which is created with those above it if it does not exist.
    pub(crate) fn folder(&mut self, path: &Path) -> io::Result<Rc<Folder>> {
        if let Some((last, folder)) = &self.last
            && last == path
        {
            return Ok(Rc::clone(folder));
        }
        let fd = match self.resolve(path) {
            Ok(fd) => fd,
            Err(Errno::NOENT) => {
                self.create_folders(path, DANGLING_LINKS)?;
                self.resolve(path)?
            }
            Err(error) => return Err(error.into()),
        };
        if self.depth_of(&fd)? > limits::DEPTH {
            return Err(too_deep());
        }
        let inode = rustix::fs::fstat(&fd)?.st_ino;
        let folder = Rc::new(Folder { fd, inode });
        self.last = Some((path.to_owned(), Rc::clone(&folder)));
        Ok(folder)
    }

    /// How many folders a folder is below the root, wherever links to it are.
    fn depth_of(&self, folder: &OwnedFd) -> io::Result<usize> {
        let place = std::fs::read_link(format!("/proc/self/fd/{}", folder.as_raw_fd()))?;
        Ok(place.components().count().saturating_sub(self.depth))
    }

    /// The folder at a relative path, if it exists.
    pub(crate) fn existing_folder(&self, path: &Path) -> io::Result<Option<Folder>> {
        match self.resolve(path) {
            Ok(fd) => {
                let inode = rustix::fs::fstat(&fd)?.st_ino;
                Ok(Some(Folder { fd, inode }))
            }
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn resolve(&self, path: &Path) -> Result<OwnedFd, Errno> {
        let path = if path.as_os_str().is_empty() {
            Path::new(".")
        } else {
            path
        };
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        for _ in 0..RESOLVE_ATTEMPTS {
            match rustix::fs::openat2(&self.root, path, flags, Mode::empty(), resolve) {
                Err(Errno::AGAIN | Errno::INTR) => {}
                result => return result,
            }
        }
        Err(Errno::AGAIN)
    }

    /// Creates a folder and those above it. A link on the way whose target does not exist gets one.
    fn create_folders(&mut self, path: &Path, links: usize) -> io::Result<()> {
        // Before they exist, as they could not be deleted.
        if path.components().count() > limits::DEPTH {
            return Err(too_deep());
        }
        let mut done = PathBuf::new();
        for part in path.components() {
            let above = done.clone();
            done.push(part);
            match self.resolve(&done) {
                Ok(_) => continue,
                Err(Errno::NOENT) => {}
                Err(error) => return Err(error.into()),
            }
            let folder = self.resolve(&above)?;
            // A link can lead to a deep folder.
            if self.depth_of(&folder)? >= limits::DEPTH {
                return Err(too_deep());
            }
            match rustix::fs::mkdirat(&folder, part.as_os_str(), Mode::RWXU) {
                Ok(()) => {
                    self.folders_left = self.folders_left.checked_sub(1).ok_or_else(|| {
                        let limit = limits::ENTRIES;
                        io::Error::other(format!("the image has more than {limit} folders"))
                    })?;
                    set_mode(&folder, part.as_os_str(), 0o755)?;
                }
                Err(Errno::EXIST) if links > 0 => {
                    let target = rustix::fs::readlinkat(&folder, part.as_os_str(), Vec::new())?;
                    let target = Path::new(OsStr::from_bytes(target.as_bytes()));
                    self.create_folders(&joined(&above, target), links - 1)?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Creates a folder, unless there is one. Anything else of that name is removed.
    pub(crate) fn make_folder(
        &mut self,
        parent: &Folder,
        name: &OsStr,
        mode: u32,
    ) -> io::Result<()> {
        let existing = stat(parent, name)?;
        if existing.is_none_or(|kind| kind != FileType::Directory) {
            self.remove(parent, name)?;
            rustix::fs::mkdirat(&parent.fd, name, Mode::RWXU)?;
        }
        set_mode(&parent.fd, name, mode)?;
        self.note(parent, name);
        Ok(())
    }

    /// Creates a file in the place of whatever has the name. Its mode is to be set when it is complete.
    pub(crate) fn make_file(&mut self, parent: &Folder, name: &OsStr) -> io::Result<File> {
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let create = || rustix::fs::openat(&parent.fd, name, flags, Mode::RUSR | Mode::WUSR);
        let file = match create() {
            Err(Errno::EXIST) => {
                self.remove(parent, name)?;
                create()?
            }
            result => result?,
        };
        self.note(parent, name);
        Ok(File::from(file))
    }

    /// Creates a symbolic link in the place of whatever has the name.
    pub(crate) fn make_link(
        &mut self,
        parent: &Folder,
        name: &OsStr,
        target: &OsStr,
    ) -> io::Result<()> {
        self.remove(parent, name)?;
        rustix::fs::symlinkat(target, &parent.fd, name)?;
        self.note(parent, name);
        Ok(())
    }

    /// Gives a file another name, in the place of whatever has that name.
    pub(crate) fn make_hard_link(
        &mut self,
        parent: &Folder,
        name: &OsStr,
        of: (&Folder, &OsStr),
    ) -> io::Result<()> {
        let (folder, file) = of;
        if folder.inode != parent.inode || name != file {
            // Not before it is certain that there is something to link to.
            rustix::fs::statat(&folder.fd, file, AtFlags::SYMLINK_NOFOLLOW)?;
            self.remove(parent, name)?;
            rustix::fs::linkat(&folder.fd, file, &parent.fd, name, AtFlags::empty())?;
        }
        self.note(parent, name);
        Ok(())
    }

    /// Removes whatever has the name, with everything in it, unless nothing has.
    pub(crate) fn remove(&mut self, parent: &Folder, name: &OsStr) -> io::Result<()> {
        self.last = None;
        self.remove_in(parent, name, false)
    }

    /// Removes what lower layers have of the name. What this layer has there stays.
    pub(crate) fn remove_lower(&mut self, parent: &Folder, name: &OsStr) -> io::Result<()> {
        self.last = None;
        self.remove_in(parent, name, true)
    }

    /// Removes what lower layers have in a folder.
    pub(crate) fn clear_lower(&mut self, folder: &Folder) -> io::Result<()> {
        self.last = None;
        self.clear_in(folder, true)
    }

    fn remove_in(&mut self, parent: &Folder, name: &OsStr, lower_only: bool) -> io::Result<()> {
        let is_kept = lower_only && self.of_this_layer.contains(&key(parent, name));
        match stat(parent, name)? {
            None => {}
            Some(FileType::Directory) => {
                let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                let fd = rustix::fs::openat(&parent.fd, name, flags, Mode::empty())?;
                let inode = rustix::fs::fstat(&fd)?.st_ino;
                self.clear_in(&Folder { fd, inode }, lower_only)?;
                if !is_kept {
                    match rustix::fs::unlinkat(&parent.fd, name, AtFlags::REMOVEDIR) {
                        Err(Errno::NOTEMPTY) if lower_only => {}
                        result => result?,
                    }
                }
            }
            Some(_) if is_kept => {}
            Some(_) => rustix::fs::unlinkat(&parent.fd, name, AtFlags::empty())?,
        }
        Ok(())
    }

    fn clear_in(&mut self, folder: &Folder, lower_only: bool) -> io::Result<()> {
        // Whatever has come since is of this layer.
        if lower_only && !self.cleared.insert(folder.inode) {
            return Ok(());
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(&folder.fd, ".", flags, Mode::empty())?;
        let mut names = Vec::new();
        for entry in Dir::new(fd)? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                names.push(name.to_vec());
            }
        }
        for name in names {
            self.remove_in(folder, OsStr::from_bytes(&name), lower_only)?;
        }
        Ok(())
    }

    fn note(&mut self, parent: &Folder, name: &OsStr) {
        self.of_this_layer.insert(key(parent, name));
    }
}

fn too_deep() -> io::Error {
    io::Error::other(format!("it is more than {} folders deep", limits::DEPTH))
}

/// What a name in a folder is, without following a link; `None` if there is nothing.
pub(crate) fn stat(parent: &Folder, name: &OsStr) -> io::Result<Option<FileType>> {
    match rustix::fs::statat(&parent.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(about) => Ok(Some(FileType::from_raw_mode(about.st_mode))),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Sets the mode of a folder that has just been found or created, whatever the process's umask is.
fn set_mode(parent: impl AsFd, name: &OsStr, mode: u32) -> io::Result<()> {
    rustix::fs::chmodat(parent, name, Mode::from_raw_mode(mode), AtFlags::empty())?;
    Ok(())
}

fn key(parent: &Folder, name: &OsStr) -> u64 {
    let mut hasher = DefaultHasher::new();
    (parent.inode, name).hash(&mut hasher);
    hasher.finish()
}

/// Where a link in a folder leads, as a path from the root.
fn joined(folder: &Path, target: &Path) -> PathBuf {
    let mut path = if target.is_absolute() {
        PathBuf::new()
    } else {
        folder.to_owned()
    };
    for part in target.components() {
        match part {
            std::path::Component::ParentDir => {
                path.pop();
            }
            std::path::Component::Normal(name) => path.push(name),
            _ => {}
        }
    }
    path
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_folder_is_cleared_once_in_a_layer() {
        let root = tempfile::tempdir().unwrap();
        let lower = root.path().join("a/b/lower");
        let put = || {
            fs::create_dir_all(root.path().join("a/b")).unwrap();
            fs::write(&lower, "").unwrap();
        };
        put();
        let mut tree = Tree::new(root.path()).unwrap();
        let top = tree.folder(Path::new("")).unwrap();
        let above = tree.folder(Path::new("a")).unwrap();
        let folder = tree.folder(Path::new("a/b")).unwrap();
        tree.begin_layer();
        // So that it stays.
        tree.make_file(&folder, OsStr::new("own")).unwrap();
        tree.clear_lower(&above).unwrap();
        assert!(!lower.exists());
        // As nothing of a lower layer can be there now, nobody looks for it.
        put();
        tree.clear_lower(&above).unwrap();
        tree.clear_lower(&folder).unwrap();
        tree.remove_lower(&top, OsStr::new("a")).unwrap();
        assert!(lower.exists());
        tree.begin_layer();
        tree.clear_lower(&folder).unwrap();
        assert!(!lower.exists());
    }

    #[test]
    fn folders_without_entries_are_limited() {
        let root = tempfile::tempdir().unwrap();
        let mut tree = Tree::new(root.path()).unwrap();
        tree.folders_left = 4;
        assert!(tree.folder(Path::new("a/b/c")).is_ok());
        assert!(tree.folder(Path::new("a/b/d")).is_ok());
        let error = tree.folder(Path::new("a/b/e")).map(|_| ()).unwrap_err();
        assert!(error.to_string().contains("folders"), "{error}");
    }
}
