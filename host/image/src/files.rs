//! The files of an image: a folder, or a tar archive, whose members are found without reading their content.
//!
//! On failure: an [`ImageError`] with the file. A file that is not there is no failure.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use tar::{Archive, EntryType};

use crate::entries::{self, unreadable};
use crate::error::ImageError;
use crate::limits;

/// The files of an image.
pub(crate) enum Files {
    Folder(PathBuf),
    Archive(Members),
}

/// The members of a tar archive.
pub(crate) struct Members {
    path: PathBuf,
    file: File,
    members: HashMap<String, Member>,
}

enum Member {
    Content {
        offset: u64,
        size: u64,
    },
    /// Old versions of `docker save` store a layer that is in several images once.
    Link(String),
}

impl Files {
    /// Opens an archive that is not compressed.
    pub(crate) fn archive(path: &Path) -> Result<Self, ImageError> {
        let failed = |error: io::Error| ImageError::io("open", path, &error);
        let file = File::open(path).map_err(failed)?;
        let members = list(&file)?;
        Ok(Self::Archive(Members {
            path: path.to_owned(),
            file,
            members,
        }))
    }

    /// Whether there is a file of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        match self {
            Self::Folder(folder) => folder.join(name).is_file(),
            Self::Archive(archive) => archive.find(name).is_some(),
        }
    }

    /// Whether there is a file below a folder of this name.
    pub(crate) fn has_below(&self, folder: &str) -> bool {
        match self {
            Self::Folder(root) => root.join(folder).is_dir(),
            Self::Archive(archive) => {
                let folder = format!("{folder}/");
                archive.members.keys().any(|name| name.starts_with(&folder))
            }
        }
    }

    /// The content of a file, which must be at most `limit` bytes long; `None` if it is not there.
    pub(crate) fn read(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, ImageError> {
        let Some(reader) = self.open(name)? else {
            return Ok(None);
        };
        let mut content = Vec::new();
        let read = reader.take(limit + 1).read_to_end(&mut content);
        read.map_err(|error| ImageError::io("read", Path::new(name), &error))?;
        if content.len() as u64 > limit {
            return Err(ImageError::new(format!(
                "{name} has more than {limit} bytes, which is the limit"
            )));
        }
        Ok(Some(content))
    }

    /// A reader of a file; `None` if it is not there.
    pub(crate) fn open(&self, name: &str) -> Result<Option<Box<dyn Read + '_>>, ImageError> {
        match self {
            Self::Folder(folder) => {
                let path = folder.join(name);
                // Anything else, such as a FIFO, might never end.
                if !path.is_file() {
                    return Ok(None);
                }
                let file =
                    File::open(&path).map_err(|error| ImageError::io("open", &path, &error))?;
                Ok(Some(Box::new(file)))
            }
            Self::Archive(archive) => {
                let Some((offset, size)) = archive.find(name) else {
                    return Ok(None);
                };
                let failed = |error: io::Error| ImageError::io("read", &archive.path, &error);
                let mut file = &archive.file;
                file.seek(SeekFrom::Start(offset)).map_err(failed)?;
                Ok(Some(Box::new(file.take(size))))
            }
        }
    }
}

impl Members {
    fn find(&self, name: &str) -> Option<(u64, u64)> {
        let mut name = name.to_owned();
        for _ in 0..4 {
            match self.members.get(&name)? {
                Member::Content { offset, size } => return Some((*offset, *size)),
                Member::Link(target) => {
                    let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
                    name = clean(&format!("{folder}/{target}"))?;
                }
            }
        }
        None
    }
}

fn list(file: &File) -> Result<HashMap<String, Member>, ImageError> {
    let mut members = HashMap::new();
    let mut archive = Archive::new(file);
    let all = archive
        .entries_with_seek()
        .map_err(|error| unreadable(&error))?;
    entries::for_each(all, |entry| {
        let name = std::str::from_utf8(&entry.path).ok().and_then(clean);
        let Some(name) = name.filter(|name| !name.is_empty()) else {
            return Ok(());
        };
        let member = match entry.kind {
            EntryType::Regular | EntryType::Continuous => Member::Content {
                offset: entry.content.raw_file_position(),
                size: entry.content.size(),
            },
            EntryType::Symlink => Member::Link(String::from_utf8_lossy(&entry.link).into_owned()),
            // A hard link names its target from the root of the archive.
            EntryType::Link => Member::Link(format!(
                "{}{}",
                "../".repeat(name.matches('/').count()),
                String::from_utf8_lossy(&entry.link)
            )),
            _ => return Ok(()),
        };
        members.insert(name, member);
        if members.len() > limits::ARCHIVE_MEMBERS {
            return Err(ImageError::new(format!(
                "it has more than {} files, so it is no archive of `docker save`; if it is one of `docker export`, \
                 which has files but no configuration, use `docker save` or `docker commit` instead",
                limits::ARCHIVE_MEMBERS
            )));
        }
        Ok(())
    })?;
    Ok(members)
}

/// A relative path without `.`, `..` and empty parts; `None` if it leads out of where it begins.
fn clean(path: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}
