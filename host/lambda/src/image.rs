//! A function that is a container image: which program is started, in which folder and with which variables.
//!
//! ENTRYPOINT, CMD and WORKDIR count as on AWS, where `ImageConfig` replaces each of them on its own; USER does not.
//! Nothing of the image need be trusted: it is only looked at below its folder (`rootfs`).
//!
//! AWS's Runtime Interface Emulator in an image would be a second Runtime API, of which Lambkin would never see a call.
//! Where an image starts it, the emulator's command is started instead.
//!
//! On failure: AWS's error type and message for the caller, and for the developer what is wrong with the image.

use std::any::Any;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use crate::bootstrap::NoBootstrapError;
use crate::elf::ElfError;
use crate::executable::{ExecutableError, examine_in};
use crate::function_error::{INVALID_ENTRYPOINT, INVALID_WORKING_DIR};
use crate::rootfs::Files;

/// `LAMBDA_TASK_ROOT`, and the working directory of images that name none, if they have it.
pub(crate) const TASK_ROOT: &str = "/var/task";

/// The `PATH` of images that have none.
const SEARCH_PATH: &str = "/usr/local/bin:/usr/bin:/bin:/opt/bin";

/// The name of AWS's emulator.
const EMULATOR: &str = "aws-lambda-rie";

/// Where images usually have the emulator, besides the folders of `PATH`.
const EMULATOR_FOLDERS: [&str; 4] = ["/", "/usr/local/bin", "/usr/bin", "/aws-lambda"];

/// Options of the emulator that are followed by a value.
const EMULATOR_OPTIONS: [&str; 3] = [
    "--log-level",
    "--runtime-api-address",
    "--runtime-interface-emulator-address",
];

/// An option of the emulator without a value.
const EMULATOR_FLAG: &str = "--enable-init-caching";

/// What the emulator starts without a command: the first of these that is there.
const BOOTSTRAPS: [&str; 3] = [
    "/var/task/bootstrap",
    "/opt/bootstrap",
    "/var/runtime/bootstrap",
];

/// Takes the place of the emulator in an image: starts its command, without the emulator's own options.
const EMULATOR_SCRIPT: &str = r#"#!/bin/sh
skip=
for word do
  shift
  if [ -n "$skip" ]; then skip=; continue; fi
  case $word in
    --log-level|--runtime-api-address|--runtime-interface-emulator-address) skip=1 ;;
    --log-level=*|--runtime-api-address=*|--runtime-interface-emulator-address=*|--enable-init-caching) ;;
    *) set -- "$@" "$word" ;;
  esac
done
if [ $# -gt 0 ]; then exec "$@"; fi
for file in /var/task/bootstrap /opt/bootstrap /var/runtime/bootstrap; do
  if [ -x "$file" ]; then exec "$file"; fi
done
echo "aws-lambda-rie: no command, and no bootstrap in /var/task, /opt and /var/runtime" >&2
exit 127
"#;

/// The largest script whose text is searched for the emulator.
const MAX_SCRIPT_BYTES: u64 = 64 * 1024;

/// An unpacked container image, and what it says about its program.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Image {
    /// What the developer calls it: a path or a reference.
    pub name: String,
    /// The digest of its configuration, which Docker calls the image's id: `sha256:…`.
    pub digest: String,
    /// The folder with its files. The path has no links.
    pub root: PathBuf,
    /// ENTRYPOINT, or what replaces it.
    pub entry_point: Vec<String>,
    /// CMD, or what replaces it.
    pub command: Vec<String>,
    /// ENV.
    pub variables: Vec<(String, String)>,
    /// WORKDIR, or what replaces it.
    pub working_directory: Option<PathBuf>,
    /// What keeps the folder from being deleted.
    pub keeper: Keeper,
}

/// A value that is kept as long as an image is used, whatever it is.
#[derive(Clone, Default)]
pub struct Keeper {
    _value: Option<Arc<dyn Any + Send + Sync>>,
}

impl Keeper {
    /// Keeps a value.
    pub fn new(value: impl Any + Send + Sync) -> Self {
        Self {
            _value: Some(Arc::new(value)),
        }
    }
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keeper")
    }
}

/// All are equal: they say nothing about an image.
impl PartialEq for Keeper {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Keeper {}

/// The image that a function has now. Clones share it: a replacement takes effect in every environment that starts
/// afterwards.
#[derive(Debug, Clone)]
pub struct CurrentImage(Arc<RwLock<Arc<Image>>>);

impl CurrentImage {
    /// Replaces the image.
    pub fn replace(&self, image: Image) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(image);
    }

    /// The image as it is now.
    pub fn get(&self) -> Arc<Image> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl From<Image> for CurrentImage {
    fn from(image: Image) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(image))))
    }
}

impl PartialEq for CurrentImage {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl Eq for CurrentImage {}

impl Image {
    pub(crate) fn files(&self) -> Files<'_> {
        Files::below(&self.root)
    }

