//! A function's code, which is a folder, a file, a .zip archive or a container image, and the command that starts it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::access::User;
use crate::archive::{is_archive, unpack};
use crate::bootstrap::{self, NoBootstrapError};
use crate::elsewhere;
use crate::executable::{ExecutableError, Starter, examine, resolve};
use crate::image::{CurrentImage, Image};
use crate::managed::Managed;
use crate::rootfs::Files;

/// A function's code and how it is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// The working directory: the folder that is `/var/task` on AWS. For a .zip archive, a link to the version that was
    /// unpacked last. Links are followed whenever an environment starts.
    pub task_root: PathBuf,
    /// The program that is started.
    pub entry: Entry,
    /// The .zip archive from which the task root was unpacked.
    pub archive: Option<PathBuf>,
}

/// The program that is started to run a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// The first file named `bootstrap` that can be executed in the task root, the layers, `/opt` or `/var/runtime`.
    Search,
    /// This file.
    File(PathBuf),
    /// A command with its arguments; a command without `/` is looked up in `PATH`.
    Command(Vec<String>),
    /// The interpreter of a managed runtime.
    Managed(Managed),
    /// The entry point of a container image, whose root folder is the task root.
    Image(CurrentImage),
}

/// Where the program of a function is looked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Search<'a> {
    /// The folders of the layers.
    pub layers: &'a [PathBuf],
    /// Where programs are looked up that a `#!` line names, in the form of `PATH`.
    pub path: &'a str,
    /// Where commands are looked up, in the form of `PATH`.
    pub commands: &'a str,
    /// Whether the host's own `/opt` and `/var/runtime` are searched.
    pub with_host: bool,
    /// The user as which the program would run.
    pub user: User<'a>,
}

impl<'a> Search<'a> {
    fn starter(&self) -> Starter<'a> {
        Starter {
            files: Files::HOST,
            path: self.path,
            user: self.user,
        }
    }
}

/// Why a function's code could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum CodeError {
    /// The path does not exist.
    #[error("{} does not exist", .0.display())]
    Missing(PathBuf),
    /// A layer is neither a folder nor a .zip archive.
    #[error("{} is neither a folder nor a .zip archive", .0.display())]
    NoLayer(PathBuf),
    /// The .zip archive could not be unpacked.
    #[error("cannot unpack {}: {reason}", path.display())]
    Zip {
        /// The archive's path.
        path: PathBuf,
        /// Why it could not be unpacked.
        reason: String,
    },
}

impl CodeError {
    fn zip(path: &Path, error: &io::Error) -> Self {
        Self::Zip {
            path: path.to_owned(),
            reason: error.to_string(),
        }
    }
}

/// Opens the layer at `path`, a folder or a .zip archive, and returns its folder. An archive is unpacked in a folder below
/// `unpack_to`, once per version, and its folder is a link to the version that was unpacked last. One that unpacks to more
/// than `limit` bytes is refused.
pub fn open_layer(path: &Path, unpack_to: &Path, limit: u64) -> Result<PathBuf, CodeError> {
    let absolute = fs::canonicalize(path).map_err(|_| CodeError::Missing(path.to_owned()))?;
    if absolute.is_dir() {
        return Ok(absolute);
    }
    if !is_archive(&absolute) {
        return Err(CodeError::NoLayer(path.to_owned()));
    }
    unpack(&absolute, unpack_to, limit).map_err(|error| CodeError::zip(path, &error))
}

impl Code {
    /// The code of a container image.
    pub fn of_image(image: Image) -> Self {
        Self {
            task_root: image.root.clone(),
            entry: Entry::Image(image.into()),
            archive: None,
        }
    }

    /// Opens the code at `path`. A .zip archive is unpacked in a folder below `unpack_to`, once per version. One that
    /// unpacks to more than `limit` bytes is refused, and nothing of it is kept.
    ///
    /// Opening an archive again updates every `Code` that was opened from it: environments that start from then on run
    /// the archive's new version, and running environments keep theirs.
    pub fn open(path: &Path, unpack_to: &Path, limit: u64) -> Result<Self, CodeError> {
        let absolute = fs::canonicalize(path).map_err(|_| CodeError::Missing(path.to_owned()))?;
        // A path with links is followed whenever an environment starts, as they may lead elsewhere then.
        let unresolved = std::path::absolute(path).unwrap_or_else(|_| absolute.clone());
        if absolute.is_dir() {
            return Ok(Self {
                task_root: unresolved,
                entry: Entry::Search,
                archive: None,
            });
        }
        if is_archive(&absolute) {
            let task_root = unpack(&absolute, unpack_to, limit)
                .map_err(|error| CodeError::zip(path, &error))?;
            return Ok(Self {
                task_root,
                entry: Entry::Search,
                archive: Some(absolute),
            });
        }
        let task_root = absolute.parent().unwrap_or(Path::new("/")).to_owned();
        Ok(Self {
            task_root,
            entry: Entry::File(unresolved),
            archive: None,
        })
    }

