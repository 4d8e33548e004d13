//! Whether this machine can make sandboxes, which is found out by making them, and what would enable it.
//!
//! Settings of the system alone do not tell: distributions, container runtimes and security modules forbid different
//! steps, some of them only when they are used.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use rustix::io::Errno;

use crate::exit::Exit;
use crate::process::Process;
use crate::protocol::Launch;
use crate::sandbox::{Failure, IMAGE, ImageRoot, MERGE, Sandbox};

/// What this machine can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Support {
    /// Whether sandboxes can be made.
    pub namespace: Result<(), Failure>,
    /// Whether several layers can be merged in one.
    pub overlay: Result<(), Failure>,
}

/// Makes two sandboxes in which nothing is started, which takes a few milliseconds. Later calls return the same result.
pub async fn support() -> &'static Support {
    static SUPPORT: OnceLock<Support> = OnceLock::new();
    if let Some(known) = SUPPORT.get() {
        return known;
    }
    let namespace = attempt(Sandbox::default()).await;
    let overlay = match &namespace {
        Ok(()) => {
            // Any two folders that are not in each other.
            let layers = ["/usr/bin", "/usr/lib"].map(PathBuf::from).to_vec();
            attempt(Sandbox {
                layers,
                ..Sandbox::default()
            })
            .await
        }
        Err(failure) => Err(failure.clone()),
    };
    SUPPORT.get_or_init(|| Support { namespace, overlay })
}

/// The file systems of the code and the layers, and whether everyone may open these folders.
type Places = Vec<(u64, bool)>;

/// Makes a sandbox with this code and these layers, in which nothing is started, to find out whether they can be merged, if
/// they have to be: that depends on the file systems that they are on. The result is kept for others on the same ones.
/// What else is wrong with them shows when the program is started.
pub async fn merges(code: &Path, layers: &[PathBuf]) -> Result<(), Failure> {
    static KNOWN: Mutex<BTreeMap<Places, Result<(), Failure>>> = Mutex::new(BTreeMap::new());
    let folders = std::iter::once(code).chain(layers.iter().map(PathBuf::as_path));
    let place = |folder: &Path| {
        let metadata = fs::metadata(folder).ok()?;
        // One that others may not open is merged with one that they may, see `root`.
        Some((
            metadata.dev(),
            metadata.permissions().mode() & 0o005 == 0o005,
        ))
    };
    let Some(places) = folders.map(place).collect::<Option<Places>>() else {
        return Ok(());
    };
    let known = |places: &Places| {
        let known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(places).cloned()
    };
    let needs_overlay = layers.len() > 1
        || (rustix::process::geteuid().is_root() && places.iter().any(|(_, is_open)| !is_open));
    if !needs_overlay {
        return Ok(());
    }
    if let Some(known) = known(&places) {
        return known;
    }
    let attempted = attempt(Sandbox {
        code: Some(code.to_owned()),
        layers: layers.to_vec(),
        ..Sandbox::default()
    });
    let result = match attempted.await {
        Err(failure) if failure.stage == MERGE => Err(failure),
        _ => Ok(()),
    };
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    known.insert(places, result.clone());
    result
}

/// Makes a sandbox with the files of an image, in which nothing is started: whether they can be a root depends on the file
/// system that they are on, too.
pub async fn opens(image: &Path) -> Result<(), Failure> {
    let image = ImageRoot {
        folder: image.to_owned(),
        scripts: Vec::new(),
    };
    attempt(Sandbox {
        image: Some(image),
        ..Sandbox::default()
    })
    .await
}

async fn attempt(sandbox: Sandbox) -> Result<(), Failure> {
    if !cfg!(target_os = "linux") {
        return Err(Failure::new(
            "namespaces, which only Linux has",
            Errno::NOSYS,
        ));
    }
    let launch = Launch {
        program: PathBuf::new(),
        arguments: Vec::new(),
        variables: BTreeMap::new(),
        directory: PathBuf::from("/"),
        sandbox: Some(Sandbox {
            tmp_mb: 1,
            ..sandbox
        }),
    };
    let not_started = |errno| Failure {
        stage: "start of a process".to_owned(),
        errno,
        path: None,
    };
    let (mut process, _outputs) =
        Process::spawn(&launch).map_err(|error| not_started(error.raw_os_error().unwrap_or(0)))?;
    let exit = process.exited().await;
    let failure = process.failure().cloned();
    process.kill().await;
    match (failure, exit) {
        (Some(failure), _) => Err(failure),
        (None, Exit::Code(0)) => Ok(()),
        (None, _) => Err(not_started(Errno::CHILD.raw_os_error())),
    }
}

/// What would enable the step that failed: a sentence with the exact command, or nothing if that is not known.
pub fn advice(failure: &Failure) -> Option<String> {
    let setting = |path: &str| fs::read_to_string(Path::new("/proc/sys").join(path)).ok();
    let is = |path: &str, value: &str| setting(path).is_some_and(|text| text.trim() == value);
    advice_for(failure, is, has_seccomp_filter(), is_container())
}

