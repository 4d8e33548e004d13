//! The header of an ELF file: for which machine it is built, and which dynamic loader starts it.
//!
//! On failure: a header that is cut off has no loader and no machine; the kernel reports what is wrong with the file.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::rootfs::Files;

/// Why an ELF file cannot be started on this machine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ElfError {
    /// The file is built for another processor architecture.
    #[error(
        "is built for {0}, but this machine is {arch}; build it for this machine",
        arch = std::env::consts::ARCH
    )]
    WrongArchitecture(String),
    /// The program needs the dynamic loader of another C library.
    #[error(
        "was linked for {linked_for}: it needs {loader}, which does not exist here, as this machine's C library is {here}; \
         build it here, or link it statically",
        loader = loader.display()
    )]
    WrongLibc {
        /// The loader's path.
        loader: PathBuf,
        /// The C library for which it was linked.
        linked_for: &'static str,
        /// The C library of this machine.
        here: &'static str,
    },
    /// The program needs a dynamic loader that is not installed.
    #[error(
        "needs {}, which does not exist here; it was linked for another Linux, build it here or link it statically",
        .0.display()
    )]
    MissingLoader(PathBuf),
    /// An ELF file of another kind.
    #[error("is an ELF file, but not a program: {0}")]
    NotAProgram(&'static str),
}

/// Offsets and constants from the ELF specification.
pub(crate) mod offsets {
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

/// Checks whether a program can run on this machine. `head` is the start of the file.
pub(crate) fn examine(files: Files<'_>, head: &[u8], file: &mut File) -> Result<(), ElfError> {
    let machine = little_endian::<2>(head, offsets::MACHINE)
        .map(u16::from_le_bytes)
        .unwrap_or_default();
    if head.get(offsets::CLASS) != Some(&offsets::CLASS_64) || Some(machine) != own_machine() {
        return Err(ElfError::WrongArchitecture(machine_name(machine)));
    }
    match little_endian(head, offsets::TYPE).map(u16::from_le_bytes) {
        Some(offsets::RELOCATABLE) => {
            return Err(ElfError::NotAProgram(
                "an object file, which has to be linked",
            ));
        }
        Some(offsets::CORE) => return Err(ElfError::NotAProgram("a memory dump")),
        _ => {}
    }
    // A damaged program header table is not an error here; the kernel reports it.
    match elf_interpreter(head, file) {
        Some(loader) if !files.place(&loader).exists() => Err(without_loader(files, loader)),
        _ => Ok(()),
    }
}

/// What a missing loader says: that of musl is `ld-musl-ARCH.so.1`, that of glibc `ld-linux-ARCH.so.N`.
fn without_loader(files: Files<'_>, loader: PathBuf) -> ElfError {
    const MUSL: &str = "musl, as on Alpine Linux";
    const GLIBC: &str = "glibc, as on most systems";
    let name = loader.file_name().unwrap_or_default().to_string_lossy();
    let has_musl = has_loader(files, "ld-musl-");
    let has_glibc = has_loader(files, "ld-linux");
    let libraries = match (name.starts_with("ld-musl-"), name.starts_with("ld-linux")) {
        (true, _) if has_glibc => Some((MUSL, "glibc")),
        (_, true) if has_musl && !has_glibc => Some((GLIBC, "musl")),
        _ => None,
    };
    match libraries {
        Some((linked_for, here)) => ElfError::WrongLibc {
            loader,
            linked_for,
            here,
        },
        None => ElfError::MissingLoader(loader),
    }
}

/// Whether the folders of loaders have one with this beginning of its name.
fn has_loader(files: Files<'_>, start: &str) -> bool {
    let folders = ["/lib", "/lib64"].into_iter();
    let mut entries = folders.flat_map(|folder| {
        std::fs::read_dir(files.place(Path::new(folder)))
            .into_iter()
            .flatten()
    });
    entries.any(|entry| {
        entry.is_ok_and(|entry| entry.file_name().to_string_lossy().starts_with(start))
    })
}

fn elf_interpreter(head: &[u8], file: &mut File) -> Option<PathBuf> {
    let offset = u64::from_le_bytes(little_endian(head, offsets::PROGRAM_HEADERS)?);
    let size = usize::from(u16::from_le_bytes(little_endian(
        head,
        offsets::PROGRAM_HEADER_SIZE,
    )?));
    let count = usize::from(u16::from_le_bytes(little_endian(
        head,
        offsets::PROGRAM_HEADER_COUNT,
    )?));
    let table = read_at(file, offset, size.checked_mul(count)?)?;
    let header = table.chunks_exact(size.max(1)).find(|header| {
        little_endian(header, 0).map(u32::from_le_bytes) == Some(offsets::PT_INTERP)
    })?;
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
    use std::fs;

    use super::*;

    const MUSL: &str = "/lib/ld-musl-some.so.1";
    const GLIBC: &str = "/lib64/ld-linux-some.so.2";

    /// What is wrong with a program that needs this loader, in a root with these files.
    fn problem(loader: &str, files: &[&str]) -> Result<(), ElfError> {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file.trim_start_matches('/'));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let mut program = vec![0; 64 + 56];
        let mut put =
            |at: usize, bytes: &[u8]| program[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, b"\x7fELF\x02");
        put(offsets::TYPE, &2_u16.to_le_bytes());
        put(offsets::MACHINE, &own_machine().unwrap().to_le_bytes());
        put(offsets::PROGRAM_HEADERS, &64_u64.to_le_bytes());
        put(offsets::PROGRAM_HEADER_SIZE, &56_u16.to_le_bytes());
        put(offsets::PROGRAM_HEADER_COUNT, &1_u16.to_le_bytes());
        put(64, &offsets::PT_INTERP.to_le_bytes());
        put(64 + 8, &120_u64.to_le_bytes());
        put(64 + 32, &(loader.len() as u64 + 1).to_le_bytes());
        program.extend(loader.bytes().chain([0]));
        let path = folder.path().join("program");
        fs::write(&path, &program).unwrap();
        let mut file = File::open(&path).unwrap();
        examine(Files::below(folder.path()), &program, &mut file)
    }

    #[test]
    fn a_program_for_another_c_library_is_told_from_one_whose_loader_is_missing() {
        let wrong = |loader: &str, linked_for, here| {
            Err(ElfError::WrongLibc {
                loader: PathBuf::from(loader),
                linked_for,
                here,
            })
        };
        let of_musl = wrong(MUSL, "musl, as on Alpine Linux", "glibc");
        assert_eq!(problem(MUSL, &[GLIBC]), of_musl);
        assert_eq!(
            of_musl.unwrap_err().to_string(),
            "was linked for musl, as on Alpine Linux: it needs /lib/ld-musl-some.so.1, which does not exist here, as this \
             machine's C library is glibc; build it here, or link it statically"
        );
        let of_glibc = wrong(GLIBC, "glibc, as on most systems", "musl");
        assert_eq!(problem(GLIBC, &[MUSL]), of_glibc);
        // With both libraries, or without any, the loader alone is missing.
        let missing = |loader: &str| Err(ElfError::MissingLoader(PathBuf::from(loader)));
        assert_eq!(
            problem(GLIBC, &[MUSL, "/lib/ld-linux-other.so.2"]),
            missing(GLIBC)
        );
        assert_eq!(problem(MUSL, &[]), missing(MUSL));
        assert_eq!(problem(GLIBC, &[]), missing(GLIBC));
        assert_eq!(problem(MUSL, &[MUSL, GLIBC]), Ok(()));
        assert_eq!(problem(GLIBC, &[MUSL, GLIBC]), Ok(()));
    }
}
