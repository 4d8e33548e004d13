//! `lambkin.lock`: the digests of the images that the tags in `lambkin.toml` meant when they were first used.
//!
//! Contract: the file is written for people, too, and belongs into version control. A reference has the digest of the
//! file until it is removed there. A digest is written at once, together with those that another host has written
//! meanwhile.
//!
//! On failure: an [`ImageError`] with the file and, if it is about its content, the line.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use toml::de::{DeTable, DeValue};

use crate::digest::Digest;
use crate::error::ImageError;
use crate::limits;
use crate::reference::Reference;

const HEAD: &str = "\
# The images that the references in lambkin.toml meant when they were first used. Written by lambkin; keep it in version
# control. Without its line, a reference is looked up again.

[images]
";

/// A lock file.
#[derive(Debug)]
pub struct Lock {
    file: PathBuf,
    images: Mutex<BTreeMap<String, Digest>>,
}

impl Lock {
    /// Reads a lock file. A file that does not exist is an empty one, and is written with the first digest.
    ///
    /// # Errors
    ///
    /// The file cannot be read or is not valid; the error has the line.
    pub fn load(file: &Path) -> Result<Self, ImageError> {
        Ok(Self {
            file: file.to_owned(),
            images: Mutex::new(read(file)?),
        })
    }

    /// The digest that a reference has, as `sha256:…`.
    #[must_use]
    pub fn digest(&self, reference: &Reference) -> Option<String> {
        self.find(reference).map(|digest| digest.to_string())
    }

    pub(crate) fn find(&self, reference: &Reference) -> Option<Digest> {
        let images = self.images.lock().unwrap_or_else(PoisonError::into_inner);
        images.get(&reference.to_string()).copied()
    }

    /// Forgets the digest of a reference, so that it is looked up when it is opened next. Returns whether there was
    /// one.
    ///
    /// # Errors
    ///
    /// The file cannot be read or written.
    pub fn forget(&self, reference: &Reference) -> Result<bool, ImageError> {
        self.change(|images| images.remove(&reference.to_string()).is_some())
    }

    /// Records the digest of a reference, `sha256:…`, and writes the file.
    ///
    /// # Errors
    ///
    /// It is not a digest, or the file cannot be read or written.
    pub fn record(&self, reference: &Reference, digest: &str) -> Result<(), ImageError> {
        let digest = Digest::parse(digest)?;
        self.change(|images| {
            images.insert(reference.to_string(), digest);
        })
    }

    /// Changes the file as it is now.
    fn change<T>(
        &self,
        change: impl FnOnce(&mut BTreeMap<String, Digest>) -> T,
    ) -> Result<T, ImageError> {
        let mut images = self.images.lock().unwrap_or_else(PoisonError::into_inner);
        let mut current = read(&self.file)?;
        let result = change(&mut current);
        write(&self.file, &current)?;
        *images = current;
        Ok(result)
    }
}

fn read(file: &Path) -> Result<BTreeMap<String, Digest>, ImageError> {
    let failed = |error: io::Error| ImageError::io("read", file, &error);
    let bytes = match lambkin_files::read(file, limits::LOCK_BYTES) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        read => read.map_err(failed)?,
    };
    let text = String::from_utf8(bytes).map_err(|_| failed(io::ErrorKind::InvalidData.into()))?;
    let wrong = |at: usize, reason: &str| {
        let before = text.get(..at).unwrap_or(&text);
        ImageError::new(format!(
            "{}:{}: {reason}; remove the line, or the file, and the images are looked up again",
            file.display(),
            before.matches('\n').count() + 1
        ))
    };
    let table = DeTable::parse(&text).map_err(|error| {
        wrong(
            error.span().map_or(0, |span| span.start),
            &format!("it is not valid TOML: {}", error.message()),
        )
    })?;
    let mut found = BTreeMap::new();
    for (key, value) in table.get_ref() {
        let (DeValue::Table(images), "images") = (value.get_ref(), key.get_ref().as_ref()) else {
            return Err(wrong(
                key.span().start,
                &format!(
                    "there is {:?}, and only a section [images] can be here",
                    key.get_ref()
                ),
            ));
        };
        for (name, value) in images {
            let at = name.span().start;
            let reference =
                Reference::parse(name.get_ref()).map_err(|error| wrong(at, &error.to_string()))?;
            let DeValue::String(digest) = value.get_ref() else {
                return Err(wrong(at, "its digest is not a string"));
            };
            let digest = Digest::parse(digest).map_err(|error| wrong(at, &error.to_string()))?;
            found.insert(reference.to_string(), digest);
        }
    }
    Ok(found)
}