fn advice_for(
    failure: &Failure,
    is: impl Fn(&str, &str) -> bool,
    has_filter: bool,
    is_container: bool,
) -> Option<String> {
    const APPARMOR: &str = "kernel/apparmor_restrict_unprivileged_userns";
    let errno = Errno::from_raw_os_error(failure.errno);
    let command = |command: &str| {
        format!(
            "to enable it: `sudo sysctl -w {command}` (to keep it: `echo '{command}' | sudo tee \
             /etc/sysctl.d/60-lambkin.conf`)"
        )
    };
    let in_container = "to enable it: start the container with `docker run --security-opt seccomp=unconfined \
                        --security-opt apparmor=unconfined --security-opt systempaths=unconfined …`";
    if failure.stage.starts_with("unshare") && errno == Errno::NOSPC {
        return Some(command("user.max_user_namespaces=15000"));
    }
    if failure.stage == MERGE {
        return Some(match errno {
            Errno::NODEV => "to enable it: `sudo modprobe overlay`".to_owned(),
            _ if failure.path.as_deref() == Some(Path::new(IMAGE)) => {
                "the files of images are mounted with overlayfs, which some file systems do not allow, such as that of a \
                 container, which is made with overlayfs itself: set LAMBKIN_CACHE_DIR to a folder on another one, such \
                 as a volume of the container; before Linux 5.11, only root may use overlayfs"
                    .to_owned()
            }
            _ => "layers are merged with overlayfs, which some file systems do not allow, such as that of a container, which \
                  is made with overlayfs itself: move the project to another one, such as a volume of the container, or \
                  use one layer; before Linux 5.11, only root may use overlayfs"
                .to_owned(),
        });
    }
    if ![Errno::PERM, Errno::ACCESS].contains(&errno) {
        return None;
    }
    if failure.stage.starts_with("unshare(user") && is("kernel/unprivileged_userns_clone", "0") {
        return Some(command("kernel.unprivileged_userns_clone=1"));
    }
    if failure.stage.starts_with("unshare(user") && (has_filter || is_container) {
        return Some(in_container.to_owned());
    }
    if is(APPARMOR, "1") {
        return Some(command("kernel.apparmor_restrict_unprivileged_userns=0"));
    }
    if has_filter || is_container {
        return Some(in_container.to_owned());
    }
    if failure.stage.starts_with("unshare(user") {
        return Some(
            "in a chroot, no user namespace can be made: start lambkin outside of it".to_owned(),
        );
    }
    None
}

/// Whether a filter of system calls applies to this process, as in containers.
fn has_seccomp_filter() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mode = status
        .lines()
        .find_map(|line| line.strip_prefix("Seccomp:"));
    mode.is_some_and(|mode| mode.trim() == "2")
}

fn is_container() -> bool {
    ["/.dockerenv", "/run/.containerenv"]
        .iter()
        .any(|file| Path::new(file).exists())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
mod tests {
    use super::*;

    fn advice_of(stage: &str, errno: Errno, set: &[(&str, &str)], container: bool) -> String {
        let is = |path: &str, value: &str| set.contains(&(path, value));
        let failure = Failure::new(stage, errno);
        advice_for(&failure, is, container, container).unwrap_or_default()
    }

    #[test]
    fn each_refusal_has_the_line_that_lifts_it() {
        let user = "unshare(user, pid)";
        for (stage, errno, set, line) in [
            (
                user,
                Errno::NOSPC,
                &[][..],
                "sysctl -w user.max_user_namespaces=15000",
            ),
            (
                user,
                Errno::PERM,
                &[("kernel/unprivileged_userns_clone", "0")],
                "sysctl -w kernel.unprivileged_userns_clone=1",
            ),
            (
                "write(uid_map)",
                Errno::ACCESS,
                &[("kernel/apparmor_restrict_unprivileged_userns", "1")],
                "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
            ),
            (user, Errno::PERM, &[], "in a chroot"),
        ] {
            let advice = advice_of(stage, errno, set, false);
            assert!(advice.contains(line), "{stage}: {advice}");
        }
        for stage in [user, "mount(proc)"] {
            let advice = advice_of(stage, Errno::PERM, &[], true);
            assert!(advice.contains("seccomp=unconfined"), "{stage}: {advice}");
        }
        let stacked = advice_of(MERGE, Errno::INVAL, &[], false);
        assert!(stacked.contains("a volume of the container"), "{stacked}");
        let unknown = advice_of(MERGE, Errno::NODEV, &[], true);
        assert!(unknown.contains("modprobe overlay"), "{unknown}");
        assert_eq!(advice_of("pivot_root", Errno::INVAL, &[], true), "");
    }
}
