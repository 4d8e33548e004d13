//! The entries of a tar archive, with the long names and times of PAX and GNU.
//!
//! The crate `tar` parses the headers. It is told to return the entries that extend the next one as they are, because
//! it would read them as a whole, whatever their size.
//!
//! On failure: an [`ImageError`] with the name of the entry, as far as it is known.

use std::io::{self, Read};

use tar::{Archive, EntryType};

use crate::error::ImageError;
use crate::limits;

/// An entry: a file, a folder, a link, or something else.
pub(crate) struct Entry<'a, R: Read> {
    /// As it is in the archive. It may be absolute, and lead out of the archive.
    pub(crate) path: Vec<u8>,
    /// The target of a symbolic or hard link.
    pub(crate) link: Vec<u8>,
    pub(crate) kind: EntryType,
    pub(crate) mode: u32,
    /// The modification time: seconds since 1970, and nanoseconds.
    pub(crate) modified: (i64, u32),
    pub(crate) content: tar::Entry<'a, R>,
}

impl<R: Read> Entry<'_, R> {
    /// The path for a message.
    pub(crate) fn name(&self) -> String {
        printable(&self.path)
    }
}

/// What the entries before an entry say of it.
#[derive(Default)]
struct Extension {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    modified: Option<(i64, u32)>,
    size: Option<u64>,
    is_sparse: bool,
}

/// Calls a function with each entry, until the end of the archive or until one fails.
pub(crate) fn for_each<'a, R: Read>(
    entries: tar::Entries<'a, R>,
    mut each: impl FnMut(Entry<'a, R>) -> Result<(), ImageError>,
) -> Result<(), ImageError> {
    let mut extension = Extension::default();
    for entry in entries.raw(true) {
        let mut entry = entry.map_err(|error| unreadable(&error))?;
        let header = entry.header();
        let kind = header.entry_type();
        let own_path = header.path_bytes().into_owned();
        match kind {
            EntryType::GNULongName => extension.path = Some(long_name(&mut entry)?),
            EntryType::GNULongLink => extension.link = Some(long_name(&mut entry)?),
            EntryType::XHeader => read_pax(&extended(&mut entry)?, &mut extension)?,
            // They give values for all entries that follow, such as a comment. None of those matter here.
            EntryType::XGlobalHeader => {}
            _ => {
                let extension = std::mem::take(&mut extension);
                let path = extension.path.unwrap_or(own_path);
                let refused =
                    |reason: &str| Err(ImageError::new(format!("{} {reason}", printable(&path))));
                if extension.is_sparse || kind == EntryType::GNUSparse {
                    return refused(
                        "is stored as a sparse file, which no builder of images does; build the image again without",
                    );
                }
                if extension.size.is_some_and(|size| size != entry.size()) {
                    return refused("has two different sizes");
                }
                let header = entry.header();
                let link = header.link_name_bytes().unwrap_or_default().into_owned();
                let seconds = header.mtime().ok().and_then(|it| i64::try_from(it).ok());
                each(Entry {
                    link: extension.link.unwrap_or(link),
                    kind,
                    mode: header.mode().unwrap_or(0o755),
                    modified: extension.modified.unwrap_or((seconds.unwrap_or(0), 0)),
                    path,
                    content: entry,
                })?;
            }
        }
    }
    Ok(())
}

/// The entries of an archive that is read from its beginning to its end.
pub(crate) fn of<R: Read>(archive: &mut Archive<R>) -> Result<tar::Entries<'_, R>, ImageError> {
    archive.entries().map_err(|error| unreadable(&error))
}

/// The content of an entry that extends another one.
fn extended<R: Read>(entry: &mut tar::Entry<'_, R>) -> Result<Vec<u8>, ImageError> {
    let mut content = Vec::new();
    let limit = limits::ENTRY_EXTENSION_BYTES;
    let read = entry.take(limit + 1).read_to_end(&mut content);
    read.map_err(|error| unreadable(&error))?;
    if content.len() as u64 > limit {
        return Err(ImageError::new(format!(
            "it has a name or attributes of more than {limit} bytes"
        )));
    }
    Ok(content)
}

