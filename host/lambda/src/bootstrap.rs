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

/// The folders that are searched after the function's code and layers.
const SYSTEM_FOLDERS: [&str; 2] = ["/opt", "/var/runtime"];

/// The error of a search that found no file that can be executed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoBootstrapError {
    /// The paths in the order of the search, each with the reason why it cannot be executed.
    pub tried: Vec<(PathBuf, ExecutableError)>,
}

impl fmt::Display for NoBootstrapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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
    /// The file is built for another processor architecture or operating system.
    #[error(
        "is built for {built_for}, but this machine is {}; build it for this machine",
        std::env::consts::ARCH
    )]
    WrongArchitecture {
        /// The architecture or operating system for which it is built.
        built_for: String,
    },
    /// The file needs an interpreter that is not installed.
    #[error("needs {}, which does not exist here{}", interpreter.display(), hint)]
    MissingInterpreter {
        /// The interpreter's path, from the `#!` line or the ELF header.
        interpreter: PathBuf,
        /// How to correct it.
        hint: &'static str,
    },
    /// The file is neither a program nor a script.
    #[error("is neither a Linux program nor a script with a `#!` line")]
    UnknownFormat,
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(String),
}

/// Searches for the bootstrap of a function whose code is in `task_root`. The layers are searched from the last to the
/// first.
pub fn find(task_root: &Path, layers: &[PathBuf]) -> Result<PathBuf, NoBootstrapError> {
    let folders = std::iter::once(task_root)
        .chain(layers.iter().rev().map(PathBuf::as_path))
        .chain(SYSTEM_FOLDERS.iter().map(Path::new));
    let mut tried = Vec::new();
    for folder in folders {
        let path = folder.join("bootstrap");
        match examine(&path) {
            Ok(()) => return Ok(path),
            Err(error) => tried.push((path, error)),
        }
    }
    Err(NoBootstrapError { tried })
}

/// Checks whether a file can be executed on this machine.
pub fn examine(path: &Path) -> Result<(), ExecutableError> {
    let metadata = fs::metadata(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => ExecutableError::Missing,
        _ => ExecutableError::Unreadable(error.to_string()),
    })?;
    if !metadata.is_file() {
        return Err(ExecutableError::NotAFile);
    }
    if metadata.permissions().mode() & 0o111 == 0 {
        return Err(ExecutableError::NotExecutable);
    }
    let unreadable = |error: io::Error| ExecutableError::Unreadable(error.to_string());
    let mut file = File::open(path).map_err(unreadable)?;
    let mut head = Vec::with_capacity(HEAD_BYTES);
    Read::by_ref(&mut file)
        .take(HEAD_BYTES as u64)
        .read_to_end(&mut head)
        .map_err(unreadable)?;
    if let Some(line) = head.strip_prefix(b"#!") {
        return examine_script(line);
    }
    match head.get(..4) {
        Some(b"\x7fELF") => examine_elf(&head, &mut file),
        Some(b"\xcf\xfa\xed\xfe" | b"\xca\xfe\xba\xbe") if cfg!(target_os = "macos") => Ok(()),
        Some(b"\xcf\xfa\xed\xfe" | b"\xca\xfe\xba\xbe") => {
            Err(ExecutableError::WrongArchitecture {
                built_for: "macOS".to_owned(),
            })
        }
        _ if head.starts_with(b"MZ") => Err(ExecutableError::WrongArchitecture {
            built_for: "Windows".to_owned(),
        }),
        _ => Err(ExecutableError::UnknownFormat),
    }
}

/// The number of bytes that are read: enough for an ELF header and any sensible `#!` line.
const HEAD_BYTES: usize = 512;

fn examine_script(after_marker: &[u8]) -> Result<(), ExecutableError> {
    let mut lines = after_marker.split(|byte| *byte == b'\n');
    let line = String::from_utf8_lossy(lines.next().unwrap_or_default());
    let Some(word) = line.split([' ', '\t']).find(|word| !word.is_empty()) else {
        return Err(ExecutableError::UnknownFormat);
    };
    let hint = if word.ends_with('\r') {
        " (the line ends in a carriage return: save the file with Unix line endings)"
    } else {
        "; install it or change the `#!` line"
    };
    if Path::new(word).exists() {
        return Ok(());
    }
    Err(ExecutableError::MissingInterpreter {
        interpreter: PathBuf::from(word.trim_end()),
        hint,
    })
}

/// Offsets and constants from the ELF specification.
mod elf {
    pub const CLASS: usize = 4;
    pub const CLASS_64: u8 = 2;
    pub const MACHINE: usize = 18;
    pub const PROGRAM_HEADERS: usize = 32;
    pub const PROGRAM_HEADER_SIZE: usize = 54;
    pub const PROGRAM_HEADER_COUNT: usize = 56;
    pub const PT_INTERP: u32 = 3;
}

fn examine_elf(head: &[u8], file: &mut File) -> Result<(), ExecutableError> {
    let machine = little_endian::<2>(head, elf::MACHINE)
        .map(u16::from_le_bytes)
        .unwrap_or_default();
    if head.get(elf::CLASS) != Some(&elf::CLASS_64) || Some(machine) != own_machine() {
        return Err(ExecutableError::WrongArchitecture {
            built_for: machine_name(machine),
        });
    }
    // A damaged program header table is not an error here; the kernel reports it.
    match elf_interpreter(head, file) {
        Some(interpreter) if !interpreter.exists() => Err(ExecutableError::MissingInterpreter {
            interpreter,
            hint: "; it was linked for another Linux, build it here or link it statically",
        }),
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

    fn file(content: &[u8], mode: u32) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bootstrap");
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        (folder, path)
    }

    fn error_of(content: &[u8], mode: u32) -> String {
        let (_folder, path) = file(content, mode);
        examine(&path).unwrap_err().to_string()
    }

    #[test]
    fn a_script_and_a_native_program_can_be_executed() {
        let (_folder, script) = file(b"#!/bin/sh\nexit 0\n", 0o755);
        assert_eq!(examine(&script), Ok(()));
        assert_eq!(examine(&std::env::current_exe().unwrap()), Ok(()));
    }

    #[test]
    fn each_error_has_a_message_of_its_own() {
        assert_eq!(
            examine(Path::new("/nowhere/bootstrap")),
            Err(ExecutableError::Missing)
        );
        assert_eq!(examine(Path::new("/")), Err(ExecutableError::NotAFile));
        assert_eq!(
            error_of(b"#!/bin/sh\n", 0o644),
            "is not executable; `chmod +x` it"
        );
        assert_eq!(
            error_of(b"#!/no/such/python3 -u\n", 0o755),
            "needs /no/such/python3, which does not exist here; install it or change the `#!` line"
        );
        assert!(error_of(b"#!/bin/sh\r\n", 0o755).contains("carriage return"));
        assert!(error_of(b"echo hello\n", 0o755).contains("neither a Linux program nor a script"));
        assert!(error_of(b"", 0o755).contains("neither a Linux program nor a script"));
        assert!(error_of(b"MZ\x90\0", 0o755).contains("built for Windows"));
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
            let _ = examine(&path); // must not panic
        }
    }

    #[test]
    fn a_failed_search_lists_every_path_with_its_error() {
        let folder = tempfile::tempdir().unwrap();
        let error = find(folder.path(), &[]).unwrap_err();
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
