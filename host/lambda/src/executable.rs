//! Whether a file can be executed on this machine by the user of a function, and what is wrong with it if not.
//!
//! The kernel's own errors say little: a script whose interpreter is missing "does not exist", and a file on a mount with
//! `noexec` is "denied". Everything that Linux looks at is therefore looked at here, in the same order. What cannot be
//! found out, such as the rules of a security module, is left to the kernel.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

use crate::access::{Obstacle, User, mount_without_execution, obstacle};
use crate::elf::{self, ElfError};
use crate::elsewhere;
use crate::rootfs::Files;
use crate::script::{self, Needed, ScriptError};

/// The number of scripts that may be each other's interpreter, as on Linux.
const SCRIPTS: usize = 5;

/// The number of bytes that are read: enough for an ELF header and a `#!` line.
const HEAD_BYTES: usize = 512;

/// For whom a file is examined.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Starter<'a> {
    /// Where the files are that it names.
    pub files: Files<'a>,
    /// Where the programs are looked up that `#!` lines start through `env`, in the form of `PATH`.
    pub path: &'a str,
    /// The user as which it would run.
    pub user: User<'a>,
}

/// Why a file cannot be executed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExecutableError {
    /// The file does not exist.
    #[error("does not exist")]
    Missing,
    /// A name without `/` is in none of these folders.
    #[error("is not in PATH ({0})")]
    NotInPath(String),
    /// The path is that of a folder.
    #[error("is a folder")]
    AFolder,
    /// The path is that of a device or a socket.
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
    /// The program is built for another system.
    #[error(
        "is built for {built_for}, but this machine is {}; build it for this machine",
        std::env::consts::OS
    )]
    WrongSystem {
        /// The operating system for which it is built.
        built_for: &'static str,
    },
    /// The program cannot be loaded here.
    #[error(transparent)]
    Elf(#[from] ElfError),
    /// The script's `#!` line does not lead to an interpreter.
    #[error(transparent)]
    Script(#[from] ScriptError),
    /// The function's user may not reach, read or execute the file.
    #[error(transparent)]
    Closed(#[from] Obstacle),
    /// The mount of the file forbids it. The path is the mount's.
    #[error(
        "cannot be executed, because {} is mounted with `noexec`; move the file elsewhere, or `sudo mount -o remount,exec {}`",
        .0.display(), .0.display()
    )]
    NoExecutionMount(PathBuf),
    /// The file's mode allows it, but something else does not.
    #[error("cannot be executed by this user")]
    Forbidden,
    /// The file has no content.
    #[error("is empty")]
    Empty,
    /// The file is neither a program nor a script.
    #[error("is neither a Linux program nor a script with a `#!` line")]
    UnknownFormat,
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(String),
}

/// Checks whether a file can be executed on this machine.
pub(crate) fn examine(path: &Path, starter: Starter<'_>) -> Result<(), ExecutableError> {
    examine_nested(path, starter, SCRIPTS)
}

fn examine_nested(
    path: &Path,
    starter: Starter<'_>,
    scripts: usize,
) -> Result<(), ExecutableError> {
    let (named, path) = (path, &starter.files.place(path));
    let metadata = fs::metadata(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => match starter.files.link(named) {
            Some(target) => ExecutableError::DanglingLink(target),
            None => ExecutableError::Missing,
        },
        _ => match obstacle(path, starter.user, false) {
            Some(obstacle) => obstacle.into(),
            None => ExecutableError::Unreadable(error.to_string()),
        },
    })?;
    if metadata.is_dir() {
        return Err(ExecutableError::AFolder);
    }
    if !metadata.is_file() {
        return Err(ExecutableError::NotAFile);
    }
    if metadata.permissions().mode() & 0o111 == 0 {
        return Err(ExecutableError::NotExecutable);
    }
    if let Some(mount) = mount_without_execution(path) {
        return Err(ExecutableError::NoExecutionMount(mount));
    }
    if access(path, Access::EXEC_OK).is_err() {
        return Err(match obstacle(path, starter.user, true) {
            Some(obstacle) => obstacle.into(),
            None => ExecutableError::Forbidden,
        });
    }
    let head = read_head(path);
    // A program may be executed without being read; a script is read by its interpreter.
    let is_script = head.as_ref().is_ok_and(|(head, _)| head.starts_with(b"#!"));
    if let Some(obstacle) = obstacle(path, starter.user, is_script) {
        return Err(obstacle.into());
    }
    let (head, mut file) = head.map_err(|error| ExecutableError::Unreadable(error.to_string()))?;
    match head.get(..4) {
        Some(b"\x7fELF") => Ok(elf::examine(starter.files, &head, &mut file)?),
        Some(b"\xcf\xfa\xed\xfe" | b"\xca\xfe\xba\xbe") if cfg!(target_os = "macos") => Ok(()),
        Some(b"\xcf\xfa\xed\xfe" | b"\xca\xfe\xba\xbe") => {
            Err(ExecutableError::WrongSystem { built_for: "macOS" })
        }
        _ if head.starts_with(b"MZ") => Err(ExecutableError::WrongSystem {
            built_for: "Windows",
        }),
        _ if head.is_empty() => Err(ExecutableError::Empty),
        _ => match script::read(&head) {
            Some(needed) => examine_script(&needed?, starter, scripts),
            None => Err(ExecutableError::UnknownFormat),
        },
    }
}

fn read_head(path: &Path) -> io::Result<(Vec<u8>, File)> {
    let mut file = File::open(path)?;
    let mut head = Vec::with_capacity(HEAD_BYTES);
    Read::by_ref(&mut file)
        .take(HEAD_BYTES as u64)
        .read_to_end(&mut head)?;
    Ok((head, file))
}

