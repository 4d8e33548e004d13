//! Source files, as far as the choice of the code depends on them.
//!
//! Contract: a limited number of files is looked at, of a limited size, and folders of packages, of builds and hidden ones
//! are left out. Links to folders are not followed, so that there is an end.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::subject::Function;

/// How many files and folders are looked at.
const ENTRIES: usize = 3000;

/// How deep folders are looked into.
const DEPTH: usize = 8;

/// The most bytes of a source file that is searched for imports.
const BYTES: u64 = 512 * 1024;

/// Folders without source code.
const SKIPPED: [&str; 8] = [
    "node_modules",
    "target",
    "venv",
    "__pycache__",
    "cdk.out",
    "vendor",
    "obj",
    "dist-packages",
];

/// The files of a folder, and of those in it.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![(folder.to_owned(), 0)];
    let mut entries = 0;
    while let Some((folder, depth)) = folders.pop() {
        let Ok(read) = std::fs::read_dir(&folder) else {
            continue;
        };
        for entry in read.flatten() {
            entries += 1;
            if entries > ENTRIES {
                return files;
            }
            let name = entry.file_name();
            let is_skipped = name.to_string_lossy().starts_with('.')
                || SKIPPED.iter().any(|skipped| OsStr::new(skipped) == name);
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && !is_skipped && depth < DEPTH => {
                    folders.push((entry.path(), depth + 1));
                }
                Ok(kind) if kind.is_file() => files.push(entry.path()),
                _ => {}
            }
        }
    }
    files
}

/// The file of a folder that was changed last.
pub fn newest(folder: &Path) -> Option<(PathBuf, SystemTime)> {
    let changed = |file: PathBuf| {
        let changed = std::fs::metadata(&file).ok()?.modified().ok()?;
        Some((file, changed))
    };
    files(folder)
        .into_iter()
        .filter_map(changed)
        .max_by_key(|(_, changed)| *changed)
}

/// The texts of the source files with some endings.
pub fn texts(folder: &Path, endings: &[&str]) -> Vec<String> {
    let has_ending = |file: &PathBuf| {
        let ending = file.extension().and_then(OsStr::to_str);
        ending.is_some_and(|ending| endings.contains(&ending))
    };
    let files = files(folder).into_iter().filter(has_ending);
    files.filter_map(|file| text(&file)).collect()
}

/// The text of a small file, if there is one.
pub fn text(file: &Path) -> Option<String> {
    String::from_utf8(lambkin_files::read(file, BYTES).ok()?).ok()
}

/// The content of a small JSON file, if there is one.
pub fn json(file: &Path) -> Option<serde_json::Value> {
    serde_json::from_str(&text(file)?).ok()
}

/// A command that runs in a folder.
pub fn in_folder(function: &Function<'_>, folder: &Path, command: &str) -> String {
    match function.shown(folder).as_str() {
        "." => command.to_owned(),
        folder => format!("(cd {} && {command})", quoted(folder)),
    }
}

/// A text as one word of a shell's command.
pub fn quoted(text: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./:@=+,".contains(letter);
    match !text.is_empty() && text.chars().all(is_plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}

/// A folder and those above it, up to the project's.
pub fn up_to<'p>(folder: &'p Path, project: &'p Path) -> impl Iterator<Item = &'p Path> {
    let is_in = folder.starts_with(project);
    folder
        .ancestors()
        .take_while(move |above| !is_in || above.starts_with(project))
        .take(if is_in { 64 } else { 1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_command_are_quoted() {
        assert_eq!(quoted("a/b-c.d"), "a/b-c.d");
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("it's; rm"), "'it'\\''s; rm'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn a_folder_with_many_files_has_an_end() {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..(ENTRIES + 10) {
            std::fs::write(folder.path().join(format!("{number}.py")), "").unwrap();
        }
        assert_eq!(files(folder.path()).len(), ENTRIES);
        std::os::unix::fs::symlink(folder.path(), folder.path().join("loop")).unwrap();
        assert!(files(folder.path()).len() <= ENTRIES);
    }
}
