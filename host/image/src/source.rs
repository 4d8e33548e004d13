//! Where an image is: a folder, an archive or a registry, as it is written in `lambkin.toml` and on the command line.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::dockerfile;
use crate::error::ImageError;
use crate::reference::Reference;

/// Where an image is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Source {
    /// An OCI image layout: a folder with `index.json`.
    Layout {
        /// The folder.
        folder: PathBuf,
        /// Which of the images in it; if it has one only, none is needed.
        tag: Option<String>,
    },
    /// An archive of `docker save`, `podman save` or `skopeo copy`: a tar file, compressed or not.
    Archive {
        /// The file.
        file: PathBuf,
        /// Which of the images in it, as `TAG` or `NAME:TAG`; if it has one only, none is needed.
        tag: Option<String>,
    },
    /// An image of a registry.
    Registry(Reference),
}

impl Source {
    /// Reads the path of a folder or an archive, both with `:TAG` after it or without, or a reference to an image of a
    /// registry. A text that begins with `.` or `/` is a path, and so is one of a file or folder that exists; a
    /// relative path is below `base`.
    ///
    /// # Errors
    ///
    /// There is nothing at the path, or something else than an image, such as a Dockerfile; or the text is not a
    /// reference. What is in a folder or an archive is not looked at.
    pub fn parse(text: &str, base: &Path) -> Result<Self, ImageError> {
        if let Some((path, tag)) = existing(text, base) {
            return Self::at(path, tag);
        }
        if text.starts_with(['.', '/']) {
            let path = base.join(text);
            let similar = archives_beside(&path);
            let advice = if similar.is_empty() {
                "write the path of an OCI layout or of an archive of `docker save`, relative to the folder of this file"
                    .to_owned()
            } else {
                format!("beside it there is {}", similar.join(", "))
            };
            return Err(ImageError::new(format!(
                "{} does not exist; {advice}",
                path.display()
            )));
        }
        if text.is_empty() {
            return Err(ImageError::new(
                "an image is the path of an OCI layout or of an archive of `docker save`, or a reference to an image \
                 of a registry",
            ));
        }
        if text.ends_with(".tar") || text.contains(".tar.") || text.ends_with(".tgz") {
            return Err(ImageError::new(format!(
                "{} does not exist; if {text} is the name of an image of a registry, write it with the registry \
                 (docker.io/…)",
                base.join(text).display()
            )));
        }
        Reference::parse(text).map(Self::Registry)
    }

    /// The error for a Dockerfile, or for a folder with one: it is no image yet, and the error has the command that
    /// makes one. `None` for anything else.
    #[must_use]
    pub fn unbuilt(path: &Path) -> Option<ImageError> {
        let file = dockerfile::dockerfile_at(path)?;
        let search = std::env::var_os("PATH");
        Some(dockerfile::refusal(&file, search.as_deref()))
    }

    fn at(path: PathBuf, tag: Option<String>) -> Result<Self, ImageError> {
        let is_layout = path.join("index.json").is_file() || path.join("oci-layout").is_file();
        if !is_layout && let Some(error) = Self::unbuilt(&path) {
            return Err(error);
        }
        if is_layout {
            return Ok(Self::Layout { folder: path, tag });
        }
        if path.is_dir() {
            return Err(ImageError::new(format!(
                "{} is a folder without index.json, so it is not an OCI layout; one is made by `skopeo copy \
                 docker-daemon:NAME:TAG oci:FOLDER:TAG`, and a plain folder of code needs no image: see `code`",
                path.display()
            )));
        }
        if !path.is_file() {
            return Err(ImageError::new(format!(
                "{} is neither a folder nor a regular file",
                path.display()
            )));
        }
        Ok(Self::Archive { file: path, tag })
    }
}

/// The file or folder that a text means, and what is after a `:` that follows it.
fn existing(text: &str, base: &Path) -> Option<(PathBuf, Option<String>)> {
    if text.is_empty() {
        return None;
    }
    let whole = base.join(text);
    if whole.exists() {
        return Some((whole, None));
    }
    text.match_indices(':').find_map(|(at, _)| {
        let (path, tag) = (text.get(..at)?, text.get(at + 1..)?);
        let path = Some(base.join(path)).filter(|it| !path.is_empty() && it.exists())?;
        Some((path, Some(tag.to_owned()).filter(|tag| !tag.is_empty())))
    })
}

/// The names of the archives in the folder of a file that does not exist: at most five.
fn archives_beside(path: &Path) -> Vec<String> {
    let folder = path.parent().and_then(|folder| folder.read_dir().ok());
    let names = folder.into_iter().flatten().flatten().filter_map(|entry| {
        let path = entry.path();
        let is_image =
            path.extension().is_some_and(|it| it == "tar") || path.join("index.json").is_file();
        is_image.then(|| entry.file_name().to_string_lossy().into_owned())
    });
    let mut names: Vec<_> = names.take(100).collect();
    names.sort();
    names.truncate(5);
    names
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, tag) = match self {
            Self::Layout { folder, tag } => (folder, tag),
            Self::Archive { file, tag } => (file, tag),
            Self::Registry(reference) => return reference.fmt(f),
        };
        match tag {
            Some(tag) => write!(f, "{}:{tag}", path.display()),
            None => path.display().fmt(f),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_exists_is_a_path_and_everything_else_a_reference() {
        let base = tempfile::tempdir().unwrap();
        let at = |name: &str| base.path().join(name);
        fs::create_dir(at("layout")).unwrap();
        fs::write(at("layout/index.json"), "{}").unwrap();
        fs::write(at("app.tar"), "").unwrap();
        let layout = |tag: Option<&str>| Source::Layout {
            folder: at("layout"),
            tag: tag.map(str::to_owned),
        };
        let archive = |tag: Option<&str>| Source::Archive {
            file: at("app.tar"),
            tag: tag.map(str::to_owned),
        };
        let registry = |text: &str| Source::Registry(Reference::parse(text).unwrap());
        for (text, source) in [
            ("layout", layout(None)),
            ("layout:1", layout(Some("1"))),
            ("app.tar", archive(None)),
            ("app.tar:team/app:1", archive(Some("team/app:1"))),
            ("debian", registry("docker.io/library/debian:latest")),
            ("localhost:5000/app", registry("localhost:5000/app:latest")),
        ] {
            assert_eq!(Source::parse(text, base.path()).unwrap(), source, "{text}");
        }
        let dotted = Source::parse("./layout:1", base.path()).unwrap();
        assert_eq!(
            dotted.to_string(),
            format!("{}:1", at("./layout").display())
        );
    }

    #[test]
    fn what_is_no_image_is_refused_with_what_to_do() {
        let base = tempfile::tempdir().unwrap();
        let at = |name: &str| base.path().join(name);
        fs::create_dir(at("folder")).unwrap();
        fs::create_dir(at("project")).unwrap();
        fs::write(at("project/Dockerfile"), "FROM scratch").unwrap();
        fs::write(at("app.tar"), "").unwrap();
        for (text, reason) in [
            ("", "an image is the path"),
            ("./app.tra", "beside it there is app.tar"),
            ("/nowhere/app", "does not exist"),
            (
                "other.tar",
                "does not exist; if other.tar is the name of an image",
            ),
            ("folder", "without index.json"),
            ("project", "does not build them"),
            ("project/Dockerfile", "does not build them"),
            ("/dev/null", "neither a folder nor a regular file"),
            ("UPPER/case/", "is not the name of an image"),
        ] {
            let error = Source::parse(text, base.path()).unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