fn examine_script(
    needed: &Needed,
    starter: Starter<'_>,
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
    match examine_nested(interpreter, starter, scripts - 1) {
        Ok(()) => {}
        Err(ExecutableError::Missing) => {
            let name = interpreter
                .file_name()
                .unwrap_or_default()
                .to_string_lossy();
            return Err(ScriptError::MissingInterpreter {
                interpreter: interpreter.clone(),
                elsewhere: elsewhere(starter, &name),
            }
            .into());
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
        let path = starter.files.place(&folder.join(program));
        path.is_file() && access(&path, Access::EXEC_OK).is_ok()
    };
    let found = std::env::split_paths(starter.path).any(is_file);
    found.then_some(()).ok_or_else(|| {
        let (program, path) = (program.clone(), starter.path.to_owned());
        let elsewhere = elsewhere(starter, &program);
        ScriptError::NotInPath {
            program,
            path,
            elsewhere,
        }
        .into()
    })
}

/// Where else a program is; not looked for in images, of which the machine's programs are no part.
fn elsewhere(starter: Starter<'_>, name: &str) -> Option<PathBuf> {
    let is_host = starter.files == Files::HOST;
    is_host
        .then(|| elsewhere::program(name, starter.path))
        .flatten()
}

/// Checks whether a file of an image can be executed. All paths are those that a program sees in it.
pub(crate) fn examine_in(
    files: Files<'_>,
    path: &Path,
    search: &str,
) -> Result<(), ExecutableError> {
    let starter = Starter {
        files,
        path: search,
        user: User::Own,
    };
    examine(path, starter)
}

/// Resolves a program as a shell does: a name without `/` is looked up in `path`, where the first that can be executed is
/// taken, and a relative path starts at the task root. Returns the path, and what is wrong with it.
pub(crate) fn resolve(
    program: &str,
    task_root: &Path,
    path: &str,
    starter: Starter<'_>,
) -> (PathBuf, Result<(), ExecutableError>) {
    if program.contains('/') {
        let file = task_root.join(program);
        let result = examine(&file, starter);
        return (file, result);
    }
    let mut unusable = None;
    for folder in std::env::split_paths(path) {
        let file = folder.join(program);
        match examine(&file, starter) {
            Ok(()) => return (file, Ok(())),
            Err(ExecutableError::Missing | ExecutableError::AFolder) => {}
            // A folder that is closed to this user may not have it.
            Err(_) if file.symlink_metadata().is_err() => {}
            Err(error) => unusable = unusable.or(Some((file, Err(error)))),
        }
    }
    unusable.unwrap_or_else(|| {
        let error = ExecutableError::NotInPath(path.to_owned());
        (PathBuf::from(program), Err(error))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const STARTER: Starter<'_> = Starter {
        files: Files::HOST,
        path: "/no/such/folder:/usr/bin:/bin",
        user: User::Own,
    };

    fn file(content: &[u8], mode: u32) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bootstrap");
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        (folder, path)
    }

    fn error_of(content: &[u8], mode: u32) -> String {
        let (_folder, path) = file(content, mode);
        examine(&path, STARTER).unwrap_err().to_string()
    }

    #[test]
    fn a_script_and_a_native_program_can_be_executed() {
        let (_folder, script) = file(b"#!/bin/sh\nexit 0\n", 0o755);
        assert_eq!(examine(&script, STARTER), Ok(()));
        assert_eq!(examine(&std::env::current_exe().unwrap(), STARTER), Ok(()));
    }

    #[test]
    fn each_error_has_a_message_of_its_own() {
        assert_eq!(
            examine(Path::new("/nowhere/bootstrap"), STARTER),
            Err(ExecutableError::Missing)
        );
        assert_eq!(
            examine(Path::new("/"), STARTER),
            Err(ExecutableError::AFolder)
        );
        assert_eq!(
            error_of(b"#!/bin/sh\n", 0o644),
            "is not executable; `chmod +x` it"
        );
        assert_eq!(
            error_of(b"#!/no/such/interpreter -u\n", 0o755),
            "needs /no/such/interpreter, which does not exist here; install it or change the `#!` line"
        );
        assert_eq!(
            error_of(b"#!/no/such/sh\n", 0o755),
            "needs /no/such/sh, which does not exist here, but /usr/bin/sh does: change the `#!` line to it, or to \
             `#!/usr/bin/env sh`"
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
            (folder, examine(&path, STARTER))
        };
        let (_inner, error) = script(&text);
        let error = error.unwrap_err().to_string();
        assert!(
            error.contains("is not executable; `chmod +x` it"),
            "{error}"
        );
        let (_folder, path) = file(b"", 0o755);
        fs::write(&path, format!("#!{}\n", path.display())).unwrap();
        let error = examine(&path, STARTER).unwrap_err().to_string();
        assert!(error.contains("whose interpreter is a script"), "{error}");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn an_object_file_is_no_program() {
        let mut object = fs::read(std::env::current_exe().unwrap()).unwrap();
        object.truncate(4096);
        object[elf::offsets::TYPE..elf::offsets::TYPE + 2].copy_from_slice(&1_u16.to_le_bytes());
        let error = error_of(&object, 0o755);
        assert!(
            error.starts_with("is an ELF file, but not a program"),
            "{error}"
        );
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
        other[elf::offsets::MACHINE..elf::offsets::MACHINE + 2]
            .copy_from_slice(&machine.to_le_bytes());
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
            let _ = examine(&path, STARTER); // must not panic
        }
    }
}