    /// The value of a variable of the image.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        let mut found = self.variables.iter().rev();
        let (_, value) = found.find(|(key, _)| key == name)?;
        Some(value)
    }

    /// Where programs are searched, if the function has no `PATH` of its own.
    pub(crate) fn search_path(&self) -> &str {
        self.variable("PATH").unwrap_or(SEARCH_PATH)
    }

    /// The handler: by convention, the last word of the command line.
    pub fn handler(&self) -> &str {
        let words = self.entry_point.iter().chain(&self.command);
        match self.entry_point.len() + self.command.len() {
            0 | 1 => "",
            _ => words.last().map_or("", String::as_str),
        }
    }

    /// The folder in which the program is started, as it sees it.
    pub(crate) fn directory(&self) -> PathBuf {
        match &self.working_directory {
            // Relative to the root, as in an image.
            Some(named) => Path::new("/").join(named),
            None if self.files().place(Path::new(TASK_ROOT)).is_dir() => PathBuf::from(TASK_ROOT),
            None => PathBuf::from("/"),
        }
    }

    /// The folder in which the program is started, if the image has it.
    fn checked_directory(&self) -> Result<PathBuf, NoBootstrapError> {
        let directory = self.directory();
        let place = self.files().place(&directory);
        if place.is_dir() {
            return Ok(directory);
        }
        let is = match place.exists() {
            true => "not a directory",
            false => "no such file or directory",
        };
        let directory = directory.display();
        Err(self.refused(
            INVALID_WORKING_DIR,
            format!("chdir {directory}: {is}"),
            &format!("its working directory {directory} is {is}"),
        ))
    }

    /// The program and its arguments, with the paths that it sees.
    pub(crate) fn program(&self, search: &str) -> Result<(PathBuf, Vec<String>), NoBootstrapError> {
        let directory = self.checked_directory()?;
        let words = self.entry_point.iter().chain(&self.command);
        let mut words: Vec<String> = words.cloned().collect();
        if is_emulator(&words) {
            words = without_emulator(words);
            if words.is_empty() {
                let mut found = BOOTSTRAPS.iter();
                let found = found.find(|path| self.files().place(Path::new(path)).is_file());
                words.extend(found.map(|path| (*path).to_owned()));
            }
        }
        let mut words = words.into_iter();
        let Some(name) = words.next().filter(|name| !name.is_empty()) else {
            return Err(self.refused(
                INVALID_ENTRYPOINT,
                "fork/exec : no such file or directory".to_owned(),
                "it has neither an ENTRYPOINT nor a CMD, so no program is started; name one in lambkin.toml: \
                 image-config = { entry-point = [\"…\"] }",
            ));
        };
        match self.find(&name, &directory, search) {
            Ok(program) => Ok((program, words.collect())),
            Err((path, error)) => {
                let path = path.display();
                let reason = match error {
                    ExecutableError::Missing if !name.contains('/') => {
                        format!("its program `{name}` is in no folder of PATH ({search})")
                    }
                    ExecutableError::NotExecutable => format!(
                        "its program {path} is not executable; in the Dockerfile: `RUN chmod +x {path}`"
                    ),
                    _ => format!("its program {path} {error}"),
                };
                let said = format!("fork/exec {path}: {}", in_words_of_go(&error));
                Err(self.refused(INVALID_ENTRYPOINT, said, &reason))
            }
        }
    }

    /// The program of a command that takes the place of the image's, and its arguments, with the paths that it sees. A
    /// relative path begins at the working directory.
    pub(crate) fn command(
        &self,
        words: &[String],
        search: &str,
    ) -> Result<(PathBuf, Vec<String>), NoBootstrapError> {
        let (name, arguments) = words
            .split_first()
            .map_or(("", &[][..]), |(name, rest)| (name.as_str(), rest));
        let directory = self.checked_directory()?;
        match self.find(name, &directory, search) {
            Ok(program) => Ok((program, arguments.to_vec())),
            Err((path, ExecutableError::Missing)) if !name.contains('/') => {
                let error = ExecutableError::NotInPath(search.to_owned());
                Err(NoBootstrapError::of_file(path, error))
            }
            Err((path, error)) => Err(NoBootstrapError::of_file(path, error)),
        }
    }

    /// The path of a program, as the program sees it.
    fn find(
        &self,
        name: &str,
        directory: &Path,
        search: &str,
    ) -> Result<PathBuf, (PathBuf, ExecutableError)> {
        let examine = |path: PathBuf| match examine_in(self.files(), &path, search) {
            Ok(()) => Ok(path),
            Err(error) => Err((path, error)),
        };
        if name.contains('/') {
            return examine(directory.join(name));
        }
        // The first one that could be meant, so that what is wrong with it is said.
        let mut unusable = None;
        for folder in std::env::split_paths(search) {
            match examine(Path::new("/").join(folder).join(name)) {
                Ok(path) => return Ok(path),
                Err((_, ExecutableError::Missing)) => {}
                Err(error) => {
                    unusable.get_or_insert(error);
                }
            }
        }
        Err(unusable.unwrap_or((PathBuf::from(name), ExecutableError::Missing)))
    }

    /// The first digits of the image's id, as `docker images` prints it.
    #[must_use]
    pub fn short_id(&self) -> &str {
        let digits = self.digest.split_once(':').map(|(_, digits)| digits);
        let digits = digits.unwrap_or(&self.digest);
        digits.get(..12).unwrap_or(digits)
    }

    fn refused(&self, error_type: &'static str, said: String, reason: &str) -> NoBootstrapError {
        NoBootstrapError {
            tried: Vec::new(),
            hints: Vec::new(),
            // A terminal must not be controlled by an image.
            interpreter: Some(printable(&format!(
                "image {} (id {}): {reason}",
                self.name,
                self.short_id()
            ))),
            image: Some((error_type, said)),
        }
    }

    /// Scripts that take the place of AWS's emulator wherever the image seems to have it, with paths without links.
    pub(crate) fn scripts(&self, search: &str) -> Vec<(PathBuf, String)> {
        let files = self.files();
        // An image without a shell cannot start the emulator from a script.
        if examine_in(files, Path::new("/bin/sh"), search).is_err() {
            return Vec::new();
        }
        let folders = std::env::split_paths(search).chain(EMULATOR_FOLDERS.map(PathBuf::from));
        let mut places: Vec<PathBuf> = folders.map(|folder| folder.join(EMULATOR)).collect();
        let words = self.entry_point.iter().chain(&self.command);
        places.extend(words.flat_map(|word| named_in(word)));
        if let Ok((program, _)) = self.program(search) {
            let program = files.place(&program);
            let is_short = program
                .metadata()
                .is_ok_and(|found| found.len() <= MAX_SCRIPT_BYTES);
            let text = is_short.then(|| fs::read(&program).unwrap_or_default());
            let text = text
                .filter(|text| text.starts_with(b"#!"))
                .unwrap_or_default();
            places.extend(named_in(&String::from_utf8_lossy(&text)));
        }
        let mut found: Vec<PathBuf> = places
            .into_iter()
            .map(|place| files.resolved(&place))
            .filter(|path| files.place(path).is_file())
            .collect();
        found.sort();
        found.dedup();
        let script = |path| (path, EMULATOR_SCRIPT.to_owned());
        found.into_iter().map(script).collect()
    }
}

