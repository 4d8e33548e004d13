//! What belongs to the host or to another function and can be reached from a sandbox: the Runtime API of the other one,
//! and the file of the program `lambkin`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::{As, Inside, USER, command, give, namespaces};
use crate::support::{Missing, Project, lambkin, tool};

#[test]
fn the_runtime_api_refuses_the_processes_of_another_function() {
    for host in As::all() {
        let say = [("say", "echo $AWS_LAMBDA_RUNTIME_API")];
        let Ok(victim) = Inside::new(host, "", &say) else {
            return;
        };
        let api = format!("http://{}/2018-06-01/runtime", victim.run("say").trim());
        let next = format!("curl -sS -m 10 {api}/invocation/next");
        let answer = format!("curl -sS -m 10 {api}/invocation/1/response -d stolen");
        let Ok(thief) = Inside::new(host, "", &[("next", &next), ("answer", &answer)]) else {
            return;
        };
        for script in ["next", "answer"] {
            let refused = thief.run(script);
            assert!(
                refused.contains("AccessDeniedException"),
                "{host:?}: {refused}"
            );
        }
        let log = victim.server.log_with("refused process");
        assert_eq!(log.matches("refused process").count(), 1, "{log}");
        assert!(victim.run("say").contains(':'));
    }
}

/// Runs in every program that is started with it, and ends all but the one that is lambkin's file.
const CHANGES_ITS_FILE: &str = r#"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
__attribute__((constructor)) static void change(void) {
  char path[4096] = {0};
  readlink("/proc/self/exe", path, sizeof path - 1);
  int file = open("/proc/self/exe", O_RDONLY);
  int changed = fchmod(file, 0777);
  fprintf(stderr, "attack on %s: %s\n", path, changed == 0 ? "changed" : strerror(errno));
  fflush(stderr);
  _exit(0);
}
"#;

/// A project with a function whose program is the file that its parent runs, with a library that changes that file.
fn attacker() -> Result<Project, Missing> {
    let mut compiler = Command::new("cc");
    compiler.arg("--version");
    tool("a C compiler", compiler)?;
    let project = Project::new(
        "sandbox = 'namespace'\n[functions.f]\ncode = 'code'\n[functions.f.environment]\n\
         LD_PRELOAD = '/var/task/change.so'\n",
    );
    project.executable("code/bootstrap", "#!/proc/self/exe --version\n");
    let source = project.file("change.c", CHANGES_ITS_FILE);
    let made = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .arg(project.path().join("code/change.so"))
        .arg(source)
        .status()
        .unwrap();
    assert!(made.success());
    Ok(project)
}

#[test]
fn a_function_cannot_change_the_program_lambkin() {
    for host in As::all() {
        if namespaces(host).is_err() {
            return;
        }
        let Ok(project) = attacker() else {
            return;
        };
        let folder = project.path().join("bin");
        fs::create_dir(&folder).unwrap();
        let [program, other] = ["lambkin", "other"].map(|name| folder.join(name));
        fs::copy(lambkin().get_program(), &program).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        fs::hard_link(&program, &other).unwrap();
        let mut command = command(host, project.path());
        if host == As::User && rustix::process::geteuid().is_root() {
            give(project.path());
            let user = USER.to_string();
            command = Command::new("setpriv");
            command.args(["--reuid", &user, "--regid", &user, "--clear-groups"]);
            command.arg(&program);
            command.env("HOME", project.path());
        } else {
            let environment: Vec<_> = command
                .get_envs()
                .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
                .collect();
            command = Command::new(&program);
            command.envs(environment);
        }
        let server = project.serve_by(command, &[]);
        let mode = || fs::metadata(&other).unwrap().permissions().mode() & 0o7777;
        server.invoke("f", "1");
        let log = server.log_with("attack on");
        assert!(log.contains("Read-only file system"), "{host:?}: {log}");
        assert!(!log.contains("changed"), "{host:?}: {log}");
        assert_eq!(mode(), 0o755, "{host:?}");
        // Under another name, as after an update.
        fs::remove_file(&program).unwrap();
        server.invoke("f", "1");
        server.log_with("attack on /memfd:lambkin");
        assert_eq!(mode(), 0o755, "{host:?}");
    }
}