/// The name in a GNU entry, which a null byte may end.
fn long_name<R: Read>(entry: &mut tar::Entry<'_, R>) -> Result<Vec<u8>, ImageError> {
    let mut name = extended(entry)?;
    if let Some(end) = name.iter().position(|byte| *byte == 0) {
        name.truncate(end);
    }
    Ok(name)
}

/// Reads records of PAX: `LENGTH KEY=VALUE\n`, where values may have line feeds.
fn read_pax(records: &[u8], extension: &mut Extension) -> Result<(), ImageError> {
    let mut rest = records;
    while !rest.is_empty() {
        let Some((key, value, after)) = pax_record(rest) else {
            return Err(ImageError::new(
                "it has extended attributes that are not valid",
            ));
        };
        rest = after;
        match key {
            b"path" => extension.path = Some(value.to_vec()),
            b"linkpath" => extension.link = Some(value.to_vec()),
            b"mtime" => extension.modified = parse_time(value),
            b"size" => {
                let size = std::str::from_utf8(value)
                    .ok()
                    .and_then(|it| it.parse().ok());
                extension.size = size;
            }
            _ => extension.is_sparse |= key.starts_with(b"GNU.sparse."),
        }
    }
    Ok(())
}

/// Splits off the first record: its key, its value and what follows.
fn pax_record(records: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = records.iter().take(20).position(|byte| *byte == b' ')?;
    let length: usize = std::str::from_utf8(records.get(..space)?)
        .ok()?
        .parse()
        .ok()?;
    let record = records.get(space + 1..length)?.strip_suffix(b"\n")?;
    let equals = record.iter().position(|byte| *byte == b'=')?;
    Some((
        record.get(..equals)?,
        record.get(equals + 1..)?,
        records.get(length..)?,
    ))
}

/// A time of PAX: seconds with a fraction, `1700000000.25`.
fn parse_time(text: &[u8]) -> Option<(i64, u32)> {
    let text = std::str::from_utf8(text).ok()?;
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let seconds: i64 = seconds.parse().ok()?;
    let digits: String = fraction
        .chars()
        .chain("000000000".chars())
        .take(9)
        .collect();
    let nanoseconds: u32 = digits.parse().ok()?;
    if text.starts_with('-') && nanoseconds > 0 {
        return Some((seconds.checked_sub(1)?, 1_000_000_000 - nanoseconds));
    }
    Some((seconds, nanoseconds))
}

pub(crate) fn unreadable(error: &io::Error) -> ImageError {
    ImageError::new(format!("it cannot be read as a tar archive: {error}"))
}

/// A path for a message: escaped, and cut if it is very long.
pub(crate) fn printable(path: &[u8]) -> String {
    let shown = path.get(..path.len().min(200)).unwrap_or(path);
    let text = shown.escape_ascii().to_string();
    if shown.len() < path.len() {
        format!("{text}…")
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_of_pax_are_parsed_by_their_length() {
        let mut extension = Extension::default();
        let records = b"12 path=a/b\n26 SCHILY.xattr.user.a=\n\n\n16 mtime=-1.250\n11 size=17\n";
        assert!(read_pax(records, &mut extension).is_ok());
        assert_eq!(extension.path.as_deref(), Some(&b"a/b"[..]));
        assert_eq!(extension.modified, Some((-2, 750_000_000)));
        assert_eq!(extension.size, Some(17));
        for records in [
            &b"x"[..],
            b"12 path=a/b",
            b"99 path=a/b\n",
            b"0 path=a/b\n",
            b"9 path/b\n",
            b"18446744073709551616 path=a/b\n",
            b"1 a=b\n",
        ] {
            assert!(
                read_pax(records, &mut extension).is_err(),
                "{}",
                printable(records)
            );
        }
    }
}
