//! Ways around a sandbox that are no files: what the host was started with, sockets without files, and the host's own
//! processes.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::process::Command;

use super::{As, Inside, command, namespaces};
use crate::support::{Project, curl, lambkin, tool};

#[test]
fn files_that_lambkin_was_started_with_do_not_reach_functions() {
    let script = r#"
[ -w . ] || cd /tmp
while next; do
  respond "\"$(ls /proc/self/fd | tr '\n' ' ')$(cat <&7)\""
done
"#;
    for host in As::all() {
        for mode in ["process", "namespace"] {
            if mode == "namespace" && namespaces(host).is_err() {
                return;
            }
            let Ok(project) = Project::bash("timeout = 30\n", script) else {
                return;
            };
            let secret = project.file("secret", "of whoever has started lambkin");
            let plain = command(host, project.path());
            let mut command = Command::new("sh");
            command.args(["-c", "exec 7< \"$0\" && exec \"$@\""]);
            command.arg(secret).arg(plain.get_program());
            command.args(plain.get_args());
            for (name, value) in plain.get_envs() {
                command.env(name, value.unwrap());
            }
            let server = project.serve_by(command, &["--sandbox", mode]);
            // The fourth is the folder that `ls` reads.
            let open = server.invoke("echo", "1").text();
            assert_eq!(open, "\"0 1 2 3 \"", "{host:?} {mode} {}", server.log());
        }
    }
}

#[test]
fn sockets_with_abstract_names_are_out_of_reach() {
    let mut probe = Command::new("sh");
    let row = "yes  functions cannot connect to abstract Unix sockets";
    let script = format!("\"$0\" doctor | grep -q '{row}'");
    probe.args(["-c", &script]).arg(lambkin().get_program());
    if tool("Landlock's scopes, since Linux 6.12", probe).is_err() || curl().is_err() {
        return;
    }
    let name = format!("lambkin-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let listener = UnixListener::bind_addr(&address).unwrap();
    UnixStream::connect_addr(&address).unwrap();
    listener.accept().unwrap();
    listener.set_nonblocking(true).unwrap();
    let script = format!("curl -sS --max-time 10 --abstract-unix-socket {name} http://x/ 2>&1");
    for host in As::all() {
        let Ok(inside) = Inside::new(host, "", &[("connect", &script)]) else {
            return;
        };
        let said = inside.run("connect");
        assert!(said.starts_with("curl: (7)"), "{host:?} {said}");
        let accepted = listener.accept().map_err(|error| error.kind());
        assert_eq!(accepted.err(), Some(std::io::ErrorKind::WouldBlock));
    }
}

#[test]
fn the_first_process_of_a_sandbox_cannot_be_traced() {
    for host in As::all() {
        // The kernel gives the files of a process that cannot be traced to root, whom the program's namespace may not have.
        let script = "stat -c %u /proc/1/environ /proc/self/environ\n";
        let Ok(inside) = Inside::new(host, "", &[("owners", script)]) else {
            return;
        };
        let owners = inside.run("owners");
        let [first, own] = owners.lines().collect::<Vec<_>>()[..] else {
            panic!("{owners}");
        };
        assert_ne!(first, "993", "{host:?}");
        assert_eq!(own, "993", "{host:?} the program itself can be debugged");
    }
}
