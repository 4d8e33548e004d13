//! A function's code: a folder, a bootstrap file or a .zip, made into a task root and a way to start it.

use std::fs::{self, File};
use std::hash::{Hash, Hasher};
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use crate::bootstrap::{self, NoBootstrap};

/// Where a function's code is and how it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// The folder that is `/var/task` on AWS: the working directory. A .zip's is a link to the version unpacked last.
    pub task_root: PathBuf,
    /// What is started.
    pub entry: Entry,
}

/// What is started to run a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// The first usable `bootstrap` of the search order.
    Search,
    /// This very file.
    File(PathBuf),
    /// A command with its arguments, found through `PATH`.
    Command(Vec<String>),
}

/// Why a function has no code.
#[derive(Debug, thiserror::Error)]
pub enum CodeError {
    /// The path leads nowhere.
    #[error("{} does not exist", .0.display())]
    Absent(PathBuf),
    /// A .zip that can not be unpacked.
    #[error("can not unpack {}: {reason}", path.display())]
    Zip {
        /// The archive.
        path: PathBuf,
        /// What went wrong.
        reason: String,
    },
}

impl Code {
    /// Opens the code at `path`. A .zip is unpacked below `unpack_to`, once for each of its versions.
    ///
    /// To open a .zip again makes its present version that of every `Code` opened from it before: environments that
    /// start from now on run it, those that run keep theirs.
    pub fn open(path: &Path, unpack_to: &Path) -> Result<Self, CodeError> {
        let absolute = fs::canonicalize(path).map_err(|_| CodeError::Absent(path.to_owned()))?;
        if absolute.is_dir() {
            return Ok(Self {
                task_root: absolute,
                entry: Entry::Search,
            });
        }
        if absolute
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("zip"))
        {
            let task_root = unpack(&absolute, unpack_to).map_err(|error| CodeError::Zip {
                path: path.to_owned(),
                reason: error.to_string(),
            })?;
            return Ok(Self {
                task_root,
                entry: Entry::Search,
            });
        }
        let task_root = absolute.parent().unwrap_or(Path::new("/")).to_owned();
        Ok(Self {
            task_root,
            entry: Entry::File(absolute),
        })
    }

    /// The task root with no link in it: `LAMBDA_TASK_ROOT`, which stays the same for a process while versions change.
    pub(crate) fn version(&self) -> PathBuf {
        fs::canonicalize(&self.task_root).unwrap_or_else(|_| self.task_root.clone())
    }

    /// The program to start and its arguments.
    pub(crate) fn program(
        &self,
        layers: &[PathBuf],
    ) -> Result<(PathBuf, Vec<String>), NoBootstrap> {
        match &self.entry {
            Entry::Search => Ok((bootstrap::find(&self.version(), layers)?, Vec::new())),
            Entry::File(path) => match bootstrap::examine(path) {
                Ok(()) => Ok((path.clone(), Vec::new())),
                Err(fault) => Err(NoBootstrap {
                    tried: vec![(path.clone(), fault)],
                }),
            },
            Entry::Command(words) => {
                let (program, arguments) = words
                    .split_first()
                    .map_or((String::new(), Vec::new()), |(first, rest)| {
                        (first.clone(), rest.to_vec())
                    });
                let path = resolve(&program, &self.version());
                match bootstrap::examine(&path) {
                    Ok(()) => Ok((path, arguments)),
                    Err(fault) => Err(NoBootstrap {
                        tried: vec![(path, fault)],
                    }),
                }
            }
        }
    }

    /// Tells whether a function with these layers could be started now.
    pub fn check(&self, layers: &[PathBuf]) -> Result<PathBuf, NoBootstrap> {
        self.program(layers).map(|(program, _arguments)| program)
    }
}

/// As a shell would: a name without `/` is looked up in `PATH`, a relative path starts from the task root.
fn resolve(program: &str, task_root: &Path) -> PathBuf {
    if program.contains('/') {
        return task_root.join(program);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|candidate| bootstrap::examine(candidate).is_ok())
        .unwrap_or_else(|| PathBuf::from(program))
}

/// Unpacks an archive and returns a link to it.
///
/// Each version gets a folder named after its size and time, so that a function that still runs from an older one keeps
/// it. A folder appears only when it is complete; the link changes from one version to the next in one step. A version
/// is deleted when two newer ones have been unpacked.
fn unpack(archive: &Path, below: &Path) -> io::Result<PathBuf> {
    let home = below.join(unique_name(archive));
    fs::create_dir_all(&home)?;
    let home = fs::canonicalize(home)?;
    let version = unpack_version(archive, &home)?;
    let link = home.join("current");
    let before = fs::read_link(&link).ok();
    if before.as_ref() != Some(&version) {
        let next = home.join(format!(".current-{}", std::process::id()));
        let _left_by_a_killed_process = fs::remove_file(&next);
        symlink(&version, &next)?;
        fs::rename(&next, &link)?;
        let kept = [&version, before.as_ref().unwrap_or(&version), &link];
        remove_all_but(&kept, &home);
    }
    Ok(link)
}

/// The archive's name, and a number for its folder: archives are often namesakes.
fn unique_name(archive: &Path) -> String {
    let mut hasher = std::hash::DefaultHasher::new();
    archive.hash(&mut hasher);
    let stem = archive.file_stem().unwrap_or_default().to_string_lossy();
    format!("{stem}-{:x}", hasher.finish())
}

