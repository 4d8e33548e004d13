//! What a function in an image sees: the image's files, itself, and nothing of the machine.

use std::fs;

use super::{run, scripts, served};
use crate::sandbox::As;

/// `KEY=VALUE` lines about a function's surroundings.
const FACTS: &str = r#"
echo uid=$(id -u) gid=$(id -g) groups=$(id -G)
echo hostname=$(hostname)
echo pid-is-small=$(( $$ < 20 ))
grep -E '^(CapInh|CapPrm|CapEff|CapBnd|CapAmb|NoNewPrivs):' /proc/self/status
for file in / /var/task /usr /etc /scripts /dev; do
  touch $file/not-there-$$ 2>/dev/null && echo writable: $file
  touch $file/not-there-$$ 2>&1 | grep -q 'Read-only file system' && echo read-only: $file
done
ls -A /tmp | grep -vxE 'event|headers' | sed 's/^/in-tmp: /'
touch /tmp/own && echo writable: /tmp
echo devices=$(cd /dev; echo *)
echo root=$(cd /; echo *)
echo etc=$(cd /etc; echo *)
cat /etc/own
grep sandbox.localdomain /etc/hosts
mount -t tmpfs none /tmp 2>/dev/null && echo mounted
umount /proc 2>/dev/null && echo unmounted
unshare --user --map-root-user true 2>/dev/null && echo namespaced
echo mounts=$(sed 's/ - .*//' /proc/self/mountinfo | awk '{ print $5 }' | tr '\n' ' ')
"#;

#[test]
fn the_files_of_the_image_are_all_there_is() {
    for host in As::all() {
        let Ok(image) = scripts(&[("facts", FACTS)]) else {
            return;
        };
        let image = image
            .file("etc/own", "file of the image\n")
            .file("etc/hosts", "10.0.0.1 of-the-image\n")
            .file("tmp/hidden", "")
            .file("dev/shm/hidden", "")
            .user("root");
        let Ok((_project, server)) = served(&image, host, "") else {
            return;
        };
        let facts = run(&server, "facts");
        for expected in [
            "uid=993 gid=990 groups=990",
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
            "read-only: /usr",
            "read-only: /etc",
            "read-only: /scripts",
            "read-only: /dev",
            "writable: /tmp",
            "devices=fd full null random stderr stdin stdout tty urandom zero",
            "etc=hosts own resolv.conf",
            "file of the image",
            "127.0.0.1 sandbox.localdomain sandbox",
        ] {
            assert!(
                facts.lines().any(|line| line == expected),
                "{host:?} {expected}: {facts}"
            );
        }
        for unexpected in [
            "in-tmp: ",
            "mounted",
            "namespaced",
            "of-the-image",
            "/image",
            "/host",
        ] {
            assert!(
                !facts.contains(unexpected),
                "{host:?} {unexpected}: {facts}"
            );
        }
        let writable = facts.lines().filter(|line| line.starts_with("writable: "));
        assert_eq!(writable.count(), 1, "{facts}");
        let root = facts.lines().find_map(|line| line.strip_prefix("root="));
        let root = root.unwrap().replace("lib64 ", "");
        assert_eq!(root, "bin dev etc lib proc scripts tmp usr var", "{facts}");
    }
}

#[test]
fn temporary_files_have_a_limit() {
    for host in As::all() {
        let fill =
            "head -c 10m /dev/zero > /tmp/fill; rm -f headers event.part; stat -c %s /tmp/fill";
        let Ok(image) = scripts(&[("fill", fill)]) else {
            return;
        };
        let Ok((_project, server)) = served(&image, host, "ephemeral-storage = 4\n") else {
            return;
        };
        let filled = run(&server, "fill");
        assert!(filled.contains("No space left on device"), "{filled}");
        let bytes: u64 = filled.lines().last().unwrap().parse().unwrap();
        assert!(
            (4 * 1024 * 1024 - 32 * 1024..=4 * 1024 * 1024).contains(&bytes),
            "{filled}"
        );
    }
}

#[test]
fn names_are_resolved_as_on_the_host() {
    for host in As::all() {
        let script = "cat /etc/resolv.conf";
        let Ok(image) = scripts(&[("names", script)]) else {
            return;
        };
        // Links where files of the machine are put.
        let image = image.link("etc/resolv.conf", "/nowhere/resolv.conf");
        let Ok((_project, server)) = served(&image, host, "") else {
            return;
        };
        let expected = fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
        let found = run(&server, "names");
        assert_eq!(found.trim_end(), expected.replace('\t', " ").trim_end());
    }
}

#[test]
fn files_without_permissions_for_others_cannot_be_read() {
    for host in As::all() {
        let script = "cat /private; cat /scripts/read > /dev/null && echo public";
        let Ok(image) = scripts(&[("read", script)]) else {
            return;
        };
        let image = image.file_with_mode("private", "private\n", 0o600);
        let Ok((_project, server)) = served(&image, host, "") else {
            return;
        };
        // As on Lambda, where files belong to another user.
        let expected = "cat: /private: Permission denied\npublic\n";
        assert_eq!(run(&server, "read"), expected, "{host:?}");
    }
}
