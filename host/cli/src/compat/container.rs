//! Whether this program runs in a container, which decides the address on which an emulator listens by default.
//!
//! In a container, an emulator listens on all addresses, as the original does: the engine publishes a port only if it is
//! asked to, and cannot reach the container's loopback interface. Outside, the network of the machine would reach it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;

use super::variables::Variables;

/// Files that container engines create: Docker, Podman and CRI-O.
const FILES: [&str; 2] = [".dockerenv", "run/.containerenv"];

/// Variables that container engines set: Podman, LXC and systemd-nspawn, and Kubernetes.
const VARIABLES: [&str; 2] = ["container", "KUBERNETES_SERVICE_HOST"];

/// Names in the control group of a container's first process.
const CONTROL_GROUPS: [&str; 6] = ["docker", "kubepods", "containerd", "libpod", "lxc", "ecs"];

/// Whether the program with these variables and this root folder runs in a container.
pub fn is_container(root: &Path, variables: &Variables) -> bool {
    let in_group = || {
        let groups = std::fs::read_to_string(root.join("proc/1/cgroup")).unwrap_or_default();
        let mut names = groups.split(['/', '-', '.', ':', '\n']);
        names.any(|name| CONTROL_GROUPS.contains(&name))
    };
    FILES.iter().any(|file| root.join(file).exists())
        || VARIABLES.iter().any(|key| variables.get(key).is_some())
        || in_group()
}

/// The address on which an emulator listens by default.
pub fn listen_address(is_container: bool, port: u16) -> SocketAddr {
    let ip = if is_container {
        Ipv4Addr::UNSPECIFIED
    } else {
        Ipv4Addr::LOCALHOST
    };
    SocketAddr::new(IpAddr::V4(ip), port)
}

/// What is printed when an emulator listens on this machine only because this is not a container; `how` says what makes
/// it listen on all addresses.
pub fn loopback_note(how: &str) -> String {
    format!(
        "only programs on this machine can connect, because this is not a container; {how} to listen on all addresses"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sign_of_a_container_is_recognised() {
        let none = Variables::default;
        let root = tempfile::tempdir().unwrap();
        let write = |file: &str, text: &str| {
            let path = root.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        assert!(!is_container(root.path(), &none()));
        for key in VARIABLES {
            assert!(is_container(root.path(), &Variables::from([(key, "x")])));
            assert!(!is_container(root.path(), &Variables::from([(key, "")])));
        }
        for (text, expected) in [
            ("0::/init.scope\n", false),
            ("0::/\n", false),
            ("0::/system.slice/dockerd-helper.service\n", false),
            ("12:cpu:/docker/0123abcd\n", true),
            ("0::/system.slice/docker-0123abcd.scope\n", true),
            ("1:name=systemd:/kubepods/besteffort/pod1/2\n", true),
            ("0::/kubepods.slice/kubepods-pod1.slice\n", true),
            ("0::/machine.slice/libpod-0123.scope\n", true),
            ("4:memory:/lxc/web\n", true),
        ] {
            write("proc/1/cgroup", text);
            assert_eq!(is_container(root.path(), &none()), expected, "{text}");
        }
        write("proc/1/cgroup", "");
        for file in FILES {
            write(file, "");
            assert!(is_container(root.path(), &none()), "{file}");
            std::fs::remove_file(root.path().join(file)).unwrap();
        }
    }
}
