//! What `packaging/pack` and the GitHub Action refuse, and what they say.

use std::fs;
use std::path::Path;

use super::{looks_like_linux, looks_like_macos, pack, said, write_elf};

/// What is said of programs that cannot be packed. Nothing is written.
#[track_caller]
fn refusal(folder: &Path, arguments: &[&str]) -> Option<String> {
    let Ok(mut command) = pack() else { return None };
    let out = folder.join("out");
    let output = command
        .current_dir(folder)
        .arg("--out")
        .arg(&out)
        .args(arguments)
        .output()
        .expect("it starts");
    let said = said(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(!out.exists(), "{said}");
    let message = said.strip_prefix("packaging/pack: ");
    Some(
        message
            .unwrap_or_else(|| panic!("{said}"))
            .trim_end()
            .to_owned(),
    )
}

#[test]
fn files_that_are_no_program_for_any_package_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let linux = fs::read(looks_like_linux(folder)).unwrap();
    let write = |name: &str, content: &[u8]| fs::write(folder.join(name), content).unwrap();
    write("text", b"#!/bin/sh\n");
    write("empty", b"");
    write("short", &linux[..40]);
    write("windows", b"MZ\x90\0");
    write("universal", b"\xca\xfe\xba\xbe\0\0\0\x02");
    write_elf(&folder.join("riscv"), 243);
    write_elf(&folder.join("rare"), 99);
    let mut thirty_two = linux.clone();
    thirty_two[4] = 1;
    write("thirty-two", &thirty_two);
    let mut object = linux.clone();
    object[16] = 1;
    write("object", &object);
    // Where the table of segments would be is beyond the end.
    let mut damaged = linux.clone();
    (damaged[32], damaged[54], damaged[56]) = (64, 56, 1);
    write("damaged", &damaged);
    // A program for musl's loader.
    let mut musl = damaged.clone();
    musl.extend(3_u64.to_le_bytes());
    musl.extend([120_u64, 0, 0, 25, 25, 1].map(u64::to_le_bytes).concat());
    musl.extend(b"/lib/ld-musl-x86_64.so.1\0");
    write("musl", &musl);
    let mut macos = fs::read(looks_like_macos(folder)).unwrap();
    macos[32] = 0x1B;
    write("old-macos", &macos);
    fs::create_dir(folder.join("folder")).unwrap();

    for (name, message) in [
        (
            "gone",
            "gone: cannot be read: No such file or directory; `packaging/static` builds a program and prints its path",
        ),
        ("folder", "folder: cannot be read: Is a directory; "),
        (
            "text",
            "text: is no program of Linux or macOS (neither ELF nor Mach-O)",
        ),
        ("empty", "empty: is no program of Linux or macOS"),
        (
            "short",
            "short: the file ends too early, or its header is damaged; copy or build it again",
        ),
        ("damaged", "damaged: the file ends too early, "),
        (
            "windows",
            "windows: is for Windows; packages are made for Linux and macOS on x86_64 and aarch64",
        ),
        (
            "universal",
            "universal: is for several processors at once; ",
        ),
        (
            "riscv",
            "riscv: is for RISC-V; packages are made for Linux and macOS on ",
        ),
        ("rare", "rare: is for a processor with ELF's number 99; "),
        (
            "thirty-two",
            "thirty-two: is for a 32-bit or big-endian processor, ",
        ),
        (
            "object",
            "object: is an object file or a core dump, no program",
        ),
        (
            "musl",
            "musl: needs /lib/ld-musl-x86_64.so.1, which most distributions lack; `packaging/static` ",
        ),
        (
            "old-macos",
            "old-macos: does not say which version of macOS it needs",
        ),
    ] {
        let Some(said) = refusal(folder, &[name]) else {
            return;
        };
        assert!(said.starts_with(message), "{name}: {said}");
    }
}

#[test]
fn what_cannot_be_packed_together_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let linux = looks_like_linux(folder);
    fs::copy(&linux, folder.join("again")).unwrap();
    let Some(said) = refusal(folder, &["linux", "again"]) else {
        return;
    };
    assert!(
        said.starts_with("linux and again are both for linux "),
        "{said}"
    );

    // The program that completions come from is missing, or another version.
    let said = refusal(folder, &["--run", "gone", "linux"]).unwrap();
    assert!(said.starts_with("gone: cannot be run: "), "{said}");
    let said = refusal(folder, &["--run", "/bin/echo", "linux"]).unwrap();
    assert!(said.starts_with("/bin/echo: says '"), "{said}");
    assert!(said.ends_with("; build the program again"), "{said}");
}

#[test]
fn a_folder_of_something_else_is_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let linux = looks_like_linux(folder.path());
    let Ok(mut command) = pack() else { return };
    let output = command
        .arg("--out")
        .arg(folder.path())
        .arg(&linux)
        .output()
        .unwrap();
    let said = said(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("was not made by this command, so it is not replaced; "),
        "{said}"
    );
    assert!(linux.is_file());
}
