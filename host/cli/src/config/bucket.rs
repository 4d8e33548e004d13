//! `[buckets.NAME]`: a bucket, either in the store, with or without versions, or as a folder of plain files.

use std::io::ErrorKind;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use lambkin_store::object::Versioning;

use super::key::{Key, Kind, Table};
use super::reader::{Diagnostics, Reader, Spanned};

/// `[buckets.NAME]`
pub const TABLE: Table = Table::new(&[&[
    Key::with_default(
        "versioning",
        Kind::Flag,
        "false",
        "Whether the versions of objects are kept. Cannot be combined with `folder`.",
    ),
    Key::optional(
        "folder",
        Kind::Text,
        "A folder that is the bucket: its files are the objects. The folder has to exist, is watched for changes, and \
         belongs to one bucket.",
    ),
]]);

/// Prefixes and suffixes that S3 reserves.
const RESERVED_PREFIXES: [&str; 3] = ["xn--", "sthree-", "amzn-s3-demo-"];
const RESERVED_SUFFIXES: [&str; 5] = ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"];

/// A bucket as configured.
#[derive(Debug, PartialEq, Eq)]
pub struct Bucket {
    pub name: String,
    pub versioning: Versioning,
    /// The folder whose files are the bucket's objects; `None` if the objects are in the store.
    pub folder: Option<PathBuf>,
}

/// Reads all buckets.
pub fn read(root: &mut Reader<'_>, project: &Path, diagnostics: &Diagnostics) -> Vec<Bucket> {
    let mut buckets: Vec<Bucket> = Vec::new();
    for (name, mut table) in root.tables("buckets") {
        if let Err(message) = check_name(&name.value) {
            diagnostics.add(name.span.clone(), &name.key, message);
        }
        let versioning = table.flag("versioning");
        let folder = table.text("folder");
        table.finish();
        if let (Some(versioning), Some(_)) = (&versioning, &folder)
            && versioning.value
        {
            let message = "cannot be combined with `folder`, as a folder keeps no versions; remove one of them";
            diagnostics.add(versioning.span.clone(), &versioning.key, message);
        }
        let folder = folder.and_then(|folder| read_folder(&folder, project, &buckets, diagnostics));
        buckets.push(Bucket {
            name: name.value,
            versioning: match versioning {
                Some(versioning) if versioning.value => Versioning::On,
                _ => Versioning::Off,
            },
            folder,
        });
    }
    buckets
}

fn read_folder(
    folder: &Spanned<String>,
    project: &Path,
    others: &[Bucket],
    diagnostics: &Diagnostics,
) -> Option<PathBuf> {
    let path = project.join(&folder.value);
    let read = match path.canonicalize() {
        Ok(path) if path.is_dir() => Ok(path),
        Ok(_) => Err(format!("{} is not a folder", path.display())),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(format!(
            "the folder {} does not exist; create it, or name another one",
            path.display()
        )),
        Err(error) => Err(format!("cannot use {}: {error}", path.display())),
    };
    let read = read.and_then(|path| {
        let same = |other: &&Bucket| other.folder.as_ref() == Some(&path);
        match others.iter().find(same) {
            Some(other) => Err(format!(
                "{} is already the folder of buckets.{}; each bucket needs its own",
                path.display(),
                other.name
            )),
            None => Ok(path),
        }
    });
    read.map_err(|message| diagnostics.add(folder.span.clone(), &folder.key, message))
        .ok()
}