    /// The folder of what the developer writes: the task root, unless the code is made from something else.
    pub fn source_root(&self) -> PathBuf {
        match &self.entry {
            Entry::Managed(Managed {
                made_from: Some(made_from),
                ..
            }) => made_from.source.clone(),
            _ => self.resolved_root(),
        }
    }

    /// The task root with all links resolved: `LAMBDA_TASK_ROOT`. It stays valid for a process when a newer version is
    /// unpacked.
    pub fn resolved_root(&self) -> PathBuf {
        if let Entry::Image(image) = &self.entry {
            return image.get().root.clone();
        }
        let of_file = match &self.entry {
            Entry::File(file) => fs::canonicalize(file).ok(),
            _ => None,
        };
        let of_file = of_file.and_then(|file| Some(file.parent()?.to_owned()));
        let resolved = of_file.or_else(|| fs::canonicalize(&self.task_root).ok());
        resolved.unwrap_or_else(|| self.task_root.clone())
    }

    /// The program to start and its arguments. An error names a file of an archive by its place in the archive.
    pub(crate) fn program(
        &self,
        search: &Search<'_>,
    ) -> Result<(PathBuf, Vec<String>), NoBootstrapError> {
        let Some(archive) = &self.archive else {
            return self.find_program(search);
        };
        self.find_program(search).map_err(|mut error| {
            let root = self.resolved_root();
            for (tried, reason) in &mut error.tried {
                let Ok(entry) = tried.strip_prefix(&root) else {
                    continue;
                };
                if *reason == ExecutableError::NotExecutable {
                    *reason = ExecutableError::NotExecutableInArchive(entry.to_owned());
                }
                *tried = archive.join(entry);
            }
            error
        })
    }

    fn find_program(
        &self,
        search: &Search<'_>,
    ) -> Result<(PathBuf, Vec<String>), NoBootstrapError> {
        match &self.entry {
            Entry::Search => {
                let (root, with_host) = (self.resolved_root(), search.with_host);
                let is_archive = self.archive.is_some();
                let starter = search.starter();
                let found = bootstrap::find(&root, search.layers, starter, with_host, is_archive)?;
                Ok((found, Vec::new()))
            }
            Entry::File(file) => match examine(file, search.starter()) {
                Ok(()) => {
                    let resolved = fs::canonicalize(file).unwrap_or_else(|_| file.clone());
                    Ok((resolved, Vec::new()))
                }
                Err(error) => Err(NoBootstrapError::of_file(file.clone(), error)),
            },
            Entry::Command(command) => self.find_command(command, search).map_err(|mut error| {
                error.hints = self.hints(command, &error, search);
                error
            }),
            Entry::Managed(managed) => match (managed.problem(), &managed.command) {
                (None, Ok(command)) => {
                    let command = command.iter().map(|word| managed.current(word));
                    self.find_command(&command.collect::<Vec<_>>(), search)
                }
                (problem, _) => Err(NoBootstrapError::of_interpreter(
                    problem.unwrap_or_default(),
                )),
            },
            Entry::Image(image) => image.get().program(search.path),
        }
    }

    fn find_command(
        &self,
        command: &[String],
        search: &Search<'_>,
    ) -> Result<(PathBuf, Vec<String>), NoBootstrapError> {
        let (program, arguments) = command
            .split_first()
            .map_or((String::new(), Vec::new()), |(first, rest)| {
                (first.clone(), rest.to_vec())
            });
        let root = self.resolved_root();
        let (file, result) = resolve(&program, &root, search.commands, search.starter());
        let Err(error) = result else {
            return Ok((file, arguments));
        };
        Err(NoBootstrapError::of_file(file, error))
    }

