//! What a function sees: itself, and nothing else of the machine.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process;

use super::{As, Inside, project, serve};

/// `KEY=VALUE` lines about a function's surroundings.
const FACTS: &str = r#"
echo uid=$(id -u) gid=$(id -g) groups=$(id -G)
echo cwd=$(cd "$LAMBDA_TASK_ROOT"; pwd) task=$LAMBDA_TASK_ROOT home=${HOME-none} tmpdir=${TMPDIR-none}
echo hostname=$(hostname)
echo pid-is-small=$(( $$ < 20 ))
grep -E '^(CapInh|CapPrm|CapEff|CapBnd|CapAmb|NoNewPrivs):' /proc/self/status
for file in / /var/task /opt /var/runtime /usr /etc /var; do
  touch $file/not-there-$$ 2>/dev/null && echo writable: $file
  touch $file/not-there-$$ 2>&1 | grep -q 'Read-only file system' && echo read-only: $file
done
ls -d /dev/shm /sys /home /root /work /host /layers /run /mnt /boot /etc/shadow /etc/ssl/private 2>/dev/null | sed 's/^/visible: /'
ls -A /tmp | grep -vxE 'event|headers' | sed 's/^/in-tmp: /'
touch /tmp/own && echo writable: /tmp
echo devices=$(cd /dev; echo *)
ls -A / | tr '\n' ' '; echo
mount -t tmpfs none /tmp 2>/dev/null && echo mounted
umount /usr 2>/dev/null && echo unmounted
unshare --user --map-root-user true 2>/dev/null && echo namespaced
python3 -c 'import multiprocessing; multiprocessing.Lock()' 2>/dev/null && echo semaphores
true
"#;

#[test]
fn a_function_sees_what_it_sees_on_lambda() {
    for host in As::all() {
        let Ok(inside) = Inside::new(host, "", &[("facts", FACTS)]) else {
            return;
        };
        let facts = inside.run("facts");
        for expected in [
            "uid=993 gid=990 groups=990",
            "cwd=/var/task task=/var/task home=none tmpdir=none",
            "hostname=169.254.76.1",
            "pid-is-small=1",
            "CapInh: 0000000000000000",
            "CapPrm: 0000000000000000",
            "CapEff: 0000000000000000",
            "CapBnd: 0000000000000000",
            "CapAmb: 0000000000000000",
            "NoNewPrivs: 1",
            "read-only: /",
            "read-only: /var/task",
            "read-only: /opt",
            "read-only: /var/runtime",
            "read-only: /usr",
            "read-only: /etc",
            "read-only: /var",
            "writable: /tmp",
            "devices=fd full null random stderr stdin stdout tty urandom zero",
        ] {
            assert!(
                facts.lines().any(|line| line == expected),
                "{host:?} {expected}: {facts}"
            );
        }
        for unexpected in [
            "visible: ",
            "in-tmp: ",
            "mounted",
            "namespaced",
            "semaphores",
        ] {
            assert!(
                !facts.contains(unexpected),
                "{host:?} {unexpected}: {facts}"
            );
        }
        let writable = facts.lines().filter(|line| line.starts_with("writable: "));
        assert_eq!(writable.count(), 1, "{facts}");
    }
}

#[test]
fn names_and_certificates_are_resolved_inside() {
    for host in As::all() {
        let script = "getent hosts localhost sandbox.localdomain | tr -s ' '\nid -un\nls /etc/ssl/certs | wc -l\n\
                      test -s /etc/resolv.conf && echo resolves\nls -d /etc/machine-id /etc/passwd- 2>/dev/null\ntrue\n";
        let Ok(inside) = Inside::new(host, "", &[("names", script)]) else {
            return;
        };
        let names = inside.run("names");
        assert!(names.contains("127.0.0.1 sandbox.localdomain"), "{names}");
        assert!(names.contains("sbx_user1051"), "{names}");
        assert_eq!(
            names.contains("resolves"),
            fs::metadata("/etc/resolv.conf").is_ok_and(|file| file.len() > 0)
        );
        let certificates = fs::read_dir("/etc/ssl/certs").map_or(0, Iterator::count);
        assert!(names.contains(&format!("\n{certificates}\n")), "{names}");
        assert!(!names.contains("/etc/"), "{names}");
    }
}

