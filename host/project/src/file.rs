//! The files that a project is read from, and places in them.
//!
//! Contract: every file is read through [`Files::read`], with a limit, and its text is kept, so that messages can show
//! the line that they are about and the caller can watch what has been read.
//!
//! On failure: [`FileError`], with the path.

use std::fmt;
use std::path::{Path, PathBuf};

/// The most bytes of a template, of a file that it includes, and of a serverless.yml: as many as CloudFormation accepts.
pub const TEMPLATE_BYTES: u64 = 1024 * 1024;

/// The most bytes of a file that a program has made: a CDK manifest, a Terraform plan.
pub const GENERATED_BYTES: u64 = 64 * 1024 * 1024;

/// Why a file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file system's error.
    #[error("cannot read {}: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the file system says.
        error: std::io::Error,
    },
    /// The file is not a text.
    #[error("cannot read {}: it is not UTF-8 text", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
    },
}

/// One of the files that have been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(u32);

/// A place in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The file.
    pub file: FileId,
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
}

/// The files that have been read, with their texts.
#[derive(Debug, Default)]
pub struct Files {
    files: Vec<File>,
}

#[derive(Debug)]
struct File {
    path: PathBuf,
    text: String,
}

impl Files {
    /// Reads a file, of which there may be `limit` bytes. A byte order mark is dropped.
    ///
    /// # Errors
    ///
    /// [`FileError`]
    pub fn read(&mut self, path: &Path, limit: u64) -> Result<FileId, FileError> {
        let bytes = lambkin_files::read(path, limit).map_err(|error| FileError::Unreadable {
            path: path.to_owned(),
            error,
        })?;
        let text = String::from_utf8(bytes).map_err(|_| FileError::NotText {
            path: path.to_owned(),
        })?;
        let text = match text.strip_prefix('\u{feff}') {
            Some(rest) => rest.to_owned(),
            None => text,
        };
        Ok(self.add(path, text))
    }

    /// Adds a text that stands for a file.
    pub fn add(&mut self, path: &Path, text: String) -> FileId {
        let id = FileId(u32::try_from(self.files.len()).unwrap_or(u32::MAX));
        self.files.push(File {
            path: path.to_owned(),
            text,
        });
        id
    }

    /// The path of a file, as it was named.
    #[must_use]
    pub fn path(&self, id: FileId) -> &Path {
        self.get(id).map_or(Path::new(""), |file| &file.path)
    }

    /// The text of a file.
    #[must_use]
    pub fn text(&self, id: FileId) -> &str {
        self.get(id).map_or("", |file| &file.text)
    }

    /// The paths of all files, with their texts.
    pub fn iter(&self) -> impl Iterator<Item = (&Path, &str)> {
        let files = self.files.iter();
        files.map(|file| (file.path.as_path(), file.text.as_str()))
    }

    /// A place as `template.yaml:7:3`.
    #[must_use]
    pub fn shown(&self, place: Place) -> String {
        let path = self.path(place.file).display();
        format!("{path}:{}:{}", place.line, place.column)
    }

    /// A message about a place: `template.yaml:7:3: MESSAGE`, then the line, then a mark below the column.
    pub fn explained<'a>(&'a self, place: Place, message: &'a str) -> impl fmt::Display + 'a {
        Explained {
            files: self,
            place,
            message,
        }
    }

    fn get(&self, id: FileId) -> Option<&File> {
        self.files.get(id.0 as usize)
    }
}

struct Explained<'a> {
    files: &'a Files,
    place: Place,
    message: &'a str,
}

impl fmt::Display for Explained<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.files.shown(self.place);
        let number = self.place.line.to_string();
        let margin = " ".repeat(number.len());
        let mut lines = self.files.text(self.place.file).lines();
        let line = lines.nth(self.place.line.saturating_sub(1) as usize);
        // Files that programs write can be one line.
        let column = self.place.column.saturating_sub(1) as usize;
        let skipped = if column < 160 { 0 } else { column - 40 };
        let line = line.unwrap_or_default().chars().skip(skipped);
        let line: String = line.take(200).collect();
        let indent = " ".repeat(column - skipped);
        let message = self.message;
        write!(
            f,
            "{at}: {message}\n{margin} |\n{number} | {line}\n{margin} | {indent}^"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_line_the_place_is_shown() {
        let mut files = Files::default();
        let file = files.add(Path::new("plan.json"), "x".repeat(1_000_000));
        let place = Place {
            file,
            line: 1,
            column: 500_001,
        };
        let text = files.explained(place, "m").to_string();
        assert!(text.len() < 400, "{}", text.len());
        assert!(text.ends_with(&format!("\n  | {}^", " ".repeat(40))));
    }

    #[test]
    fn a_message_shows_its_line() {
        let mut files = Files::default();
        let file = files.add(Path::new("template.yaml"), "A: 1\n  B: x\n".to_owned());
        let place = Place {
            file,
            line: 2,
            column: 3,
        };
        assert_eq!(
            files.explained(place, "no such key").to_string(),
            "template.yaml:2:3: no such key\n  |\n2 |   B: x\n  |   ^"
        );
    }
}