    /// What may have been meant by a command whose program does not exist.
    fn hints(
        &self,
        command: &[String],
        error: &NoBootstrapError,
        search: &Search<'_>,
    ) -> Vec<String> {
        let is_missing = error.tried.iter().any(|(_, error)| {
            let missing = [ExecutableError::Missing, ExecutableError::AFolder];
            missing.contains(error) || matches!(error, ExecutableError::NotInPath(_))
        });
        match command
            .first()
            .filter(|program| is_missing && !program.is_empty())
        {
            Some(program) => {
                let root = self.resolved_root();
                elsewhere::commands(program, &root, search.layers, search.commands)
            }
            None => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::limits::UNPACKED_BYTES;

    const PATH: &str = "/usr/bin:/bin";

    impl Code {
        fn check(&self, layers: &[PathBuf], path: &str) -> Result<PathBuf, NoBootstrapError> {
            let (commands, with_host) = (path, true);
            let search = Search {
                layers,
                path,
                commands,
                with_host,
                user: User::Own,
            };
            self.program(&search).map(|(program, _arguments)| program)
        }
    }

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
        let code = Code::open(folder.path(), folder.path(), UNPACKED_BYTES).unwrap();
        assert_eq!(code.check(&[], PATH).unwrap(), bootstrap);
    }

    #[test]
    fn a_file_is_its_own_bootstrap_and_its_folder_the_task_root() {
        let folder = tempfile::tempdir().unwrap();
        let program = script(folder.path(), "my-function");
        let code = Code::open(&program, folder.path(), UNPACKED_BYTES).unwrap();
        assert_eq!(code.check(&[], PATH).unwrap(), program);
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
        let first = Code::open(&path, &folder.path().join("unpacked"), UNPACKED_BYTES).unwrap();
        assert!(
            first
                .check(&[], PATH)
                .unwrap()
                .starts_with(first.resolved_root())
        );
        fs::write(first.resolved_root().join("mark"), "").unwrap();
        let second = Code::open(&path, &folder.path().join("unpacked"), UNPACKED_BYTES).unwrap();
        assert_eq!(second, first);
        assert!(second.resolved_root().join("mark").exists());
    }

    #[test]
    fn opening_a_zip_again_changes_what_starts_next_but_not_what_runs() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("code.zip");
        let unpacked = folder.path().join("unpacked");
        zip(&path, "#!/bin/sh\n");
        let code = Code::open(&path, &unpacked, UNPACKED_BYTES).unwrap();
        let first = code.check(&[], PATH).unwrap();

        zip(&path, "#!/bin/sh\n# two\n");
        assert_eq!(
            code.check(&[], PATH).unwrap(),
            first,
            "not before it is opened again"
        );
        Code::open(&path, &unpacked, UNPACKED_BYTES).unwrap();
        let second = code.check(&[], PATH).unwrap();
        assert!(fs::read_to_string(&second).unwrap().contains("two"));
        assert!(first.exists(), "a process may still run from it");

        zip(&path, "#!/bin/sh\n# three, which is longer\n");
        Code::open(&path, &unpacked, UNPACKED_BYTES).unwrap();
        assert!(!first.exists() && second.exists());
    }

    #[test]
    fn archives_with_the_same_name_are_kept_apart() {
        let folder = tempfile::tempdir().unwrap();
        let unpacked = folder.path().join("unpacked");
        let open = |name: &str| {
            let path = folder.path().join(name).join("code.zip");
            fs::create_dir(path.parent().unwrap()).unwrap();
            zip(&path, &format!("#!/bin/sh\n# {name}\n"));
            Code::open(&path, &unpacked, UNPACKED_BYTES)
                .unwrap()
                .resolved_root()
        };
        assert_ne!(open("a"), open("b"));
    }

    /// The files and folders below a folder.
    fn below(folder: &Path) -> usize {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let counts = entries.map(|entry| 1 + below(&entry.path()));
        counts.sum()
    }