/// Replaces the file at once.
fn write(file: &Path, images: &BTreeMap<String, Digest>) -> Result<(), ImageError> {
    let lines = images
        .iter()
        // References have no characters that would need an escape.
        .map(|(reference, digest)| format!("\"{reference}\" = \"{digest}\"\n"));
    let text: String = std::iter::once(HEAD.to_owned()).chain(lines).collect();
    lambkin_files::replace(file, text.as_bytes())
        .map_err(|error| ImageError::io("write", file, &error))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
mod tests {
    use std::fs;

    use super::*;

    fn reference(text: &str) -> Reference {
        Reference::parse(text).unwrap()
    }

    #[test]
    fn digests_are_kept_and_merged_with_those_of_others() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("lambkin.lock");
        let (one, other) = (Lock::load(&file).unwrap(), Lock::load(&file).unwrap());
        let (a, b) = (reference("localhost:5000/a:1"), reference("b"));
        one.record(&a, &Digest::of(b"a").to_string()).unwrap();
        other.record(&b, &Digest::of(b"b").to_string()).unwrap();
        assert_eq!(one.find(&b), None);
        let text = fs::read_to_string(&file).unwrap();
        let lines = format!(
            "[images]\n\"docker.io/library/b:latest\" = \"{}\"\n\"localhost:5000/a:1\" = \"{}\"\n",
            Digest::of(b"b"),
            Digest::of(b"a")
        );
        assert!(text.ends_with(&lines), "{text}");
        let read = Lock::load(&file).unwrap();
        assert_eq!(read.digest(&a), Some(Digest::of(b"a").to_string()));
        assert!(read.forget(&a).unwrap() && !read.forget(&a).unwrap());
        assert_eq!(Lock::load(&file).unwrap().find(&a), None);
        assert_eq!(Lock::load(&file).unwrap().find(&b), Some(Digest::of(b"b")));
    }

    #[test]
    fn links_that_a_project_brings_are_not_written_through() {
        let folder = tempfile::tempdir().unwrap();
        let (victim, file) = (
            folder.path().join("victim"),
            folder.path().join("lambkin.lock"),
        );
        fs::write(&victim, HEAD).unwrap();
        let foreseen = format!(".lambkin.lock.{}", std::process::id());
        for name in ["lambkin.lock", &foreseen, ".lambkin.lock.new"] {
            std::os::unix::fs::symlink(&victim, folder.path().join(name)).unwrap();
        }
        let lock = Lock::load(&file).unwrap();
        lock.record(&reference("a"), &Digest::of(b"a").to_string())
            .unwrap();
        assert_eq!(fs::read_to_string(&victim).unwrap(), HEAD);
        assert!(fs::read_to_string(&file).unwrap().contains("library/a"));
    }

    #[test]
    fn what_is_not_valid_is_refused_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("lambkin.lock");
        for (text, reason) in [
            ("# \n[images", ":2: it is not valid TOML"),
            (
                "[images]\n\n\"a:1\" = 3\n",
                ":3: its digest is not a string",
            ),
            (
                "[images]\n\"a:1\" = \"sha256:1\"\n",
                ":2: \"sha256:1\" is not a digest",
            ),
            (
                "[images]\n\"A:1\" = \"\"\n",
                ":2: \"A:1\" is not a reference",
            ),
            ("\nimage = 1\n", ":2: there is \"image\""),
        ] {
            fs::write(&file, text).unwrap();
            let error = Lock::load(&file).unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("{}{reason}", file.display())),
                "{text}: {error}"
            );
        }
        fs::write(&file, "#".repeat(limits::LOCK_BYTES as usize + 1)).unwrap();
        assert!(
            Lock::load(&file)
                .unwrap_err()
                .to_string()
                .contains("more than")
        );
        let missing = folder.path().join("missing");
        assert!(Lock::load(&missing.join("lambkin.lock")).is_ok());
        let lock = Lock::load(&missing.join("lambkin.lock")).unwrap();
        let error = lock
            .record(&reference("a"), &Digest::of(b"").to_string())
            .unwrap_err();
        assert!(error.to_string().contains("cannot write"), "{error}");
    }
}