fn unpack_version(archive: &Path, home: &Path) -> io::Result<PathBuf> {
    let metadata = fs::metadata(archive)?;
    let stamp = metadata
        .modified()?
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_nanos();
    let target = home.join(format!("{:x}-{stamp:x}", metadata.len()));
    if target.is_dir() {
        return Ok(target);
    }
    let partial = home.join(format!(".{stamp:x}-{}", std::process::id()));
    zip::ZipArchive::new(File::open(archive)?)?.extract(&partial)?;
    match fs::rename(&partial, &target) {
        Ok(()) => Ok(target),
        // Somebody else was quicker.
        Err(_) if target.is_dir() => {
            fs::remove_dir_all(&partial)?;
            Ok(target)
        }
        Err(error) => Err(error),
    }
}

/// What can not be removed does no harm.
fn remove_all_but(kept: &[&PathBuf], folder: &Path) {
    let versions = fs::read_dir(folder).into_iter().flatten().flatten();
    for path in versions.map(|entry| entry.path()) {
        let unfinished = path
            .file_name()
            .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if !kept.contains(&&path) && !unfinished {
            let _in_use = fs::remove_dir_all(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn script(folder: &Path, name: &str) -> PathBuf {
        let path = folder.join(name);
        fs::write(&path, "#!/bin/sh\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path.canonicalize().unwrap()
    }

    #[test]
    fn a_folder_is_searched_for_its_bootstrap() {
        let folder = tempfile::tempdir().unwrap();
        let bootstrap = script(folder.path(), "bootstrap");
        let code = Code::open(folder.path(), folder.path()).unwrap();
        assert_eq!(code.check(&[]).unwrap(), bootstrap);
    }

    #[test]
    fn a_file_is_its_own_bootstrap_and_its_folder_the_task_root() {
        let folder = tempfile::tempdir().unwrap();
        let program = script(folder.path(), "my-function");
        let code = Code::open(&program, folder.path()).unwrap();
        assert_eq!(code.check(&[]).unwrap(), program);
        assert_eq!(code.task_root, program.parent().unwrap());
    }

    fn zip(path: &Path, bootstrap: &str) {
        let mut writer = zip::ZipWriter::new(File::create(path).unwrap());
        let options = zip::write::SimpleFileOptions::default().unix_permissions(0o755);
        writer.start_file("bootstrap", options).unwrap();
        writer.write_all(bootstrap.as_bytes()).unwrap();
        writer.finish().unwrap();
    }

    #[test]
    fn a_zip_is_unpacked_once_with_its_modes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("code.zip");
        zip(&path, "#!/bin/sh\n");
        let first = Code::open(&path, &folder.path().join("unpacked")).unwrap();
        assert!(first.check(&[]).unwrap().starts_with(first.version()));
        fs::write(first.version().join("mark"), "").unwrap();
        let second = Code::open(&path, &folder.path().join("unpacked")).unwrap();
        assert_eq!(second, first);
        assert!(second.version().join("mark").exists());
    }

    #[test]
    fn a_zip_opened_again_changes_what_starts_next_but_not_what_runs() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("code.zip");
        let unpacked = folder.path().join("unpacked");
        zip(&path, "#!/bin/sh\n");
        let code = Code::open(&path, &unpacked).unwrap();
        let first = code.check(&[]).unwrap();

        zip(&path, "#!/bin/sh\n# two\n");
        assert_eq!(code.check(&[]).unwrap(), first, "not before it is opened");
        Code::open(&path, &unpacked).unwrap();
        let second = code.check(&[]).unwrap();
        assert!(fs::read_to_string(&second).unwrap().contains("two"));
        assert!(first.exists(), "a process may still run from it");

        zip(&path, "#!/bin/sh\n# three, which is longer\n");
        Code::open(&path, &unpacked).unwrap();
        assert!(!first.exists() && second.exists());
    }

    #[test]
    fn namesakes_do_not_meet() {
        let folder = tempfile::tempdir().unwrap();
        let unpacked = folder.path().join("unpacked");
        let open = |name: &str| {
            let path = folder.path().join(name).join("code.zip");
            fs::create_dir(path.parent().unwrap()).unwrap();
            zip(&path, &format!("#!/bin/sh\n# {name}\n"));
            Code::open(&path, &unpacked).unwrap().version()
        };
        assert_ne!(open("a"), open("b"));
    }

    #[test]
    fn a_broken_zip_and_a_missing_path_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("code.zip");
        fs::write(&path, "no archive").unwrap();
        let error = Code::open(&path, folder.path()).unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("can not unpack {}", path.display())),
            "{error}"
        );
        let error = Code::open(Path::new("/no/such/code"), folder.path())
            .unwrap_err()
            .to_string();
        assert_eq!(error, "/no/such/code does not exist");
    }

    #[test]
    fn a_command_is_found_through_path() {
        let entry = Entry::Command(vec!["sh".to_owned(), "-c".to_owned(), "exit".to_owned()]);
        let code = Code {
            task_root: PathBuf::from("/"),
            entry,
        };
        let (program, arguments) = code.program(&[]).unwrap();
        assert!(program.ends_with("sh") && program.is_absolute());
        assert_eq!(arguments, ["-c", "exit"]);
    }
}