#[test]
fn temporary_files_have_a_limit_and_belong_to_one_environment() {
    for host in As::all() {
        let fill =
            "head -c 10m /dev/zero > /tmp/fill; rm -f headers event.part; stat -c %s /tmp/fill";
        let second = "[functions.other]\ncode = \"code\"\nsandbox = \"namespace\"\ntimeout = 30\n";
        let settings = format!("ephemeral-storage = 4\n{second}");
        let empty = "n=0; while [ $n -lt 1200 ] && : > /tmp/empty$n; do n=$((n + 1)); done 2>/dev/null\n\
                     rm -f /tmp/empty*; echo $n";
        let scripts = [("fill", fill), ("list", "ls -A /tmp"), ("empty", empty)];
        let Ok(inside) = Inside::new(host, &settings, &scripts) else {
            return;
        };
        // Empty files take no space, and have a limit nevertheless.
        let created: u32 = inside.run("empty").trim().parse().unwrap();
        assert!((900..=1024).contains(&created), "{created}");
        let filled = inside.run("fill");
        assert!(filled.contains("No space left on device"), "{filled}");
        let bytes: u64 = filled.lines().last().unwrap().parse().unwrap();
        // The files of the script that calls the Runtime API are beside it.
        assert!(
            (4 * 1024 * 1024 - 32 * 1024..=4 * 1024 * 1024).contains(&bytes),
            "{filled}"
        );
        assert!(
            inside.run("list").contains("fill"),
            "the environment keeps its files"
        );
        let other = inside.server.invoke("other", "\"list\"").text();
        assert!(!other.contains("fill"), "{other}");
    }
}

#[test]
fn nothing_of_the_host_and_of_other_functions_can_be_read() {
    for host in As::all() {
        let secret = "[functions.secret]\ncode = \"secret\"\nsandbox = \"namespace\"\n\
                      environment = { PASSWORD = \"hunter2\" }\n";
        let script = r#"
. "$LAMBDA_TASK_ROOT/paths"
for path in "$SECRET" "$HOST_FILE" /var/task/out-absolute /var/task/out-relative/shadow \
  /proc/1/root/etc/shadow /proc/1/cwd/etc/shadow /proc/self/root/etc/shadow /../../etc/shadow /proc/1/environ /proc/1/mem \
  /proc/1/maps /proc/kcore /proc/1/fd/0; do
  cat "$path" 2>/dev/null | grep -q . && echo "readable: $path"
done
ls -l /proc/1/fd 2>/dev/null | grep -- '->' | sed 's/^/link: /'
for file in /proc/[0-9]*/environ; do tr '\0' '\n' < $file 2>/dev/null; done | grep PASSWORD
test -e "/proc/$HOST_PID/comm" && cat /proc/$HOST_PID/comm
echo processes: $(cat /proc/[0-9]*/comm | sort -u | tr '\n' ' ')
"#;
        let Ok(project) = project(secret, &[("read", script)]) else {
            return;
        };
        project.executable("secret/bootstrap", "#!/bin/sh\nsleep 1000\n");
        project.file("host-file", "of the host");
        let path = project.path().display();
        project.file(
            "code/paths",
            format!(
                "SECRET={path}/secret/bootstrap\nHOST_FILE={path}/host-file\nHOST_PID={}\n",
                process::id()
            ),
        );
        symlink(
            project.path().join("host-file"),
            project.path().join("code/out-absolute"),
        )
        .unwrap();
        symlink("../../../../etc", project.path().join("code/out-relative")).unwrap();
        let Ok(server) = serve(&project, host, &[]) else {
            return;
        };
        let inside = Inside { server, project };
        let _other = inside.server.invoke_meanwhile("secret", "1");
        inside.server.log_with("secret | START");
        let read = inside.run("read");
        for unexpected in ["readable: ", "link: ", "hunter2", "lambkin", "sleep"] {
            assert!(!read.contains(unexpected), "{host:?} {unexpected}: {read}");
        }
        assert!(
            read.contains("processes: ") && read.contains("sandbox-init"),
            "{read}"
        );
    }
}

