//! Finds the program that runs a function, and explains a search that finds none.
//!
//! As on AWS, the function's code is searched first, then its layers, `/opt` and `/var/runtime`. The first file named
//! `bootstrap` that can be executed is taken. When no file is found, AWS answers with a list of the paths; Lambkin also
//! logs for each path what is wrong with the file and how to correct it.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

use crate::rootfs::Files;
use crate::script::{self, Needed, ScriptError};

/// The number of scripts that may be each other's interpreter, as on Linux.
const SCRIPTS: usize = 5;

/// The folders that are searched after the function's code and layers.
const SYSTEM_FOLDERS: [&str; 2] = ["/opt", "/var/runtime"];

/// The error of a search that found no file that can be executed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoBootstrapError {
    /// The paths in the order of the search, each with the reason why it cannot be executed.
    pub tried: Vec<(PathBuf, ExecutableError)>,
    /// Why the interpreter of a managed runtime, or a container image, cannot be used. Then nothing was tried.
    pub interpreter: Option<String>,
    /// What AWS says of an image that cannot be started: its error type and message.
    pub image: Option<(&'static str, String)>,
}

impl NoBootstrapError {
    /// The error of a search for one file.
    pub(crate) fn of_file(file: PathBuf, error: ExecutableError) -> Self {
        Self {
            tried: vec![(file, error)],
            interpreter: None,
            image: None,
        }
    }
}

impl fmt::Display for NoBootstrapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(reason) = &self.interpreter {
            return f.write_str(reason);
        }
        f.write_str("no usable bootstrap")?;
        for (path, error) in &self.tried {
            write!(f, "\n  {}: {error}", path.display())?;
        }
        Ok(())
    }
}

impl std::error::Error for NoBootstrapError {}