    #[test]
    fn an_archive_that_unpacks_to_more_than_the_limit_is_refused_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("code.zip");
        let mut writer = zip::ZipWriter::new(File::create(&path).unwrap());
        for name in ["a", "b", "c"] {
            let options = zip::write::SimpleFileOptions::default();
            writer.start_file(name, options).unwrap();
            writer.write_all(&vec![0; 1_000_000]).unwrap();
        }
        writer.finish().unwrap();
        let unpacked = folder.path().join("unpacked");
        let open = |limit| Code::open(&path, &unpacked, limit);
        let error = open(2_999_999).unwrap_err().to_string();
        assert!(
            error.starts_with(&format!(
                "cannot unpack {}: it unpacks to more than 2999999 bytes",
                path.display()
            )),
            "{error}"
        );
        assert_eq!(below(&unpacked), 1, "only the folder of the archive");
        assert_eq!(below(&open(3_000_000).unwrap().resolved_root()), 3);
    }

    #[test]
    fn a_bootstrap_that_is_not_executable_is_named_by_its_place_in_the_archive() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().canonicalize().unwrap().join("code.zip");
        let mut writer = zip::ZipWriter::new(File::create(&path).unwrap());
        let options = zip::write::SimpleFileOptions::default().unix_permissions(0o644);
        writer.start_file("bootstrap", options).unwrap();
        writer.write_all(b"#!/bin/sh\n").unwrap();
        writer.finish().unwrap();
        let unpacked = folder.path().join("unpacked");
        let code = Code::open(&path, &unpacked, UNPACKED_BYTES).unwrap();
        let error = code.check(&[], PATH).unwrap_err().to_string();
        let expected = format!(
            "{}: is not executable in the archive",
            path.join("bootstrap").display()
        );
        assert!(error.contains(&expected), "{error}");
        assert!(!error.contains("unpacked"), "{error}");
    }

    #[test]
    fn the_errors_name_a_broken_zip_and_a_missing_path() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("code.zip");
        fs::write(&path, "no archive").unwrap();
        let error = Code::open(&path, folder.path(), UNPACKED_BYTES)
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with(&format!("cannot unpack {}", path.display())),
            "{error}"
        );
        let error = Code::open(Path::new("/no/such/code"), folder.path(), UNPACKED_BYTES)
            .unwrap_err()
            .to_string();
        assert_eq!(error, "/no/such/code does not exist");
    }

    #[test]
    fn a_layer_is_a_folder_or_a_zip_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let open = |name: &str| open_layer(&root.join(name), &root.join("unpacked"), 1000);
        assert_eq!(open("").unwrap(), root.join(""));
        zip(&root.join("layer.zip"), "#!/bin/sh\n");
        assert!(open("layer.zip").unwrap().join("bootstrap").exists());
        script(&root, "layer.tar");
        let error = open("layer.tar").unwrap_err().to_string();
        assert!(
            error.ends_with("layer.tar is neither a folder nor a .zip archive"),
            "{error}"
        );
        assert!(
            open("none")
                .unwrap_err()
                .to_string()
                .ends_with("none does not exist")
        );
    }

    #[test]
    fn nothing_is_written_outside_the_folder_of_an_archive() {
        let folder = tempfile::tempdir().unwrap();
        let outside = folder.path().join("outside");
        let unpacked = folder.path().join("unpacked");
        fs::create_dir(&outside).unwrap();
        let absolute = outside.join("file").display().to_string();
        let up = "../".repeat(4) + "outside/file";
        for name in [&absolute, &up, &format!("a/../{up}"), "link/file"] {
            let path = folder.path().join("code.zip");
            let mut writer = zip::ZipWriter::new(File::create(&path).unwrap());
            let options = zip::write::SimpleFileOptions::default();
            writer
                .add_symlink("link", outside.to_str().unwrap(), options)
                .unwrap();
            writer.start_file(name, options).unwrap();
            writer.write_all(b"out").unwrap();
            writer.finish().unwrap();
            let opened = Code::open(&path, &unpacked, UNPACKED_BYTES);
            assert_eq!(below(&outside), 0, "{name}: {opened:?}");
        }
    }

    #[test]
    fn a_command_is_looked_up_in_path() {
        let entry = Entry::Command(vec!["sh".to_owned(), "-c".to_owned(), "exit".to_owned()]);
        let code = Code {
            task_root: PathBuf::from("/"),
            entry,
            archive: None,
        };
        let search = Search {
            layers: &[],
            path: PATH,
            commands: PATH,
            with_host: true,
            user: User::Own,
        };
        let (program, arguments) = code.program(&search).unwrap();
        assert!(program.ends_with("sh") && program.is_absolute());
        assert_eq!(arguments, ["-c", "exit"]);
    }
}
