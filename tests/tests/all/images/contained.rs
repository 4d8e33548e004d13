//! Hostile images, and hostile functions in images: nothing of the host is reached or left behind.

use std::fs;

use rustix::process::Signal;

use super::{project, run, scripts, serve, served};
use crate::sandbox::{As, runs};
use crate::support::eventually;

/// A number of seconds that no other test sleeps for.
fn marker(host: As, test: &str) -> String {
    format!("88{}{}{test}", std::process::id(), host as u8)
}

#[test]
fn links_of_an_image_at_the_places_of_mounts_lead_nowhere() {
    for host in As::all() {
        let outside = tempfile::tempdir().unwrap();
        let victim = outside.path().join("victim");
        fs::write(&victim, "of the host").unwrap();
        if rustix::process::geteuid().is_root() {
            // So that the ordinary user could write there as well.
            std::os::unix::fs::chown(outside.path(), Some(1500), Some(1500)).unwrap();
            std::os::unix::fs::chown(&victim, Some(1500), Some(1500)).unwrap();
        }
        let target = outside.path().to_str().unwrap();
        // While the root is made, the host's is below it.
        for prefix in ["", "/host", "/../host", "/proc/1/root", "/proc/self/cwd"] {
            let link = format!("{prefix}{target}");
            let Ok(image) = scripts(&[(
                "look",
                "ls -A /dev /proc/1/root/ /tmp /etc /host 2>&1; true",
            )]) else {
                return;
            };
            let image = image
                .link("dev", &link)
                .link("tmp", &link)
                .link("proc", &link)
                .link("etc", &link)
                .link("host", &link)
                .link("image", &link)
                .link("layers", &link)
                .link("opt", &link)
                .link("usr/local", &link)
                .link("var/runtime", &link);
            let Ok((_project, server)) = served(&image, host, "") else {
                return;
            };
            let seen = run(&server, "look");
            assert!(!seen.contains("victim"), "{host:?} {link}: {seen}");
            let left: Vec<_> = fs::read_dir(outside.path()).unwrap().flatten().collect();
            assert_eq!(left.len(), 1, "{host:?} {link}: {left:?}");
            assert_eq!(fs::read_to_string(&victim).unwrap(), "of the host");
        }
    }
}

#[test]
fn nothing_of_the_host_can_be_read_through_links_and_processes() {
    for host in As::all() {
        let script = r#"
for path in /out /var/out /proc/1/root/etc/shadow /proc/1/cwd/etc/shadow /proc/self/root/etc/shadow \
  /../../etc/shadow /etc/shadow /proc/1/environ /proc/1/mem /proc/1/maps /proc/kcore /proc/1/fd/0; do
  cat "$path" 2>/dev/null | grep -q . && echo "readable: $path"
done
ls -l /proc/1/fd 2>/dev/null | grep -- '->' | sed 's/^/link: /'
echo processes: $(cat /proc/[0-9]*/comm | tr '\n' ' ')
"#;
        let Ok(image) = scripts(&[("read", script)]) else {
            return;
        };
        let project = project(&image, "");
        let secret = project.file("secret", "of the host");
        image
            .link("out", secret.to_str().unwrap())
            .link("var/out", "../../../../../../etc/shadow")
            .save(&project.path().join("app.tar"));
        let Ok(server) = serve(&project, host) else {
            return;
        };
        let read = run(&server, "read");
        for unexpected in ["readable: ", "link: ", "lambkin"] {
            assert!(!read.contains(unexpected), "{host:?} {unexpected}: {read}");
        }
        assert!(read.contains("sandbox-init"), "{read}");
    }
}

#[test]
fn the_host_and_the_first_process_cannot_be_killed() {
    for host in As::all() {
        let kill = r#"
kill -KILL $2 2>/dev/null && echo "killed the host"
kill -KILL 1 2>/dev/null; kill -STOP 1 2>/dev/null
kill -0 1 2>/dev/null && echo "may signal the first process"
echo done
"#;
        let Ok(image) = scripts(&[("kill", kill), ("everything", "kill -KILL -1; sleep 100")])
        else {
            return;
        };
        let Ok((_project, server)) = served(&image, host, "") else {
            return;
        };
        let kill = format!("kill {}", server.pid());
        assert_eq!(run(&server, &kill), "done\n", "{host:?}");
        let reply = server.invoke("echo", "\"everything\"");
        assert!(reply.text().contains("signal: killed"), "{}", reply.text());
        assert_eq!(
            run(&server, &kill),
            "done\n",
            "the next call has a new sandbox"
        );
    }
}

#[test]
fn a_fork_bomb_gets_errors_and_ends_with_its_host() {
    for host in As::all() {
        let marker = marker(host, "1");
        // Its children do nothing, and are in sessions of their own.
        let bomb = format!(
            "sh -c 'while :; do setsid sleep {marker} & done' 2> /tmp/said; head -c 200 /tmp/said >&2"
        );
        let Ok(image) = scripts(&[("bomb", &bomb), ("ok", "echo ok")]) else {
            return;
        };
        let Ok((_project, server)) = served(&image, host, "enforce-memory = false\n") else {
            return;
        };
        let exploding = server.invoke_meanwhile("echo", "\"bomb\"");
        eventually("many processes", || {
            let count = fs::read_dir("/proc").unwrap().flatten().filter(|process| {
                fs::read(process.path().join("cmdline"))
                    .is_ok_and(|line| String::from_utf8_lossy(&line).contains(&marker))
            });
            count.count() > 500 || exploding.is_finished()
        });
        assert!(runs(&marker));
        server.signal(Signal::KILL);
        eventually("the processes to be gone", || !runs(&marker));
        drop(exploding);
    }
}

#[test]
fn an_invocation_that_times_out_leaves_nothing_behind() {
    for host in As::all() {
        let marker = marker(host, "2");
        let script = format!(
            "setsid sleep {marker} &\n(setsid sh -c 'trap \"\" TERM HUP; sleep {marker} & sleep {marker}' &)\nsleep {marker}"
        );
        let Ok(image) = scripts(&[("hang", &script), ("ok", "echo ok")]) else {
            return;
        };
        let project =
            crate::support::Project::new("[functions.echo]\nimage = \"app.tar\"\ntimeout = 3\n");
        image.save(&project.path().join("app.tar"));
        let Ok(server) = serve(&project, host) else {
            return;
        };
        let hanging = server.invoke_meanwhile("echo", "\"hang\"");
        eventually("the processes to run", || {
            runs(&marker) || hanging.is_finished()
        });
        let reply = hanging.join().unwrap().text();
        assert!(reply.contains("timed out after 3.00 seconds"), "{reply}");
        eventually("the processes to be gone", || !runs(&marker));
        assert_eq!(run(&server, "ok"), "ok\n");
    }
}

#[test]
fn memory_is_limited() {
    for host in As::all() {
        let grow = "x=$(head -c 300m /dev/zero | tr '\\0' x); echo ${#x}";
        let Ok(image) = scripts(&[("grow", grow), ("ok", "echo ok")]) else {
            return;
        };
        let Ok((_project, server)) = served(&image, host, "") else {
            return;
        };
        assert_eq!(run(&server, "ok"), "ok\n");
        let reply = server.invoke("echo", "\"grow\"").text();
        assert!(reply.contains("signal: killed"), "{reply}");
        server.log_with("more than its memory of 128 MB");
    }
}