/// Why a file cannot be executed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExecutableError {
    /// The file does not exist.
    #[error("does not exist")]
    Missing,
    /// The path is that of a folder or a device.
    #[error("is not a file")]
    NotAFile,
    /// The file's mode does not allow it.
    #[error("is not executable; `chmod +x` it")]
    NotExecutable,
    /// The file's mode in the .zip archive does not allow it. The path is that of the entry.
    #[error(
        "is not executable in the archive; `chmod +x {}` before it is zipped, or let the tool that makes the archive give \
         the entry the mode 0755",
        .0.display()
    )]
    NotExecutableInArchive(PathBuf),
    /// The path is a link to a file that does not exist. The path here is the link's content.
    #[error("is a link to {}, which does not exist", .0.display())]
    DanglingLink(PathBuf),
    /// The file is built for another processor architecture or operating system.
    #[error(
        "is built for {built_for}, but this machine is {}; build it for this machine",
        std::env::consts::ARCH
    )]
    WrongArchitecture {
        /// The architecture or operating system for which it is built.
        built_for: String,
    },
    /// The program needs a dynamic loader that is not installed.
    #[error(
        "needs {}, which does not exist here; it was linked for another Linux, build it here or link it statically",
        .0.display()
    )]
    MissingLoader(PathBuf),
    /// The script's `#!` line does not lead to an interpreter.
    #[error(transparent)]
    Script(#[from] ScriptError),
    /// The file's mode allows it, but the file system or the file's owner does not.
    #[error("cannot be executed by this user: its mode or a mount with `noexec` forbids it")]
    Forbidden,
    /// The file has no content.
    #[error("is empty")]
    Empty,
    /// An ELF file of another kind.
    #[error("is an ELF file, but not a program: {0}")]
    NotAProgram(&'static str),
    /// The file is neither a program nor a script.
    #[error("is neither a Linux program nor a script with a `#!` line")]
    UnknownFormat,
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(String),
}

/// Searches for the bootstrap of a function whose code is in `task_root`. The layers are searched from the last to the
/// first, and then, `with_host`, the host's own folders. `path` is the function's `PATH`.
pub fn find(
    task_root: &Path,
    layers: &[PathBuf],
    path: &str,
    with_host: bool,
) -> Result<PathBuf, NoBootstrapError> {
    let host = SYSTEM_FOLDERS.iter().filter(|_| with_host);
    let folders = std::iter::once(task_root)
        .chain(layers.iter().rev().map(PathBuf::as_path))
        .chain(host.map(Path::new));
    let mut tried = Vec::new();
    for folder in folders {
        let bootstrap = folder.join("bootstrap");
        match examine(&bootstrap, path) {
            Ok(()) => return Ok(bootstrap),
            Err(error) => tried.push((bootstrap, error)),
        }
    }
    Err(NoBootstrapError {
        tried,
        interpreter: None,
        image: None,
    })
}

/// Checks whether a file can be executed on this machine. A program that a `#!` line starts through `env` is looked up
/// in `search`, which has the form of `PATH`.
pub fn examine(path: &Path, search: &str) -> Result<(), ExecutableError> {
    examine_in(Files::HOST, path, search)
}

/// The same for the files that a program sees. All paths are those that it sees.
pub(crate) fn examine_in(
    files: Files<'_>,
    path: &Path,
    search: &str,
) -> Result<(), ExecutableError> {
    examine_nested(files, path, search, SCRIPTS)
}

fn examine_nested(
    files: Files<'_>,
    path: &Path,
    search: &str,
    scripts: usize,
) -> Result<(), ExecutableError> {
    let (named, path) = (path, &files.place(path));
    let metadata = fs::metadata(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => match files.link(named) {
            Some(target) => ExecutableError::DanglingLink(target),
            None => ExecutableError::Missing,
        },
        _ => ExecutableError::Unreadable(error.to_string()),
    })?;
    if !metadata.is_file() {
        return Err(ExecutableError::NotAFile);
    }
    if metadata.permissions().mode() & 0o111 == 0 {
        return Err(ExecutableError::NotExecutable);
    }
    if access(path, Access::EXEC_OK).is_err() {
        return Err(ExecutableError::Forbidden);
    }
    let unreadable = |error: io::Error| ExecutableError::Unreadable(error.to_string());
    let mut file = File::open(path).map_err(unreadable)?;
    let mut head = Vec::with_capacity(HEAD_BYTES);
    Read::by_ref(&mut file)
        .take(HEAD_BYTES as u64)
        .read_to_end(&mut head)
        .map_err(unreadable)?;
    match head.get(..4) {
        Some(b"\x7fELF") => examine_elf(files, &head, &mut file),
        Some(b"\xcf\xfa\xed\xfe" | b"\xca\xfe\xba\xbe") if cfg!(target_os = "macos") => Ok(()),
        Some(b"\xcf\xfa\xed\xfe" | b"\xca\xfe\xba\xbe") => {
            Err(ExecutableError::WrongArchitecture {
                built_for: "macOS".to_owned(),
            })
        }
        _ if head.starts_with(b"MZ") => Err(ExecutableError::WrongArchitecture {
            built_for: "Windows".to_owned(),
        }),
        _ if head.is_empty() => Err(ExecutableError::Empty),
        _ => match script::read(&head) {
            Some(needed) => examine_script(files, &needed?, search, scripts),
            None => Err(ExecutableError::UnknownFormat),
        },
    }
}

/// The number of bytes that are read: enough for an ELF header and a `#!` line.
const HEAD_BYTES: usize = 512;

fn examine_script(
    files: Files<'_>,
    needed: &Needed,
    search: &str,
    scripts: usize,
) -> Result<(), ExecutableError> {
    let Needed {
        interpreter,
        program,
    } = needed;
    let unusable = |interpreter: &Path, reason: String| {
        ExecutableError::Script(ScriptError::UnusableInterpreter {
            interpreter: interpreter.to_owned(),
            reason,
        })
    };
    if scripts == 0 {
        let reason = "is a script whose interpreter is a script, and so on".to_owned();
        return Err(unusable(interpreter, reason));
    }
    match examine_nested(files, interpreter, search, scripts - 1) {
        Ok(()) => {}
        Err(ExecutableError::Missing) => {
            return Err(ScriptError::MissingInterpreter(interpreter.clone()).into());
        }
        // Programs that may be executed but not read are rare, and the kernel decides.
        Err(ExecutableError::Unreadable(_)) => {}
        Err(error) => return Err(unusable(interpreter, error.to_string())),
    }
    let Some(program) = program else {
        return Ok(());
    };
    if program.contains('/') {
        return Ok(()); // relative to a folder that is not known here, or unusual
    }
    let is_file = |folder: PathBuf| {
        let path = files.place(&folder.join(program));
        path.is_file() && access(&path, Access::EXEC_OK).is_ok()
    };
    let found = std::env::split_paths(search).any(is_file);
    found.then_some(()).ok_or_else(|| {
        let (program, path) = (program.clone(), search.to_owned());
        ScriptError::NotInPath { program, path }.into()
    })
}