#[test]
fn layers_are_merged_in_opt_and_later_ones_win() {
    for host in As::all() {
        let script =
            "cat /opt/name /opt/first /opt/lib/second; echo $PATH; tool; touch /opt/x; ls /opt\n";
        let Ok(project) = project(
            "layers = [\"one\", \"two\", \"three\"]\n",
            &[("read", script)],
        ) else {
            return;
        };
        for (file, content) in [
            ("one/name", "one\n"),
            ("one/first", "only in one\n"),
            ("two/name", "two\n"),
            ("two/lib/second", "only in two\n"),
            ("three/name", "three\n"),
        ] {
            project.file(file, content);
        }
        project.executable("three/bin/tool", "#!/bin/sh\necho tool of a layer\n");
        let Ok(server) = serve(&project, host, &[]) else {
            return;
        };
        let inside = Inside { server, project };
        assert_eq!(
            inside.run("read"),
            "three\nonly in one\nonly in two\n/usr/local/bin:/usr/bin:/bin:/opt/bin\ntool of a layer\n\
             touch: cannot touch '/opt/x': Read-only file system\nbin\nfirst\nlib\nname\n"
        );
    }
}

#[test]
fn an_extension_of_a_layer_runs_in_a_sandbox() {
    for host in As::all() {
        let Ok(project) = project("layers = [\"layer\"]\n", &[("nothing", "echo ran")]) else {
            return;
        };
        let extension = r#"#!/bin/bash
cd /tmp
api="http://$AWS_LAMBDA_RUNTIME_API/2020-01-01/extension"
curl -sS -D registered -o /dev/null -H 'Lambda-Extension-Name: watcher' "$api/register" -d '{"events":["INVOKE"]}'
id=$(sed -n 's/^lambda-extension-identifier: *\([^[:space:]]*\).*/\1/Ip' registered)
echo "extension $(id -u) at $0"
while curl -sS -o event -H "Lambda-Extension-Identifier: $id" "$api/event/next"; do :; done
"#;
        project.executable("layer/extensions/watcher", extension);
        let Ok(server) = serve(&project, host, &[]) else {
            return;
        };
        let inside = Inside { server, project };
        assert_eq!(inside.run("nothing"), "ran\n");
        inside
            .server
            .log_with("extension 993 at /opt/extensions/watcher");
    }
}

#[test]
fn a_program_that_only_its_owner_may_execute_is_explained() {
    let Ok(project) = project("", &[]) else {
        return;
    };
    if !As::all().contains(&As::Root) {
        return;
    }
    let mode = fs::Permissions::from_mode(0o700);
    fs::set_permissions(project.path().join("code/bootstrap"), mode).unwrap();
    let Ok(server) = serve(&project, As::Root, &[]) else {
        return;
    };
    let reply = server.invoke("echo", "\"nothing\"").text();
    assert!(reply.contains("Runtime.InvalidEntrypoint"), "{reply}");
    server.log_with("functions run as user 993, as on AWS; `chmod o+rx ");
}

#[test]
fn code_that_only_its_owner_may_open_is_opened_and_files_without_permissions_are_not() {
    for host in As::all() {
        let script = "cat $LAMBDA_TASK_ROOT/private; cat $LAMBDA_TASK_ROOT/public";
        let Ok(project) = project(
            "",
            &[
                ("read", script),
                ("private", "private"),
                ("public", "public\n"),
            ],
        ) else {
            return;
        };
        let mode = |path: &Path, mode| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        };
        mode(&project.path().join("code"), 0o700);
        mode(&project.path().join("code/private"), 0o600);
        let Ok(server) = serve(&project, host, &[]) else {
            return;
        };
        let inside = Inside { server, project };
        let expected = match host {
            // As on Lambda.
            As::Root => "cat: /var/task/private: Permission denied\npublic\n",
            As::User => "privatepublic\n",
        };
        assert_eq!(inside.run("read"), expected, "{host:?}");
    }
}
