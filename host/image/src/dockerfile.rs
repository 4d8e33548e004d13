//! Dockerfiles in the place of images: what to do instead, as nothing is built here.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::error::ImageError;

/// The names that builders look for.
const NAMES: [&str; 2] = ["Dockerfile", "Containerfile"];

/// The Dockerfile that a path means, if it is one or a folder with one.
pub(crate) fn dockerfile_at(path: &Path) -> Option<PathBuf> {
    if path.is_dir() {
        return NAMES
            .iter()
            .map(|name| path.join(name))
            .find(|file| file.is_file());
    }
    let name = path.file_name()?.to_str()?;
    let is_named = |known: &str| {
        // `Dockerfile`, `Dockerfile.dev`, `dev.Dockerfile`
        let (name, known) = (name.to_ascii_lowercase(), known.to_ascii_lowercase());
        name == known
            || name.starts_with(&format!("{known}."))
            || name.ends_with(&format!(".{known}"))
    };
    (NAMES.into_iter().any(is_named) && path.is_file()).then(|| path.to_owned())
}

/// The error for a Dockerfile, with the line that makes an image of it. The line uses the builder that is in `search`,
/// a list of folders as in `PATH`.
pub(crate) fn refusal(dockerfile: &Path, search: Option<&OsStr>) -> ImageError {
    let folder = dockerfile.parent().unwrap_or(Path::new("."));
    let name = folder
        .canonicalize()
        .ok()
        .and_then(|folder| image_name(folder.file_name()?))
        .unwrap_or_else(|| "app".to_owned());
    let usual = dockerfile
        .file_name()
        .is_some_and(|file| NAMES.iter().any(|known| file == *known));
    let file = if usual {
        String::new()
    } else {
        format!("-f {} ", quoted(dockerfile))
    };
    let folder_text = quoted(folder);
    let archive = quoted(&folder.join(format!("{name}.tar")));
    let has = |program: &str| {
        search.is_some_and(|search| {
            std::env::split_paths(search).any(|folder| folder.join(program).is_file())
        })
    };
    let (line, missing) = if has("docker") {
        (
            format!(
                "docker build {file}-t {name} {folder_text} && docker save {name} -o {archive}"
            ),
            "",
        )
    } else if has("podman") {
        (
            format!(
                "podman build {file}-t {name} {folder_text} && podman save {name} -o {archive}"
            ),
            "",
        )
    } else {
        let missing = if has("buildah") {
            ""
        } else {
            ", after the installation of buildah, podman or docker (Debian and Fedora have the package buildah, which \
             needs no daemon)"
        };
        let line = format!(
            "buildah build {file}-t {name} {folder_text} && buildah push {name} docker-archive:{archive}:{name}:latest"
        );
        (line, missing)
    };
    ImageError::new(format!(
        "{} is a Dockerfile, and Lambkin runs images but does not build them; build it{missing}: `{line}`, and use \
         {archive} as the image",
        dockerfile.display()
    ))
}

/// The name of a folder as the name of an image.
fn image_name(folder: &OsStr) -> Option<String> {
    let name: String = folder
        .to_str()?
        .to_ascii_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    let name = name.trim_matches('-');
    (!name.is_empty() && name.len() <= 100).then(|| name.to_owned())
}

/// A path as a word of a shell.
fn quoted(path: &Path) -> String {
    let text = if path.as_os_str().is_empty() {
        ".".to_owned()
    } else {
        path.display().to_string()
    };
    let plain = |c: char| c.is_alphanumeric() || "/._-+".contains(c);
    if text.chars().all(plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn dockerfiles_are_recognized() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        assert_eq!(dockerfile_at(folder.path()), None);
        for name in [
            "Containerfile",
            "Dockerfile.dev",
            "dev.dockerfile",
            "app.tar",
        ] {
            fs::write(at(name), "FROM scratch").unwrap();
        }
        assert_eq!(dockerfile_at(folder.path()), Some(at("Containerfile")));
        assert_eq!(
            dockerfile_at(&at("Dockerfile.dev")),
            Some(at("Dockerfile.dev"))
        );
        assert_eq!(
            dockerfile_at(&at("dev.dockerfile")),
            Some(at("dev.dockerfile"))
        );
        assert_eq!(dockerfile_at(&at("app.tar")), None);
        assert_eq!(dockerfile_at(&at("Dockerfile.missing")), None);
    }

    #[test]
    fn the_line_is_for_the_builder_that_is_installed() {
        let folder = tempfile::tempdir().unwrap();
        let project = folder.path().join("My App");
        fs::create_dir(&project).unwrap();
        let dockerfile = project.join("Dockerfile");
        let programs = folder.path().join("bin");
        fs::create_dir(&programs).unwrap();
        let text = || refusal(&dockerfile, Some(programs.as_os_str())).to_string();
        let quoted = format!("'{}'", project.display());

        assert!(
            text().contains("after the installation of buildah"),
            "{}",
            text()
        );
        for (program, line) in [
            (
                "buildah",
                format!("`buildah build -t my-app {quoted} && buildah push my-app docker-archive:"),
            ),
            (
                "podman",
                format!("`podman build -t my-app {quoted} && podman save my-app -o "),
            ),
            (
                "docker",
                format!("`docker build -t my-app {quoted} && docker save my-app -o "),
            ),
        ] {
            fs::write(programs.join(program), "").unwrap();
            let text = text();
            assert!(text.contains(&line), "{text}");
            assert!(!text.contains("installation"), "{text}");
        }
        let other = refusal(&project.join("Dockerfile.dev"), None).to_string();
        assert!(
            other.contains(&format!(
                "-f '{}' ",
                project.join("Dockerfile.dev").display()
            )),
            "{other}"
        );
    }
}