/// Checks a bucket's name by S3's rules.
fn check_name(name: &str) -> Result<(), &'static str> {
    let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let ends = [name.bytes().next(), name.bytes().last()];
    if !(3..=63).contains(&name.len())
        || !name
            .bytes()
            .all(|byte| legal(byte) || matches!(byte, b'-' | b'.'))
        || !ends.into_iter().flatten().all(legal)
    {
        return Err(
            "a bucket's name has 3 to 63 lower-case letters, digits, `-` and `.`, and begins and ends with a letter \
             or digit",
        );
    }
    if name.contains("..") {
        return Err("a bucket's name cannot contain two dots in a row");
    }
    if name.parse::<Ipv4Addr>().is_ok() {
        return Err("a bucket's name cannot be an IP address");
    }
    let reserved = RESERVED_PREFIXES
        .iter()
        .any(|prefix| name.starts_with(prefix))
        || RESERVED_SUFFIXES
            .iter()
            .any(|suffix| name.ends_with(suffix));
    if reserved {
        return Err("S3 reserves names with this beginning or end");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, Source};

    use super::*;

    fn parse(text: &str, project: &Path) -> Result<Vec<Bucket>, String> {
        let source = Source::new(Path::new("lambkin.toml"), text.to_owned());
        let config = Config::parse(source, project).map_err(|error| error.to_string());
        config.map(|config| config.buckets)
    }

    #[test]
    fn a_bucket_has_versions_or_is_a_folder() {
        let project = tempfile::tempdir().unwrap();
        std::fs::create_dir(project.path().join("drop")).unwrap();
        let text = "[buckets.inbox]\nfolder = 'drop'\n[buckets.photos]\nversioning = true\n[buckets.plain]\nversioning = false\n";
        let buckets = parse(text, project.path()).unwrap();
        let folder = project.path().canonicalize().unwrap().join("drop");
        let expected = [
            ("inbox", Versioning::Off, Some(folder)),
            ("photos", Versioning::On, None),
            ("plain", Versioning::Off, None),
        ];
        for (bucket, (name, versioning, folder)) in buckets.iter().zip(expected) {
            assert_eq!(bucket.name, name);
            assert_eq!((bucket.versioning, &bucket.folder), (versioning, &folder));
        }
    }

    #[test]
    fn names_follow_s3s_rules() {
        for name in ["abc", "my-photos.2026", "1.2.3", "a1b"] {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
        let long = "x".repeat(64);
        for (name, why) in [
            ("ab", "3 to 63"),
            (long.as_str(), "3 to 63"),
            ("Photos", "lower-case"),
            ("a_b_c", "lower-case"),
            ("-abc", "begins and ends"),
            ("abc.", "begins and ends"),
            ("a..b", "two dots"),
            ("192.168.5.4", "IP address"),
            ("xn--photos", "S3 reserves"),
            ("photos-s3alias", "S3 reserves"),
        ] {
            assert!(check_name(name).unwrap_err().contains(why), "{name}");
        }
    }

    #[test]
    fn mistakes_are_reported_at_their_place_with_what_would_be_right() {
        let project = tempfile::tempdir().unwrap();
        std::fs::create_dir(project.path().join("drop")).unwrap();
        std::fs::write(project.path().join("file"), "").unwrap();
        for (lines, message) in [
            (
                "[buckets.Photos]",
                "1:10: buckets.Photos: a bucket's name has 3 to 63",
            ),
            (
                "[buckets.abc]\nfolder = 'nowhere'",
                "2:10: buckets.abc.folder: the folder ",
            ),
            ("[buckets.abc]\nfolder = 'file'", "file is not a folder"),
            (
                "[buckets.abc]\nfolder = 'drop'\nversioning = true",
                "3:14: buckets.abc.versioning: cannot be combined with `folder`",
            ),
            (
                "[buckets.abc]\nfolder = 'drop'\n[buckets.def]\nfolder = './drop'",
                "is already the folder of buckets.abc",
            ),
            (
                "[buckets.abc]\nversionning = true",
                "unknown key; did you mean `versioning`?",
            ),
            (
                "[buckets.abc]\nversioning = 1",
                "must be true or false, not 1",
            ),
        ] {
            let diagnostics = parse(lines, project.path()).unwrap_err();
            assert!(diagnostics.contains(message), "{lines}: {diagnostics}");
        }
    }
}