/// Offsets and constants from the ELF specification.
mod elf {
    pub const CLASS: usize = 4;
    pub const CLASS_64: u8 = 2;
    pub const TYPE: usize = 16;
    pub const RELOCATABLE: u16 = 1;
    pub const CORE: u16 = 4;
    pub const MACHINE: usize = 18;
    pub const PROGRAM_HEADERS: usize = 32;
    pub const PROGRAM_HEADER_SIZE: usize = 54;
    pub const PROGRAM_HEADER_COUNT: usize = 56;
    pub const PT_INTERP: u32 = 3;
}

fn examine_elf(files: Files<'_>, head: &[u8], file: &mut File) -> Result<(), ExecutableError> {
    let machine = little_endian::<2>(head, elf::MACHINE)
        .map(u16::from_le_bytes)
        .unwrap_or_default();
    if head.get(elf::CLASS) != Some(&elf::CLASS_64) || Some(machine) != own_machine() {
        return Err(ExecutableError::WrongArchitecture {
            built_for: machine_name(machine),
        });
    }
    match little_endian(head, elf::TYPE).map(u16::from_le_bytes) {
        Some(elf::RELOCATABLE) => {
            return Err(ExecutableError::NotAProgram(
                "an object file, which has to be linked",
            ));
        }
        Some(elf::CORE) => return Err(ExecutableError::NotAProgram("a memory dump")),
        _ => {}
    }
    // A damaged program header table is not an error here; the kernel reports it.
    match elf_interpreter(head, file) {
        Some(loader) if !files.place(&loader).exists() => {
            Err(ExecutableError::MissingLoader(loader))
        }
        _ => Ok(()),
    }
}

fn elf_interpreter(head: &[u8], file: &mut File) -> Option<PathBuf> {
    let offset = u64::from_le_bytes(little_endian(head, elf::PROGRAM_HEADERS)?);
    let size = usize::from(u16::from_le_bytes(little_endian(
        head,
        elf::PROGRAM_HEADER_SIZE,
    )?));
    let count = usize::from(u16::from_le_bytes(little_endian(
        head,
        elf::PROGRAM_HEADER_COUNT,
    )?));
    let table = read_at(file, offset, size.checked_mul(count)?)?;
    let header = table
        .chunks_exact(size.max(1))
        .find(|header| little_endian(header, 0).map(u32::from_le_bytes) == Some(elf::PT_INTERP))?;
    let at = u64::from_le_bytes(little_endian(header, 8)?);
    let length = usize::try_from(u64::from_le_bytes(little_endian(header, 32)?)).ok()?;
    let text = read_at(file, at, length.min(4096))?;
    let path = text.split(|byte| *byte == 0).next()?;
    Some(PathBuf::from(String::from_utf8_lossy(path).into_owned()))
}

fn read_at(file: &mut File, offset: u64, length: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0; length];
    file.seek(SeekFrom::Start(offset)).ok()?;
    file.read_exact(&mut bytes).ok()?;
    Some(bytes)
}

fn little_endian<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at + N)?.try_into().ok()
}

fn own_machine() -> Option<u16> {
    match std::env::consts::ARCH {
        "x86_64" => Some(62),
        "aarch64" => Some(183),
        "riscv64" => Some(243),
        "s390x" => Some(22),
        "powerpc64" => Some(21),
        _ => None,
    }
}

