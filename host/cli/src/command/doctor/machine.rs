//! `lambkin doctor` without a function: prints what this machine can do for functions, and what would enable the rest.
//!
//! Everything is found out by trying. Nothing is changed, and no configuration is read.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use lambkin_process::sandbox::Failure;
use lambkin_process::{
    Exit, Launch, Process, Support, advice, finds_peers, lists_descendants, scopes_signals,
    scopes_sockets, support,
};
use lambkin_runtimes::interpreters;

use super::report::Report;
use crate::config;

/// The exit code if functions cannot run at all.
const EXIT_BROKEN: u8 = 1;

/// Prints the report to standard output.
pub async fn run() -> anyhow::Result<ExitCode> {
    let mut report = Report::default();
    report.section("sandbox \"process\": functions are processes that see the machine");
    let starts = starts_processes().await;
    report.row("programs are started", starts.clone());
    if cfg!(target_os = "linux") {
        report.row(
            "nothing outlives lambkin, frozen and limited are all descendants",
            need(
                lists_descendants(),
                "mount /proc, of a kernel with CONFIG_PROC_CHILDREN",
            ),
        );
        report.row(
            "functions cannot signal other processes",
            need(
                scopes_signals(),
                "needs Linux 6.12 with Landlock: add `landlock` to the list in /sys/kernel/security/lsm with the kernel's \
                 parameter `lsm=`",
            ),
        );
        report.row(
            "only a function's own processes reach its Runtime API",
            need(
                finds_peers(),
                "needs a kernel with CONFIG_INET_DIAG: `sudo modprobe tcp_diag`",
            ),
        );
    }
    report.section(
        "sandbox \"namespace\": functions have the file system of Lambda and see nothing else",
    );
    let Support { namespace, overlay } = support().await;
    report.row(
        &format!(
            "user, PID, mount, IPC and UTS namespaces, user 993 ({})",
            ids()
        ),
        sandbox_row(namespace),
    );
    report.row(
        "several layers are merged at /opt (overlay)",
        sandbox_row(overlay),
    );
    report.row(
        "functions from container images, with `image` (overlay)",
        sandbox_row(overlay),
    );
    #[cfg(target_os = "linux")]
    report.row(
        "functions cannot connect to abstract Unix sockets, such as those of X11 and D-Bus",
        need(
            scopes_sockets(),
            "needs Linux 6.12 with Landlock, as for signals; before, they can, as the network is the machine's",
        ),
    );
    #[cfg(target_os = "linux")]
    report.row(
        "the 1,025th process is refused with EAGAIN",
        need(
            lambkin_process::sandbox::limits_tasks(),
            "needs Linux 5.14; before, such a function is killed",
        ),
    );
    report.section("memory");
    report.row(
        "watched every 10 ms; control groups are not needed and not used",
        need(
            Path::new("/proc/self/statm").exists(),
            "needs Linux with /proc: memory is not limited here",
        ),
    );
    report.section("interpreters of managed runtimes, besides those of projects");
    let machine = config::machine();
    for language in interpreters(&machine) {
        for found in &language.found {
            let text = format!(
                "{} {} at {} ({}): {}",
                language.language,
                found.version,
                found.program.display(),
                found.rule,
                found.runtime
            );
            report.row(&text, Ok(()));
        }
        if let Some(install) = language.install {
            report.row(language.language, Err(format!("to install it: {install}")));
        }
    }
    io::stdout().lock().write_all(report.text().as_bytes())?;
    Ok(match starts {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(EXIT_BROKEN),
    })
}

fn need(works: bool, otherwise: &str) -> Result<(), String> {
    works.then_some(()).ok_or_else(|| otherwise.to_owned())
}

fn sandbox_row(result: &Result<(), Failure>) -> Result<(), String> {
    result.as_ref().map_err(|failure| match advice(failure) {
        Some(advice) => format!("{failure}\n{advice}"),
        None => failure.to_string(),
    })?;
    Ok(())
}

/// Starts a program as the runtime of a function is.
async fn starts_processes() -> Result<(), String> {
    let launch = Launch {
        program: PathBuf::from("/bin/sh"),
        arguments: ["-c", "exit 7"].map(str::to_owned).to_vec(),
        variables: BTreeMap::new(),
        directory: PathBuf::from("/"),
        sandbox: None,
    };
    let (mut process, _outputs) = Process::spawn(&launch).map_err(|error| {
        format!("the supervisor, which is lambkin itself, cannot be started: {error}")
    })?;
    let exit = process.exited().await;
    process.kill().await;
    match exit {
        Exit::Code(7) => Ok(()),
        exit => Err(format!("/bin/sh -c 'exit 7' ended with: {exit}")),
    }
}

/// What user 993 is outside of a sandbox.
fn ids() -> &'static str {
    match lambkin_process::is_root() {
        true => "outside one that owns nothing, as lambkin runs as root",
        false => "outside yours",
    }
}