/// A text with its control characters escaped.
fn printable(text: &str) -> String {
    let mut shown = String::new();
    for character in text.chars() {
        match character.is_control() {
            true => shown.extend(character.escape_default()),
            false => shown.push(character),
        }
    }
    shown
}

/// The absolute paths of the emulator in a text.
fn named_in(text: &str) -> impl Iterator<Item = PathBuf> {
    let is_separator =
        |character: char| character.is_whitespace() || "\"'`;|&()=".contains(character);
    let words = text.split(is_separator);
    let paths = words.filter(|word| word.starts_with('/') && is_emulator(&[(*word).to_owned()]));
    paths.map(PathBuf::from).collect::<Vec<_>>().into_iter()
}

/// Whether a command starts the emulator.
fn is_emulator(words: &[String]) -> bool {
    let program = words.first().map(Path::new).and_then(Path::file_name);
    program.is_some_and(|name| name == EMULATOR)
}

/// The command that the emulator would start. Its own options may be anywhere.
fn without_emulator(words: Vec<String>) -> Vec<String> {
    let mut kept = Vec::new();
    let mut words = words.into_iter().skip(1);
    while let Some(word) = words.next() {
        let name = word.split_once('=').map(|(name, _)| name);
        if EMULATOR_OPTIONS.contains(&word.as_str()) {
            words.next();
        } else if word != EMULATOR_FLAG && name.is_none_or(|name| !EMULATOR_OPTIONS.contains(&name))
        {
            kept.push(word);
        }
    }
    kept
}

/// The operating system's error for a program that cannot be started, as Go writes it.
fn in_words_of_go(error: &ExecutableError) -> &'static str {
    match error {
        ExecutableError::NotAFile
        | ExecutableError::AFolder
        | ExecutableError::Closed(_)
        | ExecutableError::NoExecutionMount(_)
        | ExecutableError::NotExecutable
        | ExecutableError::NotExecutableInArchive(_)
        | ExecutableError::Forbidden
        | ExecutableError::Unreadable(_) => "permission denied",
        ExecutableError::Missing
        | ExecutableError::DanglingLink(_)
        | ExecutableError::NotInPath(_)
        | ExecutableError::Elf(ElfError::MissingLoader(_) | ElfError::WrongLibc { .. })
        | ExecutableError::Script(_) => "no such file or directory",
        _ => "exec format error",
    }
}

#[cfg(test)]
mod tests;