fn machine_name(machine: u16) -> String {
    let name = match machine {
        3 => "x86 (32 bit)",
        40 => "arm (32 bit)",
        62 => "x86_64",
        183 => "aarch64",
        243 => "riscv64",
        other => return format!("machine number {other}"),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: &str = "/no/such/folder:/usr/bin:/bin";

    fn file(content: &[u8], mode: u32) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bootstrap");
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        (folder, path)
    }

    fn error_of(content: &[u8], mode: u32) -> String {
        let (_folder, path) = file(content, mode);
        examine(&path, PATH).unwrap_err().to_string()
    }

    #[test]
    fn a_script_and_a_native_program_can_be_executed() {
        let (_folder, script) = file(b"#!/bin/sh\nexit 0\n", 0o755);
        assert_eq!(examine(&script, PATH), Ok(()));
        assert_eq!(examine(&std::env::current_exe().unwrap(), PATH), Ok(()));
    }

    #[test]
    fn each_error_has_a_message_of_its_own() {
        assert_eq!(
            examine(Path::new("/nowhere/bootstrap"), PATH),
            Err(ExecutableError::Missing)
        );
        assert_eq!(
            examine(Path::new("/"), PATH),
            Err(ExecutableError::NotAFile)
        );
        assert_eq!(
            error_of(b"#!/bin/sh\n", 0o644),
            "is not executable; `chmod +x` it"
        );
        assert_eq!(
            error_of(b"#!/no/such/python3 -u\n", 0o755),
            "needs /no/such/python3, which does not exist here; install it or change the `#!` line"
        );
        assert!(error_of(b"#!/bin/sh\r\n", 0o755).contains("carriage return"));
        for line in ["/usr/bin/env sh\r", "/bin/sh -e\r"] {
            let message = error_of(format!("#!{line}\n").as_bytes(), 0o755);
            assert!(message.contains("carriage return"), "{message}");
        }
        assert!(error_of(b"echo hello\n", 0o755).contains("script without a `#!` line"));
        assert!(error_of(b"\x01\x02", 0o755).contains("neither a Linux program nor a script"));
        assert_eq!(error_of(b"", 0o755), "is empty");
        assert_eq!(
            error_of(b"#!/usr/bin/env no-such-python\n", 0o755),
            "needs `no-such-python`, which is not in the function's PATH (/no/such/folder:/usr/bin:/bin): install it or \
             change the `#!` line"
        );
        assert!(error_of(b"MZ\x90\0", 0o755).contains("built for Windows"));
    }

    #[test]
    fn an_interpreter_that_cannot_be_executed_is_not_enough() {
        let (_folder, text) = file(b"print()\n", 0o644);
        let script = |interpreter: &Path| {
            let line = format!("#!{}\n", interpreter.display());
            let (folder, path) = file(line.as_bytes(), 0o755);
            (folder, examine(&path, PATH))
        };
        let (_inner, error) = script(&text);
        let error = error.unwrap_err().to_string();
        assert!(
            error.contains("is not executable; `chmod +x` it"),
            "{error}"
        );
        let (_folder, path) = file(b"", 0o755);
        fs::write(&path, format!("#!{}\n", path.display())).unwrap();
        let error = examine(&path, PATH).unwrap_err().to_string();
        assert!(error.contains("whose interpreter is a script"), "{error}");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn an_object_file_is_no_program() {
        let mut object = fs::read(std::env::current_exe().unwrap()).unwrap();
        object.truncate(4096);
        object[elf::TYPE..elf::TYPE + 2].copy_from_slice(&1_u16.to_le_bytes());
        let error = error_of(&object, 0o755);
        assert!(
            error.starts_with("is an ELF file, but not a program"),
            "{error}"
        );
    }

    #[test]
    fn a_link_to_a_missing_file_is_named_with_its_target() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bootstrap");
        std::os::unix::fs::symlink("build/main", &path).unwrap();
        let error = find(folder.path(), &[], PATH, true)
            .unwrap_err()
            .to_string();
        let expected = format!(
            "{}: is a link to build/main, which does not exist",
            path.display()
        );
        assert!(error.contains(&expected), "{error}");
    }

    #[test]
    fn a_program_for_another_architecture_is_recognized() {
        let mut other = fs::read(std::env::current_exe().unwrap()).unwrap();
        other.truncate(4096);
        let machine: u16 = if cfg!(target_arch = "aarch64") {
            62
        } else {
            183
        };
        other[elf::MACHINE..elf::MACHINE + 2].copy_from_slice(&machine.to_le_bytes());
        let expected = if machine == 62 {
            "is built for x86_64"
        } else {
            "is built for aarch64"
        };
        assert!(error_of(&other, 0o755).starts_with(expected));
    }

    #[test]
    fn a_truncated_program_does_not_break_the_search() {
        let whole = fs::read(std::env::current_exe().unwrap()).unwrap();
        for length in [5, 20, 60, 64, 100] {
            let (_folder, path) = file(&whole[..length], 0o755);
            let _ = examine(&path, PATH); // must not panic
        }
    }

    #[test]
    fn a_failed_search_lists_every_path_with_its_error() {
        let folder = tempfile::tempdir().unwrap();
        let error = find(folder.path(), &[], PATH, true).unwrap_err();
        assert_eq!(error.tried.len(), 3);
        let text = error.to_string();
        assert!(
            text.contains(&format!(
                "{}/bootstrap: does not exist",
                folder.path().display()
            )),
            "{text}"
        );
        assert!(text.contains("/opt/bootstrap: "), "{text}");
    }
}
